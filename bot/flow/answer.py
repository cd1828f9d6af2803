"""The words and reactions that a command leaves in its thread: one comment, edited in place, and one last reaction.

In: an order and Markdown. Out: the comment's address. Never: a second comment for the same command, a reaction for
somebody who may not command.
"""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from bot.errors import Refusal
from bot.flow.admission import admitted
from bot.flow.house import Office
from bot.model.order import Order
from bot.model.outcome import Published
from bot.ports import Reaction
from bot.rendering import status

_URL: Final[TypeAdapter[str]] = TypeAdapter(str)
_NOTHING: Final[TypeAdapter[None]] = TypeAdapter(None)


def say(order: Order, office: Office, body: str, *, step: str = "say", last: bool = False) -> str:
    """Create or edit the one comment of this command; its URL. ``last``: also after a cancel."""
    return office.steps.run(
        step, lambda: office.forge.say(order.thread, marker=order.job, body=body), _URL, always=last
    )


def react(order: Order, office: Office, reaction: Reaction, *, last: bool = False) -> None:
    """React to the command."""
    office.steps.run(
        f"react-{reaction}",
        lambda: office.forge.react(order.thread, order.comment_id, reaction),
        _NOTHING,
        always=last,
    )


def turn_away(order: Order, refusal: Refusal, office: Office) -> Published:
    """Answer once, without a reaction: nothing was accepted. Silence where none is due."""
    if refusal.silent:
        return Published(kind="refused", code=refusal.code)
    url = say(order, office, status.refused(refusal, job=order.job), step="say-refused", last=True)
    return Published(kind="refused", code=refusal.code, comment_url=url)


def refuse(order: Order, refusal: Refusal, office: Office) -> Published:
    """End an accepted command without a pull request."""
    published = turn_away(order, refusal, office)
    react(order, office, "confused", last=True)
    return published


def refuse_admitted(order: Order, refusal: Refusal, office: Office) -> Published:
    """Refuse, but only to somebody who may command; a stranger hears ``forbidden`` first."""
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    return refuse(order, refusal, office)


def answer(order: Order, office: Office, body: str) -> Published:
    """Answer an admitted question, and say that it was heard."""
    url = say(order, office, body)
    react(order, office, "rocket", last=True)
    return Published(kind="answered", comment_url=url)


def stopped(order: Order, by: str, office: Office) -> Published:
    """End a command that somebody cancelled."""
    url = say(order, office, status.cancelled(by, job=order.job), step="say-cancelled", last=True)
    react(order, office, "confused", last=True)
    return Published(kind="cancelled", comment_url=url)
