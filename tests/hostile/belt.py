"""The whole belt with a real model edge: one comment in, the pull request out, for any scripted model and any tree.

In: what the model answers, the repository, the cluster, metrics. Out: ``Ended``: every file, the pull request, the
comments, every request that reached the model. Never: another address than loopback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from bot.agents.desk import Desk
from bot.app import SnapshotInventory
from bot.counsel import Lesson
from bot.edges.library import FtsLibrary
from bot.edges.yaml_reader import ChildYamlReader, RememberingYamlReader
from bot.emulators.models import Asked, ModelServer, Script
from bot.flow.house import Books
from bot.handlers.dispatch import job_of, run_job
from bot.model.cluster import ClusterSnapshot, Node, Quota
from bot.model.command import FolderTarget, RepoTarget
from bot.model.outcome import Published
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.model.tree import Tree
from tests.edges.model_kit import counsel, settings
from tests.fakes.forge import FakeForge, FakePull
from tests.fakes.house import INFRA, SUPERMARKET, FolderRepos, house, office, snapshot
from tests.fakes.ledger import MemoryLedger
from tests.flow.test_provision import THREAD, delivery

QUIET: Mapping[str, Any] = {"confidence": 0.5}
"""The answer of a model that proposes nothing; it fits the form of every agent."""
BENIGN: Script = {"*": [dict(QUIET)]}
ROOT = "apps/supermarket-inventory"
_PODS = 17
"""A quota that caps both autoscalers by one pod: a finding that another number may settle, so the reviewer is asked."""


_YAML = RememberingYamlReader(ChildYamlReader())
"""The config file is the same for every command."""


@dataclass(frozen=True)
class KeptRepos:
    """One tree, read before."""

    tree: Tree

    def read(self, target: RepoTarget | FolderTarget) -> Tree:
        return self.tree


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What people and machines find afterwards, and what the model was told."""

    published: Published
    pull: FakePull
    files: Mapping[str, str]
    comments: tuple[str, ...]
    asked: tuple[Asked, ...]

    def said_to(self, agent: str) -> tuple[Asked, ...]:
        return tuple(one for one in self.asked if one.agent == agent)

    @property
    def shown(self) -> str:
        """Everything that stays: files, pull request, comments."""
        return "\n".join([*self.files.values(), self.pull.title, self.pull.body, *self.comments])

    @property
    def prompts(self) -> str:
        """Every request to the model as it came, tool results included."""
        return "\n".join(one.text for one in self.asked)


@dataclass(frozen=True, kw_only=True)
class World:
    """One emulated model for many commands."""

    server: ModelServer
    beside: Desk = field(default_factory=lambda: Desk(library=FtsLibrary()))

    def end(
        self,
        script: Script,
        *,
        tree: Tree | None = None,
        cluster: ClusterSnapshot | None = None,
        beside: Desk | None = None,
        comment: str | None = None,
    ) -> Ended:
        """Give one command to a new forge and a new model edge (the breaker of an edge remembers failures)."""
        self.server.script = {agent: list(steps) for agent, steps in script.items()}
        self.server.asked.clear()
        forge = FakeForge()
        desk = replace(beside or self.beside, counsel=counsel(settings("openai", self.server)))
        rooms = house(inventory=SnapshotInventory(cluster or quota_bound()))
        rooms = replace(rooms, repos=KeptRepos(tree or supermarket()), desk=desk, yaml=_YAML)
        heard = forge.hear(delivery() if comment is None else delivery(comment))
        ledger = _records()
        job = job_of(heard, hosts=["github.com"], login=None, now=ledger.now())
        assert job is not None
        ledger.jobs[job.id] = job
        books = Books(jobs=ledger, audit=ledger, lessons=ledger)
        published = run_job(job, replace(office(forge, inside=rooms), books=books), progress=lambda _step: None)
        return _ended(forge, published, tuple(self.server.asked))


def _records() -> MemoryLedger:
    """Records that know of one running service which resembles the supermarket's: it is measured, where metrics are."""
    ledger = MemoryLedger()
    service = {"name": "orders", "language": "go", "framework": "gin", "kind": "api"}
    ledger.learn(
        Lesson(
            id=f"plan:{INFRA}/orders",
            kind="plan",
            repo=INFRA,
            app="orders",
            namespace="shop",
            title="Plan of orders",
            text="orders (go gin api): 3 replicas",
            data={"namespace": "shop", "services": [service]},
            at=datetime(2026, 2, 1, tzinfo=UTC),
        )
    )
    return ledger


def _ended(forge: FakeForge, published: Published, asked: tuple[Asked, ...]) -> Ended:
    comments = tuple(item.body for item in forge.comments[INFRA, THREAD.number])
    assert published.pull is not None, comments
    [pull] = forge.pulls[INFRA]
    branch = forge.branches[INFRA, published.pull.branch].files
    files = {path.removeprefix(f"{ROOT}/"): text for path, text in branch.items() if path != ".ai-provision.yaml"}
    return Ended(published=published, pull=pull, files=files, comments=comments, asked=asked)


@contextmanager
def world() -> Iterator[World]:
    """One emulated model, and the knowledge that comes with the product."""
    with ModelServer() as server:
        yield World(server=server)


@cache
def supermarket() -> Tree:
    """The example, read once by the real reader."""
    return FolderRepos(SUPERMARKET).read(FolderTarget(folder=str(SUPERMARKET)))


@cache
def vast() -> ClusterSnapshot:
    """The example cluster with so much room that only our limits hold a number back."""
    found = snapshot()
    return found.model_copy(update={"nodes": tuple(map(_larger, found.nodes))})


def _larger(node: Node) -> Node:
    size = Resources(
        cpu=MilliCpu(4 * node.capacity.cpu), memory=Bytes(8 * node.capacity.memory), disk=node.capacity.disk
    )
    return node.model_copy(update={"capacity": size})


@cache
def quota_bound() -> ClusterSnapshot:
    """``vast``, where a quota on pods lowers the autoscalers' bounds a little."""
    found = vast()
    assert found.kubernetes is not None
    quota = Quota(namespace="supermarket-inventory", name="team", hard={"pods": str(_PODS)}, used={"pods": "0"})
    quotas = (*found.kubernetes.quotas, quota)
    return found.model_copy(update={"kubernetes": found.kubernetes.model_copy(update={"quotas": quotas})})
