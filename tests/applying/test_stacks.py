"""Which stacks a commit concerns, and what each one is: added, changed, removed, vanished, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.applying.stacks import changed_stacks, lost_manifests
from bot.errors import Code, Refusal
from bot.model.stack import REMOVED, Stack
from tests.applying.belt import Belt, FakeCheckout, both_plan, files_of, kube_plan, one, shop_plan, web_plan

WEB, SHOP = files_of(web_plan()), files_of(shop_plan())


def between(checkout: FakeCheckout, base: str | None, head: str) -> tuple[Stack, ...]:
    return changed_stacks(checkout, base=base, head=head)


def test_a_new_folder_is_added_and_the_next_commit_changes_it() -> None:
    checkout = FakeCheckout()
    base = checkout.commit({"README.md": "x"})
    first = checkout.commit(dict(WEB))
    second = checkout.commit({"apps/web/README.md": "other words"})
    [added], [changed] = between(checkout, base, first), between(checkout, first, second)
    assert (added.root, added.name, added.change, added.base) == ("apps/web", "web", "added", base)
    assert (added.terraform, added.manifests, added.playbook, added.tombstone) == (True, False, False, False)
    assert (changed.change, changed.commit, changed.base) == ("changed", second, first)
    assert added.queue == "apps-web"


def test_each_part_of_a_stack_is_seen() -> None:
    checkout = FakeCheckout()
    base = checkout.commit({"README.md": "x"})
    head = checkout.commit({**files_of(both_plan()), **files_of(kube_plan())})
    cluster, app = between(checkout, base, head)
    assert (cluster.root, cluster.terraform, cluster.manifests, cluster.playbook) == (
        "clusters/request",
        True,
        False,
        True,
    )
    assert (app.root, app.terraform, app.manifests, app.playbook) == ("apps/shop", True, True, False)


def test_clusters_come_before_applications() -> None:
    checkout = FakeCheckout()
    base = checkout.commit({"README.md": "x"})
    head = checkout.commit({**WEB, **SHOP, **files_of(kube_plan())})
    assert [stack.root for stack in between(checkout, base, head)] == ["clusters/request", "apps/shop", "apps/web"]


def test_without_a_base_every_stack_is_looked_at() -> None:
    checkout = FakeCheckout()
    head = checkout.commit({**WEB, **SHOP})
    assert [stack.change for stack in between(checkout, None, head)] == ["added", "added"]


@pytest.mark.parametrize(("data", "named"), [(True, True), (False, False), ("true", False), (1, False), (None, False)])
def test_a_tombstone_names_data_only_by_the_word_true(data: object, *, named: bool) -> None:
    checkout = FakeCheckout()
    base = checkout.commit(dict(WEB))
    tombstone = {f"apps/web/{REMOVED}": json.dumps({"data": data})}
    [stack] = between(checkout, base, checkout.commit(dict.fromkeys(WEB) | tombstone))
    assert (stack.change, stack.tombstone, stack.data, stack.terraform) == ("removed", True, named, True)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '{"data": true'])
def test_a_tombstone_that_is_no_json_names_no_data(text: str) -> None:
    checkout = FakeCheckout()
    base = checkout.commit(dict(WEB))
    [stack] = between(checkout, base, checkout.commit(dict.fromkeys(WEB) | {f"apps/web/{REMOVED}": text}))
    assert (stack.tombstone, stack.data) == (True, False)


def test_a_folder_that_vanished_has_no_tombstone() -> None:
    checkout = FakeCheckout()
    base = checkout.commit(dict(WEB))
    [stack] = between(checkout, base, checkout.commit(dict.fromkeys(WEB)))
    assert (stack.change, stack.tombstone, stack.terraform) == ("removed", False, True)


@pytest.mark.parametrize(
    "path",
    ["docs/x.md", "apps/x", "apps/X/plan.json", "apps/../web/x", "apps/-x/x", "app/web/plan.json", "apps//x", "apps/a b/x",
     "apps/" + "a" * 60 + "/x", "other/apps/web/plan.json"],
)  # fmt: skip
def test_what_is_no_stack_is_none(path: str) -> None:
    checkout = FakeCheckout()
    base = checkout.commit({"README.md": "x"})
    assert between(checkout, base, checkout.commit({path: "x"})) == ()


def test_workloads_that_are_no_longer_there_are_seen() -> None:
    checkout = FakeCheckout()
    base = checkout.commit(files_of(both_plan()))
    gone = {path: None for path in files_of(both_plan()) if "/kubernetes/" in path}
    [stack] = between(checkout, base, checkout.commit(gone))
    assert lost_manifests(checkout, stack)
    [before] = between(checkout, None, base)
    assert not lost_manifests(checkout, before)


def test_a_vanished_folder_destroys_nothing_and_says_how_to_go_on(tmp_path: Path) -> None:
    belt = Belt(tmp_path)
    belt.terraform.wanted = {"vm.web-1": "1"}
    belt.brought(dict(WEB))
    belt.terraform.log.clear()
    outcome = belt.brought(dict.fromkeys(WEB))[1]
    assert (outcome.kind, outcome.code) == ("abandoned", Code.POLICY)
    assert "/ai-destroy web" in outcome.remedy
    assert belt.terraform.log == []
    assert belt.terraform.state == {"vm.web-1": "1"}


def test_a_run_of_one_stack_leaves_the_others(tmp_path: Path) -> None:
    belt = Belt(tmp_path)
    belt.terraform.wanted = {"vm.web-1": "1"}
    belt.merged({**WEB, **SHOP})
    assert one(belt.apply(only=("apps/shop",))).root == "apps/shop"
    assert one(belt.apply(only=("web",))).root == "apps/web"
    assert isinstance(belt.apply(only=("nothing",)), Refusal)


def test_a_merge_by_rebase_brings_the_stacks_of_all_its_commits(tmp_path: Path) -> None:
    """Only the last commit starts the run; what was planned in the pull request is applied too."""
    belt = Belt(tmp_path)
    belt.terraform.wanted = {"vm.web-1": "1"}
    pull = belt.propose({**WEB, **files_of(web_plan(app="zoo"))})
    belt.plan(pull)
    belt.approve(pull)
    belt.main = belt.checkout.commit(dict(WEB), onto=belt.main)
    belt.merge(pull)
    outcomes = belt.apply()
    assert not isinstance(outcomes, Refusal)
    assert {each.root: each.kind for each in outcomes} == {"apps/zoo": "applied", "apps/web": "applied"}
