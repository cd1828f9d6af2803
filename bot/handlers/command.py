"""What a command is: its help as data, how its text is read, how it is run.

In: the text around a command's name; an order. Out: the shape of one row of the table. Never: a command by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.errors import Refusal
from bot.flow.house import Office
from bot.flow.order import Order
from bot.model.command import Command, Help, Later, Provision
from bot.model.noun import Noun
from bot.model.outcome import Published
from bot.ports import Progress

C = TypeVar("C", Provision, Help, Later)


class CommandSpec(Noun):
    """One command: how it is written, what it does, who may give it, and whether this version runs it."""

    name: str
    usage: str
    summary: str
    permission: str = "write"
    available: bool = False


class Written(Noun):
    """A command as written: its name, the words behind it, the lines below it, the hosts that the settings allow."""

    name: str
    words: str
    rest: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Counter:
    """What a running command has at hand. ``specs`` are those of the whole table, for the command that lists it."""

    order: Order
    office: Office
    progress: Progress
    specs: Sequence[CommandSpec]


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
