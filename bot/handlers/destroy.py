"""``/ai-destroy``: an application or a cluster by its name, and a second word for its data.

In: the words behind the command. Out: ``Destroy``, or a ``Refusal`` with the right form. Never: a name that is guessed.
"""

from __future__ import annotations

import re
from typing import Final

from bot.errors import Code, Refusal
from bot.flow import destroy as flow
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Destroy
from bot.model.outcome import Published

SPEC: Final = CommandSpec(
    name="/ai-destroy",
    usage="/ai-destroy supermarket-inventory",
    summary="opens a pull request that takes an application or a cluster away; data disks only with the second word "
    "`data`",
    available=True,
    immediate=False,
)
_NAME: Final = re.compile(r"[a-z](?:[-a-z0-9]{0,50}[a-z0-9])?", re.ASCII)


def read(written: Written) -> Destroy | Refusal:
    """One name, perhaps the word ``data``."""
    return parse(written.words.split())


def parse(words: list[str]) -> Destroy | Refusal:
    """The same for words from anywhere."""
    if not words or len(words) > 2 or not _NAME.fullmatch(words[0]) or words[1:] not in ([], ["data"]):
        return Refusal(
            code=Code.SYNTAX,
            message="The command was not understood: it takes the name of a folder below apps/ or clusters/, and the "
            "word data when its data disks shall be destroyed too.",
            remedy="Write it in this form.",
            example=SPEC.usage,
        )
    return Destroy(app=words[0], data=len(words) == 2)


def run(command: Destroy, counter: Counter) -> Published:
    """Open the pull request. Raises Broken (a defect) only."""
    return flow.destroy(command, counter.order, counter.office)
