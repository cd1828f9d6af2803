"""GitHub as CI sees it, behind the port ``bot.deploy.Review``: what was merged and reviewed, and what is told there.

In: nouns. Out: nouns, ``Refused`` (github-auth, and what a proposal may be refused for) or ``Unavailable`` (rate).
Never: trust in a person's copy of our markers, GraphQL, a failed apply because a label or a deployment could not be
written.
"""

from __future__ import annotations

from datetime import datetime

from bot.deploy import Merged, Status
from bot.edges.github.bodies import hidden
from bot.edges.github.deployments import Deployments
from bot.edges.github.forge import GitHubForge
from bot.edges.github.labels import Labels
from bot.edges.github.reviewed import Reviewed
from bot.edges.github.sending import Sender, softly
from bot.edges.github.told import Told
from bot.errors import Code, Refusal, Refused
from bot.model.changes import ChangeSet
from bot.model.outcome import PullRequest
from bot.ports import Clock, PullText

_NOT_PERMITTED = "not permitted to create"


class GitHubReview:
    """``bot.deploy.Review`` through a forge's credential and queue."""

    def __init__(self, forge: GitHubForge, *, clock: Clock) -> None:
        self._forge = forge
        self._clock = clock
        self._sender = Sender(forge, clock=clock)
        self._reviewed = Reviewed(forge.line, clock=clock, is_me=forge.comments.is_me)
        self._told = Told(self._sender, is_me=forge.comments.is_me)
        self._labels = Labels(self._sender)
        self._deployments = Deployments(self._sender)

    def default_branch(self, repo: str) -> str:
        """Its name. Raises Refused(github-auth) when the repository is not visible."""
        return self._forge.default_branch(repo)

    def merged(self, repo: str, commit: str) -> Merged | None:
        """The pull request whose merge made this commit of the default branch; GitHub may know it 15 s later."""
        return self._reviewed.merged(self._forge.line.home(repo)[0], commit)

    def opened(self, repo: str, number: int) -> Merged:
        """A pull request as it stands, merged or not, with the approvals that count now."""
        return self._reviewed.opened(self._forge.line.home(repo)[0], number)

    def recently_merged(self, repo: str, *, since: datetime) -> tuple[Merged, ...]:
        """Merges of the bot's branches since then, oldest first; ``approved_by`` is not looked up and stays empty."""
        return self._reviewed.recently_merged(self._forge.line.home(repo)[0], since=since)

    def told(self, repo: str, number: int, *, marker: str) -> str | None:
        """The body of our newest comment with this marker, by the server's account or CI's; without the marker."""
        name = self._forge.line.home(repo)[0].full_name
        return self._told.read(name, number, hidden(marker, "apply"))

    def tell(self, repo: str, number: int, *, marker: str, body: str) -> str:
        """Create or edit the one comment with this marker; returns its URL. Raises Refused or Unavailable."""
        mark = hidden(marker, "apply")
        return self._sender.at_home(repo, lambda name: self._told.tell(name, number, mark, body))

    def label(self, repo: str, number: int, *, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        """Change labels; a label that does not exist yet is made. Soft."""
        softly(
            "labels",
            lambda: self._sender.at_home(repo, lambda name: self._labels.change(name, number, add=add, remove=remove)),
        )

    def deployment(self, repo: str, *, commit: str, environment: str, description: str) -> int | None:
        """A new deployment's id, None where GitHub does not let us."""
        make = self._deployments.create
        return softly(
            "deployment",
            lambda: self._sender.at_home(
                repo, lambda name: make(name, commit=commit, environment=environment, description=description)
            ),
        )

    def deployment_status(self, repo: str, deployment: int, state: Status, *, url: str | None, text: str) -> None:
        """Set its state. Soft."""
        softly(
            "deployment status",
            lambda: self._sender.at_home(
                repo, lambda name: self._deployments.turn(name, deployment, state, url=url, text=text)
            ),
        )

    def propose(self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText) -> PullRequest:
        """A pull request with these files; the same again changes nothing. Raises what ``GitHubForge.publish`` does."""
        try:
            return self._forge.publish(
                repo,
                branch=branch,
                marker=marker,
                changes=changes,
                text=text,
                message=text.title,
                when=self._clock.now(),
            )
        except Refused as stop:
            raise _explained(stop) from None


def _explained(stop: Refused) -> Refused:
    """A job's own token opens pull requests only where a setting says so."""
    if _NOT_PERMITTED not in stop.refusal.message:
        return stop
    return Refused(
        Refusal(
            code=Code.GITHUB_AUTH,
            message="The branch is pushed, but GitHub Actions may not open pull requests in this repository.",
            remedy="Allow it (Settings, Actions, General, Workflow permissions: allow GitHub Actions to create and "
            "approve pull requests) and run the job again, or open the pull request of the branch yourself.",
        )
    )
