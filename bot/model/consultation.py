"""What an agent may be told by a model, and what became of it: rule first, model second, limits last.

In: typed answers (the output standard of each agent) and what they cost. Out: immutable records. Never: text of a model
that becomes Terraform, YAML or a command; it only fills typed fields, and prose is shown inert.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from bot.model.noun import JsonValue, Noun

AgentName = Literal["collector", "planner", "reviewer", "interpreter"]
Scalar = str | int | float | bool | None
Words = Annotated[str, Field(max_length=300)]
ShortName = Annotated[str, Field(max_length=64)]

InputKey = Literal["reads", "writes", "weight"]
"""k, w and B of the sizing algorithm: reads and writes of the database per request, and the weight of its work."""
OutputKey = Literal["replicas", "max", "cpu", "memory"]
INPUT_KEYS: frozenset[str] = frozenset({"reads", "writes", "weight"})


class Reason(Noun):
    """One step of a brief chain of reasons. ``source_id`` names a piece of the context that it rests on."""

    text: Words
    source_id: ShortName | None = None


class FactProposal(Noun):
    """A reading of free text that no rule made. It is never applied: a person settles it."""

    subject: Literal["criticality", "dependency"]
    service: ShortName | None = None
    value: ShortName
    why: Words
    source_id: ShortName | None = None


class NumberProposal(Noun):
    """A number that should be another one. ``value`` is read by our own parsers and refused with a reason when it is
    none; without a ``source_id`` of the context it is dropped.
    """

    service: ShortName
    key: InputKey | OutputKey
    value: Scalar
    why: Words
    source_id: ShortName | None = None


Reasons = Annotated[tuple[Reason, ...], Field(max_length=8)]
Confidence = Annotated[float, Field(ge=0, le=1)]


class CollectorAnswer(Noun):
    """Output standard of the collector: what the free text means, and which knowledge to retrieve."""

    proposals: Annotated[tuple[FactProposal, ...], Field(max_length=12)] = ()
    retrieve: Annotated[tuple[Words, ...], Field(max_length=5)] = ()
    reasons: Reasons = ()
    confidence: Confidence


class PlannerAnswer(Noun):
    """Output standard of the planner: numbers to move, each with its source."""

    numbers: Annotated[tuple[NumberProposal, ...], Field(max_length=40)] = ()
    reasons: Reasons = ()
    confidence: Confidence


class ReviewerAnswer(Noun):
    """Output standard of the reviewer: a repair of findings that no rule repairs."""

    repairs: Annotated[tuple[NumberProposal, ...], Field(max_length=20)] = ()
    reasons: Reasons = ()
    confidence: Confidence


class WantedChange(Noun):
    """One change that a person asked for in plain words."""

    service: ShortName | None = None
    key: Literal["replicas", "min", "max", "target", "cpu", "memory", "cpu_limit", "memory_limit", "storage"]
    value: Scalar


class InterpreterAnswer(Noun):
    """Output standard of the interpreter: plain words of ``/ai-refine`` as changes; ``unclear`` when they are none."""

    changes: Annotated[tuple[WantedChange, ...], Field(max_length=16)] = ()
    unclear: Words | None = None
    reasons: Reasons = ()
    confidence: Confidence


FaultKind = Literal[
    "unreachable",
    "timeout",
    "rate",
    "server",
    "auth",
    "quota",
    "blocked",
    "malformed",
    "budget",
    "tls",
    "unknown-model",
]


class Fault(Noun):
    """Why a model gave nothing. Its code is always ``llm-invalid``; ``kind`` and ``remedy`` are for the operator."""

    kind: FaultKind
    message: str
    remedy: str


class Spent(Noun):
    """What asking cost. ``seconds`` of wall clock, ``money`` in US dollars where the price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    money: float | None = None

    def plus(self, other: Spent) -> Spent:
        """Both together; the money is known as soon as one of them is."""
        known = [each.money for each in (self, other) if each.money is not None]
        return Spent(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            seconds=self.seconds + other.seconds,
            money=sum(known) if known else None,
        )


class Allowance(Noun):
    """What is left for one command. ``money`` in US dollars, None without a bound."""

    seconds: float = 40.0
    tokens: int = 60_000
    money: float | None = None

    def less(self, spent: Spent) -> Allowance:
        """What is left after that."""
        money = None if self.money is None else max(0.0, self.money - (spent.money or 0.0))
        return Allowance(
            seconds=max(0.0, self.seconds - spent.seconds),
            tokens=max(0, self.tokens - spent.input_tokens - spent.output_tokens),
            money=money,
        )


class Question(Noun):
    """What one agent asks: the payload in the form of the input standard, and the digest of its canonical JSON."""

    agent: AgentName
    payload: JsonValue
    digest: str


A = TypeVar("A", bound=Noun)


class Reply(Noun, Generic[A]):
    """A typed answer, or the fault that came instead. ``model`` is the name as configured."""

    model: str
    answer: A | None = None
    fault: Fault | None = None
    spent: Spent = Spent()


class Recorded(Noun):
    """A question and what came back, kept with the job so that it can be replayed offline.

    ``retrieved`` are the pieces of knowledge that the model looked up by itself, as plain data.
    """

    agent: AgentName
    digest: str
    model: str
    answer: JsonValue = None
    fault: Fault | None = None
    retrieved: JsonValue = None


class Dropped(Noun):
    """A proposal that was not taken, or not as it was made, with the reason."""

    what: str
    why: str


class Consultation(Noun):
    """What one agent decided and who spoke: part of ``plan.json``, so no times and no tokens here.

    ``digest`` is of the agent's input, 16 hexadecimal digits. ``model`` is None when only the rule spoke;
    ``decided`` are the paths or proposals that stand because of this agent's model; ``cited`` the sources used.
    """

    agent: AgentName
    digest: str
    model: str | None = None
    decided: tuple[str, ...] = ()
    rejected: tuple[Dropped, ...] = ()
    reasons: tuple[Reason, ...] = ()
    confidence: float | None = None
    cited: tuple[str, ...] = ()
    fault: Fault | None = None


class Effort(Noun):
    """What an agent's model cost: for the pull-request text and the job record, never for ``plan.json``."""

    agent: AgentName
    model: str
    spent: Spent
