"""The typed tools of planner and reviewer: bound to one command, read-only, their results cleaned like payloads.

In: what one command knows. Out: ``Belt``: tools, and what was retrieved with them. Never: a write, an exception, a name
or an address of the cluster in a result, more than a few trials for one question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from bot.agents.payload import shown_ids
from bot.agents.scrub import Scrubber
from bot.counsel import Library, Tool
from bot.errors import Refusal
from bot.model.cluster import Headroom
from bot.model.consultation import InputKey, NumberProposal, OutputKey, Scalar, ShortName
from bot.model.decision import Decision
from bot.model.evidence import Piece
from bot.model.finding import Finding
from bot.model.noun import JsonValue, Noun
from bot.model.plan import Plan

TRIALS: Final = 12
"""Uses of tools for one question; each trial renders and checks a whole bundle."""
_SHOWN: Final = 20
_TEXT: Final = 400
_PIECES: Final[TypeAdapter[tuple[Piece, ...]]] = TypeAdapter(tuple[Piece, ...])
N = TypeVar("N", bound=Noun)

Trial = Callable[[tuple[NumberProposal, ...]], tuple[Plan | Refusal, tuple[str, ...]]]
"""The plan with these numbers, within limits, and a sentence for each number that was not taken."""
Judge = Callable[[Plan], tuple[Finding, ...]]
"""The findings of a plan's files."""


class Nothing(Noun):
    """No arguments."""


class Search(Noun):
    """What to look for in a few words."""

    words: Annotated[str, Field(min_length=1, max_length=200)]


class Named(Noun):
    """A number of the plan by its path, such as ``services.api.requests.cpu``."""

    path: Annotated[str, Field(min_length=1, max_length=200)]


class TrialNumber(Noun):
    """A number to try. Trying takes nothing: only the answer proposes."""

    service: ShortName
    key: InputKey | OutputKey
    value: Scalar


class Trials(Noun):
    """Numbers to try together."""

    numbers: Annotated[tuple[TrialNumber, ...], Field(max_length=20)] = ()


class Found:
    """What a model retrieved by its tool during one question; it may be cited in the answer."""

    def __init__(self, scrubber: Scrubber | None = None) -> None:
        self._scrubber = scrubber or Scrubber()
        self._pieces: dict[str, Piece] = {}

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """In the order of retrieval, each once."""
        return tuple(self._pieces.values())

    @property
    def sources(self) -> Mapping[str, str]:
        """The ids as they are shown, and the real ones."""
        return {shown: real for real, shown in self._names().items()}

    @property
    def plain(self) -> JsonValue:
        """The pieces for the record; None when there are none."""
        data: JsonValue = _PIECES.dump_python(self.pieces, mode="json") if self._pieces else None
        return data

    def keep(self, pieces: tuple[Piece, ...]) -> list[JsonValue]:
        """Remember the pieces and show them."""
        self._pieces |= {piece.source_id: piece for piece in pieces if piece.source_id not in self._pieces}
        names = self._names()
        return [
            {
                "source_id": names[piece.source_id],
                "title": self._scrubber.text(piece.title, 200),
                "text": self._scrubber.text(piece.text, _TEXT),
            }
            for piece in pieces
        ]

    def recall(self, recorded: JsonValue) -> None:
        """What was retrieved then, in a replay."""
        try:
            pieces = _PIECES.validate_python(recorded or (), strict=False)
        except ValidationError:
            return
        self.keep(pieces)

    def _names(self) -> dict[str, str]:
        """Real ids to shown ones; an alias says that it was retrieved, so that it differs from those of the payload."""
        names = shown_ids(self._pieces, self._scrubber)
        return {real: shown if shown == real else f"retrieved-{shown}" for real, shown in names.items()}


@dataclass(frozen=True)
class Belt:
    """The tools of one question."""

    tools: tuple[Tool, ...] = ()
    found: Found = field(default_factory=Found)


@dataclass
class _Uses:
    """How many uses of one belt are left."""

    left: int = TRIALS


def planner_belt(
    plan: Plan, headroom: Headroom, *, library: Library | None, brought: tuple[Piece, ...], scrubber: Scrubber
) -> Belt:
    """``headroom``, ``explain_number`` and, where knowledge is kept, ``retrieve``."""
    found, uses = Found(scrubber), _Uses()
    tools = [
        _tool(
            "headroom", "Free CPU and memory of every node, without names.", Nothing, uses, lambda _: _rooms(headroom)
        ),
        _tool(
            "explain_number",
            "Why a number of the plan is what it is: formula, inputs, source.",
            Named,
            uses,
            lambda wanted: scrubber.value(_explained(plan, wanted.path)),
        ),
    ]
    return Belt((*tools, *_retrieve(library, brought, found, uses)), found)


def reviewer_belt(
    trial: Trial,
    *,
    policy: Judge,
    validate: Judge,
    library: Library | None,
    brought: tuple[Piece, ...],
    scrubber: Scrubber,
) -> Belt:
    """``policy_check``, ``validate``, ``cost`` and, where knowledge is kept, ``retrieve``."""
    found, uses = Found(scrubber), _Uses()

    def judged(judge: Judge) -> Callable[[Trials], JsonValue]:
        return lambda wanted: scrubber.value(_tried(trial, wanted, lambda plan: {"findings": _shown(judge(plan))}))

    def priced(wanted: Trials) -> JsonValue:
        return scrubber.value(_tried(trial, wanted, _price))

    tools = (
        _tool(
            "policy_check",
            "Limits of the config file and security rules for a plan with these numbers.",
            Trials,
            uses,
            judged(policy),
        ),
        _tool(
            "validate",
            "Kubernetes schemas and terraform for a plan with these numbers.",
            Trials,
            uses,
            judged(validate),
        ),
        _tool("cost", "Cost per month of a plan with these numbers, if prices are configured.", Trials, uses, priced),
    )
    return Belt((*tools, *_retrieve(library, brought, found, uses)), found)


def _tool(name: str, what: str, form: type[N], uses: _Uses, answer: Callable[[N], JsonValue]) -> Tool:
    def run(given: Noun) -> JsonValue:
        if uses.left <= 0:
            return {"error": f"No more than {TRIALS} uses of tools; answer now."}
        uses.left -= 1
        if not isinstance(given, form):
            return {"error": f"{name} wants other arguments."}
        return answer(given)

    return Tool(name=name, description=what, parameters=form, run=run)


def _retrieve(library: Library | None, brought: tuple[Piece, ...], found: Found, uses: _Uses) -> tuple[Tool, ...]:
    if library is None:
        return ()

    def answer(wanted: Search) -> JsonValue:
        return {"pieces": found.keep(library.find((clean_words(wanted.words),), brought=brought, limit=5))}

    return (_tool("retrieve", "Knowledge by a few words; its source ids may be cited.", Search, uses, answer),)


def clean_words(text: str, limit: int = 200) -> str:
    """Letters, digits and single spaces alone, so that a search finds words and obeys none."""
    plain = "".join(letter if letter.isalnum() else " " for letter in text[: 4 * limit])
    return " ".join(plain.lower().split())[:limit].strip()


def _rooms(headroom: Headroom) -> JsonValue:
    rooms: list[JsonValue] = [
        {
            "node": f"node-{index}",
            "system": room.system,
            "usable": room.usable,
            "cpu_free": room.free.cpu.to_k8s(),
            "memory_free": room.free.memory.to_k8s(),
        }
        for index, room in enumerate(headroom.rooms[:100], 1)
    ]
    return {"nodes": rooms, "of": len(headroom.rooms)}


def _explained(plan: Plan, path: str) -> JsonValue:
    found = [entry for entry in plan.decisions if entry.path == path or entry.path.startswith(f"{path}.")]
    if not found:
        paths: list[JsonValue] = [entry.path for entry in plan.decisions[:60]]
        return {"error": "The plan has no number at this path.", "paths": paths}
    return [_decision(entry) for entry in found[:_SHOWN]]


def _decision(entry: Decision) -> JsonValue:
    kept: dict[str, JsonValue] = entry.model_dump(
        mode="json", include={"path", "value", "why", "formula", "inputs", "source"}, exclude_none=True
    )
    return kept


def _tried(trial: Trial, wanted: Trials, look: Callable[[Plan], dict[str, JsonValue]]) -> JsonValue:
    plan, refused = trial(tuple(_proposal(entry) for entry in wanted.numbers))
    not_taken: list[JsonValue] = [*refused]
    if isinstance(plan, Refusal):
        return {"refused": plan.message[:_TEXT], "not_taken": not_taken}
    return {**look(plan), "not_taken": not_taken}


def _proposal(entry: TrialNumber) -> NumberProposal:
    return NumberProposal(service=entry.service, key=entry.key, value=entry.value, why="a trial", source_id=TRIAL)


TRIAL: Final = "trial"
"""The source id of a number that is only tried."""


def _shown(findings: tuple[Finding, ...]) -> list[JsonValue]:
    shown = [each for each in findings if each.severity != "note"][:_SHOWN]
    return [{"rule": each.rule, "severity": each.severity, "message": each.message[:_TEXT]} for each in shown]


def _price(plan: Plan) -> dict[str, JsonValue]:
    cost = plan.cost
    if not cost.priced:
        return {"priced": False}
    over: list[JsonValue] = [{"scope": each.scope, "limit": each.limit, "total": each.total} for each in cost.exceeded]
    return {"priced": True, "monthly": cost.monthly, "currency": cost.currency, "exceeded": over}
