"""The commands that are known but not in this version: each is answered with one plain sentence.

In: a command's name. Out: a refusal for somebody who may command. Never: silence, work.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal
from bot.flow.answer import refuse_admitted
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Later
from bot.model.outcome import Published

SPECS: Final = (
    CommandSpec(
        name="/ai-destroy",
        usage="/ai-destroy supermarket-inventory",
        summary="opens a pull request that takes the application away",
    ),
)


def read(written: Written) -> Later:
    """Only the name counts."""
    return Later(name=written.name)


def run(command: Later, counter: Counter) -> Published:
    """Say so. Raises Broken (a defect) only."""
    return refuse_admitted(counter.order, _not_yet(command.name), counter.office)


def _not_yet(name: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"{name} is known, but this version cannot run it yet.",
        remedy="Comment /ai-provision with its two fields, or /ai-help for what works today.",
    )
