"""An accepted command on its way: where it came from, who gave it, and the keys that make its writes idempotent.

In: a delivery and a command. Out: keys that are the same on every attempt. Never: randomness, the clock.
"""

from __future__ import annotations

import hashlib

from pydantic import AwareDatetime

from bot.model.command import Actor, Provision, ThreadRef
from bot.model.noun import Noun


class Order(Noun):
    """One command of one person in one thread. ``at`` is when it was given."""

    thread: ThreadRef
    actor: Actor
    comment_id: int | None
    at: AwareDatetime
    body_digest: str

    @property
    def job(self) -> str:
        """Twelve hex digits: the same for the same comment, whatever is redelivered."""
        return digest(self.thread.full_name, str(self.thread.number), str(self.comment_id), self.body_digest)[:12]


class Request(Noun):
    """An order that asks for a pull request."""

    order: Order
    command: Provision


def branch_name(app: str, *, infra_repo: str) -> str:
    """One branch per infrastructure repository and application, so a second command updates the same pull request."""
    return f"ai-provision/{app}-{digest(infra_repo, app)[:8]}"


def pull_key(app: str, *, infra_repo: str, thread: ThreadRef | None) -> str:
    """The key that a pull request carries unseen: the application and the thread that owns it."""
    owner = f"{thread.full_name}#{thread.number}" if thread else "command-line"
    return digest(infra_repo, app, owner)[:12]


def digest(*parts: str) -> str:
    """Sha-256 over length-prefixed parts, hexadecimal."""
    return hashlib.sha256(b"".join(b"%d:%s" % (len(raw), raw) for raw in (part.encode() for part in parts))).hexdigest()
