"""Headroom: the formulas, and what is never counted as room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.capacity.headroom import headroom
from bot.model.cluster import ClusterSnapshot, Node, ProxmoxFacts, Room, Taint
from bot.model.config import Config, Limits
from bot.model.quantity import Bytes, MilliCpu, Resources

PVE = Node(
    name="pve1",
    system="proxmox",
    capacity=Resources(cpu=MilliCpu.of_cores(32), memory=Bytes.of_gib(100)),
    promised=Resources(cpu=MilliCpu.of_cores(48), memory=Bytes.of_gib(46)),
)
WORKER = Node(
    name="worker-1",
    system="kubernetes",
    capacity=Resources(cpu=MilliCpu(7800), memory=Bytes.of_gib(30)),
    promised=Resources(cpu=MilliCpu(3900), memory=Bytes.of_gib(10)),
)


def room_of(node: Node, *, facts: ProxmoxFacts | None = None, overcommit: float = 3.0) -> Room:
    config = Config(limits=Limits(cpu_overcommit=overcommit))
    return headroom(ClusterSnapshot(nodes=(node,), proxmox=facts), config).rooms[0]


def test_proxmox_keeps_eight_per_cent_and_overcommits_cpu_only() -> None:
    room = room_of(PVE)
    assert room.limit == Resources(cpu=MilliCpu.of_cores(96), memory=Bytes.of_gib(92))
    assert room.free == Resources(cpu=MilliCpu.of_cores(48), memory=Bytes.of_gib(46))
    assert (room.cpu_load, room.memory_load) == (0.5, 0.5)


def test_a_small_host_keeps_two_gib() -> None:
    small = PVE.model_copy(update={"capacity": Resources(cpu=MilliCpu(4000), memory=Bytes.of_gib(8))})
    assert room_of(small).limit.memory == Bytes.of_gib(6)


def test_the_zfs_cache_is_kept_too() -> None:
    assert room_of(PVE.model_copy(update={"zfs_arc_max": Bytes.of_gib(16)})).limit.memory == Bytes.of_gib(76)


def test_measured_use_counts_when_it_is_higher_than_what_is_promised() -> None:
    busy = PVE.model_copy(update={"used_p95": Resources(cpu=MilliCpu.of_cores(32), memory=Bytes.of_gib(90))})
    room = room_of(busy)
    assert room.cpu_load == pytest.approx(1 / 0.85)
    assert room.memory_load == pytest.approx(1.0)


@pytest.mark.parametrize("state", ["offline", "unknown", "maintenance", "unschedulable"])
@pytest.mark.parametrize("node", [PVE, WORKER], ids=["proxmox", "kubernetes"])
def test_a_node_that_is_not_ready_gives_nothing(node: Node, state: str) -> None:
    room = room_of(node.model_copy(update={"state": state}))
    assert not room.usable
    assert state in room.why


def test_without_quorum_nothing_is_usable() -> None:
    assert not room_of(PVE, facts=ProxmoxFacts(quorate=False)).usable
    assert room_of(PVE, facts=ProxmoxFacts(quorate=None)).usable


@pytest.mark.parametrize(
    ("effect", "usable"), [("NoSchedule", False), ("NoExecute", False), ("PreferNoSchedule", True)]
)
def test_taints_that_keep_pods_out(effect: str, usable: bool) -> None:
    assert room_of(WORKER.model_copy(update={"taints": (Taint(key="role", effect=effect),)})).usable is usable


def test_kubernetes_is_allocatable_minus_requests() -> None:
    room = room_of(WORKER)
    assert room.free == Resources(cpu=MilliCpu(3900), memory=Bytes.of_gib(20))


@given(
    st.integers(0, 512_000), st.integers(0, 2**43), st.integers(0, 512_000), st.integers(0, 2**43), st.floats(0.1, 16)
)
def test_free_room_is_never_negative_and_never_over_the_limit(
    cpu: int, memory: int, promised_cpu: int, promised_memory: int, overcommit: float
) -> None:
    node = PVE.model_copy(
        update={
            "capacity": Resources(cpu=MilliCpu(cpu), memory=Bytes(memory)),
            "promised": Resources(cpu=MilliCpu(promised_cpu), memory=Bytes(promised_memory)),
        }
    )
    room = room_of(node, overcommit=overcommit)
    assert room.free.fits(room.limit)
    assert room.limit.memory <= memory
