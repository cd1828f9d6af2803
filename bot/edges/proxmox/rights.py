"""Which rights the reading needs, and which of them the token lacks.

In: the rows of ``GET /access/permissions`` and the version. Out: one ``Missing`` per lacking right, because Proxmox VE
filters its lists by right without a word. Never: a right taken for granted when the rights could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.edges.proxmox import fields
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.trouble import AUDITOR
from bot.errors import Code
from bot.model.cluster import Missing

Rights = Mapping[str, Mapping[str, bool]]
"""Path -> privilege -> does it propagate."""

_MAX_PATHS: Final = 5_000
_MONITOR: Final = (
    "On version 8 add `VM.Monitor` to the token's role (it also permits monitor commands, so PVEAuditor lacks it), or "
    "go without: then only configured addresses are known; name a free range under `defaults.addresses`."
)


@dataclass(frozen=True)
class Need:
    """One of ``any_of`` on ``path`` is needed to read ``what``."""

    what: str
    path: str
    any_of: tuple[str, ...]
    remedy: str = AUDITOR


AGENT_OF_9: Final = Need("addresses by guest agent", "/vms", ("VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"))
AGENT_OF_8: Final = Need("addresses by guest agent", "/vms", ("VM.Monitor",), _MONITOR)
GUESTS: Final = Need("guests", "/vms", ("VM.Audit",))
NEEDS: Final = (
    Need("cluster status, HA and options", "/", ("Sys.Audit",)),
    Need("nodes", "/nodes", ("Sys.Audit",)),
    GUESTS,
    Need("datastores", "/storage", ("Datastore.Audit", "Datastore.AllocateSpace")),
    Need("SDN networks", "/sdn/zones", ("SDN.Audit", "SDN.Allocate")),
    Need("pools", "/pool", ("Pool.Audit",)),
    Need("PCI mappings", "/mapping/pci", ("Mapping.Audit", "Mapping.Use", "Mapping.Modify")),
)


def agent_need(version: str | None) -> Need:
    """The right behind the guest agent's addresses: VM.GuestAgent.Audit since 9, VM.Monitor before."""
    return AGENT_OF_8 if before_nine(version) else AGENT_OF_9


def before_nine(version: str | None) -> bool:
    """True for version 8 and older; an unknown version counts as 9."""
    major = (version or "9").split(".", 1)[0]
    return major.isdecimal() and int(major) < 9


def parse(table: Row) -> Rights:
    """The effective rights; entries of another shape are dropped."""
    found: dict[str, dict[str, bool]] = {}
    for path, privileges in list(table.items())[:_MAX_PATHS]:
        if isinstance(privileges, dict) and path.startswith("/"):
            found[fields.text(path, 256)] = {fields.text(one, 64): fields.flag(on) for one, on in privileges.items()}
    return found


def holds(rights: Rights, need: Need) -> bool:
    """True when the need is met on its path itself, or above it with propagation.

    The nearest path with rights decides, as Proxmox VE lists effective rights per path.
    """
    path = need.path
    while True:
        here = rights.get(path)
        if here is not None:
            return any(one in here and (path == need.path or here[one]) for one in need.any_of)
        if path == "/":
            return False
        path = path.rpartition("/")[0] or "/"


def lacking(rights: Rights, *, version: str | None) -> tuple[Missing, ...]:
    """One note per right that the reading needs and the token lacks."""
    wanted = (*NEEDS, agent_need(version))
    return tuple(_note(rights, need) for need in wanted if not holds(rights, need))


def _note(rights: Rights, need: Need) -> Missing:
    parts = sorted(path for path in rights if _below(path, need.path) and holds(rights, Need("", path, need.any_of)))
    right = f"`{'` or `'.join(need.any_of)}` on `{need.path}`"
    partly = f"it is held only on {', '.join(f'`{path}`' for path in parts[:5])}, " if parts else ""
    reason = f"the token lacks {right}; {partly}and what a token may not see is left out of every list without a word"
    return Missing(system="proxmox", what=need.what, code=Code.PROXMOX_AUTH, reason=reason, remedy=need.remedy)


def _below(path: str, top: str) -> bool:
    return path != top and path.startswith(top.rstrip("/") + "/")


def as_facts(rights: Rights) -> dict[str, tuple[str, ...]]:
    """The same as the snapshot holds it; a path that says what the one above it says is left out."""
    return {path: tuple(sorted(here)) for path, here in sorted(rights.items()) if here != _inherited(rights, path)}


def _inherited(rights: Rights, path: str) -> Mapping[str, bool] | None:
    """What the nearest path above passes on."""
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        if path in rights:
            return {privilege: True for privilege, propagates in rights[path].items() if propagates}
    return None
