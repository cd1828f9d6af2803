"""Relational databases as placed machines; everything else as a plain statement."""

from __future__ import annotations

import pytest

from bot.errors import Code
from bot.model.cluster import Bridge, ClusterSnapshot, Guest, ProxmoxFacts, Subnet
from bot.model.config import Config, Defaults, Limits, VmIds
from bot.model.demand import Demand, Wanted
from bot.model.quantity import Bytes
from tests.planning.builders import (
    GOLDEN_DEMAND,
    decision,
    dependency,
    local_store,
    plan,
    profile,
    pve,
    refused,
    rules,
    service,
    shared_store,
    snapshot,
    template,
    value,
    worker,
)

HUGE = shared_store(total=Bytes.of_gib(20_000), available=Bytes.of_gib(20_000))


def asked(**changes) -> Demand:
    return GOLDEN_DEMAND.model_copy(update=changes)


def guest(vm_id: int, **changes) -> Guest:
    facts = {"vm_id": vm_id, "name": f"guest-{vm_id}", "kind": "vm", "node": "pve1", "status": "running"}
    return Guest(**{**facts, **changes})


def proxmox(*guests: Guest, **changes) -> ClusterSnapshot:
    return snapshot(proxmox=ProxmoxFacts(quorate=True, guests=(template(), *guests), **changes))


# which database becomes a machine


@pytest.mark.parametrize("word", ["strong_consistency", "no_data_loss"])
@pytest.mark.parametrize("kind", ["postgresql", "mysql", "mariadb", "mssql"])
def test_relational_databases_become_machines_where_data_must_not_be_lost(word, kind):
    demand = Demand(qps_peak=500.0, **{word: True})
    made = plan(demand=demand, profile=profile(service(dependencies=(dependency(kind),))))
    assert made.machines
    assert {machine.serves for machine in made.machines} == {kind}
    assert all(machine.settings for machine in made.machines)
    assert "store-expected" not in rules(made)


def test_without_such_words_nothing_is_invented():
    made = plan(demand=Demand(qps_peak=500.0))
    assert made.machines == ()
    assert [entry.kind for entry in made.services] == ["Deployment"]
    assert value(made, "dependencies.postgresql") == "expected"
    finding = next(entry for entry in made.findings if entry.rule == "store-expected")
    assert "Secret" in finding.remedy
    assert "strong consistency" in finding.remedy


@pytest.mark.parametrize("kind", ["redis", "mongodb", "kafka", "rabbitmq", "elasticsearch", "s3"])
def test_other_stores_are_stated_never_built(kind):
    made = plan(profile=profile(service(dependencies=(dependency(kind),))))
    assert made.machines == ()
    assert [entry.name for entry in made.services] == ["api"]
    assert value(made, f"dependencies.{kind}") == "expected"


def test_a_first_value_says_that_it_is_one():
    made = plan(profile=profile(service(dependencies=(dependency("redis"),))), demand=asked(data=Bytes.of_gib(3)))
    assert value(made, "dependencies.redis.memory") == "4Gi"
    assert decision(made, "dependencies.redis.cpu").why.startswith("first value")


def test_a_client_library_without_use_is_no_database():
    made = plan(profile=profile(service(dependencies=(dependency("postgresql", in_use=False),))))
    assert made.machines == ()
    assert "consistency-without-database" in rules(made)


def test_a_database_that_only_the_description_names_becomes_a_machine():
    demand = asked(dependencies=(Wanted(kind="postgresql", phrase="PostgreSQL backend"),))
    made = plan(demand=demand, profile=profile(service(dependencies=())))
    assert [machine.cores for machine in made.machines] == [8, 8]


@pytest.mark.parametrize(
    ("demand", "instances"),
    [
        pytest.param(Demand(strong_consistency=True), 1, id="standard-and-a-backup"),
        pytest.param(Demand(strong_consistency=True, criticality="high"), 2, id="high"),
        pytest.param(Demand(strong_consistency=True, criticality="critical"), 3, id="critical"),
        pytest.param(Demand(no_data_loss=True), 2, id="no-data-loss-needs-a-second-copy"),
    ],
)
def test_instances(demand, instances):
    made = plan(demand=demand)
    assert len(made.machines) == instances
    assert made.machines[0].role == "postgresql-primary"
    assert {machine.role for machine in made.machines[1:]} <= {"postgresql-replica"}


def test_without_a_load_the_database_is_the_smallest():
    assert plan(demand=Demand(strong_consistency=True)).machines[0].cores == 1


def test_data_decides_disk_and_memory():
    demand = asked(data=Bytes.of_gib(100), data_growth_per_month=Bytes.of_gib(10))
    made = plan(demand=demand, snapshot=snapshot(stores=(HUGE,)))
    assert made.machines[0].data_disks[0].size == Bytes.of_gib(583)
    assert made.machines[0].memory == Bytes.of_gib(59)


def test_hot_data_beyond_every_node_is_planned_at_disk_speed():
    made = plan(
        demand=asked(qps_peak=200.0, data=Bytes.of_gib(400), environment="staging"),
        snapshot=snapshot(nodes=(pve("pve1"), pve("pve2"), worker("k1"), worker("k2")), stores=(HUGE,)),
    )
    assert "database-disk-bound" in rules(made)
    assert made.machines[0].memory < Bytes.of_gib(107)
    assert "600/1300" in (decision(made, "databases.postgresql.cores").formula or "")


# ids, addresses, sources


def test_vm_ids_are_the_lowest_free_ones_of_both_ranges():
    made = plan(
        snapshot=proxmox(guest(5000), guest(5002), next_id_lower=4000, next_id_upper=6000),
        config=Config(vm_ids=VmIds(first=5000, last=7000)),
    )
    assert [machine.vm_id for machine in made.machines] == [5001, 5003]


def test_a_range_without_free_ids_is_refused():
    refusal = refused(snapshot=proxmox(guest(5000)), config=Config(vm_ids=VmIds(first=5000, last=5001)))
    assert refusal.code is Code.CAPACITY
    assert "1 of 2 VMIDs" in refusal.message


def addresses(text: str | None, taken: ClusterSnapshot | None = None, **changes) -> list[str]:
    config = Config(defaults=Defaults(addresses=text, **changes))
    return [machine.address for machine in plan(config=config, snapshot=taken or snapshot()).machines]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, ["dhcp", "dhcp"], id="nothing-configured"),
        pytest.param("10.30.0.50-10.30.0.99/24", ["10.30.0.50/24", "10.30.0.51/24"], id="range"),
        pytest.param("10.30.0.0/24", ["10.30.0.2/24", "10.30.0.3/24"], id="network-without-its-gateway"),
        pytest.param("10.30.0.7/24, 10.30.0.9/24", ["10.30.0.7/24", "10.30.0.9/24"], id="list"),
        pytest.param("10.30.0.7, 10.30.0.7, 10.30.0.8", ["10.30.0.7/24", "10.30.0.8/24"], id="twice-the-same"),
    ],
)
def test_addresses(text, expected):
    assert addresses(text, gateway="10.30.0.1") == expected


def test_addresses_that_anything_holds_are_left_out():
    taken = snapshot(
        nodes=(
            pve("pve1", bridges=(Bridge(name="vmbr0", vlan_aware=True, cidr="10.0.0.2/24"),)),
            pve("pve2"),
            worker("k1"), worker("k2"),
        ),
        proxmox=ProxmoxFacts(
            guests=(template(), guest(100, addresses=("10.0.0.3", "10.0.0.4/24", "fe80::1", "not an address"))),
            subnets=(Subnet(cidr="10.0.0.0/24", vnet="v", leases=("10.0.0.5",), dhcp_ranges=("10.0.0.6-10.0.0.9",)),),
        ),
    )  # fmt: skip
    assert addresses("10.0.0.0/24", taken, gateway="10.0.0.1") == ["10.0.0.10/24", "10.0.0.11/24"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("10.0.0.1-10.0.0.1/24", Code.CAPACITY, id="too-few"),
        pytest.param("10.0.0.9-10.0.0.1/24", Code.CONFIG, id="backwards"),
        pytest.param("10.0.0.0/33", Code.CONFIG, id="prefix"),
        pytest.param("${file}", Code.CONFIG, id="text"),
        pytest.param("0.0.0.0-255.255.255.255/8", Code.CONFIG, id="the-internet"),
    ],
)
def test_address_ranges_that_do_not_do(text, code):
    assert refused(config=Config(defaults=Defaults(addresses=text))).code is code


def test_the_gateway_comes_from_the_bridge_where_none_is_configured():
    bridges = (Bridge(name="vmbr0", vlan_aware=True, cidr="10.0.0.2/24", gateway="10.0.0.254"),)
    taken = snapshot(nodes=(pve("pve1", bridges=bridges), pve("pve2", bridges=bridges), worker("k1"), worker("k2")))
    made = plan(config=Config(defaults=Defaults(addresses="10.0.0.50-10.0.0.60/24")), snapshot=taken)
    assert {machine.gateway for machine in made.machines} == {"10.0.0.254"}


def test_the_template_with_an_agent_is_preferred():
    made = plan(snapshot=proxmox(template(vm_id=8000, agent=None), template(vm_id=9500)))
    assert {machine.source.template_id for machine in made.machines} == {9000}
    assert all(machine.agent for machine in made.machines)
    assert {machine.template_node for machine in made.machines} == {"pve1"}


def test_the_config_names_the_template():
    made = plan(snapshot=proxmox(template(vm_id=8000, agent=None)), config=Config(defaults=Defaults(template_id=8000)))
    assert {machine.source.template_id for machine in made.machines} == {8000}
    assert not any(machine.agent for machine in made.machines)


def test_an_image_of_the_config_needs_no_template():
    config = Config(defaults=Defaults(image="local:import/debian-12.qcow2"))
    made = plan(snapshot=snapshot(proxmox=ProxmoxFacts(quorate=True)), config=config)
    assert made.machines[0].source.image == "local:import/debian-12.qcow2"
    assert made.machines[0].source.template_id is None


def test_no_template_at_all_is_refused():
    refusal = refused(snapshot=snapshot(proxmox=ProxmoxFacts(quorate=True)))
    assert refusal.code is Code.CAPACITY
    assert "defaults.template_id" in refusal.remedy


def test_a_configured_template_that_the_cluster_lacks_is_refused():
    refusal = refused(config=Config(defaults=Defaults(template_id=4711)))
    assert refusal.code is Code.CAPACITY
    assert "template 4711 is not visible" in refusal.message


# placement as a part of the plan


def test_placement_is_explained():
    placed = next(entry for entry in plan().placement if entry.name == "shop-db-1")
    assert placed.node in {"pve1", "pve2", "pve3"}
    assert len(placed.alternatives) == 1
    assert [entry.constraint for entry in placed.rejected] == ["anti-affinity"]
    assert "before" in placed.why


def test_no_node_with_room_is_refused_with_every_node_and_reason():
    full = tuple(pve(f"pve{n}", promised=pve("x").capacity) for n in (1, 2, 3))
    refusal = refused(snapshot=snapshot(nodes=(*full, worker("k1"), worker("k2"))))
    assert refusal.code is Code.CAPACITY
    for name in ("pve1", "pve2", "pve3"):
        assert f"memory: {name}" in refusal.message


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(max_machines=1), id="machines"),
        pytest.param(Limits(max_cores_per_machine=4), id="cores"),
        pytest.param(Limits(max_memory_per_machine=Bytes.of_gib(16)), id="memory"),
    ],
)
def test_policy_limits_are_refused_by_name(limits):
    refusal = refused(config=Config(limits=limits))
    assert refusal.code is Code.POLICY
    assert "limits.max_" in refusal.message


def test_local_storage_is_called_what_it_is():
    local = tuple(local_store(f"pve{n}") for n in (1, 2, 3))
    facts = ProxmoxFacts(quorate=True, guests=(template(datastores=()),))
    made = plan(snapshot=snapshot(stores=local, proxmox=facts))
    assert "ha-impossible" in rules(made)
    assert {machine.datastore for machine in made.machines} == {"local-lvm"}
    assert "ha-impossible" not in rules(plan())


def test_one_node_takes_both_instances_and_says_so():
    made = plan(snapshot=snapshot(nodes=(pve("pve1"), worker("k1"), worker("k2"))))
    assert {machine.node for machine in made.machines} == {"pve1"}
    assert {"instances-together", "single-node"} <= rules(made)


def test_a_guest_of_the_same_name_is_said():
    assert "guest-name-taken" in rules(plan(snapshot=proxmox(guest(200, name="shop-db-1"))))


def test_the_config_decides_network_storage_and_pool():
    taken = proxmox(pools=("apps",))
    config = Config(defaults=Defaults(bridge="vmbr0", vlan=30, pool="apps", datastore="ceph", tags=("team",)))
    machine = plan(snapshot=taken, config=config).machines[0]
    assert (machine.nics[0].bridge, machine.nics[0].vlan, machine.pool) == ("vmbr0", 30, "apps")
    assert machine.tags == ("shop", "team")
