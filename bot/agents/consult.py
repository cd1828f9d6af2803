"""The one way an agent speaks: rule first, model second, limits last.

In: the desk, an agent's input, the form of its answer. Out: ``Heard``: the typed answer if there is one, who spoke, and
what is recorded of it. Never: an exception for a model's failure, a provider's words in a file, a question without an
allowance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from bot.agents.desk import Desk
from bot.agents.payload import LONGEST_ID, Asked
from bot.agents.scrub import quiet
from bot.agents.tools import Belt
from bot.agents.trace import RecordedCounsel
from bot.model.consultation import (
    AgentName,
    Allowance,
    CollectorAnswer,
    Consultation,
    Effort,
    Fault,
    FaultKind,
    InterpreterAnswer,
    PlannerAnswer,
    Question,
    Reason,
    Recorded,
    Reply,
    ReviewerAnswer,
    Spent,
)
from bot.model.evidence import Piece
from bot.model.finding import Finding
from bot.model.plan import Plan

A = TypeVar("A", CollectorAnswer, PlannerAnswer, ReviewerAnswer, InterpreterAnswer)

RULE: Final = "llm-invalid"
_LEAST_SECONDS: Final = 1.0
"""With less than this left nothing is asked: no model answers so fast, and the command has to end."""
_PROSE: Final = 290
_WHY: Final[Mapping[FaultKind, tuple[str, str]]] = {
    "unreachable": ("could not be reached", "Check its base URL and the network of the bot."),
    "timeout": ("did not answer in time", "Raise AI_PROVISION_MODEL_SECONDS or choose a faster model."),
    "rate": ("asks to wait longer than a command may", "Try later with /ai-retry, or raise the rate limit."),
    "server": ("answered with an error of its own", "Try later with /ai-retry."),
    "auth": ("refused the credentials", "Check the API key of the provider."),
    "quota": ("has no quota left at its provider", "Raise the quota there, or choose another model."),
    "blocked": ("refused this input", "Nothing to do; another model may answer it."),
    "malformed": ("gave no usable answer", "Try /ai-retry, or choose a model that follows JSON schemas."),
    "budget": (
        "was not asked, because the time, tokens or money for models are used up",
        "Raise AI_PROVISION_MODEL_SECONDS or the budgets beside it; a silent model takes the time of all.",
    ),
    "tls": ("could not be reached over a trusted connection", "Check the certificate of its server."),
    "unknown-model": ("is not known to its provider", "Correct AI_PROVISION_MODEL."),
}


@dataclass(frozen=True)
class Heard(Generic[A]):
    """What one question brought. ``sources`` maps the ids that may be cited, as they were shown, to the real ones."""

    consultation: Consultation
    answer: A | None = None
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    retrieved: tuple[Piece, ...] = ()


def speaks(agent: AgentName, desk: Desk) -> bool:
    """Whether a model is configured for this agent."""
    return desk.counsel is not None and bool(desk.counsel.model_of(agent))


def consult(
    agent: AgentName,
    asked: Asked,
    form: type[A],
    *,
    desk: Desk,
    spent: Iterable[Effort] = (),
    belt: Belt | None = None,
    share: float = 1.0,
) -> Heard[A]:
    """Ask the agent's model once. ``spent`` is what this command paid before; with nothing left the fault is ``budget``
    and nobody is called. ``share``: the part of the time left that this question may take.
    """
    belt = belt or Belt()
    if desk.counsel is None or not desk.counsel.model_of(agent):
        return Heard(Consultation(agent=agent, digest=asked.digest), sources=asked.sources)
    left = _left(desk.allowance, spent, share)
    question = Question(agent=agent, payload=asked.data, digest=asked.digest)
    model = desk.counsel.model_of(agent)
    if left is None and not isinstance(desk.counsel, RecordedCounsel):
        fault = Fault(kind="budget", message="The budget of this command is used up.", remedy=_WHY["budget"][1])
        refused: Reply[A] = Reply(model=model, fault=fault)
        return _heard(question, asked, refused, belt=belt)
    reply = desk.counsel.ask(question, form, allowance=left or desk.allowance, tools=belt.tools)
    if isinstance(desk.counsel, RecordedCounsel):
        belt.found.recall(desk.counsel.found(agent))
        return _heard(question, asked, _plain(reply, form), belt=belt)
    effort = Effort(agent=agent, model=reply.model, spent=reply.spent)
    return _heard(question, asked, _plain(reply, form), belt=belt, efforts=(effort,))


def _left(allowance: Allowance, spent: Iterable[Effort], share: float) -> Allowance | None:
    total = Spent()
    for effort in spent:
        total = total.plus(effort.spent)
    left = allowance.less(total)
    empty = left.seconds < _LEAST_SECONDS or left.tokens <= 0 or (left.money is not None and left.money <= 0)
    return None if empty else left.model_copy(update={"seconds": left.seconds * share})


def _plain(reply: Reply[A], form: type[A]) -> Reply[A]:
    """The answer as a record gives it back (no NaN, no broken letters), so that a replay sees the same."""
    if reply.answer is None:
        return reply
    try:
        answer = form.model_validate_json(reply.answer.model_dump_json())
    except ValueError:
        return reply.model_copy(update={"answer": None})
    return reply.model_copy(update={"answer": answer})


def _heard(
    question: Question, asked: Asked, reply: Reply[A], *, belt: Belt, efforts: tuple[Effort, ...] = ()
) -> Heard[A]:
    answer, fault = reply.answer, reply.fault
    if answer is None and fault is None:
        fault = Fault(kind="malformed", message="The answer has no usable form.", remedy=_WHY["malformed"][1])
    sources = {**asked.sources, **belt.found.sources}
    reasons = () if answer is None else tuple(_reason(reason, sources) for reason in answer.reasons)
    consultation = Consultation(
        agent=question.agent,
        digest=question.digest,
        model=reply.model,
        reasons=reasons,
        confidence=None if answer is None else answer.confidence,
        cited=cited(answer.reasons, sources) if answer is not None else (),
        fault=None if answer is not None or fault is None else _ours(fault),
    )
    recorded = Recorded(
        agent=question.agent,
        digest=question.digest,
        model=reply.model,
        answer=None if answer is None else answer.model_dump(mode="json"),
        fault=None if answer is not None else fault,
        retrieved=belt.found.plain,
    )
    return Heard(consultation, answer, (recorded,), efforts, sources, belt.found.pieces)


def _reason(reason: Reason, sources: Mapping[str, str]) -> Reason:
    """A reason as a record keeps it: quiet, and resting only on a source that it was shown."""
    shown = reason.source_id if reason.source_id in sources else None
    real = sources.get(shown or "")
    return Reason(text=quiet(reason.text, _PROSE), source_id=real if real and len(real) <= LONGEST_ID else shown)


def cited(reasons: Iterable[Reason], sources: Mapping[str, str]) -> tuple[str, ...]:
    """The real ids of the sources that these reasons rest on, each once."""
    named = (each.source_id for each in reasons if each.source_id is not None)
    return tuple(dict.fromkeys(sources[name] for name in named if name in sources))


def _ours(fault: Fault) -> Fault:
    """The fault in our own words: a provider's may hold addresses, and times that differ from run to run."""
    what, remedy = _WHY[fault.kind]
    return Fault(kind=fault.kind, message=f"The model {what}.", remedy=remedy)


def fault_findings(consultations: Iterable[Consultation | None]) -> tuple[Finding, ...]:
    """One warning for each agent whose model gave nothing: that the rules decided alone, and why."""
    return tuple(
        Finding(
            rule=RULE,
            severity="warn",
            message=f"The rules of the {each.agent} decided alone: its model {_WHY[each.fault.kind][0]} "
            f"({each.fault.kind}).",
            remedy=_WHY[each.fault.kind][1],
        )
        for each in consultations
        if each is not None and each.fault is not None
    )


def noted(plan: Plan, findings: tuple[Finding, ...]) -> Plan:
    """The plan with these findings in it, each once."""
    if not findings:
        return plan
    return plan.model_copy(update={"findings": tuple(dict.fromkeys((*plan.findings, *findings)))})
