"""The address of every machine in Terraform's state, and the blocks that keep it when a machine's kind of life changes.

In: machines. Out: names of resource groups, ``moved.tf`` and ``imports.tf``. Never: a move out of a group that protects
data, a value that is not escaped.

A ``lifecycle`` block takes no variable, so machines that live differently are different resources. Without ``moved`` a
machine that gets a data disk or high availability would be destroyed and made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal

from bot.model.plan import Machine
from bot.rendering.hcl import hcl_string

Group = Literal["stateful", "stateless", "stateful_ha", "stateless_ha", "adopted"]
GROUPS: Final[tuple[Group, ...]] = ("stateful", "stateless", "stateful_ha", "stateless_ha", "adopted")

RESOURCES: Final = {
    "vm": "proxmox_virtual_environment_vm",
    "container": "proxmox_virtual_environment_container",
}
_EARLIER: Final[dict[Group, tuple[Group, ...]]] = {
    "stateless": ("stateless_ha", "stateless"),
    "stateless_ha": ("stateless", "stateless_ha"),
    "stateful": ("stateless_ha", "stateless", "stateful_ha", "stateful"),
    "stateful_ha": ("stateless", "stateless_ha", "stateful", "stateful_ha"),
    "adopted": (),
}
"""The chain of groups in which a machine may have been; Terraform allows one source for each target."""

_HEAD: Final = "# Made by ai-provision. "


def group(machine: Machine) -> Group:
    """Which resource of its kind holds a machine."""
    if machine.adopted:
        return "adopted"
    if machine.data_disks:
        return "stateful_ha" if machine.ha else "stateful"
    return "stateless_ha" if machine.ha else "stateless"


def address(machine: Machine, held_by: Group | None = None) -> str:
    """The resource instance, such as ``proxmox_virtual_environment_vm.stateless["web-1"]``."""
    return f"{RESOURCES[machine.kind]}.{held_by or group(machine)}[{hcl_string(machine.name)}]"


def moved_tf(machines: tuple[Machine, ...]) -> str:
    """A chain of moves for each machine; a move whose source is not in the state does nothing. Empty for none."""
    blocks = [block for machine in machines for block in _moves(machine)]
    if not blocks:
        return ""
    note = "A machine that gets a data disk or high availability keeps its place in the state."
    return f"{_HEAD}{note}\n\n" + "\n".join(blocks)


def _moves(machine: Machine) -> Iterator[str]:
    chain = _EARLIER[group(machine)]
    for source, target in pairwise(chain):
        yield f"moved {{\n  from = {address(machine, source)}\n  to   = {address(machine, target)}\n}}\n"


def imports_tf(machines: tuple[Machine, ...]) -> str:
    """An import for each machine that exists already; empty for none."""
    adopted = [machine for machine in machines if machine.adopted]
    if not adopted:
        return ""
    blocks = [
        f"import {{\n  to = {address(machine)}\n  id = {hcl_string(f'{machine.node}/{machine.vm_id}')}\n}}\n"
        for machine in adopted
    ]
    return f"{_HEAD}These machines exist; Terraform takes them over instead of making them.\n\n" + "\n".join(blocks)
