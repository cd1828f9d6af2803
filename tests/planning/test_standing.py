"""A person's word beats a correction, a correction beats a model, and neither of these two ever causes a refusal."""

from __future__ import annotations

import pytest

from bot.model.cluster import KubernetesFacts, LimitRange
from bot.model.config import Config
from bot.model.demand import Demand
from bot.model.evidence import Correction, Evidence, Observed, Workload
from bot.model.plan import Plan
from bot.model.quantity import Bytes, MilliCpu
from bot.model.refinement import Adjustment, Refinement
from tests.planning.builders import (
    GOLDEN_DEMAND,
    decision,
    plan,
    profile,
    refused,
    rules,
    service,
    snapshot,
    value,
)

FILES = service(name="files", path="files", stateful=True, dependencies=())


def said(key: str, text: str, origin: str, *, owner: str | None = "api") -> Refinement:
    why, source = ("", "") if origin == "user" else ("the peak is short", "sizing-5")
    return Refinement(service=owner, key=key, value=text, origin=origin, why=why, source=source, asked_in="o/i#7")


def by_model(key: str, text: str, *, owner: str | None = "api") -> Refinement:
    return said(key, text, "model", owner=owner)


def by_user(key: str, text: str, *, owner: str | None = "api") -> Refinement:
    return said(key, text, "user", owner=owner)


def correction(key: str, merged: str, **changes: object) -> Correction:
    facts = {"service": "api", "key": key, "proposed": "3", "merged": merged, "source_id": "correction:shop#12"}
    return Correction.model_validate({**facts, **changes})


def corrected(*corrections: Correction, **changes: object) -> Plan:
    return plan(evidence=Evidence(corrections=corrections), **changes)


def messages(made: Plan, rule: str) -> list[str]:
    return [entry.message for entry in made.findings if entry.rule == rule]


# a model's numbers


@pytest.mark.parametrize("origin", ["model", "model-clamped"])
def test_a_models_number_carries_its_reason_its_source_and_the_rules_value(origin):
    made = plan(refinements=(said("replicas", "4", origin),))
    found = decision(made, "services.api.replicas")
    assert (found.value, found.origin, found.why, found.source) == (4, origin, "the peak is short", "sizing-5")
    assert found.tag == "U"
    assert found.inputs == {"rule": 3}
    assert found.rejected[0].startswith("3: n = max(")
    assert made.services[0].replicas == 4
    assert "/ai-refine" not in made.model_dump_json()


def test_less_than_the_load_needs_names_the_model():
    [message] = messages(plan(refinements=(by_model("memory", "64Mi"),)), "refined-below-need")
    assert "a model asks for less" in message


def test_formulas_name_who_moved_a_bound():
    made = plan(refinements=(by_model("replicas", "20"),))
    assert decision(made, "services.api.hpa.max").formula.endswith("20 by a model")
    assert decision(corrected(correction("max", "20")), "services.api.hpa.min").origin == "rule"
    moved = corrected(correction("min", "12"))
    assert decision(moved, "services.api.hpa.max").formula.endswith("12 by a correction")


# corrections


def test_a_correction_is_a_persons_word_with_its_source():
    made = corrected(correction("replicas", "5"))
    found = decision(made, "services.api.replicas")
    assert (found.value, found.origin, found.tag, found.source) == (5, "user", "user", "correction:shop#12")
    assert found.why == "corrected by a person before merging: '3' became '5'"
    assert found.rejected[0].startswith("3: n = max(")
    assert made.services[0].replicas == 5


def test_a_held_request_names_the_correction():
    made = corrected(correction("memory_limit", "64Mi"))
    assert decision(made, "services.api.requests.memory").why == "held to the limit that was set by a correction"


def test_the_later_of_two_corrections_stands():
    assert corrected(correction("replicas", "5"), correction("replicas", "6")).services[0].replicas == 6


# whose word stands


@pytest.mark.parametrize("owner", ["api", None])
def test_a_person_beats_a_correction_and_a_model(owner):
    wishes = (by_model("replicas", "4"), by_user("replicas", "6", owner=owner))
    made = plan(refinements=wishes, evidence=Evidence(corrections=(correction("replicas", "5"),)))
    assert made.services[0].replicas == 6
    assert decision(made, "services.api.replicas").why.startswith("asked for by /ai-refine")
    assert "replicas=6 stands" in messages(made, "model-proposal-dropped")[0]
    assert "replicas=6 stands" in messages(made, "correction-dropped")[0]


def test_a_correction_beats_a_model():
    made = plan(refinements=(by_model("replicas", "4"),), evidence=Evidence(corrections=(correction("replicas", "5"),)))
    assert made.services[0].replicas == 5
    assert "a correction said so" in messages(made, "model-proposal-dropped")[0]


@pytest.mark.parametrize(
    ("user", "model"),
    [
        (by_user("max", "4"), by_model("replicas", "6")),
        (by_user("min", "4"), by_model("max", "3")),
        (by_user("memory_limit", "128Mi"), by_model("memory", "256Mi")),
        (by_user("cpu_limit", "900m"), by_model("cpu", "1200m")),
    ],
)
def test_a_number_that_a_persons_excludes_is_dropped(user, model):
    made = plan(refinements=(user, model))
    assert made.services == plan(refinements=(user,)).services
    assert "is above" in messages(made, "model-proposal-dropped")[0]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(by_model("cpu", "1", owner="cart"), id="unknown-service"),
        pytest.param(by_model("replicas", "51"), id="over-policy"),
        pytest.param(by_model("replicas", "2", owner="files"), id="state"),
        pytest.param(by_model("cpu", "20m"), id="too-many-pods"),
        pytest.param(by_model("cpu", "9"), id="no-node-so-large"),
        pytest.param(by_model("memory", "15Gi"), id="no-room"),
        pytest.param(by_model("max", "2", owner="files"), id="no-autoscaler"),
    ],
)
@pytest.mark.parametrize("origin", ["model", "correction"])
def test_what_would_be_refused_is_dropped_and_the_plan_is_the_rules_own(entry, origin):
    both = {"profile": profile(service(), FILES)}
    merged = correction(entry.key, entry.value, service=entry.service)
    heard = {"refinements": (entry,)} if origin == "model" else {"evidence": Evidence(corrections=(merged,))}
    made = plan(**both, **heard)
    assert made.services == plan(**both).services
    assert made.decisions == plan(**both).decisions
    rule = "model-proposal-dropped" if origin == "model" else "correction-dropped"
    assert len(messages(made, rule)) == 1


@pytest.mark.parametrize(("bad", "good"), [("model", "correction"), ("correction", "model")])
def test_only_the_one_that_would_be_refused_is_dropped(bad, good):
    wishes = (said("cpu", "9", bad), said("replicas", "4", good))
    made = plan(refinements=wishes)
    assert made.services[0].replicas == 4
    assert made.services[0].requests.cpu == MilliCpu(850)
    assert {"model-proposal-dropped", "correction-dropped"} & rules(made) == {
        "model-proposal-dropped" if bad == "model" else "correction-dropped"
    }


def test_when_both_would_be_refused_both_are_dropped():
    made = plan(refinements=(said("cpu", "9", "model"), said("memory", "15Gi", "correction")))
    assert made.services == plan().services
    assert {"model-proposal-dropped", "correction-dropped"} <= rules(made)


@pytest.mark.parametrize("words", [by_user("cpu", "9"), by_user("replicas", "51"), by_user("cpu", "1", owner="cart")])
def test_a_persons_refusal_stays_the_same_whatever_others_say(words):
    no_workers = Config.model_validate({"kubernetes": {"add_workers": False}})
    alone = refused(refinements=(words,), config=no_workers)
    heard = {"evidence": Evidence(corrections=(correction("replicas", "5"),))}
    assert refused(refinements=(words, by_model("max", "12")), config=no_workers, **heard) == alone


def test_a_limit_range_is_asked_again_without_the_model():
    entry = LimitRange(namespace="shop", name="r", maximum={"memory": "200Mi"})
    facts = KubernetesFacts(limit_ranges=(entry,))
    made = plan(refinements=(by_model("memory", "256Mi"),), snapshot=snapshot(kubernetes=facts))
    assert made.services[0].limits.memory == Bytes.of_mib(128)
    assert "200Mi" in messages(made, "model-proposal-dropped")[0]


@pytest.mark.parametrize("merged", ["", "0", "-1", "4 bananas", "9" * 50, "@org/team"])
def test_a_correction_that_no_plan_can_hold_is_dropped(merged):
    made = corrected(correction("replicas", merged))
    assert made.services == plan().services
    assert "correction-dropped" in rules(made)
    assert "@org" not in "".join(messages(made, "correction-dropped"))


# inputs that a model moved


def moved(key: str, number: float, *, origin: str = "model", owner: str = "api") -> Adjustment:
    return Adjustment(service=owner, key=key, value=number, origin=origin, why="the list reads twice", source="rule:a")


@pytest.mark.parametrize(
    ("key", "number", "milliseconds", "rule"),
    [("reads", 6.0, 1.20675, 3.0), ("writes", 0.4, 0.7398, 0.2), ("weight", 2.0, 1.42194, 1.0)],
)
@pytest.mark.parametrize("origin", ["model", "model-clamped"])
def test_a_moved_input_is_used_in_step_two_and_recorded(key, number, milliseconds, rule, origin):
    made = plan(adjustments=(moved(key, number, origin=origin),))
    found = decision(made, f"services.api.inputs.{key}")
    assert (found.value, found.origin, found.why, found.source) == (number, origin, "the list reads twice", "rule:a")
    assert found.inputs == {"rule": rule}
    assert found.rejected[0].startswith(f"{rule:g}: ")
    cost = decision(made, "services.api.cpu_ms_per_request")
    assert cost.value == pytest.approx(milliseconds, abs=1e-5)
    assert cost.rejected[0].startswith("0.71097 ms: 1 * (0.53")
    assert {"reads": "k", "writes": "w", "weight": "B"}[key] in cost.inputs
    assert made.confidence.value == 0.414


def test_moved_reads_reach_the_database_and_the_latency():
    made = plan(adjustments=(moved("reads", 6.0),))
    assert "12000/3200" in (decision(made, "databases.postgresql.cores").formula or "")
    assert made.services[0].latency_p95_ms > plan().services[0].latency_p95_ms


@pytest.mark.parametrize("number", [6.01, 1.49, -3.0, 0.0, 1e300, float("nan"), float("inf")])
def test_an_input_beyond_the_limits_is_dropped(number):
    made = plan(adjustments=(moved("reads", number),))
    assert made.decisions == plan().decisions
    assert "between 1.5 and 6" in messages(made, "model-proposal-dropped")[0]


def test_an_input_that_a_person_stated_is_dropped():
    stated = {"demand": GOLDEN_DEMAND.model_copy(update={"reads_per_request": 4.0})}
    made = plan(adjustments=(moved("reads", 5.0),), **stated)
    assert made.decisions == plan(**stated).decisions
    assert "A person stated" in messages(made, "model-proposal-dropped")[0]


def test_the_rules_own_number_is_no_change():
    assert plan(adjustments=(moved("reads", 3.0),)) == plan()


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "static", "language": "javascript", "framework": "react", "dependencies": ()},
        {"dependencies": ()},
    ],
)
def test_static_files_and_json_have_no_such_inputs(facts):
    one = {"profile": profile(service(**facts))}
    everything = tuple(moved(key, 2.0) for key in ("reads", "writes", "weight"))
    assert plan(adjustments=everything, **one) == plan(**one)


def test_an_unknown_service_changes_nothing():
    assert plan(adjustments=(moved("reads", 6.0, owner="cart"),)) == plan()


def test_a_moved_input_that_makes_the_plan_impossible_is_dropped():
    tight = {"demand": Demand(qps_peak=100.0, latency_ms=9.0)}
    made = plan(adjustments=(moved("reads", 6.0),), **tight)
    assert made.services == plan(**tight).services
    assert "cannot keep a p95" in messages(made, "model-proposal-dropped")[0]


def test_a_measured_request_has_no_weight_and_keeps_its_reads():
    seen = Observed(
        workload=Workload(namespace="shop", name="api"),
        source_id="metrics:shop/api",
        window=1e6,
        points=500,
        seconds_per_request=0.001,
    )
    made = plan(adjustments=(moved("reads", 6.0), moved("weight", 2.0)), evidence=Evidence(observed=(seen,)))
    assert value(made, "services.api.cpu_ms_per_request") == 1.0
    assert value(made, "services.api.inputs.reads") == 6.0
    assert "12000/3200" in (decision(made, "databases.postgresql.cores").formula or "")
    assert "weight" in messages(made, "model-proposal-dropped")[0]


def test_beside_a_models_number_stands_what_the_rules_alone_say():
    made = plan(adjustments=(moved("weight", 2.0),), refinements=(by_model("replicas", "5"),))
    assert decision(made, "services.api.replicas").inputs == {"rule": 3}
