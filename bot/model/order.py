"""An accepted command on its way: where it came from, who gave it, and the keys that make its writes idempotent.

In: facts of a delivery. Out: keys that are the same on every attempt. Never: randomness, the clock.
"""

from __future__ import annotations

import hashlib

from pydantic import AwareDatetime

from bot.model.command import Actor, ThreadRef
from bot.model.noun import Noun


class Order(Noun):
    """One command of one person in one thread. ``at`` is when it was given.

    ``comment_id`` is None for the description of an issue or pull request. ``installation`` is the GitHub App's
    installation that the delivery named, None with a plain token.
    """

    thread: ThreadRef
    actor: Actor
    comment_id: int | None
    at: AwareDatetime
    body_digest: str
    installation: int | None = None

    @property
    def key(self) -> str:
        """Sixty-four hex digits: the same for the same comment, whatever is redelivered or polled."""
        return digest(self.thread.full_name, str(self.thread.number), str(self.comment_id), self.body_digest)

    @property
    def job(self) -> str:
        """The first twelve digits of the key: what people see."""
        return self.key[:12]


def digest(*parts: str) -> str:
    """Sha-256 over length-prefixed parts, hexadecimal."""
    return hashlib.sha256(b"".join(b"%d:%s" % (len(raw), raw) for raw in (part.encode() for part in parts))).hexdigest()
