"""What can go wrong with one call, and what the reader should know about it.

In: a cause. Out: an exception with code, reason and remedy, ready to become a ``Missing``. Never: the server's own text
beyond a bounded, printable piece; a credential; an address.
"""

from __future__ import annotations

from typing import Final, NoReturn

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.cluster import Missing

AUDITOR: Final = (
    "Give the token, and with privilege separation its user too, the role PVEAuditor on `/` with propagation "
    "(`pveum acl modify / --roles PVEAuditor --tokens 'user@realm!id'`)."
)
RETRY_AFTER: Final = 60.0


class Trouble(Exception):
    """One call gave nothing usable. ``retries`` is how often it is worth asking again."""

    code: Code = Code.CAPACITY
    remedy: str = "Look at the node's log (`journalctl -u pveproxy -u pvedaemon`), then run the command again."

    def __init__(self, reason: str, *, retries: int = 0, status: int | None = None) -> None:
        super().__init__(reason)
        self.retries = retries
        self.status = status

    def missing(self, what: str) -> Missing:
        """The fact that is now unknown."""
        return Missing(system="proxmox", what=what, code=self.code, reason=str(self), remedy=self.remedy)

    def fatal(self, what: str) -> NoReturn:
        """The fact is indispensable: say so. Raises Unavailable."""
        raise Unavailable(
            self.code, f"Proxmox VE gave no {what}: {self}.", remedy=self.remedy, retry_after=RETRY_AFTER
        ) from self


class Denied(Trouble):
    """403: a right is missing; ``reason`` names it."""

    code = Code.PROXMOX_AUTH
    remedy = AUDITOR

    def __init__(self, reason: str, *, right: str) -> None:
        super().__init__(reason, status=403)
        self.right = right

    def fatal(self, what: str) -> NoReturn:
        """Raises Refused(proxmox-auth)."""
        message = f"The Proxmox VE token may not read the {what}: {self}."
        raise Refused(Refusal(code=self.code, message=message, remedy=self.remedy)) from self


class Silent(Trouble):
    """595 to 599: the node behind the proxy does not answer; the others do."""

    remedy = "Bring the node back, or leave it out: it is treated as unknown and receives nothing."

    def __init__(self, node: str, *, status: int) -> None:
        super().__init__(f"node {node} did not answer ({status})", status=status)
        self.node = node


class Outage(Trouble):
    """No answer at all: refused, timed out, too slow."""

    remedy = "Check that the address in `PROXMOX_VE_ENDPOINT` answers from this machine, then run the command again."


class Failing(Trouble):
    """A 5xx or 429 of Proxmox VE itself."""


class Bounded(Trouble):
    """More than one reading takes in."""

    remedy = "Nothing is wrong: what lies beyond the bound was left out to keep the reading short."


class Mute(Trouble):
    """A running guest whose addresses nobody can tell."""

    remedy = (
        "Install the QEMU guest agent in them and set `agent: 1`, or name a free range under `defaults.addresses` in "
        "`.ai-provision.yaml`."
    )


class Odd(Trouble):
    """An answer, but not one that Proxmox VE gives: truncated, null, of another shape."""


def refused(code: Code, message: str, remedy: str) -> Refused:
    """An exception that ends the reading."""
    return Refused(Refusal(code=code, message=message, remedy=remedy))
