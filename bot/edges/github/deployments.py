"""Deployments: how GitHub shows that a commit is being applied to an environment, and how that ended.

In: a commit and words. Out: the deployment's id. Never: a merge by GitHub (``auto_merge``), a wait for checks, a second
deployment because an answer was lost.
"""

from __future__ import annotations

import secrets
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from bot.deploy import Status
from bot.edges.github.bodies import clean
from bot.edges.github.line import Loose
from bot.edges.github.sending import SOFT, Sender

_READ: Final = "deployments: read"
_WRITE: Final = "deployments: write"
_TEXT: Final = 140
"""Characters that GitHub takes as a description."""

_NAME: Final = "ai-provision"


class _Deployment(Loose):
    id: int
    payload: object = None


_ONE: Final = TypeAdapter(_Deployment)
_MANY: Final = TypeAdapter(tuple[_Deployment, ...])


class Deployments:
    """The deployments of one forge's repositories."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def create(self, name: str, *, commit: str, environment: str, description: str) -> int:
        """A new deployment's id. The payload holds a word of chance, by which one is found whose answer was lost.

        Raises Answered where GitHub does not let us.
        """
        word = {_NAME: secrets.token_hex(8)}
        body = {
            "ref": commit,
            "environment": environment,
            "description": self._short(description),
            "auto_merge": False,
            "required_contexts": [],
            "payload": word,
        }
        path = f"/repos/{name}/deployments"

        def look() -> _Deployment | None:
            asked = {"sha": commit, "environment": environment}
            found = self._sender.line.get(_READ, path, parameters=asked).read(_MANY)
            return next((one for one in found if one.payload == word), None)

        return self._sender.send("POST", _WRITE, path, body, form=_ONE, look=look, expect=SOFT).id

    def turn(self, name: str, deployment: int, state: Status, *, url: str | None, text: str) -> None:
        """Set its state. The same state twice says nothing else. Raises Answered where GitHub does not let us."""
        body: dict[str, Any] = {"state": state, "description": self._short(text)}
        if url is not None and urlsplit(url).scheme in {"http", "https"}:
            body["log_url"] = url
        path = f"/repos/{name}/deployments/{deployment}/statuses"
        self._sender.patiently(lambda: self._sender.send("POST", _WRITE, path, body, form=_ONE, expect=SOFT))

    def _short(self, text: str) -> str:
        line = " ".join(clean(self._sender.redact(text)).split())
        return line if len(line) <= _TEXT else line[: _TEXT - 1] + "…"
