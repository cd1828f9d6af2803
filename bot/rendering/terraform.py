"""Terraform files: fixed text chosen by what the machines need, and one JSON file with all values.

In: a scene. Out: rendered files, path relative to the stack's folder. Never: a value inside ``.tf`` beyond what
Terraform takes no variable for (state backend, imports, moves), a provider setting (access comes from the environment).
"""

from __future__ import annotations

from typing import Final

from bot.model.plan import Machine, Plan
from bot.rendering.addresses import GROUPS, RESOURCES, Group, group, imports_tf, moved_tf
from bot.rendering.availability import availability, is_available
from bot.rendering.backend import backend_tf
from bot.rendering.data_text import json_text
from bot.rendering.machines import backs_up, cluster_part, images, terraform_values
from bot.rendering.scene import Scene
from bot.rendering.templates import fill

FOLDER: Final = "terraform"
_ALWAYS: Final = ("versions.tf", "main.tf", "variables.tf", "outputs.tf")
_LEAST: Final = "1.5.0"
_LEAST_WITH_SECRETS: Final = "1.10.0"
"""The first version with ephemeral variables, which stay out of saved plans, and with locks of S3's own."""

_CONDITIONS: Final[dict[Group, str]] = {
    "stateful": "length(machine.data_disks) > 0 && !machine.ha && !machine.adopted",
    "stateless": "length(machine.data_disks) == 0 && !machine.ha && !machine.adopted",
    "stateful_ha": "length(machine.data_disks) > 0 && machine.ha && !machine.adopted",
    "stateless_ha": "length(machine.data_disks) == 0 && machine.ha && !machine.adopted",
    "adopted": "machine.adopted",
}
_LEASED: Final = {"vm": "flatten(machine.ipv4_addresses)", "container": "values(machine.ipv4)"}


def terraform_files(scene: Scene) -> dict[str, str]:
    """File texts by path below the stack's folder; empty without machines. Raises Refused(config) for a state backend
    that cannot be written.
    """
    if not scene.plan.machines:
        return {}
    shown = _shown(scene)
    files = {f"{FOLDER}/{name}": fill(f"terraform/{name}.j2", shown) for name in (*_ALWAYS, *_extra(scene.plan))}
    files |= {f"{FOLDER}/{name}": text for name, text in _literal(scene).items() if text}
    files[f"{FOLDER}/app.auto.tfvars.json"] = json_text(terraform_values(scene))
    return files


def _literal(scene: Scene) -> dict[str, str]:
    """Files that hold values because Terraform takes no variable there."""
    state = scene.config.state
    return {
        "backend.tf": backend_tf(state, scene.root) if state is not None else "",
        "imports.tf": imports_tf(scene.plan.machines),
        "moved.tf": moved_tf(scene.plan.machines),
    }


def _extra(plan: Plan) -> list[str]:
    needed = {
        "backup.tf": backs_up(plan),
        "firewall.tf": is_guarded(plan),
        "ha.tf": is_available(plan),
        "replication.tf": replicates(plan),
    }
    return [name for name, wanted in needed.items() if wanted]


def is_guarded(plan: Plan) -> bool:
    """True when a machine gets Proxmox VE's firewall."""
    return any(machine.firewall is not None and not machine.adopted for machine in plan.machines)


def replicates(plan: Plan) -> bool:
    """True when a machine's disks are copied to another node."""
    return any(machine.replicate_to is not None for machine in plan.machines)


def needs_cluster_token(plan: Plan) -> bool:
    """True for what takes rights on the whole cluster: high availability, a backup job, replication."""
    return is_available(plan) or backs_up(plan) or replicates(plan)


def _shown(scene: Scene) -> dict[str, object]:
    plan = scene.plan
    groups = _groups(plan.machines)
    rules = availability(plan) if is_available(plan) else {}
    return {
        "groups": groups,
        "guests": ", ".join(f"{RESOURCES[str(each['kind'])]}.{each['name']}" for each in groups),
        "downloads": bool(images(plan.machines, config=scene.config, snapshot=scene.snapshot)),
        "clusters": bool(plan.clusters),
        "backup": backs_up(plan),
        "ha": plan.ha if rules else None,
        "nodes": bool(rules.get("nodes")),
        "apart": bool(rules.get("apart")),
        "cluster_token": needs_cluster_token(plan),
        "copies": _copies(plan.machines),
        "leased": _leased(plan.machines),
        "terraform": _least_version(scene),
    }


def _least_version(scene: Scene) -> str:
    state = scene.config.state
    newer = needs_cluster_token(scene.plan) or (state is not None and state.backend == "s3")
    return _LEAST_WITH_SECRETS if newer else _LEAST


def _groups(machines: tuple[Machine, ...]) -> list[dict[str, object]]:
    """One resource for each kind and each way to live: ``lifecycle`` takes no variable."""
    made: list[dict[str, object]] = []
    for kind in RESOURCES:
        for name in GROUPS:
            members = [machine for machine in machines if machine.kind == kind and group(machine) == name]
            if members:
                made.append({"kind": kind, "name": name, "condition": _CONDITIONS[name], **_needs(name, members)})
    return made


def _needs(name: Group, members: list[Machine]) -> dict[str, object]:
    return {
        "adopted": name == "adopted",
        "stateful": name.startswith("stateful"),
        "ha": name.endswith("_ha"),
        "clones": any(machine.source.template_id is not None for machine in members),
        "boots_iso": any(machine.source.iso_image is not None for machine in members),
        "devices": any(machine.pci_mapping is not None for machine in members),
        "ordered": any(cluster_part(machine) is not None for machine in members),
    }


def _copies(machines: tuple[Machine, ...]) -> list[tuple[str, str]]:
    """The replication resources: machines under high availability turn the direction of their copies."""
    found = {machine.ha for machine in machines if machine.replicate_to is not None}
    return [
        (name, text) for ha, name, text in ((False, "fixed", "!machine.ha"), (True, "ha", "machine.ha")) if ha in found
    ]


def _leased(machines: tuple[Machine, ...]) -> list[tuple[str, str]]:
    """Resources with machines whose address nobody knows before they run; a VM tells it through its agent alone."""
    found = {
        (machine.kind, group(machine))
        for machine in machines
        if machine.address == "dhcp" and (machine.agent or machine.kind == "container")
    }
    return [(f"{RESOURCES[kind]}.{name}", _LEASED[kind]) for kind, name in sorted(found)]
