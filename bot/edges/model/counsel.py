"""The port ``Counsel``: models behind limits, budgets and a circuit breaker.

In: a question and an allowance. Out: a ``Reply``, always. Never: an exception, a wait beyond the
allowance, a key or a provider's words in a message or a log.
"""

from __future__ import annotations

import ssl
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

import structlog
from pydantic_ai.exceptions import AgentRunError, ContentFilterError, UsageLimitExceeded

from bot.counsel import Spending, Tool
from bot.edges.model.asking import Asking
from bot.edges.model.breaker import Breaker
from bot.edges.model.faults import Trouble, fault
from bot.edges.model.line import PACE, Pace
from bot.edges.model.moment import in_time
from bot.edges.model.outside import Servers
from bot.edges.model.party import Party
from bot.edges.model.tally import Tally
from bot.errors import BotError
from bot.model.consultation import Allowance, Fault, FaultKind, Question, Reply, Spent
from bot.model.noun import Noun
from bot.ports import Clock

A = TypeVar("A", bound=Noun)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class DayBudget:
    """What all commands of a day may spend; None: without a bound."""

    tokens: int | None = None
    money: float | None = None

    def left(self, allowance: Allowance, spent: Spent) -> Allowance:
        """The allowance, cut to what the day has left."""
        tokens, money = allowance.tokens, allowance.money
        if self.tokens is not None:
            tokens = min(tokens, max(0, self.tokens - spent.input_tokens - spent.output_tokens))
        if self.money is not None:
            rest = max(0.0, self.money - (spent.money or 0.0))
            money = rest if money is None else min(money, rest)
        return Allowance(seconds=allowance.seconds, tokens=tokens, money=money)


@dataclass(frozen=True, kw_only=True)
class ModelCounsel:
    """Models of the agents. Safe to use from many threads."""

    parties: Mapping[str, Party]
    clock: Clock
    trust: ssl.SSLContext
    spending: Spending | None
    day: DayBudget
    servers: Servers
    redact: Callable[[str], str] = field(repr=False)
    pace: Pace = PACE
    breaker: Breaker = field(default_factory=Breaker)

    def model_of(self, agent: str) -> str:
        """The configured name; empty for an agent without a model."""
        party = self.parties.get(agent)
        return "" if party is None else party.name

    def ask(self, question: Question, form: type[A], *, allowance: Allowance, tools: tuple[Tool, ...] = ()) -> Reply[A]:
        """One typed answer or a fault. See ``bot.counsel.Counsel``."""
        party = self.parties[question.agent]
        stop = self._beforehand(party)
        cut = self._cut(allowance)
        if stop is None and (cut is None or cut.seconds <= 0 or cut.tokens <= 0 or cut.money == 0):
            stop = fault("budget", party)
        if stop is not None or cut is None:
            return _reply(form, party, stop)
        tally = Tally(party=party, allowance=cut)
        answer, failed = self._asked(question, form, tools, tally)
        spent = tally.spent()
        self._spend(spent)
        self.breaker.note(party.name, failed, self.clock.now())
        return _reply(form, party, failed, answer=answer, spent=spent)

    def _beforehand(self, party: Party) -> Fault | None:
        if party.lacks_key:
            return fault("auth", party)
        return self.breaker.open_for(party.name, self.clock.now())

    def _cut(self, allowance: Allowance) -> Allowance | None:
        """What the command and the day leave; None when nobody knows what the day has spent."""
        if self.spending is None:
            return allowance
        try:
            return self.day.left(allowance, self.spending.spent_today(self.clock.now()))
        except BotError as lost:
            _log.warning("model_spending_unreadable", failure=type(lost).__name__)
            return None

    def _spend(self, spent: Spent) -> None:
        if self.spending is None or not spent.calls:
            return
        try:
            self.spending.spend(spent, self.clock.now())
        except BotError as lost:
            _log.warning("model_spending_unwritten", failure=type(lost).__name__)

    def _asked(
        self, question: Question, form: type[A], tools: tuple[Tool, ...], tally: Tally
    ) -> tuple[A | None, Fault | None]:
        asking = Asking(
            question=question,
            form=form,
            tools=tools,
            servers=self.servers,
            tally=tally,
            clock=self.clock,
            trust=self.trust,
            pace=self.pace,
        )
        try:
            return in_time(asking.answer, seconds=tally.allowance.seconds), None
        except Exception as failure:  # noqa: BLE001 - the port never raises: three client libraries stand behind this line
            kind = _kind(failure, tally)
            self._report(kind, tally.party, failure)
            return None, fault(kind, tally.party)

    def _report(self, kind: FaultKind, party: Party, failure: Exception) -> None:
        """For the operator; what nobody foresaw shows its type and place, not its words: they may be a provider's."""
        say = _log.error if kind in {"auth", "quota", "tls", "unknown-model"} else _log.warning
        say("model_fault", kind=kind, model=self.redact(party.name))
        if kind == "malformed" and not isinstance(failure, _FORESEEN):
            last = traceback.extract_tb(failure.__traceback__)[-1:]
            place = [f"{frame.name}:{frame.lineno}" for frame in last]
            _log.error("model_defect", failure=type(failure).__name__, place=place)


_FORESEEN = (AgentRunError, Trouble)


def _kind(failure: Exception, tally: Tally) -> FaultKind:
    """The line knows best why it failed; what it let through failed by its content."""
    if tally.stopped is not None:
        return tally.stopped
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, ContentFilterError):
        return "blocked"
    if isinstance(failure, UsageLimitExceeded):
        return "budget"
    return "malformed"


def _reply(
    form: type[A], party: Party, failed: Fault | None, *, answer: A | None = None, spent: Spent | None = None
) -> Reply[A]:
    shape = cast("type[Reply[A]]", Reply.__class_getitem__(form))
    return shape(model=party.name, answer=answer, fault=failed, spent=spent or Spent())
