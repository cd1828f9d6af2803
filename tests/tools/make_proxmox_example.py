"""Writes ``examples/proxmox-api.json``: a believable cluster of three nodes, keyed by API path.

In: the tables below. Out: the state that the Proxmox VE emulator reads. Never: a number that stands twice.

    python tests/tools/make_proxmox_example.py
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "examples" / "proxmox-api.json"
GIB = 1024**3
MIB = 1024**2
BOOTED = 1_750_000
FLAGS = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat lm ssse3 cx16 sse4_1 sse4_2 popcnt aes xsave avx "
    "lahf_lm avx2"
)

# name, threads, sockets, GiB, CPU model, load (fraction), lvm-thin GiB, lvm-thin used GiB
NODES = (
    ("pve1", 32, 1, 128, "AMD EPYC 7313P 16-Core Processor", 0.21, 1800, 410),
    ("pve2", 24, 1, 96, "AMD EPYC 7272 12-Core Processor", 0.18, 1400, 350),
    ("pve3", 16, 1, 64, "Intel(R) Xeon(R) E-2388G CPU @ 3.20GHz", 0.11, 900, 120),
)
PRIVILEGES = (
    "Datastore.Allocate,Datastore.AllocateSpace,Datastore.AllocateTemplate,Datastore.Audit,Group.Allocate,Mapping.Audit,"
    "Mapping.Modify,Mapping.Use,Permissions.Modify,Pool.Allocate,Pool.Audit,Realm.Allocate,Realm.AllocateUser,"
    "SDN.Allocate,SDN.Audit,SDN.Use,Sys.AccessNetwork,Sys.Audit,Sys.Console,Sys.Incoming,Sys.Modify,Sys.PowerMgmt,"
    "Sys.Syslog,User.Modify,VM.Allocate,VM.Audit,VM.Backup,VM.Clone,VM.Config.CDROM,VM.Config.CPU,VM.Config.Cloudinit,"
    "VM.Config.Disk,VM.Config.HWType,VM.Config.Memory,VM.Config.Network,VM.Config.Options,VM.Console,"
    "VM.GuestAgent.Audit,VM.GuestAgent.FileRead,VM.GuestAgent.FileSystemMgmt,VM.GuestAgent.FileWrite,"
    "VM.GuestAgent.Unrestricted,VM.Migrate,VM.PowerMgmt,VM.Replicate,VM.Snapshot,VM.Snapshot.Rollback"
)
AUDITOR = "Datastore.Audit,Mapping.Audit,Pool.Audit,SDN.Audit,Sys.Audit,VM.Audit,VM.GuestAgent.Audit"


@dataclass(frozen=True)
class Machine:
    """A guest. ``address`` is its last octet on its network; memory in MiB, disk in GiB."""

    number: int
    name: str
    node: str
    cores: int
    memory: int
    disk: int
    store: str = "local-lvm"
    kind: str = "qemu"
    running: bool = True
    onboot: bool = True
    template: bool = False
    ha: bool = False
    pool: str | None = None
    tags: str = ""
    bridge: str = "vmbr0"
    vlan: int | None = 20
    address: int | None = None
    balloon: int | None = None


GUESTS = (
    Machine(101, "k8s-cp-1", "pve1", 2, 4096, 40, tags="k8s;control-plane", pool="kubernetes", address=11),
    Machine(102, "k8s-cp-2", "pve2", 2, 4096, 40, tags="k8s;control-plane", pool="kubernetes", address=12),
    Machine(103, "k8s-cp-3", "pve3", 2, 4096, 40, tags="k8s;control-plane", pool="kubernetes", address=13),
    Machine(111, "k8s-worker-1", "pve1", 8, 16384, 120, tags="k8s;worker", pool="kubernetes", address=21),
    Machine(112, "k8s-worker-2", "pve2", 8, 16384, 120, tags="k8s;worker", pool="kubernetes", address=22),
    Machine(113, "k8s-worker-3", "pve3", 4, 8192, 120, tags="k8s;worker", pool="kubernetes", address=23),
    Machine(120, "gitlab", "pve1", 4, 8192, 200, store="nas", ha=True, tags="tools", pool="office", address=30),
    Machine(121, "erp-db", "pve2", 4, 16384, 300, store="nas", ha=True, tags="erp;db", pool="office", address=31),
    Machine(130, "monitoring", "pve1", 4, 8192, 100, balloon=4096, tags="tools", address=32),
    Machine(140, "legacy-win", "pve2", 4, 16384, 150, running=False, onboot=False, tags="windows", pool="office"),
    Machine(141, "nightly-batch", "pve3", 2, 4096, 60, running=False, tags="batch", pool="office"),
    Machine(150, "dns", "pve3", 1, 512, 8, kind="lxc", tags="network", bridge="services", vlan=None, address=10),
    Machine(9000, "debian-12-cloud", "pve1", 2, 2048, 10, store="nas", running=False, onboot=False, template=True,
            tags="template", vlan=None),
)  # fmt: skip


def state() -> dict[str, Any]:
    """The whole state."""
    found: dict[str, Any] = {
        "_description": "Three nodes of Proxmox VE 9.2.3, by tests/tools/make_proxmox_example.py. Keys: API paths.",
        "version": {"release": "9.2", "repoid": "6a1b2c3d4e5f", "version": "9.2.3", "console": "xtermjs"},
        "cluster/status": _status(),
        "cluster/resources": _resources(),
        "cluster/options": {
            "crs": {"ha": "static", "ha-rebalance-on-start": 1},
            "keyboard": "en-us",
            "mac_prefix": "BC:24:11",
            "migration": {"type": "secure", "network": "10.10.0.0/24"},
            "next-id": {"lower": "100", "upper": "100000"},
            "tag-style": {"ordering": "alphabetical"},
        },
        "storage": _storage_config(),
        "pools": [
            {"poolid": "kubernetes", "comment": "cluster home"},
            {"poolid": "office", "comment": "office applications"},
        ],
    }
    return found | _sdn() | _ha() | _access() | _of_nodes() | _of_guests()


def _status() -> list[dict[str, Any]]:
    head = {"type": "cluster", "id": "cluster", "name": "home", "nodes": 3, "quorate": 1, "version": 7}
    rows = [
        {"type": "node", "id": f"node/{row[0]}", "name": row[0], "nodeid": place, "ip": f"10.10.0.{place}", "level": "",
         "local": int(place == 1), "online": 1}
        for place, row in enumerate(NODES, start=1)
    ]  # fmt: skip
    return [head, *rows]


def _used_memory(node: str, total: int) -> int:
    running = sum(guest.memory for guest in GUESTS if guest.node == node and guest.running)
    return running * MIB * 3 // 4 + total * GIB // 20


def _resources() -> list[dict[str, Any]]:
    nodes = [
        {"type": "node", "id": f"node/{name}", "node": name, "status": "online", "cpu": load, "maxcpu": threads,
         "mem": _used_memory(name, memory), "maxmem": memory * GIB, "disk": 9 * GIB, "maxdisk": 94 * GIB,
         "uptime": BOOTED, "level": "", "cgroup-mode": 2, "host-arch": "x86_64"}
        for name, threads, _, memory, _, load, _, _ in NODES
    ]  # fmt: skip
    stores = [
        {"type": "storage", "id": f"storage/{node[0]}/{row['storage']}", "node": node[0], "storage": row["storage"],
         "plugintype": row["type"], "content": row["content"], "status": "available", "shared": row["shared"],
         "disk": row["used"], "maxdisk": row["total"]}
        for node in NODES for row in _stores_of(node)
    ]  # fmt: skip
    pools = [{"type": "pool", "id": f"/pool/{name}", "pool": name} for name in ("kubernetes", "office")]
    sdn = [
        {"type": "sdn", "id": f"sdn/{node[0]}/{zone}", "node": node[0], "sdn": zone, "status": "ok"}
        for node in NODES for zone in ("localnetwork", "lan")
    ]  # fmt: skip
    return [*nodes, *(_guest_row(guest) for guest in GUESTS), *stores, *pools, *sdn]


def _guest_row(guest: Machine) -> dict[str, Any]:
    measured = guest.memory * MIB * 3 // 4 if guest.running else 0
    row = {
        "type": guest.kind, "id": f"{guest.kind}/{guest.number}", "vmid": guest.number, "name": guest.name,
        "node": guest.node, "status": "running" if guest.running else "stopped", "template": int(guest.template),
        "cpu": 0.08 if guest.running else 0, "maxcpu": guest.cores, "mem": measured, "maxmem": guest.memory * MIB,
        "memhost": measured + 180 * MIB if guest.running else 0, "disk": 0, "maxdisk": guest.disk * GIB,
        "uptime": BOOTED if guest.running else 0, "tags": guest.tags,
    }  # fmt: skip
    row |= {"pool": guest.pool} if guest.pool else {}
    return row | ({"hastate": "started"} if guest.ha else {})


def _stores_of(node: tuple[Any, ...]) -> list[dict[str, Any]]:
    def store(name: str, kind: str, content: str, *, total: int, used: int, shared: int) -> dict[str, Any]:
        return {
            "storage": name, "type": kind, "content": content, "shared": shared, "active": 1, "enabled": 1,
            "total": total * GIB, "used": used * GIB, "avail": (total - used) * GIB,
            "used_fraction": round(used / total, 4),
        }  # fmt: skip

    return [
        store("local", "dir", "iso,vztmpl,snippets,backup", total=94, used=9, shared=0),
        store("local-lvm", "lvmthin", "rootdir,images", total=node[6], used=node[7], shared=0),
        store("nas", "nfs", "images,iso,vztmpl,import,backup", total=8192, used=2900, shared=1),
    ]


def _storage_config() -> list[dict[str, Any]]:
    return [
        {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,vztmpl,snippets,backup",
         "digest": "0f"},
        {"storage": "local-lvm", "type": "lvmthin", "vgname": "pve", "thinpool": "data", "content": "rootdir,images",
         "digest": "0f"},
        {"storage": "nas", "type": "nfs", "server": "10.10.0.250", "export": "/tank/pve", "path": "/mnt/pve/nas",
         "content": "images,iso,vztmpl,import,backup", "shared": 1, "nodes": "pve1,pve2,pve3", "digest": "0f"},
    ]  # fmt: skip


def _sdn() -> dict[str, Any]:
    lease = {"zone": "lan", "vnet": "services", "subnet": "10.40.0.0/24"}
    return {
        "cluster/sdn/zones": [{"zone": "lan", "type": "simple", "ipam": "pve", "dhcp": "dnsmasq", "digest": "0f"}],
        "cluster/sdn/vnets": [{"vnet": "services", "zone": "lan", "type": "vnet", "alias": "shared services"}],
        "cluster/sdn/vnets/services/subnets": [
            {"subnet": "lan-10.40.0.0-24", "id": "lan-10.40.0.0-24", "type": "subnet", "vnet": "services",
             "zone": "lan", "cidr": "10.40.0.0/24", "network": "10.40.0.0", "mask": "24", "gateway": "10.40.0.1",
             "snat": 1, "dhcp-range": [{"start-address": "10.40.0.100", "end-address": "10.40.0.199"}]}
        ],
        "cluster/sdn/ipams/pve/status": [
            lease | {"ip": "10.40.0.1", "gateway": 1},
            lease | {"ip": "10.40.0.10", "mac": "BC:24:11:00:00:96", "vmid": 150, "hostname": "dns"},
            lease | {"ip": "10.40.0.101", "mac": "BC:24:11:0A:0B:0C", "hostname": "printer"},
        ],
    }  # fmt: skip


def _ha() -> dict[str, Any]:
    states = {"120": "pve1", "121": "pve2"}
    services = {f"vm:{number}": {"node": node, "state": "started", "uid": "a1"} for number, node in states.items()}
    return {
        "cluster/ha/resources": [
            {"sid": "vm:120", "type": "vm", "state": "started", "failback": 1, "digest": "0f"},
            {"sid": "vm:121", "type": "vm", "state": "started", "failback": 1, "digest": "0f"},
        ],
        "cluster/ha/rules": [
            {"rule": "erp-on-big-nodes", "type": "node-affinity", "resources": "vm:121", "nodes": "pve1:1,pve2:2",
             "strict": 1, "order": 1, "digest": "0f"},
            {"rule": "git-and-erp-apart", "type": "resource-affinity", "resources": "vm:120,vm:121",
             "affinity": "negative", "order": 2, "digest": "0f"},
        ],
        "cluster/ha/status/current": [
            {"id": "quorum", "node": "pve1", "quorate": 1, "status": "OK", "type": "quorum"},
            {"id": "master", "node": "pve1", "status": "pve1 (active, Fri Nov 20 10:00:00 2026)", "type": "master"},
            *({"id": f"lrm:{row[0]}", "node": row[0], "status": f"{row[0]} (active)", "type": "lrm"} for row in NODES),
        ],
        "cluster/ha/status/manager_status": {
            "manager_status": {"master_node": "pve1", "node_status": {row[0]: "online" for row in NODES},
                               "service_status": services, "timestamp": 1_795_000_000},
            "lrm_status": {row[0]: {"mode": "active", "state": "active", "results": {}} for row in NODES},
            "quorum": {"node": "pve1", "quorate": 1},
        },
        "cluster/mapping/pci": [],
    }  # fmt: skip


def _access() -> dict[str, Any]:
    return {
        "access/users": [
            {"userid": "root@pam", "enable": 1, "tokens": []},
            {"userid": "ai-provision@pve", "enable": 1, "tokens": [{"tokenid": "survey", "privsep": 1}]},
        ],
        "access/groups": [],
        "access/roles": [
            {"roleid": "Administrator", "special": 1, "privs": PRIVILEGES},
            {"roleid": "NoAccess", "special": 1, "privs": ""},
            {"roleid": "PVEAuditor", "special": 1, "privs": AUDITOR},
        ],
        "access/acl": [
            {"path": "/", "roleid": "PVEAuditor", "type": "user", "ugid": "ai-provision@pve", "propagate": 1},
            {"path": "/", "roleid": "PVEAuditor", "type": "token", "ugid": "ai-provision@pve!survey", "propagate": 1},
        ],
    }


def _of_nodes() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, node in enumerate(NODES, start=1):
        name, threads, sockets, memory, model, load, _, _ = node
        used = _used_memory(name, memory)
        found[f"nodes/{name}/status"] = {
            "cpu": load,
            "cpuinfo": {"cores": threads // 2, "cpus": threads, "sockets": sockets, "model": model, "flags": FLAGS,
                        "hvm": "1", "mhz": "3000.000", "user_hz": 100},
            "current-kernel": {"machine": "x86_64", "release": "6.17.4-2-pve", "sysname": "Linux", "version": "#1 SMP"},
            "ksm": {"shared": 0},
            "loadavg": ["3.10", "2.95", "2.80"],
            "memory": {"total": memory * GIB, "used": used, "free": memory * GIB - used - 4 * GIB,
                       "available": memory * GIB - used},
            "pveversion": "pve-manager/9.2.3/6a1b2c3d4e5f",
            "rootfs": {"total": 94 * GIB, "used": 9 * GIB, "free": 85 * GIB, "avail": 85 * GIB},
            "swap": {"total": 8 * GIB, "used": 0, "free": 8 * GIB},
            "uptime": BOOTED,
        }  # fmt: skip
        found[f"nodes/{name}/storage"] = _stores_of(node)
        found[f"nodes/{name}/network"] = [
            {"iface": "eno1", "type": "eth", "active": 1, "autostart": 0, "method": "manual", "method6": "manual",
             "priority": 3},
            {"iface": "vmbr0", "type": "bridge", "active": 1, "autostart": 1, "bridge_ports": "eno1", "bridge_fd": "0",
             "bridge_stp": "off", "bridge_vlan_aware": 1, "bridge_vids": "2-4094", "address": f"10.10.0.{place}",
             "netmask": "24", "cidr": f"10.10.0.{place}/24", "gateway": "10.10.0.254", "method": "static",
             "method6": "manual", "families": ["inet"], "priority": 4},
            {"iface": "services", "type": "vnet", "active": 1, "zone": "lan", "alias": "shared services"},
        ]  # fmt: skip
        found[f"nodes/{name}/storage/local/content"] = _files("local", ("iso/debian-12.11.0-amd64-netinst.iso",))
        found[f"nodes/{name}/storage/local-lvm/content"] = _disks(name, "local-lvm")
    templates = ("vztmpl/debian-12-standard_12.12-1_amd64.tar.zst", "import/noble-server-cloudimg-amd64.qcow2")
    shared = [_disks(name, "nas") for name in ("pve1", "pve2", "pve3")]
    found["nodes/pve1/storage/nas/content"] = [*_files("nas", templates), *(row for rows in shared for row in rows)]
    return found


def _files(store: str, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"volid": f"{store}:{name}", "content": name.split("/")[0], "format": name.rsplit(".", 1)[-1],
         "size": 663 * MIB, "ctime": 1_790_000_000}
        for name in names
    ]  # fmt: skip


def _volume(guest: Machine) -> str:
    if guest.store == "local-lvm":
        return f"local-lvm:vm-{guest.number}-disk-0"
    kind = "base" if guest.template else "vm"
    return f"{guest.store}:{guest.number}/{kind}-{guest.number}-disk-0.{'raw' if guest.kind == 'lxc' else 'qcow2'}"


def _disks(node: str, store: str) -> list[dict[str, Any]]:
    return [
        {"volid": _volume(guest), "content": "rootdir" if guest.kind == "lxc" else "images",
         "format": "raw" if store == "local-lvm" else "qcow2", "size": guest.disk * GIB, "vmid": guest.number,
         "ctime": 1_790_000_000}
        for guest in GUESTS
        if guest.node == node and guest.store == store
    ]  # fmt: skip


def _of_guests() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for guest in GUESTS:
        base = f"nodes/{guest.node}/{guest.kind}/{guest.number}"
        found[f"{base}/config"] = _container(guest) if guest.kind == "lxc" else _machine(guest)
        if guest.kind == "lxc":
            found[f"{base}/interfaces"] = _container_interfaces(guest)
        elif guest.running:
            found[f"{base}/agent/network-get-interfaces"] = _agent(guest)
    return found


def _mac(guest: Machine) -> str:
    return f"BC:24:11:00:{guest.number // 256 % 256:02X}:{guest.number % 256:02X}"


def _tag(guest: Machine) -> str:
    return f",tag={guest.vlan}" if guest.vlan else ""


def _machine(guest: Machine) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "name": guest.name, "cores": guest.cores, "sockets": 1, "cpu": "x86-64-v2-AES", "memory": str(guest.memory),
        "ostype": "win11" if "windows" in guest.tags else "l26", "agent": "0" if "windows" in guest.tags else "1",
        "boot": "order=scsi0", "scsihw": "virtio-scsi-single", "onboot": int(guest.onboot),
        "scsi0": f"{_volume(guest)},discard=on,iothread=1,size={guest.disk}G,ssd=1",
        "net0": f"virtio={_mac(guest)},bridge={guest.bridge}{_tag(guest)}",
        "tags": guest.tags, "digest": "0f", "vmgenid": "00000000-0000-4000-8000-000000000000",
    }  # fmt: skip
    settings |= {"balloon": guest.balloon} if guest.balloon else {}
    settings |= {"template": 1} if guest.template else {}
    if guest.template:
        settings |= {
            "ide2": f"{guest.store}:{guest.number}/vm-{guest.number}-cloudinit.qcow2,media=cdrom",
            "serial0": "socket",
        }
    if guest.address:
        settings |= {"ipconfig0": f"ip=10.20.0.{guest.address}/24,gw=10.20.0.1"}
    return settings


def _container(guest: Machine) -> dict[str, Any]:
    return {
        "hostname": guest.name, "arch": "amd64", "ostype": "debian", "cores": guest.cores, "memory": guest.memory,
        "swap": 512, "rootfs": f"{_volume(guest)},size={guest.disk}G", "onboot": int(guest.onboot), "unprivileged": 1,
        "net0": f"name=eth0,bridge={guest.bridge},hwaddr={_mac(guest)},ip=10.40.0.{guest.address}/24,type=veth",
        "tags": guest.tags, "digest": "0f", "features": "nesting=1",
    }  # fmt: skip


def _container_interfaces(guest: Machine) -> list[dict[str, Any]]:
    return [
        {"name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8", "inet6": "::1/128"},
        {"name": "eth0", "hwaddr": _mac(guest).lower(), "inet": f"10.40.0.{guest.address}/24",
         "inet6": "fe80::be24:11ff:fe00:96/64"},
    ]  # fmt: skip


def _agent(guest: Machine) -> dict[str, Any]:
    def address(kind: str, text: str, prefix: int) -> dict[str, Any]:
        return {"ip-address-type": kind, "ip-address": text, "prefix": prefix}

    own = address("ipv4", f"10.20.0.{guest.address}", 24)
    return {
        "result": [
            {"name": "lo", "hardware-address": "00:00:00:00:00:00",
             "ip-addresses": [address("ipv4", "127.0.0.1", 8), address("ipv6", "::1", 128)]},
            {"name": "eth0", "hardware-address": _mac(guest).lower(),
             "ip-addresses": [own, address("ipv6", "fe80::be24:11ff:fe00:1", 64)]},
        ]
    }  # fmt: skip


def to_text() -> str:
    """The bytes of the example: two levels of indentation, then one line per row."""
    lines = [f"  {json.dumps(key)}: {_block(value)}" for key, value in state().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _block(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n    " + ",\n    ".join(json.dumps(row) for row in value) + "\n  ]"
    return json.dumps(value)


if __name__ == "__main__":
    TARGET.write_text(to_text(), encoding="utf-8")
