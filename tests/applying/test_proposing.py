"""A pull request's plans, and files that were never merged at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.applying.apply import apply_run
from bot.applying.facts import local_run
from bot.applying.record import with_plans
from bot.applying.unmerged import Unmerged
from bot.errors import Code
from bot.model.changes import ChangeSet, RenderedFile
from tests.applying.belt import INFRA, Belt, both_plan, config, files_of, one, shop_plan, web_plan
from tests.applying.test_order import taken
from tests.checks.preflight_kit import readings, standing

BOTH, SHOP, WEB = files_of(both_plan()), files_of(shop_plan()), files_of(web_plan())


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    made = Belt(tmp_path)
    made.terraform.wanted = {"vm.web-1": "1"}
    return made


def test_a_plan_changes_nothing(belt: Belt) -> None:
    [planned] = belt.plan(belt.propose(dict(BOTH)))
    assert planned.ready
    assert belt.verbs == ["plan"]
    assert belt.terraform.state == {}
    assert belt.manifests is not None
    assert (belt.manifests.objects, [verb for verb, _ in belt.manifests.log]) == ({}, ["diff"])


def test_one_comment_is_kept_up_to_date(belt: Belt) -> None:
    pull = belt.propose(dict(BOTH))
    belt.plan(pull)
    belt.plan(pull)
    assert len(belt.hub.comments[INFRA, pull.number]) == 1
    pull.head = belt.checkout.commit({"apps/shop/README.md": "x"}, onto=pull.head)
    belt.plan(pull)
    assert len(belt.hub.comments[INFRA, pull.number]) == 1
    assert [record.head for record in belt.records(pull)] == [pull.head]


def test_a_pull_request_without_a_stack_hears_nothing(belt: Belt) -> None:
    pull = belt.propose({"docs/x.md": "x"})
    assert belt.plan(pull) == ()
    assert (INFRA, pull.number) not in belt.hub.comments


def test_no_room_is_said_on_the_pull_request(belt: Belt) -> None:
    belt.inventory.snapshot = taken()
    pull = belt.propose(dict(BOTH))
    [planned] = belt.plan(pull)
    assert not planned.ready
    body = belt.words(pull, "plan")
    assert "❌ 1 of" in body
    assert "A merge now would be refused" in body


@pytest.mark.parametrize("fault", ["locked", "backend-down"])
def test_a_stack_that_cannot_be_planned_says_why_and_leaves_no_record(belt: Belt, fault: str) -> None:
    belt.terraform.fault = fault  # type: ignore[assignment]
    pull = belt.propose(dict(WEB))
    [planned] = belt.plan(pull)
    assert planned.code is not None
    assert belt.records(pull) == ()
    assert "not planned" in belt.words(pull, "plan")


def test_manifests_that_cannot_be_compared_say_why(belt: Belt) -> None:
    belt.manifests = None
    [planned] = belt.plan(belt.propose(dict(SHOP)))
    assert (planned.manifests, "no cluster is configured" in planned.skipped[0]) == (None, True)
    belt.settings = config(delivery="argocd")
    [planned] = belt.plan(belt.propose(dict(SHOP)))
    assert planned.skipped == ("argocd delivers the manifests",)


def test_a_failure_names_the_stacks_folder_as_the_repository_has_it(belt: Belt) -> None:
    """A command that a failure prints has to work in a checkout, not in a folder of a run that is gone."""
    seen: list[tuple[str, ...]] = []
    plan = belt.terraform.plan

    def looking(folder: Path, *, destroy: bool = False) -> object:
        seen.append(folder.parts[-3:])
        return plan(folder, destroy=destroy)

    belt.terraform.plan = looking  # type: ignore[method-assign, assignment]
    belt.plan(belt.propose(dict(WEB)))
    assert seen == [("apps", "web", "terraform")]


def unmerged(files: dict[str, str]) -> Unmerged:
    root = next(iter(files)).rsplit("/", 1)[0].split("/terraform")[0].split("/kubernetes")[0]
    return Unmerged(
        ChangeSet(root=root, files=tuple(RenderedFile(path=p, content=t) for p, t in sorted(files.items())))
    )


def test_files_that_were_just_planned_are_applied_without_a_commit(belt: Belt) -> None:
    checkout = unmerged(BOTH)
    run = local_run(repo=None, head=checkout.head(), only=())
    outcome = one(apply_run(belt.bench(checkout=checkout, review=None), run))
    assert (outcome.kind, outcome.root) == ("applied", "apps/shop")
    assert belt.terraform.state == {"vm.web-1": "1"}
    assert belt.hub.writes == []


def test_their_commit_is_the_same_for_the_same_files_alone() -> None:
    assert unmerged(BOTH).head() == unmerged(BOTH).head()
    assert unmerged(BOTH).head() != unmerged(BOTH | {"apps/shop/README.md": "x"}).head()
    assert len(unmerged(BOTH).head()) == 40


def test_no_room_keeps_them_from_beginning_too(belt: Belt) -> None:
    belt.inventory.snapshot = taken()
    checkout = unmerged(BOTH)
    run = local_run(repo=None, head=checkout.head(), only=())
    outcome = one(apply_run(belt.bench(checkout=checkout, review=None), run))
    assert (outcome.kind, outcome.code) == ("abandoned", Code.CAPACITY)


def test_machines_of_a_killed_run_are_named_and_never_made_twice(belt: Belt) -> None:
    """A VMID that this commit's own earlier run took, and no state knows: taken away by a person, or nothing."""
    pull = belt.merged(dict(WEB))
    machine = web_plan().machines[0]
    belt.terraform.wanted = {"vm.web-1": "1"}
    plan = belt.terraform.plan

    def named(folder: Path, *, destroy: bool = False) -> object:
        made = plan(folder, destroy=destroy)
        return made.model_copy(
            update={"actions": tuple(each.model_copy(update={"name": machine.name}) for each in made.actions)}
        )

    belt.terraform.plan = named  # type: ignore[method-assign, assignment]
    belt.inventory.snapshot = standing(readings(), machine)
    first = one(belt.apply())
    assert (first.kind, first.code) == ("abandoned", Code.CAPACITY), "nobody of ours began it"
    [record] = belt.records(pull)
    body = belt.words(pull, "plan")
    belt.review.tell(
        INFRA, pull.number, marker="plan", body=with_plans(body, (record.model_copy(update={"used_by": belt.main}),))
    )
    second = one(belt.apply())
    assert (second.kind, second.code) == ("abandoned", Code.CONFLICT)
    assert f"`qm stop {machine.vm_id}; qm destroy {machine.vm_id} --purge`" in second.remedy
    assert "apply" not in belt.verbs
