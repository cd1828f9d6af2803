"""Whatever was measured, remembered or proposed: a plan or a refusal within policy, and a source for every number."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal
from bot.model.config import Config, Limits
from bot.model.demand import Demand
from bot.model.evidence import Correction, Evidence, Neighbour, Observed, Spend, Trouble, Workload
from bot.model.noun import JsonValue
from bot.model.plan import Plan
from bot.model.quantity import Bytes, MilliCpu
from bot.model.refinement import RULES, Adjustment, Refinement
from tests.daily import searched
from tests.planning.builders import planned, profile, service
from tests.planning.test_properties import numbers

MOST = 40
FILES = service(name="files", path="files", stateful=True, dependencies=())
PULLER = service(name="puller", path="puller", kind="worker", ports=(), endpoints=())
NAMES = st.sampled_from(["api", "files", "puller", "cart"])
ANY_FLOAT = st.floats() | st.floats(1e-7, 1.0) | st.sampled_from([0.0, -0.0, math.nan, math.inf, -1.0])
WORKLOADS = st.builds(Workload, namespace=st.sampled_from(["shop", "other"]), name=NAMES)
MILLI = st.integers(0, 2**62).map(MilliCpu) | st.integers(1, 8_000).map(MilliCpu)
BYTES = st.integers(0, 2**62).map(Bytes) | st.integers(1, 4_000).map(Bytes.of_mib)
COUNTS = st.integers(-(10**9), 10**9) | st.integers(0, 50)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


FULL = st.builds(
    Observed,
    workload=st.just(Workload(namespace="shop", name="api")) | WORKLOADS,
    source_id=st.just("metrics:x"),
    window=st.just(14 * 86_400.0),
    points=st.just(4_000),
    age=st.just(60.0),
    cpu_p95=maybe(MILLI),
    memory_max=maybe(BYTES),
    seconds_per_request=maybe(ANY_FLOAT | st.floats(1e-5, 0.01)),
    pods=maybe(st.integers(1, 60)),
)
OBSERVED = FULL | st.builds(
    Observed,
    workload=WORKLOADS,
    source_id=st.just("metrics:x"),
    window=ANY_FLOAT | st.sampled_from([86_400.0, 14 * 86_400.0]),
    points=COUNTS | st.just(4_000),
    age=maybe(ANY_FLOAT | st.just(60.0)),
    span=maybe(ANY_FLOAT | st.just(14 * 86_400.0)),
    cpu_p95=maybe(MILLI),
    cpu_p98=maybe(MILLI),
    memory_max=maybe(BYTES),
    seconds_per_request=maybe(ANY_FLOAT),
    peak_rate=maybe(ANY_FLOAT),
    pods=maybe(COUNTS),
    throttled=maybe(ANY_FLOAT),
    restarts=maybe(COUNTS),
)
TROUBLES = st.builds(
    Trouble,
    workload=WORKLOADS,
    source_id=st.just("event:x"),
    kind=st.sampled_from(["oom-killed", "restarts", "crash-loop", "throttled", "unschedulable"]),
    count=COUNTS,
    limit=maybe(BYTES),
    text=st.just("@org/team"),
)
CORRECTIONS = st.builds(
    Correction,
    service=NAMES,
    key=st.sampled_from(list(RULES)),
    proposed=st.just("1"),
    merged=st.sampled_from(["1", "7", "90", "300m", "2", "256Mi", "3Gi", "20Gi", "", "nonsense"]),
    source_id=st.just("correction:x"),
)
NEIGHBOURS = st.builds(
    Neighbour,
    language=st.sampled_from(["go", None]),
    framework=st.sampled_from(["gin", None]),
    kind=st.sampled_from(["api", "web"]),
    observed=OBSERVED,
)
SPENDS = st.builds(Spend, app=NAMES, monthly=ANY_FLOAT, currency=st.sampled_from(["EUR", "USD"]))
EVIDENCE = st.builds(
    Evidence,
    observed=st.lists(OBSERVED, max_size=3).map(tuple),
    neighbours=st.lists(NEIGHBOURS, max_size=3).map(tuple),
    troubles=st.lists(TROUBLES, max_size=3).map(tuple),
    corrections=st.lists(CORRECTIONS, max_size=3).map(tuple),
    spends=st.lists(SPENDS, max_size=2).map(tuple),
)
ADJUSTMENTS = st.lists(
    st.builds(
        Adjustment,
        service=NAMES,
        key=st.sampled_from(["reads", "writes", "weight"]),
        value=ANY_FLOAT | st.floats(0.1, 6),
        origin=st.sampled_from(["model", "model-clamped"]),
        why=st.just("because"),
        source=st.just("sizing-7.2"),
    ),
    max_size=3,
).map(tuple)
MODELS = st.lists(
    st.sampled_from([("replicas", "4"), ("replicas", "60"), ("max", "2"), ("cpu", "20m"), ("memory", "3Gi")]),
    max_size=2,
).map(
    lambda chosen: tuple(
        Refinement(service="api", key=key, value=text, origin="model", why="w", source="s") for key, text in chosen
    )
)
DEMANDS = st.builds(
    Demand,
    qps_peak=maybe(st.floats(1, 3_000)),
    zero_downtime=st.booleans(),
    criticality=maybe(st.sampled_from(["dev", "standard", "critical"])),
)


def made_from(demand: Demand, **heard: object) -> Plan | Refusal:
    config = Config(limits=Limits(max_replicas=MOST))
    return planned(demand=demand, profile=profile(service(), FILES, PULLER), config=config, **heard)


def by_path(made: Plan) -> dict[str, JsonValue]:
    return {entry.path: entry.value for entry in made.decisions}


@searched(100)
@given(EVIDENCE, ADJUSTMENTS, MODELS, DEMANDS)
def test_any_evidence_gives_a_plan_or_a_refusal_within_policy(evidence, adjustments, models, demand):
    heard = {"evidence": evidence, "adjustments": adjustments, "refinements": models}
    made = made_from(demand, **heard)
    assert made_from(demand, **heard) == made
    if isinstance(made, Refusal):
        assert made.code in {"policy", "capacity"}
        assert made.remedy
        return
    for entry in made.services:
        assert 1 <= entry.replicas <= MOST
        assert entry.hpa is None or 1 <= entry.hpa.min <= entry.replicas <= entry.hpa.max <= MOST
        assert 0 < entry.requests.cpu <= (entry.limits.cpu or entry.requests.cpu)
        assert 0 < entry.requests.memory <= entry.limits.memory
    assert made.services[1].replicas == 1
    assert len({entry.path for entry in made.decisions}) == len(made.decisions)
    assert all(math.isfinite(number) for number in numbers(json.loads(made.model_dump_json())))
    assert Plan.model_validate_json(made.model_dump_json(by_alias=True)) == made
    assert "@org" not in made.model_dump_json()


@searched(60)
@given(EVIDENCE, ADJUSTMENTS, MODELS, DEMANDS)
def test_every_number_that_moved_has_a_decision_with_its_source(evidence, adjustments, models, demand):
    plain = made_from(demand)
    made = made_from(demand, evidence=evidence, adjustments=adjustments, refinements=models)
    if isinstance(made, Refusal) or isinstance(plain, Refusal):
        return
    before, after = by_path(plain), by_path(made)
    for entry in made.services:
        stated = {
            "replicas": entry.replicas,
            "requests.cpu": entry.requests.cpu.to_k8s(),
            "requests.memory": entry.requests.memory.to_k8s(),
            "limits.memory": entry.limits.memory.to_k8s(),
        }
        assert {what: after[f"services.{entry.name}.{what}"] for what in stated} == stated
    for entry in made.decisions:
        assert entry.why
        assert entry.source
        moved = entry.path in before and before[entry.path] != after[entry.path]
        if moved and entry.path.startswith("services.") and entry.path.endswith((".memory", ".cpu_ms_per_request")):
            assert entry.rejected, entry


@searched(60)
@given(EVIDENCE, ADJUSTMENTS, MODELS, DEMANDS)
def test_neither_a_model_nor_a_correction_ever_causes_a_refusal(evidence, adjustments, models, demand):
    silent = made_from(demand, evidence=evidence.model_copy(update={"corrections": ()}))
    made = made_from(demand, evidence=evidence, adjustments=adjustments, refinements=models)
    if isinstance(made, Refusal):
        assert made == silent
