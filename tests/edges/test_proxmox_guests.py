"""What a configuration says, whatever its spelling, and what hostile JSON cannot do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.edges.proxmox import fields
from bot.edges.proxmox.hosts import holds
from bot.edges.proxmox.trouble import Odd
from bot.errors import Refused, Unavailable
from bot.model.cluster import ClusterSnapshot, Guest
from bot.model.quantity import GIB, MIB
from tests.edges.proxmox_kit import emulator, example, inventory, served

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))


def guest(config: dict[str, Any], *, kind: str = "qemu", **row: Any) -> Guest:
    """One guest, 500 on pve1, as the edge reads it."""
    state = example()
    found = {"type": kind, "vmid": 500, "node": "pve1", "status": "running", "name": "x", "maxcpu": 3, "maxmem": GIB}
    state["cluster/resources"] = [one for one in state["cluster/resources"] if "vmid" not in one] + [found | row]
    state[f"nodes/pve1/{kind}/500/config"] = config
    return snapshot(state).proxmox.guests[0]


def snapshot(state: dict[str, Any]) -> ClusterSnapshot:
    with served(emulator(state).app) as url:
        return inventory(url).read()


@pytest.mark.parametrize(
    ("config", "cores", "mebibytes"),
    [
        pytest.param({"cores": 4, "sockets": 2, "memory": "8192"}, 8, 8192, id="cores-times-sockets"),
        pytest.param({"cores": "2", "memory": "current=2048"}, 2, 2048, id="property-form"),
        pytest.param({"memory": 512}, 1, 512, id="defaults"),
        pytest.param({"cores": 2, "vcpus": 1}, 2, 1024, id="memory-from-inventory"),
        pytest.param({"cores": "many", "sockets": -1, "memory": "lots"}, 1, 1024, id="nonsense"),
    ],
)
def test_cpu_and_memory(config: dict[str, Any], cores: int, mebibytes: int) -> None:
    found = guest(config)
    assert (found.cores, found.memory) == (cores, mebibytes * MIB)


def test_disks_networks_and_devices() -> None:
    found = guest(
        {
            "scsi0": "local-lvm:vm-500-disk-0,size=32G",
            "virtio1": "nas:500/vm-500-disk-1.qcow2,size=512M",
            "efidisk0": "local-lvm:vm-500-disk-2,efitype=4m,size=4M",
            "ide2": "nas:iso/debian.iso,media=cdrom,size=600M",
            "unused0": "nas:500/vm-500-disk-9.qcow2",
            "scsi1": "none",
            "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=30,firewall=1",
            "net1": "e1000=BC:24:11:00:00:02,bridge=services,tag=99999",
            "ipconfig0": "ip=10.30.0.7/24,gw=10.30.0.1,ip6=fd00::7/64",
            "ipconfig1": "ip=dhcp,ip6=auto",
            "hostpci0": "mapping=gpu,pcie=1",
            "hostpci1": "0000:01:00.0",
            "balloon": 1024,
            "lock": "backup",
            "agent": "enabled=1,type=virtio",
        }
    )
    assert found.disk == 32 * GIB + 516 * MIB
    assert found.datastores == ("local-lvm", "nas")
    assert (found.bridges, found.vlans) == (("services", "vmbr0"), (30,))
    assert found.addresses == ("10.30.0.7", "fd00::7")
    assert found.pci == ("0000:01:00.0", "gpu")
    assert (found.balloon, found.lock, found.agent) == (GIB, "backup", True)


@pytest.mark.parametrize(
    ("config", "cores"),
    [
        pytest.param({"cores": 2}, 2, id="cores"),
        pytest.param({"cpulimit": "1.5"}, 2, id="limit-rounds-up"),
        pytest.param({}, 3, id="unlimited"),
        pytest.param({"hostname": "x"}, 3, id="unlimited-with-config"),
    ],
)
def test_container_cores(config: dict[str, Any], cores: int) -> None:
    assert guest(config, kind="lxc").cores == cores


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"status": "running"}, True, id="running"),
        pytest.param({"status": "paused"}, True, id="paused"),
        pytest.param({"status": "unknown"}, True, id="unknown"),
        pytest.param({"status": "stopped"}, False, id="stopped"),
        pytest.param({"status": "stopped", "on_boot": True}, True, id="stopped-onboot"),
        pytest.param({"status": "stopped", "ha": True}, True, id="stopped-ha"),
        pytest.param({"status": "stopped", "on_boot": True, "template": True}, False, id="template"),
    ],
)
def test_who_holds_cpu_and_memory(changes: dict[str, Any], expected: bool) -> None:
    plain = Guest(vm_id=1, name="x", kind="vm", node="pve1", status="running")
    assert holds(plain.model_copy(update=changes)) is expected


def test_promised_takes_the_larger_of_configured_and_measured() -> None:
    state = example()
    base = {node.name: node.promised for node in snapshot(state).nodes}
    row = next(row for row in state["cluster/resources"] if row.get("vmid") == 101)
    row["memhost"] = 6 * GIB
    state["nodes/pve2/qemu/140/config"]["onboot"] = 1
    now = {node.name: node.promised for node in snapshot(state).nodes}
    assert now["pve1"].memory - base["pve1"].memory == 2 * GIB
    assert (now["pve2"].memory - base["pve2"].memory, now["pve2"].cpu - base["pve2"].cpu) == (16 * GIB, 4_000)
    assert now["pve3"] == base["pve3"]


def test_maintenance_fence_restrictions_and_mappings() -> None:
    state = example()
    state["cluster/ha/status/manager_status"]["manager_status"]["node_status"]["pve2"] = "maintenance"
    state["cluster/ha/status/manager_status"]["manager_status"]["node_status"]["pve3"] = "fence"
    state["cluster/ha/rules"][1]["disable"] = 1
    state["cluster/sdn/zones"][0]["nodes"] = "pve1,pve3"
    state["nodes/pve2/network"] = [row for row in state["nodes/pve2/network"] if row["type"] != "vnet"]
    state["storage"][2]["nodes"] = "pve1,pve2"
    state["cluster/mapping/pci"] = [{"id": "gpu", "map": ["id=10de:2204,node=pve1,path=0000:01:00.0"]}]
    found = snapshot(state)
    assert [node.state for node in found.nodes] == ["ready", "maintenance", "unknown"]
    assert [[bridge.name for bridge in node.bridges] for node in found.nodes] == [
        ["services", "vmbr0"], ["vmbr0"], ["services", "vmbr0"],
    ]  # fmt: skip
    assert next(store for store in found.stores if store.name == "nas").nodes == ("pve1", "pve2")
    assert [node.pci_mappings for node in found.nodes] == [("gpu",), (), ()]
    assert [rule.name for rule in found.proxmox.ha_rules] == ["erp-on-big-nodes"]


def test_running_guests_without_any_address_are_noted() -> None:
    state = example()
    for number in (101, 111):
        state[f"nodes/pve1/qemu/{number}/config"] |= {"agent": "0", "ipconfig0": "ip=dhcp"}
    note = next(one for one in snapshot(state).missing if one.what == "addresses of 2 guests")
    assert "101, 111" in note.reason
    assert "guest agent" in note.remedy


PATHS = (
    "cluster/resources", "cluster/status", "nodes/pve1/status", "nodes/pve1/storage", "pools", "cluster/options",
    "cluster/ha/status/manager_status", "cluster/ha/rules", "cluster/sdn/zones", "cluster/sdn/vnets/services/subnets",
    "nodes/pve1/qemu/101/config", "nodes/pve1/qemu/101/agent/network-get-interfaces", "nodes/pve1/network", "storage",
    "nodes/pve1/storage/nas/content", "cluster/sdn/ipams/pve/status", "nodes/pve3/lxc/150/interfaces",
)  # fmt: skip


def spoilt(value: Any, draw: st.DataObject) -> Any:
    """The value with one part, anywhere in it, replaced by any JSON."""
    if isinstance(value, dict) and value and draw.draw(st.integers(0, 9)):
        key = draw.draw(st.sampled_from(sorted(value)))
        return value | {key: spoilt(value[key], draw)}
    if isinstance(value, list) and value and draw.draw(st.integers(0, 9)):
        place = draw.draw(st.integers(0, len(value) - 1))
        return [*value[:place], spoilt(value[place], draw), *value[place + 1 :]]
    return draw.draw(JSON)


@settings(max_examples=25, deadline=None)
@given(path=st.sampled_from(PATHS), draw=st.data())
def test_no_answer_crashes_the_reading(path: str, draw: st.DataObject) -> None:
    with served(Replies(path, spoilt(example()[path], draw))) as url:
        try:
            found = inventory(url).read()
        except (Refused, Unavailable):
            return
    assert ClusterSnapshot.model_validate_json(found.model_dump_json()) == found


@settings(max_examples=10, deadline=None)
@given(value=JSON)
def test_odd_rights_do_not_crash_the_reading(value: Any) -> None:
    with served(Replies("access/permissions", value)) as url:
        assert len(inventory(url).read().nodes) == 3


class Replies:
    """The emulator of a small cluster, one path of which answers anything that JSON can hold."""

    def __init__(self, path: str, value: Any) -> None:
        state = example()
        kept = {101, 150, None}
        state["cluster/resources"] = [row for row in state["cluster/resources"] if row.get("vmid") in kept]
        self._app = emulator(state).app
        self._path = f"/api2/json/{path}"
        self._value = value

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        body = json.dumps({"data": self._value}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})


@given(JSON)
def test_fields_never_raise_for_content(value: Any) -> None:
    assert fields.text(value).isprintable() or fields.text(value) == ""
    assert len(fields.text(value)) <= 128
    assert fields.number(value) is None or fields.number(value) >= 0
    assert isinstance(fields.properties(value), dict)
    assert isinstance(fields.names(value), tuple)
    assert fields.flag(value) in {True, False}
    fields.address(value)
    fields.mebibytes(value)
    fields.size(value)
    fields.name(value)


@pytest.mark.parametrize("value", [{}, "x", 1, [1], [[]], [{}, None]])
def test_rows_are_rows(value: Any) -> None:
    with pytest.raises(Odd):
        fields.rows(value)


@pytest.mark.parametrize("value", ["..", "a/b", "", "-x", "a b", "x" * 200, "pve1\n", 7, None])
def test_names_that_are_no_path_segment(value: Any) -> None:
    assert fields.name(value) is None
