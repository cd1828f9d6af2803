"""Terraform files: fixed text chosen by what the machines need, and one JSON file with all values.

In: a scene. Out: rendered files, path relative to the application's folder. Never: a value inside ``.tf``, a state
backend, a provider setting (everything about access comes from the environment).
"""

from __future__ import annotations

from typing import Final

from bot.model.plan import Machine
from bot.rendering.data_text import json_text
from bot.rendering.machines import images, is_ipv6, terraform_values
from bot.rendering.scene import Scene
from bot.rendering.templates import fill

FOLDER: Final = "terraform"
_FILES: Final = ("versions.tf", "main.tf", "variables.tf", "outputs.tf")


def terraform_files(scene: Scene) -> dict[str, str]:
    """File texts by path below the application's folder; empty without machines."""
    if not scene.plan.machines:
        return {}
    shown = {"groups": _groups(scene.plan.machines), "downloads": _downloads(scene)}
    files = {f"{FOLDER}/{name}": fill(f"terraform/{name}.j2", shown) for name in _FILES}
    files[f"{FOLDER}/app.auto.tfvars.json"] = json_text(terraform_values(scene))
    return files


def _downloads(scene: Scene) -> bool:
    return bool(images(scene.plan.machines, config=scene.config, snapshot=scene.snapshot))


def _groups(machines: tuple[Machine, ...]) -> list[dict[str, object]]:
    """One resource for each kind with and without data disks: ``prevent_destroy`` takes no variable."""
    made = []
    for kind in ("vm", "container"):
        for stateful in (True, False):
            members = [m for m in machines if m.kind == kind and bool(m.data_disks) == stateful]
            if members:
                made.append({"kind": kind, "stateful": stateful, **_needs(members)})
    return made


def _needs(members: list[Machine]) -> dict[str, object]:
    versions = {is_ipv6(machine.address) for machine in members}
    return {
        "clones": any(machine.source.template_id is not None for machine in members),
        "boots_iso": any(machine.source.iso_image is not None for machine in members),
        "ipv4": False in versions,
        "ipv6": True in versions,
        "both": len(versions) == 2,
    }
