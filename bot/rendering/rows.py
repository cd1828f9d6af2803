"""The tables that the README and the pull request share: every number with its reason, and what it costs.

In: decisions, a cost. Out: Markdown, empty without rows. Never: untrusted text outside an escaper.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from bot.model.decision import Decision
from bot.model.plan import Cost, ServicePlan
from bot.rendering.markdown import table
from bot.rendering.shown import code, words

_NUMBER_HEAD: Final = ("value", "is", "because", "formula", "source", "said by")


def numbers(decisions: Sequence[Decision]) -> str:
    """One row per decision, values in JSON's notation."""
    return table(_NUMBER_HEAD, map(_number, decisions))


def _number(decision: Decision) -> tuple[str, ...]:
    rejected = f". Not taken: {'; '.join(decision.rejected)}" if decision.rejected else ""
    value = decision.value if isinstance(decision.value, str) else json.dumps(decision.value, sort_keys=True)
    return (
        code(decision.path),
        code(value),
        words(decision.why.rstrip(".") + rejected),
        code(decision.formula) if decision.formula else "",
        f"{words(decision.source)} [{decision.tag}]",
        decision.origin,
    )


def cost_lines(cost: Cost) -> str:
    """One row per priced item, in the currency of the prices per month."""
    rows = [(code(line.name), f"{line.monthly:.2f}", words(line.formula)) for line in cost.lines]
    return table(("item", f"{cost.currency} per month", "formula"), rows)


def replicas(planned: ServicePlan) -> str:
    """How many pods: a number, or the autoscaler's bounds and target."""
    hpa = planned.hpa
    return f"{hpa.min} to {hpa.max}, at {hpa.target_cpu_percent} % CPU" if hpa else str(planned.replicas)
