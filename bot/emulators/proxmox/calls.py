"""Which function answers which call, beyond the reads of ``reads``.

In: nothing. Out: one closed table. Never: a call that the schema does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.emulators.proxmox import (
    clones,
    containers,
    firewall,
    guests,
    ha,
    jobs,
    machines,
    moving,
    pools,
    power,
    storages,
    workers,
)  # fmt: skip
from bot.emulators.proxmox.action import Act

_NODE: Final = "/nodes/{node}"
_ROOMS: Final = (f"{_NODE}/qemu/{{vmid}}", f"{_NODE}/lxc/{{vmid}}")

_OF_GUESTS: Final[Mapping[tuple[str, str], Act]] = {
    ("DELETE", ""): guests.delete,
    ("POST", "/clone"): clones.clone,
    ("GET", "/firewall/options"): firewall.read_options,
    ("PUT", "/firewall/options"): firewall.set_options,
    ("GET", "/firewall/rules"): firewall.read_rules,
    ("POST", "/firewall/rules"): firewall.create_rule,
    ("GET", "/firewall/rules/{pos}"): firewall.read_rule,
    ("PUT", "/firewall/rules/{pos}"): firewall.update_rule,
    ("DELETE", "/firewall/rules/{pos}"): firewall.delete_rule,
    ("POST", "/migrate"): moving.migrate,
    ("GET", "/status/current"): guests.current,
    ("POST", "/status/reboot"): power.restart,
    ("POST", "/status/shutdown"): power.stop,
    ("POST", "/status/start"): power.start,
    ("POST", "/status/stop"): power.stop,
}
_OTHERS: Final[Mapping[tuple[str, str], Act]] = {
    ("POST", "/cluster/backup"): jobs.create_backup,
    ("GET", "/cluster/backup/{id}"): jobs.read_backup,
    ("PUT", "/cluster/backup/{id}"): jobs.update_backup,
    ("DELETE", "/cluster/backup/{id}"): jobs.delete_backup,
    ("POST", "/cluster/ha/groups"): ha.create_group,
    ("GET", "/cluster/ha/groups/{group}"): ha.read_group,
    ("PUT", "/cluster/ha/groups/{group}"): ha.update_group,
    ("DELETE", "/cluster/ha/groups/{group}"): ha.delete_group,
    ("POST", "/cluster/ha/resources"): ha.create_resource,
    ("GET", "/cluster/ha/resources/{sid}"): ha.read_resource,
    ("PUT", "/cluster/ha/resources/{sid}"): ha.update_resource,
    ("DELETE", "/cluster/ha/resources/{sid}"): ha.delete_resource,
    ("POST", "/cluster/ha/resources/{sid}/migrate"): moving.by_manager,
    ("POST", "/cluster/ha/rules"): ha.create_rule,
    ("GET", "/cluster/ha/rules/{rule}"): ha.read_rule,
    ("PUT", "/cluster/ha/rules/{rule}"): ha.update_rule,
    ("DELETE", "/cluster/ha/rules/{rule}"): ha.delete_rule,
    ("POST", "/cluster/mapping/pci"): jobs.create_mapping,
    ("GET", "/cluster/mapping/pci/{id}"): jobs.read_mapping,
    ("PUT", "/cluster/mapping/pci/{id}"): jobs.update_mapping,
    ("DELETE", "/cluster/mapping/pci/{id}"): jobs.delete_mapping,
    ("GET", "/cluster/replication"): jobs.replications,
    ("POST", "/cluster/replication"): jobs.create_replication,
    ("GET", "/cluster/replication/{id}"): jobs.read_replication,
    ("PUT", "/cluster/replication/{id}"): jobs.update_replication,
    ("DELETE", "/cluster/replication/{id}"): jobs.delete_replication,
    ("GET", f"{_NODE}/lxc"): guests.index,
    ("POST", f"{_NODE}/lxc"): containers.create,
    ("PUT", f"{_NODE}/lxc/{{vmid}}/config"): containers.update,
    ("GET", f"{_NODE}/lxc/{{vmid}}/interfaces"): containers.interfaces,
    ("PUT", f"{_NODE}/lxc/{{vmid}}/resize"): containers.resize,
    ("POST", f"{_NODE}/lxc/{{vmid}}/template"): containers.template,
    ("GET", f"{_NODE}/qemu"): guests.index,
    ("POST", f"{_NODE}/qemu"): machines.create,
    ("POST", f"{_NODE}/qemu/{{vmid}}/agent/ping"): power.ping,
    ("PUT", f"{_NODE}/qemu/{{vmid}}/cloudinit"): machines.rebuild_cloud_init,
    ("PUT", f"{_NODE}/qemu/{{vmid}}/config"): machines.update,
    ("POST", f"{_NODE}/qemu/{{vmid}}/config"): machines.update_later,
    ("POST", f"{_NODE}/qemu/{{vmid}}/move_disk"): machines.move_disk,
    ("PUT", f"{_NODE}/qemu/{{vmid}}/resize"): machines.resize,
    ("POST", f"{_NODE}/qemu/{{vmid}}/status/reset"): power.restart,
    ("POST", f"{_NODE}/qemu/{{vmid}}/template"): machines.template,
    ("GET", f"{_NODE}/query-url-metadata"): storages.metadata,
    ("GET", f"{_NODE}/storage/{{storage}}/content/{{volume}}"): storages.volume,
    ("DELETE", f"{_NODE}/storage/{{storage}}/content/{{volume}}"): storages.remove,
    ("POST", f"{_NODE}/storage/{{storage}}/download-url"): storages.download,
    ("GET", f"{_NODE}/storage/{{storage}}/status"): storages.status,
    ("DELETE", f"{_NODE}/tasks/{{upid}}"): workers.cancel,
    ("GET", f"{_NODE}/tasks/{{upid}}/log"): workers.log,
    ("GET", f"{_NODE}/tasks/{{upid}}/status"): workers.status,
    ("POST", "/pools"): pools.create,
    ("PUT", "/pools"): pools.update,
    ("DELETE", "/pools"): pools.delete,
    ("GET", "/pools/{poolid}"): pools.read,
    ("PUT", "/pools/{poolid}"): pools.update,
    ("DELETE", "/pools/{poolid}"): pools.delete,
}
ACTS: Final[Mapping[tuple[str, str], Act]] = {
    **{(verb, room + end): act for (verb, end), act in _OF_GUESTS.items() for room in _ROOMS},
    **_OTHERS,
}
