"""A request given again for machines and clusters that run: updated in place, never made anew."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.agents.collector import Collected
from bot.agents.planner import first_plan
from bot.capacity.headroom import headroom
from bot.errors import Code
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config, Defaults
from bot.model.demand import Demand
from bot.model.evidence import Evidence
from bot.model.plan import DataDisk, Machine, Plan, PlanView, Source
from bot.model.profile import AppProfile
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.model.wishes import ClusterWish, MachineWish, NicWish, Wishes
from bot.planning.infrastructure.plan import plan_wishes
from tests.planning.builders import decision, pve, rules
from tests.planning.standing_kit import applied
from tests.planning.test_wishes_clusters import EIGHT
from tests.planning.wishing import (
    BRIDGES,
    GIB,
    cluster,
    denied,
    guest,
    hosts,
    machine,
    wished,
    with_guests,
    zfs,
)

EXAMPLE = ClusterSnapshot.model_validate_json(
    (Path(__file__).parents[2] / "examples" / "cluster-snapshot.json").read_bytes()
)
LAB = Config(
    defaults=Defaults(
        template_id=9000, bridge="vmbr0", vlan=30, addresses="10.30.0.50-10.30.0.99/24", gateway="10.30.0.1"
    )
)
FOUR = [
    pytest.param((machine("web-prod-01", source=Source(template_id=9000)),), "production", id="web-from-a-template"),
    pytest.param((machine("db", role="database", engine="postgresql", connections=100),), "production", id="postgres"),
    pytest.param((machine("web", count=3), machine("lb", role="load-balancer")), "production", id="load-balanced-web"),
    pytest.param((machine("dev", role="development"),), "dev", id="development"),
]
REQUESTS = [pytest.param((entry.values[0],), entry.values[1], id=str(entry.id)) for entry in EIGHT] + FOUR


def request(wishes: tuple[Any, ...], snapshot: ClusterSnapshot, environment: str, before: PlanView | None) -> Plan:
    asked = Wishes(
        name="request",
        environment=environment,
        machines=tuple(one for one in wishes if isinstance(one, MachineWish)),
        clusters=tuple(one for one in wishes if isinstance(one, ClusterWish)),
    )
    made = plan_wishes(asked, snapshot=snapshot, headroom=headroom(snapshot, LAB), config=LAB, before=before)
    assert isinstance(made, Plan), made
    return made


@pytest.mark.parametrize("world", ["applied", "merged and not applied", "not read"])
@pytest.mark.parametrize(("wishes", "environment"), REQUESTS)
def test_the_same_request_again_gives_the_same_machines(wishes, environment, world):
    first = request(wishes, EXAMPLE, environment, None)
    snapshot = {"applied": applied(first, EXAMPLE), "not read": ClusterSnapshot()}.get(world, EXAMPLE)
    second = request(wishes, snapshot, environment, first)
    third = request(wishes, snapshot, environment, second)
    assert second.machines == first.machines == third.machines
    assert second.clusters == first.clusters == third.clusters
    assert second.backup == first.backup
    if world == "applied":
        assert all(entry.before == entry.after for entry in second.capacity)
        assert {"machines-adopted", "growth-refused", "machines-gone"}.isdisjoint(rules(second))


def one(plan: Plan, name: str) -> Machine:
    return next(entry for entry in plan.machines if entry.name == name)


def again(*wishes: Any, first: Plan, snapshot: ClusterSnapshot | None = None, **changes: Any) -> Plan:
    return wished(*wishes, before=first, snapshot=snapshot or applied(first, hosts()), **changes)


IDENTITY = ("vm_id", "address", "node", "datastore", "kind", "source", "adopted", "template_node", "nics")


def identity(entry: Machine) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in IDENTITY}


def test_a_new_size_changes_cores_and_memory_and_nothing_else():
    first = wished(machine("web", cores=2, memory=GIB(4)))
    second = again(machine("web", cores=4, memory=GIB(16)), first=first)
    assert (one(second, "web").cores, one(second, "web").memory) == (4, GIB(16))
    assert identity(one(second, "web")) == identity(one(first, "web"))
    node = next(entry for entry in second.capacity if entry.node == one(second, "web").node)
    assert node.after - node.before == Resources(cpu=MilliCpu(2000), memory=GIB(12))


def test_a_disk_is_never_smaller_and_a_data_disk_never_gone():
    first = wished(machine("web", disk=GIB(60), data_disks=(GIB(50), GIB(20))))
    second = again(machine("web", disk=GIB(32), data_disks=(GIB(10),)), first=first)
    assert one(second, "web").disk == GIB(60)
    assert one(second, "web").data_disks == one(first, "web").data_disks
    assert decision(second, "machines.web.data_disks.0").value == "50Gi"
    assert "machine-kept-as-merged" in rules(second)


def test_a_data_disk_grows_and_another_one_is_added():
    first = wished(machine("web", data_disks=(GIB(50),)))
    disks = one(again(machine("web", data_disks=(GIB(80), GIB(20))), first=first), "web").data_disks
    old = one(first, "web").data_disks[0]
    assert disks == (
        old.model_copy(update={"size": GIB(80)}),
        DataDisk(size=GIB(20), datastore="ceph", interface="scsi2"),
    )


def test_a_disk_that_somebody_enlarged_is_not_shrunk():
    first = wished(machine("web"))
    taken = applied(first, hosts(), web={"disk": Bytes(GIB(48) + 1)})
    assert one(again(machine("web"), first=first, snapshot=taken), "web").disk == GIB(48)


def test_another_template_node_datastore_or_kind_is_not_followed_and_it_is_said():
    first = wished(machine("web", source=Source(template_id=9000)))
    node = "pve1" if one(first, "web").node != "pve1" else "pve2"
    wish = machine("web", source=Source(template_id=9001), node=node, datastore="nas", kind="container")
    second = again(wish, first=first)
    assert identity(one(second, "web")) == identity(one(first, "web"))
    said = next(entry.message for entry in second.findings if entry.rule == "machine-kept-as-merged")
    assert all(word in said for word in ("container", node, "nas", "template"))


def test_a_template_that_is_gone_does_not_matter_to_what_was_cloned_from_it():
    first = wished(machine("web", source=Source(template_id=9001)))
    taken = applied(first, hosts())
    facts = taken.proxmox
    assert facts is not None
    left = tuple(entry for entry in facts.guests if entry.vm_id != 9001)
    taken = taken.model_copy(update={"proxmox": facts.model_copy(update={"guests": left})})
    again_ = again(machine("web", source=Source(template_id=9001)), first=first, snapshot=taken)
    assert again_.machines == first.machines


def test_more_replicas_get_new_ids_and_nodes_of_their_own():
    first = wished(machine("web", count=2))
    second = again(machine("web", count=3), first=first)
    assert second.machines[:2] == first.machines
    assert one(second, "web-3").vm_id not in {entry.vm_id for entry in first.machines}
    assert len({entry.node for entry in second.machines}) == 3


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1)])
def test_the_first_machine_keeps_its_name_when_their_number_changes(before, after):
    first = wished(machine("web", count=before))
    second = again(machine("web", count=after), first=first)
    assert second.machines[0] == first.machines[0]
    assert len(second.machines) == after


def test_what_nobody_asks_for_vanishes_unless_it_holds_data():
    first = wished(machine("web"), machine("old"), machine("db", role="database"))
    second = again(machine("web"), first=first)
    assert {entry.name for entry in second.machines} == {"web", "db"}
    assert one(second, "db") == one(first, "db")
    kept = next(entry for entry in second.findings if entry.rule == "machines-with-data-kept")
    assert "/ai-destroy request data" in str(kept.remedy)
    third = again(machine("web"), first=second)
    assert third.machines == second.machines


def test_a_node_without_room_refuses_the_growth_and_names_the_reason():
    first = wished(machine("web", cores=2, memory=GIB(4)), environment="dev")
    node = one(first, "web").node
    tight = applied(first, tightened(node))
    second = again(machine("web", cores=8, memory=GIB(64)), first=first, snapshot=tight, environment="dev")
    assert one(second, "web") == one(first, "web")
    said = next(entry for entry in second.findings if entry.rule == "growth-refused")
    assert node in said.message
    assert "memory" in said.message
    assert decision(second, "machines.web.memory").value == "4Gi"


def tightened(node: str) -> ClusterSnapshot:
    full = Resources(cpu=MilliCpu(20_000), memory=GIB(110))
    return hosts(
        nodes=tuple(
            pve(f"pve{n}", bridges=BRIDGES, **({"promised": full} if f"pve{n}" == node else {})) for n in (1, 2, 3)
        )
    )


def test_what_does_not_grow_needs_no_room_at_all():
    first = wished(machine("web"))
    node = one(first, "web").node
    down = tuple(
        entry.model_copy(update={"state": "maintenance"}) if entry.name == node else entry for entry in hosts().nodes
    )
    assert again(machine("web"), first=first, snapshot=applied(first, hosts(nodes=down))).machines == first.machines
    over = applied(first, tightened(node))
    assert again(machine("web"), first=first, snapshot=over).machines == first.machines


def test_a_guest_that_is_gone_is_planned_anew_under_its_id():
    first = wished(machine("web", count=2))
    taken = applied(first, hosts(), web_1=None)
    second = again(machine("web", count=2), first=first, snapshot=taken)
    assert (one(second, "web-1").vm_id, one(second, "web-1").address) == (100, "10.30.0.50/24")
    assert "machines-gone" in rules(second)
    assert one(second, "web-2") == one(first, "web-2")


def test_an_id_or_address_that_somebody_else_took_meanwhile_is_not_kept():
    first = wished(machine("web"))
    other = guest(300, name="printer", addresses=("10.30.0.50",))
    second = again(machine("web"), first=first, snapshot=with_guests(other), reserved=frozenset({100}))
    assert one(second, "web").vm_id == 101
    assert one(second, "web").address == "10.30.0.51/24"


def test_a_stranger_under_the_id_of_a_merged_machine_is_a_conflict():
    first = wished(machine("web"))
    stranger = with_guests(guest(100, name="payroll", node="pve3"))
    refusal = denied(machine("web"), before=first, snapshot=stranger)
    assert refusal.code is Code.CONFLICT
    assert "payroll" in refusal.message


def test_a_machine_that_was_renamed_by_hand_is_still_ours():
    first = wished(machine("web"))
    taken = applied(first, hosts(), web={"name": "web-old", "tags": ("ai-provision", "request")})
    assert again(machine("web"), first=first, snapshot=taken).machines == first.machines


@pytest.mark.parametrize(("ha", "rule"), [(True, "machine-followed"), (None, "machine-moved-by-hand")])
def test_high_availability_is_followed_and_a_hand_is_not(ha, rule):
    first = wished(machine("web", ha=ha))
    home = one(first, "web").node
    away = "pve1" if home != "pve1" else "pve2"
    second = again(machine("web", ha=ha), first=first, snapshot=applied(first, hosts(), web={"node": away}))
    assert one(second, "web").node == (away if ha else home)
    assert rule in rules(second)


def test_an_adopted_machine_stays_adopted():
    mine = guest(140, name="web-prod-01", node="pve2", tags=("ai-provision", "request"), cores=2, memory=GIB(4),
                 disk=GIB(32), datastores=("ceph",), addresses=("10.30.0.61",))  # fmt: skip
    first = wished(machine(), snapshot=with_guests(mine))
    second = wished(machine(), snapshot=with_guests(mine), before=first)
    assert second.machines == first.machines
    assert one(second, "web-prod-01").adopted
    gone = wished(machine("other"), snapshot=with_guests(mine), before=first)
    assert "machines-adopted-kept" in rules(gone)
    assert one(gone, "web-prod-01") == one(first, "web-prod-01")


def test_every_interface_keeps_its_address():
    nics = (NicWish(), NicWish(vlan=20, address="10.20.9.5/24"))
    first = wished(machine(nics=nics))
    assert again(machine(), first=first).machines == first.machines
    moved = again(machine(nics=(NicWish(address="10.30.0.77/24"), nics[1])), first=first)
    assert moved.machines[0].address == "10.30.0.77/24"
    assert moved.machines[0].nics[1] == first.machines[0].nics[1]


def test_copies_stay_on_the_node_that_has_them():
    taken = hosts(stores=zfs("pve1", "pve2", "pve3"))
    first = wished(machine("web", replicate=True), snapshot=taken, environment="dev")
    target = one(first, "web").replicate_to
    fuller = Resources(cpu=MilliCpu(20_000), memory=GIB(100))
    nodes = tuple(
        pve(n.name, bridges=BRIDGES, promised=fuller if n.name == target else n.promised) for n in taken.nodes
    )
    later = applied(first, hosts(stores=zfs("pve1", "pve2", "pve3"), nodes=nodes))
    second = again(machine("web", replicate=True), first=first, snapshot=later, environment="dev")
    assert target is not None
    assert one(second, "web").replicate_to == target


def test_ids_and_addresses_stay_distinct_through_a_life_of_changes():
    plans = [wished(machine("web"))]
    for wishes in (
        (machine("web", count=3),),
        (machine("web", count=2), machine("db", role="database")),
        (cluster(3, 2, 2, 4),),
        (cluster(3, 1, 4, 8), machine("web")),
    ):
        plans.append(again(*wishes, first=plans[-1]))
    for earlier, later in pairwise(plans):
        ids = [entry.vm_id for entry in later.machines]
        addresses = [entry.address for entry in later.machines]
        assert len(set(ids)) == len(ids)
        assert len(set(addresses)) == len(addresses)
        for entry in earlier.machines:
            same = [other for other in later.machines if other.name == entry.name]
            assert all(identity(other) == identity(entry) for other in same)


def test_the_planner_hands_the_merged_plan_on():
    wishes = Wishes(name="request", environment="dev", machines=(machine("web"),))
    collected = Collected(profile=AppProfile(name="request"), demand=Demand(), wishes=wishes)
    facts: dict[str, Any] = {"config": LAB, "repo_owner": None, "commit": None}
    first = first_plan(collected, EXAMPLE, **facts)
    assert isinstance(first, Plan)
    evidence = Evidence(before=first)
    second = first_plan(collected, applied(first, EXAMPLE), evidence=evidence, **facts)
    assert isinstance(second, Plan)
    assert second.machines == first.machines
    assert "machines-adopted" not in rules(second)
