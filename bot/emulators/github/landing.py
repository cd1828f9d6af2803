"""How a pull request lands: reviews that count, checks, three kinds of merge, and what a moved branch brings with it.

In: records. Out: changed records, real commits, the webhooks to send. Never: HTTP, a merge that the rules forbid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.emulators.github import commitshapes, gitstore, history, hooks
from bot.emulators.github.accounts import Account
from bot.emulators.github.answers import ApiError
from bot.emulators.github.history import Conflict, Person
from bot.emulators.github.site import Site
from bot.emulators.github.state import Issue, MergeMethod, Protection, Pull, Repository, at_least

Event = tuple[str, Mapping[str, Any]]
"""Name and payload of a webhook."""

GOOD = frozenset({"success", "neutral", "skipped"})


@dataclass(frozen=True)
class Words:
    """Title and text of the commit that lands a pull request; None: GitHub's own."""

    title: str | None = None
    text: str | None = None


def standing(repo: Repository, pull: Pull) -> dict[str, str]:
    """The state of each writer's newest review that says yes or no, by login."""
    found: dict[str, str] = {}
    for item in pull.reviews:
        if item.state in {"commented", "pending"} or not at_least(repo.role(item.account.login), "write"):
            continue
        found[item.account.login] = item.state
    return found


def checks(repo: Repository, sha: str) -> dict[str, str]:
    """The state of each status and check of a commit by name: a conclusion, or ``pending``."""
    found = {run.name: run.conclusion or "pending" for run in repo.work.runs if run.sha == sha}
    return {**found, **{item.context: item.state for item in repo.work.latest(sha)}}


def mergeable(repo: Repository, pull: Pull) -> bool:
    """Whether the two sides go together."""
    try:
        history.merged_tree(repo.path, _tip(repo, pull.base), pull.head_sha)
    except Conflict:
        return False
    return True


def mergeable_state(repo: Repository, issue: Issue, pull: Pull) -> str:
    """GitHub's word for whether the button would work."""
    if issue.state != "open":
        return "unknown"
    if not mergeable(repo, pull):
        return "dirty"
    if pull.draft:
        return "draft"
    rules = repo.protected.get(pull.base, Protection())
    if rules.strict and _behind(repo, pull):
        return "behind"
    if _unmet(repo, pull, rules):
        return "blocked"
    return "clean" if set(checks(repo, pull.head_sha).values()) <= GOOD else "unstable"


def _tip(repo: Repository, branch: str) -> str:
    return gitstore.ref(repo.path, f"refs/heads/{branch}") or ""


def _behind(repo: Repository, pull: Pull) -> bool:
    return not history.is_ancestor(repo.path, _tip(repo, pull.base), pull.head_sha)


def _unmet(repo: Repository, pull: Pull, rules: Protection) -> str:
    """What the protection of the base still asks for; empty when nothing."""
    votes = list(standing(repo, pull).values())
    if rules.approvals is not None and "changes_requested" in votes:
        return "Changes have been requested."
    if votes.count("approved") < (rules.approvals or 0):
        count = "1 approving review is" if rules.approvals == 1 else f"{rules.approvals} approving reviews are"
        return f"At least {count} required by reviewers with write access."
    states = checks(repo, pull.head_sha)
    for name in rules.checks:
        if states.get(name) not in GOOD:
            said = {None: "expected", "pending": "in progress"}.get(states.get(name), "failing")
            return f'Required status check "{name}" is {said}.'
    return "The head branch is not up to date with the base branch." if rules.strict and _behind(repo, pull) else ""


def refuse(repo: Repository, issue: Issue, pull: Pull, method: MergeMethod, *, bypass: bool = False) -> None:
    """Nothing, or ApiError(405) that says why this pull request cannot be merged. ``bypass``: an admin's override."""
    if issue.state != "open" or not mergeable(repo, pull):
        raise ApiError(405, "Pull Request is not mergeable")
    if pull.draft:
        raise ApiError(405, "Pull Request is still a draft")
    if method not in repo.merge_methods:
        word = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}[method]
        raise ApiError(405, f"{word} are not allowed on this repository.")
    unmet = "" if bypass else _unmet(repo, pull, repo.protected.get(pull.base, Protection()))
    if unmet:
        raise ApiError(405, unmet)


def land(site: Site, repo: Repository, issue: Issue, *, who: Account, method: MergeMethod, words: Words) -> str:
    """Merge by real git; the pull request is closed as merged. Returns the newest commit. Raises ApiError(405)."""
    pull = site.refreshed(repo, issue)
    if pull is None:
        raise ApiError(404, "Not Found")
    before = _tip(repo, pull.base)
    try:
        after = _landed(site, repo, issue, pull, who, method=method, words=words)
    except Conflict as error:
        raise ApiError(405, "This branch can't be rebased") from error
    gitstore.update_ref(repo.path, f"refs/heads/{pull.base}", after)
    pull.landed_on, pull.landed = before, tuple(history.ids(repo.path, f"{before}..{after}"))
    pull.merge_sha, pull.merged_by = after, who
    pull.merged_at = issue.updated_at = site.clock.now()
    issue.state = "closed"
    return after


def _landed(
    site: Site, repo: Repository, issue: Issue, pull: Pull, who: Account, *, method: MergeMethod, words: Words
) -> str:
    """The commit (or last of the commits) that holds the pull request on its base."""
    before, date = _tip(repo, pull.base), stamp(site)
    button = Person(*history.GITHUB, date)
    if method == "rebase":
        return history.replayed(repo.path, before, pull.head_sha, committer=button)
    tree = history.merged_tree(repo.path, before, pull.head_sha)
    parents = [before, pull.head_sha] if method == "merge" else [before]
    author = person(who if method == "merge" else issue.account, date)
    message = _message(repo, issue, pull, method, words)
    return history.write_commit(repo.path, tree, parents, message, author=author, committer=button)


def _message(repo: Repository, issue: Issue, pull: Pull, method: MergeMethod, words: Words) -> str:
    owner = (pull.fork or repo).owner
    commits = history.log(repo.path, f"{pull.base_sha}..{pull.head_sha}")
    if method == "merge":
        title, text = f"Merge pull request #{issue.number} from {owner}/{pull.head}", issue.title
    elif len(commits) == 1:
        title, text = f"{issue.title} (#{issue.number})", commits[0]["message"].partition("\n")[2].strip()
    else:
        title = f"{issue.title} (#{issue.number})"
        text = "\n\n".join(f"* {item['message']}" for item in commits)
    shown = title if words.title is None else words.title
    body = text if words.text is None else words.text
    return f"{shown}\n\n{body}".rstrip("\n") + "\n"


def stamp(site: Site) -> str:
    """Now, as git writes it."""
    return f"{int(site.clock.now().timestamp())} +0000"


def person(who: Account, date: str) -> Person:
    """An account as the author of a commit."""
    return Person(who.login, f"{who.login}@example.invalid", date)


def revert(site: Site, repo: Repository, issue: Issue, *, who: Account) -> str:
    """The branch of a commit that undoes a merged pull request. Raises ValueError when not merged, or in conflict."""
    pull = issue.pull
    if pull is None or pull.merge_sha is None:
        raise ValueError("not a merged pull request")
    tip = _tip(repo, pull.base)
    try:
        tree = history.applied_tree(repo.path, before=pull.merge_sha, after=pull.landed_on, onto=tip)
    except Conflict as error:
        raise ValueError("this pull request could not be reverted automatically") from error
    words = f'Revert "{issue.title} (#{issue.number})"\n\nThis reverts commit {pull.merge_sha}.\n'
    date = stamp(site)
    sha = history.write_commit(
        repo.path, tree, [tip], words, author=person(who, date), committer=Person(*history.GITHUB, date)
    )
    branch = f"revert-{issue.number}-{pull.head}"
    gitstore.update_ref(repo.path, f"refs/heads/{branch}", sha)
    return branch


def publish(repo: Repository, issue: Issue, pull: Pull) -> str | None:
    """Write ``refs/pull/N/head`` and the test merge ``refs/pull/N/merge``; returns the latter, None in conflict."""
    if issue.state != "open":
        return pull.merge_sha
    gitstore.update_ref(repo.path, f"refs/pull/{issue.number}/head", pull.head_sha)
    tip, where = _tip(repo, pull.base), f"refs/pull/{issue.number}/merge"
    try:
        tree = history.merged_tree(repo.path, tip, pull.head_sha)
    except Conflict:
        return None
    author = Person(*history.GITHUB, gitstore.SEED_DATE)
    sha = history.write_commit(
        repo.path, tree, [tip, pull.head_sha], f"Merge {pull.head_sha} into {tip}\n", author=author
    )
    gitstore.update_ref(repo.path, where, sha)
    return sha


def moved(
    site: Site, repo: Repository, branch: str, *, before: str, after: str, who: Account, base: str
) -> list[Event]:
    """What a branch that moved brings: ``push``, and news of its pull requests. Empty ids: not there."""
    common = hooks.common(repo, who, base)
    payload = commitshapes.pushed(site.world, repo, branch, before=before, after=after, sender=who, base=base)
    found: list[Event] = [("push", {**payload, **common})]
    for issue in [item for item in repo.issues.values() if item.pull and item.state == "open"]:
        pull = issue.pull
        if pull and not pull.fork and pull.head == branch:
            found += _head_moved(site, repo, issue, pull, before=before, after=after, who=who, base=base)
        elif pull and pull.base == branch and after and history.is_ancestor(repo.path, pull.head_sha, after):
            found += _swallowed(site, repo, issue, pull, after=after, who=who, base=base)
    return found


def _head_moved(
    site: Site, repo: Repository, issue: Issue, pull: Pull, *, before: str, after: str, who: Account, base: str
) -> list[Event]:
    issue.updated_at = site.clock.now()
    if not after:
        issue.state = "closed"
        return [("pull_request", hooks.pull_event(repo, issue, "closed", who, base))]
    pull.head_sha = after
    publish(repo, issue, pull)
    payload = {**hooks.pull_event(repo, issue, "synchronize", who, base), "before": before, "after": after}
    return [("pull_request", payload), *_dismissed(repo, issue, pull, base)]


def _dismissed(repo: Repository, issue: Issue, pull: Pull, base: str) -> list[Event]:
    """Approvals of earlier commits, where the base's protection says so."""
    found: list[Event] = []
    for item in pull.reviews:
        if item.state == "approved" and repo.protected.get(pull.base, Protection()).dismiss_stale:
            item.state = "dismissed"
            found.append(("pull_request_review", hooks.review_event(repo, issue, item, "dismissed", base)))
    return found


def _swallowed(
    site: Site, repo: Repository, issue: Issue, pull: Pull, *, after: str, who: Account, base: str
) -> list[Event]:
    """Somebody pushed the pull request's commits to its base: GitHub calls that merged."""
    pull.merge_sha, pull.merged_by = after, who
    pull.landed_on, pull.landed = pull.base_sha, tuple(history.ids(repo.path, f"{pull.base_sha}..{after}"))
    pull.merged_at = issue.updated_at = site.clock.now()
    issue.state = "closed"
    return [("pull_request", hooks.pull_event(repo, issue, "closed", who, base))]


def introduced(repo: Repository, sha: str) -> list[Issue]:
    """The merged pull requests that brought a commit to the default branch, or the open ones that hold it."""
    tip = _tip(repo, repo.default_branch)
    pulls = [item for item in repo.issues.values() if item.pull]
    if tip and history.is_ancestor(repo.path, sha, tip):
        return [item for item in pulls if item.pull and sha in item.pull.landed]
    return [item for item in pulls if item.state == "open" and item.pull and _holds(repo, item.pull, sha)]


def _holds(repo: Repository, pull: Pull, sha: str) -> bool:
    return sha in history.ids(repo.path, f"{pull.base_sha}..{pull.head_sha}")
