"""Snapshots: put together without losing a gap, and shown without names."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.capacity.anonymise import anonymise
from bot.capacity.combine import combine
from bot.model.cluster import (
    ClusterSnapshot,
    Guest,
    KubernetesFacts,
    Missing,
    Node,
    ProxmoxFacts,
    Quota,
    Store,
    Workload,
)
from bot.model.quantity import Bytes, MilliCpu, Resources

SIZE = Resources(cpu=MilliCpu(8000), memory=Bytes.of_gib(32))
GAP = Missing(
    system="proxmox", what="HA rules of canary-host", code="proxmox-auth", reason="403", remedy="grant Sys.Audit"
)
PROXMOX = ClusterSnapshot(
    taken_at=datetime(2026, 1, 1, 12, 0, tzinfo=UTC),
    nodes=(Node(name="canary-host", system="proxmox", capacity=SIZE),),
    stores=(
        Store(name="local-lvm", system="proxmox", kind="lvmthin", nodes=("canary-host",), volumes=("canary.iso",)),
    ),
    missing=(GAP,),
    proxmox=ProxmoxFacts(
        name="canary-cluster",
        pools=("canary-pool",),
        guests=(
            Guest(
                vm_id=100, name="canary-vm", kind="vm", node="canary-host", status="running", pool="canary-pool",
                tags=("canary-tag",), addresses=("10.9.8.7", "10.9.8.8"), memory=Bytes.of_gib(4),
            ),
        ),
    ),
)  # fmt: skip
KUBERNETES = ClusterSnapshot(
    taken_at=datetime(2026, 1, 1, 12, 5, tzinfo=UTC),
    nodes=(
        Node(
            name="canary-node", system="kubernetes", capacity=SIZE,
            labels={"kubernetes.io/hostname": "canary-node", "canary.example/team": "canary-team"},
        ),
    ),
    kubernetes=KubernetesFacts(
        namespaces=("canary-space",),
        quotas=(Quota(namespace="canary-space", name="canary-quota", hard={"limits.cpu": "4"}),),
        workloads=(Workload(namespace="canary-space", kind="Deployment", name="canary-app", replicas=2),),
    ),
)  # fmt: skip


def test_nothing_is_lost_when_snapshots_are_combined() -> None:
    other = GAP.model_copy(update={"system": "kubernetes"})
    whole = combine([PROXMOX, KUBERNETES], missing=[other])
    assert [node.name for node in whole.nodes] == ["canary-host", "canary-node"]
    assert whole.missing == (GAP, other)
    assert whole.taken_at == KUBERNETES.taken_at
    assert (whole.proxmox, whole.kubernetes) == (PROXMOX.proxmox, KUBERNETES.kubernetes)


def test_nothing_read_has_no_time() -> None:
    assert combine([]) == ClusterSnapshot()


def test_no_name_survives() -> None:
    assert "canary" not in anonymise(combine([PROXMOX, KUBERNETES])).model_dump_json()
    assert "10.9.8" not in anonymise(PROXMOX).model_dump_json()


def test_the_shape_survives() -> None:
    before = combine([PROXMOX, KUBERNETES])
    after = anonymise(before)
    assert [node.capacity for node in after.nodes] == [node.capacity for node in before.nodes]
    assert after.proxmox is not None
    assert after.proxmox.guests[0].node == after.nodes[0].name == after.stores[0].nodes[0]
    assert len(after.proxmox.guests[0].addresses) == 2
    assert anonymise(before) == after
