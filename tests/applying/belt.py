"""The belt of an apply with fakes alone: commits in memory, GitHub, terraform, Kubernetes and playbooks as their ports say.

In: files of stacks, as the renderer makes them. Out: a ``Belt`` that proposes, plans, approves, merges, applies. Never: a
process, a socket, a real clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.applying.apply import apply_run
from bot.applying.bench import Bench, Run
from bot.applying.proposing import propose_plans
from bot.applying.record import read_outcomes, read_plans
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Refusal, Refused, Unavailable
from bot.model.applied import Outcome
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Apply, Config, State
from bot.model.demand import Demand
from bot.model.document import Request
from bot.model.plan import Plan
from bot.model.profile import AppProfile
from bot.model.stack import PlanRecord, StackPlan
from bot.rendering.files import render
from bot.rendering.scene import Scene
from tests.checks.preflight_kit import CONFIG, planned, readings, shop
from tests.fakes.clock import StoppedClock
from tests.fakes.manifests import FakeManifests
from tests.fakes.playbooks import FakePlaybooks
from tests.fakes.review import FakeHub, FakePull, FakeReview, FakeVote
from tests.fakes.terraform import FakeTerraform
from tests.planning.builders import profile
from tests.planning.wishing import cluster, machine

INFRA = "myorg/infrastructure"
THREAD = "myorg/infrastructure#7"
REPO = "https://github.com/myorg/shop"
STATE = State(backend="http", settings={"address": "https://state.example.org/{stack}"})


def config(**changes: Any) -> Config:
    """The config file of the belt; ``apply`` takes its fields by name."""
    return CONFIG.model_copy(update={"state": STATE, "apply": Apply(), **changes})


@dataclass
class FakeCheckout:
    """``bot.deploy.Checkout`` in memory."""

    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    at: str = ""

    def commit(self, files: Mapping[str, str | None], *, onto: str | None = None) -> str:
        """Another commit with these files put or, where None, taken away; it is checked out."""
        base = onto if onto is not None else self.at or None
        tree = dict(self.trees[base]) if base is not None else {}
        for path, text in files.items():
            if text is None:
                tree.pop(path, None)
            else:
                tree[path] = text
        sha = hashlib.sha256(repr((base, len(self.trees), sorted(tree.items()))).encode()).hexdigest()[:40]
        self.trees[sha], self.parents[sha], self.at = tree, base, sha
        return sha

    def head(self) -> str:
        return self.at

    def parent(self, commit: str) -> str | None:
        return self.parents[commit]

    def changed(self, base: str | None, head: str) -> tuple[str, ...]:
        old, new = self.trees[base] if base is not None else {}, self.trees[head]
        return tuple(sorted(path for path in {*old, *new} if old.get(path) != new.get(path)))

    def paths(self, commit: str, root: str) -> tuple[str, ...]:
        return tuple(sorted(path for path in self.trees[commit] if path.startswith(f"{root}/")))

    def text(self, commit: str, path: str) -> str | None:
        return self.trees[commit].get(path)

    def export(self, commit: str, root: str, into: Path) -> None:
        for path in self.paths(commit, root):
            target = into / path.removeprefix(f"{root}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.trees[commit][path])


@dataclass
class FakeDoors:
    """Machines in ``silent`` never answer; the others after seven seconds."""

    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, int, float]] = field(default_factory=list)

    def wait(self, address: str, *, port: int, seconds: float) -> float | None:
        self.asked.append((address, port, seconds))
        return None if address in self.silent else 7.0


@dataclass
class Readings:
    """The cluster as it is read; ``stop`` is raised instead, from the ``after``-th reading on."""

    snapshot: ClusterSnapshot
    stop: Refused | Unavailable | None = None
    after: int = 0
    reads: int = 0

    def read(self) -> ClusterSnapshot:
        self.reads += 1
        if self.stop is not None and self.reads > self.after:
            raise self.stop
        return self.snapshot


def web_plan(**changes: Any) -> Plan:
    """One web server, ``apps/web``."""
    return planned(machine("web-1"), config=config()).model_copy(update={"app": "web", **changes})


def shop_plan(**changes: Any) -> Plan:
    """One workload, ``apps/shop``."""
    return shop().model_copy(update={"app": "shop", **changes})


def both_plan(**changes: Any) -> Plan:
    """A workload and a machine, ``apps/shop``."""
    return shop_plan(machines=web_plan().machines, placement=(*web_plan().placement, *shop().placement), **changes)


def kube_plan() -> Plan:
    """A cluster of two machines, ``clusters/kube``."""
    return planned(cluster(1, 1, 2, 2), config=config(), environment="development")


def files_of(plan: Plan, *, settings: Config | None = None, repo: str = REPO) -> dict[str, str]:
    """The files as the bot writes them."""
    scene = Scene(
        request=Request(git_repo=repo, app_description="words"),
        demand=Demand(),
        profile=profile() if plan.services else AppProfile(name=plan.app),
        snapshot=readings(),
        plan=plan,
        config=settings or config(),
    )
    return {file.path: file.content for file in render(scene).files}


@dataclass
class Belt:
    """Everything that an apply works with. ``main`` is the tip of the default branch."""

    root: Path
    settings: Config = field(default_factory=config)
    hub: FakeHub = field(default_factory=FakeHub)
    checkout: FakeCheckout = field(default_factory=FakeCheckout)
    terraform: FakeTerraform = field(default_factory=FakeTerraform)
    manifests: FakeManifests | None = field(default_factory=FakeManifests)
    playbooks: FakePlaybooks | None = field(default_factory=FakePlaybooks)
    doors: FakeDoors = field(default_factory=FakeDoors)
    clock: StoppedClock = field(default_factory=StoppedClock)
    inventory: Readings = field(default_factory=lambda: Readings(readings()))
    built: FakeManifests = field(default_factory=FakeManifests)
    main: str = ""
    runs: int = 0

    def __post_init__(self) -> None:
        self.main = self.checkout.commit({"README.md": "# Infrastructure\n"})
        self.hub.roles |= {(INFRA, "ada"): "write", (INFRA, "grace"): "write", (INFRA, "eve"): "read"}

    @property
    def review(self) -> FakeReview:
        return FakeReview(hub=self.hub)

    def bench(self, **changes: Any) -> Bench:
        self.runs += 1
        made = Bench(
            checkout=self.checkout,
            inventory=self.inventory,
            clock=self.clock,
            yaml=ChildYamlReader(),
            workdir=self.root / f"run-{self.runs}",
            kept=self.root / "kept",
            config=self.settings,
            terraform=self.terraform,
            doors=self.doors,
            progress=lambda _step: None,
            redact=str,
            manifests=self.manifests,
            playbooks=self.playbooks,
            cluster_at=lambda _kubeconfig: self.built,
            review=self.review,
        )
        return replace(made, **changes)

    def propose(
        self, files: Mapping[str, str | None], *, branch: str = "ai-provision/shop-1", author: str = "ai-provision[bot]"
    ) -> FakePull:
        """A pull request on the tip of the default branch."""
        pull = self.hub.open(INFRA, branch, author=author, body=f"Asked in {THREAD}\n")
        pull.head = self.checkout.commit(files, onto=self.main)
        return pull

    def plan(self, pull: FakePull, **changes: Any) -> tuple[StackPlan, ...]:
        """The job of plan.yml."""
        run = Run(repo=INFRA, commit=pull.head, event="pull_request", pull=pull.number)
        return propose_plans(self.bench(**changes), run, base=self.main)

    def approve(self, pull: FakePull, login: str = "grace") -> None:
        pull.votes.append(FakeVote(login, "approved", pull.head))

    def merge(self, pull: FakePull) -> str:
        """The merge commit, which is checked out."""
        tree: dict[str, str | None] = dict(self.checkout.trees[pull.head])
        gone = dict.fromkeys(set(self.checkout.trees[self.main]) - set(tree))
        pull.merged_at = self.clock.now()
        pull.merge_sha = self.main = self.checkout.commit(tree | gone, onto=self.main)
        return self.main

    def apply(
        self, sha: str | None = None, *, bench: Bench | None = None, **changes: Any
    ) -> tuple[Outcome, ...] | Refusal:
        """The job of apply.yml."""
        facts = {"event": "push", "ref": "refs/heads/main", "url": "https://github.com/run/1", **changes}
        self.checkout.at = sha or self.main
        return apply_run(bench or self.bench(), Run(repo=INFRA, commit=self.checkout.at, **facts))

    def brought(self, files: Mapping[str, str | None], **changes: Any) -> tuple[FakePull, Outcome]:
        """Proposed, planned, approved, merged, applied."""
        pull = self.merged(files, **changes)
        return pull, one(self.apply())

    def merged(self, files: Mapping[str, str | None], **changes: Any) -> FakePull:
        pull = self.propose(files, **changes)
        self.plan(pull)
        self.approve(pull)
        self.merge(pull)
        return pull

    def records(self, pull: FakePull) -> tuple[PlanRecord, ...]:
        return read_plans(self.review.told(INFRA, pull.number, marker="plan"))

    def told(self, pull: FakePull) -> tuple[Outcome, ...]:
        return read_outcomes(self.review.told(INFRA, pull.number, marker="outcome"))

    def words(self, pull: FakePull, marker: str = "outcome") -> str:
        body = self.review.told(INFRA, pull.number, marker=marker)
        assert body is not None
        return body

    def later(self, **time: float) -> None:
        self.clock.sleep(timedelta(**time).total_seconds())

    @property
    def verbs(self) -> list[str]:
        """What terraform was told, in order."""
        return [verb for verb, _ in self.terraform.log]


def one(outcomes: tuple[Outcome, ...] | Refusal) -> Outcome:
    assert not isinstance(outcomes, Refusal), outcomes
    [outcome] = outcomes
    return outcome


def steps(outcome: Outcome) -> list[str]:
    """``name state`` of every part."""
    return [f"{step.name} {step.state}" for step in outcome.steps]
