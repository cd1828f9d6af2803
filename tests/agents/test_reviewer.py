"""The reviewer: stops when clean, repairs by rule, refuses by policy, and never publishes files that fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.agents.collector import Collected, collect
from bot.agents.context import Context
from bot.agents.planner import first_plan
from bot.agents.reviewer import Reviewed, review
from bot.errors import Broken, Refusal
from bot.model.changes import ChangeSet
from bot.model.command import FolderTarget, Provision
from bot.model.config import Config
from bot.model.document import Request
from bot.model.finding import Finding
from bot.model.plan import Plan
from bot.model.quantity import Bytes
from tests.fakes.house import DESCRIPTION, SUPERMARKET, FolderRepos, SilentToolbox, snapshot

COMMAND = Provision(target=FolderTarget(folder=str(SUPERMARKET)), app_description=DESCRIPTION)


@pytest.fixture(scope="module")
def scene() -> tuple[Plan, Context]:
    collected = collect(COMMAND, FolderRepos().read(COMMAND.target))
    assert isinstance(collected, Collected)
    plan = first_plan(collected, snapshot(), config=Config(), repo_owner="myorg", commit=None)
    assert isinstance(plan, Plan), plan
    request = Request(git_repo=str(SUPERMARKET), app_description=DESCRIPTION)
    return plan, Context(request=request, collected=collected, snapshot=snapshot(), config=Config())


def blocking(rule: str) -> Callable[[ChangeSet], tuple[Finding, ...]]:
    finding = Finding(rule=rule, severity="block", path="x", message=f"{rule} is wrong", remedy="mend it")
    return lambda _changes: (finding,)


def test_a_clean_plan_takes_one_round(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    reviewed = review(plan, context, toolbox=SilentToolbox())
    assert isinstance(reviewed, Reviewed)
    assert reviewed.plan == plan
    assert [verdict.round for verdict in reviewed.rounds] == [1]


def test_a_request_above_its_limit_is_repaired_in_a_second_round(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    first = plan.services[0]
    low = first.limits.model_copy(update={"memory": Bytes.of_mib(64)})
    broken = plan.model_copy(update={"services": (first.model_copy(update={"limits": low}), *plan.services[1:])})
    reviewed = review(broken, context, toolbox=SilentToolbox())
    assert isinstance(reviewed, Reviewed)
    assert [verdict.blocked for verdict in reviewed.rounds] == [True, False]
    assert reviewed.plan.services[0].limits.memory == first.requests.memory


@pytest.mark.parametrize("rule", ["namespace", "image", "replicas", "hpa-bounds"])
def test_what_the_config_forbids_is_refused(scene: tuple[Plan, Context], rule: str) -> None:
    plan, context = scene
    refusal = review(plan, context, toolbox=SilentToolbox(findings=blocking(rule)))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.remedy) == ("policy", "mend it")


def test_files_of_ours_that_fail_are_a_defect_and_not_published(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    with pytest.raises(Broken, match="privileged"):
        review(plan, context, toolbox=SilentToolbox(findings=blocking("privileged")))


def test_a_repair_that_does_not_help_is_thrown_away(scene: tuple[Plan, Context]) -> None:
    plan, context = scene
    toolbox = SilentToolbox(findings=blocking("request-above-limit"))
    with pytest.raises(Broken):
        review(plan, context, toolbox=toolbox)
    assert len(toolbox.seen) <= 2
