"""Tells the outcome: on the pull request, in the thread where the command was given, as labels and deployment status.

In: outcomes. Out: comments that carry them unseen as data. Never: a text that is not redacted, a failure because a
label or a deployment could not be written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from bot.applying.bench import Bench, Run
from bot.applying.record import read_outcomes, written_outcomes
from bot.deploy import Merged, Review, Status
from bot.errors import Refused, Unavailable
from bot.model.applied import Outcome
from bot.model.document import Document
from bot.model.stack import Stack
from bot.rendering.apply_report import outcome_comment, thread_comment

OUTCOME_MARK: Final = "outcome"
LABELS: Final = {
    "applied": "ai-provision: applied",
    "destroyed": "ai-provision: destroyed",
    "failed": "ai-provision: failed",
    "returned": "ai-provision: returned",
    "abandoned": "ai-provision: not applied",
}
_THREAD: Final = re.compile(r"(?P<repo>[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100})#(?P<number>\d{1,9})", re.ASCII)
_STAGES: Final = timedelta(days=90)
_LOG: Final = structlog.get_logger("ai_provision.applying")


@dataclass
class Teller:
    """The reports of one run."""

    bench: Bench
    run: Run
    merged: Merged | None
    deployments: dict[str, int] = field(default_factory=dict)

    def begins(self, stack: Stack) -> None:
        """A deployment in progress, where the token may say so."""
        review = self.bench.review
        if review is None or self.run.local:
            return
        made = review.deployment(
            self.run.repo,
            commit=self.run.commit,
            environment=stack.root,
            description=f"ai-provision apply of {stack.root}",
        )
        if made is not None:
            self.deployments[stack.root] = made
            review.deployment_status(self.run.repo, made, "in_progress", url=self.run.url, text="applying")

    def ends(self, outcome: Outcome) -> Outcome:
        """The deployment's end."""
        review, made = self.bench.review, self.deployments.get(outcome.root)
        if review is not None and made is not None:
            state = _STATES.get(outcome.kind, "failure")
            text = self.bench.redact(outcome.message or outcome.kind)[:140]
            review.deployment_status(self.run.repo, made, state, url=self.run.url, text=text)
        return outcome

    def report(self, outcomes: tuple[Outcome, ...]) -> None:
        """One comment on the pull request, one in the first thread, labels. Raises Refused or Unavailable."""
        review, merged = self.bench.review, self.merged
        if review is None or merged is None:
            return
        body = outcome_comment(outcomes, hidden=written_outcomes(outcomes, redact=self.bench.redact))
        review.tell(self.run.repo, merged.number, marker=OUTCOME_MARK, body=body)
        tell_thread(review, self.run.repo, merged, outcomes, redact=self.bench.redact)
        worst = min(outcomes, key=lambda each: _RANK.index(each.kind)).kind
        others = tuple(label for kind, label in LABELS.items() if kind != worst)
        review.label(self.run.repo, merged.number, add=(LABELS[worst],), remove=others)


_STATES: Final[dict[str, Status]] = {"applied": "success", "destroyed": "inactive"}
_RANK: Final = ("failed", "returned", "abandoned", "destroyed", "applied")


def tell_thread(
    review: Review, repo: str, merged: Merged, outcomes: tuple[Outcome, ...], *, redact: Callable[[str], str]
) -> None:
    """The same, shorter, where the command was given. Soft: where CI's token may not write, the server tells it."""
    place = _THREAD.fullmatch(merged.thread or "")
    if place is None or (place["repo"].lower() == repo.lower() and int(place["number"]) == merged.number):
        return
    text = thread_comment(outcomes, url=merged.url)
    try:
        marker = f"{OUTCOME_MARK}-{merged.number}"
        review.tell(place["repo"], int(place["number"]), marker=marker, body=redact(text))
    except (Refused, Unavailable) as stop:
        _LOG.warning("the first thread was not told", thread=merged.thread, code=stop.refusal.code)


def last_outcome(bench: Bench, repo: str, document: Document, environment: str, *, review: Review) -> Outcome | None:
    """The newest outcome of the same application in another environment, from the pull requests of 90 days."""
    names = _siblings(bench, document, environment)
    since = bench.clock.now() - _STAGES
    found: Outcome | None = None
    for merged in review.recently_merged(repo, since=since):
        for outcome in read_outcomes(review.told(repo, merged.number, marker=OUTCOME_MARK)):
            if outcome.root in names and (found is None or outcome.at > found.at):
                found = outcome
    return found


def _siblings(bench: Bench, document: Document, environment: str) -> frozenset[str]:
    """Stacks of the same repository in that environment, as their plans say on the commit that is checked out."""
    head, found = bench.checkout.head(), set()
    for path in bench.checkout.paths(head, "apps"):
        if path.endswith("/plan.json") and path.count("/") == 2:
            text = bench.checkout.text(head, path)
            if _about(text) == (document.request.git_repo, environment):
                found.add(path.removesuffix("/plan.json"))
    return frozenset(found)


def _about(text: str | None) -> tuple[str, str] | None:
    try:
        told = json.loads(text or "")
        return str(told["request"]["git_repo"]), str(told["plan"]["environment"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
