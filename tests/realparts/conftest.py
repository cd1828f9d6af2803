"""The real programs as fixtures: ``needs_provider``, ``needs_act`` and so on give the path that their name promises.

In: ``tests/realparts/parts.py``. Out: a path; or the one skip that is allowed here, a machine without Go, with its reason; or a
failure that says what to run or install. Never: a silent pass without the real part.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model.cluster import ClusterSnapshot
from tests.realparts import parts
from tests.realparts.control_plane import ControlPlane, Programs
from tests.realparts.delivery import SUPERMARKET, Delivery, from_golden

SNAPSHOT = Path(__file__).parents[2] / "examples" / "cluster-snapshot.json"


def _path(name: str, found: Path | None) -> Path:
    if found is not None:
        return found
    reason = parts.why_not(name) or f"needs {name}: run `make test-real`"
    if reason.startswith("needs Go"):
        pytest.skip(reason)
    pytest.fail(reason)


@pytest.fixture(scope="session")
def needs_provider() -> Path:
    """The file for TF_CLI_CONFIG_FILE."""
    return _path("provider", parts.provider_rc())


@pytest.fixture(scope="session")
def needs_act() -> Path:
    return _path("act", parts.binary("act"))


@pytest.fixture(scope="session")
def needs_actionlint() -> Path:
    return _path("actionlint", parts.binary("actionlint"))


@pytest.fixture(scope="session")
def needs_kwok() -> Path:
    return _path("kwok", parts.binary("kwok"))


@pytest.fixture(scope="session")
def needs_control_plane() -> Path:
    return _path("control-plane", parts.binary("control-plane"))


@pytest.fixture(scope="session")
def needs_terraform() -> Path:
    return _path("terraform", parts.terraform())


@pytest.fixture(scope="session")
def needs_kubectl() -> Path:
    return _path("kubectl", parts.kubectl())


@pytest.fixture(scope="session")
def empty_control_plane(needs_control_plane: Path, needs_kwok: Path, needs_kubectl: Path) -> Iterator[ControlPlane]:
    """One real control plane for the whole run, without a node."""
    with ControlPlane(Programs(control_plane=needs_control_plane, kwok=needs_kwok, kubectl=needs_kubectl)) as plane:
        yield plane


@pytest.fixture(scope="session")
def control_plane(empty_control_plane: ControlPlane) -> ControlPlane:
    """The same with the nodes of the example snapshot, occupied as it says, and volumes of its default class."""
    empty_control_plane.add_nodes(ClusterSnapshot.model_validate_json(SNAPSHOT.read_bytes()).nodes)
    empty_control_plane.add_volumes(4, "20Gi")
    return empty_control_plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of its own under Pod Security ``restricted``, deleted afterwards."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    control_plane.add_namespace(name)
    yield name
    control_plane.remove_namespace(name)


@pytest.fixture
def supermarket(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Delivery:
    """The golden bundle of the supermarket for this namespace, not applied yet."""
    return from_golden(control_plane, namespace, SUPERMARKET, tmp_path / "bundle")
