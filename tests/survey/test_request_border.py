"""The border: descriptions of applications are no requests, hostile text is read without harm in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Code, Refusal
from bot.model.wishes import Wishes
from bot.survey.request.cluster_rules import ADDON_RULES
from bot.survey.request.page import EXAMPLES
from bot.survey.request.reading import RULES, read_request
from bot.survey.request.rule import LONGEST

APPLICATIONS = (
    "Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency, React frontend + Go/Gin API + PostgreSQL backend",
    "200 QPS peak, PostgreSQL", "Django app on the prod cluster, namespace shop", "Go API server with 500 QPS",
    "inventory service, production, MySQL and Redis cluster", "a web application in React with a Node.js backend",
    "Inventory, 2000 QPS, cluster named home", "runs on 3 servers today, should move to Kubernetes, Spring Boot",
    "SQL Server, 50 concurrent users, ASP.NET", "machine learning API, PyTorch, GPU, 100 ms p95", "100 concurrent users, PostgreSQL",
    "Docker container with nginx", "web server in Rust with 1000 rps", "batch job on the dev cluster every night", "cluster dashboard in Vue",
    "static website", "PostgreSQL", "MySQL and Redis", "hello", "fleet manager for VMs, Go, 200 QPS", "an API with 4 workers",
    "Flask app, 4 workers, development environment", "Kafka cluster consumer, 500 messages per second", "deploy to cluster prod-1",
    "high availability, load balanced, Java service with 3 replicas", "load-balanced Go web application, 200 QPS", "criticality: high",
    "mission critical payment gateway, 99.95 % availability", "Kubernetes operator in Go that manages databases",
    "server-side rendered shop in Next.js", "Inventory service with PostgreSQL database, 10 GB of data", "game server in C++, 60 players",
    "virtual machine inventory app in Django, 5 QPS", "The service calls a mail server and stores 5 GB", "https://example.org/app",
    "db.prod.svc.cluster.local", "node server.js", "namespace shop of cluster prod", "The cluster of the examples", "server.port: 8086",
    "shop, see http://example.com, port 99999", "", "   ", "2 cores", "named web-prod-01", "high availability",
)  # fmt: skip


@pytest.mark.parametrize("text", APPLICATIONS)
def test_a_description_of_an_application_names_no_machine(text: str) -> None:
    read = read_request(text)
    assert isinstance(read, Refusal), read
    assert read.code == Code.SYNTAX
    assert "dev cluster" in read.remedy


@pytest.mark.parametrize(
    "text",
    [
        "web server VM for a Django app with 4 cores", "Django app on 2 VMs with 4 cores each", "Please create a VM", "I need two servers",
        "can you set up a kubernetes cluster with 3 workers", "Python development environment", "PostgreSQL server for 50 users, 200 QPS",
        "web application with a load balancer", "a bastion server", "LXC", "spin up 3 machines", "production cluster", "VM",
        "load-balanced web application", "database server", "POSTGRESQL DATABASE", "Kubernetes cluster for a Go service",
        "GPU VM for machine learning with 16 cores", "staging environment with 2 VMs", "three-node cluster",
        "a small box with 2 cores", "development machine with 8GB RAM",
    ],
)  # fmt: skip
def test_a_request_is_one_whatever_stands_beside_it(text: str) -> None:
    assert isinstance(read_request(text), Wishes)


HOSTILE = (
    '${file("/etc/passwd")}', "%{ for x in y }", "$(id)", "`id`", "{{ 7*7 }}", "\u202ename\u202c", "\U0001f4a9", "a\nb", "\x00", "\ud800",
    "../../etc", "'; DROP TABLE", "<script>", "-->", "\u0663 VMs",
)  # fmt: skip


@pytest.mark.parametrize("payload", HOSTILE)
@pytest.mark.parametrize(
    "form",
    [
        "VM named {}",
        "VM {} with 2 cores",
        "{} dev cluster",
        "VM in pool {}",
        "VM on storage {}",
        "cluster, tags: {}",
        "VM from {} template",
    ],
)
def test_hostile_text_becomes_no_value_and_is_never_repeated_raw(payload: str, form: str) -> None:
    read = read_request(form.format(payload))
    shown = read.model_dump_json()
    assert shown.isascii()
    if isinstance(read, Wishes):
        values = read.model_dump_json(include={"name", "machines", "clusters", "environment"})
        assert not set("$%()`<>;'\\\n") & set(values)
        assert ".." not in values
    else:
        assert len(read.message) < 400


@pytest.mark.parametrize(
    "text",
    [
        "VM ", "x", "cluster " * 1_000, "VM, " * 2_000, "4 cores " * 1_000, "VM with " + "1 " * 4_000, "a VM " + "vmbr1 " * 1_300,
        "VM named " + "a" * 8_000, "VM " + "[" * 8_000, "VM " + "the " * 2_000, "VM from " + "x" * 8_000, "VM https://" + "a/" * 4_000,
        "VM tags: " + "a, " * 2_600, "VM firewall allowing " + "80 and " * 1_100, "for " * 2_000 + "VM", "postgresql " * 740, "VM " + "12 " * 2_700,
        "VM " + "1,000,"  * 1_300, "VM " + "-" * 8_000, "in the " * 1_100 + "cluster", "no " * 2_600 + "VM",
    ],
    ids=range(21),
)  # fmt: skip
@pytest.mark.parametrize("length", [LONGEST, 65_536])
def test_long_text_is_read_in_bounded_time(text: str, length: int) -> None:
    begun = time.process_time()
    read_request((text * (length // len(text) + 1))[:length])
    assert time.process_time() - begun < 1.0


def test_a_text_beyond_the_limit_is_refused_unread() -> None:
    read = read_request("dev cluster " + "x" * LONGEST)
    assert isinstance(read, Refusal)
    assert "2,000" in read.message


@pytest.mark.parametrize(
    "text",
    [
        "VM named dns-01 512 GB disk",
        "VM with 0 100 GB",
        "VM with 0,100,000 flanges",
        "VM with 1.100 000 GB",
        "VM with 1'000,000 things",
        "VM, 0'100 GB disk",
    ],
)
def test_numbers_that_are_none_are_read_without_harm(text: str) -> None:
    assert isinstance(read_request(text), (Wishes, Refusal))


def test_neighbouring_numbers_are_two_and_grouped_ones_are_one() -> None:
    two = read_request("VM with 2 100GB data disks")
    grouped = read_request("PostgreSQL server for 10 000 concurrent users")
    assert isinstance(two, Wishes)
    assert isinstance(grouped, Wishes)
    assert len(two.machines[0].data_disks) == 2
    assert grouped.machines[0].connections == 10_000


WORDS = st.sampled_from(
    [*(word for one in EXAMPLES for word in one.split()), *(example for rule in (*RULES, *ADDON_RULES) for example in rule.examples),
     "VM", "two", "3", "and", "with", ",", ".", "no", "the", "for", "a", "LXC container", "PostgreSQL", "0", "1e9", "-4", "8GB", "named", *HOSTILE]
)  # fmt: skip


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert isinstance(read_request(text), (Wishes, Refusal))


@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_any_mixture_of_known_words_is_read_the_same_twice_with_a_record_for_each_number(text: str) -> None:
    read = read_request(text)
    assert read == read_request(text)
    if isinstance(read, Refusal):
        assert read.message.isascii()
        return
    assert read == Wishes.model_validate_json(read.model_dump_json())
    paths = {one.path for one in read.decisions}
    for machine in read.machines:
        assert f"machines.{machine.name}.count" in paths
    for cluster in read.clusters:
        assert {
            f"clusters.{cluster.name}.{field}" for field in ("control_planes", "workers", "cores", "memory")
        } <= paths
        assert cluster.control_planes % 2 == 1
    assert len({one.name for one in (*read.machines, *read.clusters)}) == len(read.machines) + len(read.clusters)


@given(st.lists(WORDS, max_size=10).map(" ".join))
def test_a_number_behind_any_request_is_taken_or_shown(text: str) -> None:
    read = read_request(f"{text} , 7331 zorkmids")
    if isinstance(read, Wishes):
        assert "7331" in " ".join(one.text for one in (*read.not_acted_on, *read.phrases))
