"""A whole cluster: inventory, variables for kubespray, and the fixed playbooks that run it.

In: a scene and one cluster of its plan. Out: file texts by path below ``ansible/``. Never: a value in a playbook.
"""

from __future__ import annotations

from typing import Final

from bot.model.plan import ClusterPlan, Machine
from bot.rendering.ansible_addons import addon_values
from bot.rendering.ansible_hosts import LEASED, fixed, host_values, is_leased, leased_group, named
from bot.rendering.ansible_release import COLLECTIONS, exact_version
from bot.rendering.data_text import yaml_text
from bot.rendering.scene import Scene

CONTROL_PLANE: Final = "kubernetes-control-plane"
_API_PORT: Final = 6443
_FIXED: Final = ("ansible.cfg", "site.yml", "addons.yml")


def cluster_files(scene: Scene, cluster: ClusterPlan) -> dict[str, str]:
    """Everything that ``ansible-playbook`` needs. Raises Refused(config) for what the collection cannot build."""
    machines = tuple(machine for machine in scene.plan.machines if machine.cluster == cluster.name)
    files = {name: fixed(name) for name in _FIXED}
    files["requirements.yml"] = yaml_text({"collections": list(COLLECTIONS)}, comment="The collections, pinned.")
    files["inventory.yml"] = yaml_text(_inventory(machines), comment=f"The machines of cluster {cluster.name}.")
    files["group_vars/all.yml"] = yaml_text(
        {"ansible_user": scene.config.defaults.username}, comment="How the machines are reached."
    )
    files["group_vars/k8s_cluster.yml"] = yaml_text(
        _variables(scene, cluster, machines), comment=f"What cluster {cluster.name} is made of."
    )
    if any(map(is_leased, machines)):
        files[f"group_vars/{LEASED}.yml"] = fixed(f"{LEASED}.yml")
    return files


def _inventory(machines: tuple[Machine, ...]) -> dict[str, object]:
    """A cluster without workers runs its pods on the control plane: it is in both groups, so it gets no taint."""
    planes = tuple(machine for machine in machines if machine.role == CONTROL_PLANE)
    workers = tuple(machine for machine in machines if machine.role != CONTROL_PLANE)
    children: dict[str, object] = {
        "k8s_cluster": {
            "children": {"kube_control_plane": named(planes), "kube_node": named(workers or planes)},
        },
        "etcd": named(planes[: len(planes) - 1 + len(planes) % 2]),
    }
    return {
        "all": {
            "hosts": {machine.name: host_values(machine) for machine in machines},
            "children": {**children, **leased_group(machines)},
        }
    }


def _variables(scene: Scene, cluster: ClusterPlan, machines: tuple[Machine, ...]) -> dict[str, object]:
    """Names are kubespray's own. iptables: kube-vip and MetalLB ask nothing more of it, as they do of ipvs."""
    return {
        "kube_version": exact_version(cluster.version),
        "kube_network_plugin": cluster.cni,
        "kube_pods_subnet": cluster.pod_cidr,
        "kube_service_addresses": cluster.service_cidr,
        "kube_proxy_mode": "iptables",
        "container_manager": "containerd",
        "etcd_deployment_type": "host",
        "kubeconfig_localhost": True,
        **({"kube_owner": "root"} if cluster.cni == "cilium" else {}),
        **_endpoint(cluster, machines),
        **addon_values(cluster, scene.config),
    }


def _endpoint(cluster: ClusterPlan, machines: tuple[Machine, ...]) -> dict[str, object]:
    """The virtual address of several control planes; a machine's own address needs nothing."""
    own = {machine.address.partition("/")[0] for machine in machines}
    if cluster.control_planes == 1 or cluster.endpoint is None or cluster.endpoint in own:
        return {}
    return {
        "kube_vip_enabled": True,
        "kube_vip_controlplane_enabled": True,
        "kube_vip_arp_enabled": True,
        "kube_vip_address": cluster.endpoint,
        "loadbalancer_apiserver": {"address": cluster.endpoint, "port": _API_PORT},
    }
