"""Machines as Terraform data: what stands in ``app.auto.tfvars.json``, the only place that holds free text.

In: planned machines, the config file's defaults, the snapshot's stores. Out: plain data. Never: HCL, a secret.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, Literal
from urllib.parse import urlsplit

from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.plan import ClusterPlan, DataDisk, Machine, Nic, Plan
from bot.rendering.availability import availability, is_available
from bot.rendering.scene import MANAGED_BY, Scene

Values = dict[str, object]

_SYSTEMS: Final = (
    "alpine",
    "archlinux",
    "centos",
    "debian",
    "devuan",
    "fedora",
    "gentoo",
    "nixos",
    "opensuse",
    "ubuntu",
)
"""The ``ostype`` values of Proxmox VE containers; without one the network stays unconfigured."""

_DISK_SUFFIXES: Final = (".qcow2", ".raw", ".vmdk")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def terraform_values(scene: Scene) -> Values:
    """The values of every variable of ``variables.tf``."""
    defaults = scene.config.defaults
    values: Values = {
        "app": scene.plan.app,
        "machines": {machine.name: machine_values(machine) for machine in scene.plan.machines},
        "username": defaults.username,
        "ssh_keys": list(defaults.ssh_keys),
        "dns": {"domain": defaults.dns.domain, "servers": list(defaults.dns.servers)},
    }
    return values | _only_when_used(scene)


def _only_when_used(scene: Scene) -> Values:
    """Variables that ``variables.tf`` declares only for plans that need them."""
    plan = scene.plan
    downloads = images(plan.machines, config=scene.config, snapshot=scene.snapshot)
    values: Values = {"images": downloads} if downloads else {}
    if plan.clusters:
        values["clusters"] = {cluster.name: _cluster(cluster) for cluster in plan.clusters}
    if backs_up(plan) and plan.backup is not None:
        values["backup"] = plan.backup.model_dump()
    return values | ({"ha": availability(plan)} if is_available(plan) else {})


def backs_up(plan: Plan) -> bool:
    """True when there is a backup job and a machine for it."""
    return plan.backup is not None and any(machine.backup for machine in plan.machines)


def _cluster(cluster: ClusterPlan) -> Values:
    stated: Values = {
        "name": cluster.name,
        "version": cluster.version,
        "cni": cluster.cni,
        "pod_cidr": cluster.pod_cidr,
        "endpoint": cluster.endpoint,
    }
    return {key: value for key, value in stated.items() if value is not None}


def machine_values(machine: Machine) -> Values:
    """One entry of ``var.machines``; what is not stated is left out."""
    stated: Values = {
        "kind": machine.kind,
        "role": machine.role,
        "node_name": machine.node,
        "vm_id": machine.vm_id,
        "cores": machine.cores,
        "cpu_type": machine.cpu_type,
        "memory_mib": machine.memory.to_proxmox_mib(),
        "disk_gib": machine.disk.to_proxmox_gib(),
        "datastore": machine.datastore,
        "agent": machine.agent,
        "tags": sorted({*machine.tags, MANAGED_BY}),
        "pool_id": machine.pool,
        "data_disks": [_data_disk(machine, index, disk) for index, disk in enumerate(machine.data_disks)],
        "nics": [{"bridge": nic.bridge} | ({"vlan_id": nic.vlan} if nic.vlan else {}) for nic in machine.nics],
        "settings": dict(machine.settings),
        "address": machine.address,
        "addresses": _addresses(machine),
        **_protection(machine),
        **({} if machine.adopted else _source(machine)),
    }
    return {key: value for key, value in stated.items() if value is not None}


def _data_disk(machine: Machine, index: int, disk: DataDisk) -> Values:
    shared: Values = {"datastore": disk.datastore, "size_gib": disk.size.to_proxmox_gib()}
    if machine.kind == "container":
        return {**shared, "path": f"/data{index or ''}"}
    return {**shared, "interface": disk.interface}


def _protection(machine: Machine) -> Values:
    """What is left out stays false or null."""
    stated: Values = {
        "adopted": machine.adopted,
        "backup": machine.backup,
        "cluster": machine.cluster,
        "firewall_ports": sorted({*machine.firewall.ports}) if machine.firewall is not None else None,
        "ha": machine.ha,
        "pci_mapping": machine.pci_mapping,
        "replicate_to": machine.replicate_to,
        "part": cluster_part(machine),
    }
    return {key: value for key, value in stated.items() if value not in (None, False)}


def cluster_part(machine: Machine) -> Literal["control-plane", "worker"] | None:
    """What a machine is within its Kubernetes cluster; None for every other machine."""
    if machine.cluster is None:
        return None
    return "control-plane" if "control" in machine.role else "worker" if "worker" in machine.role else None


def _addresses(machine: Machine) -> list[Values]:
    """One entry for each interface that is configured, in their order; the machine's own address is the first's."""
    first, *others = machine.nics or (Nic(bridge=""),)
    made = [_address(first.address or machine.address, first.gateway or machine.gateway)]
    made += [_address(nic.address, nic.gateway) for nic in others]
    while len(made) > 1 and not made[-1]:
        made.pop()
    return made


def _address(address: str | None, gateway: str | None) -> Values:
    if address is None:
        return {}
    family = "ipv6" if is_ipv6(address) else "ipv4"
    return {family: {"address": address} | ({"gateway": gateway} if gateway and address != "dhcp" else {})}


def is_ipv6(address: str) -> bool:
    """True for an IPv6 address in CIDR; False for IPv4 and ``dhcp``."""
    try:
        return ipaddress.ip_interface(address).version == 6
    except ValueError:
        return False


def _source(machine: Machine) -> Values:
    """Where the disk comes from: a template's id, a volume, or a download named in ``var.images``."""
    source = machine.source
    if source.template_id is not None:
        return {"template_id": source.template_id, "template_node": machine.template_node or machine.node}
    if source.iso_image is not None:
        return {"iso": source.iso_image}
    origin = source.ct_template if machine.kind == "container" else source.image
    named: Values = {"image_key": image_key(machine.node, origin)} if origin and is_url(origin) else {"image": origin}
    return {**named, "os_type": _system(origin)} if machine.kind == "container" else named


def _system(template: str | None) -> str:
    """The operating system that a container template's file name begins with."""
    name = (template or "").rsplit("/", 1)[-1].lower()
    return next((system for system in _SYSTEMS if name.startswith(system)), "unmanaged")


def is_url(origin: str) -> bool:
    """True for an address to download from; False for a volume that the cluster already holds."""
    return origin.startswith(("https://", "http://"))


def image_key(node: str, url: str) -> str:
    """The name of one download: each node's store gets its own."""
    return f"{node}/{_last_part(url)}"


def images(machines: tuple[Machine, ...], *, config: Config, snapshot: ClusterSnapshot) -> Values:
    """The downloads by key: one for each image on each node."""
    made: Values = {}
    for machine in (machine for machine in machines if not machine.adopted):
        content = "vztmpl" if machine.kind == "container" else "import"
        origin = machine.source.ct_template if machine.kind == "container" else machine.source.image
        if origin is not None and is_url(origin):
            made[image_key(machine.node, origin)] = {
                "node_name": machine.node,
                "datastore": _image_store(machine.node, content, config=config, snapshot=snapshot),
                "content_type": content,
                "url": origin,
                "file_name": _file_name(origin, content),
            }
    return made


def _image_store(node: str, content: str, *, config: Config, snapshot: ClusterSnapshot) -> str:
    if config.defaults.image_datastore is not None:
        return config.defaults.image_datastore
    fitting = sorted(
        store.name
        for store in snapshot.stores
        if store.system == "proxmox"
        and store.active
        and content in store.content
        and (store.shared or node in store.nodes)
    )
    return next(iter(fitting), "local")


def _file_name(url: str, content: str) -> str:
    """The file's name in the store. Proxmox VE imports ``.qcow2``, ``.raw`` and ``.vmdk`` only, and Ubuntu names its
    qcow2 images ``.img``.
    """
    name = _last_part(url)
    if content != "import" or name.endswith(_DISK_SUFFIXES):
        return name
    return name.removesuffix(".img") + ".qcow2"


def _last_part(url: str) -> str:
    return _UNSAFE.sub("-", urlsplit(url).path.rsplit("/", 1)[-1]).strip("-.") or "image"
