"""Three applications as their authors packed them, planned by the product; the facts were read by a person.

The source packages are untrusted input: they are unpacked, never built, imported or run.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from bot.errors import Refusal
from bot.flow.preview import Preview
from bot.model.profile import Service
from bot.settings import Settings
from bot.verbs import PlanOrder, plan

pytestmark = pytest.mark.long
ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ROOT / ".cache" / "real-applications"
SCHEMA: Final = json.loads((ROOT / "docs" / "schema" / "plan-v1.json").read_text())


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the package's Dockerfile, compose file and code say."""

    package: str
    description: str
    service: str
    framework: str | None
    dockerfile: str
    context: str
    ports: dict[int, str]
    dependencies: set[str]
    health: str | None
    stateful: bool
    volumes: set[str]
    start: str


KINTO: Final = Truth(
    package="kinto-26.5.0",
    description="JSON storage service, 50 requests per second at peak, PostgreSQL and Memcached, no data loss",
    service="web",
    framework="pyramid",
    dockerfile="Dockerfile",
    context="",
    ports={8888: "http"},  # ENV PORT=8888, read by the start command; compose publishes it
    dependencies={"postgresql", "memcached"},  # compose sets both; the Redis backend is one of several and not chosen
    health=None,  # /v1/__heartbeat__ exists, below a prefix that only the running program knows
    stateful=False,
    volumes=set(),
    start="kinto start",
)
ISSO: Final = Truth(
    package="isso-0.14.0",
    description="Comment server for a blog, 10 requests per second at peak, SQLite on a volume",
    service="isso-server",
    framework=None,  # plain Werkzeug, which is a library
    dockerfile="Dockerfile",
    context="",
    ports={8080: "http"},  # EXPOSE, gunicorn -b 0.0.0.0:8080 and compose agree
    dependencies={"sqlite"},
    health="exec",  # compose: wget of $ISSO_ENDPOINT/info
    stateful=True,
    volumes={"/db", "/config"},  # VOLUME /db /config
    start="gunicorn",
)
COWRIE: Final = Truth(
    package="cowrie-3.1.4",
    description="SSH and Telnet honeypot with a handful of sessions at a time, keeps its logs on a volume",
    service="cowrie",
    framework=None,  # Twisted without its web server
    dockerfile="docker/Dockerfile",
    context="",
    ports={2222: "tcp", 2223: "tcp"},  # EXPOSE 2222 2223: SSH and Telnet, no HTTP
    dependencies=set(),  # forty output plugins, none of them on by default
    health=None,
    stateful=True,
    volumes={"/cowrie/cowrie-git/var", "/cowrie/cowrie-git/etc"},
    start="twistd",
)
TRUTHS: Final = (KINTO, ISSO, COWRIE)


def unpacked(truth: Truth, folder: Path) -> Path:
    archive = PACKAGES / f"{truth.package}.tar.gz"
    assert archive.is_file(), f"{archive.name} is not there: run `make test`, which downloads it by version and hash."
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / truth.package


@pytest.fixture(scope="module", params=TRUTHS, ids=lambda truth: truth.package)
def planned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, Preview]:
    truth: Truth = request.param
    home = unpacked(truth, tmp_path_factory.mktemp("real"))
    order = PlanOrder(
        git_repo=str(home), app_description=truth.description, cluster=str(ROOT / "examples" / "cluster-snapshot.json")
    )
    answer = plan(order, Settings(), progress=lambda _: None)
    assert not isinstance(answer, Refusal), answer
    return truth, answer


def service_of(planned: tuple[Truth, Preview]) -> Service:
    services = planned[1].document.profile.services
    assert [service.name for service in services] == [planned[0].service]
    return services[0]


def test_language_and_framework(planned: tuple[Truth, Preview]) -> None:
    service = service_of(planned)
    assert (service.language, service.framework) == ("python", planned[0].framework)


def test_the_dockerfile_and_its_context(planned: tuple[Truth, Preview]) -> None:
    service = service_of(planned)
    assert (service.dockerfile, service.build_context) == (planned[0].dockerfile, planned[0].context)
    assert planned[0].start in " ".join(service.start_command or ())


def test_ports_and_protocols(planned: tuple[Truth, Preview]) -> None:
    assert {port.port: port.protocol for port in service_of(planned).ports} == planned[0].ports


def test_only_what_is_in_use_is_a_dependency(planned: tuple[Truth, Preview]) -> None:
    assert {need.kind for need in service_of(planned).dependencies if need.in_use} == planned[0].dependencies


def test_health_is_what_the_repository_states(planned: tuple[Truth, Preview]) -> None:
    health = service_of(planned).health
    assert (health.kind if health else None) == planned[0].health


def test_state_and_volumes(planned: tuple[Truth, Preview]) -> None:
    service = service_of(planned)
    assert service.stateful is planned[0].stateful
    assert {volume.path for volume in service.volumes} == planned[0].volumes
    kinds = {item.name: item.kind for item in planned[1].document.plan.services}
    assert kinds[service.name] == ("StatefulSet" if planned[0].stateful else "Deployment")


def test_every_fact_leads_to_a_line_of_the_package(planned: tuple[Truth, Preview], tmp_path: Path) -> None:
    home = unpacked(planned[0], tmp_path)
    service = service_of(planned)
    places = [place for fact in (*service.ports, *service.dependencies) for place in fact.evidence]
    assert places
    for place in places:
        lines = (home / place.path).read_text(errors="replace").splitlines()
        assert 1 <= (place.line or 1) <= len(lines), place


def test_the_plan_has_files_and_no_blocking_finding(planned: tuple[Truth, Preview]) -> None:
    document = planned[1].document
    assert {path.rpartition("/")[2] for path in (file.path for file in document.files)} >= {
        "README.md",
        "plan.json",
        f"{planned[0].service}-{'statefulset' if planned[0].stateful else 'deployment'}.yaml",
        f"{planned[0].service}-service.yaml",
    }
    assert [finding for finding in document.findings if finding.severity == "block"] == []


def test_the_json_is_what_the_schema_promises(planned: tuple[Truth, Preview]) -> None:
    jsonschema.validate(json.loads(planned[1].document.model_dump_json(by_alias=True)), SCHEMA)


def test_no_value_of_a_variable_reaches_a_file(planned: tuple[Truth, Preview]) -> None:
    """Kinto's compose file holds a connection URL with a password."""
    text = planned[1].document.model_dump_json()
    assert "postgres:postgres" not in text
    assert "isso-dev.local" not in text
