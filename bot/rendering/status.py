"""The one status comment: what is being done, edited in place, until one terminal state stands in it.

In: steps and an end. Out: Markdown. Never: a second comment, an internal address, a stack trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.errors import Refusal
from bot.model.consultation import Effort
from bot.model.document import Document
from bot.model.job import Job
from bot.model.outcome import PullRequest
from bot.rendering.inert import fence, inert_code, inert_text
from bot.rendering.markdown import joined, table

STEPS: Final = ("Accepted", "Reading the repository and the clusters", "Sizing, placing, checking", "Pull request")


_TWO_WAYS: Final = """- write a comment here whose first line is `/ai-refine` with what to change, as in
  `/ai-refine replicas=5 memory=1Gi`; this pull request is updated in place
- commit to this branch yourself; from then on the bot leaves it alone"""
_ENDS: Final = {"asked": "asked a question"}
OPINION: Final = "Was this plan right? React to this comment with 👍 or 👎; the answer is kept."


def working(done: int, *, job: str, read_as: str = "") -> str:
    """``done`` of the steps are finished; the next one is under way. ``read_as``: what plain words were read as."""
    lines = [f"- [{'x' if index < done else ' '}] {step}" for index, step in enumerate(STEPS)]
    return joined(["**ai-provision** is working on it.", _read(read_as), "\n".join(lines), foot(job)])


def _read(read_as: str) -> str:
    return f"Your words were read as {inert_code(read_as)}." if read_as else ""


def finished(
    document: Document,
    pull: PullRequest,
    *,
    job: str,
    efforts: Sequence[Effort] = (),
    read_as: str = "",
    proposed: PullRequest | Refusal | None = None,
) -> str:
    """The pull request is open. ``efforts``: what models cost, where one was asked; ``proposed``: what became of the
    Dockerfile that was asked for.
    """
    plan = document.plan
    kind = "draft pull request" if pull.draft else "pull request"
    verb = "opened" if pull.created else "updated"
    counts = (("cluster", plan.clusters), ("workload", plan.services), ("machine", plan.machines))
    facts = [
        *(f"{len(found)} {what}{'s' if len(found) != 1 else ''}" for what, found in counts if found),
        f"confidence {plan.confidence.value:.2f}",
        *([] if plan.capacity_verified else ["capacity unverified"]),
    ]
    missing = [
        f"- Not read of {gap.system}: {inert_text(gap.what)} ({inert_code(gap.code)})"
        for gap in document.cluster.missing
    ]
    return joined(
        [
            f"**ai-provision** {verb} {kind} {pull.url} for {inert_code(plan.app)}: {', '.join(facts)}.",
            _read(read_as),
            "\n".join(missing),
            _dockerfile(proposed),
            models(efforts),
            foot(job),
            OPINION,
        ]
    )


def _dockerfile(proposed: PullRequest | Refusal | None) -> str:
    if proposed is None:
        return ""
    if isinstance(proposed, PullRequest):
        return f"A Dockerfile is proposed in {proposed.url}."
    return f"No Dockerfile was proposed ({inert_code(proposed.code)}): {inert_text(proposed.message)} " + inert_text(
        proposed.remedy
    )


def models(efforts: Sequence[Effort]) -> str:
    """What each agent's model cost in tokens, time and money; empty when none was asked."""
    return f"<sub>Models asked: {'; '.join(map(_effort, efforts))}</sub>" if efforts else ""


def _effort(effort: Effort) -> str:
    spent = effort.spent
    tokens = f"{spent.input_tokens:,} tokens in, {spent.output_tokens:,} out"
    money = f", {spent.money:.4f} USD" if spent.money is not None else ""
    return f"{effort.agent} {inert_code(effort.model)} {tokens}, {spent.seconds:.1f} s{money}"


def cancelled(by: str, *, job: str) -> str:
    """Somebody asked the command to stop, and it did before anything was opened."""
    return joined(
        [f"**ai-provision** stopped: cancelled by {inert_text(by)}. Nothing was opened or changed.", foot(job)]
    )


def refused(refusal: Refusal, *, job: str) -> str:
    """The command ended without a pull request: code, one sentence, what to do."""
    return joined(
        [
            f"**ai-provision** stopped: {inert_code(refusal.code)}",
            inert_text(refusal.message) + (f" See {refusal.link}" if refusal.link else ""),
            f"What to do: {inert_text(refusal.remedy)}",
            fence(refusal.example, "text") if refusal.example else "",
            foot(job),
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


def report(jobs: Sequence[Job], *, job: str) -> str:
    """The last commands of a thread, newest first."""
    if not jobs:
        return joined(["No other command was given in this thread.", foot(job)])
    rows = [
        [
            inert_code(one.name),
            inert_text(one.order.actor.login),
            _state(one),
            f"`{one.accepted_at:%Y-%m-%d %H:%M}` UTC",
        ]
        for one in jobs
    ]
    return joined(["The last commands of this thread:", table(["command", "by", "state", "given"], rows), foot(job)])


def _state(job: Job) -> str:
    if job.published is not None:
        end = job.published
        what = end.pull.url if end.pull else _ENDS.get(end.kind, end.kind)
        return f"{what}{f' {inert_code(end.code)}' if end.code else ''}"
    if job.cancelled_by is not None:
        return f"is stopping for {inert_text(job.cancelled_by)}"
    if job.parked_until is not None:
        return f"waits for a limit, next try at {job.parked_until:%H:%M} UTC"
    return {"queued": "waits", "handed": "begins", "admitted": "runs", "ended": "ended"}[job.state]


def cancelling(jobs: Sequence[Job], *, job: str) -> str:
    """What was asked to stop."""
    named = ", ".join(f"{inert_code(one.name)} of {inert_text(one.order.actor.login)}" for one in jobs)
    return joined(
        [f"Asked to stop: {named}. It stops at its next step; a pull request that is open by then stays.", foot(job)]
    )


def next_step(*, job: str) -> str:
    """What a reviewer who asks for changes can do."""
    return joined(
        [
            "**ai-provision** saw that changes are requested. Two ways to get them:",
            _TWO_WAYS,
            foot(job),
        ]
    )


def foot(job: str) -> str:
    """The last line of every answer: its job."""
    return f"<sub>job {inert_code(job)}</sub>"
