"""Requests for machines: every row of the table does what it says, nothing is dropped, nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.errors import Code, Refusal
from bot.model.plan import Source
from bot.model.quantity import GIB, Bytes
from bot.model.wishes import MachineWish, NicWish, Wishes
from bot.survey.description.reading import read_description
from bot.survey.request.cluster_rules import ADDON_RULES
from bot.survey.request.page import EXAMPLES, request_page
from bot.survey.request.reading import RULES, read_request
from bot.survey.request.rule import RequestRule

ROWS = [(rule, example) for rule in (*RULES, *ADDON_RULES) for example in rule.examples]
OF_CLUSTERS = {"cluster", "add-ons"}


def wishes(text: str) -> Wishes:
    read = read_request(text)
    assert isinstance(read, Wishes), read
    return read


def machine(text: str) -> MachineWish:
    [one] = wishes(text).machines
    return one


def stated(text: str) -> dict[str, Any]:
    """Everything of the one machine that is not a default."""
    return {name: value for name, value in machine(text) if value != MachineWish.model_fields[name].default}


@pytest.mark.parametrize(("rule", "example"), ROWS, ids=[f"{rule.id}-{example}" for rule, example in ROWS])
def test_every_example_of_the_table_does_what_its_row_says(rule: RequestRule, example: str) -> None:
    lead = "kubernetes cluster" if rule.about in OF_CLUSTERS else "two VMs"
    lead = "an LXC container" if rule.id in {"template-name", "volume"} else lead
    text = f"web application {example}" if rule.id == "balanced" else f"{lead}, {example}"
    text = example if "cluster" in example else text
    if rule.id == "volume" and ("iso" in example or "import" in example):
        text = f"a server, {example}"
    read = wishes(text)
    if rule.field is None:
        assert rule.note in {phrase.note for phrase in read.not_acted_on}
    elif rule.field == "balanced":
        assert {one.role for one in read.machines} == {"web", "load-balancer"}
    else:
        field = {"nodes": "workers"}.get(rule.field, rule.field)
        fields = {phrase.field for phrase in read.phrases} - {None}
        assert (field == "nics" and rule.id == "second-interface") or field in {
            str(one).rsplit(".", 1)[1] for one in fields
        }
    assert [phrase.text for phrase in read.not_acted_on if phrase.note.startswith("not understood")] == []


def test_the_four_machine_requests_of_the_issue() -> None:
    web = stated("a production web server VM named web-prod-01 using template 9001")
    assert web == {"name": "web-prod-01", "role": "web", "source": Source(template_id=9001)}
    database = stated("PostgreSQL for 100 concurrent users")
    assert database == {"name": "db-1", "role": "database", "engine": "postgresql", "connections": 100}
    balanced = wishes("web application with load balancing")
    assert [(one.name, one.role, one.count) for one in balanced.machines] == [
        ("web", "web", 2),
        ("lb-1", "load-balancer", 1),
    ]
    assert stated("development environment") == {"name": "dev-1", "role": "development"}


@pytest.mark.parametrize(
    ("text", "folder", "environment", "criticality"),
    [
        ("a production web server VM named web-prod-01 using template 9001", "web-prod-01", "production", "standard"),
        ("PostgreSQL for 100 concurrent users", "postgresql", None, None),
        ("web application with load balancing", "web-application", None, None),
        ("development environment", "development", "development", "dev"),
        ("a staging VM", "server", "staging", None),
        ("three web servers", "web", None, None),
        ("database server with 4 cores", "database", None, None),
        ("VM named web-1", "web-1", None, None),
        ("a VM, mission critical", "server", None, "critical"),
        ("two VMs [criticality=high]", "server", None, "high"),
    ],
)
def test_the_folder_and_the_environment(
    text: str, folder: str, environment: str | None, criticality: str | None
) -> None:
    read = wishes(text)
    assert (read.name, read.environment, read.criticality) == (folder, environment, criticality)


@pytest.mark.parametrize(
    ("text", "source", "kind"),
    [
        ("VM using template 9001", Source(template_id=9001), "vm"),
        ("VM cloned from 9000", Source(template_id=9000), "vm"),
        ("an LXC container named dns-01 from debian-12 template", Source(ct_template="debian-12"), "container"),
        (
            "a container from local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst with 1 core",
            Source(ct_template="local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"),
            "container",
        ),
        (
            "VM from the cloud image https://cloud.debian.org/images/cloud/debian-12.qcow2.",
            Source(image="https://cloud.debian.org/images/cloud/debian-12.qcow2"),
            "vm",
        ),
        ("VM from local:import/x.qcow2", Source(image="local:import/x.qcow2"), "vm"),
        ("VM, boot from ISO local:iso/debian-12.iso", Source(iso_image="local:iso/debian-12.iso"), "vm"),
        ("a server, install from debian-12.iso", Source(iso_image="debian-12.iso"), "vm"),
    ],
)
def test_where_a_disk_comes_from(text: str, source: Source, kind: str) -> None:
    one = machine(text)
    assert (one.source, one.kind) == (source, kind)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "web server with 4 cores 8GB RAM 100GB disk",
            {"cores": 4, "memory": Bytes(8 * GIB), "disk": Bytes(100 * 10**9)},
        ),
        ("VM with 8 vCPU", {"cores": 8}),
        ("VM with 16 GiB memory", {"memory": Bytes(16 * GIB)}),
        ("VM with 512MB RAM", {"memory": Bytes(512 * 2**20)}),
        ("VM with 4 cores 8gb", {"cores": 4, "memory": Bytes(8 * GIB)}),
        ("VM with 2 cores and 40 GB disk", {"cores": 2, "memory": None, "disk": Bytes(40 * 10**9)}),
        ("VM with 2x100GB data disks", {"data_disks": (Bytes(100 * 10**9),) * 2, "disk": None}),
        ("VM with an extra 500 GB disk", {"data_disks": (Bytes(500 * 10**9),), "disk": None}),
        ("MySQL server with 50 GB database", {"engine": "mysql", "data_disks": (Bytes(50 * 10**9),)}),
        ("three VMs with 4c/8g", {"count": 3, "cores": 4, "memory": Bytes(8 * GIB)}),
        ("four 4-core VMs", {"count": 4, "cores": 4}),
        ("a pair of web servers", {"count": 2, "role": "web"}),
        ("PostgreSQL 16 database server", {"count": 1, "engine": "postgresql"}),
        ("VM with a GPU", {"gpu": "any"}),
        ("VM with GPU mapping a100", {"gpu": "a100"}),
        ("VM without a GPU", {"gpu": None}),
    ],
)
def test_sizes_and_counts(text: str, values: dict[str, Any]) -> None:
    one = machine(text)
    assert {name: getattr(one, name) for name in values} == values


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("VM on vmbr1 with VLAN 30", (NicWish(bridge="vmbr1", vlan=30),)),
        (
            "VM on vmbr1 with VLAN 30, second NIC on vmbr2 VLAN 40 DHCP",
            (NicWish(bridge="vmbr1", vlan=30), NicWish(bridge="vmbr2", vlan=40, address="dhcp")),
        ),
        ("VM with static IP 10.30.0.60/24 gateway 10.30.0.1", (NicWish(address="10.30.0.60/24", gateway="10.30.0.1"),)),
        ("VM with dhcp", (NicWish(address="dhcp"),)),
        ("VM on vmbr0 and vmbr1", (NicWish(bridge="vmbr0"), NicWish(bridge="vmbr1"))),
        ("VM", ()),
    ],
)
def test_network_interfaces_in_the_order_of_the_text(text: str, cards: tuple[NicWish, ...]) -> None:
    assert machine(text).nics == cards


def test_place_and_protection() -> None:
    text = "VM in pool prod, tags: web, blue, with HA, firewall allowing 80 and 443, daily backup, replicated, on node pve2, on storage ceph"
    assert stated(text) == {
        "name": "server-1", "pool": "prod", "tags": ("web", "blue"), "ha": True, "firewall": True, "ports": (80, 443),
        "backup": True, "replicate": True, "node": "pve2", "datastore": "ceph",
    }  # fmt: skip
    denied = machine("VM without HA, no backup, no firewall, not replicated")
    assert (denied.ha, denied.backup, denied.firewall, denied.replicate) == (False, False, False, False)


def test_what_stands_beside_a_noun_belongs_to_it() -> None:
    read = wishes(
        "two web servers with 4 cores and 8 GB RAM, a load balancer with 2 cores, and a PostgreSQL database with 200 GB of data"
    )
    assert [(one.name, one.count, one.cores) for one in read.machines] == [
        ("web", 2, 4),
        ("lb-1", 1, 2),
        ("db-1", 1, None),
    ]
    assert [len(one.data_disks) for one in read.machines] == [0, 0, 1]
    shared = wishes("two web servers and a load balancer from template 9001 in pool prod, each with 2 cores")
    assert {(one.cores, one.pool, one.source) for one in shared.machines} == {(2, "prod", Source(template_id=9001))}


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("a VM for PostgreSQL with 4 cores", [("database", 1)]),
        ("web application with load balancing on 3 VMs", [("web", 3), ("load-balancer", 1)]),
        ("a VM as a load balancer", [("load-balancer", 1)]),
        ("a web server with a load balancer", [("web", 2), ("load-balancer", 1)]),
        ("a VM with 4 cores. The VM should have a 50 GB disk", [("server", 1)]),
        ("production web application with load balancing", [("web", 2), ("load-balancer", 2)]),
        ("web application with load balancing, HA", [("web", 2), ("load-balancer", 2)]),
        ("dev VM", [("development", 1)]),
        ("two VMs, no Redis", [("server", 2)]),
    ],
)
def test_two_nouns_for_one_thing_are_one_machine(text: str, roles: list[tuple[str, int]]) -> None:
    assert [(one.role, one.count) for one in wishes(text).machines] == roles


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("0 VMs", Code.POLICY, "0 machines"), ("1000000000 VMs", Code.POLICY, "1,000,000,000 machines"), ("1.5 VMs", Code.POLICY, "1.5"),
        ("VM with 0.5 cores", Code.POLICY, "0.5 cores"), ("VM with 0 cores", Code.POLICY, "0 cores"), ("VM with 9000 cores", Code.POLICY, "9,000"),
        ("VM with 1 MB RAM", Code.POLICY, "memory"), ("VM with 900 PB RAM", Code.POLICY, "memory"), ("VM with 1 kB disk", Code.POLICY, "disk"),
        ("VM on vmbr0 VLAN 5000", Code.POLICY, "VLAN 5000"), ("VM, firewall allowing 99999", Code.POLICY, "port 99999"),
        ("VM from http://example.org/x.qcow2", Code.POLICY, "http"), ("VM from file:///etc/passwd", Code.POLICY, "file"),
        ("VM from https://example.org/x.qcow2?a=b", Code.SYNTAX, "address"), ("VM using template 7", Code.POLICY, "template 7"),
        ("VM with IP 10.300.0.1/24", Code.SYNTAX, "10.300.0.1/24"), ("VM, gateway 10.0.0.999", Code.SYNTAX, "10.0.0.999"),
        ("LXC container from https://example.org/x.qcow2", Code.POLICY, "container"),
        ("VM from local:vztmpl/debian-12_amd64.tar.zst", Code.POLICY, "container template"),
        ("VM named foo_bar", Code.NAME, "foo_bar"), ("VM named -x", Code.NAME, "-x"), ("VM named null", Code.NAME, "null"),
        ("three VMs named " + "a" * 39, Code.NAME, "a"), ("VM named a and a VM named a", Code.NAME, "'a'"),
    ],
)  # fmt: skip
def test_what_no_machine_can_have_is_refused_with_its_rule(text: str, code: Code, word: str) -> None:
    read = read_request(text)
    assert isinstance(read, Refusal)
    assert read.code == code
    assert word in read.message
    assert read.remedy


def test_a_password_in_an_address_is_not_repeated() -> None:
    read = read_request("VM from https://user:hunter2@example.org/x.qcow2")
    assert isinstance(read, Refusal)
    assert "hunter2" not in read.message + read.remedy


@pytest.mark.parametrize(
    "text", ["VM with 100GB", "VM with 7 flanges", "VM with 3.5 parsecs and seventeen 9s", "VM [qps=oops]"]
)
def test_a_number_that_nothing_took_is_a_question(text: str) -> None:
    read = wishes(text)
    assert read.unsure
    assert all(one.question and one.assumed and one.answer for one in read.unsure)
    assert any(one.note.startswith("not understood") for one in read.not_acted_on)


def test_an_address_without_a_prefix_and_a_system_are_shown_and_change_nothing() -> None:
    read = wishes("Ubuntu 24.04 VM with IP 10.0.0.5")
    assert read.machines == (MachineWish(name="server-1"),)
    assert [one.text for one in read.not_acted_on] == ["Ubuntu 24.04", "IP 10.0.0.5"]


def test_of_two_values_the_first_counts_and_the_other_is_shown() -> None:
    read = wishes("VM with 4 cores, 8 cores")
    assert read.machines[0].cores == 4
    assert ("8 cores", "another phrase about cores came first: 4") in {
        (one.text, one.note) for one in read.not_acted_on
    }


def test_machines_without_names_get_different_ones() -> None:
    read = wishes("a web server with 2 cores, another web server with 4 cores, and 2 web servers with 8 cores")
    assert [(one.name, one.count, one.cores) for one in read.machines] == [
        ("web-1", 1, 2),
        ("web-b-1", 1, 4),
        ("web-c", 2, 8),
    ]


def test_words_of_clusters_change_no_machine() -> None:
    read = wishes("two VMs with 3 workers")
    assert read.clusters == ()
    assert "3 workers" in {one.text.removeprefix("with ") for one in read.not_acted_on}


def test_every_stated_field_has_a_decision_of_the_user_and_counts_have_theirs() -> None:
    read = wishes(
        "web server VM with 4 cores, 8 GB RAM, 2x10GB data disks, firewall allowing 80, on vmbr1 VLAN 30, template 9000"
    )
    origins = {one.path: (one.origin, one.tag) for one in read.decisions}
    fields = ("cores", "memory", "data_disks", "firewall", "ports", "nics", "source")
    assert {f"machines.web-1.{field}" for field in fields} <= {
        path for path, told in origins.items() if told == ("user", "user")
    }
    assert origins["machines.web-1.count"] == ("rule", "P")
    assert all(one.why and one.source for one in read.decisions)
    balanced = {one.path: one for one in wishes("web application with load balancing").decisions}
    assert balanced["machines.web.count"].value == 2
    assert balanced["machines.web.count"].origin == balanced["machines.lb-1.count"].origin == "rule"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_sentence_of_the_page_is_a_request_without_questions(example: str) -> None:
    read = wishes(example)
    assert read.machines or read.clusters
    assert read.unsure == ()
    assert read.not_acted_on == ()
    assert f"`{example}`" in request_page()


def test_the_page_shows_every_row() -> None:
    page = request_page()
    assert all(f"`{example}`" in page for _, example in ROWS)
    assert len({rule.id for rule, _ in ROWS}) == len((*RULES, *ADDON_RULES))


@pytest.mark.parametrize("text", ["01 512 GB", "0 100 GB", "1.100 000 GB", "VM named dns-01 512 GB disk"])
def test_numbers_with_odd_spaces_are_read_and_never_raise(text: str) -> None:
    assert read_description(text).data is not None


def test_the_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "requests.md"
    assert page.read_text(encoding="utf-8") == request_page()
