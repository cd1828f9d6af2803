"""What a model may say of a number, and how what it says is read."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config, Limits
from bot.model.demand import Demand
from bot.model.evidence import Evidence, Observed, Workload
from bot.model.plan import Plan
from bot.model.quantity import GIB, MIB, Bytes, MilliCpu, Resources
from bot.model.refinement import Adjustment, Refinement
from bot.planning.limits import as_written, bounds_of, clamp, read_number
from tests.daily import searched
from tests.planning.builders import GOLDEN_DEMAND, decision, plan, planned, profile, service, snapshot, worker

FILES = service(name="files", path="files", stateful=True, dependencies=())
PULLER = service(name="puller", path="puller", kind="worker", ports=(), endpoints=())
ENDS = service(name="ends", path="ends", kind="job", ports=(), endpoints=())
WEB = service(name="web", path="web", kind="static", language="javascript", framework="react", dependencies=())
JSON = service(name="json", path="json", dependencies=())
ALL = profile(service(), FILES, PULLER, ENDS, WEB, JSON)
KEYS = ("replicas", "max", "cpu", "memory", "reads", "writes", "weight")


def bounds(key: str, *, of: str = "api", most: int = 50, **changes: object):
    config = Config(limits=Limits(max_replicas=most))
    return bounds_of(plan(config=config, **changes), of, key, config=config)


def refined(key: str, text: str, origin: str = "user") -> dict[str, object]:
    return {"refinements": (Refinement(service="api", key=key, value=text, origin=origin),)}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("replicas", (3, 6, 3)),
        ("max", (5, 20, 10)),
        ("cpu", (425, 1_700, 850)),
        ("memory", (103 * MIB, 256 * MIB, 128 * MIB)),
        ("reads", (1.5, 6.0, 3.0)),
        ("writes", (0.1, 0.4, 0.2)),
        ("weight", (0.5, 2.0, 1.0)),
    ],
)
def test_half_and_twice_of_the_rule_narrowed_by_tier_and_need(key, expected):
    assert bounds(key) == expected
    assert [type(each) for each in bounds(key)] == [type(each) for each in expected]


def test_policy_narrows_pods():
    assert bounds("replicas", most=4) == (3, 4, 3)
    assert bounds("max", most=8) == (4, 8, 8)


def test_room_that_capped_the_autoscaler_is_a_bound():
    tight = Resources(cpu=MilliCpu(2000), memory=Bytes.of_gib(4))
    nodes = tuple(worker(f"k{number}", capacity=tight, promised=Resources()) for number in range(3))
    demand = Demand(qps_peak=2000.0, zero_downtime=True)
    assert bounds("max", snapshot=snapshot(nodes=nodes), demand=demand) == (3, 6, 6)


@pytest.mark.parametrize(
    ("of", "key"),
    [
        *(("cart", key) for key in KEYS),
        ("files", "replicas"),
        ("files", "max"),
        ("ends", "replicas"),
        ("ends", "max"),
        ("puller", "max"),
        *((of, key) for of in ("web", "json") for key in ("reads", "writes", "weight")),
    ],
)
def test_there_is_no_such_number(of, key):
    assert bounds(key, of=of, profile=ALL, snapshot=ClusterSnapshot()) is None


@pytest.mark.parametrize(("of", "key"), [("files", "cpu"), ("ends", "memory"), ("puller", "replicas"), ("json", "cpu")])
def test_other_numbers_of_the_same_services_are_there(of, key):
    assert bounds(key, of=of, profile=ALL, snapshot=ClusterSnapshot()) is not None


@pytest.mark.parametrize(("key", "text"), [("replicas", "4"), ("max", "12"), ("cpu", "1"), ("memory", "1Gi")])
def test_what_a_person_fixed_is_none_of_a_models_business(key, text):
    assert bounds(key, **refined(key, text)) is None


def test_what_a_person_fixed_narrows_its_neighbours():
    assert bounds("replicas", **refined("max", "4")) == (3, 4, 3)
    assert bounds("replicas", **refined("min", "2"))[0] == 3
    assert bounds("cpu", **refined("cpu_limit", "900m")) == (425, 900, 850)
    assert bounds("memory", **refined("memory_limit", "200Mi")) == (103 * MIB, 200 * MIB, 128 * MIB)


def test_what_a_model_moved_keeps_the_bounds_of_the_rule():
    assert bounds("replicas", **refined("replicas", "5", "model")) == (3, 6, 3)
    assert bounds("cpu", **refined("cpu", "1", "model-clamped")) == (425, 1_700, 850)
    entry = Adjustment(service="api", key="reads", value=6.0, origin="model", why="", source="x")
    assert bounds("reads", adjustments=(entry,)) == (1.5, 6.0, 3.0)


def test_memory_that_was_measured_or_that_a_heap_fixes_is_never_lowered():
    seen = Observed(
        workload=Workload(namespace="shop", name="api"),
        source_id="metrics:shop/api",
        window=1e6,
        points=500,
        memory_max=Bytes.of_mib(400),
        seconds_per_request=0.001,
    )
    evidence = Evidence(observed=(seen,))
    assert bounds("memory", evidence=evidence) == (512 * MIB, GIB, 512 * MIB)
    assert bounds("weight", evidence=evidence) is None
    assert bounds("reads", evidence=evidence) == (1.5, 6.0, 3.0)
    low, _, rule = bounds("memory", profile=profile(service(language="java", framework="spring-boot")))
    assert low == rule


@pytest.mark.parametrize("value", [None, True, False, math.nan, math.inf, -math.inf, 1e308, -1, 10**30, "", "NaN"])
@pytest.mark.parametrize("key", KEYS)
def test_l02_what_is_no_number_is_a_sentence(key, value):
    found = read_number(key, value)
    assert isinstance(found, str)
    assert found.startswith(key)
    assert found.endswith(".")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, value) for key in ("replicas", "max") for value in (0, 2.5, 1e9, "2.5", "three", "3 pods", "0x3", "٣")),
        *(("cpu", value) for value in (500, "500", "0.5m", "4 bananas", "1e99", "-1", "500 m", "0", 0.001)),
        *(("memory", value) for value in (512, "512", "512MB", "1e99", "-1Gi", "1 Gi", "3Ti", 0.5, "0.5")),
        *(("reads", value) for value in ("3 reads", "1e3", "-1", 10_001, "3,5")),
        ("weight", 0),
        ("writes", "+1"),
    ],
)
def test_l02_wrong_units_and_numbers_out_of_range_are_a_sentence(key, value):
    assert isinstance(read_number(key, value), str)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("replicas", 3, 3),
        ("replicas", 3.0, 3),
        ("replicas", "3", 3),
        ("max", 12, 12),
        ("cpu", "450m", 450),
        ("cpu", "1.5", 1_500),
        ("cpu", 2, 2_000),
        ("cpu", 0.5, 500),
        ("memory", "256Mi", 256 * MIB),
        ("memory", "1G", 954 * MIB),
        ("memory", 268_435_456, 256 * MIB),
        ("memory", 268_435_456.0, 256 * MIB),
        ("reads", 4, 4.0),
        ("writes", 0, 0.0),
        ("reads", "2.5", 2.5),
        ("weight", 1.5, 1.5),
    ],
)
def test_l02_what_is_a_number_is_read_in_one_unit(key, value, expected):
    found = read_number(key, value)
    assert found == expected
    assert type(found) is type(expected)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=60)
    | st.from_regex(r"-?[0-9.]{1,9}[a-zA-Z]{0,2}")
)


@searched(100)
@given(st.sampled_from(KEYS), SCALARS)
def test_l02_whatever_a_model_says_is_a_plain_number_or_a_sentence(key, value):
    found = read_number(key, value)
    if isinstance(found, str):
        assert found.startswith(key)
        assert len(found) < 200
        return
    assert type(found) is (float if key in {"reads", "writes", "weight"} else int)
    assert 0 <= found < 2**63


@pytest.mark.parametrize(("value", "expected"), [(1, 2), (2, 2), (3, 3), (9, 9), (10, 9), (2.5, 2.5)])
def test_a_value_beyond_a_bound_becomes_the_bound(value, expected):
    assert clamp(value, 2, 9) == expected


@pytest.mark.parametrize(
    ("key", "number", "text"),
    [
        ("replicas", 3, "3"),
        ("cpu", 450, "450m"),
        ("cpu", 2_000, "2"),
        ("memory", 256 * MIB, "256Mi"),
        ("memory", 1, "1Mi"),
    ],
)
def test_a_number_is_written_as_a_refinement_wants_it(key, number, text):
    assert as_written(key, number) == text


STACKS = st.sampled_from([("go", "gin"), ("java", "spring-boot"), ("javascript", "express"), ("python", "fastapi")])


@searched(80)
@example("replicas", 2, ("java", "spring-boot"), Demand(qps_peak=2401.0), 6)
@given(
    st.sampled_from(("replicas", "max", "cpu", "memory")),
    st.integers(-10, 10**12) | st.floats(0, 20),
    STACKS,
    st.builds(
        Demand,
        qps_peak=st.none() | st.floats(1, 5_000),
        criticality=st.sampled_from(["dev", "standard", "high", "critical"]),
    ),
    st.integers(3, 40),
)
def test_a_clamped_number_is_taken_and_stays_within_policy(key, wanted, stack, demand, most):
    config = Config(limits=Limits(max_replicas=most))
    facts = {
        "profile": profile(service(language=stack[0], framework=stack[1])),
        "demand": demand,
        "snapshot": ClusterSnapshot(),
        "config": config,
    }
    ruled = planned(**facts)
    if not isinstance(ruled, Plan):
        return
    found = bounds_of(ruled, "api", key, config=config)
    assert found is not None
    low, high, rule = found
    assert 0 < low <= rule <= high <= max(2 * rule, rule)
    number = clamp(low + wanted * rule, low, high)
    entry = Refinement(service="api", key=key, value=as_written(key, number), origin="model", why="w", source="s")
    made = plan(refinements=(entry,), **facts)
    api, n_min = made.services[0], decision(ruled, "services.api.n_min").value
    assert n_min <= api.replicas <= max(most, ruled.services[0].replicas)
    assert api.hpa is None or api.replicas <= api.hpa.max <= most
    assert api.requests.cpu >= 10
    # Of memory itself a model takes the margin at most; where it moves pods, memory follows the requests in flight of
    # each pod, and these are at least half as many as the rule's.
    share = 1.25 if key == "memory" else 2
    assert api.requests.memory >= ruled.services[0].requests.memory / share


def test_the_golden_bounds_leave_room_for_the_golden_case():
    ruled = plan(demand=GOLDEN_DEMAND)
    for key in KEYS:
        low, high, rule = bounds_of(ruled, "api", key, config=Config())
        assert low <= rule <= high
