"""One service judged: field by field, expected against got.

In: an ``Entry`` and what the product answered. Out: ``Judged``. Never: a field scored that the truth does not state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.quality_truth import Entry, family
from bot.errors import Refusal
from bot.flow.preview import Preview
from bot.model.plan import ServicePlan
from bot.model.profile import Service
from bot.survey.matching import rank

Verdict = Literal["ok", "miss", "unstated"]
SHOWN: Final = {"typescript": "javascript"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One field of one service."""

    field: str
    expected: str
    got: str
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Size:
    """A planned size beside the stated one; ``doublings`` is |log2(planned / stated)|."""

    what: str
    stated: str
    planned: str
    doublings: float


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One service, judged. ``plan`` is the planned workload in words, or why there is none."""

    entry: Entry
    cells: tuple[Cell, ...]
    plan: str
    sizes: tuple[Size, ...] = ()
    found: frozenset[str] = frozenset()


def judge(entry: Entry, answer: Preview | Refusal) -> Judged:
    """Every field of the entry against the service of the profile that bears its name."""
    if isinstance(answer, Refusal):
        return _absent(entry, f"refused ({answer.code})")
    service = _named(entry, answer.document.profile.services)
    if service is None:
        names = ", ".join(item.name for item in answer.document.profile.services)
        return _absent(entry, f"not among the services found ({names})")
    cells = tuple(_cell(entry, service, name) for name in FIELDS)
    planned = _planned(service, answer)
    used = frozenset(need.kind for need in service.dependencies if need.in_use)
    return Judged(entry=entry, cells=cells, plan=_plan(answer, planned), sizes=_sizes(entry, planned), found=used)


def _absent(entry: Entry, why: str) -> Judged:
    cells = tuple(Cell(field=name, expected="", got="absent", verdict="miss") for name in FIELDS)
    return Judged(entry=entry, cells=cells, plan=why)


def _named(entry: Entry, services: Iterable[Service]) -> Service | None:
    name = entry.id.rpartition("/")[2]
    best = min(services, key=lambda item: rank(item.name, name), default=None)
    return best if best is not None and rank(best.name, name) < 2 else None


def _ports(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)) or "none"


def _kinds(kinds: Iterable[str]) -> str:
    return ", ".join(sorted(kinds)) or "none"


def _health(service: Service) -> frozenset[str]:
    health = service.health
    if health is None:
        return frozenset()
    if health.kind != "http":
        return frozenset({health.kind})
    return frozenset(path for path in (health.path, health.ready_path) if path)


def _protocol(service: Service) -> str:
    return service.ports[0].protocol if service.ports else "none"


def _health_cell(entry: Entry, service: Service) -> Cell:
    got = _health(service)
    if entry.health is None:
        return Cell(field="health", expected="not stated", got=_kinds(got), verdict="unstated")
    verdict: Verdict = "ok" if got and got <= entry.health else "miss"
    return Cell(field="health", expected=_kinds(entry.health), got=_kinds(got), verdict=verdict)


_READ: Final[dict[str, tuple[Callable[[Entry], str], Callable[[Service], str]]]] = {
    "language": (
        lambda entry: entry.language,
        lambda service: SHOWN.get(service.language or "", service.language or "none"),
    ),
    "framework": (lambda entry: entry.framework, lambda service: family(service.framework)),
    "ports": (lambda entry: _ports(entry.ports), lambda service: _ports(port.port for port in service.ports)),
    "protocol": (lambda entry: entry.protocol, _protocol),
    "dependencies": (
        lambda entry: _kinds(entry.dependencies),
        lambda service: _kinds(need.kind for need in service.dependencies if need.in_use),
    ),
    "stateful": (
        lambda entry: "yes" if entry.stateful else "no",
        lambda service: "yes" if service.stateful else "no",
    ),
    "Dockerfile": (lambda entry: entry.dockerfile, lambda service: service.dockerfile or "none"),
}
FIELDS: Final = ("language", "framework", "ports", "protocol", "dependencies", "health", "stateful", "Dockerfile")


def _cell(entry: Entry, service: Service, name: str) -> Cell:
    if name == "health":
        return _health_cell(entry, service)
    expected, got = _READ[name][0](entry), _READ[name][1](service)
    return Cell(field=name, expected=expected, got=got, verdict="ok" if expected == got else "miss")


def _planned(service: Service, answer: Preview) -> ServicePlan | None:
    return next((item for item in answer.document.plan.services if item.name == service.name), None)


def _plan(answer: Preview, planned: ServicePlan | None) -> str:
    if planned is None:
        return "no workload"
    count = f"{planned.hpa.min}-{planned.hpa.max}" if planned.hpa else str(planned.replicas)
    blocked = sum(finding.severity == "block" for finding in answer.document.findings)
    blocks = f", {blocked} blocking findings" if blocked else ""
    return f"{count} x {planned.requests.cpu.to_k8s()}, {planned.requests.memory.to_k8s()}{blocks}"


def _sizes(entry: Entry, planned: ServicePlan | None) -> tuple[Size, ...]:
    if planned is None:
        return ()
    pairs = (("CPU", entry.sizes.cpu, planned.requests.cpu), ("memory", entry.sizes.memory, planned.requests.memory))
    return tuple(
        Size(what=what, stated=stated.to_k8s(), planned=ours.to_k8s(), doublings=abs(math.log2(ours / stated)))
        for what, stated, ours in pairs
        if stated
    )
