"""A recommendation always answers with every number, from the rules, the samples and the room that a payload names."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.payload_reading import read_payload
from bot.agents.recommend import recommend
from bot.edges.yaml_reader import ChildYamlReader, RememberingYamlReader
from bot.errors import Code, Refusal
from bot.model.config import Config, Limits
from bot.model.quantity import Bytes, MilliCpu
from bot.model.recommendation import Recommendation
from bot.model.standard import Payload
from bot.rendering.patch import patch_text
from tests.daily import searched
from tests.model.test_standard import EXAMPLES, GENERATION, RECOMMENDATION

READER = RememberingYamlReader(ChildYamlReader())
GO = {"name": "order-service", "language": "Go", "framework": "Gin", "expected_qps": 500, "sla_latency_ms": 100}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "shop.api"},
    "spec": {
        "replicas": 5,
        "template": {
            "spec": {
                "containers": [
                    {"name": "proxy", "image": "docker.io/envoyproxy/envoy:v1.30.1"},
                    {
                        "name": "main",
                        "image": "ghcr.io/myorg/shop:1.2.3",
                        "resources": {"requests": {"cpu": "2", "memory": "4Gi"}},
                    },
                ]
            }
        },
    },
}


def asked(config: Config | None = None, **keys: Any) -> Recommendation | Refusal:
    payload = read_payload(json.dumps(keys).encode())
    assert isinstance(payload, Payload), payload
    return recommend(payload, config=config or Config(), yaml=READER)


def answer(config: Config | None = None, **keys: Any) -> Recommendation:
    found = asked(config, **keys)
    assert isinstance(found, Recommendation), found
    return found


def why(found: Recommendation, path: str) -> str:
    return " | ".join(f"{each.text} {each.formula}" for each in found.reasons if each.path == path)


def everything(found: Recommendation) -> str:
    return " | ".join(f"{each.text} {each.formula}" for each in found.reasons)


def complete(found: Recommendation) -> bool:
    """Every number that is always answered, in Kubernetes notation and in a possible order."""
    cpu, limit = MilliCpu.parse(found.requests.cpu), MilliCpu.parse(found.limits.cpu)
    memory, most = Bytes.parse(found.requests.memory), Bytes.parse(found.limits.memory)
    bounds = found.autoscaler
    ordered = 1 <= bounds.min <= found.replicas <= bounds.max and 0 < cpu <= limit and 0 < memory <= most
    return ordered and found.reasons != () and 0 <= found.confidence <= 1


@pytest.mark.parametrize(
    "keys",
    [RECOMMENDATION, GENERATION, {**RECOMMENDATION, **GENERATION}, {}, {"app_metadata": {"name": "x"}},
     {"description": "batch worker"}, {"code_endpoints": ["/"]}],
    ids=["recommendation", "generation", "both", "nothing", "name", "worker", "endpoints"],
)  # fmt: skip
def test_every_payload_gets_every_number(keys: dict[str, Any]) -> None:
    assert complete(answer(**keys))


def test_the_payload_of_the_standard() -> None:
    """One pod was seen at 1.1 cores and 250 MiB: nothing below that is asked for, and 4 cores of quota hold 3 pods."""
    found = answer(**RECOMMENDATION)
    assert (found.requests.cpu, found.requests.memory) == ("1250m", "384Mi")
    assert (found.limits.cpu, found.limits.memory) == ("2500m", "384Mi")
    assert (found.replicas, found.autoscaler.max, found.fits) == (2, 2, False)
    assert "1 of 2 pods will wait" in why(found, "replicas")
    assert "floor(4 / 1250m) = 3" in why(found, "autoscaler.max")


def test_a_generation_payload_is_sized_by_its_description() -> None:
    found = answer(**GENERATION)
    assert found.target.name == "supermarket-inventory"
    assert (found.replicas, found.autoscaler.min, found.requests.cpu) == (4, 4, "1")
    assert "Q = 2000" in why(found, "qps")
    assert "golang" not in everything(found)
    assert "Language go" in everything(found)


def test_the_same_payload_gives_the_same_bytes() -> None:
    first, second = (answer(**RECOMMENDATION).model_dump_json() for _ in range(2))
    assert first == second


def test_the_golden_case_of_the_sizing_algorithm() -> None:
    """Section 8: 850m, 3 pods, 3 to 10 at 65 %, 128Mi."""
    found = answer(app_metadata={"name": "api", "language": "Go", "framework": "Gin", "expected_qps": 2000},
                   description="zero downtime")  # fmt: skip
    assert (found.requests.cpu, found.replicas, found.requests.memory) == ("850m", 3, "128Mi")
    assert found.autoscaler.model_dump() == {"min": 3, "max": 10, "target_cpu_percent": 65}
    assert (found.confidence, found.limits.cpu) == (0.414, "1700m")


def test_nothing_known_is_said_and_is_not_sure() -> None:
    found = answer()
    assert found.target.name == "app"
    assert found.confidence < 0.40
    assert "Nobody named the application" in everything(found)
    assert "No load was stated" in everything(found)
    assert "Neither language nor framework is known" in everything(found)
    assert found.fits is None


@pytest.mark.parametrize(
    ("keys", "marked"),
    [
        ({"app_metadata": GO}, ["limits.cpu", "replicas"]),
        ({"app_metadata": GO, "deployment_context": {"namespace_quota": {"limits.cpu": "40"}}}, ["replicas"]),
    ],
    ids=["usual", "quota-counts-limits"],
)
def test_what_generated_files_leave_out_is_marked(keys: dict[str, Any], marked: list[str]) -> None:
    found = answer(**keys)
    assert [mark.path for mark in found.marked] == marked
    assert found.limits.cpu == MilliCpu(2 * MilliCpu.parse(found.requests.cpu)).to_k8s()


def test_a_copy_that_keeps_state_has_no_autoscaler() -> None:
    stateful = {**DEPLOYMENT, "kind": "StatefulSet", "spec": {
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
        "template": {"spec": {"containers": [{"name": "main", "image": "ghcr.io/myorg/shop:1.2.3",
                                              "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}}}}  # fmt: skip
    found = answer(app_metadata=GO, service_manifest={"deployment_yaml": yaml.safe_dump(stateful)})
    assert (found.target.kind, found.replicas, found.autoscaler.min, found.autoscaler.max) == ("StatefulSet", 1, 1, 1)
    assert [mark.path for mark in found.marked] == ["limits.cpu", "autoscaler"]
    assert yaml.safe_load(patch_text(found))["spec"]["replicas"] == 1


# -- room -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quota", "replicas", "most", "fits"),
    [
        ({"cpu": "4"}, 3, 4, True),
        ({"requests.cpu": "2"}, 2, 2, False),
        ({"memory": "256Mi"}, 2, 2, False),
        ({"pods": "1"}, 1, 1, False),
        ({"cpu": "100m"}, 1, 1, False),
        ({"cpu": "1000"}, 3, 10, True),
        ({"cpu": "many", "secrets": "4"}, 3, 10, None),
    ],
    ids=["some", "fewer", "memory", "pods", "none", "plenty", "unreadable"],
)
def test_the_quota_bounds_the_pods(quota: dict[str, str], replicas: int, most: int, fits: bool | None) -> None:
    found = answer(
        app_metadata={**GO, "expected_qps": 2000},
        description="zero downtime",
        deployment_context={"namespace_quota": quota},
    )
    assert complete(found)
    assert (found.replicas, found.autoscaler.max, found.fits) == (replicas, most, fits)
    assert ("Left out of the quota: 'cpu', 'secrets'" in everything(found)) == (fits is None)
    assert ("the API server will refuse it" in everything(found)) == (quota == {"cpu": "100m"})


@pytest.mark.parametrize(
    ("nodes", "fits"),
    [
        ({"a": {"cpu_free": 0.9, "mem_free": "1Gi"}}, True),
        ({"a": {"cpu_free": 0.5, "mem_free": "1Gi"}, "b": {"cpu_free": 0.5, "mem_free": "1Gi"}}, True),
        ({"a": {"cpu_free": 0.8, "mem_free": "1Gi"}}, False),
        ({"a": {"cpu_free": 9, "mem_free": "100Mi"}}, False),
        ({"a": {"cpu_free": 9}, "b": {"mem_free": "9Gi"}, "c": {"cpu_free": 9, "mem_free": "much"}}, None),
    ],
    ids=["one", "two", "cpu", "memory", "unknown"],
)
def test_free_rooms_say_whether_the_pods_fit(nodes: dict[str, Any], fits: bool | None) -> None:
    found = answer(app_metadata=GO, deployment_context={"node_utilization": nodes})
    assert (found.replicas, found.fits) == (2, fits)
    assert ("3 of 3 nodes were left out" in everything(found)) == (fits is None)


def test_policy_bounds_the_answer_and_says_so() -> None:
    found = answer(Config(limits=Limits(max_replicas=7)), app_metadata={**GO, "expected_qps": 100_000})
    assert (found.replicas, found.autoscaler.max, found.fits) == (7, 7, False)
    assert "limits.max_replicas permits 7, which do not bear it" in why(found, "replicas")


def test_a_latency_that_nobody_keeps_is_said() -> None:
    found = answer(app_metadata={**GO, "sla_latency_ms": 1})
    assert complete(found)
    assert "cannot keep a p95 of 1 ms" in everything(found)


def test_a_load_beyond_belief_is_refused() -> None:
    found = asked(app_metadata={**GO, "expected_qps": 1e12})
    assert isinstance(found, Refusal)
    assert found.code is Code.POLICY


@pytest.mark.parametrize("name", ["null", "a/b", "\u202eshop", "x" * 60, "{{ .Values }}", "123"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    found = asked(app_metadata={"name": name})
    assert isinstance(found, Refusal)
    assert (found.code, found.remedy) == (Code.NAME, "Set app_metadata.name to a name of that form.")


# -- manifests --------------------------------------------------------------------------------------------------------

TEXT = yaml.safe_dump(DEPLOYMENT)


@pytest.mark.parametrize(
    "keys",
    [
        {"service_manifest": {"deployment_yaml": TEXT}},
        {"service_manifest": {"deployment_yaml": base64.b64encode(TEXT.encode()).decode()}},
        {"service_manifest": {"deployment_yaml": base64.encodebytes(TEXT.encode()).decode()}},
        {"service_manifest": {"deployment_yaml": json.dumps(DEPLOYMENT)}},
        {"existing_manifests": {"k8s/api.yaml": TEXT}},
        {"existing_manifests": {"k8s/api.yaml": DEPLOYMENT}},
    ],
    ids=["text", "base64", "base64-lines", "json", "existing-text", "existing-object"],
)
def test_a_manifest_names_the_workload_and_its_container(keys: dict[str, Any]) -> None:
    found = answer(app_metadata=GO, **keys)
    assert (found.target.kind, found.target.name, found.target.container) == ("Deployment", "shop.api", "main")
    assert "5: the manifest declares it" in why(found, "replicas")
    assert "2: the manifest declares it" in why(found, "requests.cpu")
    assert (found.replicas, found.requests.cpu) == (2, "450m")


@pytest.mark.parametrize(
    "text",
    ["<base64 or text>", "a: [", "AAAA", "kind: Deployment", "!!python/object/apply:os.system ['id']", "a: &a [*a]",
     "\u0000", yaml.safe_dump({**DEPLOYMENT, "kind": "DaemonSet"}), "- " * 5000],
)  # fmt: skip
def test_a_manifest_that_cannot_be_used_is_said_and_left_out(text: str) -> None:
    found = answer(app_metadata=GO, service_manifest={"deployment_yaml": text})
    assert complete(found)
    assert found.target.name == "order-service"
    assert "left out" in everything(found)


def test_of_several_workloads_the_named_one_counts() -> None:
    other = {**DEPLOYMENT, "metadata": {"name": "order-service"}}
    found = answer(app_metadata=GO, service_manifest={"deployment_yaml": yaml.safe_dump_all([DEPLOYMENT, other])})
    assert found.target.name == "order-service"
    assert "hold 2 workloads" in everything(found)


def test_the_environment_of_developers_makes_tier_dev() -> None:
    found = answer(app_metadata=GO, deployment_context={"environment": "Dev"})
    assert (found.replicas, "tier dev" in everything(found)) == (1, True)
    stated = answer(app_metadata={**GO, "criticality": "high"}, deployment_context={"environment": "dev"})
    assert stated.replicas == 3


# -- patch ------------------------------------------------------------------------------------------------------------


def test_the_patch_holds_what_generated_files_hold() -> None:
    found = answer(app_metadata=GO, service_manifest={"deployment_yaml": TEXT})
    assert yaml.safe_load(patch_text(found)) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop.api"},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "main",
                            "resources": {
                                "requests": {"cpu": "450m", "memory": "128Mi"},
                                "limits": {"memory": "128Mi"},
                            },
                        }
                    ]
                }
            }
        },
    }


def test_the_complete_patch_holds_every_number() -> None:
    spec = yaml.safe_load(patch_text(answer(app_metadata=GO), complete=True))["spec"]
    assert spec["replicas"] == 2
    assert spec["template"]["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "900m", "memory": "128Mi"}


WORDS = st.text(max_size=30) | st.sampled_from(["low", "{{ x }}", "${x}", "\u202e", "- a: b\n", "4", "1e3", "null"])
NUMBERS = st.floats(0, 1e12) | st.integers(0, 10**12)
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "app_metadata": st.fixed_dictionaries(
            {}, optional={**dict.fromkeys(("name", "language", "framework", "oom_tolerance", "criticality"), WORDS),
                          "expected_qps": NUMBERS, "sla_latency_ms": NUMBERS}
        ),
        "historical_metrics": st.fixed_dictionaries(
            {}, optional={"cpu_usage": st.lists(NUMBERS, max_size=6), "memory_usage": st.lists(NUMBERS, max_size=6),
                          "request_rate": st.lists(NUMBERS, max_size=6),
                          "replica_counts": st.lists(st.integers(0, 100_000), max_size=6)}
        ),
        "deployment_context": st.fixed_dictionaries(
            {}, optional={"environment": WORDS, "namespace_quota": st.dictionaries(WORDS, WORDS, max_size=3),
                          "node_utilization": st.dictionaries(WORDS, st.fixed_dictionaries(
                              {}, optional={"cpu_free": NUMBERS, "mem_free": WORDS}), max_size=3)}
        ),
        "description": WORDS,
        "github": WORDS,
        "code_endpoints": st.lists(WORDS, max_size=3),
    },
)  # fmt: skip


@searched(300)
@given(PAYLOADS)
def test_any_payload_is_answered_completely_or_refused_by_name_or_load(keys: dict[str, Any]) -> None:
    found = asked(**keys)
    if isinstance(found, Refusal):
        assert found.code in {Code.NAME, Code.POLICY}
    else:
        assert complete(found)
        assert yaml.safe_load(patch_text(found, complete=True))["metadata"]["name"] == found.target.name


def test_the_examples_are_what_the_payload_gives() -> None:
    found = answer(**json.loads((EXAMPLES / "payload.json").read_text()))
    shown = Recommendation.model_validate_json((EXAMPLES / "recommendation.json").read_text())
    assert found.model_dump(exclude={"reasons"}) == shown.model_dump(exclude={"reasons"})
    assert patch_text(found) == (EXAMPLES / "patch.yaml").read_text()
