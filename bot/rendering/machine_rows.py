"""Machines and clusters as table cells, the same in the README and in the pull request.

In: a plan. Out: rows of plain text that the caller makes inert. Never: Markdown.
"""

from __future__ import annotations

from typing import Final

from bot.model.plan import ClusterPlan, Machine, PlanView

MACHINE_HEAD: Final = (
    "machine", "role", "cores", "memory", "disks", "node", "VMID", "address", "from", "network", "also",
)  # fmt: skip
CLUSTER_HEAD: Final = (
    "cluster", "control planes + workers", "each", "version", "CNI", "pods", "services", "API", "add-ons",
)  # fmt: skip


def machine_row(machine: Machine, plan: PlanView) -> tuple[str, ...]:
    """One machine, in the order of ``MACHINE_HEAD``."""
    return (
        machine.name,
        f"{machine.role} (container)" if machine.kind == "container" else machine.role,
        str(machine.cores),
        f"{machine.memory.to_proxmox_mib()} MiB",
        " + ".join(_disks(machine)),
        machine.node,
        str(machine.vm_id),
        machine.address,
        origin(machine),
        "; ".join(_networks(machine)),
        ", ".join(_also(machine, plan)),
    )


def _disks(machine: Machine) -> list[str]:
    system = f"{machine.disk.to_proxmox_gib()} GiB on {machine.datastore}"
    return [system, *(f"{disk.size.to_proxmox_gib()} GiB data on {disk.datastore}" for disk in machine.data_disks)]


def origin(machine: Machine) -> str:
    """Where the disk comes from."""
    if machine.adopted:
        return "exists already"
    source = machine.source
    if source.template_id is not None:
        return f"template {source.template_id}"
    return source.image or source.iso_image or source.ct_template or "an empty disk"


def _networks(machine: Machine) -> list[str]:
    shown = []
    for nic in machine.nics:
        vlan = f" VLAN {nic.vlan}" if nic.vlan is not None else ""
        shown.append(f"{nic.bridge}{vlan}" + (f" {nic.address}" if nic.address else ""))
    return shown


def _also(machine: Machine, plan: PlanView) -> list[str]:
    told = []
    if machine.ha and plan.ha != "none":
        told.append("HA")
    if machine.backup and plan.backup is not None:
        told.append("backup")
    if machine.replicate_to is not None:
        told.append(f"copied to {machine.replicate_to}")
    if machine.firewall is not None and not machine.adopted:
        told.append(f"firewall: {', '.join(map(str, sorted({22, *machine.firewall.ports})))}")
    if machine.pci_mapping is not None:
        told.append(f"device {machine.pci_mapping}")
    return told


def cluster_row(cluster: ClusterPlan) -> tuple[str, ...]:
    """One Kubernetes cluster, in the order of ``CLUSTER_HEAD``."""
    return (
        cluster.name,
        f"{cluster.control_planes} + {cluster.workers}",
        size(cluster),
        cluster.version,
        cluster.cni,
        cluster.pod_cidr,
        cluster.service_cidr,
        cluster.endpoint or "known after apply",
        ", ".join(cluster.addons) or "none",
    )


def size(cluster: ClusterPlan) -> str:
    """Cores, memory and disk of each machine."""
    parts = [f"{cluster.cores} cores"] if cluster.cores is not None else []
    parts += [f"{cluster.memory.gib:g} GiB"] if cluster.memory is not None else []
    parts += [f"{cluster.disk.to_proxmox_gib()} GiB disk"] if cluster.disk is not None else []
    return ", ".join(parts) or "see the machines"


def cluster_reason(cluster: ClusterPlan) -> str:
    """Why the cluster is as it is, and from what it was scaled down."""
    planned = f"{cluster.control_planes}+{cluster.workers}"
    if cluster.cores is not None and cluster.memory is not None:
        planned += f" {cluster.cores}/{cluster.memory.gib:g}"
    if cluster.asked is None:
        return f"{cluster.name}: {cluster.why}"
    return f"{cluster.name} was scaled down from {cluster.asked} to {planned} because {cluster.why}"
