"""Requests for whole Kubernetes clusters: the eight of the issue exactly, words beat the kind, kubeadm's least size."""

from __future__ import annotations

import pytest

from bot.errors import Code, Refusal
from bot.model.plan import Source
from bot.model.quantity import GIB, Bytes
from bot.model.wishes import ClusterWish, NicWish, Wishes
from bot.survey.request.presets import PRESETS
from bot.survey.request.reading import read_request


def wishes(text: str) -> Wishes:
    read = read_request(text)
    assert isinstance(read, Wishes), read
    return read


def cluster(text: str) -> ClusterWish:
    [one] = wishes(text).clusters
    return one


def shape(one: ClusterWish) -> str:
    """``1+5 4/8``: control planes, workers, cores and GiB each."""
    return f"{one.control_planes}+{one.workers} {one.cores}/{one.memory // GIB}"


@pytest.mark.parametrize(
    ("text", "expected", "addons", "cni", "name"),
    [
        ("dev cluster", "1+1 2/2", (), None, "dev-cluster"),
        (
            "production cluster with 5 workers",
            "1+5 4/8",
            ("metrics-server", "ingress-nginx"),
            None,
            "production-cluster",
        ),
        ("ML training cluster with 16GB RAM", "1+3 8/16", (), None, "ml-cluster"),
        ("CI/CD runner cluster", "1+2 4/4", (), None, "ci-cluster"),
        ("HA cluster with monitoring", "3+3 4/8", ("prometheus",), None, "ha-cluster"),
        ("minimal single-node cluster", "1+0 2/2", (), None, "single-node-cluster"),
        ("staging with calico and ingress", "1+2 2/4", ("ingress-nginx",), "calico", "staging-cluster"),
        ("5 node cluster with 4 cores 8gb", "1+4 4/8", (), None, "cluster"),
    ],
)
def test_the_eight_clusters_of_the_issue(
    text: str, expected: str, addons: tuple[str, ...], cni: str | None, name: str
) -> None:
    read = wishes(text)
    [one] = read.clusters
    assert (shape(one), one.addons, one.cni, one.name, read.name) == (expected, addons, cni, name, name)
    assert read.machines == ()
    assert read.unsure == ()
    assert read.not_acted_on == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("production HA cluster", "3+3 4/8"), ("dev cluster with 3 workers", "1+3 2/2"), ("cluster with 3 masters", "3+2 2/4"),
        ("cluster with 2 worker nodes and 4 cores", "1+2 4/4"), ("a 3-node HA kubernetes cluster", "3+0 4/8"),
        ("cluster of 4 VMs", "1+3 2/4"), ("cluster named lab with 3 machines", "1+2 2/4"), ("dev cluster with no workers", "1+0 2/2"),
        ("Kubernetes with 3 workers", "1+3 2/4"), ("kubernetes cluster for CI", "1+2 4/4"), ("cluster for machine learning", "1+3 8/16"),
        ("k8s cluster", "1+2 2/4"), ("cluster with workers: 4, control planes: 3", "3+4 2/4"), ("create a dev cluster", "1+1 2/2"),
        ("Production  CLUSTER, 32 GiB memory", "1+3 4/32"), ("HA cluster of 5 VMs", "3+2 4/8"),
    ],
)  # fmt: skip
def test_words_beat_the_kind(text: str, expected: str) -> None:
    assert shape(cluster(text)) == expected


def test_everything_that_a_cluster_may_state() -> None:
    text = (
        "kubernetes cluster named lab with 3 masters, 2 workers, each node 100GB disk, kubernetes 1.33, pod network 10.42.0.0/16, cilium, "
        "argo cd, rancher, dashboard, grafana, cert-manager, MetalLB and longhorn, using template 9000 on vmbr1 VLAN 30 in pool kube, tags: kube"
    )
    one = cluster(text)
    assert (one.name, shape(one), one.disk, one.version) == ("lab", "3+2 2/4", Bytes(100 * 10**9), "1.33")
    assert (one.pod_cidr, one.cni) == ("10.42.0.0/16", "cilium")
    assert set(one.addons) == {"argocd", "rancher", "dashboard", "grafana", "cert-manager", "metallb", "longhorn"}
    assert one.node_wish is not None
    assert (one.node_wish.pool, one.node_wish.tags, one.node_wish.source) == (
        "kube",
        ("kube",),
        Source(template_id=9000),
    )
    assert one.node_wish.nics == (NicWish(bridge="vmbr1", vlan=30),)


def test_an_addon_that_is_not_wanted_is_left_out() -> None:
    assert cluster("production cluster without ingress").addons == ("metrics-server",)
    assert cluster("HA cluster, no monitoring").addons == ()


def test_an_even_number_of_control_planes_is_a_question_with_the_next_odd_one_assumed() -> None:
    read = wishes("cluster with 2 control planes")
    assert read.clusters[0].control_planes == 3
    [question] = read.unsure
    assert question.assumed == "3 control planes"
    assert [one.settles for one in question.candidates] == ["3 control planes", "1 control planes"]
    [record] = [one for one in read.decisions if one.path == "clusters.cluster.control_planes"]
    assert (record.value, record.origin) == (3, "rule")


def test_nodes_and_workers_that_disagree_are_a_question() -> None:
    read = wishes("5 node cluster with 3 workers")
    assert shape(read.clusters[0]) == "1+3 2/4"
    assert [one.path for one in read.unsure] == ["clusters.cluster.workers"]


def test_what_is_not_built_is_named() -> None:
    read = wishes("k3s cluster with weave and 3 workers")
    assert {one.text for one in read.not_acted_on} == {"k3s", "weave"}
    assert all("built" in one.note for one in read.not_acted_on)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dev cluster with 300 MB RAM", "kubeadm"), ("dev cluster with 1 core", "kubeadm"), ("cluster with 0.5 cores", "0.5 cores"),
        ("cluster with 9 masters", "9 control planes"), ("2 node HA cluster", "2 machines"), ("cluster with 1000000 workers", "1,000,000"),
        ("cluster with pod network 10.42.0.0/30", "/30"), ("cluster with 2.5 workers", "2.5"), ("0 node cluster", "0 nodes"),
        ("cluster from local:vztmpl/debian-12_amd64.tar.zst", "LXC"),
    ],
)  # fmt: skip
def test_what_no_cluster_can_have_is_refused_by_policy(text: str, word: str) -> None:
    read = read_request(text)
    assert isinstance(read, Refusal)
    assert (read.code, word in read.message) == (Code.POLICY, True), read.message


@pytest.mark.parametrize(
    "text",
    [
        "cluster named Foo_Bar",
        "cluster named ku!be",
        "cluster called " + "x" * 41,
        "dev cluster and a second dev cluster",
    ],
)
def test_a_name_that_cannot_be_is_refused(text: str) -> None:
    read = read_request(text)
    assert isinstance(read, Refusal)
    assert read.code == Code.NAME


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_every_number_of_a_kind_has_a_decision_that_names_it(preset: object) -> None:
    words = {"single-node": "minimal", "ml-training": "ML", "ci-cd": "CI", "high-availability": "HA", "general": ""}
    chosen = next(one for one in PRESETS if one is preset)
    read = wishes(f"{words.get(chosen.id, chosen.id)} cluster")
    [one] = read.clusters
    assert (one.preset, shape(one)) == (
        chosen.id,
        f"{chosen.control_planes}+{chosen.workers} {chosen.cores}/{chosen.gib}",
    )
    records = {
        record.path.rsplit(".", 1)[1]: record
        for record in read.decisions
        if record.path.startswith(f"clusters.{one.name}.")
    }
    assert {"control_planes", "workers", "cores", "memory"} <= set(records)
    assert {record.source for name, record in records.items() if name != "control_planes"} == {f"preset {chosen.id}"}


def test_a_stated_number_is_the_users_decision() -> None:
    records = {one.path: one for one in wishes("production cluster with 5 workers").decisions}
    assert (
        records["clusters.production-cluster.workers"].origin,
        records["clusters.production-cluster.workers"].tag,
    ) == ("user", "user")
    assert "5 workers" in records["clusters.production-cluster.workers"].source
    assert records["clusters.production-cluster.cores"].origin == "rule"


def test_a_cluster_and_a_machine_in_one_request() -> None:
    read = wishes("dev cluster and a PostgreSQL VM with 8 cores")
    assert (read.clusters[0].cores, read.machines[0].cores, read.machines[0].engine) == (2, 8, "postgresql")
    assert read.name == "dev-cluster"
