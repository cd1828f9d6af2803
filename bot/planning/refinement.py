"""What somebody fixed, step by step: a fixed number stands, and what is derived from it is derived again.

``/ai-refine`` fixes numbers; so do a person's correction of an earlier pull request and a model within its limits. A
person's word beats a correction, and a correction beats a model.

In: refinements and the profile. Out: one ``Wish`` per service and the records of what was asked, or a ``Refusal``
(``syntax``: no such service, or two values that exclude each other; ``policy``). Never: a number beyond the config
file's limits, a wish dropped in silence, a second copy of a service whose state nothing replicates.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, get_args

from bot.errors import Code, Refusal
from bot.model.decision import Decision, Origin
from bot.model.noun import JsonValue
from bot.model.plan import Hpa
from bot.model.profile import Service
from bot.model.quantity import Bytes, MilliCpu
from bot.model.refinement import Refinement, RefinementKey
from bot.planning.compute import PodCpu
from bot.planning.demand import is_serving
from bot.planning.inputs import RULED
from bot.planning.memory import PodMemory, refit
from bot.planning.naming import service_slug, shown
from bot.planning.record import Notes, figure, note, warn
from bot.planning.replicas import Count, Scaling
from bot.planning.runtimes import Runtime
from bot.planning.tier import keeps_state

_KEYS: Final[tuple[RefinementKey, ...]] = get_args(RefinementKey)
_PODS: Final = frozenset({"replicas", "min", "max"})
_SCALING: Final = frozenset({"min", "max", "target"})
_SHAPING: Final = frozenset({"replicas", "min", "max", "target", "cpu", "cpu_limit"})
_ORDERED: Final[tuple[tuple[RefinementKey, RefinementKey], ...]] = (
    ("min", "replicas"),
    ("replicas", "max"),
    ("min", "max"),
    ("cpu", "cpu_limit"),
    ("memory", "memory_limit"),
)
"""The first of two is never above the second."""
_PATHS: Final[Mapping[RefinementKey, tuple[str, ...]]] = {
    "replicas": ("replicas", "hpa.min"),
    "min": ("hpa.min",),
    "max": ("hpa.max",),
    "target": ("target_cpu_percent", "hpa.target_cpu_percent"),
    "cpu": ("requests.cpu",),
    "memory": ("requests.memory", "limits.memory"),
    "cpu_limit": ("limits.cpu",),
    "memory_limit": ("limits.memory",),
    "storage": ("storage.size",),
}
"""The records that a key writes, below the service's own path; a later key of the list overrides an earlier one."""
_ASKED: Final = "asked for by /ai-refine"
CORRECTED: Final = "corrected by a person before merging"
_RANKS: Final[Mapping[str, int]] = {"model": 0, "model-clamped": 0, "correction": 1, "user": 2}
_VOICES: Final = ("a model", "a correction", "/ai-refine")


def rank(entry: Refinement) -> int:
    """Whose word it is: 2 a person's, 1 a correction's, 0 a model's. The higher one stands."""
    return _RANKS[entry.origin]


@dataclass(frozen=True)
class Wish:
    """What was fixed for one service; ``left_out`` was asked of every service, and this one has no such number."""

    asked: Mapping[RefinementKey, Refinement] = field(default_factory=dict)
    left_out: tuple[Refinement, ...] = ()

    def count(self, key: RefinementKey) -> int | None:
        """Pods, or a percentage."""
        return int(self.asked[key].value) if key in self.asked else None

    def cpu(self, key: RefinementKey) -> MilliCpu | None:
        """Milli-CPU."""
        return MilliCpu.parse(self.asked[key].value) if key in self.asked else None

    def size(self, key: RefinementKey) -> Bytes | None:
        """Bytes."""
        return Bytes.parse(self.asked[key].value) if key in self.asked else None

    @property
    def shapes_pods(self) -> bool:
        """Whether the number of pods or their CPU is not the rules' own any more."""
        return not _SHAPING.isdisjoint(self.asked)

    def voice(self, *keys: RefinementKey) -> str:
        """Who fixed the first of these that is fixed, else whoever fixed anything, in a word for a formula."""
        first = next((self.asked[key] for key in keys if key in self.asked), None)
        speaker = first or max(self.asked.values(), key=rank, default=None)
        return _VOICES[2 if speaker is None else rank(speaker)]

    def pod(self, ruled: PodCpu) -> PodCpu:
        """CPU of one pod: as asked, at most the limit that was asked for."""
        milli = self.cpu("cpu") or min(ruled.milli, self.cpu("cpu_limit") or ruled.milli)
        return replace(ruled, milli=int(milli))

    def pods(self, ruled: Count) -> Count:
        """n: as asked, else the rules' own between the bounds that were asked for."""
        least, most = self.count("min") or 1, self.count("max") or ruled.n
        n = self.count("replicas") or max(least, min(ruled.n, most))
        return ruled if n == ruled.n else Count(n, formula=f"{ruled.formula}; {n} by {self._mover(n, ruled.n)}")

    def _mover(self, n: int, ruled: int) -> str:
        return self.voice("replicas", "min" if n > ruled else "max")

    def bounds(self, ruled: Scaling, *, n: int, most: int) -> Scaling:
        """The autoscaler's bounds: as asked, else the rules' own, moved where they would exclude the planned pods."""
        least = self.count("min") or self.count("replicas") or min(ruled.hpa.min, n)
        highest = self.count("max") or max(min(ruled.hpa.max, most), n)
        return Scaling(
            Hpa(min=least, max=highest, target_cpu_percent=ruled.hpa.target_cpu_percent),
            min_formula=_moved(ruled.min_formula, ruled.hpa.min, least, by=self.voice("min", "replicas", "max")),
            max_formula=_moved(ruled.max_formula, ruled.hpa.max, highest, by=self.voice("max", "replicas", "min")),
        )

    def memory(self, ruled: PodMemory, runtime: Runtime) -> PodMemory:
        """Request and limit of one pod, and what the runtime is told of them."""
        limit = self.size("memory_limit")
        size = self.size("memory") or Bytes(min(ruled.size, limit or ruled.size))
        return refit(ruled, runtime, size=size, limit=limit or size)


NOTHING: Final = Wish()


def _moved(formula: str, ruled: int, value: int, *, by: str) -> str:
    return formula if value == ruled else f"{formula}; {value} by {by}"


def wishes_for(
    services: Sequence[Service], refinements: Sequence[Refinement], *, most: int
) -> Mapping[str, Wish] | Refusal:
    """One wish per service, by the service's slug; ``most`` is ``limits.max_replicas``.

    ``bot.planning.standing`` drops what a model or a correction may not cause to be refused, before.
    """
    named = {slug: service for service in services if isinstance(slug := service_slug(service.name), str)}
    refusal = _unknown(refinements, named) or _unfit(refinements, named) or _over(refinements, most)
    if refusal is not None:
        return refusal
    wishes = {name: _wish(name, service, refinements) for name, service in named.items()}
    excluded = [found for name, wish in wishes.items() if (found := _excluding(name, wish)) is not None]
    return excluded[0] if excluded else wishes


def _wish(name: str, service: Service, refinements: Sequence[Refinement]) -> Wish:
    """A key for this service beats the same key for every service, and a higher rank beats both."""
    chosen = [entry for owner in (None, name) for entry in refinements if entry.service == owner]
    found = {entry.key: entry for entry in sorted(chosen, key=rank)}
    return Wish(
        asked={key: found[key] for key in _KEYS if key in found and _why_not(key, service) is None},
        left_out=tuple(found[key] for key in _KEYS if key in found and _why_not(key, service) is not None),
    )


def _why_not(key: RefinementKey, service: Service) -> str | None:
    """Why a service has no such number."""
    if key in _PODS | _SCALING and keeps_state(service):
        return "it keeps state in its own files, which nothing replicates, so it runs as one pod"
    if key in _PODS | _SCALING and service.kind == "job":
        return "a job runs once"
    if key in _SCALING and not is_serving(service):
        return "it has no autoscaler, because its work is pulled"
    if key == "storage" and not keeps_state(service):
        return "it keeps no files, so it has no data volume"
    return None


def _unknown(refinements: Sequence[Refinement], named: Mapping[str, Service]) -> Refusal | None:
    for entry in refinements:
        if entry.service is not None and entry.service not in named:
            near = difflib.get_close_matches(entry.service, named, n=1, cutoff=0.5) or list(named)[:1]
            others = f"Name one of {', '.join(sorted(named))}, or write {entry.key}={entry.value} for all of them."
            return Refusal(
                code=Code.SYNTAX,
                message=f"This application has no service {shown(entry.service)}.",
                remedy=others,
                example=f"/ai-refine {near[0]}.{entry.key}={entry.value}" if near else None,
            )
    return None


def _unfit(refinements: Sequence[Refinement], named: Mapping[str, Service]) -> Refusal | None:
    for entry in refinements:
        meant = [name for name in named if entry.service in {None, name}]
        reasons = {name: _why_not(entry.key, named[name]) for name in meant}
        if meant and all(reason is not None for reason in reasons.values()):
            why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
            return Refusal(
                code=Code.POLICY,
                message=f"{entry.written} cannot be applied. {why}.",
                remedy="Leave it out, or change the repository or app_description and give /ai-provision again.",
            )
    return None


def _over(refinements: Sequence[Refinement], most: int) -> Refusal | None:
    for entry in refinements:
        if entry.key in _PODS and int(entry.value) > most:
            return Refusal(
                code=Code.POLICY,
                message=f"{entry.written} was asked for; limits.max_replicas permits {most}.",
                remedy=f"Ask for at most {most}, or raise limits.max_replicas in .ai-provision.yaml.",
                example=f"/ai-refine {_with(entry, str(most))}",
            )
    return None


def _excluding(name: str, wish: Wish) -> Refusal | None:
    for low, high in _ORDERED:
        if low in wish.asked and high in wish.asked and _number(wish, low) > _number(wish, high):
            below, above = wish.asked[low], wish.asked[high]
            return Refusal(
                code=Code.SYNTAX,
                message=f"Service {name}: {below.written} is above {above.written}.",
                remedy="Give both in one command, the first not above the second.",
                example=f"/ai-refine {_with(below, above.value)} {_with(above, below.value)}",
            )
    return None


def _with(entry: Refinement, value: str) -> str:
    return entry.model_copy(update={"value": value}).written


def _number(wish: Wish, key: RefinementKey) -> int:
    value: int | None = wish.count(key) if key in _PODS else wish.cpu(key) if "cpu" in key else wish.size(key)
    return value or 0


def too_small(wish: Wish, refusal: Refusal) -> Refusal:
    """A refusal for too many pods, with what to ask for instead."""
    if not wish.shapes_pods:
        return refusal
    remedy = "Ask for more cpu per pod, fix replicas as well, or raise limits.max_replicas in .ai-provision.yaml."
    return refusal.model_copy(update={"remedy": remedy})


def recorded(notes: Notes, wish: Wish, *, name: str, before: Notes) -> Notes:
    """The records with what was asked in place of what the rules say; ``before`` is what they say without a wish."""
    ruled = {entry.path: entry for entry in before.decisions}
    new = {
        path: _as_asked(path, _value(wish, key), wish.asked[key], ruled.get(path))
        for key in wish.asked
        for path in (f"services.{name}.{what}" for what in _PATHS[key])
    }
    new |= dict(_held(wish, name, notes, ruled))
    decisions = tuple(new.get(entry.path, entry) for entry in notes.decisions)
    return Notes(decisions, notes.findings)


def left_out(wish: Wish, *, name: str, service: Service) -> Notes:
    """What was asked of every service and is not a number of this one."""
    notes = Notes()
    for entry in wish.left_out:
        notes += note(
            "refinement-not-applied",
            f"{entry.written} was asked of every service; not of {name}: {_why_not(entry.key, service)}.",
            remedy="Nothing to do; name the services that are meant to silence this note.",
        )
    return notes


def _value(wish: Wish, key: RefinementKey) -> JsonValue:
    if key in _PODS | _SCALING:
        return wish.count(key)
    value = wish.cpu(key) if "cpu" in key else wish.size(key)
    return value.to_k8s() if value is not None else None


def _as_asked(path: str, value: JsonValue, entry: Refinement, ruled: Decision | None) -> Decision:
    origin, why, source = _words(entry)
    by_model = origin != "user"
    return Decision(
        path=path,
        value=value,
        origin=origin,
        why=why,
        source=source,
        tag="U" if by_model else "user",
        inputs={RULED: ruled.value} if by_model and ruled is not None else {},
        rejected=_instead(value, ruled),
    )


def _words(entry: Refinement) -> tuple[Origin, str, str]:
    """Origin, reason and source of a number that somebody fixed."""
    if entry.origin == "user":
        return "user", f"{_ASKED} ({entry.written})", entry.asked_in or "/ai-refine"
    if entry.origin == "correction":
        why = entry.why if entry.why.startswith(CORRECTED) else f"{CORRECTED}: {entry.why or entry.written}"
        return "user", why, entry.source or "an earlier pull request"
    return entry.origin, entry.why or "proposed by a model", entry.source or "a model"


def _instead(value: JsonValue, ruled: Decision | None) -> tuple[str, ...]:
    """What the rules say, where it is something else."""
    if ruled is None:
        return ()
    same = ruled.value == value
    shown_value = "none" if ruled.value is None else ruled.value
    return ruled.rejected if same else (f"{shown_value}: {ruled.formula or ruled.why}", *ruled.rejected)


def _held(wish: Wish, name: str, notes: Notes, ruled: Mapping[str, Decision]) -> Iterable[tuple[str, Decision]]:
    """Requests that the limit which was asked for holds down."""
    pairs: tuple[tuple[RefinementKey, RefinementKey], ...] = (("cpu", "cpu_limit"), ("memory", "memory_limit"))
    for key, limit in pairs:
        path, value = f"services.{name}.{_PATHS[key][0]}", _value(wish, limit) if limit in wish.asked else None
        for entry in notes.decisions:
            stands = entry.path == path and value is not None and key not in wish.asked
            if stands and _above_or_at(key, entry.value, value) and (path not in ruled or ruled[path].value != value):
                why = f"held to the limit that was {_held_by(wish, limit)}"
                changes = {"value": value, "why": why, "formula": None, "rejected": _instead(value, ruled.get(path))}
                yield path, entry.model_copy(update=changes)


def _held_by(wish: Wish, limit: RefinementKey) -> str:
    return _ASKED if rank(wish.asked[limit]) == _RANKS["user"] else f"set by {wish.voice(limit)}"


def _above_or_at(key: RefinementKey, value: JsonValue, bound: JsonValue) -> bool:
    if key == "cpu":
        return MilliCpu.parse(str(value)) >= MilliCpu.parse(str(bound))
    return Bytes.parse(str(value)) >= Bytes.parse(str(bound))


def about_pods(wish: Wish, name: str, *, count: Count, ruled: Count, p95: float | None, target: float) -> Notes:
    """A wish that the load or the tier would not allow is obeyed and said. ``p95`` and ``target`` in seconds."""
    if not wish.shapes_pods:
        return Notes()
    notes, by = Notes(), wish.voice()
    if count.n < ruled.n:
        pods = f"{count.n} pod{'s' if count.n > 1 else ''} instead of {ruled.n} ({ruled.formula})"
        notes += _below(name, pods, "Ask for more pods.", by=by)
    if p95 is not None and p95 > target:
        predicted = f"of {figure(round(p95 * 1000, 2))} ms" if p95 < 1e6 else "without end"
        what = f"a predicted p95 {predicted}, where the target is {figure(target * 1000)} ms"
        notes += _below(name, what, "Ask for more pods or more cpu.", by=by)
    return notes


def about_memory(wish: Wish, name: str, *, memory: PodMemory, ruled: PodMemory) -> Notes:
    """A limit below what the formula needs."""
    if memory.limit >= ruled.size:
        return Notes()
    what = f"a memory limit of {memory.limit} instead of {ruled.size}"
    return _below(name, what, "Ask for more memory.", by=wish.voice("memory_limit", "memory"))


def _below(name: str, what: str, remedy: str, *, by: str) -> Notes:
    return warn("refined-below-need", f"Service {name}: {by} asks for less than the load needs: {what}.",
                remedy=f"{remedy} Or load-test what was asked for.")  # fmt: skip
