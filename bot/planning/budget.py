"""Monthly budgets: what the plan passes, and what somebody confirmed.

In: the plan's cost, budgets, what other applications of the namespace cost. Out: ``Exceeded`` budgets and findings.
Never: a refusal; a plan beyond its budget waits for a person's word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.model.config import Budget
from bot.model.demand import Demand
from bot.model.evidence import Spend
from bot.model.plan import Exceeded
from bot.planning.record import Notes, note, stated, warn

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?", re.ASCII)


@dataclass(frozen=True)
class Purse:
    """Whose money it is: the application, its namespace, their budgets, and what the namespace spends already."""

    app: str
    namespace: str
    budget: Budget | None
    spends: Sequence[Spend]
    demand: Demand


@dataclass(frozen=True)
class _Passed:
    """A passed budget with the setting that holds it."""

    exceeded: Exceeded
    setting: str


def against_budgets(monthly: float, purse: Purse, *, currency: str) -> tuple[tuple[Exceeded, ...], Notes]:
    """The budgets that the plan passes and nobody confirmed; the notes name those that were confirmed as well."""
    passed = tuple(_passed(monthly, purse, currency=currency))
    confirmed = _confirmed(purse.demand)
    enough = math.ceil(max((entry.exceeded.total for entry in passed), default=0.0))
    notes, waiting = Notes(), []
    for entry in passed:
        if confirmed is not None and confirmed >= entry.exceeded.total:
            notes += _agreed(entry, confirmed, currency)
        else:
            waiting.append(entry.exceeded)
            notes += _over(entry, currency, enough=enough)
    return tuple(waiting), notes


def _passed(monthly: float, purse: Purse, *, currency: str) -> Iterator[_Passed]:
    budget = purse.budget or Budget()
    named = purse.app in budget.applications
    own = budget.applications.get(purse.app, budget.monthly)
    if own is not None and monthly > own:
        setting = f"budget.applications.{purse.app}" if named else "budget.monthly"
        yield _Passed(Exceeded(scope="application", name=purse.app, limit=own, total=monthly), setting)
    shared = budget.namespaces.get(purse.namespace)
    total = round(monthly + _others(purse, currency), 2)
    if shared is not None and total > shared:
        exceeded = Exceeded(scope="namespace", name=purse.namespace, limit=shared, total=total)
        yield _Passed(exceeded, f"budget.namespaces.{purse.namespace}")


def _others(purse: Purse, currency: str) -> float:
    """What the other applications of the namespace cost, in this currency alone."""
    here = (entry for entry in purse.spends if entry.namespace in {None, purse.namespace})
    same = (entry for entry in here if entry.app != purse.app and entry.currency == currency)
    return sum(stated(entry.monthly) or 0.0 for entry in same)


def _confirmed(demand: Demand) -> float | None:
    answer = (demand.answer("budget") or "").strip()
    return float(answer) if _AMOUNT.fullmatch(answer) else None


def _amounts(entry: _Passed, currency: str) -> str:
    found = entry.exceeded
    whole = "The plan costs" if found.scope == "application" else f"Namespace {found.name} would cost with this plan"
    return f"{whole} {found.total:.2f} {currency} a month; {entry.setting} permits {found.limit:.2f}"


def _over(entry: _Passed, currency: str, *, enough: int) -> Notes:
    return warn(
        "over-budget",
        f"{_amounts(entry, currency)}.",
        remedy=f"Write `[budget={enough}]` at the end of app_description to confirm it, state a lower load or tier, or "
        f"raise {entry.setting} in .ai-provision.yaml.",
    )


def _agreed(entry: _Passed, confirmed: float, currency: str) -> Notes:
    return note(
        "budget-confirmed",
        f"{_amounts(entry, currency)}, and app_description confirms up to {confirmed:.2f}.",
        remedy="Nothing to do; raise the budget if this cost stays.",
    )


def unpriced(purse: Purse) -> Notes:
    """Budgets without prices bind nothing, and that is said."""
    if purse.budget is None or purse.budget == Budget():
        return Notes()
    return note(
        "budget-unpriced",
        "A budget is configured, and no prices are, so the plan was not held against it.",
        remedy="Add `prices` to .ai-provision.yaml.",
    )
