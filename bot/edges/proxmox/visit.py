"""One reading of one cluster: the calls, what was missed, which nodes went dark.

In: calls. Out: rows, or None with a note. Never: an exception for a fact that the plan can live without.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from bot.edges.proxmox import fields
from bot.edges.proxmox.calls import Calls
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.trouble import Denied, Silent, Trouble
from bot.model.cluster import Missing

_SHOWN: Final = 8


@dataclass
class Visit:
    """``dark`` maps a node that does not answer to the reason; nothing more is asked of it."""

    calls: Calls
    missing: list[Missing] = field(default_factory=list)
    dark: dict[str, Trouble] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def required_rows(self, what: str, *path: str, needs: str) -> list[Row]:
        """Rows that no plan can do without. Raises Refused or Unavailable."""
        try:
            return fields.rows(self.calls.get(*path, needs=needs))
        except Trouble as trouble:
            trouble.fatal(what)

    def rows(self, what: str, *path: str, needs: str, patience: int = 2, **params: Any) -> list[Row] | None:
        """Rows, or None and a note."""
        try:
            return fields.rows(self.calls.get(*path, needs=needs, patience=patience, **params))
        except Trouble as trouble:
            self.note(what, trouble)
            return None

    def table(self, what: str, *path: str, needs: str, **params: Any) -> Row | None:
        """An object, or None and a note."""
        try:
            return fields.table(self.calls.get(*path, needs=needs, **params))
        except Trouble as trouble:
            self.note(what, trouble)
            return None

    def of_node(self, what: str, node: str, *path: str, needs: str, patience: int = 2, **params: Any) -> Any:
        """``data`` of a call that one node answers, or None and a note; a silent node becomes dark."""
        if node in self.dark:
            return None
        try:
            return self.calls.get("nodes", node, *path, needs=needs, patience=patience, **params)
        except Trouble as trouble:
            self.note(f"{what} of node {node}", trouble)
            return None

    def note(self, what: str, trouble: Trouble) -> None:
        """Remember what is unknown; a node that does not answer is noted once."""
        if isinstance(trouble, Silent):
            self.darken(trouble.node, trouble)
        else:
            self.missing.append(trouble.missing(what))

    def darken(self, node: str, trouble: Trouble) -> None:
        """Nothing more is asked of a node, and nothing is placed on it."""
        with self._lock:
            if node not in self.dark:
                self.dark[node] = trouble
                self.missing.append(trouble.missing(f"state of node {node}"))

    def note_guests(self, what: str, failures: Iterable[tuple[int, Trouble]]) -> None:
        """One note per cause for many guests."""
        by_cause: defaultdict[str, list[tuple[int, Trouble]]] = defaultdict(list)
        for vm_id, trouble in failures:
            cause = f"the right `{trouble.right}` is missing" if isinstance(trouble, Denied) else str(trouble)
            by_cause[cause].append((vm_id, trouble))
        for cause, hits in by_cause.items():
            first = hits[0][1].missing(f"{what} of {counted(len(hits))}")
            self.missing.append(first.model_copy(update={"reason": f"{cause} ({listed([one for one, _ in hits])})"}))


def counted(count: int) -> str:
    """``1 guest``, ``3 guests``."""
    return "1 guest" if count == 1 else f"{count} guests"


def listed(vm_ids: Sequence[int]) -> str:
    """The first few VMIDs."""
    shown = ", ".join(str(vm_id) for vm_id in sorted(vm_ids)[:_SHOWN])
    return shown if len(vm_ids) <= _SHOWN else f"{shown} and {len(vm_ids) - _SHOWN} more"
