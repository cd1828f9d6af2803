"""What holds for every request: nothing twice, no node over its limit, a reason for every number, any order."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model.cluster import ClusterSnapshot
from bot.model.plan import Machine, Plan
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.model.wishes import ClusterWish, MachineWish, NicWish
from tests.planning.builders import pve
from tests.planning.wishing import BRIDGES, GIB, asked, cluster, guest, hosts, machine

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

nics = st.sampled_from([(), (NicWish(),), (NicWish(), NicWish(vlan=20, address="dhcp")), (NicWish(), NicWish())])
machines = st.builds(
    machine,
    name=st.sampled_from(["web", "db", "app"]),
    role=st.sampled_from(["web", "database", "server", "development", "load-balancer"]),
    count=st.integers(1, 3),
    cores=st.sampled_from([None, 1, 4]),
    memory=st.sampled_from([None, GIB(2), GIB(16)]),
    nics=nics,
    ha=st.sampled_from([None, True]),
    connections=st.sampled_from([None, 50, 500]),
)
clusters = st.builds(
    lambda planes, workers, size: cluster(planes, workers, *size),
    st.sampled_from([1, 3]),
    st.integers(0, 4),
    st.sampled_from([(2, 2), (4, 8), (8, 16)]),
)
requests = st.tuples(
    st.lists(machines, max_size=2, unique_by=lambda wish: wish.name), st.lists(clusters, max_size=1)
).filter(lambda pair: bool(pair[0] or pair[1]))


@st.composite
def snapshots(draw: st.DrawFn) -> ClusterSnapshot:
    nodes = tuple(
        pve(
            f"pve{number}",
            bridges=BRIDGES,
            promised=Resources(cpu=MilliCpu(draw(st.integers(0, 80)) * 1000), memory=GIB(draw(st.integers(0, 116)))),
        )
        for number in range(1, draw(st.integers(1, 4)) + 1)
    )
    facts = hosts().proxmox
    assert facts is not None
    ids = draw(st.lists(st.integers(100, 110), unique=True, max_size=4))
    guests = tuple(guest(vm_id, addresses=(f"10.30.0.{vm_id - 50}",), status="stopped") for vm_id in ids)
    return hosts(nodes=nodes, proxmox=facts.model_copy(update={"guests": (*facts.guests, *guests)}))


def planned(request: tuple[list[MachineWish], list[ClusterWish]], taken: ClusterSnapshot, **changes: object) -> object:
    return asked(*request[0], *request[1], snapshot=taken, **changes)


def addresses(one: Machine) -> list[str]:
    return [text for text in (one.address, *(nic.address for nic in one.nics)) if text not in {None, "dhcp"}]


@SLOW
@given(request=requests, taken=snapshots())
def test_no_id_and_no_address_twice_and_none_that_is_held(request, taken):
    made = planned(request, taken, reserved=frozenset({103}), reserved_addresses=frozenset({"10.30.0.53/24"}))
    if not isinstance(made, Plan):
        return
    assert taken.proxmox is not None
    ids = [one.vm_id for one in made.machines]
    hosts_of = [text.partition("/")[0] for one in made.machines for text in addresses(one)]
    hosts_of += [plan.endpoint for plan in made.clusters if plan.control_planes > 1 and plan.endpoint is not None]
    held = {text for entry in taken.proxmox.guests for text in entry.addresses} | {"10.30.0.53", "10.30.0.1"}
    assert len(set(ids)) == len(ids)
    assert not set(ids) & ({entry.vm_id for entry in taken.proxmox.guests} | {103})
    assert len(set(hosts_of)) == len(hosts_of)
    assert not set(hosts_of) & held


@SLOW
@given(request=requests, taken=snapshots())
def test_no_node_over_its_limit(request, taken):
    made = planned(request, taken)
    if not isinstance(made, Plan):
        return
    for entry in made.capacity:
        if entry.after != entry.before:
            assert entry.after.cpu <= entry.limit.cpu
            assert entry.after.memory <= entry.limit.memory
    total = sum((entry.after.memory - entry.before.memory for entry in made.capacity), 0)
    assert total == sum(one.memory for one in made.machines)


@SLOW
@given(request=requests, taken=snapshots())
def test_every_number_has_one_decision(request, taken):
    made = planned(request, taken)
    if not isinstance(made, Plan):
        return
    paths = [entry.path for entry in made.decisions]
    assert len(set(paths)) == len(paths)
    values = {entry.path: entry.value for entry in made.decisions}
    for one in made.machines:
        name = f"machines.{one.name}"
        assert values[f"{name}.cores"] == one.cores
        assert Bytes.parse(str(values[f"{name}.memory"])) == one.memory
        assert values[f"{name}.vm_id"] == one.vm_id
        assert values[f"{name}.address"] == one.address
        assert values[f"{name}.node"] == one.node
        assert Bytes.parse(str(values.get(f"{name}.disk.actual", values[f"{name}.disk"]))) == one.disk
        assert [values[f"{name}.data_disks.{n}"] for n in range(len(one.data_disks))] == [
            disk.size.to_k8s() for disk in one.data_disks
        ]
        assert {key: values[f"{name}.settings.{key}"] for key in one.settings} == one.settings
    for plan in made.clusters:
        assert values[f"clusters.{plan.name}.workers"] == plan.workers
        assert values[f"clusters.{plan.name}.control_planes"] == plan.control_planes
    assert all(entry.why and entry.source for entry in made.decisions)


@SLOW
@given(request=requests, taken=snapshots(), dice=st.randoms(use_true_random=False))
def test_the_order_of_words_and_readings_changes_nothing(request, taken, dice):
    assert taken.proxmox is not None
    mixed = taken.model_copy(
        update={
            "nodes": tuple(dice.sample(taken.nodes, len(taken.nodes))),
            "stores": tuple(dice.sample(taken.stores, len(taken.stores))),
            "proxmox": taken.proxmox.model_copy(
                update={"guests": tuple(dice.sample(taken.proxmox.guests, len(taken.proxmox.guests)))}
            ),
        }
    )
    other = (dice.sample(request[0], len(request[0])), request[1])
    first, second = planned(request, taken), planned(other, mixed)
    if isinstance(first, Plan) and isinstance(second, Plan):
        assert first.machines == second.machines
        assert first.clusters == second.clusters
        assert first.decisions == second.decisions
    else:
        assert first == second
