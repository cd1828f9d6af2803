"""Do the pods fit, and what the namespace demands."""

from __future__ import annotations

import pytest

from bot.errors import Code
from bot.model.cluster import ClusterSnapshot, KubernetesFacts, LimitRange, Quota, Taint
from bot.model.demand import Demand
from bot.model.quantity import Bytes, MilliCpu, Resources
from tests.planning.builders import decision, plan, profile, refused, rules, service, snapshot, value, worker

DEMAND = Demand(qps_peak=2000.0, zero_downtime=True)


def cluster(*nodes, **facts) -> ClusterSnapshot:
    return snapshot(nodes=nodes, kubernetes=KubernetesFacts(**facts))


def small(name: str, cpu: int, **changes):
    free = Resources(cpu=MilliCpu(cpu), memory=Bytes.of_gib(4))
    return worker(name, **{"capacity": free, "promised": Resources(), **changes})


def test_pods_that_fit_leave_the_autoscaler_alone():
    made = plan(demand=DEMAND)
    assert made.services[0].hpa is not None
    assert made.services[0].hpa.max == 10
    assert made.capacity_verified


def test_the_autoscaler_is_capped_by_the_room_and_says_so():
    made = plan(demand=DEMAND, snapshot=cluster(small("k1", 2000), small("k2", 2000), small("k3", 2000)))
    assert made.services[0].hpa is not None
    assert made.services[0].hpa.max == 6
    assert "autoscaler-capped" in rules(made)
    found = decision(made, "services.api.hpa.max")
    assert found.value == 6
    assert found.tag == "read"
    assert found.rejected[0].startswith("10: ")


def test_two_services_share_the_room_fairly():
    both = profile(service(), service(name="other", path="other"))
    made = plan(demand=DEMAND, profile=both, snapshot=cluster(*(small(f"k{n}", 4000) for n in range(3))))
    assert [entry.hpa.max for entry in made.services if entry.hpa] == [6, 6]


def test_no_room_is_refused_with_the_resource_and_every_node():
    refusal = refused(demand=DEMAND, snapshot=cluster(small("k1", 1700), small("k2", 500), small("k3", 100)))
    assert refused
    assert refusal.code is Code.CAPACITY
    assert "Room for 2 of 3 pods of api" in refusal.message
    for name in ("k1", "k2", "k3"):
        assert f"{name}: " in refusal.message
    assert "CPU left" in refusal.message
    assert "3 nodes of at least" in refusal.remedy


def test_memory_is_named_when_memory_lacks():
    tight = Resources(cpu=MilliCpu(8000), memory=Bytes.of_mib(64))
    refusal = refused(demand=DEMAND, snapshot=cluster(worker("k1", capacity=tight, promised=Resources())))
    assert "64Mi memory left" in refusal.message


def test_a_pod_must_fit_one_node_not_the_sum():
    nodes = [small(f"k{number}", 800) for number in range(6)]
    assert refused(demand=DEMAND, snapshot=cluster(*nodes)).code is Code.CAPACITY


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        pytest.param({"taints": (Taint(key="gpu", effect="NoSchedule"),)}, "taint", id="taint"),
        pytest.param({"state": "unschedulable"}, "node-ready", id="cordoned"),
        pytest.param({"state": "offline"}, "node-ready", id="offline"),
        pytest.param({"operating_system": "windows"}, "operating-system", id="windows"),
    ],
)
def test_nodes_that_take_no_pods_are_named(changes, constraint):
    made = plan(demand=DEMAND, snapshot=cluster(worker("k1"), worker("k2", **changes)))
    assert [(entry.node, entry.constraint) for entry in made.placement[0].rejected] == [("k2", constraint)]
    unchanged = next(entry for entry in made.capacity if entry.node == "k2")
    assert unchanged.before == unchanged.after
    assert refused(demand=DEMAND, snapshot=cluster(worker("k2", **changes))).code is Code.CAPACITY


def test_a_soft_taint_keeps_nobody_out():
    tainted = worker("k1", taints=(Taint(key="spot", effect="PreferNoSchedule"),))
    assert plan(demand=DEMAND, snapshot=cluster(tainted)).capacity_verified


def test_a_full_node_has_no_pod_slot():
    full = worker("k1", pods_capacity=110, pods=110)
    assert "no pod slot left" in refused(demand=DEMAND, snapshot=cluster(full)).message


def test_no_room_for_the_extra_pods_of_a_rollout_is_said():
    made = plan(demand=DEMAND, snapshot=cluster(small("k1", 2600)))
    assert "no-room-for-rollout" in rules(made)


def quota(**hard: str) -> KubernetesFacts:
    names = {key.replace("_", "."): text for key, text in hard.items()}
    return KubernetesFacts(quotas=(Quota(namespace="shop", name="q", hard=names, used=dict.fromkeys(names, "0")),))


def test_a_quota_on_cpu_limits_sets_one_of_twice_the_request():
    made = plan(demand=DEMAND, snapshot=snapshot(kubernetes=quota(limits_cpu="100")))
    assert made.services[0].limits.cpu == MilliCpu(1700)
    assert value(made, "services.api.limits.cpu") == "1700m"
    assert "quota q" in decision(made, "services.api.limits.cpu").why


@pytest.mark.parametrize(
    "hard",
    [
        pytest.param({"requests_cpu": "4500m"}, id="requests-cpu"),
        pytest.param({"cpu": "4500m"}, id="cpu"),
        pytest.param({"limits_cpu": "9"}, id="limits-cpu"),
        pytest.param({"requests_memory": "640Mi"}, id="requests-memory"),
        pytest.param({"limits_memory": "700Mi"}, id="limits-memory"),
        pytest.param({"pods": "5"}, id="pods"),
    ],
)
def test_a_quota_caps_the_autoscaler(hard):
    made = plan(demand=DEMAND, snapshot=snapshot(kubernetes=quota(**hard)))
    assert made.services[0].hpa is not None
    assert made.services[0].hpa.max == 5


def test_a_quota_that_is_used_up_is_refused_by_name():
    facts = KubernetesFacts(
        quotas=(Quota(namespace="shop", name="q", hard={"requests.cpu": "4"}, used={"requests.cpu": "2"}),)
    )
    refusal = refused(demand=DEMAND, snapshot=snapshot(kubernetes=facts))
    assert refusal.code is Code.CAPACITY
    assert "requests.cpu" in refusal.message


def test_the_quota_of_another_namespace_is_none_of_ours():
    facts = KubernetesFacts(quotas=(Quota(namespace="other", name="q", hard={"pods": "0", "limits.cpu": "0"}),))
    made = plan(demand=DEMAND, snapshot=snapshot(kubernetes=facts))
    assert made.services[0].limits.cpu is None


def limit_range(**changes) -> ClusterSnapshot:
    return snapshot(kubernetes=KubernetesFacts(limit_ranges=(LimitRange(namespace="shop", name="r", **changes),)))


def test_limit_range_minima_raise_the_request():
    made = plan(demand=DEMAND, snapshot=limit_range(minimum={"cpu": "1", "memory": "256Mi"}))
    api = made.services[0]
    assert (api.requests.cpu, api.requests.memory, api.limits.memory) == (
        MilliCpu(1000), Bytes.of_mib(256), Bytes.of_mib(256),
    )  # fmt: skip
    assert value(made, "services.api.requests.cpu") == "1"


def test_limit_range_defaults_are_answered_by_a_limit_of_our_own():
    made = plan(demand=DEMAND, snapshot=limit_range(default_limit={"cpu": "100m"}))
    assert made.services[0].limits.cpu == MilliCpu(1700)


def test_limit_range_maximum_and_ratio_bound_the_limit():
    made = plan(demand=DEMAND, snapshot=limit_range(maximum={"cpu": "1500m"}))
    assert made.services[0].limits.cpu == MilliCpu(1500)
    made = plan(demand=DEMAND, snapshot=limit_range(max_ratio={"cpu": "1"}))
    assert made.services[0].limits.cpu == MilliCpu(850)


def test_a_pod_over_the_maximum_is_refused():
    assert refused(demand=DEMAND, snapshot=limit_range(maximum={"memory": "64Mi"})).code is Code.CAPACITY


def test_a_kubernetes_cluster_without_readable_nodes_is_unverified():
    made = plan(demand=DEMAND, snapshot=cluster())
    assert not made.capacity_verified
    assert "capacity-unverified" in rules(made)
    assert value(made, "cluster.enough_nodes") == "3 nodes of at least 2 vCPU and 2 GiB"
