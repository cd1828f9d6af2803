"""Steps 1 to 9, 13 and 14: one fact changes at a time."""

from __future__ import annotations

import math

import pytest

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config, Limits
from bot.model.demand import Demand, Wanted
from bot.model.plan import Pdb
from bot.model.profile import Declared, Header, Port, Service, Volume
from bot.model.quantity import Bytes, MilliCpu
from bot.planning.confidence import sureness
from bot.planning.latency import erlang_c, waiting
from bot.planning.memory import pod_memory, round_up
from bot.planning.runtimes import BEAM, DJANGO, DOTNET, JVM, NEST, NODE, PHP, PYTHON_ASYNC, RUBY, RUST
from bot.planning.throughput import rate_of
from tests.planning.builders import (
    GOLDEN_DEMAND,
    SEEN,
    decision,
    dependency,
    plan,
    profile,
    refused,
    rules,
    service,
    snapshot,
    value,
)


def sized(demand: Demand, *services: Service, **changes):
    return plan(**{"demand": demand, "profile": profile(*services), "snapshot": roomy(), **changes})


def roomy():
    """The usual clusters, ten times as big."""
    nodes = snapshot().nodes
    return snapshot(nodes=tuple(node.model_copy(update={"capacity": node.capacity.times(10)}) for node in nodes))


def header(**changes) -> Header:
    return Header(**changes, evidence=SEEN)


# step 1


@pytest.mark.parametrize(
    ("demand", "peak"),
    [
        pytest.param(Demand(qps_peak=500.0), 500, id="peak"),
        pytest.param(Demand(qps_average=500.0), 1500, id="average-times-3"),
        pytest.param(Demand(users=1040), 200, id="users-over-think-and-latency"),
        pytest.param(Demand(users=1020, latency_ms=100.0), 200, id="users-with-stated-latency"),
        pytest.param(Demand(qps_peak=500.0, qps_average=400.0), 500, id="peak-before-average"),
        pytest.param(Demand(qps_peak=500.0, growth=0.2), 600, id="growth"),
    ],
)
def test_demand(demand, peak):
    assert sized(demand).services[0].qps == pytest.approx(peak)


@pytest.mark.parametrize(
    "demand",
    [
        pytest.param(Demand(), id="nothing"),
        pytest.param(Demand(qps_peak=0.0), id="zero"),
        pytest.param(Demand(qps_peak=-5.0), id="negative"),
        pytest.param(Demand(qps_peak=math.inf), id="infinite"),
        pytest.param(Demand(qps_peak=math.nan), id="not-a-number"),
    ],
)
def test_without_a_load_nothing_is_invented(demand):
    made = sized(demand)
    assert made.services[0].qps is None
    assert made.services[0].requests.cpu == MilliCpu(100)
    assert made.services[0].replicas == 2
    assert made.services[0].latency_p95_ms is None
    assert value(made, "services.api.qps") is None
    assert "load-not-stated" in rules(made)


def test_the_larger_of_header_and_description_stands_and_is_said():
    made = sized(Demand(qps_peak=400.0), service(header=header(expected_qps=500.0)))
    assert made.services[0].qps == 500
    found = decision(made, "services.api.qps")
    assert found.origin == "user"
    assert found.rejected == ("400 requests/s: the description states the peak",)
    assert "load-conflict" in rules(made)


def test_a_header_counts_for_its_own_service_only():
    made = sized(Demand(), service(header=header(expected_qps=500.0)), service(name="other", path="other"))
    assert [entry.qps for entry in made.services] == [500, None]


def test_the_stricter_latency_stands():
    made = sized(Demand(qps_peak=100.0, latency_ms=150.0), service(header=header(sla_latency_ms=100.0)))
    assert value(made, "services.api.latency_target_ms") == 100
    assert "latency-conflict" in rules(made)


def test_workers_get_the_floor_and_no_autoscaler():
    made = sized(Demand(qps_peak=2000.0), service(kind="worker", ports=()))
    assert made.services[0].qps is None
    assert made.services[0].hpa is None
    assert made.services[0].requests.cpu == MilliCpu(100)
    assert "load-not-stated" not in rules(made)


# step 2


@pytest.mark.parametrize(
    ("language", "framework", "r_db", "known"),
    [
        pytest.param("Go", "Gin", 9480, True, id="gin"),
        pytest.param("go", "github.com/gin-gonic/gin", 9480, True, id="gin-module"),
        pytest.param("golang", "net/http", 10379, True, id="net-http"),
        pytest.param("go", "http", 10379, True, id="http-in-go"),
        pytest.param("javascript", "http", 4373, True, id="http-in-node"),
        pytest.param("go", "gorilla/mux", 9203, True, id="gorilla-like-chi"),
        pytest.param("java", "spring-boot", 4205, True, id="spring-boot"),
        pytest.param("kotlin", "spring-boot 3", 4205, True, id="spring-boot-version"),
        pytest.param("python", "flask+gunicorn", 647, True, id="flask-companion"),
        pytest.param("python", "FastAPI", 2402, True, id="fastapi"),
        pytest.param("csharp", "ASP.NET Core", 4095, True, id="aspnet"),
        pytest.param("javascript", "express+socket.io", 2578, True, id="express-companion"),
        pytest.param("rust", "axum", 24744 * 0.8, False, id="axum-stand-in"),
        pytest.param("javascript", "Next.js", 1720 * 0.2, False, id="next-stand-in"),
        pytest.param("go", "grpc", 4100 / 0.75, False, id="grpc-language-median"),
        pytest.param("python", None, 800 / 0.75, False, id="python-median"),
        pytest.param("cobol", "cics", 800 / 0.75, False, id="unknown-language"),
        pytest.param(None, None, 800 / 0.75, False, id="nothing-known"),
    ],
)
def test_rates(language, framework, r_db, known):
    rate = rate_of(language, framework)
    assert rate.r_db == pytest.approx(r_db)
    assert rate.known is known


def test_express_with_mysql_has_a_row_of_its_own():
    assert rate_of("javascript", "express", stores=("mysql",)).r_db == 1919


def test_stated_reads_and_writes_replace_the_prior_and_raise_confidence():
    made = sized(Demand(qps_peak=2000.0, reads_per_request=1.0, writes_per_request=0.0))
    assert value(made, "services.api.cpu_ms_per_request") == pytest.approx(1000 * 1.0 / (9480 * 0.3), abs=1e-5)
    assert made.confidence.value == round(math.exp(-math.sqrt(0.31**2 + 0.34**2 + 0.69**2)), 3) == 0.436


def test_a_stated_mix_splits_the_usual_operations():
    made = sized(Demand(qps_peak=2000.0, read_write_mix="80/20"))
    found = decision(made, "services.api.cpu_ms_per_request")
    assert found.inputs["k"] == pytest.approx(2.56)
    assert found.inputs["w"] == pytest.approx(0.64)
    assert made.confidence.value == 0.414


@pytest.mark.parametrize("mix", ["much", "300/5", "-3/4", ""])
def test_an_unreadable_mix_changes_nothing(mix):
    assert value(sized(Demand(qps_peak=2000.0, read_write_mix=mix)), "services.api.cpu_ms_per_request") == 0.71097


def test_a_service_that_reads_nothing_is_of_the_json_class():
    made = sized(Demand(qps_peak=2000.0), service(dependencies=()))
    assert value(made, "services.api.cpu_ms_per_request") == pytest.approx(1000 / (2.2 * 9480 * 0.3), abs=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"endpoints": ()}, id="code-not-read"),
        pytest.param({"calls": ("other",)}, id="calls-another-service"),
    ],
)
def test_what_may_read_a_database_is_sized_as_if_it_did(changes):
    made = sized(Demand(qps_peak=2000.0), service(dependencies=(), **changes))
    assert value(made, "services.api.cpu_ms_per_request") == 0.71097


def test_a_database_that_only_the_description_names_counts():
    demand = Demand(qps_peak=2000.0, dependencies=(Wanted(kind="postgresql", phrase="PostgreSQL"),))
    assert value(sized(demand, service(dependencies=())), "services.api.cpu_ms_per_request") == 0.71097


# steps 4 to 6


@pytest.mark.parametrize(
    ("demand", "changes", "target"),
    [
        pytest.param(Demand(criticality="dev"), {}, 65, id="dev-one-server"),
        pytest.param(Demand(), {}, 60, id="standard-two-servers"),
        pytest.param(Demand(criticality="high"), {}, 65, id="high-three-servers"),
        pytest.param(Demand(criticality="critical"), {}, 60, id="critical-five-less"),
        pytest.param(Demand(criticality="high", websocket=True), {}, 55, id="websocket-halves"),
        pytest.param(Demand(), {"language": "java", "framework": "spring-boot"}, 65, id="jvm-counts-double"),
        pytest.param(
            Demand(criticality="high"), {"ports": (Port(port=1, protocol="grpc", name="grpc"),)}, 55, id="grpc-halves"
        ),
    ],
)
def test_target(demand, changes, target):
    made = sized(demand.model_copy(update={"qps_peak": 100.0}), service(**changes))
    assert value(made, "services.api.target_cpu_percent") == target


@pytest.mark.parametrize(
    ("demand", "n_min", "f"),
    [
        pytest.param(Demand(criticality="dev"), 1, 0, id="dev"),
        pytest.param(Demand(), 2, 1, id="standard"),
        pytest.param(Demand(criticality="high"), 3, 1, id="high"),
        pytest.param(Demand(zero_downtime=True, criticality="dev"), 3, 1, id="zero-downtime-raises-dev"),
        pytest.param(Demand(criticality="critical"), 3, 2, id="critical"),
        pytest.param(Demand(availability_percent=99.95), 3, 1, id="99.95-percent"),
        pytest.param(Demand(availability_percent=99.5), 2, 1, id="99.5-percent"),
        pytest.param(Demand(replicas=5), 5, 1, id="replicas-asked-for"),
    ],
)
def test_tiers(demand, n_min, f):
    found = decision(sized(demand), "services.api.n_min")
    assert found.value == n_min
    assert found.inputs["f"] == f


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("low", "dev"), ("development", "dev"), ("medium", "standard"), ("normal", "standard"),
        ("production", "standard"), ("high", "high"), ("production-critical", "critical"), ("Critical", "critical"),
    ],
)  # fmt: skip
def test_words_of_the_header(word, tier):
    assert value(sized(Demand(), service(header=header(criticality=word))), "services.api.criticality") == tier


def test_an_unknown_word_is_standard_and_a_finding():
    made = sized(Demand(), service(header=header(criticality="platinum")))
    assert value(made, "services.api.criticality") == "standard"
    assert "criticality-unknown" in rules(made)


def test_a_jvm_has_its_own_floor():
    assert sized(Demand(qps_peak=1.0), service(language="java", framework="spring-boot")).services[
        0
    ].requests.cpu == MilliCpu(500)


def test_cpu_of_a_pod_is_capped_and_pods_follow():
    api = sized(Demand(qps_peak=20_000.0, zero_downtime=True)).services[0]
    busy = 20_000 * 2.022 / 2844
    assert api.requests.cpu == MilliCpu(1000)
    assert api.replicas == max(3, math.ceil(busy / 0.65), 1 + math.ceil(busy / 0.85))


def test_a_critical_service_survives_a_zone():
    api = sized(Demand(qps_peak=20_000.0, criticality="critical")).services[0]
    busy = 20_000 * 2.022 / 2844
    assert api.replicas - math.ceil(api.replicas / 3) >= busy / 0.85
    assert api.replicas >= 2 + math.ceil(busy / 0.85)


def test_more_pods_than_policy_permits_are_refused():
    refusal = refused(config=Config(limits=Limits(max_replicas=2)))
    assert refusal.code is Code.POLICY
    assert "limits.max_replicas permits 2" in refusal.message


@pytest.mark.parametrize("rate", [1e12, 1e300, 1.7e308])
def test_absurd_loads_are_refused_at_once(rate):
    demand = Demand(qps_peak=rate, criticality="critical", growth=5.0)
    assert refused(demand=demand, config=Config(limits=Limits(max_replicas=10**12))).code is Code.POLICY


@pytest.mark.parametrize("reads", [math.nan, math.inf, -1.0])
def test_absurd_reads_are_not_taken(reads):
    assert value(sized(Demand(qps_peak=2000.0, reads_per_request=reads)), "services.api.cpu_ms_per_request") == 0.71097


def test_the_autoscaler_stays_within_policy():
    made = plan(config=Config(limits=Limits(max_replicas=5)))
    assert made.services[0].hpa is not None
    assert made.services[0].hpa.max == 5


def test_fewer_replicas_than_needed_are_raised_and_said():
    made = sized(Demand(qps_peak=20_000.0, replicas=2))
    assert made.services[0].replicas > 2
    assert "replicas-not-as-asked" in rules(made)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"stateful": True}, id="stateful"),
        pytest.param({"volumes": (Volume(path="/data"),)}, id="volume"),
        pytest.param({"dependencies": (dependency("sqlite"),)}, id="sqlite"),
    ],
)
def test_state_in_files_is_one_copy(changes):
    api = sized(Demand(qps_peak=2000.0, zero_downtime=True, replicas=4), service(**changes)).services[0]
    assert (api.kind, api.replicas, api.hpa, api.pdb) == ("StatefulSet", 1, None, None)
    assert api.rollout.recreate
    assert api.storage is not None
    assert api.storage.size == Bytes.of_gib(1)


def test_the_stated_size_of_the_data_is_the_volume():
    made = sized(Demand(data=Bytes.of_gib(20)), service(stateful=True))
    assert made.services[0].storage is not None
    assert made.services[0].storage.size == Bytes.of_gib(20)
    assert decision(made, "services.api.storage.size").origin == "user"


@pytest.mark.parametrize(
    ("demand", "word"),
    [
        pytest.param(Demand(backup=True), "backup", id="backup"),
        pytest.param(Demand(gdpr=True), "GDPR", id="gdpr"),
        pytest.param(Demand(geo_redundancy=True), "geo-redundancy", id="geo"),
        pytest.param(Demand(gpu=True), "GPU", id="gpu"),
        pytest.param(Demand(schedule="nightly"), "schedule", id="schedule"),
        pytest.param(Demand(payload=Bytes.of_mib(2)), "payload", id="payload"),
        pytest.param(Demand(shape="spike"), "spikes", id="spike"),
        pytest.param(Demand(shape="steady"), "steady", id="steady"),
        pytest.param(Demand(load_balanced=True), "load balancing", id="load-balanced"),
        pytest.param(Demand(public=False), "internal", id="internal"),
        pytest.param(Demand(growth=0.5), "growth", id="growth-of-no-load"),
        pytest.param(Demand(latency_ms=50), "latency", id="latency-of-no-load"),
        pytest.param(Demand(reads_per_request=20), "queries", id="queries-of-no-load"),
        pytest.param(Demand(data=Bytes.of_gib(50)), "data", id="data-without-a-place"),
        pytest.param(Demand(failover=True), "failover", id="failover-of-no-database"),
    ],
)
def test_wishes_beyond_the_plan_are_said(demand, word):
    said = [entry.message for entry in sized(demand).findings if entry.rule == "not-planned"]
    assert len(said) == 1
    assert word in said[0]


def test_state_that_only_one_side_knows_of_is_said():
    assert "stateful-without-path" in rules(sized(Demand(stateful=True)))
    assert "state-found" in rules(sized(Demand(stateful=False), service(stateful=True)))
    assert {"stateful-without-path", "state-found"}.isdisjoint(
        rules(sized(Demand(stateful=True), service(stateful=True)))
    )


# step 7


def test_without_zero_downtime_the_minimum_follows_the_average():
    api = sized(Demand(qps_peak=20_000.0, criticality="high")).services[0]
    assert api.hpa is not None
    assert api.hpa.min == max(3, math.ceil(api.replicas / 3))


def test_an_existing_database_caps_the_autoscaler():
    demand = Demand(qps_peak=30_000.0, zero_downtime=True)
    made = sized(demand)
    assert made.services[0].hpa is not None
    assert made.services[0].hpa.max == 40
    assert "existing postgresql" in decision(made, "services.api.hpa.max").why


# step 8


@pytest.mark.parametrize(
    ("runtime", "in_flight", "cores", "mib"),
    [
        pytest.param(RUST, 100, 1.0, 128, id="rust-115"),
        pytest.param(DOTNET, 100, 1.0, 192, id="dotnet-187"),
        pytest.param(NODE, 100, 1.0, 192, id="node-137"),
        pytest.param(NEST, 100, 1.0, 256, id="nest-237"),
        pytest.param(PYTHON_ASYNC, 10, 1.0, 128, id="fastapi-one-worker"),
        pytest.param(DJANGO, 10, 1.0, 448, id="django-three-workers"),
        pytest.param(RUBY, 10, 1.0, 384, id="rails-one-worker"),
        pytest.param(PHP, 10, 1.0, 768, id="php-twelve-children"),
        pytest.param(BEAM, 100, 1.0, 192, id="beam"),
        pytest.param(JVM, 100, 2.0, 768, id="jvm-twice-the-heap"),
        pytest.param(JVM, 500, 2.0, 1280, id="jvm-heap-and-512"),
        pytest.param(JVM, 2000, 2.0, 3008, id="jvm-three-quarters"),
        pytest.param(JVM, 0, 0.5, 512, id="jvm-floor"),
    ],
)
def test_memory(runtime, in_flight, cores, mib):
    found = pod_memory("api", runtime, in_flight=in_flight, cores=cores, image_floor=None, hint=None)
    assert found.size == Bytes.of_mib(mib)


def test_a_heap_of_the_image_is_kept():
    made = sized(Demand(), service(language="java", framework="spring-boot", memory_floor=Bytes.of_mib(768)))
    assert made.services[0].limits.memory == Bytes.of_mib(1280)
    assert made.services[0].runtime_env == {"JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=60.0"}


def test_node_learns_its_heap():
    api = sized(Demand(), service(language="javascript", framework="express")).services[0]
    assert api.runtime_env == {"NODE_OPTIONS": "--max-old-space-size=96"}


def test_memory_that_the_description_asks_for():
    made = sized(Demand(qps_peak=100.0, memory_hint=Bytes.of_gib(2)))
    assert made.services[0].limits.memory == Bytes.of_gib(2)
    assert decision(made, "services.api.requests.memory").origin == "user"


def test_declared_sizes_are_shown_and_never_copied():
    declared = Declared(replicas=7, cpu_request=MilliCpu(40), memory_request=Bytes.of_mib(64), evidence=SEEN)
    made = sized(GOLDEN_DEMAND, service(declared=declared))
    assert made.services[0].requests.cpu == MilliCpu(850)
    assert "40m" in decision(made, "services.api.requests.cpu").rejected[0]
    assert "7" in decision(made, "services.api.replicas").rejected[0]
    assert "64Mi" in decision(made, "services.api.requests.memory").rejected[0]


def test_a_windows_image_is_said():
    assert "windows-image" in rules(sized(GOLDEN_DEMAND, service(windows=True)))


# step 9


@pytest.mark.parametrize(
    ("demand", "budget"),
    [
        pytest.param(Demand(criticality="dev"), None, id="one-pod-none"),
        pytest.param(Demand(), Pdb(min_available=1), id="two-pods-one-stays"),
        pytest.param(Demand(criticality="high"), Pdb(max_unavailable=1), id="three-pods-one-goes"),
        pytest.param(Demand(criticality="dev", qps_peak=2000.0), Pdb(max_unavailable=1), id="may-shrink-to-one"),
    ],
)
def test_budget_never_stops_a_drain(demand, budget):
    assert sized(demand).services[0].pdb == budget


def test_a_jvm_gets_time_to_start():
    assert sized(Demand(), service(language="java")).services[0].rollout.startup_seconds == 120


def test_hard_spread_needs_two_zones_and_room():
    assert sized(Demand()).services[0].spread.hard
    one_zone = tuple(entry.model_copy(update={"zone": "a"}) for entry in snapshot().nodes)
    assert not sized(Demand(), snapshot=snapshot(nodes=one_zone)).services[0].spread.hard
    assert not sized(Demand(), snapshot=ClusterSnapshot()).services[0].spread.hard


# step 13


def test_erlang_c_of_one_server_is_its_load():
    assert erlang_c(1, 0.65) == pytest.approx(0.65)


@pytest.mark.parametrize(
    ("rho", "waits"),
    [pytest.param(0.65, (7.3, 3.3, 1.4, 0.5), id="0.65"), pytest.param(0.80, (13.9, 6.6, 3.1, 1.4), id="0.80")],
)
def test_waits_of_the_method(rho, waits):
    assert [round(waiting(servers, rho), 1) for servers in (1, 2, 4, 8)] == list(waits)


def test_a_strict_latency_lowers_the_target():
    rails = {"language": "ruby", "framework": "rails"}
    lax = sized(Demand(qps_peak=100.0, latency_ms=500.0), service(**rails))
    strict = sized(Demand(qps_peak=100.0, latency_ms=55.0), service(**rails))
    assert strict.services[0].latency_p95_ms is not None
    assert strict.services[0].latency_p95_ms <= 55
    assert value(strict, "services.api.target_cpu_percent") < value(lax, "services.api.target_cpu_percent")
    assert "target-lowered-for-latency" in rules(strict)


def test_a_latency_out_of_reach_is_refused_with_the_least_that_is_possible():
    made = refused(
        demand=Demand(qps_peak=100.0, latency_ms=20.0), profile=profile(service(language="ruby", framework="rails"))
    )
    assert isinstance(made, Refusal)
    assert made.code is Code.CAPACITY
    assert "at least 46.1" in made.message


# step 14


@pytest.mark.parametrize(
    ("known", "defaulted", "confidence"),
    [
        pytest.param(True, False, 0.436, id="cold"),
        pytest.param(True, True, 0.414, id="mix-assumed"),
        pytest.param(False, False, 0.398, id="framework-unknown"),
    ],
)
def test_confidence(known, defaulted, confidence):
    assert round(sureness(known_framework=known, defaulted_mix=defaulted).value, 3) == confidence


def test_an_unknown_framework_makes_a_draft_with_a_load_test():
    made = sized(GOLDEN_DEMAND, service(framework="in-house"))
    assert made.confidence.draft
    finding = next(entry for entry in made.findings if entry.rule == "low-confidence")
    assert "Load-test" in finding.remedy
    assert "framework-not-measured" in rules(made)


def test_the_bound_for_drafts_is_configured():
    assert plan(config=Config(draft_below_confidence=0.5)).confidence.draft


def test_memory_near_the_largest_quantity_does_not_overflow() -> None:
    assert 1024**4 * 0.99 < round_up(2**63 / 2**20) == round_up(float("1e300")) <= 1024**4
    assert round_up(1) == 64
