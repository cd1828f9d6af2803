"""The golden case of the sizing method: Go/Gin and PostgreSQL, 2000 requests/s, zero downtime, strong consistency."""

from __future__ import annotations

import math
import time

import pytest

from bot.model.cluster import ClusterSnapshot
from bot.model.plan import Hpa, Pdb, Plan
from bot.model.quantity import Bytes, MilliCpu
from tests.planning.builders import decision, plan, planned, profile, rules, service, value


@pytest.fixture(scope="module")
def golden() -> Plan:
    return plan()


def test_cpu_per_request(golden):
    found = decision(golden, "services.api.cpu_ms_per_request")
    assert found.value == 0.71097
    assert found.formula == "c_req = 1 * (0.53 + 0.47*3 + 0.41*0.2) / (9480 * 0.3) = 0.71097 ms"
    assert found.tag == "M"
    assert "tfbvis" in found.source


def test_busy_cores(golden):
    assert value(golden, "services.api.busy_cores") == 1.42194


def test_target(golden):
    assert value(golden, "services.api.target_cpu_percent") == 65


def test_cpu_of_one_pod_without_a_limit(golden):
    api = golden.services[0]
    assert api.requests.cpu == MilliCpu(850)
    assert api.limits.cpu is None
    formula = decision(golden, "services.api.requests.cpu").formula or ""
    assert "0.72920" in formula
    assert "0.83644" in formula


def test_replicas_and_load(golden):
    assert golden.services[0].replicas == 3
    assert value(golden, "services.api.peak_load_percent") == 55.8
    assert value(golden, "services.api.peak_load_percent_after_loss") == 83.6


def test_tier_high_is_three_pods_of_which_one_may_be_lost(golden):
    assert value(golden, "services.api.criticality") == "high"
    assert decision(golden, "services.api.n_min").inputs["f"] == 1
    assert value(golden, "services.api.n_min") == 3


def test_confidence_and_interval(golden):
    assert golden.confidence.value == 0.414
    assert golden.confidence.sigma == 0.88193
    assert golden.confidence.low_cores == 0.460
    assert golden.confidence.high_cores == 4.397
    assert math.exp(1.28 * 0.88193) == pytest.approx(3.09216, abs=5e-5)
    assert not golden.confidence.draft
    assert golden.services[0].confidence == 0.414


def test_autoscaler(golden):
    assert golden.services[0].hpa == Hpa(min=3, max=10, target_cpu_percent=65)
    assert "9.276" in (decision(golden, "services.api.hpa.max").formula or "")


def test_memory(golden):
    assert golden.services[0].requests.memory == golden.services[0].limits.memory == Bytes.of_mib(128)
    formula = decision(golden, "services.api.requests.memory").formula or ""
    assert "133.333" in formula
    assert "50.6667" in formula
    assert "63.3333" in formula


def test_rollout(golden):
    api = golden.services[0]
    assert (api.rollout.max_unavailable, api.rollout.max_surge, api.rollout.grace_seconds) == (0, 1, 31)
    assert api.pdb == Pdb(max_unavailable=1)
    assert api.spread.by_zone


def test_database_machines(golden):
    assert [machine.name for machine in golden.machines] == ["shop-db-1", "shop-db-2"]
    for machine in golden.machines:
        assert machine.cores == 8
        assert machine.memory == Bytes.of_gib(32)
        assert machine.settings["shared_buffers"] == "8GB"
        assert machine.settings["max_connections"] == "106"
        assert machine.data_disks
        assert machine.serves == "postgresql"


def test_database_numbers(golden):
    cores = decision(golden, "databases.postgresql.cores")
    assert "6000/3200 + 400/360 = 2.98611" in (cores.formula or "")
    assert "37.3 %" in (cores.formula or "")
    assert value(golden, "databases.postgresql.active_connections") == 17
    assert value(golden, "databases.postgresql.pool_per_pod") == 8
    assert value(golden, "databases.postgresql.max_connections") == 106
    assert cores.why.startswith("first value")


def test_instances_stand_apart(golden):
    assert len({machine.node for machine in golden.machines}) == 2


def test_latency(golden):
    assert golden.services[0].latency_p95_ms == 9.8
    assert "rho = 0.5576" in (decision(golden, "services.api.latency_p95_ms").formula or "")


def test_every_number_of_the_plan_has_a_decision(golden):
    api = golden.services[0]
    stated = {
        "services.api.requests.cpu": api.requests.cpu.to_k8s(),
        "services.api.limits.cpu": None,
        "services.api.requests.memory": api.requests.memory.to_k8s(),
        "services.api.limits.memory": api.limits.memory.to_k8s(),
        "services.api.replicas": api.replicas,
        "services.api.hpa.min": 3,
        "services.api.hpa.max": 10,
        "services.api.hpa.target_cpu_percent": 65,
        "services.api.rollout.max_surge": 1,
        "services.api.rollout.grace_seconds": 31,
        "services.api.rollout.pre_stop_seconds": 10,
        "services.api.rollout.startup_seconds": 40,
        "services.api.pdb": {"max_unavailable": 1},
        "services.api.latency_p95_ms": 9.8,
        "services.api.confidence": 0.414,
        "services.api.image": api.image.reference,
        "confidence": 0.414,
        "namespace": "shop",
        "environment": "production",
    }
    for machine in golden.machines:
        stated |= {
            f"machines.{machine.name}.cores": 8,
            f"machines.{machine.name}.memory": "32Gi",
            f"machines.{machine.name}.disk": machine.disk.to_k8s(),
            f"machines.{machine.name}.data_disk": machine.data_disks[0].size.to_k8s(),
            f"machines.{machine.name}.vm_id": machine.vm_id,
            f"machines.{machine.name}.node": machine.node,
            f"machines.{machine.name}.address": machine.address,
        }
    stated |= {f"databases.postgresql.settings.{key}": text for key, text in golden.machines[0].settings.items()}
    for path, expected in stated.items():
        assert value(golden, path) == expected, path
    assert all(entry.why and entry.source for entry in golden.decisions)


def test_no_path_is_decided_twice(golden):
    paths = [entry.path for entry in golden.decisions]
    assert len(paths) == len(set(paths))


def test_capacity_is_verified_and_shown_before_and_after(golden):
    assert golden.capacity_verified
    changed = {entry.node: entry.after.cpu - entry.before.cpu for entry in golden.capacity}
    assert sum(changed[name] for name in ("k1", "k2", "k3")) == 3 * 850
    assert sorted(changed[name] for name in ("pve1", "pve2", "pve3")) == [0, 8000, 8000]
    assert "capacity-unverified" not in rules(golden)


def test_without_any_cluster_the_same_sizes_stand_as_unverified(golden):
    from_nothing = plan(snapshot=ClusterSnapshot())
    assert not from_nothing.capacity_verified
    assert from_nothing.services[0].requests == golden.services[0].requests
    assert from_nothing.services[0].hpa == golden.services[0].hpa
    assert [machine.cores for machine in from_nothing.machines] == [8, 8]
    assert {"capacity-unverified", "machines-unverified", "template-unverified"} <= rules(from_nothing)
    assert from_nothing.capacity == ()


def test_the_same_input_gives_the_same_plan(golden):
    assert plan() == golden
    assert plan().model_dump_json() == golden.model_dump_json()


def test_the_front_end_gets_the_same_peak_as_static_files():
    web = service(name="web", path="web", kind="static", language="javascript", framework="react", dependencies=())
    made = plan(profile=profile(service(), web))
    found = next(entry for entry in made.services if entry.name == "web")
    assert found.qps == 2000
    assert found.requests.cpu == MilliCpu(100)
    assert made.confidence.value == 0.414
    assert decision(made, "services.web.cpu_ms_per_request").source.endswith("per core and second")


def test_a_plan_takes_less_than_100_ms():
    planned()
    best = min(_seconds() for _ in range(3))
    assert best < 0.1


def _seconds() -> float:
    start = time.perf_counter()
    planned()
    return time.perf_counter() - start
