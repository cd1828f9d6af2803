"""Tasks, locks, faults of writes, logins and TLS of the Proxmox VE emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from bot.emulators.proxmox import Fault, ProxmoxEmulator
from bot.emulators.proxmox.serving import serve
from tests.edges.proxmox_kit import served
from tests.emulators.proxmox_client import Client, Refused, calling, emulator
from tests.realparts.provider_scene import APPLY, SECRET, cluster, facts, grants


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pve(clock: Clock) -> ProxmoxEmulator:
    made = emulator(grants())
    made.site.tasks.clock = clock
    made.site.tasks.seconds = 10.0
    return made


@pytest.fixture
def ask(pve: ProxmoxEmulator) -> Iterator[Client]:
    with calling(pve) as client:
        client.slow = True
        yield client


def clone(ask: Client, number: int = 500) -> str:
    made = ask("POST", "/nodes/pve1/qemu/9000/clone", newid=number, full=1, pool="shop", target="pve2")
    assert isinstance(made, str)
    return made


def test_a_clone_is_locked_until_its_task_ends(pve: ProxmoxEmulator, ask: Client, clock: Clock) -> None:
    upid = clone(ask)
    assert upid.startswith("UPID:pve1:")
    assert upid.endswith(f":qmclone:9000:{APPLY}:")
    assert ask.task(upid)["status"] == "running"
    assert ask("GET", "/nodes/pve2/qemu/500/status/current")["lock"] == "clone"
    with pytest.raises(Refused, match=r"VM is locked|VM 500 is locked \(clone\)"):
        ask("PUT", "/nodes/pve2/qemu/500/config", cores=2)
    clock.seconds += 10
    assert (ask.task(upid)["status"], ask.task(upid)["exitstatus"]) == ("stopped", "OK")
    assert "lock" not in ask("GET", "/nodes/pve2/qemu/500/status/current")


def test_two_clones_of_one_template_get_in_each_others_way(pve: ProxmoxEmulator, ask: Client, clock: Clock) -> None:
    pve.site.clone_locks = True
    clone(ask)
    with pytest.raises(Refused) as refused:
        clone(ask, 501)
    assert "can't lock file '/var/lock/qemu-server/lock-9000.conf' - got timeout" in refused.value.text
    clock.seconds += 10
    clone(ask, 501)


def test_a_task_that_fails_takes_back_what_it_began(pve: ProxmoxEmulator, ask: Client, clock: Clock) -> None:
    before = facts(pve)
    pve.inject(Fault("/clone$", "task", count=1, message="clone failed: got timeout"))
    upid = clone(ask)
    clock.seconds += 10
    assert ask.task(upid)["exitstatus"] == "clone failed: got timeout"
    assert ask("GET", f"/nodes/pve1/tasks/{upid}/log")[-1]["t"] == "TASK ERROR: clone failed: got timeout"
    assert facts(pve) == before
    clone(ask)


def test_durations_differ_by_kind(pve: ProxmoxEmulator, ask: Client, clock: Clock) -> None:
    pve.site.tasks.durations["qmclone"] = 100.0
    upid = clone(ask)
    clock.seconds += 99
    assert ask.task(upid)["status"] == "running"


def test_a_hanging_store_holds_its_tasks_for_ever(pve: ProxmoxEmulator, ask: Client, clock: Clock) -> None:
    pve.site.hanging.add("local-lvm")
    upid = ask("POST", "/nodes/pve1/qemu", vmid=500, pool="shop", scsi0="local-lvm:4")
    clock.seconds += 1e6
    assert ask.task(upid)["status"] == "running"
    ask("DELETE", f"/nodes/pve1/tasks/{upid}")
    assert ask.task(upid)["exitstatus"] == "unexpected status"
    assert pve.site.guest(500) is None


def test_a_task_of_others_is_not_shown(pve: ProxmoxEmulator, ask: Client) -> None:
    upid = pve.site.tasks.start("pve1", "vzdump", "101", "root@pam", lambda: None)
    with pytest.raises(Refused, match=r"/nodes/pve1, Sys\.Audit"):
        ask.task(upid)


@pytest.mark.parametrize(
    ("kind", "status", "happened"),
    [("401", 401, 0), ("403", 403, 0), ("500", 500, 0), ("595", 595, 0), ("lock", 500, 0), ("lost", 596, 1)],
)
def test_faults_of_writes(pve: ProxmoxEmulator, ask: Client, kind: str, status: int, happened: int) -> None:
    pve.inject(Fault("/qemu/9000/clone$", kind, count=1))  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        clone(ask)
    assert refused.value.status == status
    assert int(pve.site.guest(500) is not None) == happened


def test_a_fault_of_one_verb_spares_the_others(pve: ProxmoxEmulator, ask: Client) -> None:
    pve.inject(Fault("/qemu/101/config$", "500", verb="PUT"))
    assert ask("GET", "/cluster/nextid")
    with pytest.raises(Refused, match="500"):
        ask("PUT", "/nodes/pve1/qemu/101/config", cores=2)
    with pytest.raises(Refused, match="403"):
        ask("GET", "/nodes/pve1/qemu/101/config")


def test_stale_data_is_of_the_day_of_the_fault(pve: ProxmoxEmulator, ask: Client, clock: Clock) -> None:
    pve.inject(Fault("/cluster/resources$", "stale", count=1))
    clone(ask)
    numbers = [{row["vmid"] for row in ask("GET", "/cluster/resources", type="vm")} for _ in range(2)]
    assert [500 in seen for seen in numbers] == [False, True]


def test_an_offline_node_takes_no_writes(pve: ProxmoxEmulator, ask: Client) -> None:
    pve.offline.add("pve1")
    with pytest.raises(Refused) as refused:
        clone(ask)
    assert refused.value.status == 595


def test_an_agent_is_gone_while_it_restarts(pve: ProxmoxEmulator, clock: Clock, ask: Client) -> None:
    clone(ask)
    clock.seconds += 10
    ask("POST", "/nodes/pve2/qemu/500/status/start")
    clock.seconds += 10
    path = "/nodes/pve2/qemu/500/agent/network-get-interfaces"
    assert ask("GET", path)["result"]
    pve.lose_agent(500, 5.0)
    with pytest.raises(Refused, match="QEMU guest agent is not running"):
        ask("GET", path)
    clock.seconds += 5
    assert ask("GET", path)["result"]


def test_high_availability_moves_a_guest(pve: ProxmoxEmulator, ask: Client) -> None:
    before = {name: row["mem"] for name, row in pve.site.nodes().items()}
    size = next(row["maxmem"] for row in pve.state["cluster/resources"] if row.get("vmid") == 120)
    pve.move(120, "pve3")
    assert "nodes/pve1/qemu/120/config" not in pve.state
    assert pve.state["nodes/pve3/qemu/120/config"]["name"] == "gitlab"
    assert pve.site.nodes()["pve3"]["mem"] - before["pve3"] == size
    with pytest.raises(KeyError):
        pve.move(999, "pve3")


def test_login_by_password_needs_the_token_against_forgery() -> None:
    pve = ProxmoxEmulator(cluster(), tokens={}, passwords={"root@pam": "rosebud"})
    with served(pve.app) as url:
        base = f"{url}/api2/json"
        wrong = requests.post(f"{base}/access/ticket", data={"username": "root@pam", "password": "x"}, timeout=5)
        body = "username=root%40pam&password=rosebud"
        login = requests.post(f"{base}/access/ticket", data=body.encode(), timeout=5).json()["data"]
        cookie = {"Cookie": f"PVEAuthCookie={login['ticket']}"}
        bare = requests.post(f"{base}/pools", data={"poolid": "made"}, headers=cookie, timeout=5)
        armed = cookie | {"CSRFPreventionToken": login["CSRFPreventionToken"]}
        good = requests.post(f"{base}/pools", json={"poolid": "made", "comment": "x"}, headers=armed, timeout=5)
        seen = requests.get(f"{base}/pools", params={"poolid": "made"}, headers=cookie, timeout=5)
    assert [one.status_code for one in (wrong, bare, good, seen)] == [401, 401, 200, 200]
    assert "invalid csrf token" in bare.text
    assert seen.json()["data"] == [{"poolid": "made", "comment": "x", "members": []}]


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff\xfe"])
def test_bodies_that_are_none(body: bytes) -> None:
    pve = emulator(grants())
    with served(pve.app) as url:
        kind = "application/json" if body[:1] in b"[{" else "application/x-www-form-urlencoded"
        headers = {"Authorization": f"PVEAPIToken={APPLY}={SECRET}", "Content-Type": kind}
        answer = requests.post(f"{url}/api2/json/pools", data=body, headers=headers, timeout=5)
    assert answer.status_code == 400


def test_over_tls_its_certificate_is_trusted_and_nothing_else() -> None:
    headers = {"Authorization": f"PVEAPIToken={APPLY}={SECRET}"}
    with serve(emulator(grants())) as server:
        assert server.url.startswith("https://127.0.0.1:")
        url = f"{server.url}/api2/json/version"
        assert requests.get(url, headers=headers, verify=str(server.authority), timeout=5).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, headers=headers, timeout=5)
        assert b"PRIVATE" not in server.authority.read_bytes()
        kept = server.authority
    assert not kept.exists()
