"""Machines as hosts of an inventory, and the playbooks' fixed texts.

In: machines. Out: plain data and texts. Never: a playbook that is filled (its ``{{`` are Ansible's own), an address
that nobody knows yet: a leased one is given when the playbook runs, as the variable ``address_<name>``.
"""

from __future__ import annotations

from typing import Final

from bot.model.plan import Machine
from bot.rendering.templates import template_root

LEASED: Final = "leased"
"""The group of machines whose address DHCP decides."""
_DHCP: Final = "dhcp"


def is_leased(machine: Machine) -> bool:
    """True when DHCP decides the address."""
    return machine.address == _DHCP


def host_values(machine: Machine) -> dict[str, object]:
    """What is known of one host. ``ip``: what Kubernetes listens on."""
    user = {"ansible_user": "root"} if machine.kind == "container" else {}
    if is_leased(machine):
        return {**user}
    address = machine.address.partition("/")[0]
    return {"ansible_host": address, "ip": address, **user}


def named(machines: tuple[Machine, ...]) -> dict[str, object]:
    """A group of hosts by name."""
    return {"hosts": {machine.name: {} for machine in machines}}


def leased_group(machines: tuple[Machine, ...]) -> dict[str, object]:
    """The group ``leased``, where it has a member."""
    members = tuple(filter(is_leased, machines))
    return {LEASED: named(members)} if members else {}


def fixed(name: str) -> str:
    """A playbook or setting as it lies in ``templates/ansible``."""
    return template_root().joinpath("ansible", name).read_text(encoding="utf-8")
