"""Who may apply what: only a reviewed merge into the default branch, in its turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.applying.apply import apply_run
from bot.applying.bench import Run
from bot.applying.gate import healthy, stage
from bot.deploy import Merged
from bot.errors import Code, Refusal
from bot.model.applied import Afterwards, Outcome
from bot.model.config import Apply
from tests.applying.belt import INFRA, Belt, config, files_of, one, web_plan
from tests.fakes.clock import StoppedClock
from tests.fakes.review import FakeVote

NOW = StoppedClock().now()
MERGED = Merged(
    number=9, url="u", branch="b", head_sha="1" * 40, merge_sha="2" * 40, author="ada", approved_by=("grace",)
)


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    return Belt(tmp_path, terraform=_wanting())


def _wanting() -> Any:
    from_belt = Belt.__dataclass_fields__["terraform"].default_factory
    made = from_belt()  # type: ignore[misc]
    made.wanted = {"vm.web-1": "1"}
    return made


def refusal(belt: Belt, **run: Any) -> Refusal:
    """What kept the run from beginning, after a look that nothing began."""
    found = belt.apply(**run)
    assert isinstance(found, Refusal), found
    assert "apply" not in belt.verbs
    assert belt.manifests is not None
    assert belt.manifests.log == []
    assert belt.hub.deployments == []
    return found


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "schedule", "workflow_run", "", "local"])
def test_only_a_push_or_a_dispatch_applies(belt: Belt, event: str) -> None:
    belt.merged(files_of(web_plan()))
    assert refusal(belt, event=event).code is Code.POLICY


@pytest.mark.parametrize("ref", ["refs/heads/feature", "refs/tags/main", "main", "", "refs/pull/1/merge"])
def test_only_the_default_branch_applies(belt: Belt, ref: str) -> None:
    belt.merged(files_of(web_plan()))
    told = refusal(belt, ref=ref)
    assert told.code is Code.POLICY
    assert f"`{ref}`" in told.message


def test_a_dispatch_on_the_default_branch_applies_the_merge(belt: Belt) -> None:
    belt.merged(files_of(web_plan()))
    assert one(belt.apply(event="workflow_dispatch")).kind == "applied"


def test_a_commit_that_nobody_merged_is_refused(belt: Belt) -> None:
    belt.main = belt.checkout.commit(files_of(web_plan()))
    told = refusal(belt)
    assert (told.code, "was not merged by a pull request" in told.message) == (Code.POLICY, True)


def test_a_pull_requests_own_head_is_refused(belt: Belt) -> None:
    pull = belt.merged(files_of(web_plan()))
    assert refusal(belt, sha=pull.head).code is Code.POLICY


def test_a_merge_without_approval_is_refused_with_the_numbers(belt: Belt) -> None:
    pull = belt.propose(files_of(web_plan()))
    belt.plan(pull)
    belt.merge(pull)
    told = refusal(belt)
    assert told.code is Code.POLICY
    assert f"Pull request {pull.number} has 0 of 1 approvals of its last commit {pull.head[:12]}" in told.message


@pytest.mark.parametrize(
    ("login", "author", "why"),
    [
        ("ada", "ada", "the author's own"),
        ("eve", "ai-provision[bot]", "no write permission"),
        ("mallory", "ai-provision[bot]", "no member"),
        ("other[bot]", "ai-provision[bot]", "a bot"),
    ],
)
def test_an_approval_that_does_not_count(belt: Belt, login: str, author: str, why: str) -> None:
    pull = belt.propose(files_of(web_plan()), author=author)
    belt.plan(pull)
    belt.approve(pull, login)
    belt.merge(pull)
    assert "0 of 1 approvals" in refusal(belt).message, why


def test_an_approval_of_an_earlier_commit_is_stale(belt: Belt) -> None:
    pull = belt.propose(files_of(web_plan()))
    pull.votes.append(FakeVote("grace", "approved", "f" * 40))
    belt.plan(pull)
    belt.merge(pull)
    assert "0 of 1 approvals" in refusal(belt).message


@pytest.mark.parametrize("last", ["changes_requested", "dismissed"])
def test_an_approval_that_was_taken_back_does_not_count(belt: Belt, last: Any) -> None:
    pull = belt.propose(files_of(web_plan()))
    belt.plan(pull)
    belt.approve(pull)
    pull.votes.append(FakeVote("grace", last, pull.head))
    belt.merge(pull)
    assert "0 of 1 approvals" in refusal(belt).message


def test_more_approvals_are_asked_for_where_the_config_says_so(belt: Belt) -> None:
    belt.settings = config(apply=Apply(reviews=2))
    pull = belt.merged(files_of(web_plan()))
    assert "1 of 2 approvals" in refusal(belt).message
    belt.approve(pull, "ada")
    assert one(belt.apply()).kind == "applied"


def test_without_github_only_a_local_run_goes_on(belt: Belt) -> None:
    belt.merged(files_of(web_plan()))
    told = belt.apply(bench=belt.bench(review=None))
    assert isinstance(told, Refusal)
    assert told.code is Code.GITHUB_AUTH
    run = Run(repo=INFRA, commit=belt.main, local=True)
    assert one(apply_run(belt.bench(review=None), run)).kind == "applied"


def test_a_commit_that_touches_no_stack_is_no_success(belt: Belt) -> None:
    belt.merged({"docs/x.md": "x"})
    told = refusal(belt)
    assert (told.code, "nothing to apply" in told.message) == (Code.CONFIG, True)


def _outcome(kind: Any, *, healthy_after: bool | None = True, after: bool = True) -> Outcome:
    seen = Afterwards(at=NOW, healthy=healthy_after) if after else None
    return Outcome(kind=kind, root="apps/shop-staging", app="shop", commit="3" * 40, at=NOW, after=seen)


RULES = Apply(reviews=1, after={"production": "staging"}, approvals={"production": 2})


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (None, "was never applied there"),
        (_outcome("failed"), "is failed there"),
        (_outcome("applied", healthy_after=False), "is applied there, not known to be healthy"),
        (_outcome("applied", healthy_after=None), "is applied there, not known to be healthy"),
        (_outcome("applied", after=False), "is applied there, not known to be healthy"),
        (_outcome("returned"), "is returned there"),
        (_outcome("destroyed"), "is destroyed there"),
    ],
)
def test_production_waits_for_a_healthy_staging(before: Outcome | None, told: str) -> None:
    found = stage("production", MERGED, rules=RULES, before=before)
    assert found is not None
    assert (found.code, told in found.message) == (Code.POLICY, True)
    assert not healthy(before)


def test_production_asks_for_its_own_number_of_approvals() -> None:
    found = stage("production", MERGED, rules=RULES, before=_outcome("applied"))
    assert found is not None
    assert "1 of 2 approvals" in found.message
    twice = MERGED.model_copy(update={"approved_by": ("grace", "linus")})
    assert stage("production", twice, rules=RULES, before=_outcome("applied")) is None


@pytest.mark.parametrize("environment", [None, "", "staging", "development"])
def test_other_environments_wait_for_nobody(environment: str | None) -> None:
    assert stage(environment, MERGED, rules=RULES, before=None) is None


def test_an_environments_fewer_approvals_do_not_undercut_the_common_number() -> None:
    rules = Apply(reviews=2, approvals={"staging": 0})
    assert stage("staging", MERGED, rules=rules, before=None) is not None
