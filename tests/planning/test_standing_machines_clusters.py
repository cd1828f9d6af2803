"""A cluster asked for again while it runs: its machines stay, workers come and go, its networks do not change."""

from __future__ import annotations

import pytest

from bot.errors import Code
from bot.model.config import Kubernetes
from bot.model.quantity import MilliCpu, Resources
from tests.planning.builders import pve, rules
from tests.planning.standing_kit import applied
from tests.planning.test_standing_machines import again
from tests.planning.wishing import BRIDGES, GIB, cluster, config, denied, hosts, machine, wished


def test_scaling_out_adds_workers_and_leaves_the_others():
    first = wished(cluster(1, 2, 4, 8))
    second = again(cluster(1, 4, 4, 8), first=first)
    assert second.machines[:3] == first.machines
    assert [entry.name for entry in second.machines[3:]] == ["kube-worker-3", "kube-worker-4"]
    assert second.clusters[0].endpoint == first.clusters[0].endpoint


def test_scaling_in_removes_the_highest_workers_and_says_to_drain_them():
    first = wished(cluster(1, 4, 4, 8))
    second = again(cluster(1, 2, 4, 8), first=first)
    assert second.machines == first.machines[:3]
    said = next(entry for entry in second.findings if entry.rule == "workers-removed")
    assert "kube-worker-3, kube-worker-4" in said.message
    assert "drain" in str(said.remedy)


def test_workers_with_data_are_not_removed():
    wish = machine("kube", data_disks=(GIB(20),))
    first = wished(cluster(1, 3, 4, 8, node_wish=wish))
    second = again(cluster(1, 1, 4, 8, node_wish=wish), first=first)
    assert second.machines == first.machines
    assert second.clusters[0].workers == 3
    assert "cluster-scaled-down" not in rules(second)


def test_control_planes_are_never_removed():
    first = wished(cluster(3, 1, 2, 4))
    second = again(cluster(1, 1, 2, 4), first=first)
    assert second.machines == first.machines
    assert "control-planes-kept" in rules(second)


def test_the_address_of_the_api_stays_when_control_planes_are_added():
    first = wished(cluster(1, 1, 2, 4))
    second = again(cluster(3, 1, 2, 4), first=first)
    assert second.clusters[0].endpoint == first.clusters[0].endpoint
    assert len(second.machines) == 4
    assert "api-endpoint-not-virtual" in rules(second)


def test_a_cluster_without_room_to_grow_keeps_its_size_and_its_workers():
    first = wished(cluster(1, 3, 4, 8), environment="dev")
    full = Resources(cpu=MilliCpu(20_000), memory=GIB(90))
    taken = applied(first, hosts(nodes=tuple(pve(f"pve{n}", bridges=BRIDGES, promised=full) for n in (1, 2, 3))))
    second = again(cluster(1, 3, 4, 64), first=first, snapshot=taken, environment="dev")
    assert second.machines == first.machines
    assert second.clusters[0].asked == "1+3 4/64"
    assert "no room to grow" in second.clusters[0].why


def test_a_new_worker_without_room_never_costs_one_that_stands():
    first = wished(cluster(1, 3, 4, 8), environment="dev")
    full = Resources(cpu=MilliCpu(20_000), memory=GIB(95))
    taken = applied(first, hosts(nodes=tuple(pve(f"pve{n}", bridges=BRIDGES, promised=full) for n in (1, 2, 3))))
    second = again(cluster(1, 9, 4, 8), first=first, snapshot=taken, environment="dev")
    assert second.machines[:4] == first.machines
    assert 3 <= second.clusters[0].workers < 9


def test_pods_of_the_running_cluster_do_not_move_its_pod_network():
    first = wished(cluster(1, 1, 2, 4))
    taken = applied(first, hosts(), kube_worker_1={"addresses": ("10.30.0.51", "10.244.1.0", "10.244.1.1")})
    second = again(cluster(1, 1, 2, 4), first=first, snapshot=taken)
    assert second.machines == first.machines
    assert second.clusters == first.clusters


@pytest.mark.parametrize("change", [{"cni": "cilium"}, {"pod_cidr": "10.99.0.0/16"}])
def test_plugin_and_pod_network_of_a_cluster_never_change(change):
    first = wished(cluster(1, 1, 2, 4))
    refusal = denied(cluster(1, 1, 2, 4, **change), before=first, snapshot=applied(first, hosts()))
    assert refusal.code is Code.CONFLICT
    assert "another name" in str(refusal.remedy)


@pytest.mark.parametrize("version", ["1.33.9", "1.36.0", "1.34.1", "2.0.0"])
def test_versions_go_up_by_one_minor_release_and_never_back(version):
    first = wished(cluster(1, 1, 2, 4))
    refusal = denied(cluster(1, 1, 2, 4, version=version), before=first, snapshot=applied(first, hosts()))
    assert refusal.code is Code.CONFLICT
    assert "1.34.3" in refusal.message


@pytest.mark.parametrize(("version", "planned"), [("1.35.1", "1.35.1"), ("1.34.5", "1.34.5"), ("1.34", "1.34.3")])
def test_an_upgrade_is_said_aloud(version, planned):
    first = wished(cluster(1, 1, 2, 4))
    second = again(cluster(1, 1, 2, 4, version=version), first=first)
    assert second.clusters[0].version == planned
    assert ("cluster-upgraded" in rules(second)) == (planned != "1.34.3")


def test_the_configuration_is_for_new_clusters():
    first = wished(cluster(1, 1, 2, 4))
    other = config(kubernetes=Kubernetes(version="1.35.0", cni="cilium", pod_cidr="10.98.0.0/16"))
    second = again(cluster(1, 1, 2, 4), first=first, config=other)
    assert second.clusters == first.clusters
    assert "cluster-keeps-its-own" in rules(second)
