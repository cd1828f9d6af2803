"""The one status comment: what is being done, edited in place, until one terminal state stands in it.

In: steps and an end. Out: Markdown. Never: a second comment, an internal address, a stack trace.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Refusal
from bot.model.document import Document
from bot.model.outcome import PullRequest
from bot.rendering.inert import fence, inert_code, inert_text
from bot.rendering.markdown import joined

STEPS: Final = ("Accepted", "Reading the repository and the clusters", "Sizing, placing, checking", "Pull request")


def working(done: int, *, job: str) -> str:
    """``done`` of the steps are finished; the next one is under way."""
    lines = [f"- [{'x' if index < done else ' '}] {step}" for index, step in enumerate(STEPS)]
    return joined(["**ai-provision** is working on it.", "\n".join(lines), _foot(job)])


def finished(document: Document, pull: PullRequest, *, job: str) -> str:
    """The pull request is open."""
    plan = document.plan
    kind = "draft pull request" if pull.draft else "pull request"
    verb = "opened" if pull.created else "updated"
    facts = [
        f"{len(plan.services)} workload{'s' if len(plan.services) != 1 else ''}",
        f"{len(plan.machines)} machine{'s' if len(plan.machines) != 1 else ''}",
        f"confidence {plan.confidence.value:.2f}",
        *([] if plan.capacity_verified else ["capacity unverified"]),
    ]
    missing = [f"- Not read: {inert_text(gap.what)} ({inert_code(gap.code)})" for gap in document.cluster.missing]
    return joined(
        [
            f"**ai-provision** {verb} {kind} {pull.url} for {inert_code(plan.app)}: {', '.join(facts)}.",
            "\n".join(missing),
            _foot(job),
        ]
    )


def refused(refusal: Refusal, *, job: str) -> str:
    """The command ended without a pull request: code, one sentence, what to do."""
    return joined(
        [
            f"**ai-provision** stopped: {inert_code(refusal.code)}",
            inert_text(refusal.message),
            f"What to do: {inert_text(refusal.remedy)}",
            fence(refusal.example, "text") if refusal.example else "",
            _foot(job),
        ]
    )


def apology(*, job: str) -> str:
    """A defect of ours."""
    return joined(
        [
            f"**ai-provision** stopped: {inert_code('internal')}",
            "This is a defect of ai-provision, not of your command; nothing was changed.",
            f"What to do: tell the operators of this bot the id {inert_code(job)}; the log holds the rest.",
        ]
    )


def _foot(job: str) -> str:
    return f"<sub>job {inert_code(job)}</sub>"
