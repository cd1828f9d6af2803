"""The reviewed plan is what is applied, once: what may differ, and what may not."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import pytest

from bot.applying.record import parity
from bot.errors import Code, Refusal
from bot.model.stack import Planned, PlanRecord, StateId, TerraformPlan
from tests.applying.belt import INFRA, Belt, files_of, one, steps, web_plan

COMMIT, OTHER = "a" * 40, "b" * 40
WEB = files_of(web_plan())


def plan(*actions: str, digest: str = "same") -> TerraformPlan:
    return TerraformPlan(
        digest=digest,
        actions=tuple(
            Planned.model_validate(dict(zip(("address", "action"), each.split(), strict=True))) for each in actions
        ),
    )


def record(**changes: object) -> PlanRecord:
    facts = {
        "root": "apps/web", "head": OTHER, "base": OTHER, "config_digest": "files", "state": StateId(),
        "plan_digest": "same", "actions": ("vm.a create", "vm.b create"),
    }  # fmt: skip
    return PlanRecord.model_validate({**facts, **changes})


BOTH = plan("vm.a create", "vm.b create")


def test_the_same_plan_of_the_same_files_goes_on() -> None:
    found = parity(record(), BOTH, digest="files", commit=COMMIT)
    assert not isinstance(found, Refusal)
    assert (found.same, found.resumed) == (True, False)


def test_the_same_plan_again_by_the_same_commit_is_resumed() -> None:
    found = parity(record(used_by=COMMIT), BOTH, digest="files", commit=COMMIT)
    assert not isinstance(found, Refusal)
    assert (found.same, found.resumed) == (True, True)


@pytest.mark.parametrize("word", ["create", "update", "replace"])
def test_what_a_broken_apply_had_begun_to_create_may_be_repaired(word: str) -> None:
    found = parity(record(used_by=COMMIT), plan(f"vm.a {word}", digest="less"), digest="files", commit=COMMIT)
    assert not isinstance(found, Refusal)


def test_a_part_of_the_reviewed_plan_is_resumed_whatever_order_and_quiet_rows() -> None:
    rest = plan("vm.b create", "vm.a no-op", "data.x read", digest="less")
    found = parity(record(used_by=COMMIT), rest, digest="files", commit=COMMIT)
    assert not isinstance(found, Refusal)
    assert (found.same, found.resumed) == (False, True)


@pytest.mark.parametrize(
    ("known", "now", "digest", "told"),
    [
        (None, BOTH, "files", "no plan of it stands"),
        (record(), BOTH, "edited", "its files are not those"),
        (record(used_by=OTHER), BOTH, "files", f"was used by {OTHER[:12]}"),
        (record(), plan("vm.a create", "vm.c create", digest="more"), "files", "vm.c create"),
        (record(), plan("vm.a delete", digest="more"), "files", "vm.a delete"),
        (record(), plan("vm.a replace", digest="more"), "files", "vm.a replace"),
        (record(used_by=COMMIT), plan("vm.a delete", digest="more"), "files", "vm.a delete"),
        (record(used_by=COMMIT), plan("vm.c update", digest="more"), "files", "vm.c update"),
        (record(actions=()), plan(*(f"vm.n{n} create" for n in range(9)), digest="x"), "files", "and 6 more"),
    ],
)
def test_what_nobody_reviewed_is_a_conflict(
    known: PlanRecord | None, now: TerraformPlan, digest: str, told: str
) -> None:
    found = parity(known, now, digest=digest, commit=COMMIT)
    assert isinstance(found, Refusal)
    assert (found.code, told in found.message) == (Code.CONFLICT, True), found.message
    assert "Nothing was applied" in found.remedy


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    made = Belt(tmp_path)
    made.terraform.wanted = {"vm.web-1": "1", "vm.web-2": "1"}
    return made


def test_the_reviewed_plan_is_used_once(belt: Belt) -> None:
    pull, outcome = belt.brought(dict(WEB))
    assert outcome.kind == "applied"
    assert [each.used_by for each in belt.records(pull)] == [belt.main]
    belt.terraform.state.clear()
    tree = belt.checkout.trees[belt.main]
    other = pull.merge_sha = belt.checkout.commit(dict(tree), onto=belt.checkout.parents[belt.main])
    again = one(belt.apply(other))
    assert (again.kind, again.code, "was used by" in again.message) == ("abandoned", Code.CONFLICT, True)


def test_the_record_is_marked_as_used_before_terraform_applies(belt: Belt) -> None:
    pull = belt.merged(dict(WEB))
    marked: list[str | None] = []
    apply, belt.terraform.apply = belt.terraform.apply, lambda folder: (  # type: ignore[method-assign]
        marked.extend(each.used_by for each in belt.records(pull)), apply(folder))[1]  # fmt: skip
    assert one(belt.apply()).kind == "applied"
    assert marked == [belt.main]


def test_marking_one_stacks_record_keeps_the_others(belt: Belt) -> None:
    files = {**WEB, **files_of(web_plan(app="other"))}
    pull = belt.merged(files)
    before = belt.words(pull, "plan").split("\n", 1)[1]
    outcomes = belt.apply(only=("apps/web",))
    assert one(outcomes).kind == "applied"
    assert {each.root: each.used_by for each in belt.records(pull)} == {"apps/web": belt.main, "apps/other": None}
    assert belt.words(pull, "plan").split("\n", 1)[1] == before


def test_a_record_of_another_version_of_ours_is_marked_too(belt: Belt) -> None:
    """A field that a newer version adds is missing in the comment; the mark must not be lost over it."""
    pull = belt.merged(dict(WEB))
    body = belt.words(pull, "plan")
    data = body.split("data:plans ")[1].split(" -->")[0]
    rows = json.loads(zlib.decompress(base64.b64decode(data)))
    for row in rows:
        del row["used_by"]
    older = base64.b64encode(zlib.compress(json.dumps(rows, indent=1).encode())).decode()
    belt.review.tell(INFRA, pull.number, marker="plan", body=body.replace(data, older))
    assert one(belt.apply()).kind == "applied"
    assert [each.used_by for each in belt.records(pull)] == [belt.main]


def test_files_that_changed_after_the_plan_are_refused(belt: Belt) -> None:
    pull = belt.propose(dict(WEB))
    belt.plan(pull)
    pull.head = belt.checkout.commit(
        {"apps/web/terraform/main.tf": WEB["apps/web/terraform/main.tf"] + "\n"}, onto=pull.head
    )
    belt.approve(pull)
    belt.merge(pull)
    outcome = one(belt.apply())
    assert (outcome.kind, "its files are not those" in outcome.message) == ("abandoned", True)
    assert "apply" not in belt.verbs


def test_a_plan_that_would_do_more_is_refused_and_the_record_stays_unused(belt: Belt) -> None:
    pull = belt.merged(dict(WEB))
    belt.terraform.wanted["vm.web-3"] = "1"
    outcome = one(belt.apply())
    assert (outcome.kind, "vm.web-3 create" in outcome.message) == ("abandoned", True)
    assert [each.used_by for each in belt.records(pull)] == [None]


def test_without_a_plan_comment_nothing_is_applied(belt: Belt) -> None:
    pull = belt.propose(dict(WEB))
    belt.approve(pull)
    belt.merge(pull)
    outcome = one(belt.apply())
    assert (outcome.kind, "no plan of it stands" in outcome.message) == ("abandoned", True)


def test_a_persons_comment_that_looks_like_a_plan_is_no_plan(belt: Belt) -> None:
    """Only our own accounts' comments count, whatever a person pastes."""
    pull = belt.propose(dict(WEB))
    belt.plan(pull)
    for comment in belt.hub.comments[INFRA, pull.number]:
        comment.login = "mallory"
    belt.approve(pull)
    belt.merge(pull)
    assert "no plan of it stands" in one(belt.apply()).message


def test_an_apply_that_broke_off_goes_on_with_the_rest(belt: Belt) -> None:
    pull = belt.merged(dict(WEB))
    belt.terraform.fault = "halfway"
    broken = one(belt.apply())
    assert (broken.kind, broken.code) == ("failed", Code.CONFLICT)
    belt.terraform.fault = ""
    outcome = one(belt.apply())
    assert outcome.kind == "applied"
    assert next(step.detail for step in outcome.steps if step.name == "parity").startswith(
        "a part of the reviewed plan"
    )
    assert belt.told(pull) == (outcome,)


def test_nothing_left_to_do_needs_no_reviewed_plan(belt: Belt) -> None:
    belt.brought(dict(WEB))
    outcome = one(belt.apply())
    assert (outcome.kind, "parity skipped" in steps(outcome)) == ("applied", True)
