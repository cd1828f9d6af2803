"""What a change does to machines that exist is told before anything else."""

from __future__ import annotations

from typing import Any

import pytest

from bot.model.document import Document
from bot.model.outcome import PullRequest
from bot.model.plan import DataDisk, Machine, Nic, PlanView, Source
from bot.model.quantity import Bytes
from bot.rendering.disruption import Disruption, disruptions
from bot.rendering.pull_request import pull_text
from bot.rendering.status import finished
from tests.rendering.machine_scenes import KINDS, planned, vm
from tests.rendering.scenes import Nouns

DISK = DataDisk(size=Bytes.of_gib(50), datastore="fast")


def plan(*machines: Machine) -> PlanView:
    return planned("x", "machines", machines).plan


def change(before: dict[str, Any], after: dict[str, Any]) -> Disruption | None:
    found = disruptions(plan(vm("m", 101, **before)), plan(vm("m", 101, **after)))
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"kind": "container", "source": Source(ct_template="local:vztmpl/a.tar.zst")}),
        ({}, {"node": "pve2"}),
        ({}, {"source": Source(template_id=9002)}),
        ({}, {"datastore": "other"}),
        ({}, {"vm_id": 102}),
        ({}, {"disk": Bytes.of_gib(16)}),
        ({"data_disks": (DISK,)}, {"data_disks": ()}),
        ({"data_disks": (DISK,)}, {"data_disks": (DISK.model_copy(update={"datastore": "slow"}),)}),
        ({"data_disks": (DISK,)}, {"data_disks": (DISK.model_copy(update={"size": Bytes.of_gib(49)}),)}),
    ],
)
def test_it_is_made_again(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = change(before, after)
    assert found is not None
    assert found.effect == "recreate"
    assert found.blocked == bool(before)


@pytest.mark.parametrize(
    "after",
    [
        {"cores": 4},
        {"memory": Bytes.of_gib(8)},
        {"cpu_type": "host"},
        {"pci_mapping": "a100"},
        {"nics": (Nic(bridge="vmbr0", vlan=31),)},
        {"nics": (Nic(bridge="vmbr0", vlan=30), Nic(bridge="vmbr1"))},
        {"address": "10.20.0.99/24"},
    ],
)
def test_it_is_restarted(after: dict[str, Any]) -> None:
    found = change({}, after)
    assert found is not None
    assert found.effect == "reboot"
    assert not found.blocked


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({}, {"disk": Bytes.of_gib(64)}),
        ({}, {"data_disks": (DISK,)}),
        ({}, {"tags": ("a",)}),
        ({}, {"ha": True}),
        ({"ha": True}, {"ha": True, "node": "pve2"}),
        ({"ha": True}, {"ha": True, "source": Source(template_id=9002)}),
        ({"data_disks": (DISK,)}, {"data_disks": (DISK,), "source": Source(template_id=9002)}),
        ({"adopted": True}, {"adopted": True, "node": "pve2"}),
    ],
)
def test_it_runs_on(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert change(before, after) is None


def test_a_container_takes_cores_and_memory_while_it_runs() -> None:
    container = {"kind": "container", "source": Source(ct_template="local:vztmpl/a.tar.zst")}
    assert change(container, {**container, "cores": 8, "memory": Bytes.of_gib(16)}) is None


def test_the_worst_comes_first_and_new_machines_are_no_disruption() -> None:
    before = plan(vm("a", 101), vm("b", 102), vm("c", 103, data_disks=(DISK,)))
    after = plan(vm("a", 101, cores=8), vm("b", 102, node="pve3"), vm("new", 104))
    found = disruptions(before, after)
    assert [(each.machine, each.effect, each.blocked) for each in found] == [
        ("c", "destroy", True),
        ("b", "recreate", False),
        ("a", "reboot", False),
    ]


def test_nothing_existed_nothing_is_disrupted() -> None:
    assert disruptions(None, plan(vm("a", 101))) == ()


def document(nouns: Nouns) -> Document:
    return Document.of(
        nouns.plan, nouns.snapshot, request=nouns.request, demand=nouns.demand, profile=nouns.profile, findings=()
    )


def body(nouns: Nouns, before: PlanView | None = None) -> str:
    return pull_text(document(nouns), config=nouns.config, draft=False, rounds=1, before=before).body


def test_it_stands_at_the_top_of_the_pull_request() -> None:
    nouns = planned("x", "more", (vm("a", 101, cores=8),))
    shown = body(nouns, plan(vm("a", 101), vm("gone", 102, data_disks=(DISK,))))
    assert shown.startswith("> [!CAUTION]")
    assert "`gone` is **destroyed**" in shown
    assert "It is protected, so Terraform stops before it." in shown
    assert "`a` is **restarted**: cores 2 → 8." in shown
    assert "CAUTION" not in body(nouns)
    assert "CAUTION" not in body(nouns, nouns.plan)


def test_a_hostile_old_plan_cannot_speak_in_the_pull_request() -> None:
    old = plan(vm("a", 101, node="@octocat ![x](https://evil.example)"))
    shown = body(planned("x", "more", (vm("a", 101),)), old)
    assert "![x](https" not in shown
    assert "@octocat" not in shown.replace("@\u200boctocat", "").replace("\\@octocat", "").replace("`@octocat", "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_for_machines_is_told_as_one(kind: str) -> None:
    nouns = KINDS[kind]()
    shown = body(nouns)
    assert "### Workloads" not in shown
    assert "namespace" not in shown
    assert "kubectl" not in shown
    assert f"terraform -chdir={nouns.root}/terraform init" in shown
    assert all(f"`{machine.name}`" in shown and str(machine.vm_id) in shown for machine in nouns.plan.machines)


def test_a_cluster_is_told_with_its_sizes_and_the_reason() -> None:
    shown = body(KINDS["cluster-ha"]())
    assert "| `ha` | `3 + 3` | `4 cores, 8 GiB, 32 GiB disk` | `1.33.4` | `flannel` |" in shown
    assert "scaled down from 3+3 8/16 to 3+3 4/8 because" in shown


def test_the_status_counts_only_what_there_is() -> None:
    nouns = KINDS["cluster-ha"]()
    pull = PullRequest(
        number=1, url="https://forge.example/1", created=True, draft=False, branch="b", head_sha="0" * 40
    )
    shown = finished(document(nouns), pull, job="j1")
    assert "1 cluster, 6 machines" in shown
    assert "workload" not in shown
