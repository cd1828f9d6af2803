"""A review that asks for changes on the bot's pull request: the reviewer hears what can be written next.

In: a review without a command. Out: one answer on a pull request of the bot; silence everywhere else. Never: a change
that nobody commanded.
"""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from bot.errors import Refusal
from bot.flow.admission import admitted
from bot.flow.answer import say
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Advice
from bot.model.outcome import Published
from bot.rendering import status

SPEC: Final = CommandSpec(
    name="(review: changes requested)",
    usage="Request changes in a review of the bot's pull request",
    summary="answers with the next step",
    available=True,
)
_OURS: Final[TypeAdapter[bool]] = TypeAdapter(bool)


def read(_written: Written) -> Advice:
    """Nobody writes it: a review's state does."""
    return Advice()


def run(_command: Advice, counter: Counter) -> Published:
    """Answer where the pull request is ours and the reviewer may command. Raises Broken (a defect) only."""
    order, office = counter.order, counter.office
    repo = order.thread.full_name
    ours = office.steps.run(
        "is-it-ours",
        lambda: any(pull.number == order.thread.number for pull in office.forge.open_pulls(repo)),
        _OURS,
    )
    if not ours or isinstance(admitted(order, office), Refusal):
        return Published(kind="answered")
    return Published(kind="answered", comment_url=say(order, office, status.next_step(job=order.job)))
