"""A house of fakes: a tree from texts, a written-down cluster, no terraform, a stopped clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.app import SnapshotInventory
from bot.edges.git import GitRepos
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Refused, Unavailable
from bot.flow.house import House, Office
from bot.flow.steps import Straight
from bot.model.changes import ChangeSet
from bot.model.cluster import ClusterSnapshot
from bot.model.command import FolderTarget, RepoTarget
from bot.model.finding import Finding
from bot.model.tree import Tree
from bot.ports import Inventory
from bot.survey.selection import select
from tests.fakes.clock import StoppedClock
from tests.fakes.forge import FakeForge

EXAMPLES = Path(__file__).parents[2] / "examples"
SUPERMARKET = EXAMPLES / "supermarket-inventory"
DESCRIPTION = (
    "Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency, "
    "React frontend + Go/Gin API + PostgreSQL backend"
)


@dataclass
class FolderRepos:
    """Every repository is one folder of this computer; ``reads`` counts."""

    folder: Path = SUPERMARKET
    stop: Refused | Unavailable | None = None
    reads: int = 0

    def read(self, target: RepoTarget | FolderTarget) -> Tree:
        self.reads += 1
        if self.stop is not None:
            raise self.stop
        return GitRepos(select=select, yaml=ChildYamlReader()).read(FolderTarget(folder=str(self.folder)))


@dataclass
class BrokenInventory:
    """A cluster that does not answer."""

    stop: Refused | Unavailable

    def read(self) -> ClusterSnapshot:
        raise self.stop


@dataclass
class SilentToolbox:
    """Judges nothing."""

    seen: list[ChangeSet] = field(default_factory=list)
    findings: Callable[[ChangeSet], tuple[Finding, ...]] = lambda _changes: ()

    def judge(self, changes: ChangeSet) -> tuple[Finding, ...]:
        self.seen.append(changes)
        return self.findings(changes)


def snapshot() -> ClusterSnapshot:
    """The cluster of the examples."""
    return ClusterSnapshot.model_validate_json((EXAMPLES / "cluster-snapshot.json").read_bytes())


def house(*, repos: FolderRepos | None = None, inventory: Inventory | None = None) -> House:
    """A house with everything answered by fakes."""
    return House(
        repos=repos or FolderRepos(),
        inventory=inventory or SnapshotInventory(snapshot()),
        toolbox=SilentToolbox(),
        yaml=ChildYamlReader(),
        clock=StoppedClock(),
    )


def office(forge: FakeForge, *, inside: House | None = None, files: Mapping[str, str] | None = None) -> Office:
    """An office whose infrastructure repository holds ``files`` and where ada may write."""
    forge.permissions[INFRA, "ada"] = "write"
    base = forge._base(INFRA)
    base.files.update(files or {".ai-provision.yaml": (EXAMPLES / "ai-provision.yaml").read_text()})
    rooms = inside or house()
    return Office(house=rooms, forge=forge, steps=Straight(clock=rooms.clock), infra_repo=INFRA)


INFRA = "myorg/infrastructure"
