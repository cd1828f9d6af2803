"""An application planned again: its databases and the workers that it added run, and are updated in place."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import Code
from bot.model.cluster import ClusterSnapshot, KubernetesFacts, Workload
from bot.model.demand import Demand
from bot.model.evidence import Evidence
from bot.model.plan import Machine, Plan
from bot.model.quantity import Bytes, MilliCpu, Resources
from tests.planning.builders import GOLDEN_DEMAND, decision, plan, pve, refused, rules, snapshot, worker
from tests.planning.standing_kit import applied
from tests.planning.test_workers import FULL, full

GIB = Bytes.of_gib
IDENTITY = ("vm_id", "address", "node", "datastore", "source", "template_node", "nics", "role", "serves")


def again(first: Plan, taken: ClusterSnapshot | None = None, **changes: Any) -> Plan:
    facts = {"snapshot": taken or applied(first, snapshot()), "evidence": Evidence(before=first), **changes}
    return plan(**facts)


def identity(one: Machine) -> dict[str, Any]:
    return {name: getattr(one, name) for name in IDENTITY}


@pytest.mark.parametrize("world", ["applied", "merged and not applied", "not read"])
def test_a_database_application_again_gives_the_same_machines(world):
    first = plan()
    assert first.machines
    unread = snapshot(nodes=tuple(snapshot().of("kubernetes")), proxmox=None, stores=())
    taken = {"applied": applied(first, snapshot()), "not read": unread}.get(world, snapshot())
    second = again(first, taken)
    assert second.machines == first.machines
    assert again(second, taken).machines == first.machines
    if world == "applied":
        proxmox = [entry for entry in second.capacity if entry.system == "proxmox"]
        assert proxmox
        assert all(entry.before == entry.after for entry in proxmox)
        assert "guest-name-taken" not in rules(second)


def test_a_larger_load_grows_the_databases_where_they_stand():
    first = plan(demand=GOLDEN_DEMAND.model_copy(update={"qps_peak": 200.0}))
    second = again(first)
    assert sum(one.cores for one in second.machines) > sum(one.cores for one in first.machines)
    by_name = {one.name: one for one in second.machines}
    for one in first.machines:
        assert identity(by_name[one.name]) == identity(one)
        assert by_name[one.name].data_disks[0].size >= one.data_disks[0].size
        assert decision(second, f"machines.{one.name}.cores").value == by_name[one.name].cores


def test_a_smaller_load_never_shrinks_a_data_disk():
    first = plan(demand=GOLDEN_DEMAND)
    larger = tuple(
        one.model_copy(update={"data_disks": (one.data_disks[0].model_copy(update={"size": GIB(500)}),)})
        for one in first.machines
    )
    second = again(first.model_copy(update={"machines": larger}))
    assert {one.data_disks[0].size for one in second.machines} == {GIB(500)}
    assert decision(second, f"machines.{second.machines[0].name}.data_disk").value == "500Gi"


def test_growth_without_room_is_refused_with_the_reason():
    first = plan(demand=GOLDEN_DEMAND.model_copy(update={"qps_peak": 200.0}))
    busy = Resources(cpu=MilliCpu(90_000), memory=GIB(100))
    kube = snapshot().of("kubernetes")
    tight = snapshot(nodes=(*(pve(f"pve{n}", promised=busy) for n in (1, 2, 3)), *kube))
    second = again(first, applied(first, tight))
    assert [(one.cores, one.memory) for one in second.machines] == [(one.cores, one.memory) for one in first.machines]
    said = next(entry for entry in second.findings if entry.rule == "growth-refused")
    assert all(one.name in said.message for one in first.machines)


def test_another_instance_gets_a_new_id_and_another_node():
    first = plan(demand=GOLDEN_DEMAND)
    fewer = first.model_copy(update={"machines": first.machines[:-1]})
    second = again(fewer, applied(fewer, snapshot()))
    assert second.machines[:-1] == fewer.machines
    assert second.machines[-1].vm_id not in {one.vm_id for one in fewer.machines}
    assert second.machines[-1].node not in {one.node for one in fewer.machines}


def test_a_database_that_is_not_asked_for_any_more_keeps_its_data():
    first = plan()
    second = again(first, demand=Demand(qps_peak=2000.0))
    assert second.machines == first.machines
    assert "machines-with-data-kept" in rules(second)


def test_a_stranger_under_the_id_of_a_database_is_a_conflict():
    first = plan()
    name = first.machines[0].name.replace("-", "_")
    taken = applied(first, snapshot(), **{name: {"name": "payroll", "tags": ()}})
    assert refused(snapshot=taken, evidence=Evidence(before=first)).code is Code.CONFLICT


def test_a_database_that_is_gone_is_planned_anew_under_its_id():
    first = plan()
    taken = applied(first, snapshot(), **{first.machines[0].name.replace("-", "_"): None})
    second = again(first, taken)
    assert [one.vm_id for one in second.machines] == [one.vm_id for one in first.machines]
    assert "machines-gone" in rules(second)


# workers


def workers(made: Plan) -> list[Machine]:
    return [one for one in made.machines if one.role == "kubernetes-worker"]


def joined(first: Plan, *, running: bool) -> ClusterSnapshot:
    """The workers are nodes of the cluster; with ``running`` the application's pods are on them."""
    taken = applied(first, full())
    pods = [(service.replicas, service.requests) for service in first.services] if running else []
    used = Resources(cpu=MilliCpu(200), memory=Bytes.of_mib(256))
    for count, each in pods:
        used += Resources(cpu=each.cpu, memory=each.memory).times(count)
    nodes = [
        worker(
            one.name,
            capacity=Resources(cpu=MilliCpu(one.cores * 1000 - 500), memory=Bytes(one.memory - GIB(1))),
            promised=used,
        )
        for one in workers(first)
    ]
    workloads = tuple(
        Workload(
            namespace=first.namespace,
            kind=service.kind,
            name=service.name,
            replicas=service.replicas,
            requests=Resources(cpu=service.requests.cpu, memory=service.requests.memory),
        )
        for service in first.services
        if running
    )
    facts = taken.kubernetes
    assert facts is not None
    kubernetes: KubernetesFacts = facts.model_copy(update={"workloads": workloads})
    return taken.model_copy(update={"nodes": (*taken.nodes, *nodes), "kubernetes": kubernetes})


@pytest.mark.parametrize("running", [False, True])
def test_workers_that_joined_stay_in_the_plan_and_no_others_are_added(running):
    first = plan(snapshot=full())
    assert workers(first)
    second = again(first, joined(first, running=running))
    assert workers(second) == workers(first)
    assert second.machines == first.machines
    assert "workers-added" not in rules(second)


@pytest.mark.parametrize("world", ["applied", "merged"])
def test_workers_that_have_not_joined_yet_are_not_added_twice(world):
    first = plan(snapshot=full())
    taken = applied(first, full()) if world == "applied" else full()
    second = again(first, taken)
    assert second.machines == first.machines
    assert "workers-added" not in rules(second)


def test_a_larger_application_adds_workers_beside_the_earlier_ones():
    first = plan(snapshot=full())
    more = GOLDEN_DEMAND.model_copy(update={"qps_peak": 20_000.0})
    second = again(first, joined(first, running=True), demand=more)
    old = {one.name: one for one in workers(first)}
    new = {one.name: one for one in workers(second)}
    assert old.keys() < new.keys()
    assert all(new[name] == one for name, one in old.items())
    assert "workers-added" in rules(second)


def test_without_a_merged_plan_running_pods_are_somebody_elses():
    """Only what an earlier plan of this application deployed is given back."""
    first = plan(snapshot=full())
    assert FULL.memory == GIB(15)
    second = plan(snapshot=joined(first, running=True))
    assert "workers-added" in rules(second)
