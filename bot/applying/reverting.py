"""A revert pull request for workloads that returned: the manifests and the plan as they were before the merge.

In: a checkout and the outcomes that were told. Out: pull requests. Never: Terraform taken back (its files stay as
merged), a revert of a stack's first rollout, for which nothing was before.
"""

from __future__ import annotations

from bot.applying.apply import outcomes_told
from bot.applying.bench import Bench, Run
from bot.applying.record import written_outcomes
from bot.applying.telling import OUTCOME_MARK
from bot.deploy import Checkout, Merged, Review
from bot.errors import Refusal
from bot.model.applied import Outcome
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.order import digest
from bot.rendering.apply_report import outcome_comment, revert_text


def revert_returned(bench: Bench, run: Run, review: Review) -> tuple[str, ...] | Refusal:
    """Open what is missing; its URLs. Raises Refused or Unavailable of GitHub."""
    merged = review.merged(run.repo, run.commit)
    if merged is None:
        return ()
    outcomes = outcomes_told(review, run.repo, merged.number)
    seen = tuple(_reverted(bench, run, merged, outcome, review=review) for outcome in outcomes)
    if seen == outcomes:
        return ()
    body = outcome_comment(seen, hidden=written_outcomes(seen, redact=bench.redact))
    review.tell(run.repo, merged.number, marker=OUTCOME_MARK, body=body)
    return tuple(each.revert_url for each in seen if each.revert_url is not None)


def _reverted(bench: Bench, run: Run, merged: Merged, outcome: Outcome, *, review: Review) -> Outcome:
    base = bench.checkout.parent(run.commit)
    if outcome.kind != "returned" or outcome.revert_url is not None or base is None:
        return outcome
    changes = _before(bench.checkout, outcome.root, base=base, head=run.commit)
    if changes is None:
        return outcome
    pull = review.propose(
        run.repo,
        branch=f"ai-provision/revert-{outcome.app}-{digest(run.repo, 'revert', outcome.app, run.commit)[:8]}",
        marker=digest(run.repo, "revert", outcome.root, run.commit)[:12],
        changes=changes,
        text=revert_text(outcome, of=merged.number),
    )
    return outcome.model_copy(update={"revert_url": pull.url})


def _before(checkout: Checkout, root: str, *, base: str, head: str) -> ChangeSet | None:
    """The folder before the merge, with Terraform as merged: machines are never taken back."""
    if checkout.text(base, f"{root}/plan.json") is None:
        return None
    terraform = f"{root}/terraform/"
    old = [(base, path) for path in checkout.paths(base, root) if not path.startswith(terraform)]
    new = [(head, path) for path in checkout.paths(head, root) if path.startswith(terraform)]
    files = (RenderedFile(path=path, content=checkout.text(commit, path) or "") for commit, path in (*old, *new))
    return ChangeSet(root=root, files=tuple(sorted(files, key=lambda file: file.path)))
