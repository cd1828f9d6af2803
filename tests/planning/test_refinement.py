"""What was fixed stands, what is derived from it is derived again, and policy and capacity still hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal
from bot.model.cluster import KubernetesFacts, LimitRange, Quota
from bot.model.config import Config, Limits
from bot.model.demand import Demand
from bot.model.plan import Hpa, Pdb, Plan
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.model.refinement import Refinement
from tests.daily import searched
from tests.planning.builders import (
    GOLDEN_DEMAND,
    decision,
    dependency,
    plan,
    planned,
    profile,
    refused,
    rules,
    service,
    snapshot,
    value,
    worker,
)

FILES = service(name="files", path="files", stateful=True, dependencies=())
PULLER = service(name="puller", path="puller", kind="worker", ports=(), endpoints=())


def asked(words: str) -> tuple[Refinement, ...]:
    found = []
    for word in words.split():
        name, _, given_value = word.partition("=")
        owner, _, key = name.rpartition(".")
        found.append(Refinement(service=owner or None, key=key, value=given_value, asked_in="myorg/infra#7"))
    return tuple(found)


def refined(words: str, **changes: object) -> Plan:
    return plan(refinements=asked(words), **changes)


def test_nothing_asked_changes_nothing():
    assert refined("") == plan()


def test_replicas_set_the_count_and_the_lower_bound_and_say_who_wanted_it():
    made = refined("replicas=5")
    api = made.services[0]
    assert (api.replicas, api.hpa) == (5, Hpa(min=5, max=10, target_cpu_percent=65))
    found = decision(made, "services.api.replicas")
    assert (found.value, found.origin, found.tag, found.source) == (5, "user", "user", "myorg/infra#7")
    assert found.why == "asked for by /ai-refine (replicas=5)"
    assert found.rejected[0].startswith("3: n = max(")
    assert decision(made, "services.api.hpa.min").origin == "user"


def test_replicas_above_the_upper_bound_raise_it():
    made = refined("replicas=20")
    assert made.services[0].hpa == Hpa(min=20, max=20, target_cpu_percent=65)
    assert decision(made, "services.api.hpa.max").formula.endswith("20 by /ai-refine")


@pytest.mark.parametrize(
    ("words", "count", "bounds"),
    [
        ("min=5", 5, (5, 10)),
        ("max=2", 2, (2, 2)),
        ("min=12", 12, (12, 12)),
        ("replicas=5 min=2 max=8", 5, (2, 8)),
        ("max=20", 3, (3, 20)),
        ("api.min=4 min=2", 4, (4, 10)),
    ],
)
def test_the_bounds_and_the_count_never_exclude_each_other(words, count, bounds):
    api = refined(words).services[0]
    assert (api.replicas, (api.hpa.min, api.hpa.max)) == (count, bounds)


@pytest.mark.parametrize(("n", "budget"), [(1, None), (2, Pdb(min_available=1)), (3, Pdb(max_unavailable=1))])
def test_the_budget_is_made_again(n, budget):
    assert refined(f"replicas={n}").services[0].pdb == budget


def test_the_rollout_is_made_again():
    assert refined("replicas=9").services[0].rollout.max_surge == 3


def test_connections_follow_the_pods():
    pools = {words: value(refined(words), "databases.postgresql.pool_per_pod") for words in ("", "max=4", "max=20")}
    assert pools == {"": 8, "max=4": 20, "max=20": 4}
    most = [machine.settings["max_connections"] for machine in refined("max=13").machines]
    assert most == ["104", "104"]


def test_smaller_pods_become_more_so_that_the_load_is_carried():
    made = refined("cpu=300m")
    api = made.services[0]
    assert api.requests.cpu == MilliCpu(300)
    assert api.replicas == 8
    assert decision(made, "services.api.requests.cpu").origin == "user"
    assert decision(made, "services.api.replicas").origin == "rule"


def test_a_target_changes_the_autoscaler_and_the_pods_it_needs():
    made = refined("target=30")
    assert made.services[0].hpa.target_cpu_percent == 30
    assert value(made, "services.api.target_cpu_percent") == 30
    assert made.services[0].replicas == 5


def test_memory_is_request_and_limit():
    made = refined("memory=1Gi")
    api = made.services[0]
    assert (api.requests.memory, api.limits.memory) == (Bytes.of_gib(1), Bytes.of_gib(1))
    assert {decision(made, f"services.api.{what}.memory").origin for what in ("requests", "limits")} == {"user"}


def test_limits_may_be_above_requests_and_hold_them_down_where_they_are_below():
    apart = refined("cpu_limit=2 memory=256Mi memory_limit=1Gi").services[0]
    assert (apart.limits.cpu, apart.requests.memory, apart.limits.memory) == (2000, Bytes.of_mib(256), Bytes.of_gib(1))
    made = refined("cpu_limit=500m memory_limit=64Mi")
    api = made.services[0]
    assert (api.requests.cpu, api.limits.cpu) == (500, 500)
    assert (api.requests.memory, api.limits.memory) == (Bytes.of_mib(64), Bytes.of_mib(64))
    held = decision(made, "services.api.requests.memory")
    assert (held.origin, held.why) == ("rule", "held to the limit that was asked for by /ai-refine")
    assert held.rejected[0].startswith("128Mi: ")


def test_node_is_told_its_share_of_the_limit():
    node = profile(service(language="javascript", framework="express"))
    assert refined("memory=1Gi", profile=node).services[0].runtime_env == {"NODE_OPTIONS": "--max-old-space-size=768"}


def test_storage_is_the_size_of_the_volume_and_no_assumption_any_more():
    made = refined("storage=20Gi", profile=profile(service(), FILES))
    assert made.services[1].storage.size == Bytes.of_gib(20)
    assert "storage-size-assumed" not in rules(made)
    assert decision(made, "services.files.storage.size").origin == "user"
    assert decision(made, "services.files.storage.size").rejected == ("1Gi: nobody stated a size: 1 GiB to start with",)


def test_a_key_for_all_skips_who_has_no_such_number_and_says_so():
    made = refined("replicas=5", profile=profile(service(), FILES, PULLER))
    assert [entry.replicas for entry in made.services] == [5, 1, 5]
    [found] = [entry for entry in made.findings if entry.rule == "refinement-not-applied"]
    assert "not of files" in found.message


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("cart.cpu=1", "syntax", "no service 'cart'"),
        ("min=5 max=3", "syntax", "min=5 is above max=3"),
        ("api.cpu=2 api.cpu_limit=1", "syntax", "api.cpu=2 is above api.cpu_limit=1"),
        ("memory=2Gi memory_limit=1Gi", "syntax", "is above"),
        ("replicas=5 max=3", "syntax", "is above"),
        ("replicas=2 min=4", "syntax", "is above"),
        ("files.replicas=2", "policy", "keeps state"),
        ("api.storage=1Gi", "policy", "no data volume"),
        ("puller.max=5", "policy", "no autoscaler"),
        ("replicas=51", "policy", "limits.max_replicas permits 50"),
        ("cpu=10m", "policy", "limits.max_replicas permits 50"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(words, code, says):
    refusal = refused(refinements=asked(words), profile=profile(service(), FILES, PULLER))
    assert refusal.code == code
    assert says in refusal.message
    assert refusal.remedy


def test_the_example_of_a_contradiction_is_none():
    refusal = refused(refinements=asked("api.min=5 api.max=3"))
    assert refusal.example == "/ai-refine api.min=3 api.max=5"
    assert refined(refusal.example.removeprefix("/ai-refine "))


def test_capacity_is_asked_again():
    no_workers = Config.model_validate({"kubernetes": {"add_workers": False}})
    assert refused(refinements=asked("cpu=9"), config=no_workers).code == "capacity"
    refusal = refused(refinements=asked("memory=14Gi replicas=4"), config=no_workers)
    assert refusal.code == "capacity"
    assert "14Gi memory each" in refusal.message


def test_the_autoscaler_is_still_capped_by_the_room():
    tight = Resources(cpu=MilliCpu(2000), memory=Bytes.of_gib(4))
    nodes = tuple(worker(f"k{number}", capacity=tight, promised=Resources()) for number in range(3))
    made = refined("max=20", snapshot=snapshot(nodes=nodes), demand=Demand(qps_peak=2000.0, zero_downtime=True))
    assert made.services[0].hpa.max == 6
    found = decision(made, "services.api.hpa.max")
    assert (found.origin, found.rejected[0].partition(":")[0]) == ("rule", "20")


def test_an_existing_database_still_bounds_the_pods():
    wide = Resources(cpu=MilliCpu(64_000), memory=Bytes.of_gib(256))
    room = snapshot(nodes=(worker("k1", capacity=wide), worker("k2", capacity=wide)))
    made = refined("max=50", demand=Demand(qps_peak=2000.0, zero_downtime=True), snapshot=room)
    assert made.services[0].hpa.max == 40


def test_the_quota_counts_what_was_asked():
    quota = Quota(namespace="shop", name="q", hard={"limits.memory": "4Gi"}, used={"limits.memory": "0"})
    facts = KubernetesFacts(quotas=(quota,))
    refusal = refused(refinements=asked("memory=256Mi memory_limit=2Gi"), snapshot=snapshot(kubernetes=facts))
    assert refusal.code == "capacity"
    assert "limits.memory" in refusal.message


def within(**bounds: object) -> dict[str, object]:
    entry = LimitRange(namespace="shop", name="r", **bounds)
    return {"snapshot": snapshot(kubernetes=KubernetesFacts(limit_ranges=(entry,)))}


def test_a_limit_range_bounds_what_was_asked():
    raised = refined("memory=64Mi", **within(minimum={"memory": "256Mi"}))
    assert raised.services[0].limits.memory == Bytes.of_mib(256)
    assert decision(raised, "services.api.limits.memory").origin == "rule"
    ratio = refined(
        "cpu=500m cpu_limit=4 memory=256Mi memory_limit=4Gi", **within(max_ratio={"cpu": "2", "memory": "2"})
    )
    assert (ratio.services[0].limits.cpu, ratio.services[0].limits.memory) == (1000, Bytes.of_mib(512))
    too_big = refused(refinements=asked("memory_limit=2Gi"), **within(maximum={"memory": "1Gi"}))
    assert too_big.code == "capacity"
    assert "2Gi over the maximum 1Gi" in too_big.message


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("replicas=2", "2 pods instead of 3"),
        ("replicas=1", "without end"),
        ("memory_limit=64Mi", "64Mi instead of 128Mi"),
    ],
)
def test_less_than_the_load_needs_is_obeyed_and_said(words, says):
    messages = [entry.message for entry in refined(words).findings if entry.rule == "refined-below-need"]
    assert any(says in message for message in messages), messages


def test_a_service_beats_all_services():
    both = profile(service(), service(name="web", path="web", dependencies=(dependency("postgresql"),)))
    made = refined("api.replicas=4 replicas=6", profile=both)
    assert [entry.replicas for entry in made.services] == [4, 6]


def some_of(*names: str):
    """Values of at most three of these keys, most of them possible."""
    values = {
        "replicas": st.integers(1, 12) | st.integers(1, 60),
        "min": st.integers(1, 6) | st.integers(1, 60),
        "max": st.integers(6, 30) | st.integers(1, 60),
        "target": st.integers(40, 90) | st.integers(1, 100),
        "cpu": st.integers(200, 2_000).map("{}m".format) | st.integers(10, 9_000).map("{}m".format),
        "cpu_limit": st.integers(500, 4_000).map("{}m".format) | st.integers(10, 9_000).map("{}m".format),
        "memory": st.integers(64, 1_000).map("{}Mi".format) | st.integers(16, 9_000).map("{}Mi".format),
        "memory_limit": st.integers(500, 4_000).map("{}Mi".format) | st.integers(16, 9_000).map("{}Mi".format),
        "storage": st.integers(1, 500).map("{}Gi".format),
    }
    chosen = st.lists(st.sampled_from(names), max_size=3, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: values[key].map(str) for key in keys}))


OF_API = ("replicas", "min", "max", "target", "cpu", "cpu_limit", "memory", "memory_limit")
STACKS = st.sampled_from([("go", "gin"), ("java", "spring-boot"), ("javascript", "express"), ("python", "django")])


@searched(150)
@given(some_of(*OF_API, "storage"), some_of(*OF_API), STACKS, st.none() | st.floats(1, 20_000), st.booleans())
def test_no_refinement_breaks_order_policy_or_the_records(everywhere, of_api, stack, rate, zero_downtime):
    one = service(language=stack[0], framework=stack[1])
    wishes = tuple(
        Refinement(service=owner, key=key, value=text, asked_in="myorg/infra#7")
        for owner, found in ((None, everywhere), ("api", of_api))
        for key, text in found.items()
    )
    facts = {
        "profile": profile(one, FILES, PULLER),
        "demand": GOLDEN_DEMAND.model_copy(update={"qps_peak": rate, "zero_downtime": zero_downtime}),
        "config": Config(limits=Limits(max_replicas=40)),
    }
    made = planned(refinements=wishes, **facts)
    assert planned(refinements=wishes, **facts) == made
    if isinstance(made, Refusal):
        assert made.code in {"syntax", "policy", "capacity"}
        assert made.message
        return
    for entry in made.services:
        assert 0 < entry.requests.memory <= entry.limits.memory
        assert 0 < entry.requests.cpu <= (entry.limits.cpu or entry.requests.cpu)
        assert 1 <= entry.replicas <= 40
        assert entry.hpa is None or 1 <= entry.hpa.min <= entry.replicas <= entry.hpa.max <= 40
        assert (entry.pdb is None) == (entry.replicas < 2)
        assert entry.pdb is None or entry.pdb.max_unavailable or (entry.hpa is None or entry.hpa.min > 1)
        assert value(made, f"services.{entry.name}.replicas") == entry.replicas
        assert value(made, f"services.{entry.name}.requests.cpu") == entry.requests.cpu.to_k8s()
        assert value(made, f"services.{entry.name}.requests.memory") == entry.requests.memory.to_k8s()
        assert value(made, f"services.{entry.name}.limits.memory") == entry.limits.memory.to_k8s()
        limit = None if entry.limits.cpu is None else entry.limits.cpu.to_k8s()
        assert value(made, f"services.{entry.name}.limits.cpu") == limit
        if entry.hpa is not None:
            assert value(made, f"services.{entry.name}.hpa.min") == entry.hpa.min
            assert value(made, f"services.{entry.name}.hpa.max") == entry.hpa.max
    assert made.services[1].replicas == 1
    assert len({entry.path for entry in made.decisions}) == len(made.decisions)
    assert Plan.model_validate_json(made.model_dump_json(by_alias=True)) == made
