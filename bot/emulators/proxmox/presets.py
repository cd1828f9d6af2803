"""Users, tokens and roles as an administrator sets them up for this product.

In: a state. Out: the same state with a token, its user and what both may do. Never: more than a scenario needs; the
tests take each privilege away and see what breaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

APPLY_GUESTS: Final = (
    "VM.Allocate", "VM.Audit", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit", "VM.Config.Disk",
    "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options", "VM.GuestAgent.Audit",
    "VM.Migrate", "VM.PowerMgmt",
)  # fmt: skip
"""On the pool (or ``/vms``): create, change, start, remove. Before 9 VM.Monitor stands for VM.GuestAgent.Audit."""
TEMPLATE: Final = ("VM.Audit", "VM.Clone")
STORE: Final = ("Datastore.AllocateSpace",)
"""AllocateSpace includes what Datastore.Audit allows on the same store."""
IMAGES: Final = ("Datastore.AllocateTemplate", "Datastore.Audit")
NETWORK: Final = ("SDN.Use",)
POOL: Final = ("Pool.Audit",)
NODE: Final = ("Sys.AccessNetwork",)
HA: Final = ("Sys.Audit", "Sys.Console")
"""On ``/``: Sys.Console is as good as a root shell, so this is a token of its own."""
BACKUP: Final = ("Sys.Audit", "Sys.Modify")
"""On ``/``, and Datastore.Allocate on the store of the backups."""


@dataclass(frozen=True)
class Grant:
    """Privileges on a path."""

    path: str
    privileges: tuple[str, ...]


def apply_grants(
    *,
    pool: str,
    templates: Iterable[int] = (),
    stores: Iterable[str] = (),
    images: Iterable[str] = (),
    zones: Iterable[str] = ("localnetwork",),
    nodes: Iterable[str] = (),
    new_pool: bool = False,
    major: int = 9,
) -> tuple[Grant, ...]:
    """The least that creates, changes and destroys guests in a pool.

    ``stores`` take disks, ``images`` downloads, ``nodes`` fetch them; ``new_pool`` when the pool itself is created.
    """
    guests = tuple("VM.Monitor" if name == "VM.GuestAgent.Audit" and major < 9 else name for name in APPLY_GUESTS)
    both = set(stores) & set(images)
    return (
        Grant(f"/pool/{pool}", guests + POOL + (("Pool.Allocate",) if new_pool else ())),
        *(Grant(f"/vms/{number}", TEMPLATE) for number in templates),
        *(Grant(f"/storage/{name}", STORE) for name in stores if name not in both),
        *(Grant(f"/storage/{name}", IMAGES) for name in images if name not in both),
        *(Grant(f"/storage/{name}", tuple(sorted({*STORE, *IMAGES}))) for name in sorted(both)),
        *(Grant(f"/sdn/zones/{name}", NETWORK) for name in zones),
        *(Grant(f"/nodes/{name}", NODE) for name in nodes),
    )


def ha_grants() -> tuple[Grant, ...]:
    """High availability, the opt-in."""
    return (Grant("/", HA),)


def backup_grants(store: str) -> tuple[Grant, ...]:
    """Backup jobs to a store, the opt-in."""
    return (Grant("/", BACKUP), Grant(f"/storage/{store}", ("Datastore.Allocate", *STORE)))


def give(state: dict[str, Any], token: str, grants: Iterable[Grant]) -> None:
    """Add a token with privilege separation (``user@realm!id``), its user, and the same grants to both."""
    user, _, name = token.partition("!")
    users: list[dict[str, Any]] = state.setdefault("access/users", [])
    row = next((one for one in users if one["userid"] == user), None)
    if row is None:
        row = {"userid": user, "enable": 1, "tokens": []}
        users.append(row)
    if name not in {one["tokenid"] for one in row.setdefault("tokens", [])}:
        row["tokens"].append({"tokenid": name, "privsep": 1})
    for grant in _merged(grants):
        role = f"Grant{len(state['access/roles'])}"
        state["access/roles"].append({"roleid": role, "privs": ",".join(grant.privileges)})
        state.setdefault("access/acl", []).extend(
            {"path": grant.path, "roleid": role, "type": kind, "ugid": who, "propagate": 1}
            for kind, who in (("user", user), ("token", token))
        )


def _merged(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """One grant per path: a second one on the same path adds to the first."""
    found: dict[str, tuple[str, ...]] = {}
    for grant in grants:
        found[grant.path] = tuple(sorted({*found.get(grant.path, ()), *grant.privileges}))
    return tuple(Grant(path, privileges) for path, privileges in found.items())


def without(grants: Iterable[Grant], privilege: str) -> tuple[Grant, ...]:
    """The same without one privilege, wherever it stands."""
    return tuple(Grant(one.path, tuple(name for name in one.privileges if name != privilege)) for one in grants)


def privileges(grants: Iterable[Grant]) -> Mapping[str, tuple[str, ...]]:
    """Every privilege and the paths on which it is given."""
    found: dict[str, tuple[str, ...]] = {}
    for grant in grants:
        for name in grant.privileges:
            found[name] = (*found.get(name, ()), grant.path)
    return dict(sorted(found.items()))
