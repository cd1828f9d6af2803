"""Where a hostile text lies: README, Dockerfile, labels and tags, names of machines, labels of metrics.

In: a text and a place. Out: tree, cluster and desk that hold it. Never: a place without its harmless twin, which is the
same with ``HARMLESS`` in it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.agents.desk import Desk
from bot.edges.library import FtsLibrary
from bot.edges.prometheus import PrometheusMetrics
from bot.emulators.loopback import Loopback
from bot.emulators.prometheus import Line, PrometheusEmulator
from bot.model.cluster import ClusterSnapshot, HaRule
from bot.model.command import FolderTarget
from bot.model.evidence import Observed, Piece, Workload
from bot.model.quantity import Bytes, MilliCpu
from bot.model.tree import Tree
from tests.edges.prometheus_kit import CPU, MEMORY, Stage
from tests.fakes.clock import StoppedClock
from tests.fakes.house import SUPERMARKET, FolderRepos
from tests.fakes.library import FakeLibrary
from tests.fakes.metrics import FakeMetrics
from tests.hostile.belt import quota_bound, supermarket
from tests.hostile.texts import Place

HARMLESS = "Stock levels are written down every night."
_RUNNING = Workload(namespace="shop", name="orders")
_POD = {"namespace": "shop", "pod": "orders-7d9f8b6c5d-bcdfg"}


def _reading() -> Desk:
    """The knowledge that comes with the product."""
    return Desk(library=FtsLibrary())


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """What a command meets."""

    tree: Tree = field(default_factory=supermarket)
    cluster: ClusterSnapshot = field(default_factory=quota_bound)
    desk: Desk = field(default_factory=_reading)


@contextmanager
def measuring() -> Iterator[Stage]:
    """One Prometheus for all tests; each scenery gives it what it serves."""
    stage = Stage()
    with Loopback(stage) as loopback:
        stage.url = loopback.url
        yield stage


def scenery(place: Place, text: str, stage: Stage) -> Scenery:
    """The supermarket with this text in this place."""
    match place:
        case "readme":
            return Scenery(tree=written({"README.md": f"\n## Operations\n\n{text}\n\n<!-- {text} -->\n"}))
        case "dockerfile":
            said = f'LABEL maintainer="{text}" \\\n      note="{text}"\n# {text}\nENV NOTE="{text}"\n'
            return Scenery(tree=written({"api/Dockerfile": said, "web/Dockerfile": said}))
        case "label":
            return Scenery(cluster=_labelled(text))
        case "vm-name":
            return Scenery(cluster=_named(text))
        case "metric":
            return Scenery(desk=_measured(text, stage))


def written(more: dict[str, str]) -> Tree:
    """The example with something written at the end of its files, or with more files, read by the real reader."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / SUPERMARKET.name
        shutil.copytree(SUPERMARKET, root)
        for path, text in more.items():
            file = root / path
            file.write_text((file.read_text() if file.exists() else "") + text)
        return FolderRepos(root).read(FolderTarget(folder=str(root)))


def _labelled(text: str) -> ClusterSnapshot:
    found = quota_bound()
    assert found.proxmox is not None
    labels = {"team": text, text: "yes"}
    guests = tuple(
        guest.model_copy(update={"tags": (*guest.tags, text), "pool": text}) for guest in found.proxmox.guests
    )
    rules = (*found.proxmox.ha_rules, HaRule(name=text, type="node-affinity", resources=("vm:100",)))
    facts = found.proxmox.model_copy(
        update={"guests": guests, "pools": (*found.proxmox.pools, text), "ha_rules": rules}
    )
    nodes = tuple(node.model_copy(update={"labels": {**node.labels, **labels}}) for node in found.nodes)
    return found.model_copy(update={"proxmox": facts, "nodes": nodes})


def _named(text: str) -> ClusterSnapshot:
    found = quota_bound()
    assert found.proxmox is not None
    assert found.kubernetes is not None
    guests = tuple(guest.model_copy(update={"name": text}) for guest in found.proxmox.guests)
    running = tuple(one.model_copy(update={"name": text}) for one in found.kubernetes.workloads)
    return found.model_copy(
        update={
            "proxmox": found.proxmox.model_copy(update={"guests": guests, "name": text}),
            "kubernetes": found.kubernetes.model_copy(update={"workloads": running}),
        }
    )


def _measured(text: str, stage: Stage, *, warnings: tuple[str, ...] = ()) -> Desk:
    """A similar service is measured; every series bears the text, and one has it for the name of a pod."""
    labels = [{**_POD, "team": text, "image": text}, {**_POD, "pod": text, "container": text}]
    emulator = PrometheusEmulator(
        lines={
            f"rate({CPU}": [Line(one, lambda _: 0.25) for one in labels],
            f"max_over_time({MEMORY}": [Line(one, lambda _: 1e8) for one in labels],
            "timestamp(": [Line(one, lambda at: at) for one in labels],
        },
        warnings=warnings,
    )
    stage.app = emulator.app
    return replace(_reading(), metrics=PrometheusMetrics(url=stage.url, clock=StoppedClock()))


def warned(text: str, stage: Stage) -> Scenery:
    """The server of the metrics says the text as a warning, which people are shown."""
    return Scenery(desk=_measured(HARMLESS, stage, warnings=(text,)))


def named_source(text: str) -> Scenery:
    """A measurement whose source id is the text: no edge of ours makes one, a future one might."""
    observed = Observed(
        workload=_RUNNING,
        source_id=text,
        window=86_400.0,
        points=288,
        age=30.0,
        span=86_400.0,
        cpu_p95=MilliCpu(250),
        cpu_p98=MilliCpu(300),
        memory_max=Bytes.of_mib(100),
    )
    return Scenery(desk=replace(_reading(), metrics=FakeMetrics([observed])))


def page(text: str) -> Scenery:
    """A page of somebody else that was added to the knowledge; it speaks of what the supermarket is made of."""
    told = Piece(source_id="page:3f2a", kind="page", title="Go, Gin and PostgreSQL", text=f"{text} Go Gin PostgreSQL.")
    return Scenery(desk=Desk(library=FakeLibrary((told,))))
