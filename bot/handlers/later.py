"""Commands that a version before this one stored by name alone: each is answered with one plain sentence.

In: a command's name. Out: a refusal for somebody who may command. Never: silence, work.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal
from bot.flow.answer import refuse_admitted
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Later
from bot.model.outcome import Published

SPEC: Final = CommandSpec(name="/ai-destroy", usage="/ai-destroy supermarket-inventory", summary="given before")


def read(written: Written) -> Later:
    """Only the name counts."""
    return Later(name=written.name)


def run(command: Later, counter: Counter) -> Published:
    """Say so. Raises Broken (a defect) only."""
    return refuse_admitted(counter.order, _not_yet(command.name), counter.office)


def _not_yet(name: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"{name} was given to a version that could not run it; its words were not kept.",
        remedy="Write the command once more in a new comment.",
    )
