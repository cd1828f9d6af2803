"""The supermarket example as the agents see it: collected, planned, judged, with any desk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from bot.agents.collector import Collected, collect
from bot.agents.context import Context
from bot.agents.desk import EMPTY, Desk
from bot.agents.judgement import Judging, judge
from bot.agents.planner import first_plan
from bot.agents.reviewer import Reviewed
from bot.errors import Refusal
from bot.model.command import FolderTarget, Provision
from bot.model.config import Config
from bot.model.consultation import (
    CollectorAnswer,
    InputKey,
    NumberProposal,
    OutputKey,
    PlannerAnswer,
    ReviewerAnswer,
    Scalar,
)
from bot.model.document import Request
from bot.model.evidence import Evidence, Piece
from bot.model.plan import Plan
from bot.model.refinement import Adjustment, Refinement
from bot.model.tree import Tree
from tests.fakes.house import DESCRIPTION, SUPERMARKET, FolderRepos, SilentToolbox, snapshot

COMMAND = Provision(target=FolderTarget(folder=str(SUPERMARKET)), app_description=DESCRIPTION)
PIECE = Piece(source_id="sizing-7.5", kind="guidance", title="CPU of one pod", text="c = min(c0, C/(u*n_min)).")
EVIDENCE = Evidence(pieces=(PIECE,))
QUIET = CollectorAnswer(confidence=0.5)
CONTENT = PlannerAnswer(confidence=0.5)


@cache
def tree() -> Tree:
    return FolderRepos().read(COMMAND.target)


@cache
def collected() -> Collected:
    found = collect(COMMAND, tree())
    assert isinstance(found, Collected)
    return found


def heard(desk: Desk, read: Tree | None = None, command: Provision = COMMAND) -> Collected:
    found = collect(command, read or tree(), desk=desk)
    assert isinstance(found, Collected)
    return found


def context(facts: Collected | None = None, *, evidence: Evidence = EVIDENCE, config: Config | None = None) -> Context:
    request = Request(git_repo="https://github.com/myorg/supermarket-inventory", app_description=DESCRIPTION)
    return Context(
        request=request,
        collected=facts or collected(),
        snapshot=snapshot(),
        config=config or Config(),
        evidence=evidence,
    )


def planned(
    around: Context,
    refinements: tuple[Refinement, ...] = (),
    adjustments: tuple[Adjustment, ...] = (),
) -> Plan | Refusal:
    return first_plan(
        around.collected,
        around.snapshot,
        config=around.config,
        repo_owner="myorg",
        commit=None,
        refinements=(*around.request.refinements, *refinements),
        adjustments=adjustments,
        evidence=around.evidence,
    )


@dataclass
class Replanning:
    """``planner.Replan`` with its calls noted."""

    around: Context
    calls: list[tuple[tuple[Refinement, ...], tuple[Adjustment, ...]]] = field(default_factory=list)
    answer: Plan | Refusal | None = None

    def __call__(self, refinements: tuple[Refinement, ...], adjustments: tuple[Adjustment, ...]) -> Plan | Refusal:
        self.calls.append((refinements, adjustments))
        return self.answer or planned(self.around, refinements, adjustments)


def rules_plan(around: Context | None = None) -> Plan:
    plan = planned(around or context())
    assert isinstance(plan, Plan), plan
    return plan


def number(
    key: InputKey | OutputKey, value: Scalar, *, service: str = "api", source: str | None = "sizing-7.5", why: str = "x"
) -> NumberProposal:
    return NumberProposal(service=service, key=key, value=value, why=why, source_id=source)


def planner_says(*numbers: NumberProposal) -> PlannerAnswer:
    return PlannerAnswer(numbers=numbers, confidence=0.7)


def reviewer_says(*repairs: NumberProposal) -> ReviewerAnswer:
    return ReviewerAnswer(repairs=repairs, confidence=0.7)


def judged(desk: Desk = EMPTY, *, evidence: Evidence = EVIDENCE, toolbox: SilentToolbox | None = None) -> Reviewed:
    found = judge(
        Judging(
            context=context(heard(desk), evidence=evidence),
            refinements=(),
            repo_owner="myorg",
            commit=None,
            toolbox=toolbox or SilentToolbox(),
            desk=desk,
            evidence=evidence,
        )
    )
    assert isinstance(found, Reviewed), found
    return found
