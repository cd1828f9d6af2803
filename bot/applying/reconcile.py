"""What a merge left open: not applied after a quarter of an hour, or applied ten minutes ago and not looked at since.

In: the bot's merged pull requests of the last days, and what stands in them. Out: comments, lessons. Never: an apply, a
second comment about the same thing. GitHub alone is the memory, so a server and a scheduled workflow do the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.applying.afterwards import WINDOW, look
from bot.applying.record import read_outcomes, written_outcomes
from bot.applying.telling import LABELS, OUTCOME_MARK, tell_thread
from bot.counsel import Lesson, Metrics, Troubles
from bot.deploy import Merged, Review
from bot.model.applied import Outcome
from bot.model.config import Metrics as MetricNames
from bot.ports import Clock
from bot.rendering.apply_report import late_comment, outcome_comment, outcome_sentence

LATE: Final = timedelta(minutes=15)
LATE_MARK: Final = "late"
_DAYS: Final = timedelta(days=3)
_NO_STACK: Final = ("ai-provision/dockerfile-", "ai-provision/init")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a reconciliation works with. ``learn`` keeps outcomes where there are records."""

    review: Review
    clock: Clock
    redact: Callable[[str], str]
    names: MetricNames
    metrics: Metrics | None = None
    troubles: Troubles | None = None
    learn: Callable[[Lesson], None] | None = None


def reconcile(watch: Watch, repo: str) -> tuple[str, ...]:
    """Look at every recent merge; one sentence for each thing that was said.

    Raises Refused or Unavailable of GitHub.
    """
    told: list[str] = []
    for merged in watch.review.recently_merged(repo, since=watch.clock.now() - _DAYS):
        if merged.branch.startswith(_NO_STACK):
            continue
        outcomes = read_outcomes(watch.review.told(repo, merged.number, marker=OUTCOME_MARK))
        told += _looked(watch, repo, merged, outcomes) if outcomes else _late(watch, repo, merged)
    return tuple(told)


def _late(watch: Watch, repo: str, merged: Merged) -> list[str]:
    """Say once that a merge was not applied."""
    if merged.merged_at is None or watch.clock.now() - merged.merged_at < LATE:
        return []
    if watch.review.told(repo, merged.number, marker=LATE_MARK) is not None:
        return []
    body = late_comment(merged.merged_at, commit=merged.merge_sha or merged.head_sha)
    watch.review.tell(repo, merged.number, marker=LATE_MARK, body=body)
    watch.review.label(repo, merged.number, add=(LABELS["abandoned"],), remove=())
    return [f"{merged.url}: merged and not applied"]


def _looked(watch: Watch, repo: str, merged: Merged, outcomes: tuple[Outcome, ...]) -> list[str]:
    """Add what is seen ten minutes after, where it is missing, and keep what was learnt."""
    seen = tuple(_seen(watch, outcome) for outcome in outcomes)
    changed = seen != outcomes
    if changed:
        body = outcome_comment(seen, hidden=written_outcomes(seen, redact=watch.redact))
        watch.review.tell(repo, merged.number, marker=OUTCOME_MARK, body=body)
        tell_thread(watch.review, repo, merged, seen, redact=watch.redact)
    for outcome in seen:
        if watch.learn is not None:
            watch.learn(lesson_of_outcome(outcome, repo=repo))
    return [f"{merged.url}: looked at ten minutes after its rollout"] if changed else []


def _seen(watch: Watch, outcome: Outcome) -> Outcome:
    due = outcome.at + timedelta(seconds=WINDOW)
    if outcome.kind not in {"applied", "returned"} or outcome.after is not None or watch.clock.now() < due:
        return outcome
    if not outcome.planned:
        return outcome
    after = look(outcome, metrics=watch.metrics, troubles=watch.troubles, names=watch.names, now=watch.clock.now())
    return outcome.model_copy(update={"after": after})


def lesson_of_outcome(outcome: Outcome, *, repo: str) -> Lesson:
    """What to remember of an apply; the newest of a stack replaces the one before."""
    return Lesson(
        id=f"outcome:{repo}/{outcome.root}",
        kind="outcome",
        repo=repo,
        app=outcome.app,
        namespace=outcome.namespace,
        title=f"Outcome of {outcome.app}",
        text=outcome_sentence(outcome),
        data=outcome.model_dump(mode="json", exclude={"steps", "machines", "urls"}),
        at=outcome.at,
    )
