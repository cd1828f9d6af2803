"""Single machines: sizes nobody stated, sources, networks, devices, protection, what exists already."""

from __future__ import annotations

import pytest

from bot.errors import Code
from bot.model.cluster import Bridge, ClusterSnapshot, ProxmoxFacts, Subnet
from bot.model.config import Backups, Config, Defaults, Limits, VmIds
from bot.model.plan import Source
from bot.model.wishes import NicWish
from tests.planning.builders import decision, local_store, pve, rules, shared_store, template, value
from tests.planning.wishing import (
    BRIDGES,
    CONFIG,
    GIB,
    VZTMPL,
    config,
    denied,
    guest,
    hosts,
    machine,
    wished,
    with_guests,
    zfs,
)

# the four requests


def test_a_production_web_server_from_a_template():
    made = wished(machine("web-prod-01", source=Source(template_id=9001)))
    one = made.machines[0]
    assert (one.name, one.kind, one.cores, one.memory, one.disk) == ("web-prod-01", "vm", 2, GIB(4), GIB(32))
    assert (one.source.template_id, one.template_node, one.agent) == (9001, "pve2", True)
    assert (one.vm_id, one.address, one.gateway) == (100, "10.30.0.50/24", "10.30.0.1")
    assert made.root == "apps/request"


def test_postgresql_for_100_users():
    made = wished(machine("db", role="database", engine="postgresql", connections=100))
    one = made.machines[0]
    assert (one.cores, one.memory, one.serves) == (2, GIB(8), "postgresql")
    assert one.settings["max_connections"] == "130"
    assert one.settings["shared_buffers"] == "2GB"
    assert [disk.size for disk in one.data_disks] == [GIB(37)]
    assert "130 * 20 MiB" in (decision(made, "machines.db.memory").formula or "")


@pytest.mark.parametrize(("users", "cores", "gib"), [(10, 2, 8), (1000, 4, 24), (5000, 16, 118)])
def test_memory_follows_the_connections(users, cores, gib):
    made = wished(machine("db", role="database", connections=users), environment="dev", snapshot=roomy())
    assert (made.machines[0].cores, made.machines[0].memory) == (cores, GIB(gib))


def roomy() -> ClusterSnapshot:
    wide = pve("pve1").capacity.model_copy(update={"memory": GIB(512)})
    return hosts(nodes=tuple(pve(f"pve{n}", bridges=BRIDGES, capacity=wide) for n in (1, 2, 3)))


def test_a_web_application_with_load_balancing():
    made = wished(machine("web", count=3), machine("lb", role="load-balancer", count=1))
    assert [one.name for one in made.machines] == ["lb", "web-1", "web-2", "web-3"]
    assert len({one.node for one in made.machines if one.role == "web"}) == 3


def test_a_development_environment():
    one = wished(machine("dev", role="development"), environment="dev").machines[0]
    assert (one.cores, one.memory, one.disk) == (4, GIB(8), GIB(64))


def test_what_is_stated_stays_and_says_who_said_it():
    made = wished(machine("web", cores=3, memory=GIB(5), disk=GIB(50)))
    assert (made.machines[0].cores, made.machines[0].memory) == (3, GIB(5))
    assert decision(made, "machines.web.cores").origin == "user"
    assert made.confidence.value == 1.0


# sources


def test_a_missing_template_is_refused_with_the_nearest():
    refusal = denied(machine(source=Source(template_id=9002)))
    assert refusal.code is Code.CAPACITY
    assert "template: 9002" in refusal.message
    assert "9001" in refusal.message


def test_a_missing_template_is_built_from_the_configured_image():
    settings = config(defaults=CONFIG.defaults.model_copy(update={"image": "https://example.org/debian.qcow2"}))
    made = wished(machine(source=Source(template_id=9002)), config=settings)
    assert made.machines[0].source == Source(image="https://example.org/debian.qcow2")
    assert "template-missing" in rules(made)
    assert not made.machines[0].agent


def test_a_guest_is_no_template():
    refusal = denied(machine(source=Source(template_id=105)), snapshot=with_guests(guest(105, name="erp")))
    assert "erp" in refusal.message


def test_the_agent_is_off_where_the_template_has_none():
    taken = hosts(proxmox=ProxmoxFacts(quorate=True, guests=(template(agent=False),)))
    assert not wished(machine(), snapshot=taken).machines[0].agent


def test_a_template_on_local_disks_keeps_its_clone_beside_it():
    facts = ProxmoxFacts(quorate=True, guests=(template(node="pve2", datastores=("local-lvm",)),))
    taken = hosts(stores=tuple(local_store(f"pve{n}") for n in (1, 2, 3)), proxmox=facts)
    assert wished(machine(), snapshot=taken, environment="dev").machines[0].node == "pve2"


def test_a_container_takes_the_newest_template_of_the_stores():
    facts = hosts()
    stores = (shared_store(content=("images", "rootdir")), facts.stores[1])
    made = wished(
        machine("dns", role="server", kind="container", source=Source(ct_template="debian 12")),
        snapshot=hosts(stores=stores),
    )
    one = made.machines[0]
    assert (one.kind, one.source.ct_template, one.cores, one.memory) == ("container", VZTMPL, 1, GIB(2))


def test_a_container_needs_a_store_for_container_disks():
    refusal = denied(machine("dns", kind="container"))
    assert refusal.code is Code.CAPACITY
    assert "container disks" in refusal.message


def test_a_container_template_that_nobody_has_is_refused_with_the_nearest():
    refusal = denied(machine("dns", kind="container", source=Source(ct_template="debian-13")))
    assert "debian-12" in refusal.message


def test_an_iso_is_found_and_its_consequence_said():
    made = wished(machine(source=Source(iso_image="debian-12")))
    assert made.machines[0].source.iso_image == "nas:iso/debian-12.11.0-amd64-netinst.iso"
    assert "iso-installs-by-hand" in rules(made)


# networks


def test_several_interfaces_one_gateway():
    nics = (NicWish(), NicWish(bridge="vmbr0", vlan=30, address="10.60.0.5/24", gateway="10.60.0.1"))
    one = wished(machine(nics=nics)).machines[0]
    assert one.gateway == "10.30.0.1"
    assert [(nic.bridge, nic.vlan, nic.address, nic.gateway) for nic in one.nics] == [
        ("vmbr0", None, None, None),
        ("vmbr0", 30, "10.60.0.5/24", None),
    ]


def test_a_vlan_that_the_bridge_does_not_carry_is_refused():
    refusal = denied(machine(nics=(NicWish(), NicWish(vlan=200, address="dhcp"))))
    assert refusal.code is Code.CAPACITY
    assert "vlan" in refusal.message
    assert "2-100" in refusal.message


def test_a_bridge_that_is_not_vlan_aware_is_refused():
    nodes = tuple(pve(f"pve{n}", bridges=(Bridge(name="vmbr0"),)) for n in (1, 2, 3))
    assert "not VLAN-aware" in denied(machine(nics=(NicWish(vlan=5),)), snapshot=hosts(nodes=nodes)).message


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("10.30.0.60/24", "erp (VMID 105 on pve1)"),
        ("10.30.0.1/24", "gateway"),
        ("10.30.0.70", "leased"),
        ("10.30.0.80/24", "another open pull request"),
    ],
)
def test_a_static_address_that_is_taken_is_a_conflict(address, holder):
    facts = hosts().proxmox
    assert facts is not None
    subnets = (Subnet(cidr="10.30.0.0/24", vnet="v", leases=("10.30.0.70",)),)
    held = guest(105, name="erp", addresses=("10.30.0.60",))
    taken = hosts(proxmox=facts.model_copy(update={"guests": (*facts.guests, held), "subnets": subnets}))
    refusal = denied(
        machine(nics=(NicWish(address=address),)), snapshot=taken, reserved_addresses=frozenset({"10.30.0.80/24"})
    )
    assert refusal.code is Code.CONFLICT
    assert holder in refusal.message


def test_two_machines_cannot_ask_for_one_address():
    nics = (NicWish(address="10.30.0.60/24"),)
    assert denied(machine("a", nics=nics), machine("b", nics=nics)).code is Code.CONFLICT


def test_an_address_of_no_network_is_said():
    assert "address-outside-network" in rules(wished(machine(nics=(NicWish(address="10.99.0.5/24"),))))


def test_ids_and_addresses_of_other_pull_requests_are_left_alone():
    made = wished(
        machine(), reserved=frozenset({100, 101}), reserved_addresses=frozenset({"10.30.0.50/24", "10.30.0.51"})
    )
    assert (made.machines[0].vm_id, made.machines[0].address) == (102, "10.30.0.52/24")


def test_ids_stay_in_the_configured_range():
    assert wished(machine(), config=config(vm_ids=VmIds(first=7000, last=7999))).machines[0].vm_id == 7000


# placement, devices


def test_a_node_asked_for_by_name_is_taken_or_refused():
    assert wished(machine(node="pve3")).machines[0].node == "pve3"
    assert denied(machine(node="pve9")).code is Code.CAPACITY
    refusal = denied(machine(node="pve3", memory=GIB(200)), config=CONFIG)
    assert refusal.code is Code.CAPACITY
    assert "pve3" in refusal.message


def gpus(*used: str) -> ClusterSnapshot:
    nodes = tuple(pve(f"pve{n}", bridges=BRIDGES, pci_mappings=("a100",) if n != 3 else ()) for n in (1, 2, 3))
    return with_guests(*(guest(200 + i, node=node, pci=("a100",)) for i, node in enumerate(used)), nodes=nodes)


def test_a_gpu_goes_to_a_node_whose_mapping_is_free():
    made = wished(machine("train", gpu="any", ha=True), snapshot=gpus("pve1"))
    assert (made.machines[0].pci_mapping, made.machines[0].node, made.machines[0].ha) == ("a100", "pve2", False)
    assert "ha-impossible" in rules(made)


def test_two_machines_never_share_a_gpu():
    made = wished(machine("train", gpu="a100", count=2), snapshot=gpus())
    assert {one.node for one in made.machines} == {"pve1", "pve2"}
    assert denied(machine("train", gpu="a100", count=3), snapshot=gpus()).code is Code.CAPACITY


def test_a_gpu_that_others_have_is_refused_by_name():
    refusal = denied(machine("train", gpu="a100"), snapshot=gpus("pve1", "pve2"))
    assert refusal.code is Code.CAPACITY
    assert "VMID 200" in refusal.message
    assert "pve3 has no such mapping" in refusal.message


# protection


@pytest.mark.parametrize(("version", "kind"), [("9.2.3", "rules"), ("8.4.5", "groups")])
def test_high_availability_is_rules_on_9_and_groups_on_8(version, kind):
    facts = hosts().proxmox
    assert facts is not None
    made = wished(machine(ha=True), snapshot=hosts(proxmox=facts.model_copy(update={"version": version})))
    assert (made.ha, made.machines[0].ha) == (kind, True)


def test_without_a_word_nothing_is_highly_available():
    assert wished(machine()).ha == "none"
    assert wished(machine(), config=config(high_availability=True)).ha == "rules"


def local(*kinds: str) -> ClusterSnapshot:
    stores = tuple(local_store(f"pve{n}", kind=kind) for n, kind in enumerate(kinds, 1))
    facts = ProxmoxFacts(version="9.2.3", quorate=True, guests=(template(datastores=()),))
    return hosts(stores=stores, proxmox=facts)


def test_local_disks_cannot_be_highly_available_and_it_is_said():
    made = wished(machine(ha=True), snapshot=local("lvmthin", "lvmthin", "lvmthin"), environment="dev")
    assert not made.machines[0].ha
    assert "ha-impossible" in rules(made)


def test_zfs_on_two_nodes_is_replicated():
    facts = ProxmoxFacts(version="9.2.3", quorate=True, guests=(template(datastores=()),))
    taken = hosts(stores=zfs("pve1", "pve2"), proxmox=facts)
    one = wished(machine(ha=True, replicate=True), snapshot=taken, environment="dev").machines[0]
    assert {one.node, one.replicate_to} == {"pve1", "pve2"}
    assert one.ha


def test_replication_without_zfs_is_said():
    made = wished(machine(replicate=True), snapshot=local("lvmthin"), environment="dev")
    assert made.machines[0].replicate_to is None
    assert "replication-impossible" in rules(made)


def test_backup_goes_to_the_configured_store_else_to_one_that_can():
    named = wished(machine(), config=config(backups=Backups(datastore="pbs", keep_last=3)))
    assert named.backup is not None
    assert (named.backup.datastore, named.backup.keep_last, named.machines[0].backup) == ("pbs", 3, True)
    found = wished(machine(backup=True))
    assert found.backup is not None
    assert found.backup.datastore == "nas"
    assert wished(machine()).backup is None


def test_backup_without_a_store_is_said():
    made = wished(machine(backup=True), snapshot=hosts(stores=(shared_store(),)))
    assert made.backup is None
    assert not made.machines[0].backup
    assert "backup-impossible" in rules(made)


def test_a_firewall_opens_what_the_role_serves():
    web = wished(machine(firewall=True)).machines[0].firewall
    db = wished(machine("db", role="database"), config=config(firewall=True)).machines[0].firewall
    assert web is not None
    assert db is not None
    assert (web.ports, db.ports) == ((80, 443), (5432,))


# what exists already


def test_our_own_guest_is_adopted():
    mine = guest(140, name="web-prod-01", node="pve2", tags=("ai-provision", "request"), cores=2, memory=GIB(4),
                 disk=GIB(32), datastores=("ceph",), addresses=("10.30.0.61",))  # fmt: skip
    made = wished(machine(), snapshot=with_guests(mine))
    one = made.machines[0]
    assert (one.adopted, one.vm_id, one.node, one.address) == (True, 140, "pve2", "10.30.0.61/24")
    assert "machines-adopted" in rules(made)
    assert all(change.before == change.after for change in made.capacity)


def test_a_stranger_of_the_same_name_is_a_conflict():
    refusal = denied(machine(), snapshot=with_guests(guest(140, name="web-prod-01", node="pve2")))
    assert refusal.code is Code.CONFLICT
    assert "140" in refusal.message
    assert "pve2" in refusal.message


# limits, names, money


def test_beyond_the_policy_is_refused():
    limits = Limits(max_cores_per_machine=8, max_machines=2)
    assert denied(machine(cores=16), config=config(limits=limits)).code is Code.POLICY
    assert denied(machine("web", count=3), config=config(limits=limits)).code is Code.POLICY


def test_a_first_value_bends_to_the_policy():
    made = wished(machine("dev", role="development"), config=config(limits=Limits(max_cores_per_machine=2)))
    assert made.machines[0].cores == 2


def test_two_machines_of_one_name_are_refused():
    assert denied(machine("web", count=2), machine("web-1")).code is Code.NAME
    assert denied(machine("Web_1")).code is Code.NAME


def test_capacity_before_and_after():
    made = wished(machine("web", cores=4, memory=GIB(8)))
    node = made.machines[0].node
    change = next(entry for entry in made.capacity if entry.node == node)
    assert change.after.cpu - change.before.cpu == 4000
    assert made.placement[0].alternatives


def test_without_proxmox_placeholders_and_a_finding():
    made = wished(machine(), snapshot=ClusterSnapshot(), config=Config(defaults=Defaults(template_id=9000)))
    assert not made.capacity_verified
    assert "machines-unverified" in rules(made)
    assert value(made, "machines.web-prod-01.source") == 9000
