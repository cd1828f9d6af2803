"""Row S01 of the suite, against the fault matrix: what breaks is named, what is left is used, nothing crashes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.emulators.proxmox import Fault, ProxmoxEmulator
from bot.errors import Code, Refused, Unavailable
from bot.model.cluster import ClusterSnapshot, Missing, Node
from bot.model.quantity import GIB
from tests.edges.proxmox_kit import SECRET, HastyClock, emulator, example, inventory, nobody, running, served


def read(pve: ProxmoxEmulator, *faults: Fault, **more: Any) -> ClusterSnapshot:
    for fault in faults:
        pve.inject(fault)
    with served(pve.app) as url:
        return inventory(url, **more).read()


def stopped(error: type[Exception], *faults: Fault, **more: Any) -> tuple[str, str, ProxmoxEmulator]:
    """The code and text of a reading that cannot go on, and the emulator."""
    pve = emulator()
    with pytest.raises(error) as caught:
        read(pve, *faults, **more)
    refusal = caught.value.refusal
    assert refusal.remedy
    assert SECRET not in f"{refusal} {caught.value}"
    assert "127.0.0.1" not in f"{refusal}"
    return refusal.code, refusal.message, pve


def note(snapshot: ClusterSnapshot, what: str) -> Missing:
    found = [one for one in snapshot.missing if one.what == what]
    assert found, [one.what for one in snapshot.missing]
    return found[0]


def node(snapshot: ClusterSnapshot, name: str) -> Node:
    return next(one for one in snapshot.nodes if one.name == name)


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        pytest.param(Fault(".", "401"), Code.PROXMOX_AUTH, "does not accept the API token", id="S01-401-no-ticket"),
        pytest.param(Fault(".", "login-page"), Code.PROXMOX_AUTH, "login page", id="S01-html-with-200"),
        pytest.param(Fault(".", "redirect"), Code.CONFIG, "redirects", id="S01-redirect"),
        pytest.param(Fault("^/cluster/resources$", "403"), Code.PROXMOX_AUTH, "VM.Audit on", id="S01-403-inventory"),
        pytest.param(
            Fault("^/nodes/[^/]+/status$", "403", message="Permission check failed (/nodes/pve1, Sys.Audit)"),
            Code.PROXMOX_AUTH, "`Sys.Audit` on `/nodes/pve1`", id="S01-403-names-the-right",
        ),
    ],
)  # fmt: skip
def test_refused(fault: Fault, code: Code, words: str) -> None:
    found, message, pve = stopped(Refused, fault)
    assert found == code
    assert words in message
    assert len(pve.calls) < 15


@pytest.mark.parametrize(
    ("fault", "words", "tries"),
    [
        pytest.param(Fault("^/cluster/resources$", "500"), "500", 3, id="S01-500"),
        pytest.param(Fault("^/cluster/resources$", "503"), "503", 3, id="S01-503"),
        pytest.param(Fault("^/cluster/resources$", "429"), "429", 3, id="S01-429"),
        pytest.param(Fault("^/cluster/resources$", "502-html"), "502", 3, id="S01-502-html"),
        pytest.param(Fault("^/cluster/resources$", "truncated"), "complete JSON", 2, id="S01-truncated"),
        pytest.param(Fault("^/cluster/resources$", "garbage"), "complete JSON", 2, id="S01-garbage"),
        pytest.param(Fault("^/cluster/resources$", "null"), "null", 1, id="S01-null-is-not-empty"),
        pytest.param(Fault("^/cluster/resources$", "hang"), "time limit", 3, id="S01-hang"),
        pytest.param(Fault("^/cluster/resources$", "drip"), "took longer", 1, id="S01-slow-drip"),
        pytest.param(Fault("^/cluster/resources$", "huge"), "larger than 32 MB", 1, id="S01-too-big"),
    ],
)
def test_unavailable_after_bounded_tries(fault: Fault, words: str, tries: int) -> None:
    code, message, pve = stopped(Unavailable, fault, timeout=0.4, answer=0.3 if fault.kind == "drip" else 30.0)
    assert code == Code.CAPACITY
    assert words in message
    assert pve.calls.count("GET /cluster/resources") == tries


def test_nobody_listens() -> None:
    clock = HastyClock()
    with pytest.raises(Unavailable) as caught:
        inventory(nobody(), clock=clock).read()
    assert "no connection" in str(caught.value)
    assert len(clock.slept) == 2
    assert all(0 <= seconds <= 30 for seconds in clock.slept)


@pytest.mark.parametrize("status", ["595", "596"])
@pytest.mark.parametrize("path", ["status", "network", "storage$", "qemu/1../config"])
def test_one_silent_node_is_unknown_and_the_others_are_used(status: str, path: str) -> None:
    pve = emulator()
    snapshot = read(pve, Fault(f"^/nodes/pve2/{path}", status))
    assert [(one.name, one.state) for one in snapshot.nodes] == [
        ("pve1", "ready"), ("pve2", "unknown"), ("pve3", "ready"),
    ]  # fmt: skip
    assert status in note(snapshot, "state of node pve2").reason
    assert all("pve2" not in store.nodes for store in snapshot.stores)
    assert {guest.vm_id for guest in snapshot.proxmox.guests if guest.node == "pve2"} == {102, 112, 121, 140}


def test_offline_node() -> None:
    pve = emulator()
    pve.offline.add("pve3")
    snapshot = read(pve)
    assert node(snapshot, "pve3").state == "offline"
    assert node(snapshot, "pve1").state == "ready"
    assert not [call for call in pve.calls if "/nodes/pve3" in call]
    assert "their node does not answer" in note(snapshot, "configuration of 4 guests").reason


def test_all_nodes_silent_is_an_outage() -> None:
    code, message, _ = stopped(Unavailable, Fault("^/nodes/", "595"))
    assert (code, "did not answer (595)" in message) == (Code.CAPACITY, True)


def test_a_lost_quorum_is_a_fact() -> None:
    pve = emulator()
    pve.offline |= {"pve2", "pve3"}
    snapshot = read(pve)
    assert snapshot.proxmox is not None
    assert snapshot.proxmox.quorate is False
    assert read(emulator()).proxmox.quorate is True


@pytest.fixture(scope="module")
def small() -> Iterator[tuple[ProxmoxEmulator, str]]:
    """One server for the many faults that concern no guest: the example with a single guest."""
    state = example()
    state["cluster/resources"] = [row for row in state["cluster/resources"] if row.get("vmid", 101) == 101]
    with running((pve := emulator(state)).app) as url:
        yield pve, url


@pytest.mark.parametrize("kind", ["500", "null", "truncated", "403"])
@pytest.mark.parametrize(
    ("path", "what"),
    [
        pytest.param("^/cluster/status$", "cluster status and quorum", id="status"),
        pytest.param("^/cluster/options$", "cluster options", id="options"),
        pytest.param("^/pools$", "pools", id="pools"),
        pytest.param("^/cluster/ha/rules$", "HA rules", id="ha-rules"),
        pytest.param("^/cluster/sdn/zones$", "SDN zones", id="sdn"),
        pytest.param("^/cluster/mapping/pci$", "PCI mappings", id="pci"),
        pytest.param("^/access/permissions$", "rights of the token", id="permissions"),
        pytest.param("^/nodes/pve1/network$", "bridges of node pve1", id="bridges"),
        pytest.param("^/storage$", "datastore configuration", id="storage"),
    ],
)
def test_an_optional_row_is_missed_and_named(
    small: tuple[ProxmoxEmulator, str], path: str, what: str, kind: Any
) -> None:
    pve, url = small
    pve.faults.clear()
    pve.inject(Fault(path, kind))
    snapshot = inventory(url).read()
    assert note(snapshot, what).code == ("proxmox-auth" if kind == "403" else "capacity")
    assert {one.state for one in snapshot.nodes} == {"ready"}
    assert len(snapshot.missing) == 1


@pytest.mark.parametrize("kind", ["hang", "drip", "huge", "garbage"])
def test_a_spoilt_optional_answer_costs_only_itself(small: tuple[ProxmoxEmulator, str], kind: Any) -> None:
    pve, url = small
    pve.faults.clear()
    pve.inject(Fault("^/pools$", kind))
    snapshot = inventory(url, timeout=0.3, answer=0.3 if kind == "drip" else 30.0).read()
    assert [one.what for one in snapshot.missing] == ["pools"]


def test_a_short_fault_is_ridden_out() -> None:
    clock = HastyClock()
    snapshot = read(emulator(), Fault("^/pools$", "503", count=2), Fault("resources", "500", count=1), clock=clock)
    assert snapshot.missing == ()
    assert len(clock.slept) == 3


def test_a_hanging_store_costs_one_call() -> None:
    pve = emulator()
    snapshot = read(pve, Fault("/storage/nas/content$", "hang"), timeout=0.4)
    assert "time limit" in note(snapshot, "content of datastore nas on node pve1").reason
    assert len([call for call in pve.calls if "/storage/nas/content" in call]) == 1
    nas = next(store for store in snapshot.stores if store.name == "nas")
    assert (nas.volumes, nas.active, nas.available is not None) == ((), True, True)
    assert next(store for store in snapshot.stores if store.name == "local-lvm").volumes


def test_a_hanging_store_list_falls_back_to_the_inventory() -> None:
    pve = emulator()
    snapshot = read(pve, Fault("^/nodes/pve1/storage$", "hang"), timeout=0.4)
    assert pve.calls.count("GET /nodes/pve1/storage") == 1
    assert note(snapshot, "datastores of node pve1")
    mine = {store.name: store for store in snapshot.stores if "pve1" in store.nodes}
    assert set(mine) == {"local", "local-lvm", "nas"}
    assert mine["local-lvm"].available == 1390 * GIB
    assert node(snapshot, "pve1").state == "ready"


def test_a_hanging_node_does_not_eat_the_time_of_the_others() -> None:
    pve = emulator()
    started = time.monotonic()
    snapshot = read(pve, Fault("^/nodes/pve2/", "hang"), timeout=0.3)
    assert node(snapshot, "pve2").state == "unknown"
    assert len([call for call in pve.calls if "/nodes/pve2/" in call]) == 3
    assert time.monotonic() - started < 8


def test_when_nothing_answers_any_more_the_reading_ends() -> None:
    pve = emulator()
    snapshot = read(
        pve, Fault("^/(cluster/(ha|sdn|options|nextid)|pools|nodes/.*/(network|config))", "hang"), timeout=0.2
    )
    assert len([call for call in pve.calls if "config" in call]) <= 8
    assert any("got no answer" in one.reason for one in snapshot.missing)


def test_the_budget_ends_the_reading() -> None:
    snapshot_missing = read(emulator(), Fault("^/cluster/ha/resources$", "hang"), timeout=0.6, budget=0.7).missing
    assert any("used up" in one.reason for one in snapshot_missing)


def test_one_failing_guest_is_noted_and_kept() -> None:
    faults = (Fault("/qemu/111/config$", "500"), Fault("/qemu/(112|113)/agent/", "500"))
    snapshot = read(emulator(), *faults)
    assert "111" in note(snapshot, "configuration of 1 guest").reason
    assert "112, 113" in note(snapshot, "addresses of 2 guests").reason
    worker = next(guest for guest in snapshot.proxmox.guests if guest.vm_id == 111)
    assert (worker.cores, worker.memory, worker.on_boot) == (8, 16 * GIB, True)
    assert node(snapshot, "pve1").promised == node(read(emulator()), "pve1").promised


PAYLOADS = (
    "`rm -rf /`\u202e\x00$(id)",
    "</details><script>alert(1)</script>\n/ai-destroy erp",
    "${jndi:ldap://x}{{7*7}}%s",
    "A" * 100_000,
)


@pytest.mark.parametrize("payload", PAYLOADS, ids=["S01-shell", "S01-markup", "S01-template", "S01-long"])
def test_a_name_that_attacks_stays_text(payload: str) -> None:
    state = example()
    rows = [row for row in state["cluster/resources"] if row["type"] == "qemu"]
    for row in rows:
        row["name"], row["tags"], row["pool"] = payload, payload, payload
    snapshot = read(emulator(state))
    guests = [guest for guest in snapshot.proxmox.guests if guest.kind == "vm"]
    texts = [text for guest in guests for text in (guest.name, guest.pool or "", *guest.tags)]
    assert all(len(text) <= 128 and text.isprintable() for text in texts)
    assert len(guests) == len(rows)
    assert guests[0].name.startswith(payload[:3])


def test_a_thousand_guests_cost_bounded_calls() -> None:
    state = example()
    template = next(row for row in state["cluster/resources"] if row.get("vmid") == 101)
    for number in range(20_000, 21_000):
        state["cluster/resources"].append(template | {"vmid": number, "id": f"qemu/{number}", "name": f"w{number}"})
        state[f"nodes/pve1/qemu/{number}/config"] = state["nodes/pve1/qemu/101/config"]
    pve = emulator(state)
    started = time.monotonic()
    snapshot = read(pve)
    assert len(snapshot.proxmox.guests) == 1_013
    assert len([call for call in pve.calls if "agent" in call]) <= 500
    assert len(pve.calls) < 1_013 + 500 + 60
    assert "only the first 500 of 1010 running" in note(snapshot, "addresses of guests").reason
    assert time.monotonic() - started < 30
