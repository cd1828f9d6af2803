"""The real edge reads the emulator, and a recording of it, into the expected snapshot."""

from __future__ import annotations

import json
import math
from collections import defaultdict

import pytest

from bot.emulators.loopback import Loopback
from bot.model.cluster import ClusterSnapshot, Guest, Node
from bot.model.quantity import GIB, Bytes
from tests.edges.proxmox_kit import SECRET, TOKEN, emulator, example, inventory, served
from tests.fakes.clock import StoppedClock
from tests.tools.record_proxmox import CASSETTE, GOLDEN, PLACE, recorder, snapshot_text


def test_reading_the_emulator_gives_the_expected_snapshot() -> None:
    pve = emulator()
    with Loopback(pve.app) as server:
        assert snapshot_text(server.url, workers=4) == GOLDEN.read_text(encoding="utf-8")
    assert all(call.startswith("GET ") for call in pve.calls)
    assert len(pve.calls) == len(set(pve.calls)) + repeated(pve.calls)


def repeated(calls: list[str]) -> int:
    """Content lists are asked once per content type; nothing else is asked twice."""
    return sum(1 for call in calls if call.endswith("/content")) - len({c for c in calls if c.endswith("/content")})


def test_reading_a_recording_needs_no_server() -> None:
    with recorder("none").use_cassette(str(CASSETTE)):
        assert snapshot_text(f"http://{PLACE}/") == GOLDEN.read_text(encoding="utf-8")


def test_the_recording_holds_no_token() -> None:
    text = CASSETTE.read_text(encoding="utf-8")
    assert SECRET not in text
    assert "PVEAPIToken" not in text


def test_the_snapshot_survives_a_round_trip() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    snapshot = ClusterSnapshot.model_validate_json(text)
    assert snapshot.model_dump_json(indent=1) + "\n" == text
    assert snapshot.missing == ()


@pytest.mark.parametrize("suffix", ["", "/", "/api2/json", "/api2/json/"])
def test_endpoint_forms(suffix: str) -> None:
    with served(emulator().app) as url:
        assert inventory(url + suffix).check().version == "9.2.3"


def test_version_8_reads_groups_and_says_what_it_cannot() -> None:
    state = example()
    state["cluster/ha/groups"] = [{"group": "big", "nodes": "pve1:1,pve2:5", "restricted": 1, "type": "group"}]
    for row in state["cluster/ha/resources"]:
        row["group"] = "big"
    pve = emulator(state, version="8.4.5")
    with served(pve.app) as url:
        snapshot = inventory(url).read()
    facts = snapshot.proxmox
    assert facts is not None
    assert [(rule.type, rule.nodes, rule.strict, rule.resources) for rule in facts.ha_rules] == [
        ("group", ("pve2", "pve1"), True, ("vm:120", "vm:121"))
    ]
    assert not any("agent" in call or "ha/rules" in call for call in pve.calls)
    note = next(one for one in snapshot.missing if one.what == "addresses by guest agent")
    assert (note.code, "VM.Monitor" in note.reason, "VM.Monitor" in note.remedy) == ("proxmox-auth", True, True)
    assert next(store for store in snapshot.stores if store.name == "nas").shared
    assert facts.guests[0].addresses == ("10.20.0.11",)


def test_version_9_never_asks_for_groups() -> None:
    pve = emulator()
    with served(pve.app) as url:
        inventory(url).read()
    assert "GET /cluster/ha/groups" not in pve.calls


def test_nextid_is_asked_for_a_number() -> None:
    with served(emulator().app) as url:
        assert [inventory(url).vm_id_free(number) for number in (101, 104, 9000)] == [False, True, False]


def test_check_of_a_good_day() -> None:
    with served(emulator().app) as url:
        checkup = inventory(url).check()
    assert (checkup.version, checkup.missing) == ("9.2.3", ())


# The golden case: reserve max(2 GiB, 8 %), no memory overcommit, 3 vCPU per thread.


def _free(node: Node) -> Bytes:
    reserve = max(2 * GIB, math.ceil(node.capacity.memory * 0.08))
    return Bytes(max(0, node.capacity.memory - reserve - node.promised.memory))


def _refits(load: list[tuple[Bytes, str]], free: dict[str, int], apart: set[str]) -> bool:
    """First-fit-decreasing; a database may not join the other one's node."""
    for size, kind in sorted(load, reverse=True):
        place = next(
            (
                name
                for name in sorted(free, key=lambda n: -free[n])
                if free[name] >= size and not (kind == "db" and name in apart)
            ),
            None,
        )
        if place is None:
            return False
        free[place] -= size
    return True


def test_two_databases_fit_on_two_nodes_and_survive_any_failure() -> None:
    snapshot = ClusterSnapshot.model_validate_json(GOLDEN.read_text(encoding="utf-8"))
    database = Bytes.of_gib(32)
    homes = {"pve1", "pve2"}
    free = {node.name: _free(node) - (database if node.name in homes else 0) for node in snapshot.nodes}
    assert all(room >= 0 for room in free.values())
    assert all(3 * node.capacity.cpu - node.promised.cpu >= 8_000 for node in snapshot.nodes)
    ha: defaultdict[str, list[tuple[Bytes, str]]] = defaultdict(list)
    guests: tuple[Guest, ...] = snapshot.proxmox.guests if snapshot.proxmox else ()
    for guest in guests:
        if guest.ha:
            ha[guest.node].append((guest.memory, "other"))
    for failed in free:
        load = ha[failed] + ([(database, "db")] if failed in homes else [])
        assert _refits(load, {name: room for name, room in free.items() if name != failed}, homes - {failed})
    template = next(guest for guest in guests if guest.vm_id == 9000)
    assert (template.template, template.agent, template.datastores) == (True, True, ("nas",))


def test_the_clock_is_the_only_source_of_time() -> None:
    clock = StoppedClock()
    with served(emulator().app) as url:
        assert inventory(url, clock=clock).read().taken_at == clock.now()
    assert json.loads(GOLDEN.read_text(encoding="utf-8"))["taken_at"] == "2026-03-01T12:00:00Z"
    assert TOKEN not in repr(inventory(url))
