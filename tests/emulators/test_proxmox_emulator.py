"""The emulator says no where Proxmox VE says no."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.emulators.proxmox import Fault, ProxmoxEmulator
from bot.emulators.proxmox.schema import FILE, Schema
from tests.edges.proxmox_kit import EXAMPLE, ROOT, SECRET, TOKEN_ID, emulator, example, running, served
from tests.tools.make_proxmox_example import to_text as example_text
from tests.tools.make_pve_schema import derive
from tests.tools.make_pve_schema import to_text as schema_text

SHARED = ROOT.parent / "shared" / "data" / "pve-api-9.2.3.json"
SCHEMA_DIGEST = "0602342487d309435c171d75b7c56c55832a62e78c40cfa4d68c93be8f16f0da"
UNDECLARED = "property is not defined in schema and the schema does not allow additional properties"
SEEN = {"Authorization": f"PVEAPIToken={TOKEN_ID}={SECRET}"}


@pytest.fixture(scope="module")
def steady() -> Iterator[str]:
    with running(emulator().app) as url:
        yield url


def ask(url: str, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> requests.Response:
    return requests.request(
        method, f"{url}/api2/json{path}", headers=SEEN if headers is None else headers, timeout=5, allow_redirects=False
    )


def ask_with(state: dict[str, Any], path: str, *, version: str | None = None) -> requests.Response:
    with served(emulator(state, version=version).app) as url:
        return ask(url, path)


def test_schema_file_is_the_recorded_one() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SCHEMA_DIGEST
    if SHARED.is_file():
        assert schema_text(derive(json.loads(SHARED.read_text(encoding="utf-8")))) == FILE.read_text(encoding="utf-8")


def test_example_is_what_its_tables_make() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example_text()


def test_every_stored_path_is_a_call_of_the_schema() -> None:
    schema = Schema.load()
    internal = {"access/users", "access/groups", "access/roles", "access/acl"}
    for key in example():
        if key not in internal and not key.startswith("_"):
            assert schema.find("GET", f"/{key}")


@pytest.mark.parametrize(
    ("query", "name", "problem"),
    [
        pytest.param("/version?verbose=1", "verbose", UNDECLARED, id="unknown-parameter"),
        pytest.param("/cluster/nextid?vmid=abc", "vmid", "type check ('integer') failed", id="wrong-type"),
        pytest.param("/cluster/nextid?vmid=99", "vmid", "minimum value of 100", id="below-minimum"),
        pytest.param("/cluster/nextid?vmid=1000000000", "vmid", "maximum value of 999999999", id="above-maximum"),
        pytest.param("/cluster/resources?type=disk", "type", "enumeration 'vm, storage, node, sdn'", id="enum"),
        pytest.param("/storage?type=floppy", "type", "does not have a value in the enumeration", id="enum-storage"),
        pytest.param("/cluster/sdn/zones?pending=maybe", "pending", "type check ('boolean')", id="boolean"),
        pytest.param("/cluster/sdn/vnets/x1-/subnets", "vnet", "does not match the regex pattern", id="pattern"),
        pytest.param("/cluster/sdn/vnets/verylongname/subnets", "vnet", "may only be 8 characters", id="max-length"),
        pytest.param(
            "/access/permissions?userid=nobody", "userid", "does not match the regex pattern", id="perl-regex"
        ),
        pytest.param("/pools?type=qemu", "type", "missing property - 'poolid'", id="requires"),
        pytest.param("/nodes/pve1/qemu/12x/config", "vmid", "type check ('integer')", id="path-variable"),
        pytest.param(
            "/nodes/pve1/storage?storage=_", "storage", "does not look like a valid pve-storage-id", id="format"
        ),
    ],
)
def test_wrong_parameters_are_named(steady: str, query: str, name: str, problem: str) -> None:
    answer = ask(steady, query)
    assert answer.status_code == 400
    assert answer.json()["data"] is None
    assert problem in answer.json()["errors"][name]


def test_the_error_envelope_of_an_unknown_parameter(steady: str) -> None:
    assert ask(steady, "/version?x=1").json()["errors"] == {"x": UNDECLARED}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        pytest.param(None, "No ticket", id="none"),
        pytest.param("Bearer abc", "No ticket", id="other-scheme"),
        pytest.param(f"PVEAPIToken={TOKEN_ID}", "No ticket", id="no-secret"),
        pytest.param(f"PVEAPIToken=ghost@pve!survey={SECRET}", "no such user ('ghost@pve')", id="unknown-user"),
        pytest.param(f"PVEAPIToken=ai-provision@pve!other={SECRET}", "no such token 'other'", id="unknown-token"),
        pytest.param(f"PVEAPIToken={TOKEN_ID}=wrong", "invalid token value!", id="wrong-secret"),
    ],
)
def test_who_is_not_known_gets_401(steady: str, header: str | None, words: str) -> None:
    answer = ask(steady, "/version", {"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()["data"]) == (401, None)
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        pytest.param("/cluster/nextid?vmid=101", 400, "VM 101 already exists", id="nextid-taken"),
        pytest.param("/cluster/ha/groups", 500, "ha groups have been migrated to rules", id="ha-groups-died"),
        pytest.param("/nodes/pve9/status", 500, "hostname lookup 'pve9' failed", id="unknown-node"),
        pytest.param(
            "/nodes/pve2/qemu/101/config", 500, "nodes/pve2/qemu-server/101.conf' does not exist", id="elsewhere"
        ),
        pytest.param("/nodes/pve1/storage/attic/content", 500, "storage 'attic' does not exist", id="unknown-storage"),
        pytest.param(
            "/nodes/pve3/qemu/141/agent/network-get-interfaces", 500, "VM 141 is not running", id="agent-stopped"
        ),
        pytest.param("/nodes/pve2/qemu/140/agent/network-get-interfaces", 500, "No QEMU guest agent", id="no-agent"),
        pytest.param("/cluster/sdn/vnets/none/subnets", 500, "'none' does not exist", id="unknown-vnet"),
        pytest.param("/cluster/sdn/ipams/netbox/status", 500, "Currently only PVE IPAM", id="foreign-ipam"),
        pytest.param("/cluster/teapot", 501, "Method 'GET /cluster/teapot' not implemented", id="unknown-call"),
    ],
)
def test_true_semantics(steady: str, path: str, status: int, words: str) -> None:
    answer = ask(steady, path)
    assert (answer.status_code, answer.json()["data"]) == (status, None)
    assert words in answer.text


def test_writes_of_a_reader_are_refused(steady: str) -> None:
    assert ask(steady, "/pools?poolid=mine", method="POST").status_code == 403
    assert ask(steady, "/pools", {}, method="POST").status_code == 401
    assert ask(steady, "/cluster/teapot", method="POST").status_code == 501


def test_next_id_respects_the_range_and_taken_ids() -> None:
    state = example()
    state["cluster/options"]["next-id"] = {"lower": "101", "upper": "105"}
    assert ask_with(state, "/cluster/nextid").json() == {"data": "104"}
    state["cluster/options"]["next-id"] = {"lower": "101", "upper": "104"}
    assert "unable to get any free VMID in range [101, 104]" in ask_with(state, "/cluster/nextid").text


def test_shared_storage_is_listed_per_node_with_the_same_content(steady: str) -> None:
    lists = [ask(steady, f"/nodes/{node}/storage/nas/content").json()["data"] for node in ("pve1", "pve2", "pve3")]
    assert lists[0] == lists[1] == lists[2] != []
    rows = ask(steady, "/nodes/pve2/storage").json()["data"]
    assert {row["storage"]: row["shared"] for row in rows} == {"local": 0, "local-lvm": 0, "nas": 1}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/nodes/pve1/network?type=any_bridge", {"vmbr0", "services"}, id="any-bridge"),
        pytest.param("/nodes/pve1/network?type=any_local_bridge", {"vmbr0"}, id="local-bridge"),
        pytest.param("/nodes/pve1/network", {"eno1", "vmbr0"}, id="all-but-vnets"),
    ],
)
def test_networks_by_type(steady: str, path: str, expected: set[str]) -> None:
    assert {row["iface"] for row in ask(steady, path).json()["data"]} == expected


def acl(*entries: tuple[str, str], privsep: int = 1, user_too: bool = True) -> dict[str, Any]:
    """The example with these (path, privileges) for the token, and for its user unless told."""
    state = example()
    roles = {f"Role{place}": privileges for place, (_, privileges) in enumerate(entries)}
    state["access/roles"] += [{"roleid": name, "privs": privs} for name, privs in roles.items()]
    state["access/acl"] = [
        {"path": path, "roleid": f"Role{place}", "type": kind, "ugid": who, "propagate": 1}
        for place, (path, _) in enumerate(entries)
        for kind, who in (("token", TOKEN_ID), ("user", "ai-provision@pve"))
        if kind == "token" or user_too
    ]
    state["access/users"][1]["tokens"][0]["privsep"] = privsep
    return state


@pytest.mark.parametrize(
    ("state", "path", "status", "words"),
    [
        pytest.param(acl(), "/cluster/status", 403, "(/, Sys.Audit)", id="nothing"),
        pytest.param(acl(("/nodes/pve1", "Sys.Audit")), "/nodes/pve2/status", 403, "/nodes/pve2", id="node"),
        pytest.param(acl(("/nodes/pve1", "Sys.Audit")), "/nodes/pve1/status", 200, "cpuinfo", id="granted"),
        pytest.param(acl(("/", "Sys.Audit"), user_too=False), "/cluster/status", 403, "(/, Sys.Audit)", id="privsep"),
        pytest.param(
            acl(("/vms", "VM.Audit")), "/nodes/pve1/qemu/101/agent/network-get-interfaces", 403,
            "(/vms/101, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)", id="any-of",
        ),
        pytest.param(acl(("/pool/office", "VM.Audit")), "/nodes/pve1/qemu/120/config", 200, "gitlab", id="by-pool"),
        pytest.param(acl(("/pool/office", "VM.Audit")), "/nodes/pve1/qemu/101/config", 403, "(/vms/101", id="no-pool"),
        pytest.param(
            acl(("/", "Sys.Audit"), ("/nodes", "Sys.Syslog")), "/nodes/pve1/status", 403, "/nodes/pve1", id="deeper",
        ),
        pytest.param(acl(), "/access/permissions?userid=root@pam", 403, "(/access, Sys.Audit)", id="others-rights"),
    ],
)  # fmt: skip
def test_rights(state: dict[str, Any], path: str, status: int, words: str) -> None:
    answer = ask_with(state, path)
    assert answer.status_code == status
    assert words in answer.text


@pytest.mark.parametrize(
    ("privileges", "shown"),
    [
        pytest.param("", set(), id="nothing"),
        pytest.param("VM.Audit", {"qemu", "lxc"}, id="guests"),
        pytest.param("Datastore.AllocateSpace", {"storage"}, id="storage"),
        pytest.param("Pool.Audit", {"pool"}, id="pools"),
        pytest.param("SDN.Allocate", {"sdn"}, id="sdn"),
    ],
)
def test_rows_are_filtered_without_a_word(privileges: str, shown: set[str]) -> None:
    rows = ask_with(acl(("/", privileges)), "/cluster/resources").json()["data"]
    assert {row["type"] for row in rows} == shown | {"node"}
    assert all("maxmem" not in row for row in rows if row["type"] == "node")


@pytest.mark.parametrize(
    "path", ["/storage", "/pools", "/cluster/sdn/zones", "/cluster/sdn/vnets", "/cluster/mapping/pci"]
)
def test_lists_without_right_are_empty(path: str) -> None:
    assert ask_with(acl(("/", "Sys.Audit")), path).json() == {"data": []}


def test_no_access_beats_inheritance_and_groups_count() -> None:
    state = acl()
    state["access/users"][1]["tokens"][0]["privsep"] = 0
    state["access/groups"] = [{"groupid": "eyes", "users": "ai-provision@pve"}]
    state["access/acl"] = [
        {"path": "/", "roleid": "PVEAuditor", "type": "group", "ugid": "eyes", "propagate": 1},
        {"path": "/nodes/pve1", "roleid": "NoAccess", "type": "user", "ugid": "ai-provision@pve", "propagate": 1},
    ]
    assert ask_with(state, "/nodes/pve2/status").status_code == 200
    assert ask_with(state, "/nodes/pve1/status").status_code == 403


def test_own_rights_are_listed() -> None:
    rights = ask_with(acl(("/nodes/pve1", "Sys.Audit")), "/access/permissions").json()["data"]
    assert rights == {"/nodes/pve1": {"Sys.Audit": 1}}


def test_options_without_audit_are_few() -> None:
    assert set(ask_with(acl(), "/cluster/options").json()["data"]) == {"tag-style"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/cluster/ha/rules", 501, id="no-rules"),
        pytest.param("/cluster/ha/groups", 200, id="groups"),
        pytest.param("/nodes/pve1/qemu/101/agent/network-get-interfaces", 403, id="auditor-lacks-VM.Monitor"),
    ],
)
def test_version_8(path: str, status: int) -> None:
    assert ask_with(example(), path, version="8.4.5").status_code == status


def test_version_8_has_fewer_columns() -> None:
    rows = ask_with(example(), "/cluster/resources", version="8.4.5").json()["data"]
    assert not any({"shared", "memhost", "host-arch", "sdn"} & row.keys() for row in rows)


def test_an_offline_node_is_offline_everywhere() -> None:
    pve = emulator()
    pve.offline.add("pve2")
    with served(pve.app) as url:
        assert ask(url, "/nodes/pve2/status").status_code == 595
        rows = ask(url, "/cluster/resources").json()["data"]
        status = ask(url, "/cluster/status").json()["data"]
    assert {row["status"] for row in rows if row.get("node") == "pve2" and row["type"] == "qemu"} == {"unknown"}
    assert [row.get("online", row.get("quorate")) for row in status] == [1, 1, 0, 1]


def test_faults_hit_as_often_as_told() -> None:
    pve = emulator()
    pve.inject(Fault(r"^/version$", "500", count=2))
    with served(pve.app) as url:
        assert [ask(url, "/version").status_code for _ in range(3)] == [500, 500, 200]
        assert ask(url, "/cluster/status").status_code == 200


def test_the_state_may_have_another_shape_of_keys() -> None:
    pve = ProxmoxEmulator({f"/{key}": value for key, value in example().items()}, tokens={TOKEN_ID: SECRET})
    with served(pve.app) as url:
        assert ask(url, "/version").json()["data"]["version"] == "9.2.3"


def test_schema_of_another_file_is_read(tmp_path: Path) -> None:
    copy = tmp_path / "schema.json"
    copy.write_bytes(FILE.read_bytes())
    assert Schema.load(copy) == Schema.load()
