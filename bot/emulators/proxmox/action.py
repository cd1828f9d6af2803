"""One verified call that may change the cluster.

In: what a read call has, and the site. Out: parameters by type, guests by path. Never: an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.emulators.proxmox.answers import ApiError, Json, denied
from bot.emulators.proxmox.reads import Call
from bot.emulators.proxmox.schema import Value
from bot.emulators.proxmox.site import Guest, Site
from bot.emulators.proxmox.tasks import Work, nothing


@dataclass(frozen=True)
class Action(Call):
    """A call with the site it acts on; ``variables`` are the names that stand in its path."""

    site: Site
    variables: frozenset[str]

    def word(self, name: str) -> str:
        """A parameter that the schema requires."""
        return str(self.values[name])

    def number(self, name: str) -> int:
        """A parameter that the schema requires, as a number."""
        return int(str(self.values[name]))

    def flag(self, name: str) -> bool:
        """True when a boolean parameter is given and true."""
        return bool(self.values.get(name))

    def options(self, *without: str) -> dict[str, Value]:
        """What was given beside the path, less these names."""
        hidden = {*self.variables, *without}
        return {name: value for name, value in self.values.items() if name not in hidden}

    @property
    def node(self) -> str:
        """The node of the path."""
        return self.word("node")

    @property
    def kind(self) -> str:
        """``qemu`` or ``lxc``, by the path."""
        return "qemu" if "/qemu" in self.path else "lxc"

    @property
    def guest(self) -> Guest:
        """The guest of the path. Raises ApiError(500) when it is not there."""
        return self.site.guest_on(self.node, self.kind, self.number("vmid"))

    def need(self, path: str, *any_of: str) -> None:
        """Raises ApiError(403) naming path and privilege unless one of them is held there."""
        if not self.holds(path, *any_of):
            raise denied(f"{path}, {'|'.join(any_of)}")

    def need_on_guest(self, vm_id: int, pool: str | None, *any_of: str) -> None:
        """The same on a guest; a pool that is named in the call counts too (PVE::RPCEnvironment::check_vm_perm)."""
        if pool is None or not self.holds(f"/pool/{pool}", *any_of):
            self.need(f"/vms/{vm_id}", *any_of)

    def root(self, words: str) -> None:
        """Raises ApiError(500) for everybody but root@pam with a password."""
        if self.auth != "root@pam":
            raise ApiError(500, words)

    def begin(self, kind: str, about: int | str, work: Work, *, undo: Work = nothing, store: str | None = None) -> str:
        """Start a task on the node of the path; one that uses a hanging store never ends."""
        endless = store is not None and store in self.site.hanging
        return self.site.tasks.start(self.node, kind, str(about), self.auth, work, undo=undo, endless=endless)


Act = Callable[[Action], Json]
