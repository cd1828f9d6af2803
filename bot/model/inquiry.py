"""One question to the person who commanded, with answers that can be copied.

In: the readings that would make different plans. Out: an immutable question. Never: a question about a number that
nobody stated (that takes its default), more than one question per command.
"""

from __future__ import annotations

from typing import Literal

from bot.model.noun import Noun


class Choice(Noun):
    """One answer: what it means, what the plan would be, and the whole command that says so.

    ``answer`` is the part of it in square brackets; ``command`` is empty when it would be too long to be read.
    """

    label: str
    effect: str
    command: str
    answer: str = ""


class Inquiry(Noun):
    """``reading``: the candidates would change the kind, the database, the placement, or a request by more than 2 x.
    ``budget``: the plan passes a monthly budget and waits for a confirmation.
    """

    kind: Literal["reading", "budget"]
    question: str
    why: str
    choices: tuple[Choice, ...]
