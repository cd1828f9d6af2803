"""``/ai-help``: the list of commands, made from the table.

In: the specs of the table. Out: one comment. Never: a list of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.errors import Refusal
from bot.flow.admission import admitted
from bot.flow.answer import answer, turn_away
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Help
from bot.model.outcome import Published
from bot.rendering.markdown import joined

SPEC: Final = CommandSpec(name="/ai-help", usage="/ai-help", summary="shows this list", available=True)


def read(_written: Written) -> Help:
    """Nothing else is read."""
    return Help()


def run(_command: Help, counter: Counter) -> Published:
    """Answer, to somebody who may command. Raises Broken (a defect) only."""
    order, office = counter.order, counter.office
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    return answer(order, office, help_of(counter.specs))


def help_of(specs: Sequence[CommandSpec]) -> str:
    """The answer: what works now with its permission, the first command's form, what is known but later."""
    now = [f"`{spec.name}` {spec.summary} (needs {spec.permission})" for spec in specs if spec.available]
    later = ", ".join(f"`{spec.name}`" for spec in specs if not spec.available)
    return joined(
        [
            "**ai-provision** understands, on the first line of a new comment or description:",
            "\n".join(f"- {line}" for line in now),
            f"```text\n{specs[0].usage}\n```",
            f"Known, but not in this version: {later}." if later else "",
        ]
    )
