"""Applications that find no room on the cluster: worker machines on Proxmox, or why not."""

from __future__ import annotations

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Guest, KubernetesFacts, ProxmoxFacts, Quota
from bot.model.config import Config, Kubernetes, Limits
from bot.model.plan import Plan
from bot.model.quantity import Bytes, MilliCpu, Resources
from tests.planning.builders import (
    decision,
    plan,
    planned,
    pve,
    refused,
    rules,
    shared_store,
    snapshot,
    template,
    worker,
)

GIB = Bytes.of_gib
FULL = Resources(cpu=MilliCpu(7_900), memory=Bytes.of_gib(15))


def full(**changes) -> ClusterSnapshot:
    """Two workers without room, three Proxmox nodes with room."""
    facts = {
        "nodes": (
            pve("pve1"), pve("pve2"), pve("pve3"),
            worker("k8s-worker-1", promised=FULL, zone="a"), worker("k8s-worker-2", promised=FULL, zone="b"),
        ),
        "kubernetes": KubernetesFacts(
            version="v1.34.2", name="home",
            daemon_requests=Resources(cpu=MilliCpu(200), memory=Bytes.of_mib(256)),
        ),
    }  # fmt: skip
    return snapshot(**{**facts, **changes})


def test_workers_are_added_and_the_plan_says_why():
    made = plan(snapshot=full())
    workers = [one for one in made.machines if one.role == "kubernetes-worker"]
    assert [one.name for one in workers] == [f"k8s-worker-{n}" for n in range(3, 3 + len(workers))]
    assert {one.cluster for one in workers} == {"home"}
    assert all(one.cores >= 2 and one.memory >= GIB(4) for one in workers)
    assert "workers-added" in rules(made)
    assert "no room" in decision(made, "cluster.added_workers").why
    assert made.services[0].replicas == 3


def test_the_new_workers_hold_every_pod_that_was_missing():
    made = plan(snapshot=full())
    new = {one.name: one for one in made.machines if one.role == "kubernetes-worker"}
    changes = {entry.node: entry for entry in made.capacity if entry.system == "kubernetes" and entry.node in new}
    assert changes.keys() == new.keys()
    assert sum(entry.after.cpu - entry.before.cpu for entry in changes.values()) == 3 * 850
    for name, entry in changes.items():
        assert entry.after.cpu <= entry.limit.cpu
        assert entry.limit.cpu == new[name].cores * 1000 - 500
        assert entry.before == Resources(cpu=MilliCpu(200), memory=Bytes.of_mib(256))


def test_the_cheapest_size_wins():
    """3 pods of 850m: each 2/4 machine holds one, one 4/8 machine holds all three."""
    workers = [one for one in plan(snapshot=full()).machines if one.role == "kubernetes-worker"]
    assert [(one.cores, one.memory) for one in workers] == [(4, GIB(8))]


def test_databases_of_the_same_plan_get_other_ids():
    made = plan(snapshot=full())
    ids = [one.vm_id for one in made.machines]
    assert len(made.machines) > 1
    assert len(set(ids)) == len(ids)
    paths = [entry.path for entry in made.decisions]
    assert len(set(paths)) == len(paths)


def test_a_cluster_with_room_gets_no_workers():
    assert not [one for one in plan().machines if one.role == "kubernetes-worker"]


def test_a_quota_is_never_answered_with_machines():
    quota = Quota(namespace="shop", name="q", hard={"requests.cpu": "1"}, used={"requests.cpu": "0"})
    taken = full(kubernetes=KubernetesFacts(version="v1.34.2", quotas=(quota,)))
    refusal = refused(snapshot=taken)
    assert refusal.code is Code.CAPACITY
    assert refusal == refused(snapshot=taken, config=Config(kubernetes=Kubernetes(add_workers=False)))
    assert plan(snapshot=full(kubernetes=KubernetesFacts(version="v1.34.2"))).machines


def test_it_can_be_switched_off():
    refusal = refused(snapshot=full(), config=Config(kubernetes=Kubernetes(add_workers=False)))
    assert "Nor can workers" not in refusal.message


def test_without_proxmox_the_refusal_stays_as_it_was():
    taken = full(nodes=tuple(node for node in full().nodes if node.system == "kubernetes"), proxmox=None, stores=())
    assert "Nor can workers" not in refused(snapshot=taken).message


def test_when_proxmox_is_full_as_well_both_reasons_are_told():
    tight = tuple(
        pve(name, promised=Resources(cpu=MilliCpu(90_000), memory=GIB(117))) for name in ("pve1", "pve2", "pve3")
    )
    kube = tuple(node for node in full().nodes if node.system == "kubernetes")
    refusal = refused(snapshot=full(nodes=(*tight, *kube)))
    assert refusal.code is Code.CAPACITY
    assert "Room for 0 of 3 pods" in refusal.message
    assert "Nor can workers be added" in refusal.message
    assert "pve1" in refusal.message


def test_sizes_stay_within_the_policy():
    made = plan(snapshot=full(), config=Config(limits=Limits(max_cores_per_machine=8, max_memory_per_machine=GIB(32))))
    assert all(one.cores <= 8 for one in made.machines)
    small = planned(snapshot=full(), config=Config(limits=Limits(max_cores_per_machine=1)))
    assert isinstance(small, Refusal)


def test_a_guest_that_has_the_next_name_is_left_alone():
    held = Guest(vm_id=300, name="k8s-worker-3", kind="vm", node="pve1", status="stopped")
    taken = full(proxmox=ProxmoxFacts(quorate=True, guests=(template(), held)), stores=(shared_store(),))
    made = plan(snapshot=taken)
    assert isinstance(made, Plan)
    assert "k8s-worker-4" in {one.name for one in made.machines}


def test_reserved_ids_of_other_pull_requests_hold_for_applications_too():
    made = plan(snapshot=full(), reserved=frozenset({100, 101}))
    assert not {100, 101} & {one.vm_id for one in made.machines}
