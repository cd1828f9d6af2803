"""The input standard and the output standards: published, with examples that fit, and read without mercy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.payload_reading import CAP, MAX_DEPTH, read_payload
from bot.errors import Code, Refusal
from bot.model.consultation import CollectorAnswer, InterpreterAnswer, PlannerAnswer, ReviewerAnswer
from bot.model.noun import Noun
from bot.model.recommendation import Recommendation
from bot.model.standard import Payload
from tests.daily import searched
from tests.tools.make_schemas import FOLDER

ROOT = Path(__file__).parents[2]
STANDARD = ROOT.parent / "shared" / "data" / "input-standard.json"
EXAMPLES = ROOT / "examples" / "recommendation"
PUBLISHED: dict[str, tuple[str, type[Noun]]] = {
    "payload.json": ("payload-v1.json", Payload),
    "generation.json": ("payload-v1.json", Payload),
    "model-payload.json": ("payload-v1.json", Payload),
    "recommendation.json": ("recommendation-v1.json", Recommendation),
    "collector-answer.json": ("collector-answer-v1.json", CollectorAnswer),
    "planner-answer.json": ("planner-answer-v1.json", PlannerAnswer),
    "reviewer-answer.json": ("reviewer-answer-v1.json", ReviewerAnswer),
    "interpreter-answer.json": ("interpreter-answer-v1.json", InterpreterAnswer),
}
RECOMMENDATION = {
    "app_metadata": {"name": "order-service", "language": "Go", "framework": "Gin", "expected_qps": 500,
                     "sla_latency_ms": 100, "oom_tolerance": "low"},
    "historical_metrics": {"cpu_usage": [0.2, 0.5, 0.8, 1.1], "memory_usage": [150, 180, 220, 250],
                           "replica_counts": [2, 3, 4], "request_rate": [400, 450, 480, 500]},
    "deployment_context": {"environment": "prod", "namespace_quota": {"cpu": "4", "memory": "8Gi"},
                           "node_utilization": {"node-1": {"cpu_free": 1.5, "mem_free": "2Gi"}}},
    "service_manifest": {"deployment_yaml": "<base64 or text>"},
}  # fmt: skip
GENERATION = json.loads((EXAMPLES / "generation.json").read_text())


def read(value: object) -> Payload:
    payload = read_payload(json.dumps(value).encode())
    assert isinstance(payload, Payload), payload
    return payload


def refused(raw: bytes) -> Refusal:
    refusal = read_payload(raw)
    assert isinstance(refusal, Refusal), refusal
    return refusal


@pytest.mark.parametrize(("example", "published"), PUBLISHED.items(), ids=list(PUBLISHED))
def test_every_published_form_has_an_example_that_fits(example: str, published: tuple[str, type[Noun]]) -> None:
    schema, noun = published
    text = (EXAMPLES / example).read_text()
    jsonschema.Draft202012Validator(json.loads((FOLDER / schema).read_text())).validate(json.loads(text))
    assert noun.model_validate_json(text)


@pytest.mark.parametrize("noun", [CollectorAnswer, PlannerAnswer, ReviewerAnswer, InterpreterAnswer])
def test_every_answer_holds_reasons_and_a_confidence(noun: type[Noun]) -> None:
    assert {"reasons", "confidence"} <= set(noun.model_fields)


def test_the_file_of_the_input_standard_parses_unchanged() -> None:
    """Its two payloads, and the file as it is. A checkout without it reads the copy above."""
    document = {"recommendation": RECOMMENDATION, "generation": GENERATION,
                "recommendation_answer_always_holds": ["replicas"]}  # fmt: skip
    raw = STANDARD.read_bytes() if STANDARD.exists() else json.dumps(document).encode()
    whole = read_payload(raw)
    assert isinstance(whole, Payload)
    parts = json.loads(raw)
    first, second = read(parts["recommendation"]), read(parts["generation"])
    assert whole == read({**parts["recommendation"], **parts["generation"]})
    assert (first.app_metadata, second.description) == (whole.app_metadata, whole.description)
    assert parts["recommendation"] == RECOMMENDATION
    assert parts["generation"] == GENERATION


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"app_metadata": {"nam": "x"}}', "'app_metadata.nam' is no key of the input standard; the nearest key is `name`"),
        ('{"recommendation": {"app_metadata": {"nam": "x"}}}', "'recommendation.app_metadata.nam' is no key"),
        ('{"app_metdata": {}}', "the nearest key is `app_metadata`"),
        ('{"recommendation": {}, "generatoin": {}}', "the nearest key is `generation`"),
        ('{"deployment_context": {"node_utilization": {"n1": {"cpufree": 1}}}}',
         "'deployment_context.node_utilization.n1.cpufree' is no key of the input standard; the nearest key is `cpu_free`"),
        ('{"recommendation": {"github": "a"}, "generation": {"github": "b"}}', "'github' stands in both parts"),
        ('{"recommendation": 5}', "`recommendation`: the value is not an object"),
        ('{"app_metadata": {"expected_qps": "500"}}', "'app_metadata.expected_qps': Input should be a valid number"),
        ('{"app_metadata": {"expected_qps": true}}', "'app_metadata.expected_qps'"),
        ('{"app_metadata": {"expected_qps": -1}}', "greater than or equal to 0"),
        ('{"historical_metrics": {"cpu_usage": [1, null]}}', "'historical_metrics.cpu_usage.1'"),
        ('{"historical_metrics": {"replica_counts": [2.5]}}', "'historical_metrics.replica_counts.0'"),
        ('{"generation": {"dockerfile_meta": {"exposed_port": 0}}}', "'generation.dockerfile_meta.exposed_port'"),
        ('{"github": "%s"}' % ("a" * 300), "at most 200 characters"),
        ('{"app_metadata": {"expected_qps": NaN}}', "NaN is no JSON number"),
        ('{"existing_manifests": {"a": -Infinity}}', "-Infinity is no JSON number"),
        ('{"existing_manifests": {"a": 1e999}}', "too large"),
        ('{"existing_manifests": {"a": 1%s}}' % ("0" * 5000), "more than 40 digits"),
        ('{"github": "a", "github": "b"}', "'github' stands twice"),
        ('{"existing_manifests": {"a": {"b": 1, "b": 2}}}', "'b' stands twice"),
        ('{"existing_manifests": {"a": %s}}' % ("[" * 60 + "]" * 60), f"deeper than {MAX_DEPTH} levels"),
        ('{"existing_manifests": {"a": ' + "[" * 200_000, f"deeper than {MAX_DEPTH} levels"),
        ('{"github": "\\ud800"}', "half of a surrogate pair"),
        ('{"existing_manifests": {"\\udfff": 1}}', "half of a surrogate pair"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("", "not JSON"),
        ('{"github": }', "not JSON: Expecting value in line 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    refusal = refused(text.encode())
    assert refusal.code is Code.SYNTAX
    assert says in refusal.message
    assert "payload-v1.json" in refusal.remedy


@pytest.mark.parametrize("raw", [b"\xff\xfe{}", b'{"github": "\xc3"}', b"\x00"])
def test_bytes_that_are_no_text_are_refused(raw: bytes) -> None:
    assert refused(raw).code is Code.SYNTAX


def test_a_payload_over_the_cap_is_refused_by_size() -> None:
    filled = b'{"description": "' + b"a" * CAP + b'"}'
    assert refused(filled).code is Code.SIZE
    assert isinstance(read_payload(b"{}" + b" " * (CAP - 2)), Payload)


def test_a_hostile_key_is_shown_short_and_in_ascii() -> None:
    refusal = refused(json.dumps({"\u202e\x1b[31m" + "k" * 5000: 1}).encode())
    assert refusal.message.isascii()
    assert refusal.message.isprintable()
    assert len(refusal.message) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from([*Payload.model_fields, "recommendation", "generation", "nonsense"])


@searched(300)
@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_any_json_is_a_payload_or_a_refusal(value: dict[str, Any]) -> None:
    answer = read_payload(json.dumps(value).encode())
    assert isinstance(answer, Payload) or answer.code is Code.SYNTAX


@searched(300)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_a_refusal(raw: bytes) -> None:
    answer = read_payload(raw)
    assert isinstance(answer, Payload) or answer.code is Code.SYNTAX
