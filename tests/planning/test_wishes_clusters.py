"""Whole Kubernetes clusters: the eight golden ones, and what becomes of them where the hosts have less."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.errors import Code
from bot.model.cluster import ClusterSnapshot, Node
from bot.model.config import Config, Defaults, Kubernetes, Limits
from bot.model.quantity import Bytes, MilliCpu, Resources
from tests.planning.builders import decision, pve, rules, value
from tests.planning.wishing import (
    BRIDGES,
    CONFIG,
    GIB,
    cluster,
    config,
    denied,
    guest,
    hosts,
    machine,
    wished,
    with_guests,
)

PRODUCTION = ("metrics-server", "ingress-nginx")
EIGHT = [
    pytest.param(cluster(1, 1, 2, 2), "dev", "flannel", "1+1 2/2", id="dev"),
    pytest.param(cluster(1, 5, 4, 8, addons=PRODUCTION), "production", "calico", "1+5 4/8", id="production-5-workers"),
    pytest.param(cluster(1, 3, 8, 16), "production", "calico", "1+3 8/16", id="ml-training-16gb"),
    pytest.param(cluster(1, 2, 4, 4), "production", "calico", "1+2 4/4", id="ci-cd-runner"),
    pytest.param(cluster(3, 3, 4, 8, addons=("prometheus",)), "production", "calico", "3+3 4/8", id="ha-monitoring"),
    pytest.param(cluster(1, 0, 2, 2), "dev", "flannel", "1+0 2/2", id="minimal-single-node"),
    pytest.param(
        cluster(1, 2, 4, 8, cni="calico", addons=("ingress-nginx",)), "staging", "calico", "1+2 4/8",
        id="staging-calico-ingress",
    ),
    pytest.param(cluster(1, 4, 4, 8), "production", "calico", "1+4 4/8", id="five-nodes"),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "environment", "cni", "shape"), EIGHT)
def test_the_eight_clusters_exactly(wish, environment, cni, shape):
    made = wished(wish, environment=environment)
    plan, planes, workers = made.clusters[0], wish.control_planes, wish.workers
    assert plan.memory is not None
    assert f"{plan.control_planes}+{plan.workers} {plan.cores}/{plan.memory.gib:g}" == shape
    assert (plan.cni, plan.addons, plan.asked, plan.version) == (cni, wish.addons, None, "1.34.3")
    names = [f"kube-cp-{n}" for n in range(1, planes + 1)] + [f"kube-worker-{n}" for n in range(1, workers + 1)]
    assert [one.name for one in made.machines] == names
    assert {(one.cores, one.memory, one.cluster) for one in made.machines} == {(wish.cores, wish.memory, "kube")}
    assert [one.role for one in made.machines] == ["kubernetes-control-plane"] * planes + [
        "kubernetes-worker"
    ] * workers
    assert made.capacity_verified
    assert made.root == "clusters/request"


def test_control_planes_and_workers_are_spread_over_the_hosts():
    made = wished(cluster(3, 3, 4, 8))
    by_role = Counter((one.role, one.node) for one in made.machines)
    assert set(by_role.values()) == {1}


def test_three_control_planes_share_a_virtual_address_of_the_range():
    made = wished(cluster(3, 1, 2, 4))
    assert [one.address for one in made.machines] == [f"10.30.0.{n}/24" for n in (50, 51, 52, 53)]
    assert made.clusters[0].endpoint == "10.30.0.54"
    assert "kube-vip" in decision(made, "clusters.kube.endpoint").why


def test_one_control_plane_is_the_endpoint_itself():
    assert wished(cluster(1, 1, 2, 2)).clusters[0].endpoint == "10.30.0.50"


def test_without_a_range_three_control_planes_have_no_virtual_address_and_it_is_said():
    made = wished(cluster(3, 0, 2, 4), config=Config())
    assert made.clusters[0].endpoint is None
    assert "api-endpoint-not-virtual" in rules(made)


def small(gib: int, count: int = 1, threads: int = 8) -> ClusterSnapshot:
    """Hosts with about ``gib`` GiB of plannable memory each; 2 GiB are kept for the host."""
    capacity = Resources(cpu=MilliCpu(threads * 1000), memory=GIB(gib + 2))
    nodes: list[Node] = [
        pve(f"pve{n}", capacity=capacity, promised=Resources(), bridges=BRIDGES) for n in range(1, count + 1)
    ]
    return hosts(nodes=tuple(nodes))


def test_workers_go_first_and_the_reason_is_the_hosts():
    made = wished(cluster(1, 5, 4, 8), snapshot=small(22), environment="dev")
    plan = made.clusters[0]
    assert (plan.control_planes, plan.workers, plan.cores, plan.memory) == (1, 1, 4, GIB(8))
    assert plan.asked == "1+5 4/8"
    assert "memory" in plan.why
    assert "pve1" in plan.why
    assert "cluster-scaled-down" in rules(made)
    assert decision(made, "clusters.kube.workers").rejected


def test_then_the_machines_become_smaller():
    made = wished(cluster(1, 3, 4, 8), snapshot=small(10), environment="dev")
    plan = made.clusters[0]
    assert (plan.workers, plan.cores, plan.memory, plan.asked) == (1, 4, GIB(4), "1+3 4/8")


def test_below_what_kubeadm_needs_the_refusal_names_every_node():
    refusal = denied(cluster(3, 3, 4, 8), snapshot=small(3), environment="dev")
    assert refusal.code is Code.CAPACITY
    assert "kubeadm" in refusal.message
    assert "pve1" in refusal.message


def test_the_policy_scales_down_as_well():
    made = wished(cluster(1, 5, 8, 16), config=config(limits=Limits(max_machines=3, max_cores_per_machine=4)))
    plan = made.clusters[0]
    assert (plan.workers, plan.cores, plan.asked) == (2, 4, "1+5 8/16")
    assert "limits.max_machines" in plan.why
    assert "limits.max_cores_per_machine" in plan.why


def test_a_policy_that_permits_not_even_the_control_planes_is_a_refusal():
    assert denied(cluster(3, 1, 2, 4), config=config(limits=Limits(max_machines=2))).code is Code.POLICY


def test_n_plus_one_in_production_scales_down():
    """A04: what fits only until a host fails is not planned for production."""
    production = wished(cluster(1, 5, 4, 8), snapshot=small(24, count=2))
    lab = wished(cluster(1, 5, 4, 8), snapshot=small(24, count=2), environment="dev")
    assert production.clusters[0].workers < lab.clusters[0].workers
    assert "N+1" in production.clusters[0].why


def test_versions_and_plugins_of_the_config_and_the_request():
    settings = config(kubernetes=Kubernetes(version="1.33.5", cni="cilium"))
    assert wished(cluster(1, 0, 2, 2), config=settings).clusters[0].version == "1.33.5"
    assert wished(cluster(1, 0, 2, 2), config=settings).clusters[0].cni == "cilium"
    own = wished(cluster(1, 0, 2, 2, version="1.32.1", cni="flannel"), config=settings)
    assert (own.clusters[0].version, own.clusters[0].cni) == ("1.32.1", "flannel")


def test_pods_never_share_a_network_with_guests():
    taken = with_guests(guest(100, addresses=("10.244.3.4",)))
    made = wished(cluster(1, 0, 2, 2), snapshot=taken)
    assert made.clusters[0].pod_cidr == "10.245.0.0/16"
    assert "pod-network-moved" in rules(made)


def test_a_pod_network_that_was_asked_for_and_is_used_is_a_conflict():
    refusal = denied(cluster(1, 0, 2, 2, pod_cidr="10.30.0.0/16"))
    assert refusal.code is Code.CONFLICT
    assert "10.30.0.0/24" in refusal.message


def test_without_proxmox_the_plan_goes_on_unverified():
    made = wished(cluster(3, 2, 4, 8), snapshot=ClusterSnapshot(), config=Config())
    assert not made.capacity_verified
    assert {one.node for one in made.machines} == {"pve"}
    assert "machines-unverified" in rules(made)
    assert "template-unverified" in rules(made)


def test_every_number_of_a_cluster_has_a_record():
    made = wished(cluster(3, 2, 4, 8))
    for what in ("control_planes", "workers", "cores", "memory", "disk", "version", "cni", "pod_cidr", "service_cidr"):
        assert decision(made, f"clusters.kube.{what}").why


def test_no_firewall_and_no_device_where_it_would_break_the_cluster():
    wish = cluster(1, 1, 2, 4, node_wish=machine("kube", firewall=True, tags=("Team A", "blue")))
    made = wished(wish)
    assert all(one.firewall is None for one in made.machines)
    assert "firewall-not-on-cluster" in rules(made)
    assert made.machines[0].tags == ("ai-provision", "blue", "kube", "request")


def test_confidence_falls_where_the_preset_gave_the_size():
    made = wished(cluster(1, 0, 2, 2))
    assert made.confidence.value == pytest.approx(0.502, abs=0.001)
    assert made.confidence.high_cores == 2.0
    assert value(made, "confidence") == made.confidence.value


def test_a_range_without_addresses_enough_is_refused():
    few = Config(defaults=Defaults(addresses="10.30.0.50-10.30.0.51/24"))
    assert denied(cluster(1, 2, 2, 2), config=few).code is Code.CAPACITY
    assert CONFIG.defaults.addresses is not None


def test_bytes_are_whole_gibibytes_after_halving():
    made = wished(cluster(1, 1, 6, 12), snapshot=small(7), environment="dev")
    assert made.clusters[0].memory == Bytes.of_gib(3)
