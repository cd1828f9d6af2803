"""Labels of a pull request: those that say what became of its merge.

In: names to add and to remove. Out: nothing. Never: a label that is removed from others than the one pull request, a
colour that somebody chose and we change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from pydantic import TypeAdapter

from bot.edges.github.calls import Answered
from bot.edges.github.line import GONE, Loose
from bot.edges.github.sending import SOFT, Sender

_READ: Final = "issues: read"
_WRITE: Final = "issues: write"
LOOKS: Final = {
    "ai-provision: applied": ("0e8a16", "The merge runs: machines and workloads are as planned"),
    "ai-provision: destroyed": ("6e7781", "The merge took the stack away"),
    "ai-provision: failed": ("b60205", "The apply stopped; the outcome comment says what to do"),
    "ai-provision: returned": ("d93f0b", "The workloads went back to their previous revision"),
    "ai-provision: not applied": ("fbca04", "Merged, and not applied"),
}
"""Colour and description by name; GitHub allows 100 characters of description."""

PLAIN: Final = ("c5def5", "Set by ai-provision")
"""Those of any other label."""


class _Label(Loose):
    name: str


_LABELS: Final = TypeAdapter(tuple[_Label, ...])
_ANYTHING: Final[TypeAdapter[object]] = TypeAdapter(object)


class Labels:
    """The labels of one forge's repositories."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def change(self, name: str, number: int, *, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        """Bring the labels about; no write for what is so already. Raises Answered where GitHub does not let us."""
        present = self._present(name, number)
        missing = tuple(label for label in add if label.lower() not in present)
        for label in missing:
            self._make(name, label)
        path = f"/repos/{name}/issues/{number}/labels"
        if missing:
            self._sender.patiently(lambda: self._send("POST", path, {"labels": list(missing)}))
        for label in remove:
            if label.lower() in present:
                self._remove(f"{path}/{quote(label, safe='')}")

    def _present(self, name: str, number: int) -> frozenset[str]:
        path = f"/repos/{name}/issues/{number}/labels"
        pages = self._sender.patiently(lambda: list(self._sender.line.pages(_READ, path, expect=SOFT)))
        return frozenset(label.name.lower() for page in pages for label in page.read(_LABELS))

    def _make(self, name: str, label: str) -> None:
        """Make the label where the repository has none; 422 says that somebody else just did."""
        if self._known(name, label):
            return
        color, description = LOOKS.get(label, PLAIN)
        body = {"name": label, "color": color, "description": description}
        try:
            self._send("POST", f"/repos/{name}/labels", body)
        except Answered as answer:
            if answer.status != 422:
                raise

    def _known(self, name: str, label: str) -> bool:
        path = f"/repos/{name}/labels/{quote(label, safe='')}"
        try:
            self._sender.line.get(_READ, path, expect=SOFT, remember=True)
        except Answered as answer:
            if answer.status not in GONE:
                raise
            return False
        return True

    def _remove(self, path: str) -> None:
        """Twice is the same as once."""
        try:
            self._send("DELETE", path, None)
        except Answered as answer:
            if answer.status != 404:
                raise

    def _send(self, verb: str, path: str, body: Mapping[str, object] | None) -> None:
        self._sender.send(verb, _WRITE, path, body, form=_ANYTHING, expect=SOFT)
