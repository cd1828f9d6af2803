"""The cluster that changes: state keyed by API path, its guests, its nodes, its stores.

In: the same dictionary from which the reads answer. Out: the rows to change in it. Never: a second place where a fact
stands; what is not part of an API answer (is there an agent inside a guest?) is a field of ``Site``.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any, Final

from bot.emulators.proxmox.answers import ApiError, Json, Row
from bot.emulators.proxmox.tasks import Tasks

RESOURCES: Final = "cluster/resources"
GUEST_KINDS: Final = ("qemu", "lxc")
MIB: Final = 1024**2
GIB: Final = 1024**3
_KIND_ORDER: Final = ("node", "qemu", "lxc")


@dataclass
class Site:
    """What a writing call may look at and change.

    ``agents``: guests with a guest agent inside. ``images_with_agent``: volume ids of images that bring one.
    ``image_sizes``: virtual size of an image in bytes (default 2 GiB). ``downloads``: size in bytes by URL;
    ``lost_urls`` answer 404. ``hanging``: stores whose tasks never end. ``leases``: where DHCP takes addresses from
    when the network has no range of its own. ``clone_locks``: of two clones of a template at a time, the second
    gets a lock timeout. ``agent_seconds``: how long after its start a guest's agent answers.
    """

    state: dict[str, Json]
    major: int
    tasks: Tasks
    offline: set[str] = field(default_factory=set)
    agents: set[int] = field(default_factory=set)
    images_with_agent: set[str] = field(default_factory=set)
    image_sizes: dict[str, int] = field(default_factory=dict)
    downloads: dict[str, int] = field(default_factory=dict)
    lost_urls: set[str] = field(default_factory=set)
    hanging: set[str] = field(default_factory=set)
    leases: IPv4Network = field(default_factory=lambda: IPv4Network("10.99.0.0/16"))
    clone_locks: bool = False
    agent_seconds: float = 0.0
    owned: bool = False

    def own(self) -> None:
        """Copy the state once, before the first change: the caller's own stays as it was."""
        if not self.owned:
            copy = deepcopy(self.state)
            self.state.clear()
            self.state.update(copy)
            self.owned = True

    def rows(self, key: str) -> list[Row]:
        """The rows under a key, made when missing; changes to the list count."""
        found: list[Row] = self.state.setdefault(key, [])
        return found

    def resources(self) -> list[Row]:
        """``/cluster/resources``."""
        return self.rows(RESOURCES)

    def nodes(self) -> dict[str, Row]:
        """The rows of the nodes by name."""
        return {row["node"]: row for row in self.resources() if row["type"] == "node"}

    def known_node(self, node: str) -> None:
        """Raises ApiError(500) for a node that is not in the cluster."""
        if node not in self.nodes():
            raise ApiError(500, f"no such cluster node '{node}'")

    def guest_row(self, vm_id: int) -> Row | None:
        """The row of a guest, or None."""
        return next((row for row in self.resources() if row.get("vmid") == vm_id), None)

    def guest(self, vm_id: int) -> Guest | None:
        """The guest of a number wherever it is, or None."""
        row = self.guest_row(vm_id)
        return None if row is None else Guest(self.state, str(row["type"]), str(row["node"]), vm_id)

    def guest_on(self, node: str, kind: str, vm_id: int) -> Guest:
        """The guest of this kind on this node. Raises ApiError(500) when there is none, as the file is looked for."""
        guest = Guest(self.state, kind, node, vm_id)
        if f"{guest.base}/config" not in self.state:
            folder = "qemu-server" if kind == "qemu" else "lxc"
            raise ApiError(500, f"Configuration file 'nodes/{node}/{folder}/{vm_id}.conf' does not exist")
        return guest

    def add_row(self, row: Row) -> None:
        """Put a guest's row behind the last one of its kind."""
        rows = self.resources()
        before = _KIND_ORDER[: _KIND_ORDER.index(row["type"]) + 1]
        place = max((index for index, known in enumerate(rows) if known["type"] in before), default=-1)
        rows.insert(place + 1, row)

    def charge(self, node: str, memory: int) -> None:
        """Add bytes of memory to what a node uses, in both places where it says so."""
        row = self.nodes()[node]
        row["mem"] = row.get("mem", 0) + memory
        status = self.state.get(f"nodes/{node}/status")
        if status is not None and "memory" in status:
            status["memory"]["used"] += memory
            for name in ("free", "available"):
                if name in status["memory"]:
                    status["memory"][name] -= memory


@dataclass(frozen=True)
class Guest:
    """One guest: where its files are."""

    state: dict[str, Json]
    kind: str
    node: str
    vm_id: int

    @property
    def base(self) -> str:
        """The API path without a leading slash."""
        return f"nodes/{self.node}/{self.kind}/{self.vm_id}"

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration; changes count."""
        found: dict[str, Any] = self.state[f"{self.base}/config"]
        return found

    @property
    def row(self) -> Row:
        """Its row of ``/cluster/resources``."""
        rows: list[Row] = self.state[RESOURCES]
        return next(row for row in rows if row.get("vmid") == self.vm_id)

    @property
    def running(self) -> bool:
        """True while it runs."""
        return bool(self.row["status"] == "running")

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{'VM' if self.kind == 'qemu' else 'CT'} {self.vm_id}"

    @property
    def service(self) -> str:
        """Its id in high availability."""
        return f"{'vm' if self.kind == 'qemu' else 'ct'}:{self.vm_id}"

    def unlocked(self) -> None:
        """Raises ApiError(500) while something holds it."""
        lock = self.config.get("lock")
        if lock:
            raise ApiError(500, f"{self.label} is locked ({lock})" if self.kind == "qemu" else f"CT is locked ({lock})")

    def unprotected(self, words: str) -> None:
        """Raises ApiError(500) when its configuration forbids removal."""
        if self.config.get("protection"):
            raise ApiError(500, f"{words} - protection mode enabled")

    def files(self) -> list[str]:
        """Every key of the state that belongs to it."""
        return [key for key in self.state if key.startswith(f"{self.base}/")]


def cores(config: Mapping[str, Any]) -> int:
    """Virtual CPUs of a guest."""
    return int(config.get("cores", 1)) * int(config.get("sockets", 1))


def memory_bytes(config: Mapping[str, Any], kind: str) -> int:
    """Bytes of memory of a guest; both kinds have 512 MiB when nothing is said."""
    text = str(config.get("memory", 512))
    return int(text.removeprefix("current=")) * MIB if kind == "qemu" else int(text) * MIB
