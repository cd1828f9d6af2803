"""What a command is: its help as data, how its text is read, how it is run.

In: the text around a command's name; an order. Out: the shape of one row of the table. Never: a command by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.errors import Refusal
from bot.flow.house import Office
from bot.model.command import Advice, Cancel, Command, Destroy, Explain, Help, Later, Provision, Refine, Retry, Status
from bot.model.noun import Noun
from bot.model.order import Order
from bot.model.outcome import Published
from bot.ports import Progress

C = TypeVar("C", Provision, Help, Status, Retry, Cancel, Explain, Refine, Advice, Destroy, Later)


class CommandSpec(Noun):
    """One command: how it is written, what it does, who may give it, and whether this version runs it.

    ``immediate``: it waits for no other command of its thread and holds none. ``remembers``: it needs the records of
    earlier commands, which the GitHub Action does not have.
    """

    name: str
    usage: str
    summary: str
    permission: str = "write"
    available: bool = False
    immediate: bool = True
    remembers: bool = False


class Written(Noun):
    """A command as written: its name, the words behind it, the lines below it, the hosts that the settings allow."""

    name: str
    words: str
    rest: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Counter:
    """What a running command has at hand. ``specs`` are those of the whole table, for the command that lists it;
    ``again`` serves another command in this one's place, for the command that repeats.
    """

    order: Order
    office: Office
    progress: Progress
    specs: Sequence[CommandSpec]
    again: Callable[[Command, Counter], Published]


@dataclass(frozen=True, kw_only=True)
class Row(Generic[C]):
    """One row of the table: ``read`` gives a ``kind`` or a refusal, ``run`` brings it to its visible end."""

    spec: CommandSpec
    kind: type[C]
    read: Callable[[Written], C | Refusal]
    run: Callable[[C, Counter], Published]

    def served(self, command: Command, counter: Counter) -> Published | None:
        """The end of a command of this row's kind, None for another. Raises Broken (a defect) only."""
        return self.run(command, counter) if isinstance(command, self.kind) else None
