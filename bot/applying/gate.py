"""May this commit be applied: a reviewed pull request, merged into the default branch, in its turn.

In: the run, what GitHub says of its commit, the config file. Out: the ``Merged`` pull request, or a ``Refusal``. Never:
an apply of a direct push, of a pull request's own head, or of a stage whose predecessor is not healthy.
"""

from __future__ import annotations

from typing import Final

from bot.applying.bench import Run
from bot.deploy import Merged, Review
from bot.errors import Code, Refusal
from bot.model.applied import Outcome
from bot.model.config import Apply

_EVENTS: Final = frozenset({"push", "workflow_dispatch"})


def gate(run: Run, review: Review, *, rules: Apply) -> Merged | Refusal:
    """The merged pull request of the run's commit. Raises Refused or Unavailable of GitHub."""
    branch = f"refs/heads/{review.default_branch(run.repo)}"
    if run.event not in _EVENTS or run.ref != branch:
        return _policy(f"An apply runs on a push to the default branch; this is `{run.event}` on `{run.ref}`.")
    merged = review.merged(run.repo, run.commit)
    if merged is None:
        return _policy(
            f"Commit {run.commit[:12]} was not merged by a pull request, so nobody reviewed it.",
            remedy="Open a pull request with the change, have it reviewed, and merge it.",
        )
    return too_few(merged, rules.reviews) or merged


def too_few(merged: Merged, wanted: int) -> Refusal | None:
    """``policy`` when fewer people approved the last commit than the config file asks for."""
    given = len(merged.approved_by)
    if given >= wanted:
        return None
    return _policy(
        f"Pull request {merged.number} has {given} of {wanted} approvals of its last commit {merged.head_sha[:12]} by "
        "people with write permission other than its author.",
        remedy="Open the change once more and have it approved before merging; or set apply.reviews in "
        ".ai-provision.yaml.",
    )


def stage(environment: str | None, merged: Merged, *, rules: Apply, before: Outcome | None) -> Refusal | None:
    """``policy`` when this environment waits for another one, or for more approvals. ``before``: the last outcome of
    the same application in the environment that ``apply.after`` names.
    """
    name = environment or ""
    first = rules.after.get(name)
    if first is not None and not healthy(before):
        told = "was never applied there" if before is None else f"is {before.kind} there, not known to be healthy"
        return _policy(
            f"{name} waits for {first}: the application {told}.",
            remedy=f"Merge the {first} pull request first; ten minutes after its rollout its health stands in it. Then "
            "run this workflow again.",
        )
    return too_few(merged, max(rules.reviews, rules.approvals.get(name, 0)))


def healthy(outcome: Outcome | None) -> bool:
    """Applied, and seen well ten minutes after."""
    if outcome is None or outcome.kind != "applied" or outcome.after is None:
        return False
    return bool(outcome.after.healthy)


def _policy(message: str, remedy: str = "Merge a reviewed pull request; its merge starts this run.") -> Refusal:
    return Refusal(code=Code.POLICY, message=message, remedy=remedy)
