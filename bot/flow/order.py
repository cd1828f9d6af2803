"""The keys of what one order writes, and the order that asks for a pull request.

In: an order's facts. Out: names that are the same on every attempt. Never: randomness, the clock.
"""

from __future__ import annotations

from bot.model.command import Provision, ThreadRef
from bot.model.noun import Noun
from bot.model.order import Order, digest


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
