"""The apply role is exactly enough: everything works under it, and without any one privilege something does not.

Also: the survey token changes nothing, and each opt-in (high availability, backup, own pool, replication) needs its own.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.emulators.proxmox import ProxmoxEmulator
from bot.emulators.proxmox.presets import Grant, apply_grants, backup_grants, ha_grants, privileges
from bot.emulators.proxmox.schema import Schema
from tests.emulators.proxmox_client import Client, Refused, calling, emulator
from tests.realparts.provider_scenarios import zfs
from tests.realparts.provider_scene import facts

IMAGE = "https://cloud.example/images/noble.qcow2"
LXC_TEMPLATE = "nas:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"


def role(major: int = 9) -> tuple[Grant, ...]:
    """Disks on local-lvm, images on nas, one pool, one template: no store has two jobs."""
    return apply_grants(
        pool="shop", templates=(9001,), stores=("local-lvm",), images=("nas",), nodes=("pve1",), major=major
    )


def apply(ask: Client) -> None:
    """What the provider calls for a clone on another node, an import, a container, and their end."""
    _clone(ask)
    _import(ask)
    _container(ask)


def _clone(ask: Client) -> None:
    ask("GET", "/nodes/pve1/qemu/9001/config")
    ask("GET", "/nodes/pve1/storage/local-lvm/status")
    ask("POST", "/nodes/pve1/qemu/9001/clone", newid=500, name="web", full=1, pool="shop", storage="local-lvm")
    ask("GET", "/nodes/pve1/qemu/500/status/current")
    ask("POST", "/nodes/pve1/qemu/500/migrate", target="pve2", with_local_disks=1)
    guest = "/nodes/pve2/qemu/500"
    ask("PUT", f"{guest}/config", delete="ide2")
    ask(
        "PUT", f"{guest}/config", agent="enabled=1", cores=2, memory="2048", scsihw="virtio-scsi-single", ciuser="ops",
        ide2="file=local-lvm:cloudinit,media=cdrom", ipconfig0="ip=10.20.0.9/24,gw=10.20.0.1", boot="order=scsi0",
        net0="model=virtio,bridge=vmbr0,tag=20", tags="web", serial0="socket",
    )  # fmt: skip
    ask("PUT", f"{guest}/resize", disk="scsi0", size="20G")
    ask("POST", f"{guest}/status/start")
    ask("GET", f"{guest}/agent/network-get-interfaces")
    assert [row["vmid"] for row in ask("GET", "/cluster/resources", type="vm") if row.get("pool") == "shop"] == [500]
    assert ask("GET", "/pools", poolid="shop")[0]["members"]
    ask("PUT", f"{guest}/firewall/options", enable=1)
    ask("POST", f"{guest}/firewall/rules", type="in", action="ACCEPT", enable=1)
    ask("POST", f"{guest}/status/stop")
    ask("DELETE", guest, purge=1, destroy_unreferenced_disks=1)


def _import(ask: Client) -> None:
    ask("GET", "/nodes/pve1/query-url-metadata", url=IMAGE, verify_certificates=1)
    ask("POST", "/nodes/pve1/storage/nas/download-url", content="import", filename="n.qcow2", url=IMAGE)
    ask("GET", "/nodes/pve1/storage/nas/content/nas:import/n.qcow2")
    ask(
        "POST", "/nodes/pve1/qemu", vmid=501, pool="shop", cores=1, memory="512", net0="virtio,bridge=vmbr0",
        scsi0="file=local-lvm:0,import-from=nas:import/n.qcow2", ide2="file=local-lvm:cloudinit",
    )  # fmt: skip
    ask("DELETE", "/nodes/pve1/qemu/501", purge=1)


def _container(ask: Client) -> None:
    ask(
        "POST", "/nodes/pve1/lxc", vmid=502, pool="shop", unprivileged=1, features="nesting=1", hostname="dns",
        rootfs="local-lvm:8", memory=512, cores=1, net0="name=eth0,bridge=vmbr0,ip=dhcp", ostemplate=LXC_TEMPLATE,
        onboot=1,
    )  # fmt: skip
    ask("POST", "/nodes/pve1/lxc/502/status/start")
    assert len(ask("GET", "/nodes/pve1/lxc/502/interfaces")) == 2
    ask("POST", "/nodes/pve1/lxc/502/status/stop")
    ask("DELETE", "/nodes/pve1/lxc/502", purge=1)


def less(grants: tuple[Grant, ...], path: str, privilege: str) -> tuple[Grant, ...]:
    """The same without one privilege on one path."""
    return tuple(
        Grant(one.path, tuple(name for name in one.privileges if (one.path, name) != (path, privilege)))
        for one in grants
    )


PAIRS = [(one.path, name) for one in role() for name in one.privileges]


@pytest.mark.parametrize("version", ["9.2.3", "8.4.5"])
def test_the_apply_role_is_enough(version: str) -> None:
    pve = emulator(role(int(version[0])), version=version)
    with calling(pve) as ask:
        apply(ask)
    assert {row["vmid"] for row in pve.state["cluster/resources"] if "vmid" in row}.isdisjoint({500, 501, 502})


@pytest.mark.parametrize(("path", "privilege"), PAIRS)
def test_no_privilege_of_the_apply_role_is_too_much(path: str, privilege: str) -> None:
    with calling(emulator(less(role(), path, privilege))) as ask, pytest.raises((Refused, AssertionError)) as stopped:
        apply(ask)
    if isinstance(stopped.value, Refused):
        assert stopped.value.status == 403
        assert privilege in stopped.value.text


def test_the_apply_role_has_twenty_privileges() -> None:
    assert len(privileges(role())) == 20
    assert {"Sys.Modify", "Sys.Console", "Permissions.Modify", "Realm.Allocate"}.isdisjoint(privileges(role()))


def test_before_nine_the_agent_needs_monitor() -> None:
    grants = less(role(8), "/pool/shop", "VM.Monitor")
    with calling(emulator(grants, version="8.4.5")) as ask, pytest.raises(Refused, match=r"VM\.Monitor"):
        apply(ask)


def test_the_survey_token_changes_nothing() -> None:
    pve = emulator(role())
    before = facts(pve)
    writes = [call for call in sorted(Schema.of(9).methods) if call[0] != "GET" and call[1] not in ASKS_ONLY]
    with calling(pve, survey=True) as ask:
        answers = {f"{verb} {template}": attempt(ask, verb, template) for verb, template in writes}
    assert len(answers) > 60
    assert {call for call, status in answers.items() if status != 403} == {"DELETE /nodes/{node}/tasks/{upid}"}
    assert facts(pve) == before


def attempt(ask: Client, verb: str, template: str) -> int:
    """The status of a write with what it must be given."""
    path = template
    for name, value in VALUES.items():
        path = path.replace(f"{{{name}}}", value)
    try:
        ask(verb, path, **MUST.get((verb, template), {}))
    except Refused as refusal:
        return refusal.status
    return 200


ASKS_ONLY = {"/access/ticket", "/nodes/{node}/qemu/{vmid}/agent/ping"}
VALUES = {
    "node": "pve1", "vmid": "101", "storage": "nas", "volume": "nas:import/noble-server-cloudimg-amd64.qcow2", "pos": "0",
    "poolid": "office", "sid": "vm:120", "rule": "git-and-erp-apart", "group": "big", "id": "101-0", "upid": "UPID:pve1:0:0:0:x:1:root@pam:",
}  # fmt: skip
MUST = {
    ("POST", "/nodes/{node}/qemu"): {"vmid": 600},
    ("POST", "/nodes/{node}/lxc"): {"vmid": 600, "ostemplate": LXC_TEMPLATE},
    ("POST", "/cluster/replication"): {"id": "101-0", "target": "pve2", "type": "local"},
}


def ha(ask: Client) -> None:
    ask("POST", "/nodes/pve1/qemu", vmid=510, pool="shop")
    ask("POST", "/cluster/ha/resources", sid="vm:510", state="ignored")
    ask("GET", "/cluster/ha/resources/vm:510")
    ask("POST", "/cluster/ha/rules", rule="alone", type="node-affinity", resources="vm:510", nodes="pve1")


def backup(ask: Client) -> None:
    ask("POST", "/cluster/backup", id="nightly", schedule="02:00", storage="nas", all=1)
    ask("GET", "/cluster/backup/nightly")


def own_pool(ask: Client) -> None:
    ask("POST", "/pools", poolid="made")
    ask("GET", "/pools", poolid="made")


def replication(ask: Client) -> None:
    ask("POST", "/nodes/pve1/qemu", vmid=510, pool="shop", scsi0="tank:1")
    ask("POST", "/cluster/replication", id="510-0", target="pve2", type="local")


def image_removed(ask: Client) -> None:
    ask("DELETE", "/nodes/pve1/storage/nas/content/nas:import/noble-server-cloudimg-amd64.qcow2")


def boot_order(ask: Client) -> None:
    ask("POST", "/nodes/pve1/qemu", vmid=510, pool="shop", startup="order=1")


OPTIONAL: list[tuple[Callable[[Client], None], tuple[Grant, ...], str]] = [
    (ha, ha_grants(), "Sys.Console"),
    (backup, backup_grants("nas"), "Sys.Modify"),
    (own_pool, (Grant("/pool/made", ("Pool.Allocate", "Pool.Audit")),), "Pool.Allocate"),
    (
        replication,
        (Grant("/pool/shop", ("VM.Replicate",)), Grant("/storage/tank", ("Datastore.AllocateSpace",))),
        "VM.Replicate",
    ),
    (image_removed, (Grant("/storage/nas", ("Datastore.Allocate",)),), "Datastore.Allocate"),
    (boot_order, (Grant("/", ("Sys.Modify",)),), "Sys.Modify"),
]


@pytest.mark.parametrize(("work", "more", "privilege"), OPTIONAL, ids=lambda one: getattr(one, "__name__", None))
def test_each_opt_in_needs_its_own_privilege(
    work: Callable[[Client], None], more: tuple[Grant, ...], privilege: str
) -> None:
    with calling(emulator((*role(), *more), state=zfs())) as ask:
        work(ask)
    for one in (one for one in more if privilege in one.privileges):
        fewer = (*role(), *less(more, one.path, privilege))
        with calling(emulator(fewer, state=zfs())) as ask, pytest.raises(Refused) as stopped:
            work(ask)
        assert (stopped.value.status, privilege in stopped.value.text) == (403, True)


@pytest.mark.parametrize(
    ("path", "given", "words"),
    [
        pytest.param("/nodes/pve1/qemu", {"vmid": 510, "pool": "shop", "args": "-x"}, "only root can set 'args'", id="args"),
        pytest.param("/nodes/pve1/qemu", {"vmid": 510, "pool": "shop", "hostpci0": "0000:81:00.0"}, "non-mapped", id="pci"),
        pytest.param("/nodes/pve1/qemu", {"vmid": 510, "pool": "shop", "serial0": "/dev/ttyS0"}, "real devices", id="tty"),
        pytest.param("/nodes/pve1/qemu", {"vmid": 510, "pool": "shop", "scsi0": "nas:8"}, "/storage/nas, Datastore.AllocateSpace", id="store"),
        pytest.param("/nodes/pve1/qemu", {"vmid": 510}, "/vms/510, VM.Allocate", id="no-pool"),
        pytest.param("/nodes/pve1/qemu", {"vmid": 510, "pool": "shop", "ide2": "cdrom,media=cdrom"}, "(/, Sys.Console)", id="cdrom"),
        pytest.param("/nodes/pve1/lxc", {"vmid": 510, "pool": "shop", "ostemplate": LXC_TEMPLATE}, "(/, Sys.Modify)", id="privileged"),
        pytest.param(
            "/nodes/pve1/lxc", {"vmid": 510, "pool": "shop", "ostemplate": LXC_TEMPLATE, "unprivileged": 1,
            "rootfs": "local-lvm:4", "features": "keyctl=1"}, "except nesting", id="keyctl",
        ),
    ],
)  # fmt: skip
def test_what_the_apply_role_may_not(path: str, given: dict[str, object], words: str) -> None:
    with calling(emulator(role())) as ask, pytest.raises(Refused) as stopped:
        ask("POST", path, **given)
    assert words in stopped.value.text


def test_a_bridge_of_another_zone_needs_its_own_right() -> None:
    pve: ProxmoxEmulator = emulator(role())
    with calling(pve) as ask, pytest.raises(Refused, match=r"/sdn/zones/lan/services, SDN\.Use"):
        ask("POST", "/nodes/pve1/qemu", vmid=510, pool="shop", net0="virtio,bridge=services")
