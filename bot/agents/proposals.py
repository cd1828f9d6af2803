"""Numbers that a model proposes, held to their limits: cited, readable, half to twice the rule's, within policy.

In: proposals, the rule's plan and the one that stands, the sources that were shown, what people fixed. Out: ``Taken``:
refinements and adjustments, and the rest with reasons. Never: a number that a person fixed, changed; a model's words
beyond a cut and quiet reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from pydantic import ValidationError

from bot.agents.scrub import quiet
from bot.model.config import Config
from bot.model.consultation import INPUT_KEYS, Dropped, InputKey, NumberProposal, OutputKey
from bot.model.plan import Plan
from bot.model.refinement import Adjustment, Refinement, merged
from bot.planning.limits import Key, Number, as_written, bounds_of, clamp, read_number

KEYS: Final[tuple[Key, ...]] = (*get_args(InputKey), *get_args(OutputKey))
_WHAT: Final = 120
_WHY: Final = 200
_FIXED_BY: Final[Mapping[Key, frozenset[str]]] = {
    "replicas": frozenset({"replicas", "min", "max"}),
    "max": frozenset({"max", "min", "replicas"}),
    "cpu": frozenset({"cpu", "cpu_limit"}),
    "memory": frozenset({"memory", "memory_limit"}),
}
"""What a person may have fixed that leaves a model no say."""
_PATHS: Final[Mapping[Key, str]] = {
    "replicas": "replicas",
    "max": "hpa.max",
    "cpu": "requests.cpu",
    "memory": "requests.memory",
    "reads": "inputs.reads",
    "writes": "inputs.writes",
    "weight": "inputs.weight",
}


@dataclass(frozen=True)
class Standing:
    """A number that may move, in Kubernetes notation where it has one: what it is, and how far it may go."""

    value: str | int | float
    low: str | int | float
    high: str | int | float


@dataclass(frozen=True)
class Taken:
    """What may be planned with, and what may not."""

    refinements: tuple[Refinement, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether there is anything to plan with."""
        return bool(self.refinements or self.adjustments)

    @property
    def _numbers(self) -> tuple[Refinement | Adjustment, ...]:
        return (*self.refinements, *self.adjustments)

    @property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """Path of the decision and name of each number."""
        paths = (f"services.{each.service}.{_PATHS[_key(each)]}" for each in self._numbers)
        return tuple(zip(paths, self.names, strict=True))

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources cited, each once."""
        return tuple(dict.fromkeys(each.source for each in self._numbers))

    @property
    def names(self) -> tuple[str, ...]:
        """Each number as it is planned with."""
        wanted = (f"{each.service}.{each.key}={each.value}" for each in self.refinements)
        return (*wanted, *(f"{each.service}.{each.key}={each.value:g}" for each in self.adjustments))

    def of(self, paths: Collection[str]) -> Taken:
        """Only the numbers with these decision paths."""
        kept = [number for number, (path, _) in zip(self._numbers, self.paths, strict=True) if path in paths]
        refinements = tuple(each for each in kept if isinstance(each, Refinement))
        adjustments = tuple(each for each in kept if isinstance(each, Adjustment))
        return Taken(refinements, adjustments, self.dropped)

    def over(self, earlier: Taken) -> Taken:
        """The earlier numbers with these in their place."""
        newer = {(each.service, each.key) for each in self.adjustments}
        kept = tuple(each for each in earlier.adjustments if (each.service, each.key) not in newer)
        return Taken(merged(earlier.refinements, self.refinements), (*kept, *self.adjustments), self.dropped)

    def without_inputs(self, why: str) -> Taken:
        """The numbers alone; the inputs are dropped with this reason."""
        inputs = Taken(adjustments=self.adjustments).refused(why)
        return Taken(self.refinements, (), (*self.dropped, *inputs))

    def refused(self, why: str) -> tuple[Dropped, ...]:
        """Everything, with one reason: the numbers together made no plan."""
        return (*self.dropped, *(Dropped(what=name, why=why) for name in self.names))


@dataclass(frozen=True)
class Bench:
    """What a proposal is judged against. ``ruled`` is the rule's own plan, which sets the limits."""

    ruled: Plan
    plan: Plan
    config: Config
    sources: Mapping[str, str]
    fixed: tuple[Refinement, ...] = ()


def standing(plan: Plan, ruled: Plan, service: str, key: Key, *, config: Config) -> Standing | None:
    """A number of the plan with the limits that the rule's own sets; None where the service has no such number."""
    bounds = bounds_of(ruled, service, key, config=config)
    if bounds is None:
        return None
    low, high, rule = (written(key, each) for each in bounds)
    return Standing(value=_now(plan, service, key, rule), low=low, high=high)


def _now(plan: Plan, service: str, key: Key, rule: str | float) -> str | int | float:
    path = f"services.{service}.{_PATHS[key]}"
    planned = next((each for each in plan.services if each.name == service), None)
    if planned is None or key in INPUT_KEYS:
        moved = next((entry.value for entry in plan.decisions if entry.path == path), rule)
        return moved if isinstance(moved, int | float) else rule
    if key == "max":
        return planned.hpa.max if planned.hpa is not None else rule
    sizes = {"cpu": planned.requests.cpu.to_k8s(), "memory": planned.requests.memory.to_k8s()}
    return sizes.get(key, planned.replicas)


def written(key: Key, value: Number) -> str | int | float:
    """A number as it stands in a plan. ``value``: milli-CPU, bytes, pods, or an input."""
    if key == "reads" or key == "writes" or key == "weight":  # noqa: PLR1714  # the three literals narrow the type
        return float(value)
    return as_written(key, value) if key in {"cpu", "memory"} else round(value)


def within(proposals: Sequence[NumberProposal], bench: Bench) -> Taken:
    """Each proposal taken, clamped or dropped with its reason. Of two for one number the first stands."""
    refinements: list[Refinement] = []
    adjustments: list[Adjustment] = []
    dropped: list[Dropped] = []
    seen: set[tuple[str, Key]] = set()
    for proposal in proposals:
        judged = _judged(proposal, bench, seen)
        dropped += [each for each in judged if isinstance(each, Dropped)]
        refinements += [each for each in judged if isinstance(each, Refinement)]
        adjustments += [each for each in judged if isinstance(each, Adjustment)]
    return Taken(tuple(refinements), tuple(adjustments), tuple(dropped))


def _judged(
    proposal: NumberProposal, bench: Bench, seen: set[tuple[str, Key]]
) -> tuple[Refinement | Adjustment | Dropped, ...]:
    problem = _problem(proposal, bench, seen)
    if problem is not None:
        return (_dropped(proposal, problem),)
    seen.add((proposal.service, proposal.key))
    bounds = bounds_of(bench.ruled, proposal.service, proposal.key, config=bench.config)
    value = read_number(proposal.key, proposal.value)
    if bounds is None:
        return (_dropped(proposal, "this service has no such number that may move"),)
    if isinstance(value, str):
        return (_dropped(proposal, value),)
    return _limited(proposal, clamp(value, bounds[0], bounds[1]), value, bench)


def _problem(proposal: NumberProposal, bench: Bench, seen: set[tuple[str, Key]]) -> str | None:
    if proposal.service not in {service.name for service in bench.plan.services}:
        return "the plan has no such service"
    if proposal.source_id is None:
        return "it cites no source"
    if proposal.source_id not in bench.sources:
        return "it cites a source that it was not shown"
    if (proposal.service, proposal.key) in seen:
        return "an earlier proposal for the same number stands"
    related = _FIXED_BY.get(proposal.key, frozenset())
    fixed = [each for each in bench.fixed if each.key in related and each.service in {None, proposal.service}]
    return f"a person fixed it ({fixed[0].written})" if fixed else None


def _limited(
    proposal: NumberProposal, value: Number, wanted: Number, bench: Bench
) -> tuple[Refinement | Adjustment | Dropped, ...]:
    key, shown = proposal.key, written(proposal.key, value)
    now = standing(bench.plan, bench.ruled, proposal.service, key, config=bench.config)
    clamped = value != wanted
    note = (_dropped(proposal, f"held to {shown}, the limit of the rules"),) if clamped else ()
    if now is not None and now.value == shown:
        return note
    why = quiet(proposal.why, _WHY)
    source = bench.sources[proposal.source_id or ""]
    origin = "model-clamped" if clamped else "model"
    told = {"service": proposal.service, "key": key, "origin": origin, "why": why, "source": source}
    try:
        if key in INPUT_KEYS:
            return (Adjustment.model_validate({**told, "value": float(value)}), *note)
        return (Refinement.model_validate({**told, "value": str(shown)}), *note)
    except ValidationError:
        return (_dropped(proposal, "no plan can hold this value"),)


def _dropped(proposal: NumberProposal, why: str) -> Dropped:
    return Dropped(what=quiet(f"{proposal.service}.{proposal.key}={proposal.value}", _WHAT), why=why)


def stood(taken: Taken, plan: Plan) -> tuple[tuple[str, ...], tuple[Dropped, ...]]:
    """The paths that stand because of a model, and the numbers that the rules did not take after all."""
    moved = {entry.path for entry in plan.decisions if entry.origin in {"model", "model-clamped"}}
    decided = tuple(path for path, _ in taken.paths if path in moved)
    why = "the rules did not take it, see the findings"
    return decided, tuple(Dropped(what=name, why=why) for path, name in taken.paths if path not in moved)


def _key(each: Refinement | Adjustment) -> Key:
    return next(key for key in KEYS if key == each.key)
