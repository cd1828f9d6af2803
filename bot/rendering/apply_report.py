"""What CI says on a pull request: the plan of each stack, and what became of it.

In: stack plans and outcomes. Out: Markdown. Never: untrusted text outside a code span or fence, a sensitive value.
"""

from __future__ import annotations

from datetime import datetime

from bot.model.applied import Outcome
from bot.model.stack import StackPlan
from bot.ports import PullText


def plan_comment(plans: tuple[StackPlan, ...], *, hidden: str, run_url: str | None) -> str:
    """The one plan comment: summary outside, diff folded, next steps beneath."""
    return "\n".join([hidden, *(plan.stack.root for plan in plans), run_url or ""])


def outcome_comment(outcomes: tuple[Outcome, ...], *, hidden: str) -> str:
    """The one outcome comment of a merged pull request."""
    return "\n".join([hidden, *(f"{outcome.root}: {outcome.kind}" for outcome in outcomes)])


def thread_comment(outcomes: tuple[Outcome, ...], *, url: str) -> str:
    """The same, shorter, in the thread where the command was given. ``url`` is the pull request's."""
    return "\n".join([url, *(f"{outcome.root}: {outcome.kind}" for outcome in outcomes)])


def late_comment(merged_at: datetime, *, commit: str) -> str:
    """Merged, and not applied a quarter of an hour later. The same text whenever it is made."""
    return f"Merged at {merged_at:%H:%M} UTC as {commit[:12]}, and not applied 15 minutes later."


def outcome_sentence(outcome: Outcome) -> str:
    """One sentence for the memory and for logs."""
    return f"{outcome.root}: {outcome.kind}"


def revert_text(outcome: Outcome, *, of: int) -> PullText:
    """The pull request that brings back the manifests from before pull request ``of``."""
    return PullText(title=f"ai-provision: return {outcome.app} to before #{of}", body=outcome.message)
