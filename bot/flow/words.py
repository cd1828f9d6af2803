"""Plain words of ``/ai-refine``, read once by a model and remembered as a step of the command.

In: the words, the open plan, the office. Out: ``Interpreted`` or a ``Refusal``. Never: a second reading when a worker
takes the command over, a model asked for ``key=value``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pydantic import TypeAdapter

from bot.agents.consult import speaks
from bot.agents.interpreter import Interpreted, interpret
from bot.errors import Refusal
from bot.flow.house import Office
from bot.model.command import Refine
from bot.model.document import Remembered

Unread = Callable[[str], Refusal]
"""What is said to plain words where no model reads them."""
_READ: Final[TypeAdapter[Interpreted | Refusal]] = TypeAdapter(Interpreted | Refusal)


def typed(command: Refine, plan: Remembered, office: Office, *, unread: Unread) -> Interpreted | Refusal:
    """The changes of a command; words are read in a step of their own, typed changes in none."""
    if not command.words:
        return Interpreted(changes=command.changes)
    desk, words = office.house.desk, command.words

    def read() -> Interpreted | Refusal:
        return interpret(words, plan, desk) if speaks("interpreter", desk) else unread(words)

    return office.steps.run("read-words", read, _READ)
