"""What the emulator stores, frees and refuses when somebody writes: the semantics of Proxmox VE."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.emulators.proxmox import ProxmoxEmulator
from bot.emulators.proxmox.presets import Grant, ha_grants
from bot.emulators.proxmox.schema import CALLS
from tests.edges.proxmox_kit import ROOT, inventory, served
from tests.emulators.proxmox_client import Client, Refused, calling, emulator
from tests.realparts.provider_scene import cluster, facts, grants
from tests.tools.make_pve_calls import derive, to_text

GIB = 1024**3
DIGESTS = {
    9: "4f26118ea74c01ff0ec42d0b42e12f517623e6e01d31172ff1058860033cd556",
    8: "05d290b29f22fee015be4213e4b3623e805af2eceabc1363a92557c2499a24c6",
}
SOURCES = {9: "pve-api-9.2.3.json", 8: "pve-api-8.4.5.json"}


@pytest.fixture
def pve() -> ProxmoxEmulator:
    return emulator(grants(*ha_grants()))


@pytest.fixture
def ask(pve: ProxmoxEmulator) -> Iterator[Client]:
    with calling(pve) as client:
        yield client


def clone(ask: Client, number: int = 500, **given: Any) -> None:
    ask("POST", "/nodes/pve1/qemu/9000/clone", **({"newid": number, "full": 1, "pool": "shop", "name": "web"} | given))


def space(pve: ProxmoxEmulator, node: str, store: str) -> int:
    row = next(row for row in pve.state[f"nodes/{node}/storage"] if row["storage"] == store)
    shown = next(one for one in pve.state["cluster/resources"] if one["id"] == f"storage/{node}/{store}")
    assert row["used"] == shown["disk"]
    assert row["used"] + row["avail"] == row["total"]
    return int(row["used"])


@pytest.mark.parametrize("major", [9, 8])
def test_the_schemas_of_writes_are_the_recorded_ones(major: int) -> None:
    assert hashlib.sha256(CALLS[major].read_bytes()).hexdigest() == DIGESTS[major]
    source = ROOT.parent / "shared" / "data" / SOURCES[major]
    if source.is_file():
        full = json.loads(source.read_text(encoding="utf-8"))
        assert to_text(derive(full)) == CALLS[major].read_text(encoding="utf-8")


def test_the_state_of_the_caller_stays_as_it_was() -> None:
    state = cluster()
    pve = emulator(grants(), state=state)
    before = json.dumps(state)
    with calling(pve) as ask:
        clone(ask)
    assert json.dumps(state) == before


def test_a_full_clone_is_no_template_and_has_its_own_disks(pve: ProxmoxEmulator, ask: Client) -> None:
    used = space(pve, "pve2", "nas")
    clone(ask)
    config, source = ask("GET", "/nodes/pve1/qemu/500/config"), pve.state["nodes/pve1/qemu/9000/config"]
    assert "template" not in config
    assert "lock" not in config
    assert config["scsi0"] == "nas:500/vm-500-disk-0.qcow2,discard=on,iothread=1,size=10G,ssd=1"
    assert config["ide2"] == "nas:500/vm-500-cloudinit.qcow2,media=cdrom,size=4M"
    assert config["net0"] != source["net0"]
    assert config["vmgenid"] != source["vmgenid"]
    assert space(pve, "pve2", "nas") - used == 10 * GIB + 4 * 1024**2


def test_a_new_guest_is_in_the_next_snapshot(pve: ProxmoxEmulator, ask: Client) -> None:
    clone(ask)
    ask("PUT", "/nodes/pve1/qemu/500/config", cores=3, memory="3072", ipconfig0="ip=10.20.0.77/24,gw=10.20.0.1")
    ask("POST", "/nodes/pve1/qemu/500/status/start")
    with served(pve.app) as url:
        snapshot = inventory(url).read()
    assert snapshot.proxmox is not None
    guest = next(guest for guest in snapshot.proxmox.guests if guest.vm_id == 500)
    assert (guest.name, guest.node, guest.status, guest.addresses) == ("web", "pve1", "running", ("10.20.0.77",))
    assert not any(note.code == "proxmox-protocol" for note in snapshot.missing)


def test_everything_given_back_leaves_the_cluster_as_it_was(pve: ProxmoxEmulator, ask: Client) -> None:
    before = facts(pve)
    clone(ask)
    ask("PUT", "/nodes/pve1/qemu/500/config", scsi1="nas:5,discard=on")
    ask("PUT", "/nodes/pve1/qemu/500/resize", disk="scsi1", size="+3G")
    ask("POST", "/nodes/pve1/qemu/500/status/start")
    ask("PUT", "/nodes/pve1/qemu/500/config", delete="scsi1")
    assert ask("GET", "/nodes/pve1/qemu/500/config")["unused0"] == "nas:500/vm-500-disk-1.raw"
    ask("POST", "/nodes/pve1/qemu/500/status/stop")
    ask("DELETE", "/nodes/pve1/qemu/500", purge=1)
    assert facts(pve) == before


def test_memory_follows_start_and_stop(pve: ProxmoxEmulator, ask: Client) -> None:
    clone(ask)
    before = pve.site.nodes()["pve1"]["mem"], pve.state["nodes/pve1/status"]["memory"]["free"]
    ask("POST", "/nodes/pve1/qemu/500/status/start")
    assert pve.site.nodes()["pve1"]["mem"] - before[0] == 2048 * 1024**2
    assert before[1] - pve.state["nodes/pve1/status"]["memory"]["free"] == 2048 * 1024**2
    ask("POST", "/nodes/pve1/qemu/500/status/shutdown")
    assert (pve.site.nodes()["pve1"]["mem"], pve.state["nodes/pve1/status"]["memory"]["free"]) == before


REFUSALS = [
    pytest.param("clone", {"newid": 101}, 403, "/vms/101, VM.Allocate", id="taken-by-others-without-pool"),
    pytest.param("clone", {"newid": 101, "pool": "shop"}, 500, "config file already exists", id="taken"),
    pytest.param("clone", {"newid": 500, "pool": "gone"}, 403, "/pool/gone, VM.Allocate", id="pool"),
    pytest.param("clone", {"newid": 500, "pool": "shop", "target": "pve9"}, 500, "no such cluster node", id="node"),
    pytest.param("clone", {"newid": 500, "pool": "shop", "full": 0, "storage": "nas"}, 500, "linked clones", id="linked"),
    pytest.param(
        "clone", {"newid": 500, "pool": "shop", "full": 1, "target": "pve2", "storage": "local-lvm"}, 500,
        "can't clone to non-shared storage", id="not-shared",
    ),
    pytest.param("clone", {"newid": 500, "pool": "shop", "full": 1, "storage": "attic"}, 500, "'attic' does not exist", id="no-store"),
    pytest.param("clone", {"newid": 500, "pool": "shop", "full": 1, "storage": "local"}, 400, "does not support vm images", id="content"),
    pytest.param("clone", {"newid": 500, "pool": "shop", "colour": "red"}, 400, "not defined in schema", id="unknown-parameter"),
    pytest.param("clone", {"pool": "shop"}, 400, "property is missing", id="missing-parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("end", "given", "status", "words"), REFUSALS)
def test_a_clone_that_cannot_be(ask: Client, end: str, given: dict[str, Any], status: int, words: str) -> None:
    with pytest.raises(Refused) as refused:
        ask("POST", f"/nodes/pve1/qemu/9000/{end}", **given)
    assert refused.value.status == status
    assert words in refused.value.text


def test_a_local_template_cannot_be_cloned_elsewhere(ask: Client) -> None:
    with pytest.raises(Refused, match=r"can't clone VM to node 'pve2' \(VM uses local storage\)"):
        ask("POST", "/nodes/pve1/qemu/9001/clone", newid=500, pool="shop", target="pve2", full=1)


CHANGES = [
    pytest.param({"scsi1": "attic:4"}, "storage", id="store"),
    pytest.param({"net0": "virtio,brigde=vmbr0"}, "brigde: property is not defined", id="property-string"),
    pytest.param({"memory": "512", "balloon": 1024}, "balloon value too large", id="balloon"),
    pytest.param({"delete": "cores", "cores": 2}, "at the same time", id="both"),
    pytest.param({"scsi1": "local-lvm:4,import-from=nas:import/x.qcow2"}, "requires special syntax", id="import"),
    pytest.param({"ide3": "local:iso/debian-12.11.0-amd64-netinst.iso"}, "'media=cdrom' is required", id="iso"),
    pytest.param({"scsi1": "local-lvm:9000"}, "no space left on storage 'local-lvm'", id="space"),
    pytest.param({"digest": "abc", "cores": 2}, "checksum mismatch", id="digest"),
    pytest.param({"cores": "many"}, "type check ('integer') failed", id="type"),
]


@pytest.mark.parametrize(("given", "words"), CHANGES)
def test_a_change_that_cannot_be(ask: Client, given: dict[str, Any], words: str) -> None:
    clone(ask)
    before = ask("GET", "/nodes/pve1/qemu/500/config")
    with pytest.raises(Refused) as refused:
        ask("PUT", "/nodes/pve1/qemu/500/config", **given)
    assert words in refused.value.text
    assert ask("GET", "/nodes/pve1/qemu/500/config") == before


def test_configurations_hold_strings_and_numbers_as_proxmox_stores_them(ask: Client) -> None:
    clone(ask)
    ask(
        "PUT", "/nodes/pve1/qemu/500/config", cores=2, memory="2048", cpu="host", onboot=1, tags="web;AI;web",
        net0="model=virtio,bridge=vmbr0,tag=30,firewall=0", cipassword="secret",
    )  # fmt: skip
    config = ask("GET", "/nodes/pve1/qemu/500/config")
    assert (config["cores"], config["memory"], config["cpu"], config["onboot"]) == (2, "2048", "host", 1)
    assert (config["tags"], config["cipassword"]) == ("ai;web", "**********")
    assert config["net0"].startswith("virtio=BC:24:11:")
    assert config["net0"].endswith(",bridge=vmbr0,firewall=0,tag=30")
    assert {"pid", "uptime", "netin", "vmid"}.isdisjoint(config)


def test_a_disk_grows_to_bytes_or_by_more_and_never_shrinks(pve: ProxmoxEmulator, ask: Client) -> None:
    clone(ask)
    ask("PUT", "/nodes/pve1/qemu/500/resize", disk="scsi0", size=str(12 * GIB))
    ask("PUT", "/nodes/pve1/qemu/500/resize", disk="scsi0", size="+1G")
    assert "size=13G" in ask("GET", "/nodes/pve1/qemu/500/config")["scsi0"]
    assert ask("GET", "/nodes/pve1/storage/nas/content/nas:500/vm-500-disk-0.qcow2")["size"] == 13 * GIB
    with pytest.raises(Refused, match="shrinking disks is not supported"):
        ask("PUT", "/nodes/pve1/qemu/500/resize", disk="scsi0", size="5G")


def test_a_second_cloud_init_drive_is_refused(ask: Client) -> None:
    clone(ask)
    with pytest.raises(Refused, match="cloud-init drive is already attached at 'ide2'"):
        ask("PUT", "/nodes/pve1/qemu/500/config", ide0="nas:cloudinit")


def test_a_guest_that_does_not_fit_does_not_start(pve: ProxmoxEmulator, ask: Client) -> None:
    clone(ask)
    ask("PUT", "/nodes/pve1/qemu/500/config", memory=str(120 * 1024))
    with pytest.raises(Refused, match="Cannot allocate memory"):
        ask("POST", "/nodes/pve1/qemu/500/status/start")
    ask("PUT", "/nodes/pve1/qemu/500/config", memory="1024", cores=33)
    with pytest.raises(Refused, match="MAX 32 vcpus allowed"):
        ask("POST", "/nodes/pve1/qemu/500/status/start")
    assert ask("GET", "/nodes/pve1/qemu/500/status/current")["status"] == "stopped"


@pytest.mark.parametrize(
    ("net", "words"),
    [
        ("virtio,bridge=vmbr9", "bridge 'vmbr9' does not exist"),
        ("virtio,bridge=vmbr0,tag=30", "vlan '30' is not allowed on bridge 'vmbr0'"),
    ],
)
def test_a_guest_on_an_unknown_network_does_not_start(net: str, words: str) -> None:
    state = cluster()
    state["nodes/pve1/network"][1]["bridge_vids"] = "2-10 20"
    with calling(emulator(grants(), state=state)) as ask:
        clone(ask)
        ask("PUT", "/nodes/pve1/qemu/500/config", net0=net)
        with pytest.raises(Refused, match=words):
            ask("POST", "/nodes/pve1/qemu/500/status/start")
        ask("PUT", "/nodes/pve1/qemu/500/config", net0="virtio,bridge=vmbr0,tag=20")
        ask("POST", "/nodes/pve1/qemu/500/status/start")


def test_running_protected_and_managed_guests_are_not_destroyed(ask: Client) -> None:
    clone(ask)
    ask("POST", "/nodes/pve1/qemu/500/status/start")
    with pytest.raises(Refused, match="VM 500 is running - destroy failed"):
        ask("DELETE", "/nodes/pve1/qemu/500")
    ask("POST", "/nodes/pve1/qemu/500/status/stop")
    ask("POST", "/cluster/ha/resources", sid="vm:500", state="ignored")
    with pytest.raises(Refused, match="used in HA resources and purge parameter not set"):
        ask("DELETE", "/nodes/pve1/qemu/500")
    ask("PUT", "/nodes/pve1/qemu/500/config", protection=1)
    with pytest.raises(Refused, match="protection mode enabled"):
        ask("DELETE", "/nodes/pve1/qemu/500", purge=1)


def test_dhcp_comes_from_the_range_of_the_network(pve: ProxmoxEmulator) -> None:
    given = grants(Grant("/sdn/zones/lan", ("SDN.Use",)))
    with calling(emulator(given)) as ask:
        clone(ask)
        ask("PUT", "/nodes/pve1/qemu/500/config", net0="virtio,bridge=services", ipconfig0="ip=dhcp")
        ask("POST", "/nodes/pve1/qemu/500/status/start")
        shown = ask("GET", "/nodes/pve1/qemu/500/agent/network-get-interfaces")["result"][1]["ip-addresses"][0]
    assert shown["ip-address"].startswith("10.40.0.1")
    assert 100 <= int(shown["ip-address"].rsplit(".", 1)[1]) <= 199
    assert shown["ip-address"] != "10.40.0.101"


def test_migration_takes_local_disks_along_only_when_told(pve: ProxmoxEmulator, ask: Client) -> None:
    ask("POST", "/nodes/pve1/qemu/9001/clone", newid=500, full=1, pool="shop")
    here, there = space(pve, "pve1", "local-lvm"), space(pve, "pve2", "local-lvm")
    with pytest.raises(Refused, match="can't migrate local disk"):
        ask("POST", "/nodes/pve1/qemu/500/migrate", target="pve2")
    ask("POST", "/nodes/pve1/qemu/500/migrate", target="pve2", with_local_disks=1)
    moved = here - space(pve, "pve1", "local-lvm")
    assert moved == space(pve, "pve2", "local-lvm") - there == 10 * GIB + 4 * 1024**2
    assert ask("GET", "/nodes/pve2/qemu/500/config")["name"].startswith("Copy-of-")


def test_pools_with_members_stay(ask: Client) -> None:
    clone(ask)
    with pytest.raises(Refused, match=r"/pool/shop, Pool\.Allocate"):
        ask("DELETE", "/pools", poolid="shop")
    with calling(emulator(grants(Grant("/pool/shop", ("Pool.Allocate",))))) as more:
        clone(more)
        with pytest.raises(Refused, match="pool 'shop' is not empty"):
            more("DELETE", "/pools", poolid="shop")


def test_rules_need_managed_resources_and_groups_died_on_nine(ask: Client) -> None:
    with pytest.raises(Refused, match=r"cannot use unmanaged resource\(s\) vm:101"):
        ask("POST", "/cluster/ha/rules", rule="new-rule", type="node-affinity", resources="vm:101", nodes="pve1")
    with pytest.raises(Refused, match="is already used in another node affinity rule"):
        ask("POST", "/cluster/ha/rules", rule="new-rule", type="node-affinity", resources="vm:121", nodes="pve1")
    with pytest.raises(Refused, match="ha groups have been migrated to rules"):
        ask("POST", "/cluster/ha/groups", group="big", nodes="pve1")


def test_on_eight_groups_live_and_rules_do_not() -> None:
    with calling(emulator(grants(*ha_grants(), major=8), version="8.4.5")) as ask:
        ask("POST", "/cluster/ha/groups", group="big", nodes="pve1:2")
        assert ask("GET", "/cluster/ha/groups/big")["nodes"] == "pve1:2"
        with pytest.raises(Refused, match="not implemented"):
            ask("POST", "/cluster/ha/rules", rule="new-rule", type="node-affinity", resources="vm:120", nodes="pve1")


def test_stopping_a_managed_guest_changes_what_is_requested_of_it(ask: Client) -> None:
    clone(ask)
    ask("POST", "/cluster/ha/resources", sid="vm:500", state="started")
    ask("GET", "/version")
    assert ask("GET", "/nodes/pve1/qemu/500/status/current")["status"] == "running"
    ask("POST", "/nodes/pve1/qemu/500/status/stop")
    assert ask("GET", "/cluster/ha/resources/vm:500")["state"] == "stopped"


def test_replication_wants_zfs(ask: Client) -> None:
    with calling(emulator(grants(Grant("/pool/shop", ("VM.Replicate",))))) as more:
        clone(more)
        with pytest.raises(Refused, match="No replicatable volumes found"):
            more("POST", "/cluster/replication", id="500-0", target="pve2", type="local")
