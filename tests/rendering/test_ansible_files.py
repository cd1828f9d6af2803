"""Ansible folders of the eight clusters and of workers that join one: golden, and safe against what people write."""

from __future__ import annotations

import configparser
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.checks.check import check
from bot.errors import Broken, Code, Refused
from bot.model.cluster import KubernetesFacts
from bot.model.plan import ClusterPlan
from bot.rendering.ansible import ansible_files
from bot.rendering.ansible_addons import CHARTS, SWITCHES
from bot.rendering.ansible_release import NEWEST_PATCH, exact_version
from bot.rendering.files import render
from bot.survey.request.presets import ADDON_NAMES
from tests.rendering.ansible_scenes import CLUSTERS, asked, clustered
from tests.rendering.machine_scenes import vm, web
from tests.rendering.scenes import Nouns

GOLDEN = Path(__file__).parent / "golden_ansible"
REGENERATE = os.environ.get("REGENERATE_GOLDEN") == "1"
COUNTS = {
    "dev": (1, 1), "production": (1, 5), "ml": (1, 3), "ci": (1, 2), "ha": (3, 3), "single-node": (1, 0),
    "staging": (1, 2), "five-nodes": (1, 4),
}  # fmt: skip


def compare(name: str, files: dict[str, str]) -> None:
    """Byte by byte; ``REGENERATE_GOLDEN=1`` writes the files instead."""
    folder = GOLDEN / name
    if REGENERATE:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
    kept = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert files == kept


def loaded(files: dict[str, str], path: str) -> Any:
    return yaml.safe_load(files[f"ansible/{path}"])


def variables(nouns: Nouns) -> dict[str, Any]:
    found = loaded(ansible_files(nouns), "group_vars/k8s_cluster.yml")
    assert isinstance(found, dict)
    return found


def members(files: dict[str, str], group: str) -> list[str]:
    children = loaded(files, "inventory.yml")["all"]["children"]
    return list((children.get(group) or children["k8s_cluster"]["children"][group])["hosts"])


def with_cluster(nouns: Nouns, **fields: Any) -> Nouns:
    return nouns.with_plan(clusters=(nouns.plan.clusters[0].model_copy(update=fields),))


def refused(nouns: Nouns) -> Refused:
    with pytest.raises(Refused) as told:
        ansible_files(nouns)
    return told.value


def joining(**fields: Any) -> Nouns:
    """One application with two workers for the cluster that exists, one of them by DHCP."""
    machines = (
        vm("home-worker-4", 130, role="kubernetes-worker", cluster="home"),
        vm("home-worker-5", 131, role="kubernetes-worker", cluster="home", address="dhcp", gateway=None),
        vm("shop-db", 132, role="database"),
    )
    facts = KubernetesFacts(name="home", version="v1.34.2")
    nouns = web().with_plan(machines=machines)
    return nouns.changed(snapshot=nouns.snapshot.model_copy(update={"kubernetes": facts, **fields}))


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_eight_clusters_are_golden(name: str) -> None:
    compare(name, ansible_files(clustered(name)))


def test_workers_of_an_application_are_golden() -> None:
    compare("joining-workers", ansible_files(joining()))


@pytest.mark.parametrize("name", CLUSTERS)
def test_every_machine_is_a_host_in_the_groups_of_its_role(name: str) -> None:
    files = ansible_files(clustered(name))
    planes, workers = COUNTS[name]
    assert len(members(files, "kube_control_plane")) == planes
    assert len(members(files, "kube_node")) == (workers or planes)
    assert len(members(files, "etcd")) % 2 == 1
    hosts = loaded(files, "inventory.yml")["all"]["hosts"]
    assert len(hosts) == planes + workers
    assert all(host["ansible_host"] == host["ip"] for host in hosts.values())


def test_a_single_node_runs_pods_itself() -> None:
    files = ansible_files(clustered("single-node"))
    assert members(files, "kube_node") == members(files, "kube_control_plane")


def test_no_check_has_anything_to_say() -> None:
    for name in CLUSTERS:
        nouns = clustered(name)
        found = check(render(nouns), plan=nouns.plan, config=nouns.config)
        assert [finding for finding in found if "/ansible/" in (finding.path or "")] == []


def test_G03_same_input_same_bytes() -> None:  # noqa: N802  # the row's name
    assert ansible_files(clustered("ha")) == ansible_files(clustered("ha"))


def test_machines_alone_need_no_playbook() -> None:
    assert ansible_files(web()) == {}


def test_three_control_planes_share_an_address_that_none_of_them_owns() -> None:
    nouns = clustered("ha")
    found, hosts = variables(nouns), loaded(ansible_files(nouns), "inventory.yml")["all"]["hosts"]
    assert found["kube_vip_address"] == found["loadbalancer_apiserver"]["address"] == nouns.plan.clusters[0].endpoint
    assert found["kube_vip_address"] not in {host["ip"] for host in hosts.values()}
    assert "kube_vip_enabled" not in variables(clustered("dev"))


def test_an_endpoint_that_is_a_machine_is_not_claimed_by_kube_vip() -> None:
    nouns = clustered("ha")
    own = nouns.plan.machines[0].address.partition("/")[0]
    assert "kube_vip_enabled" not in variables(with_cluster(nouns, endpoint=own))
    assert "kube_vip_enabled" not in variables(with_cluster(nouns, endpoint=None))


def test_two_control_planes_have_an_odd_number_of_etcd_members() -> None:
    nouns = clustered("ha")
    machines = tuple(machine for machine in nouns.plan.machines if not machine.name.endswith("cp-3"))
    assert len(members(ansible_files(nouns.with_plan(machines=machines)), "etcd")) == 1


def test_a_leased_address_is_a_variable_of_the_run() -> None:
    nouns = clustered("dev")
    machines = tuple(machine.model_copy(update={"address": "dhcp"}) for machine in nouns.plan.machines)
    files = ansible_files(nouns.with_plan(machines=machines))
    assert members(files, "leased") == [machine.name for machine in machines]
    assert all(host == {} for host in loaded(files, "inventory.yml")["all"]["hosts"].values())
    assert "'address_' ~ inventory_hostname" in loaded(files, "group_vars/leased.yml")["ansible_host"]


def test_the_user_is_the_configured_one_and_host_keys_are_checked() -> None:
    nouns = asked("dev cluster", defaults={"addresses": "10.30.0.50-10.30.0.99/24", "username": "ops"})
    files = ansible_files(nouns)
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(files["ansible/ansible.cfg"])
    assert loaded(files, "group_vars/all.yml") == {"ansible_user": "ops"}
    assert settings["defaults"]["host_key_checking"] == "True"
    assert "StrictHostKeyChecking=accept-new" in settings["ssh_connection"]["ssh_args"]
    assert "StrictHostKeyChecking=no" not in files["ansible/ansible.cfg"]
    assert "/dev/null" not in files["ansible/ansible.cfg"]


def test_every_collection_is_pinned_to_one_version() -> None:
    wanted = loaded(ansible_files(clustered("dev")), "requirements.yml")["collections"]
    assert all(each["version"].removeprefix("v").replace(".", "").isdecimal() for each in wanted)
    assert {each["name"] for each in wanted} >= {"kubernetes.core", "https://github.com/kubernetes-sigs/kubespray.git"}


@pytest.mark.parametrize(("wanted", "found"), [("1.34.3", "1.34.3"), ("v1.34.3", "1.34.3"), ("1.35", "1.35.4")])
def test_a_version_is_exact(wanted: str, found: str) -> None:
    assert exact_version(wanted) == found


@pytest.mark.parametrize("wanted", ["1.32.4", "1.99.0", "1.34.99", "2.0", "", "1.34.x", "1.34.3.4"])
def test_a_version_that_the_collection_does_not_know_is_refused_with_those_it_knows(wanted: str) -> None:
    refusal = refused(with_cluster(clustered("dev"), version=wanted)).refusal
    assert refusal.code is Code.CONFIG
    assert all(line in refusal.remedy for line in NEWEST_PATCH)


def test_several_clusters_in_one_request_are_refused() -> None:
    nouns = clustered("dev")
    second: ClusterPlan = nouns.plan.clusters[0].model_copy(update={"name": "second"})
    assert refused(nouns.with_plan(clusters=(*nouns.plan.clusters, second))).refusal.code is Code.SYNTAX


def test_every_addon_that_a_request_may_name_is_installed() -> None:
    assert set(ADDON_NAMES) == set(SWITCHES) | set(CHARTS)
    found = variables(with_cluster(clustered("production"), addons=ADDON_NAMES))
    assert {each["release"] for each in found["addon_charts"]} == set(CHARTS)
    assert all(found[switch] is True for switch in SWITCHES.values())
    assert all(each.get("version") or each["chart"].endswith(".tgz") for each in found["addon_charts"])
    assert found["addon_packages"] == ["nfs-common", "open-iscsi"]


def test_an_addon_brings_what_it_needs() -> None:
    assert variables(with_cluster(clustered("dev"), addons=("rancher",)))["cert_manager_enabled"] is True


def test_an_unknown_addon_is_refused() -> None:
    assert "warp-drive" in refused(with_cluster(clustered("dev"), addons=("warp-drive",))).refusal.message


def test_rancher_without_a_domain_is_refused_with_the_setting() -> None:
    nouns = asked("dev cluster", defaults={"addresses": "10.30.0.50-10.30.0.99/24"})
    assert "defaults.dns.domain" in refused(with_cluster(nouns, addons=("rancher",))).refusal.remedy


def test_no_chart_is_installed_with_a_password_that_everybody_knows() -> None:
    charts = variables(with_cluster(clustered("dev"), addons=("prometheus", "grafana")))["addon_charts"]
    settings = {each["release"]: each["settings"] for each in charts}
    assert settings["prometheus"]["grafana"] == {"enabled": False}
    assert "adminPassword" not in settings["grafana"]
    assert settings["grafana"]["datasources"]["datasources.yaml"]["datasources"][0]["url"].endswith(":9090")


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("10.30.0.100-10.30.0.119", ["10.30.0.100-10.30.0.119"]),
        ("10.30.0.100-10.30.0.119/24", ["10.30.0.100-10.30.0.119"]),
        ("10.30.1.0/28, 10.30.0.9", ["10.30.1.0/28", "10.30.0.9/32"]),
    ],
)
def test_metallb_gets_the_configured_addresses(text: str, ranges: list[str]) -> None:
    nouns = asked("production cluster with metallb", kubernetes={"load_balancer_addresses": text})
    found = variables(nouns)
    assert found["metallb_config"]["address_pools"]["primary"]["ip_range"] == ranges
    assert [each["settings"] for each in found["addon_charts"]] == [{"controller": {"replicaCount": 2}}]


@pytest.mark.parametrize("text", ["tomorrow", '10.0.0.1"\n- x', "10.0.0.1-", "{{ lookup('env', 'HOME') }}"])
def test_addresses_that_are_none_are_refused(text: str) -> None:
    nouns = asked("production cluster with metallb", kubernetes={"load_balancer_addresses": text})
    assert "load_balancer_addresses" in refused(nouns).refusal.message


def test_cilium_gets_the_owner_that_its_agent_needs() -> None:
    assert variables(with_cluster(clustered("dev"), cni="cilium"))["kube_owner"] == "root"


def test_a_template_action_in_a_value_never_reaches_a_file() -> None:
    nouns = with_cluster(clustered("dev"), pod_cidr="{{ lookup('pipe', 'id') }}")
    with pytest.raises(Broken):
        ansible_files(nouns)


def test_only_the_workers_join_and_at_the_oldest_version_of_the_cluster() -> None:
    files = ansible_files(joining())
    assert members(files, "new_workers") == ["home-worker-4", "home-worker-5"]
    assert members(files, "leased") == ["home-worker-5"]
    found = loaded(files, "group_vars/all.yml")
    assert (found["kubernetes_version"], found["kubernetes_line"]) == ("1.34.2", "v1.34")
    assert "ansible/requirements.yml" not in files


def test_no_file_of_a_join_holds_a_token_and_the_task_is_not_logged() -> None:
    files = ansible_files(joining())
    tasks = {task["name"]: task for task in loaded(files, "site.yml")[0]["tasks"]}
    assert tasks["Join"]["no_log"] is True
    assert "join_command" in tasks["Join"]["ansible.builtin.command"]["argv"]
    assert not any("join_command:" in text for text in files.values())


@pytest.mark.parametrize("version", ["v1.34.2+k3s1", "v1.33.1-eks-1234567"])
def test_a_cluster_that_kubeadm_does_not_join_is_refused(version: str) -> None:
    refusal = refused(joining(kubernetes=KubernetesFacts(name="home", version=version))).refusal
    assert refusal.code is Code.CONFIG
    assert version in refusal.message
    assert "add_workers" in refusal.remedy


def test_a_cluster_whose_version_was_not_read_is_refused() -> None:
    assert "was not read" in refused(joining(kubernetes=None)).refusal.message
