"""What a soak proves: every command ended, once, in time, and the memory stayed.

In: what was given, the records, the emulated GitHub, the samples. Out: a table, and whether it is good. Never: the
service's own word for its end alone: comments are counted where people read them.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.soak_service import Process
from benchmarks.soak_world import Given, World
from bot.edges.clock import RealClock
from bot.edges.github.bodies import hidden
from bot.edges.ledger import open_ledger
from bot.model.job import Job

LIMIT: Final = 3600.0
"""Seconds within which a command has its end."""
_WARM: Final = 180.0
"""Seconds after which a process has loaded what it needs; growth is counted from then on."""
_GROWTH: Final = 0.10
_EVERYTHING: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What was measured so many seconds after the first command."""

    at: float
    server: Process | None
    worker: Process | None


@dataclass(frozen=True, kw_only=True)
class Ends:
    """What became of the given commands. ``ages`` in seconds from the comment to the recorded end, by kind."""

    kinds: Counter[tuple[str, str, str]]
    ages: dict[str, list[float]]
    lost: list[Given]
    doubled: list[Given]
    unsaid: list[Given]
    pulls: int
    same_pulls: int

    @property
    def defects(self) -> int:
        """Commands that met a defect of ours."""
        return sum(count for (_, _, code), count in self.kinds.items() if code == "internal")


def ends(database: Path, world: World) -> Ends:
    """Compare what was given with the records and with GitHub."""
    with open_ledger(f"sqlite:///{database}", clock=RealClock()) as ledger:
        jobs = ledger.listing(limit=_EVERYTHING)
    by_comment: dict[int, list[Job]] = {}
    for job in jobs:
        by_comment.setdefault(job.order.comment_id or 0, []).append(job)
    kinds: Counter[tuple[str, str, str]] = Counter()
    ages: dict[str, list[float]] = {}
    lost, doubled, unsaid = [], [], []
    for given in world.given:
        found = by_comment.get(given.comment, [])
        ended = [job for job in found if job.published is not None and job.ended_at is not None]
        if not ended:
            lost.append(given)
            continue
        said = _said(world, given, ended[0])
        if len(found) > 1 or said > 1:
            doubled.append(given)
        if said == 0:
            unsaid.append(given)
        kinds[_end(ended[0])] += 1
        ages.setdefault(given.kind, []).append(_age(given, ended[0]))
    titles = [(home.repo, pull.title) for home in world.homes for pull in world.github.pulls(home.repo)]
    return Ends(
        kinds=kinds,
        ages=ages,
        lost=lost,
        doubled=doubled,
        unsaid=unsaid,
        pulls=len(titles),
        same_pulls=len(titles) - len(set(titles)),
    )


def _end(job: Job) -> tuple[str, str, str]:
    published = job.published
    return (job.name, published.kind if published else "", (published.code if published else None) or "")


def _age(given: Given, job: Job) -> float:
    return job.ended_at.timestamp() - given.at if job.ended_at else 0.0


def _said(world: World, given: Given, job: Job) -> int:
    """Status comments of one command."""
    mark = hidden(job.order.job, "status")
    return sum(comment.body.startswith(mark) for comment in world.github.comments(given.repo, given.thread))


def show(console: Console, found: Ends, world: World) -> bool:
    """The table of ends and ages; whether nothing was lost, doubled or late."""
    table = Table(title="how they ended")
    for name in ("command", "end", "code", "how many"):
        table.add_column(name, justify="right" if name == "how many" else "left")
    for (name, kind, code), count in sorted(found.kinds.items()):
        table.add_row(name, kind, code, f"{count:,}")
    console.print(table)
    times = Table(title="seconds from the comment to its end")
    for name in ("kind", "how many", "p50", "p99", "worst"):
        times.add_column(name, justify="left" if name == "kind" else "right")
    everything = [age for ages in found.ages.values() for age in ages]
    for name, ages in [*sorted(found.ages.items()), ("all", everything)]:
        if ages:
            times.add_row(name, f"{len(ages):,}", *(f"{value:.1f}" for value in (*_centiles(ages), max(ages))))
    console.print(times)
    acks = sorted(given.ack for given in world.given)
    console.print(
        f"from the comment to GitHub's delivery acknowledged, the emulator's own work included: "
        f"p50 {statistics.median(acks) * 1000:.0f} ms, p99 {_centiles(acks)[1] * 1000:.0f} ms"
    )
    worst = max(everything, default=0.0)
    goals = [
        ("lost: 0", f"{len(found.lost)}", not found.lost),
        ("done twice: 0", f"{len(found.doubled)} comments, {found.same_pulls} pull requests (of {found.pulls})",
         not found.doubled and not found.same_pulls),
        ("ended without a word: 0", f"{len(found.unsaid)}", not found.unsaid),
        ("defects: 0", f"{found.defects}", not found.defects),
        (f"no command older than {LIMIT:.0f} s", f"the oldest was {worst:.1f} s", worst < LIMIT),
    ]  # fmt: skip
    for goal, seen, reached in goals:
        console.print(f"{'reached' if reached else 'MISSED '}  {goal}: {seen}")
    for given in [*found.lost, *found.doubled, *found.unsaid][:5]:
        console.print(f"   {given}")
    return all(reached for _, _, reached in goals)


def _centiles(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def memory(console: Console, samples: Sequence[Sample]) -> None:
    """How the memory went: the server over the whole soak, the worker over its last life."""
    life = [one for one in samples if one.worker and samples[-1].worker and one.worker.pid == samples[-1].worker.pid]
    rows = [
        ("server", [(one.at, one.server) for one in samples if one.server]),
        ("worker, its last life", [(one.at, one.worker) for one in life if one.worker]),
    ]
    for name, seen in rows:
        if len(seen) < 2:
            console.print(f"unknown  memory of the {name}: too few samples")
            continue
        begin, until = seen[0][0], seen[-1][0]
        warm = [one for one in seen if one[0] >= begin + min(_WARM, (until - begin) / 2)]
        (first_at, first), (last_at, last) = warm[0], warm[-1]
        growth = last.rss / first.rss - 1
        console.print(
            f"{'reached' if growth < _GROWTH else 'MISSED '}  memory of the {name} is flat: {first.rss:.0f} MiB at "
            f"{first_at:.0f} s, {last.rss:.0f} MiB at {last_at:.0f} s ({growth:+.1%}); threads {first.threads} to "
            f"{last.threads}, open files {first.files} to {last.files}"
        )
