"""The preflight, one row per test and case: what stops an apply, with which words, and what does not."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from bot.capacity.headroom import headroom
from bot.checks.preflight.survival import arranged
from bot.checks.preflight.tests import MACHINES, PODS, findings_of, preflight
from bot.model.cluster import NOT_CONFIGURED, WHOLE_SYSTEM, Bridge, ClusterSnapshot, KubernetesFacts, Quota, Subnet
from bot.model.cluster import Workload as Running
from bot.model.plan import Backup, DataDisk, Nic, Plan, Source, Storage
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.model.stack import CheckName
from bot.roles import apply_roles, guest_privileges
from tests.checks.preflight_kit import (
    CONFIG,
    Change,
    both,
    checks,
    judged,
    planned,
    readings,
    shop,
    standing,
    state,
    web,
    with_facts,
    with_gap,
    with_guest,
    with_node,
    with_store,
    with_template,
    without,
)
from tests.planning.builders import local_store, pve, worker
from tests.planning.wishing import GIB, cluster, guest, machine

WEB = web()
ONE = WEB.machines[0]
ID, HOME = ONE.vm_id, ONE.node
FULL = Resources(cpu=MilliCpu(96_000), memory=GIB(128))


def changed(plan: Plan = WEB, **changes: Any) -> Plan:
    """The plan with its first machine changed."""
    first, *others = plan.machines
    return plan.model_copy(update={"machines": (first.model_copy(update=changes), *others)})


def everywhere(**changes: Any) -> Change:
    return both(*(with_node(f"pve{number}", **changes) for number in (1, 2, 3)))


def test_the_table_names_every_test_once() -> None:
    names = [name for name, _ in (*MACHINES, *PODS)]
    assert sorted(names) == sorted(get_args(CheckName))


def test_a_plan_on_the_readings_it_was_made_of_passes_and_says_so_with_numbers() -> None:
    done = judged(WEB, readings())
    assert done.root == WEB.root
    assert done.stopping == ()
    assert {check.name for check in done.checks} == set(get_args(CheckName))
    memory = next(check for check in done.checks if check.name == "memory")
    assert "GiB more" in memory.reason
    assert "left" in memory.reason


GPU = changed(pci_mapping="gpu")
WITH_GPU = everywhere(pci_mappings=("gpu",))
BACKED = changed(backup=True).model_copy(update={"backup": Backup(datastore="nas")})
REPLICATED = changed(datastore="tank", replicate_to="pve3")
SECOND = ONE.model_copy(update={"name": "web-2", "vm_id": ID + 1})
TWINS = WEB.model_copy(update={"machines": (ONE, SECOND)})
LEASE = Subnet(cidr="10.30.0.0/24", vnet="v", leases=("10.30.0.50",))
RANGE = Subnet(cidr="10.30.0.0/24", vnet="v", dhcp_ranges=("10.30.0.40-10.30.0.60",))


def with_tank(taken: ClusterSnapshot) -> ClusterSnapshot:
    """A ZFS pool on the machine's own node alone."""
    return taken.model_copy(update={"stores": (*taken.stores, local_store(HOME, name="tank", kind="zfspool"))})


FAILED = [
    pytest.param("vm-id", WEB, with_guest(ID, name="other"), "belongs to other", id="vm-id"),
    pytest.param("vm-id", changed(adopted=True), None, "to be imported and is not there", id="vm-id-import"),
    pytest.param(
        "vm-id", changed(adopted=True), with_guest(ID, name="other"), "and is vm other", id="vm-id-import-other"
    ),
    pytest.param(
        "vm-id", WEB.model_copy(update={"machines": (ONE, SECOND.model_copy(update={"vm_id": ID}))}), None,
        "2 machines", id="vm-id-twice",
    ),
    pytest.param("node-online", WEB, with_node(HOME, state="offline"), "offline", id="node-offline"),
    pytest.param("node-online", WEB, with_node(HOME, state="maintenance"), "maintenance", id="node-maintenance"),
    pytest.param("node-online", changed(node="pve9"), None, "no node pve9", id="node-gone"),
    pytest.param("quorum", WEB, with_facts(quorate=False), "no quorum", id="quorum"),
    pytest.param("memory", WEB, with_node(HOME, promised=FULL), "0.0 of 117.8 GiB left", id="memory"),
    pytest.param(
        "memory", WEB, with_node(HOME, used_p95=Resources(memory=GIB(115))), "measured peak", id="memory-measured"
    ),
    pytest.param("cpu", WEB, with_node(HOME, promised=FULL), "0.0 of 96.0 vCPU left", id="cpu"),
    pytest.param("cpu", changed(cores=40), None, "has 32 threads", id="cpu-threads"),
    pytest.param(
        "n-plus-one", WEB, both(*(with_node(one, promised=FULL) for one in {"pve1", "pve2", "pve3"} - {HOME})),
        "after the loss of", id="n-plus-one",
    ),
    pytest.param("storage-space", WEB, with_store("ceph", available=GIB(205)), "GiB left", id="store-reserve-10%"),
    pytest.param(
        "storage-space", WEB, with_store("ceph", total=GIB(50), available=GIB(20)), "10.0 GiB kept",
        id="store-reserve-10-GiB",
    ),
    pytest.param("storage-content", WEB, with_store("ceph", content=("iso",)), "not disk images", id="content"),
    pytest.param("storage-content", WEB, with_store("ceph", active=False), "not active", id="store-inactive"),
    pytest.param("storage-content", WEB, without(store="ceph"), "no datastore ceph", id="store-gone"),
    pytest.param("storage-content", BACKED, with_store("nas", content=("iso",)), "not backup", id="backup-store"),
    pytest.param("storage-content", REPLICATED, with_tank, "pve3 has no datastore tank", id="replica-store"),
    pytest.param(
        "storage-content", changed(source=Source(image="https://x.example/i.img")),
        with_store("nas", content=("iso",)), "takes content import", id="download-store",
    ),
    pytest.param("bridge", WEB, with_node(HOME, bridges=()), "no bridge or vnet vmbr0", id="bridge"),
    pytest.param(
        "bridge", WEB, with_node(HOME, bridges=(Bridge(name="vmbr0", active=False),)), "not active", id="bridge-down"
    ),
    pytest.param("vlan", WEB, with_node(HOME, bridges=(Bridge(name="vmbr0"),)), "not VLAN-aware", id="vlan"),
    pytest.param(
        "vlan", WEB, with_node(HOME, bridges=(Bridge(name="vmbr0", vlan_aware=True, vlans="30-40"),)),
        "allows VLANs 30-40, not 20", id="vlan-range",
    ),
    pytest.param(
        "vlan", WEB, with_node(HOME, bridges=(Bridge(name="vmbr0", kind="vnet", tag=7),)), "carries VLAN 7", id="vnet"
    ),
    pytest.param("template", WEB, without(guests=True), "does not exist any more", id="template-gone"),
    pytest.param("template", WEB, with_template(template=False), "no template", id="template-guest"),
    pytest.param("template", WEB, with_template(lock="backup"), "locked (backup)", id="template-locked"),
    pytest.param("template", WEB, with_template(node="pve3"), "stands on pve3 now", id="template-moved"),
    pytest.param("template", WEB, with_template(disk=GIB(500)), "smaller than", id="template-grown"),
    pytest.param(
        "template", changed(node="pve2", template_node="pve1"),
        both(with_template(node="pve1", datastores=("local-lvm",))), "does not share", id="template-not-shared",
    ),
    pytest.param(
        "template", changed(source=Source(iso_image="nas:iso/gone.iso")), None, "is not there for", id="volume-gone"
    ),
    pytest.param("pool", WEB, with_facts(pools=()), "pool shop does not exist", id="pool"),
    pytest.param("address", WEB, with_guest(700, addresses=("10.30.0.50",)), "guest-700 (VMID 700", id="address"),
    pytest.param("address", WEB, with_facts(subnets=(LEASE,)), "leased", id="address-lease"),
    pytest.param("address", WEB, with_facts(subnets=(RANGE,)), "DHCP range", id="address-range"),
    pytest.param(
        "address", WEB, with_node("pve3", bridges=(Bridge(name="x", gateway="10.30.0.50"),)), "gateway's",
        id="address-gateway",
    ),
    pytest.param(
        "address", WEB, with_node("pve3", bridges=(Bridge(name="x", cidr="10.30.0.50/24"),)), "node pve3 holds it",
        id="address-node",
    ),
    pytest.param("address", TWINS, None, "asks for it too", id="address-twice"),
    pytest.param(
        "address", changed(nics=(Nic(bridge="vmbr0"), Nic(bridge="vmbr0", address="10.30.0.60/24"))),
        with_guest(700, addresses=("10.30.0.60/24",)), "10.30.0.60", id="address-second-nic",
    ),
    pytest.param(
        "privileges", WEB, with_facts(permissions={"/": ("VM.Allocate",)}), "lacks VM.Audit on /pool/shop",
        id="privileges",
    ),
    pytest.param("hardware", GPU, None, "no PCI mapping gpu", id="device-gone"),
    pytest.param("hardware", GPU, both(WITH_GPU, with_guest(700, node=HOME, pci=("gpu",))), "guest-700", id="device"),
    pytest.param(
        "hardware",
        WEB.model_copy(update={"machines": tuple(
            one.model_copy(update={"pci_mapping": "gpu"}) for one in TWINS.machines)}),
        WITH_GPU, "of this plan", id="device-twice",
    ),
    pytest.param("hardware", WEB, with_node(HOME, cpu_flags=("sse4_1",)), "lacks the CPU flags aes", id="cpu-flags"),
    pytest.param("hardware", WEB, with_node(HOME, architecture="aarch64"), "which is aarch64", id="architecture"),
    pytest.param("name", WEB, with_guest(700, name=ONE.name), "exists already as VMID 700", id="name"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "plan", "change", "words"), FAILED)
def test_what_is_no_longer_so_fails_with_its_reason_and_a_remedy(
    name: CheckName, plan: Plan, change: Change | None, words: str
) -> None:
    taken = change(readings()) if change is not None else readings()
    found = [check for check in checks(name, plan, taken) if check.state == "failed"]
    assert found, checks(name, plan, taken)
    assert any(words in check.reason for check in found), found
    assert all(check.remedy and check.about for check in found)


UNKNOWN = [
    pytest.param("vm-id", WEB, with_gap("guests"), id="vm-id"),
    pytest.param("name", WEB, with_gap("guests"), id="name"),
    pytest.param("address", WEB, with_gap("guests"), id="address"),
    pytest.param("node-online", WEB, with_node(HOME, state="unknown"), id="node"),
    pytest.param(
        "node-online", WEB, both(with_node(HOME, state="unknown"), with_gap(f"state of node {HOME}")), id="node-gap"
    ),
    pytest.param("quorum", WEB, with_facts(quorate=None), id="quorum"),
    pytest.param("quorum", WEB, both(with_facts(quorate=None), with_gap("cluster status, HA")), id="quorum-gap"),
    pytest.param("memory", WEB, with_node(HOME, state="unknown"), id="memory"),
    pytest.param("cpu", WEB, with_node(HOME, state="offline"), id="cpu"),
    pytest.param("storage-space", WEB, with_store("ceph", available=None), id="store-space"),
    pytest.param("storage-content", WEB, both(without(store="ceph"), with_gap("datastores")), id="store"),
    pytest.param(
        "storage-content", WEB, both(without(store="ceph"), with_gap(f"datastores of node {HOME}")), id="store-node"
    ),
    pytest.param(
        "bridge", WEB, both(with_node(HOME, bridges=()), with_gap(f"bridges of node {HOME}")), id="bridge"
    ),
    pytest.param("bridge", WEB, both(with_node(HOME, bridges=(), state="unknown")), id="bridge-node"),
    pytest.param("vlan", WEB, with_node(HOME, bridges=()), id="vlan"),
    pytest.param("template", WEB, both(without(guests=True), with_gap("guests")), id="template"),
    pytest.param(
        "template", changed(source=Source(iso_image="nas:iso/gone.iso")),
        with_gap("content of datastore nas on node pve1"), id="volume",
    ),
    pytest.param("pool", WEB, both(with_facts(pools=()), with_gap("pools")), id="pool"),
    pytest.param("privileges", WEB, with_facts(permissions={}), id="privileges"),
    pytest.param(
        "privileges", WEB, both(with_facts(permissions={}), with_gap("rights of the token")), id="privileges-gap"
    ),
    pytest.param("hardware", GPU, with_gap("PCI mappings"), id="device"),
    pytest.param("hardware", WEB, with_node(HOME, state="offline"), id="hardware-node"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "plan", "change"), UNKNOWN)
def test_what_was_not_read_is_unknown_and_stops_the_apply(name: CheckName, plan: Plan, change: Change) -> None:
    done = judged(plan, change(readings()))
    found = [check for check in done.checks if check.name == name]
    assert "unknown" in {check.state for check in found}, found
    assert "failed" not in {check.state for check in found}, found
    assert all(check.remedy for check in found if check.state == "unknown")
    assert any(check.name == name for check in done.stopping)


def test_a_list_that_hides_guests_still_proves_a_taken_vm_id() -> None:
    taken = both(with_guest(ID, name="other"), with_gap("guests"))(readings())
    assert state("vm-id", WEB, taken) == "failed"


def test_n_plus_one_that_is_not_arranged_within_the_bound_is_unknown_and_not_broken() -> None:
    tight = [(7, 4), (5, 4), (4, 4)] * 8
    assert arranged(tight, [(16, 12)] * 8) is None
    ha = tuple(
        guest(500 + number, node=HOME, ha=True, memory=GIB(memory), datastores=("ceph",))
        for number, (memory, _) in enumerate(tight)
    )
    size = Resources(cpu=MilliCpu(32_000), memory=GIB(18))
    others = tuple(pve(f"other{number}", capacity=size, promised=Resources()) for number in range(8))
    home = next(node for node in readings().nodes if node.name == HOME)
    taken = with_facts(guests=ha)(readings(nodes=(home, *others)))
    [found] = checks("n-plus-one", changed(datastore="tank"), taken)
    assert (found.state, "20000 steps" in found.reason) == ("unknown", True)


@pytest.mark.parametrize(
    ("sizes", "rooms", "fits"),
    [
        ([(6, 1), (6, 1)], [(9, 9), (9, 9)], True),
        ([(6, 1), (6, 1), (6, 1)], [(9, 9), (9, 9)], False),
        ([(10, 1)], [(9, 9), (9, 9)], False),
        ([(1, 5), (1, 5)], [(9, 6), (9, 3)], False),
        ([(5, 1), (5, 1), (3, 1), (3, 1)], [(8, 9), (8, 9)], True),
        ([(6, 1), (4, 1), (4, 1), (3, 1), (3, 1)], [(10, 9), (10, 9)], True),
        ([], [(-1, 0)], True),
    ],
)
def test_arrangements(sizes: list[tuple[int, int]], rooms: list[tuple[int, int]], fits: bool) -> None:
    assert arranged(sizes, rooms) is fits


OWNED = [
    pytest.param("vm-id", id="vm-id"),
    pytest.param("name", id="name"),
    pytest.param("address", id="address"),
    pytest.param("memory", id="memory"),
    pytest.param("cpu", id="cpu"),
    pytest.param("n-plus-one", id="n-plus-one"),
    pytest.param("storage-space", id="storage-space"),
    pytest.param("hardware", id="hardware"),
]


@pytest.mark.parametrize("name", OWNED)
def test_what_the_stack_owns_is_not_counted_against_itself(name: CheckName) -> None:
    plan = changed(GPU, memory=GIB(60), cores=24)
    taken = both(WITH_GPU, with_store("ceph", available=GIB(200)))(readings())
    taken = both(*(with_node(f"pve{number}", promised=Resources()) for number in (1, 2, 3)))(taken)
    taken = standing(taken, plan.machines[0], pci=("gpu",))
    taken = with_node(HOME, used_p95=Resources(memory=GIB(115), cpu=MilliCpu(32_000)))(taken)
    assert state(name, plan, taken, owned=frozenset({ID})) == "passed"
    if name not in {"n-plus-one", "name"}:
        assert state(name, plan, taken) == "failed"


def test_what_an_owned_machine_grows_by_is_asked_for() -> None:
    grown = changed(memory=GIB(100), disk=GIB(1100))
    taken = standing(readings(), ONE)
    assert state("memory", grown, taken, owned=frozenset({ID})) == "failed"
    assert state("storage-space", grown, taken, owned=frozenset({ID})) == "failed"


def test_an_owned_machine_that_ha_moved_is_counted_where_it_stands() -> None:
    away = next(name for name in ("pve1", "pve2", "pve3") if name != HOME)
    plan = changed(ha=True)
    taken = standing(with_node(HOME, state="offline")(readings()), ONE, node=away, ha=True)
    done = judged(plan, taken, owned=frozenset({ID}))
    assert done.stopping == ()
    assert {check.about for check in done.checks if check.name == "memory"} == {away}


def test_an_owned_machine_needs_its_template_only_to_be_made_again() -> None:
    taken = standing(without(guests=True)(readings()), ONE)
    assert state("template", WEB, taken, owned=frozenset({ID})) == "skipped"
    assert state("template", WEB, taken, owned=frozenset({ID}), replaced=frozenset({ID})) == "failed"


def test_an_adopted_machine_exists_rightly() -> None:
    assert judged(changed(adopted=True), standing(readings(), ONE)).stopping == ()


def test_n_plus_one_is_asked_for_in_production_and_under_ha() -> None:
    crowded = both(*(with_node(one, promised=FULL) for one in {"pve1", "pve2", "pve3"} - {HOME}))(readings())
    lab = WEB.model_copy(update={"environment": "dev"})
    assert state("n-plus-one", lab, crowded) == "skipped"
    assert state("n-plus-one", changed(lab, ha=True), crowded) == "failed"
    assert state("n-plus-one", WEB.model_copy(update={"environment": None}), crowded) == "failed"


def test_one_usable_node_has_no_n_plus_one() -> None:
    alone = both(*(with_node(one, state="offline") for one in {"pve1", "pve2", "pve3"} - {HOME}))(readings())
    assert state("n-plus-one", WEB, alone) == "skipped"


def test_a_virtual_address_of_a_cluster_is_tested_too() -> None:
    made = planned(cluster(3, 0, 2, 4))
    assert made.clusters[0].endpoint is not None
    taken = with_guest(700, addresses=(made.clusters[0].endpoint,))(readings())
    [found] = [check for check in checks("address", made, taken) if check.state == "failed"]
    assert found.about == "kube (API)"
    held = standing(readings(), *made.machines, addresses=(made.clusters[0].endpoint,))
    assert state("address", made, held, owned=frozenset(one.vm_id for one in made.machines)) == "passed"


def test_running_guests_without_an_address_are_counted_in_the_reason() -> None:
    [found] = checks("address", WEB, with_guest(700)(readings()))
    assert (found.state, "1 running guests show no address" in found.reason) == ("passed", True)


def granted(**changes: Any) -> dict[str, tuple[str, ...]]:
    """The apply token as ``check --print-roles`` makes it, for the plan of this file."""
    words = {"POOL": "shop", "TEMPLATE": "9000", "DISKS": "ceph", "ZONE": "localnetwork", "IMAGES": "nas", "NODE": HOME}
    paths: dict[str, tuple[str, ...]] = {"/": ("Sys.Audit", "VM.Audit", "Datastore.Audit")}
    for role in apply_roles(9):
        path = role.path
        for word, name in words.items():
            path = path.replace(word, name)
        paths[path] = (*paths.get(path, ()), *role.all)
    return {**paths, **changes}


def test_the_printed_apply_role_is_enough_for_the_plan() -> None:
    taken = with_facts(permissions=granted())(readings())
    assert state("privileges", WEB, taken) == "passed"


@pytest.mark.parametrize(
    ("plan", "path"),
    [
        (WEB, "/pool/shop"),
        (WEB, "/vms/9000"),
        (WEB, "/storage/ceph"),
        (WEB, "/sdn/zones/localnetwork"),
        (changed(source=Source(image="https://x.example/i.img")), f"/nodes/{HOME}"),
    ],
    ids=["pool", "template", "disks", "network", "download"],
)
def test_each_part_of_the_apply_role_is_looked_for(plan: Plan, path: str) -> None:
    taken = with_facts(permissions=granted(**{path: ("VM.Audit",)}))(readings())
    [found] = checks("privileges", plan, taken)
    assert found.state == "failed"
    assert path in found.reason
    assert "--print-roles" in found.remedy


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({"ha": True}, "Sys.Console on /"),
        ({"backup": True}, "Sys.Modify on /"),
        ({"replicate_to": "pve3"}, "VM.Replicate on /pool/shop"),
        ({"pci_mapping": "gpu"}, "Mapping.Use on /mapping/pci/gpu"),
        ({"agent": True, "pool": None}, "VM.GuestAgent.Audit on /vms"),
    ],
    ids=["ha", "backup", "replication", "device", "agent"],
)
def test_opt_ins_need_their_own_rights(changes: dict[str, Any], right: str) -> None:
    plan = changed(**changes).model_copy(update={"backup": Backup(datastore="nas")})
    paths = granted(**{"/vms": tuple(name for name in guest_privileges(9) if "Agent" not in name)})
    [found] = checks("privileges", plan, with_facts(permissions=paths)(readings()))
    assert found.state == "failed"
    assert right in found.reason


def test_version_8_replicates_by_another_right() -> None:
    paths = granted()
    taken = with_facts(version="8.4.5", permissions=paths)(readings())
    [found] = checks("privileges", changed(replicate_to="pve3", agent=False), taken)
    assert "Datastore.Allocate on /storage" in found.reason


def test_a_survey_token_says_nothing_about_the_rights_of_ci() -> None:
    [found] = checks("privileges", WEB, readings())
    assert (found.state, "survey token" in found.reason) == ("skipped", True)


def unset(system: str, code: str = NOT_CONFIGURED) -> ClusterSnapshot:
    taken = with_gap(WHOLE_SYSTEM, system, code)(readings())
    kept = tuple(node for node in taken.nodes if node.system != system)
    return taken.model_copy(update={"nodes": kept, system: None})


@pytest.mark.parametrize(
    ("system", "plan", "word"), [("proxmox", WEB, "PROXMOX_VE_API_TOKEN"), ("kubernetes", shop(), "KUBECONFIG")]
)
def test_a_system_that_is_not_configured_is_unknown_and_ci_is_told_what_to_give(
    system: str, plan: Plan, word: str
) -> None:
    done = judged(plan, unset(system))
    tests = MACHINES if system == "proxmox" else PODS
    assert {check.name for check in done.stopping} == {name for name, _ in tests}
    assert {check.state for check in done.stopping} == {"unknown"}
    assert all(word in check.remedy for check in done.stopping)
    assert len(findings_of(done)) == 1


def test_a_proxmox_that_is_down_is_unknown_with_its_own_reason() -> None:
    done = judged(WEB, unset("proxmox", "proxmox-down"))
    assert all("proxmox-down: no right" in check.reason for check in done.stopping)


def test_nothing_read_at_all_is_unknown() -> None:
    done = preflight(WEB, snapshot=ClusterSnapshot(), headroom=headroom(ClusterSnapshot(), CONFIG), config=CONFIG)
    assert {check.state for check in done.stopping} == {"unknown"}
    assert done.taken_at is None


def test_a_plan_without_machines_needs_no_proxmox_and_one_without_services_no_kubernetes() -> None:
    assert judged(shop(), unset("proxmox")).stopping == ()
    assert judged(WEB, unset("kubernetes")).stopping == ()


@pytest.mark.parametrize("delivery", ["argocd", "flux"])
def test_where_another_delivers_ci_needs_no_way_to_the_cluster(delivery: Any) -> None:
    config = CONFIG.model_copy(update={"delivery": delivery})
    assert judged(shop(), unset("kubernetes"), config=config).stopping == ()
    down = judged(shop(), unset("kubernetes", "kubernetes-down"), config=config)
    assert {check.state for check in down.stopping} == {"unknown"}


SHOP = shop()
SERVICE = SHOP.services[0]


def small(*, cpu: int = 100, **changes: Any) -> Change:
    tiny = Resources(cpu=MilliCpu(cpu), memory=Bytes.of_mib(64))
    return both(
        *(with_node(f"k{number}", **{"promised": Resources(), "capacity": tiny, **changes}) for number in (1, 2, 3))
    )


def test_pods_that_fit_no_node_any_more_fail_with_the_count() -> None:
    [found] = checks("kubernetes-room", SHOP, small()(readings()))
    assert found.state == "failed"
    assert f"no room for {SERVICE.replicas} of {SERVICE.replicas} pods" in found.reason
    assert "k1 0.1 CPU" in found.reason
    assert found.remedy


@pytest.mark.parametrize("change", [{"pods": 110}, {"state": "unschedulable"}, {"operating_system": "windows"}])
def test_full_cordoned_and_foreign_nodes_take_no_pods(change: dict[str, Any]) -> None:
    taken = both(*(with_node(f"k{number}", **change) for number in (1, 2, 3)))(readings())
    assert state("kubernetes-room", SHOP, taken) == "failed"


def with_workload(**changes: Any) -> Change:
    facts: dict[str, Any] = {
        "namespace": SHOP.namespace,
        "kind": SERVICE.kind,
        "name": SERVICE.name,
        "replicas": SERVICE.replicas,
        "requests": Resources(cpu=SERVICE.requests.cpu, memory=SERVICE.requests.memory),
        **changes,
    }
    return lambda taken: taken.model_copy(update={"kubernetes": KubernetesFacts(workloads=(Running(**facts),))})


def test_pods_that_run_already_are_not_asked_for_twice() -> None:
    full = both(small(), with_workload())(readings())
    assert state("kubernetes-room", SHOP, full) == "passed"
    assert state("kubernetes-room", SHOP, both(small(), with_workload(replicas=1))(readings())) == "failed"
    assert state("kubernetes-room", SHOP, both(small(), with_workload(requests=Resources()))(readings())) == "failed"
    assert state("kubernetes-room", SHOP, both(small(), with_workload(namespace="other"))(readings())) == "failed"


def test_workloads_that_were_not_read_leave_it_unknown() -> None:
    taken = both(small(), with_gap("deployments.apps", "kubernetes", "kubernetes-auth"))(readings())
    assert state("kubernetes-room", SHOP, taken) == "unknown"


def test_workers_that_the_plan_makes_count_until_they_have_joined() -> None:
    joins = ONE.model_copy(update={"role": "kubernetes-worker", "name": "k-new", "cores": 16, "memory": GIB(64)})
    both_parts = SHOP.model_copy(update={"machines": (joins,)})
    assert state("kubernetes-room", both_parts, small()(readings())) == "passed"
    taken = small()(readings())
    there = taken.model_copy(update={"nodes": (*taken.nodes, worker("k-new", capacity=Resources()))})
    assert state("kubernetes-room", both_parts, there) == "failed"


def with_quota(**hard: str) -> Change:
    rows = {key.replace("_", "."): value for key, value in hard.items()}
    quota = Quota(namespace=SHOP.namespace, name="team", hard=rows, used=dict.fromkeys(rows, "0"))
    return lambda taken: taken.model_copy(update={"kubernetes": KubernetesFacts(quotas=(quota,))})


@pytest.mark.parametrize(
    ("hard", "words"),
    [
        ({"requests_cpu": "10m"}, "0.01 CPU left"),
        ({"memory": "1Mi"}, "of 0.00 GiB left"),
        ({"limits_memory": "1Mi"}, "GiB more"),
        ({"pods": "1"}, "1 of 1 left"),
        ({"requests_cpu": "many"}, "no quantity"),
    ],
    ids=["cpu", "memory", "limits", "pods", "odd"],
)
def test_a_quota_that_leaves_too_little_stops(hard: dict[str, str], words: str) -> None:
    [found] = checks("quota", SHOP, with_quota(**hard)(readings()))
    assert found.state == ("unknown" if "odd" in words or "no quantity" in words else "failed")
    assert words in found.reason


def test_a_quota_with_room_passes_and_claims_for_volumes_count() -> None:
    roomy = with_quota(requests_cpu="100", pods="100", requests_storage="1Gi")(readings())
    assert state("quota", SHOP, roomy) == "passed"
    kept = SHOP.model_copy(
        update={"services": (SERVICE.model_copy(update={"storage": Storage(size=GIB(5))}), *SHOP.services[1:])}
    )
    assert state("quota", kept, roomy) == "failed"
    assert state("quota", SHOP, with_gap("resourcequotas", "kubernetes")(readings())) == "unknown"


def test_pods_that_run_already_are_in_the_quotas_use() -> None:
    quota = with_quota(requests_cpu="100", pods=str(SERVICE.replicas))(readings()).kubernetes
    running = with_workload()(readings()).kubernetes
    assert quota is not None
    assert running is not None
    used = (quota.quotas[0].model_copy(update={"used": {"requests.cpu": "1", "pods": str(SERVICE.replicas)}}),)
    taken = readings(kubernetes=running.model_copy(update={"quotas": used}))
    assert state("quota", SHOP, taken) == "passed"


def test_failures_block_the_pull_request_and_what_nobody_can_say_warns() -> None:
    taken = both(with_node(HOME, promised=FULL), with_facts(quorate=None))(readings())
    found = {finding.rule: finding for finding in findings_of(judged(WEB, taken))}
    assert found["preflight-memory"].severity == "block"
    assert found["preflight-quorum"].severity == "warn"
    assert all(finding.remedy for finding in found.values())
    assert findings_of(judged(WEB, readings())) == ()


def test_a_container_and_its_template_volume_are_tested_by_their_own_kinds() -> None:
    stored = with_store("ceph", content=("images", "rootdir"))(readings())
    made = planned(machine("dns", kind="container"), snapshot=stored)
    assert judged(made, stored).stopping == ()
    assert state("storage-content", made, readings()) == "failed"
    assert state("template", made, with_store("nas", volumes=())(stored)) == "failed"
    assert state("hardware", made, both(everywhere(cpu_flags=("sse4_1",)))(stored)) == "passed"


def test_data_disks_ask_for_room_on_their_own_store() -> None:
    plan = changed(data_disks=(DataDisk(size=GIB(900), datastore="ceph"),))
    assert state("storage-space", plan, readings()) == "passed"
    assert state("storage-space", plan, with_store("ceph", available=GIB(1000))(readings())) == "failed"


def test_replicas_ask_for_room_on_the_other_node_too() -> None:
    def tanks(far: int) -> Change:
        stores = (
            local_store(HOME, name="tank", kind="zfspool", total=GIB(500), available=GIB(400)),
            local_store("pve3", name="tank", kind="zfspool", total=GIB(500), available=GIB(far)),
        )
        return lambda taken: taken.model_copy(update={"stores": (*taken.stores, *stores)})

    assert HOME != "pve3"
    assert state("storage-space", REPLICATED, tanks(400)(readings())) == "passed"
    [found] = [one for one in checks("storage-space", REPLICATED, tanks(55)(readings())) if one.state == "failed"]
    assert found.about == "tank of pve3"
