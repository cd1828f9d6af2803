"""A merged removal: workloads first, then machines; data only where the tombstone names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Code, Refusal
from bot.flow.removal import removal_of
from bot.model.document import Document
from bot.model.plan import DataDisk, Plan
from bot.model.removal import Removal
from bot.model.stack import REMOVED
from tests.applying.belt import Belt, both_plan, config, files_of, one, shop_plan, steps, web_plan
from tests.planning.wishing import GIB

BOTH, SHOP = files_of(both_plan()), files_of(shop_plan())


def data_plan(plan: Plan | None = None) -> Plan:
    """The same with a data disk at its machine."""
    made = plan or web_plan()
    disk = DataDisk(size=GIB(20), datastore=made.machines[0].datastore)
    return made.model_copy(update={"machines": (made.machines[0].model_copy(update={"data_disks": (disk,)}),)})


def removed(files: dict[str, str], *, data: bool = False) -> dict[str, str | None]:
    """The files of the bot's own pull request."""
    [text] = [text for path, text in files.items() if path.endswith("/plan.json")]
    found = removal_of(Document.model_validate_json(text), data=data, config=config())
    assert isinstance(found, Removal), found
    return dict.fromkeys(files) | {file.path: file.content for file in found.changes.files}


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    made = Belt(tmp_path)
    made.terraform.wanted = {"vm.web-1": "1"}
    return made


def order(belt: Belt) -> list[str]:
    """What was told to terraform and kubectl since the apply before, in order."""
    assert belt.manifests is not None
    return [f"terraform {verb}" for verb in belt.verbs] + [f"kubectl {verb}" for verb, _ in belt.manifests.log]


def running(belt: Belt, files: dict[str, str]) -> None:
    assert belt.brought(dict(files))[1].kind == "applied"
    belt.terraform.log.clear()
    assert belt.manifests is not None
    belt.manifests.log.clear()


def test_workloads_go_before_their_machines(belt: Belt) -> None:
    running(belt, BOTH)
    pull, outcome = belt.brought(removed(BOTH), branch="ai-provision/destroy-shop-1")
    assert outcome.kind == "destroyed"
    assert steps(outcome) == ["terraform-plan done", "parity done", "manifests done", "destroy done"]
    assert belt.terraform.state == {}
    assert belt.manifests is not None
    assert belt.manifests.objects == {}
    assert pull.labels == ["ai-provision: destroyed"]
    assert (outcome.planned, outcome.code) == ((), None)


def test_the_plan_of_a_removal_shows_what_is_destroyed(belt: Belt) -> None:
    running(belt, BOTH)
    [planned] = belt.plan(belt.propose(removed(BOTH), branch="ai-provision/destroy-shop-1"))
    assert planned.terraform is not None
    assert planned.terraform.counts() == {"delete": 1}
    assert (planned.preflight, planned.ready) == (None, True)


def test_a_removal_of_workloads_alone_needs_no_terraform(belt: Belt) -> None:
    running(belt, SHOP)
    outcome = belt.brought(removed(SHOP), branch="ai-provision/destroy-shop-1")[1]
    assert (outcome.kind, belt.verbs) == ("destroyed", [])


@pytest.mark.parametrize("data", [False, True])
def test_claims_go_only_with_the_second_word(belt: Belt, *, data: bool) -> None:
    running(belt, SHOP)
    assert belt.manifests is not None
    seen: list[bool] = []
    delete = belt.manifests.delete
    belt.manifests.delete = lambda folder, *, claims: (seen.append(claims), delete(folder, claims=claims))[1]  # type: ignore[method-assign]
    belt.brought(removed(SHOP, data=data), branch="ai-provision/destroy-shop-1")
    assert seen == [data]


def test_a_removal_that_would_destroy_more_than_reviewed_is_refused(belt: Belt) -> None:
    running(belt, BOTH)
    belt.merged(removed(BOTH), branch="ai-provision/destroy-shop-1")
    belt.terraform.state["vm.more"] = "1"
    outcome = one(belt.apply())
    assert (outcome.kind, outcome.code) == ("abandoned", Code.CONFLICT)
    assert "vm.more delete" in outcome.message
    assert not [verb for verb in order(belt) if verb in {"terraform apply", "kubectl delete"}]


def test_a_stopped_destroy_goes_on_at_the_next_run(belt: Belt) -> None:
    belt.terraform.wanted = {"vm.a": "1", "vm.b": "1"}
    running(belt, BOTH)
    belt.merged(removed(BOTH), branch="ai-provision/destroy-shop-1")
    belt.terraform.fault = "halfway"
    assert one(belt.apply()).kind == "failed"
    belt.terraform.fault = ""
    assert one(belt.apply()).kind == "destroyed"
    assert belt.terraform.state == {}


def test_data_disks_are_refused_where_the_tombstone_does_not_name_them(belt: Belt) -> None:
    """A hand-written tombstone, as somebody without the bot would make it."""
    files = files_of(data_plan())
    running(belt, files)
    tombstone = {f"apps/web/{REMOVED}": '{"schema_version": 1, "removed": "apps/web", "data": false}'}
    outcome = belt.brought(dict.fromkeys(files) | tombstone, branch="ai-provision/destroy-web-1")[1]
    assert (outcome.kind, outcome.code) == ("abandoned", Code.POLICY)
    assert "/ai-destroy web data" in outcome.remedy
    assert belt.terraform.log == []


def test_with_the_second_word_prevent_destroy_is_lifted_for_exactly_what_had_it(belt: Belt) -> None:
    files = files_of(data_plan())
    running(belt, files)
    seen: list[str] = []
    plan = belt.terraform.plan

    def looking(folder: Path, *, destroy: bool = False) -> object:
        seen.append((folder / "destroy_override.tf").read_text())
        return plan(folder, destroy=destroy)

    belt.terraform.plan = looking  # type: ignore[method-assign, assignment]
    outcome = belt.brought(removed(files, data=True), branch="ai-provision/destroy-web-1")[1]
    assert outcome.kind == "destroyed"
    assert seen[0] == seen[1]
    assert seen[0].count("prevent_destroy = false") == files["apps/web/terraform/main.tf"].count(
        "prevent_destroy = true"
    )
    assert 'resource "proxmox_virtual_environment_vm" "stateful" {' in seen[0]


def test_without_the_second_word_the_data_machine_stays_and_the_rest_goes(belt: Belt) -> None:
    files = files_of(data_plan(both_plan()))
    running(belt, files)
    outcome = belt.brought(removed(files), branch="ai-provision/destroy-shop-1")[1]
    assert outcome.kind == "applied"
    assert belt.terraform.state == {"vm.web-1": "1"}
    assert belt.manifests is not None
    assert not [kind for _, kind, _ in belt.manifests.objects if kind == "Deployment"]


def test_only_data_left_is_refused_with_the_form_of_the_second_word() -> None:
    [text] = [text for path, text in files_of(data_plan()).items() if path.endswith("/plan.json")]
    found = removal_of(Document.model_validate_json(text), data=False, config=config())
    assert isinstance(found, Refusal)
    assert (found.code, found.example) == (Code.POLICY, "/ai-destroy web data")


def test_a_second_removal_of_what_is_gone_starts_nothing(belt: Belt) -> None:
    running(belt, SHOP)
    belt.brought(removed(SHOP), branch="ai-provision/destroy-shop-1")
    assert belt.manifests is not None
    belt.manifests.log.clear()
    outcome = belt.brought({f"apps/shop/{REMOVED}": '{"data": true}'}, branch="ai-provision/destroy-shop-2")[1]
    assert (outcome.kind, order(belt)) == ("abandoned", [])


def test_without_a_cluster_a_removal_of_workloads_is_refused_before_the_machines_go(belt: Belt) -> None:
    running(belt, BOTH)
    belt.merged(removed(BOTH), branch="ai-provision/destroy-shop-1")
    belt.manifests = None
    outcome = one(belt.apply())
    assert (outcome.kind, outcome.code) == ("failed", Code.CONFIG)
    assert belt.terraform.state == {"vm.web-1": "1"}
