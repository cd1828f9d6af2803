"""The ports of judgement: a model to ask, tools it may read with, measured use, retrieved knowledge, lessons kept.

In and out: nouns only. Never: a client library's type, a verb that writes anywhere but to our own records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from pydantic import AwareDatetime

from bot.model.config import Metrics as MetricNames
from bot.model.consultation import Allowance, Question, Reply, Spent
from bot.model.evidence import Piece, Reading, Trouble, Workload
from bot.model.finding import Finding
from bot.model.noun import JsonValue, Noun

A = TypeVar("A", bound=Noun)


@dataclass(frozen=True)
class Tool:
    """A typed read-only tool, bound to one command. ``parameters`` is the form of its arguments; ``run`` raises nothing
    and answers with JSON, an ``{"error": …}`` for arguments that make no sense.
    """

    name: str
    description: str
    parameters: type[Noun]
    run: Callable[[Noun], JsonValue]


class Counsel(Protocol):
    """Models, one for each agent or the same for all."""

    def model_of(self, agent: str) -> str:
        """The configured name, such as ``google:gemini-2.5-pro``."""

    def ask(self, question: Question, form: type[A], *, allowance: Allowance, tools: tuple[Tool, ...] = ()) -> Reply[A]:
        """One typed answer. Never raises: a failure of any kind is a ``Reply`` with a ``fault`` and what it cost.

        Ends within ``allowance.seconds``. Waits and repeats as the fault matrix says.
        """


class Spending(Protocol):
    """What all commands of a day spent on models, in the records."""

    def spent_today(self, now: datetime) -> Spent:
        """Of the UTC day of ``now``."""

    def spend(self, spent: Spent, now: datetime) -> None:
        """Add to the day."""


class Metrics(Protocol):
    """Measured use of workloads. Never raises: what did not answer stands in ``Reading.findings``."""

    def observe(self, workloads: tuple[Workload, ...], *, window: float, names: MetricNames) -> Reading:
        """Use over the last ``window`` seconds. A workload without data is absent from the reading and is a finding."""


class Troubles(Protocol):
    """What the cluster says of pods that are in trouble. Never raises."""

    def troubles(self, workloads: tuple[Workload, ...]) -> tuple[tuple[Trouble, ...], tuple[Finding, ...]]:
        """Troubles, and findings for what could not be read."""


class Library(Protocol):
    """Retrieves knowledge: built-in guidance, pages that were added, and what the caller brings along."""

    def find(self, words: tuple[str, ...], *, brought: tuple[Piece, ...] = (), limit: int = 8) -> tuple[Piece, ...]:
        """The pieces nearest to these words, best first, the same for the same input. Never raises."""


class Lesson(Noun):
    """Something to remember: an added page, a published plan, an outcome, a correction. ``id`` is stable: learning it
    again replaces it. ``data`` is small JSON for machines; ``repo`` is the infrastructure repository.
    """

    id: str
    kind: Literal["page", "plan", "outcome", "correction"]
    repo: str | None = None
    app: str | None = None
    namespace: str | None = None
    title: str
    text: str
    data: JsonValue = None
    at: AwareDatetime


class Lessons(Protocol):
    """The lessons kept in the records."""

    def learn(self, lesson: Lesson) -> None:
        """Keep it, in place of one with its id."""

    def lessons(
        self, *, kind: str | None = None, repo: str | None = None, app: str | None = None, limit: int = 200
    ) -> tuple[Lesson, ...]:
        """Newest first."""
