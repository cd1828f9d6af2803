"""The commands that are known but not in this version: each is answered with one plain sentence.

In: a command's name. Out: a refusal for somebody who may command. Never: silence, work.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal
from bot.flow.provision import refuse_admitted
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Later
from bot.model.outcome import Published

SPECS: Final = (
    CommandSpec(
        name="/ai-refine",
        usage="/ai-refine replicas=5 memory=1Gi",
        summary="changes the plan of the bot's open pull request and updates it in place",
    ),
    CommandSpec(
        name="/ai-explain",
        usage="/ai-explain services.api.requests.cpu",
        summary="says why this number: formula, inputs, source, rejected alternatives",
    ),
    CommandSpec(name="/ai-status", usage="/ai-status", summary="says what the last command of this thread is doing"),
    CommandSpec(name="/ai-retry", usage="/ai-retry", summary="runs the last command of this thread again"),
    CommandSpec(name="/ai-cancel", usage="/ai-cancel", summary="stops the running command of this thread"),
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
