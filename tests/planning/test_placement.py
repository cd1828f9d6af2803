"""Hard constraints one by one, and an independent checker over random clusters."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.cluster import Bridge, ClusterSnapshot, Guest, HaRule, ProxmoxFacts
from bot.model.quantity import GIB, Bytes, MilliCpu, Resources
from bot.planning.placement.board import Ask, world_of
from bot.planning.placement.failure import replaceable
from bot.planning.placement.place import NoRoom, Placement, place
from tests.daily import searched
from tests.planning.builders import local_store, pve, rooms, shared_store, template


def ask(name: str = "db-1", **changes: Any) -> Ask:
    facts: dict[str, Any] = {
        "name": name,
        "vm_id": 5000,
        "group": "db",
        "cpu": MilliCpu(8000),
        "memory": Bytes.of_gib(32),
        "system_disk": Bytes.of_gib(20),
        "data_disk": Bytes.of_gib(40),
        "bridge": "vmbr0",
        "template": template(),
        "template_id": 9000,
    }
    return Ask(**{**facts, **changes})


def taken(*nodes, **changes: Any) -> ClusterSnapshot:
    facts: dict[str, Any] = {
        "nodes": nodes,
        "stores": (shared_store(),),
        "proxmox": ProxmoxFacts(quorate=True, guests=(template(),)),
    }
    return ClusterSnapshot(**{**facts, **changes})


def placed(asks, snapshot: ClusterSnapshot, *, production: bool = True) -> Placement | NoRoom:
    return place(asks, world_of(snapshot, rooms(snapshot), production=production))


GOOD = pve("good")
OLD_FLAGS = ("sse4_1", "ssse3")
NEW_FLAGS = ("cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3", "aes")


@pytest.mark.parametrize(
    ("node", "changes", "constraint"),
    [
        pytest.param({"state": "offline"}, {}, "node-online", id="offline"),
        pytest.param({"state": "unknown"}, {}, "node-online", id="unknown"),
        pytest.param({"state": "maintenance"}, {}, "maintenance", id="maintenance"),
        pytest.param({"architecture": "aarch64"}, {}, "architecture", id="architecture"),
        pytest.param({"cpu_flags": OLD_FLAGS}, {}, "cpu-type", id="cpu-flags"),
        pytest.param({}, {"pci_mapping": "gpu"}, "pci-mapping", id="pci-mapping"),
        pytest.param({"bridges": (Bridge(name="vmbr1"),)}, {}, "bridge", id="bridge-missing"),
        pytest.param({"bridges": (Bridge(name="vmbr0", active=False),)}, {}, "bridge", id="bridge-inactive"),
        pytest.param({"bridges": (Bridge(name="vmbr0"),)}, {"vlan": 30}, "vlan", id="not-vlan-aware"),
        pytest.param(
            {"bridges": (Bridge(name="vmbr0", vlan_aware=True, vlans="2-20 40"),)}, {"vlan": 30}, "vlan", id="vlan"
        ),
        pytest.param(
            {"capacity": Resources(cpu=MilliCpu(4000), memory=Bytes.of_gib(128))}, {}, "threads", id="threads"
        ),
        pytest.param({"promised": Resources(cpu=MilliCpu(1000), memory=Bytes.of_gib(100))}, {}, "memory", id="memory"),
        pytest.param({"promised": Resources(cpu=MilliCpu(90_000), memory=Bytes.of_gib(1))}, {}, "cpu", id="cpu"),
    ],
)
def test_a_node_that_breaks_a_constraint_is_rejected_by_name(node, changes, constraint):
    mapped = pve("good", cpu_flags=NEW_FLAGS, pci_mappings=("gpu",))
    found = placed([ask(**changes)], taken(mapped, pve("bad", **node)), production=False)
    assert isinstance(found, Placement)
    assert found.seats["db-1"].node == "good"
    rejected = [(entry.node, entry.constraint) for entry in found.placed[0].rejected]
    assert rejected == [("bad", constraint)]
    assert "bad" in found.placed[0].rejected[0].reason

    alone = placed([ask(**changes)], taken(pve("bad", **node)), production=False)
    assert isinstance(alone, NoRoom)
    assert [entry.constraint for entry in alone.rejected] == [constraint]


def test_the_same_node_without_the_fault_is_taken():
    assert isinstance(placed([ask(vlan=30)], taken(pve("bad", cpu_flags=NEW_FLAGS))), Placement)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        pytest.param({"proxmox": ProxmoxFacts(quorate=False, guests=(template(),))}, "quorum", id="no-quorum"),
        pytest.param({"stores": (shared_store(active=False),)}, "storage", id="store-inactive"),
        pytest.param({"stores": (shared_store(content=("iso",)),)}, "storage", id="store-without-images"),
        pytest.param({"stores": (shared_store(available=Bytes.of_gib(250)),)}, "storage", id="reserve-of-ten-percent"),
        pytest.param(
            {"stores": (shared_store(total=Bytes.of_gib(80), available=Bytes.of_gib(69)),)}, "storage",
            id="reserve-of-10-gib",
        ),
        pytest.param({"stores": ()}, "storage", id="no-store"),
        pytest.param(
            {"proxmox": ProxmoxFacts(guests=(template(node="other", datastores=("local-lvm",)),))}, "template",
            id="template-on-another-node",
        ),
        pytest.param(
            {"proxmox": ProxmoxFacts(guests=(template(),), permissions={"/nodes/good": ("VM.Audit",)})}, "permission",
            id="permission",
        ),
        pytest.param(
            {
                "proxmox": ProxmoxFacts(
                    guests=(template(),),
                    ha_rules=(
                        HaRule(name="r", type="node-affinity", resources=("vm:5000",), nodes=("x",), strict=True),
                    ),
                )
            },
            "node-affinity", id="strict-node-affinity",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_cluster_is_named(changes, constraint):
    source = changes["proxmox"].guests[0] if "proxmox" in changes else template(datastores=())
    found = placed([ask(template=source)], taken(GOOD, **changes))
    assert isinstance(found, NoRoom)
    assert [entry.constraint for entry in found.rejected] == [constraint]


def test_a_pool_that_does_not_exist_is_named():
    snapshot = taken(GOOD, proxmox=ProxmoxFacts(guests=(template(),), pools=("apps",)))
    assert isinstance(placed([ask(pool="apps")], snapshot), Placement)
    found = placed([ask(pool="none")], snapshot)
    assert isinstance(found, NoRoom)
    assert found.rejected[0].constraint == "pool"


def test_disks_of_one_batch_share_the_store():
    store = shared_store(available=Bytes.of_gib(200 + 60 + 59))
    found = placed([ask("a", group="a"), ask("b", group="b")], taken(pve("n1"), pve("n2"), stores=(store,)))
    assert isinstance(found, NoRoom)
    assert found.rejected[0].constraint == "storage"
    assert isinstance(placed([ask("a")], taken(pve("n1"), stores=(store,))), Placement)


def test_local_stores_of_one_name_are_apart():
    stores = (local_store("n1", available=Bytes.of_gib(270)), local_store("n2", available=Bytes.of_gib(1000)))
    found = placed([ask("a", template=None, template_id=None)], taken(pve("n1"), pve("n2"), stores=stores))
    assert isinstance(found, Placement)
    assert found.seats["a"].node == "n2"
    assert found.placed[0].alternatives == ("n1",)
    both = placed(
        [ask(name, group=name, template=None, template_id=None) for name in "ab"],
        taken(pve("n1"), pve("n2"), stores=stores),
    )
    assert isinstance(both, Placement)
    assert {seat.node for seat in both.seats.values()} == {"n1", "n2"}
    assert {seat.system_store for seat in both.seats.values()} == {("local-lvm", "n1"), ("local-lvm", "n2")}


def test_the_system_and_data_disk_may_stand_on_different_stores():
    stores = (shared_store(), local_store("n1", name="fast"))
    found = placed([ask(datastore="ceph", data_datastore="fast")], taken(pve("n1"), pve("n2"), stores=stores))
    assert isinstance(found, Placement)
    assert found.seats["db-1"].node == "n1"
    assert found.seats["db-1"].system_store == ("ceph", "")
    assert found.seats["db-1"].data_store == ("fast", "n1")


def test_a_system_disk_does_not_take_the_only_place_of_the_data_disk():
    stores = (shared_store(available=Bytes.of_gib(240)), local_store("n1", available=Bytes.of_gib(220)))
    found = placed([ask()], taken(pve("n1"), stores=stores))
    assert isinstance(found, Placement)
    assert found.seats["db-1"].system_store == ("local-lvm", "n1")
    assert found.seats["db-1"].data_store == ("ceph", "")


def test_instances_repel_each_other_where_there_are_nodes_enough():
    guests = [ask(f"db-{n}", cpu=MilliCpu(2000), memory=Bytes.of_gib(4)) for n in range(3)]
    found = placed(guests, taken(pve("n1"), pve("n2"), pve("n3")))
    assert isinstance(found, Placement)
    assert {seat.node for seat in found.seats.values()} == {"n1", "n2", "n3"}


def test_more_instances_than_nodes_spread_within_one():
    guests = [ask(f"db-{n}", cpu=MilliCpu(2000), memory=Bytes.of_gib(4)) for n in range(5)]
    found = placed(guests, taken(pve("n1"), pve("n2")))
    assert isinstance(found, Placement)
    counts = sorted([seat.node for seat in found.seats.values()].count(node) for node in ("n1", "n2"))
    assert counts == [2, 3]


def test_backtracking_finds_what_greed_misses():
    """The big guest of group a fits both nodes, the one of group b only the first; greed alone takes the first."""
    first = pve("n1", capacity=Resources(cpu=MilliCpu(64_000), memory=Bytes.of_gib(130)), promised=Resources())
    second = pve("n2", capacity=Resources(cpu=MilliCpu(16_000), memory=Bytes.of_gib(130)), promised=Resources())
    big = ask("a", group="a", cpu=MilliCpu(8000), memory=Bytes.of_gib(100))
    picky = ask("b", group="b", cpu=MilliCpu(32_000), memory=Bytes.of_gib(60))
    found = placed([big, picky], taken(first, second), production=False)
    assert isinstance(found, Placement)
    assert (found.seats["a"].node, found.seats["b"].node) == ("n2", "n1")


def test_the_emptiest_node_wins_and_names_break_ties():
    busy = pve("a", promised=Resources(cpu=MilliCpu(60_000), memory=Bytes.of_gib(80)))
    found = placed([ask()], taken(busy, pve("c"), pve("b")))
    assert isinstance(found, Placement)
    assert found.seats["db-1"].node == "b"
    assert found.placed[0].alternatives == ("c", "a")


def test_the_answer_does_not_depend_on_the_order_of_the_snapshot():
    nodes = [pve(f"n{n}") for n in range(4)]
    guests = [ask("a"), ask("b"), ask("c", group="c")]
    forward, backward = placed(guests, taken(*nodes)), placed(guests[::-1], taken(*nodes[::-1]))
    assert isinstance(forward, Placement)
    assert isinstance(backward, Placement)
    assert forward.seats == backward.seats


# N+1


def ha(vm_id: int, node: str, gib: int, **changes: Any) -> Guest:
    facts: dict[str, Any] = {
        "vm_id": vm_id, "name": f"ha-{vm_id}", "kind": "vm", "node": node, "status": "running", "ha": True,
        "memory": Bytes.of_gib(gib), "cores": 2, "datastores": ("ceph",),
    }  # fmt: skip
    return Guest(**{**facts, **changes})


def two_nodes(free_gib: int, *guests: Guest) -> ClusterSnapshot:
    """Two nodes of 128 GiB (117 plannable) with ``free_gib`` left on each."""
    promised = Resources(cpu=MilliCpu(10_000), memory=Bytes(int(128 * GIB - int(0.08 * 128 * GIB)) - free_gib * GIB))
    return taken(
        pve("n1", promised=promised), pve("n2", promised=promised),
        proxmox=ProxmoxFacts(quorate=True, guests=(template(), *guests)),
    )  # fmt: skip


def test_n_plus_one_is_hard_in_production_and_a_warning_elsewhere():
    tight = two_nodes(40, ha(100, "n1", 30), ha(101, "n2", 30))
    found = placed([ask()], tight)
    assert isinstance(found, NoRoom)
    assert found.broken
    lab = placed([ask()], tight, production=False)
    assert isinstance(lab, Placement)
    assert lab.broken


def test_n_plus_one_holds_where_the_rest_has_room():
    found = placed([ask()], two_nodes(70, ha(100, "n1", 30), ha(101, "n2", 30)))
    assert isinstance(found, Placement)
    assert found.broken == ()


def test_guests_on_local_storage_cannot_be_restarted_and_do_not_count():
    tight = two_nodes(40, ha(100, "n1", 30, datastores=("local-lvm",)), ha(101, "n2", 30, datastores=("local-lvm",)))
    found = placed([ask()], tight)
    assert isinstance(found, Placement)


def test_the_seat_that_keeps_n_plus_one_is_preferred_over_the_emptier_one():
    """n1 is emptier, but then the loss of n2 finds no room for its guest on n1 or n3."""
    limit = int(128 * GIB - int(0.08 * 128 * GIB))
    nodes = [
        pve(name, promised=Resources(cpu=MilliCpu(1000), memory=Bytes(limit - gib * GIB)))
        for name, gib in (("n1", 70), ("n2", 45), ("n3", 36))
    ]
    guests = (template(), ha(100, "n2", 50))
    snapshot = taken(*nodes, proxmox=ProxmoxFacts(quorate=True, guests=guests))
    found = placed([ask()], snapshot)
    assert isinstance(found, Placement)
    assert found.broken == ()
    assert found.seats["db-1"].node != "n1"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=5),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=3),
)
def test_replaceable_agrees_with_trying_everything(guests, free):
    sizes = [Resources(cpu=MilliCpu(cpu), memory=Bytes(memory)) for cpu, memory in guests]
    spaces = {f"n{n}": Resources(cpu=MilliCpu(cpu), memory=Bytes(memory)) for n, (cpu, memory) in enumerate(free)}
    assert replaceable(sizes, spaces) == _by_trying_everything(sizes, spaces)


def _by_trying_everything(sizes: list[Resources], spaces: dict[str, Resources]) -> bool:
    for seats in product(spaces, repeat=len(sizes)):
        load = {name: [0, 0] for name in spaces}
        for size, name in zip(sizes, seats, strict=True):
            load[name][0] += size.cpu
            load[name][1] += size.memory
        if all(load[name][0] <= spaces[name].cpu and load[name][1] <= spaces[name].memory for name in spaces):
            return True
    return False


# an independent checker


@st.composite
def clusters(draw):
    count = draw(st.integers(1, 5))
    nodes = []
    for number in range(count):
        threads, memory = draw(st.sampled_from([8, 16, 32])), draw(st.sampled_from([32, 64, 128]))
        used = draw(st.integers(0, 90)) / 100
        nodes.append(
            pve(
                f"n{number}",
                capacity=Resources(cpu=MilliCpu(threads * 1000), memory=Bytes.of_gib(memory)),
                promised=Resources(cpu=MilliCpu(int(threads * 3000 * used)), memory=Bytes(int(memory * GIB * used))),
                state=draw(st.sampled_from(["ready", "ready", "ready", "offline", "maintenance"])),
                bridges=(Bridge(name=draw(st.sampled_from(["vmbr0", "vmbr0", "vmbr1"])), vlan_aware=True),),
            )
        )
    stores = [local_store(f"n{n}", available=Bytes.of_gib(draw(st.integers(0, 600)))) for n in range(count)]
    if draw(st.booleans()):
        stores.append(shared_store(available=Bytes.of_gib(draw(st.integers(0, 600)))))
    guests = [template(datastores=())]
    for number in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from([node.name for node in nodes]))
        guests.append(ha(100 + number, where, draw(st.integers(1, 16))))
    return taken(*nodes, stores=tuple(stores), proxmox=ProxmoxFacts(quorate=True, guests=tuple(guests)))


@st.composite
def batches(draw):
    return [
        ask(
            f"vm-{number}",
            group=draw(st.sampled_from("ab")),
            cpu=MilliCpu(1000 * draw(st.sampled_from([1, 2, 4, 8, 16]))),
            memory=Bytes.of_gib(draw(st.sampled_from([2, 4, 8, 32]))),
            template=template(datastores=()),
        )
        for number in range(draw(st.integers(1, 4)))
    ]


@searched(120)
@given(clusters(), batches())
def test_no_hard_constraint_is_ever_broken(snapshot, asks):
    found = placed(asks, snapshot)
    if isinstance(found, NoRoom):
        return
    nodes = {node.name: node for node in snapshot.nodes}
    free = {room.node: room.free for room in rooms(snapshot).rooms}
    cpu, memory, disk = dict.fromkeys(nodes, 0), dict.fromkeys(nodes, 0), {}
    for one in asks:
        seat = found.seats[one.name]
        node = nodes[seat.node]
        assert node.state == "ready"
        assert [bridge.name for bridge in node.bridges] == ["vmbr0"]
        assert one.cpu <= node.capacity.cpu
        cpu[seat.node] += one.cpu
        memory[seat.node] += one.memory
        assert seat.data_store is not None
        for store, size in ((seat.system_store, one.system_disk), (seat.data_store, one.data_disk)):
            assert store[1] in {"", seat.node}
            disk[store] = disk.get(store, 0) + size
    for name in nodes:
        assert cpu[name] <= free[name].cpu
        assert memory[name] <= free[name].memory
    for (name, node), size in disk.items():
        store = next(s for s in snapshot.stores if s.name == name and (s.shared or s.nodes == (node,)))
        assert store.available - size >= max(0.1 * store.total, 10 * GIB)
    _check_survival(snapshot, asks, found, free)


def _check_survival(snapshot, asks, found, free) -> None:
    ready = [node.name for node in snapshot.nodes if node.state == "ready"]
    if len(ready) < 2:
        return
    left = {
        name: free[name]
        - Resources(
            cpu=MilliCpu(sum(one.cpu for one in asks if found.seats[one.name].node == name)),
            memory=Bytes(sum(one.memory for one in asks if found.seats[one.name].node == name)),
        )
        for name in ready
    }
    shared = {store.name for store in snapshot.stores if store.shared}
    for lost in ready:
        sizes = [one.resources for one in asks if found.seats[one.name].node == lost and found.seats[one.name].shared]
        sizes += [
            Resources(cpu=MilliCpu(guest.cores * 1000), memory=guest.memory)
            for guest in snapshot.proxmox.guests
            if guest.ha and guest.node == lost and set(guest.datastores) <= shared
        ]
        assert _by_trying_everything(sizes, {name: room for name, room in left.items() if name != lost})


@searched(60)
@given(clusters(), batches())
def test_a_refusal_names_every_node_or_the_lost_one(snapshot, asks):
    found = placed(asks, snapshot)
    if isinstance(found, NoRoom) and not found.broken and found.rejected:
        assert sorted(entry.node for entry in found.rejected) == sorted(node.name for node in snapshot.nodes)
        assert all(entry.reason for entry in found.rejected)


@searched(150)
@given(clusters())
def test_a_single_guest_is_refused_only_when_no_node_can_take_it(snapshot):
    one = ask(template=template(datastores=()), cpu=MilliCpu(2000), memory=Bytes.of_gib(4))
    found = placed([one], snapshot, production=False)
    able = [
        room.node
        for node, room in zip(snapshot.nodes, rooms(snapshot).rooms, strict=True)
        if node.state == "ready" and node.bridges[0].name == "vmbr0" and one.resources.fits(room.free)
        and _has_disk(snapshot, node.name)
    ]  # fmt: skip
    assert isinstance(found, Placement) == bool(able)


def _has_disk(snapshot, node: str) -> bool:
    """Both disks on one store, or one on each of two."""
    spare = [
        store.available - max(0.1 * store.total, 10 * GIB)
        for store in snapshot.stores
        if store.shared or store.nodes == (node,)
    ]
    pairs = [(a, b) for a, b in combinations(spare, 2)]
    return any(room >= 60 * GIB for room in spare) or any(
        (a >= 20 * GIB and b >= 40 * GIB) or (b >= 20 * GIB and a >= 40 * GIB) for a, b in pairs
    )
