"""An empty list is not "nothing there": the rights are checked first and each lacking one is named."""

from __future__ import annotations

from typing import Any

import pytest

from bot.edges.proxmox import ProxmoxInventory
from bot.edges.proxmox.rights import AGENT_OF_9, NEEDS, Need, as_facts, holds, lacking, parse
from bot.errors import Code, Refused
from bot.model.cluster import ClusterSnapshot
from bot.model.quantity import GIB
from tests.edges.proxmox_kit import SECRET, TOKEN_ID, HastyClock, emulator, example, inventory, nobody, served

ALL = ("Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit", "VM.GuestAgent.Audit")


def with_rights(*entries: tuple[str, tuple[str, ...]]) -> dict[str, Any]:
    state = example()
    state["access/users"][1]["tokens"][0]["privsep"] = 0
    state["access/roles"] += [{"roleid": f"R{place}", "privs": ",".join(one)} for place, (_, one) in enumerate(entries)]
    state["access/acl"] = [
        {"path": path, "roleid": f"R{place}", "type": "user", "ugid": "ai-provision@pve", "propagate": 1}
        for place, (path, _) in enumerate(entries)
    ]
    return state


def read(state: dict[str, Any]) -> ClusterSnapshot:
    with served(emulator(state).app) as url:
        return inventory(url).read()


@pytest.mark.parametrize(
    ("right", "what"),
    [
        pytest.param("Datastore.Audit", "datastores", id="datastores"),
        pytest.param("VM.Audit", "guests", id="guests"),
        pytest.param("VM.GuestAgent.Audit", "addresses by guest agent", id="agent"),
        pytest.param("SDN.Audit", "SDN networks", id="sdn"),
        pytest.param("Pool.Audit", "pools", id="pools"),
        pytest.param("Mapping.Audit", "PCI mappings", id="pci"),
    ],
)
def test_a_lacking_right_is_named(right: str, what: str) -> None:
    snapshot = read(with_rights(("/", tuple(one for one in ALL if one != right))))
    note = next(one for one in snapshot.missing if one.what == what)
    assert note.code == Code.PROXMOX_AUTH
    assert right in note.reason
    assert "PVEAuditor" in note.remedy
    assert {one.state for one in snapshot.nodes} == {"ready"}


def test_unseen_guests_are_not_a_promise_of_zero() -> None:
    snapshot = read(with_rights(("/", tuple(one for one in ALL if not one.startswith("VM.")))))
    assert snapshot.proxmox is not None
    assert snapshot.proxmox.guests == ()
    assert all(one.promised.memory >= 10 * GIB and one.promised == one.used for one in snapshot.nodes)


def test_without_any_right_the_refusal_names_the_right() -> None:
    with pytest.raises(Refused) as caught:
        read(with_rights())
    assert caught.value.refusal.code == Code.PROXMOX_AUTH
    assert "`Sys.Audit` on `/nodes/pve1`" in caught.value.refusal.message


def test_rights_on_one_node_leave_the_others_unknown() -> None:
    snapshot = read(with_rights(("/nodes/pve1", ("Sys.Audit",)), ("/vms", ("VM.Audit",)), ("/storage/nas", ALL)))
    assert [one.state for one in snapshot.nodes] == ["ready", "unknown", "unknown"]
    notes = {one.what: one.reason for one in snapshot.missing}
    assert "`Sys.Audit` on `/nodes/pve2`" in notes["state of node pve2"]
    assert "held only on `/storage/nas`" in notes["datastores"]
    assert {store.name for store in snapshot.stores} == {"nas"}


@pytest.mark.parametrize(
    ("token", "words"),
    [
        pytest.param(f"{TOKEN_ID}=wrong-secret", "secret is wrong", id="secret"),
        pytest.param(f"ai-provision@pve!none={SECRET}", "does not exist", id="token"),
        pytest.param(f"ghost@pve!none={SECRET}", "user does not exist", id="user"),
    ],
)
def test_a_rejected_token_says_why(token: str, words: str) -> None:
    with served(emulator().app) as url:
        checkup = inventory(url, token=token).check()
        with pytest.raises(Refused) as caught:
            inventory(url, token=token).read()
    assert caught.value.refusal.code == Code.PROXMOX_AUTH
    assert words in caught.value.refusal.message
    assert (checkup.version, checkup.missing[0].code) == (None, "proxmox-auth")
    assert words in checkup.missing[0].reason


def test_check_names_rights_and_outages() -> None:
    with served(emulator(with_rights(("/", ("Sys.Audit",)))).app) as url:
        checkup = inventory(url).check()
    assert checkup.version == "9.2.3"
    assert {one.what for one in checkup.missing} >= {"guests", "datastores", "pools", "SDN networks"}
    after = ProxmoxInventory(endpoint=nobody(), token=f"{TOKEN_ID}={SECRET}", clock=HastyClock()).check()
    assert (after.version, "no connection" in after.missing[0].reason) == (None, True)


@pytest.mark.parametrize(
    ("table", "path", "expected"),
    [
        pytest.param({"/": {"VM.Audit": 1}}, "/vms", True, id="inherited"),
        pytest.param({"/": {"VM.Audit": 0}}, "/vms", False, id="not-propagated"),
        pytest.param({"/vms": {"VM.Audit": 0}}, "/vms", True, id="on-the-path-itself"),
        pytest.param({"/": {"VM.Audit": 1}, "/vms": {"VM.Console": 1}}, "/vms", False, id="nearest-decides"),
        pytest.param({"/vms/100": {"VM.Audit": 1}}, "/vms", False, id="only-below"),
        pytest.param({}, "/vms", False, id="nothing"),
        pytest.param({"/": "x", "vms": {"VM.Audit": 1}}, "/vms", False, id="odd-shapes"),
    ],
)
def test_effective_rights(table: dict[str, Any], path: str, expected: bool) -> None:
    assert holds(parse(table), Need("guests", path, ("VM.Audit",))) is expected


def test_auditor_on_root_is_exactly_enough() -> None:
    held = parse({"/": dict.fromkeys(ALL, 1)})
    assert lacking(held, version="9.2.3") == ()
    assert [one.what for one in lacking(held, version="8.4.5")] == ["addresses by guest agent"]
    assert len(lacking({}, version="9.2.3")) == len((*NEEDS, AGENT_OF_9))


def test_rights_in_the_snapshot_do_not_repeat_what_is_inherited() -> None:
    held = parse({"/": {"A": 1}, "/vms": {"A": 1}, "/vms/1": {"A": 1, "B": 0}, "/vms/1/x": {"A": 1}})
    assert as_facts(held) == {"/": ("A",), "/vms/1": ("A", "B")}
