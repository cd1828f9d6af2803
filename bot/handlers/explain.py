"""``/ai-explain``: why a number of the open pull request is what it is.

In: a value, a file, or nothing. Out: one answer from the decisions in ``plan.json``. Never: a new computation, a write
to the pull request.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal
from bot.flow.admission import admitted
from bot.flow.answer import answer, refuse, turn_away
from bot.flow.open_plan import OpenPlan, open_plan
from bot.handlers.command import CommandSpec, Counter, Written
from bot.model.command import Explain
from bot.model.outcome import Published
from bot.rendering.explanation import explanation
from bot.rendering.topics import found, nearest

SPEC: Final = CommandSpec(
    name="/ai-explain",
    usage="/ai-explain services.api.requests.cpu",
    summary="says why a number is what it is: formula, inputs, source, what was not taken; without a name, all of them",
    available=True,
)
_LONGEST: Final = 200


def read(written: Written) -> Explain | Refusal:
    """The words behind the command name a value or a file."""
    words = " ".join(written.words.split())
    if len(words) > _LONGEST or not words.isprintable():
        return Refusal(
            code=Code.SYNTAX,
            message=f"The command was not understood: what to explain is a name of at most {_LONGEST} characters.",
            remedy="Name a value or a file of the pull request.",
            example=SPEC.usage,
        )
    return Explain(about=words or None)


def run(command: Explain, counter: Counter) -> Published:
    """Answer from the plan of the open pull request. Raises Broken (a defect) only."""
    order, office = counter.order, counter.office
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    there = open_plan(order, office)
    if isinstance(there, Refusal):
        return refuse(order, there, office)
    decisions = found(there.plan, command.about) if command.about else there.plan.decisions
    if decisions is None:
        return refuse(order, _unknown(there, command.about or ""), office)
    text = explanation(there.plan, decisions, about=command.about, pull_url=there.pull.url, job=order.job)
    return answer(order, office, text)


def _unknown(there: OpenPlan, about: str) -> Refusal:
    names = nearest(there.plan, about)
    near = f"The nearest names are {', '.join(names)}." if names else "Without a name, every value is listed."
    return Refusal(
        code=Code.SYNTAX,
        message=f"No value or file of this plan is called {about}. {near}",
        remedy="Name a value by its path or a part of it (api cpu, replicas), or a file (api-hpa.yaml).",
        example=f"{SPEC.name} {names[0]}" if names else SPEC.usage,
        link=there.pull.url,
    )
