"""``/ai-explain``."""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal
from bot.flow.answer import refuse_admitted
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Explain
from bot.model.outcome import Published

SPEC: Final = CommandSpec(name="/ai-explain", usage="/ai-explain", summary="explain")


def read(_written: Written) -> Explain | Refusal:
    """Read."""
    return Refusal(code=Code.SYNTAX, message="not yet", remedy="wait")


def run(_command: Explain, counter: Counter) -> Published:
    """Run."""
    return refuse_admitted(counter.order, Refusal(code=Code.SYNTAX, message="not yet", remedy="wait"), counter.office)
