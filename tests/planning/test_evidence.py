"""Planning that rests on evidence: measured use, similar services, troubles, and how sure it makes the plan."""

from __future__ import annotations

import pytest

from bot.model.cluster import ClusterSnapshot
from bot.model.demand import Demand
from bot.model.evidence import Evidence, Neighbour, Observed, Trouble, Workload
from bot.model.finding import Finding
from bot.model.plan import Plan
from bot.model.profile import AppProfile
from bot.model.quantity import GIB, MIB, Bytes, MilliCpu
from bot.planning.budget import Purse
from bot.planning.cost import cost_of
from tests.planning.builders import (
    GOLDEN_DEMAND,
    decision,
    plan,
    profile,
    refused,
    rules,
    service,
    value,
)

API = Workload(namespace="shop", name="api")
FORTNIGHT = 14 * 86_400.0
DAY = 86_400.0
HOUR = 3_600.0
UNSTATED = Demand(zero_downtime=True)


def observed(**changes: object) -> Observed:
    facts = {
        "workload": API,
        "source_id": "metrics:shop/api",
        "window": FORTNIGHT,
        "points": 4_032,
        "age": 120.0,
    }
    return Observed.model_validate({**facts, **changes})


def measured(*found: Observed, **changes: object) -> Plan:
    return plan(evidence=Evidence(observed=found), **changes)


def trouble(kind: str, **changes: object) -> Trouble:
    facts = {"workload": API, "source_id": "event:shop/api", "kind": kind, "count": 3, "text": "@org/team look"}
    return Trouble.model_validate({**facts, **changes})


def messages(made: Plan, rule: str) -> list[str]:
    return [entry.message for entry in made.findings if entry.rule == rule]


# CPU of a request


def test_a_measured_request_beats_the_table_and_says_where_from_and_how_old():
    made = measured(observed(seconds_per_request=0.001))
    found = decision(made, "services.api.cpu_ms_per_request")
    assert (found.value, found.origin, found.tag, found.source) == (1.0, "rule", "M", "metrics:shop/api")
    assert "measured over 14 d, newest sample 2 min old" in found.why
    assert found.formula == "c_req = dCPU / dRequests = 1 ms"
    assert found.rejected[0].startswith("0.71097 ms: 1 * (0.53 + 0.47*3")
    assert value(made, "services.api.busy_cores") == 2.0
    assert decision(made, "services.api.busy_cores").tag == "M"


def test_reads_and_writes_are_still_the_databases():
    made = measured(observed(seconds_per_request=0.001))
    assert decision(made, "services.api.cpu_ms_per_request").inputs == {"k": 3.0, "w": 0.2}
    assert [machine.cores for machine in made.machines] == [8, 8]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"points": 99}, id="too-few-points"),
        pytest.param({"age": 3_601.0}, id="older-than-an-hour"),
        pytest.param({"age": float("nan")}, id="age-is-no-number"),
        pytest.param({"seconds_per_request": None}, id="no-data-is-not-zero"),
        pytest.param({"seconds_per_request": 0.0}, id="zero"),
        pytest.param({"seconds_per_request": -1.0}, id="negative"),
        pytest.param({"seconds_per_request": float("nan")}, id="not-a-number"),
        pytest.param({"seconds_per_request": float("inf")}, id="infinite"),
        pytest.param({"seconds_per_request": 1e6}, id="eleven-days-per-request"),
        pytest.param({"workload": Workload(namespace="shop", name="other")}, id="another-workload"),
    ],
)
def test_s03_what_is_thin_old_or_impossible_moves_no_number(changes):
    made = measured(observed(**{"seconds_per_request": 0.001, **changes}))
    plain = plan()
    assert made.services == plain.services
    assert made.decisions == plain.decisions


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"points": 99}, "99 points, where 100 are needed"), ({"age": 7_300.0}, "the newest sample is 2 h old")],
)
def test_s03_metrics_that_were_not_used_are_said(changes, says):
    [message] = messages(measured(observed(seconds_per_request=0.001, **changes)), "metrics-not-used")
    assert says in message


def test_an_age_that_nobody_told_is_shown_as_such():
    made = measured(observed(seconds_per_request=0.001, age=None))
    assert "newest sample of unknown age" in decision(made, "services.api.cpu_ms_per_request").why


def test_the_namespace_of_the_plan_comes_before_another_one():
    elsewhere = observed(workload=Workload(namespace="staging", name="api"), seconds_per_request=0.002)
    both = measured(elsewhere, observed(seconds_per_request=0.001))
    assert value(both, "services.api.cpu_ms_per_request") == 1.0
    assert value(measured(elsewhere), "services.api.cpu_ms_per_request") == 2.0


@pytest.mark.parametrize(("seconds", "said"), [(0.00071 * 3.9, False), (0.00071 * 4.1, True), (0.00071 / 4.1, True)])
def test_a_measurement_far_from_the_table_is_said(seconds, said):
    assert ("measured-far-from-table" in rules(measured(observed(seconds_per_request=seconds)))) is said


def test_a_measured_request_never_makes_the_latency_target_impossible():
    slow = {"demand": Demand(qps_peak=20.0, zero_downtime=True)}
    made = measured(observed(seconds_per_request=0.1), **slow)
    assert value(made, "services.api.busy_cores") == 2.0
    assert made.services[0].latency_p95_ms < 200
    [message] = messages(made, "latency-by-table")
    assert "100 ms of CPU per request" in message


def test_a_refusal_that_a_measurement_caused_names_it():
    refusal = refused(evidence=Evidence(observed=(observed(seconds_per_request=0.05),)))
    assert refusal.code == "policy"
    assert "metrics:shop/api" in refusal.message


# busy cores


def test_without_a_rate_measured_use_of_all_pods_stands_in_its_place():
    made = measured(observed(cpu_p95=MilliCpu(400), pods=4), demand=UNSTATED)
    busy = decision(made, "services.api.busy_cores")
    assert (busy.value, busy.tag, busy.source) == (1.84, "M", "metrics:shop/api")
    assert busy.formula == "C = p95 400m * 1.15 * 4 pods = 1.84"
    assert busy.rejected == ("the floor of its tier",)
    assert made.services[0].requests.cpu > plan(demand=UNSTATED).services[0].requests.cpu
    assert "load-not-stated" not in rules(made)
    assert "load-measured" in rules(made)
    assert value(made, "services.api.qps") is None
    assert made.services[0].latency_p95_ms is None


def test_a_critical_service_follows_its_p98():
    one = observed(cpu_p95=MilliCpu(400), cpu_p98=MilliCpu(500), pods=4)
    made = measured(one, demand=Demand(criticality="critical"))
    assert value(made, "services.api.measured.cpu_p98") == "500m"
    assert value(made, "services.api.busy_cores") == pytest.approx(2.3)


@pytest.mark.parametrize(
    "changes", [{"window": 6 * DAY}, {"span": 6 * DAY}, {"pods": None}, {"pods": 0}, {"cpu_p95": None}]
)
def test_less_than_a_week_or_no_pods_is_no_load(changes):
    made = measured(observed(**{"cpu_p95": MilliCpu(400), "pods": 4, **changes}), demand=UNSTATED)
    assert made.services == plan(demand=UNSTATED).services
    assert "load-not-stated" in rules(made)


def test_with_a_rate_and_no_request_metric_use_is_a_floor_that_is_said():
    less = measured(observed(cpu_p95=MilliCpu(100), pods=3))
    assert value(less, "services.api.busy_cores") == 1.42194
    assert value(less, "services.api.measured.cpu_p95") == "100m"
    more = measured(observed(cpu_p95=MilliCpu(900), pods=3))
    busy = decision(more, "services.api.busy_cores")
    assert busy.value == 3.105
    assert busy.rejected[0].startswith("1.42194: C = 2000 *")
    assert "measured-use-above-plan" in rules(more)


def test_with_a_measured_request_use_is_shown_and_moves_nothing():
    made = measured(observed(seconds_per_request=0.001, cpu_p95=MilliCpu(5_000), pods=9))
    assert value(made, "services.api.busy_cores") == 2.0
    assert value(made, "services.api.measured.cpu_p95") == "5"


def test_a_worker_is_sized_by_its_use():
    worker = profile(service(kind="worker", ports=(), endpoints=()))
    made = measured(observed(cpu_p95=MilliCpu(600), pods=2), profile=worker)
    assert made.services[0].hpa is None
    assert value(made, "services.api.busy_cores") == 1.38
    assert made.services[0].requests.cpu > MilliCpu(100)


# confidence


@pytest.mark.parametrize(
    ("changes", "confidence"),
    [
        pytest.param({"seconds_per_request": 0.001}, 0.861, id="a-week-and-more"),
        pytest.param({"seconds_per_request": 0.001, "window": DAY}, 0.589, id="a-day"),
        pytest.param({"seconds_per_request": 0.001, "span": DAY}, 0.589, id="a-day-of-data-in-a-fortnight"),
        pytest.param({"memory_max": Bytes.of_mib(100)}, 0.414, id="memory-says-nothing-of-cores"),
        pytest.param({"cpu_p95": MilliCpu(900), "pods": 3}, 0.861, id="use-of-a-week"),
        pytest.param({"cpu_p95": MilliCpu(10), "pods": 3}, 0.414, id="use-that-is-no-floor"),
    ],
)
def test_confidence_is_earned_by_what_was_measured(changes, confidence):
    assert measured(observed(**changes)).confidence.value == confidence


def test_a_measured_request_without_any_load_makes_nobody_sure():
    assert measured(observed(seconds_per_request=0.001), demand=UNSTATED).confidence.value == 0.414


def test_a_surer_plan_has_a_lower_upper_bound():
    assert measured(observed(seconds_per_request=0.00071)).services[0].hpa.max < plan().services[0].hpa.max


# memory


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        pytest.param({"memory_max": Bytes.of_mib(210)}, "256Mi", id="15-percent-and-up-to-64"),
        pytest.param({"memory_max": Bytes.of_mib(20)}, "128Mi", id="floor"),
        pytest.param({"memory_max": Bytes.of_mib(210), "window": 2 * HOUR}, "128Mi", id="two-hours"),
        pytest.param({"memory_max": Bytes.of_mib(210), "window": 3 * HOUR}, "256Mi", id="three-hours"),
        pytest.param({"memory_max": Bytes.of_mib(210), "points": 99}, "128Mi", id="few-points"),
        pytest.param({"memory_max": Bytes(0)}, "128Mi", id="no-memory-is-no-measurement"),
        pytest.param({"memory_max": Bytes.of_gib(5_000)}, "128Mi", id="five-tebibytes"),
    ],
)
def test_memory_is_the_measured_maximum_with_its_margin(changes, size):
    made = measured(observed(**changes))
    api = made.services[0]
    assert api.requests.memory == api.limits.memory == Bytes.parse(size)
    assert value(made, "services.api.requests.memory") == value(made, "services.api.limits.memory") == size


def test_measured_memory_cites_its_source_and_shows_the_formula_beside():
    found = decision(measured(observed(memory_max=Bytes.of_mib(210))), "services.api.requests.memory")
    assert (found.tag, found.source, found.origin) == ("M", "metrics:shop/api", "rule")
    assert found.rejected[0].startswith("128Mi: M = 24 + ")
    assert "measured over 14 d, newest sample 2 min old" in found.why


def test_measured_memory_may_be_less_than_the_formula():
    django = {"profile": profile(service(language="python", framework="django")), "demand": UNSTATED}
    assert plan(**django).services[0].limits.memory == 320 * MIB
    assert measured(observed(memory_max=Bytes.of_mib(150)), **django).services[0].limits.memory == 192 * MIB


def test_a_heap_that_something_else_fixes_is_a_floor():
    jvm = profile(service(language="java", framework="spring-boot"))
    small = measured(observed(memory_max=Bytes.of_mib(200)), profile=jvm).services[0]
    assert small.limits.memory == plan(profile=jvm).services[0].limits.memory
    own = profile(service(language="javascript", framework="express", memory_floor=Bytes.of_mib(1_500)))
    assert measured(observed(memory_max=Bytes.of_mib(200)), profile=own).services[0].limits.memory == 2_048 * MIB


def test_a_jvms_heap_stays_what_it_is_when_its_limit_grows():
    jvm = profile(service(language="java", framework="spring-boot"))
    before = plan(profile=jvm).services[0]
    after = measured(observed(memory_max=Bytes.of_gib(1)), profile=jvm).services[0]

    def heap(entry: object) -> float:
        share = float(entry.runtime_env["JAVA_TOOL_OPTIONS"].partition("=")[2])
        return share * entry.limits.memory / 100

    assert after.limits.memory > before.limits.memory
    assert heap(after) == pytest.approx(heap(before), rel=0.01)


def test_node_is_told_its_share_of_measured_memory():
    node = profile(service(language="javascript", framework="express"))
    made = measured(observed(memory_max=Bytes.of_mib(400)), profile=node).services[0]
    assert made.limits.memory == 512 * MIB
    assert made.runtime_env == {"NODE_OPTIONS": "--max-old-space-size=384"}


def test_what_the_user_asked_for_is_a_floor():
    wanted = GOLDEN_DEMAND.model_copy(update={"memory_hint": Bytes.of_gib(1)})
    made = measured(observed(memory_max=Bytes.of_mib(300)), demand=wanted)
    assert made.services[0].limits.memory == GIB
    assert decision(made, "services.api.requests.memory").origin == "user"


# troubles


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        (Bytes.of_mib(128), "256Mi"),
        (Bytes.of_gib(2), "2560Mi"),
        (Bytes.of_mib(16), "128Mi"),
        (Bytes.of_gib(9_000), "128Mi"),
    ],
)
def test_a_pod_that_ran_out_of_memory_gets_more_than_the_limit_that_killed_it(limit, size):
    made = plan(evidence=Evidence(troubles=(trouble("oom-killed", limit=limit),)))
    assert made.services[0].limits.memory == Bytes.parse(size)
    assert "oom-killed" in rules(made)
    found = decision(made, "services.api.limits.memory")
    assert (found.source == "event:shop/api") is (size != "128Mi")


def test_the_larger_of_measured_memory_and_the_limit_that_killed_stands():
    killed = (trouble("oom-killed", limit=Bytes.of_mib(256)), trouble("oom-killed", limit=Bytes.of_mib(128)))
    seen = (observed(memory_max=Bytes.of_mib(250)),)
    made = plan(evidence=Evidence(observed=seen, troubles=killed))
    assert made.services[0].limits.memory == 384 * MIB
    larger = (observed(memory_max=Bytes.of_mib(900)),)
    assert plan(evidence=Evidence(observed=larger, troubles=killed)).services[0].limits.memory == 1_088 * MIB


@pytest.mark.parametrize("kind", ["oom-killed", "restarts", "crash-loop", "throttled", "unschedulable"])
def test_a_trouble_is_a_warning_with_a_remedy_and_without_the_clusters_words(kind):
    made = plan(evidence=Evidence(troubles=(trouble(kind), trouble(kind, count=7))))
    [found] = [entry for entry in made.findings if entry.rule == kind]
    assert found.severity == "warn"
    assert found.remedy
    assert "event:shop/api" in found.message
    assert "@org" not in found.message
    assert made.services == plan().services


@pytest.mark.parametrize(("share", "said"), [(0.05, False), (0.06, True), (1.0, True), (7.0, False), (None, False)])
def test_throttling_above_five_percent_is_said(share, said):
    assert ("throttled" in rules(measured(observed(throttled=share)))) is said


@pytest.mark.parametrize(("count", "said"), [(0, False), (2, True), (None, False)])
def test_restarts_that_the_metrics_saw_are_said(count, said):
    assert ("restarts" in rules(measured(observed(restarts=count)))) is said


def test_troubles_of_other_workloads_are_not_ours():
    other = Workload(namespace="shop", name="other")
    made = plan(evidence=Evidence(troubles=(trouble("oom-killed", workload=other, limit=Bytes.of_gib(1)),)))
    assert made == plan()


# similar services


def near(number: int, seconds: float | None, **changes: object) -> Neighbour:
    facts = {"language": "go", "framework": "gin", "kind": "api"}
    seen = observed(
        workload=Workload(namespace="other", name=f"n{number}"),
        source_id=f"metrics:other/n{number}",
        window=DAY,
        seconds_per_request=seconds,
    )
    return Neighbour.model_validate({**facts, "observed": seen, **changes})


def among(*neighbours: Neighbour, **changes: object) -> Plan:
    return plan(evidence=Evidence(neighbours=neighbours, **changes))


def test_two_similar_services_replace_the_table_by_their_geometric_mean():
    made = among(near(1, 0.0005), near(2, 0.002))
    found = decision(made, "services.api.cpu_ms_per_request")
    assert (found.value, found.origin, found.tag) == (1.0, "rule", "M")
    assert found.source == "metrics:other/n1, metrics:other/n2"
    assert found.rejected[0].startswith("0.71097 ms")
    assert made.confidence.value == 0.414


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.05, 1.42194), (0.00001, 0.35549)])
def test_similar_services_move_the_table_by_two_at_most(seconds, milliseconds):
    made = among(near(1, seconds), near(2, seconds))
    assert value(made, "services.api.cpu_ms_per_request") == pytest.approx(milliseconds, abs=1e-5)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(near(2, None), id="no-request-metric"),
        pytest.param(near(2, 0.002, framework="echo"), id="another-framework"),
        pytest.param(near(2, 0.002, language="java"), id="another-language"),
        pytest.param(near(2, 0.002, kind="web"), id="another-kind"),
        pytest.param(near(2, 0.002, observed=observed(seconds_per_request=0.002, age=2 * DAY)), id="of-yesterday"),
    ],
)
def test_one_similar_service_changes_nothing(second):
    assert among(near(1, 0.002), second) == plan()


def test_an_application_with_data_of_its_own_asks_no_neighbour():
    own = measured(observed(memory_max=Bytes.of_mib(210)))
    both = among(near(1, 0.002), near(2, 0.002), observed=(observed(memory_max=Bytes.of_mib(210)),))
    assert both == own


def test_similar_services_never_cause_a_refusal_of_the_size():
    crowd = {"demand": Demand(qps_peak=30_000.0, zero_downtime=True), "snapshot": ClusterSnapshot()}
    assert isinstance(plan(**crowd), Plan)
    made = plan(evidence=Evidence(neighbours=(near(1, 0.01), near(2, 0.01))), **crowd)
    assert made.services == plan(**crowd).services
    assert "limits.max_replicas" in messages(made, "neighbours-not-used")[0]


def test_files_are_served_at_the_same_price_everywhere():
    web = service(kind="static", language="javascript", framework="react", dependencies=())
    like = {"language": "javascript", "framework": "react", "kind": "static"}
    crowd = (near(1, 0.001, **like), near(2, 0.001, **like))
    assert plan(evidence=Evidence(neighbours=crowd), profile=profile(web)) == plan(profile=profile(web))


# the rest


def test_findings_of_the_evidence_stand_in_the_plan():
    silent = Finding(rule="prometheus-silent", severity="warn", message="It did not answer.", remedy="Look at it.")
    assert silent in plan(evidence=Evidence(findings=(silent,))).findings


def test_nothing_is_priced_without_services():
    purse = Purse("shop", "shop", budget=None, spends=(), demand=Demand())
    assert not cost_of((), (), prices=None, purse=purse)[0].priced
    assert plan(profile=AppProfile(name="shop")).cost.exceeded == ()
