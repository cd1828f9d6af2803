"""GitHub behind the port ``Forge``: permission, files, reactions, one status comment, one pull request.

In: nouns. Out: nouns, ``Refused`` (github-auth, conflict, dup, policy, tls, config) or ``Unavailable`` (rate). Never:
GraphQL, a write that was not looked for first, a text that did not pass the redaction, a token in a text.
"""

from __future__ import annotations

import base64
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, cast, get_args
from urllib.parse import quote

from github.Requester import Requester
from pydantic import SecretStr, TypeAdapter

from bot.edges.github import gitrun
from bot.edges.github.access import Access, ClonePlace
from bot.edges.github.addresses import checked_api, checked_clone_url, checked_name, web_host
from bot.edges.github.bodies import LIMIT, clean, fitted, hidden, title_of
from bot.edges.github.branch import Head, Proposal, checked_branch, push
from bot.edges.github.calls import Answered
from bot.edges.github.comments import Comments
from bot.edges.github.connection import ANSWER, TIMEOUT, Api
from bot.edges.github.installations import Installations
from bot.edges.github.line import GONE, Home, Line, Loose
from bot.edges.github.ownership import checked_paths
from bot.edges.github.pace import Meter
from bot.edges.github.pulls import Pulls, own
from bot.edges.github.standing import Threads
from bot.edges.github.tokens import FixedToken, Queued, TokenSource
from bot.errors import Code, Refusal, Refused
from bot.model.changes import ChangeSet
from bot.model.command import RepoTarget, ThreadRef
from bot.model.outcome import OpenPull, PullRequest
from bot.ports import Clock, Permission, PullText, Reaction, Standing

_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?")
_MINIMUM_SECRET = 20


class GitHubForge:
    """The one edge to GitHub: PyGithub's REST calls and one git push."""

    def __init__(
        self,
        *,
        api_url: str,
        token: SecretStr | TokenSource,
        clock: Clock,
        write_pause: float,
        redact: Callable[[str], str],
        user_agent: str = "ai-provision",
        timeout: int = TIMEOUT,
        answer: float = ANSWER,
        installations: Installations | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._api_url = checked_api(api_url)
        self._tokens: TokenSource = FixedToken(token) if isinstance(token, SecretStr) else token
        self._clock = clock
        self._redact = redact
        api = Api(
            url=self._api_url,
            clock=clock,
            write_pause=write_pause,
            redact=redact,
            meter=meter,
            user_agent=user_agent,
            timeout=timeout,
            answer=answer,
        )
        connection = api.connect(self._tokens)
        self._github, self._line, self._calls = connection.github, connection.line, connection.line.calls
        self._access = Access(self._line, api_url=self._api_url, tokens=self._tokens, installations=installations)
        self._threads = Threads(self._line)
        self._comments = Comments(self._github, calls=self._calls, clock=clock, threads=self._threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._github.close()

    @property
    def redact(self) -> Callable[[str], str]:
        """Takes secrets out of every text that leaves."""
        return self._redact

    @property
    def requester(self) -> Requester:
        """PyGithub's own, for calls that it has no verb for."""
        return self._github.requester

    @property
    def line(self) -> Line:
        """The plain reads through this forge's credential and queue, for what shares both."""
        return self._line

    @property
    def comments(self) -> Comments:
        """What the bot writes in threads, and whose account it is."""
        return self._comments

    @property
    def installation(self) -> int | None:
        """The number of the App's installation that it speaks for, None with a plain token."""
        account = self._tokens.account if isinstance(self._tokens, Queued) else ""
        return int(account) if account.isdecimal() else None

    def readable(self, target: RepoTarget, login: str) -> Refusal | None:
        """Whether this person may have an application's repository read; ``repo-unreachable`` when not."""
        return self._access.readable(target, login)

    def place(self, target: RepoTarget) -> ClonePlace | None:
        """Where git reads an application's repository; see ``Access.place``."""
        return self._access.place(target)

    def permission(self, thread: ThreadRef, login: str) -> Permission:
        """The live permission; ``none`` for strangers, deleted accounts and impossible logins. Fails closed."""
        if not _LOGIN.fullmatch(login):
            return "none"
        path = f"/repos/{checked_name(thread.full_name)}/collaborators/{login}/permission"
        try:
            _, data = self._calls.read(
                "metadata: read",
                lambda: self._github.requester.requestJsonAndCheck("GET", path),
                expect=frozenset({404}),
            )
        except Answered:
            return "none"
        return _permission(data)

    def standing(self, thread: ThreadRef, comment_id: int | None) -> Standing:
        """What has become of the command's thread; two reads, one for a description."""
        return self._threads.standing(thread, comment_id)

    def open_pulls(self, repo: str) -> tuple[OpenPull, ...]:
        """The bot's own open pull requests: its branch, its marker, its account."""
        return own(self._line, repo, is_me=self._comments.is_me)

    def file(self, repo: str, path: str, *, ref: str | None = None) -> str | None:
        """A text file of a branch or commit; None when the repository is visible and the file is not there."""
        if path.startswith("/") or ".." in path.split("/"):
            return None
        name = checked_name(repo) if ref is None else self._line.home(repo)[0].full_name
        where = f"/repos/{name}/contents/{quote(path)}"
        chosen = {} if ref is None else {"ref": ref}
        try:
            answer = self._line.get("contents: read", where, parameters=chosen, expect=GONE, remember=True)
        except Answered:
            self._line.home(name)
            return None
        return None if isinstance(answer.data, list) else _text(answer.read(_CONTENT))

    def react(self, thread: ThreadRef, comment_id: int | None, reaction: Reaction) -> None:
        """Add a reaction. It is a courtesy: a comment that is gone does not stop the work."""
        self._comments.react(thread, comment_id, reaction)

    def say(self, thread: ThreadRef, *, marker: str, body: str) -> str:
        """Create or edit the status comment of the command key ``marker``; returns its URL."""
        mark = hidden(marker, "status")
        text = f"{mark}\n{fitted(self._redact(body), room=LIMIT - 2 - len(mark))}"
        return self._comments.say(thread, mark=mark, body=text)

    def clone_url(self, repo: str) -> str:
        """Where git reads and writes a repository, as the API says, if the token may go there."""
        return checked_clone_url(self._home(repo).clone_url, api_url=self._api_url)

    def default_branch(self, repo: str) -> str:
        """The name of the default branch."""
        return self._home(repo).default_branch

    def web_host(self) -> str:
        """The host (with port) whose addresses belong to this API."""
        return web_host(self._api_url)

    def publish(
        self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText, message: str, when: datetime
    ) -> PullRequest:
        """One branch, one commit, one pull request.

        ``marker`` names who asked (stable for the thread and the application, not for one comment): an open pull
        request with another marker is a conflict. ``when`` dates the commit. Raises Refused (conflict, dup, policy,
        github-auth) or Unavailable.
        """
        checked_paths(changes)
        self._without_secrets(changes)
        home = self._home(repo)
        url = checked_clone_url(home.clone_url, api_url=self._api_url)
        pulls = self._pulls(home)
        place = pulls.place(checked_branch(branch), marker=marker)
        proposal = Proposal(
            branch=place.branch,
            default_branch=home.default_branch,
            changes=changes,
            message=clean(self._redact(message)),
            when=when,
            pull_url=place.open.url if place.open else None,
        )
        head = self._push(proposal, url)
        shown = self._shown(text, marker)
        seen = pulls.edit(place.open, shown) if place.open else pulls.open(place.branch, shown)
        return PullRequest(
            number=seen.number,
            url=seen.url,
            branch=place.branch,
            head_sha=head.sha,
            draft=seen.draft,
            created=place.open is None,
        )

    def _pulls(self, home: Home) -> Pulls:
        return Pulls(
            self._github.get_repo(home.full_name),
            full_name=home.full_name,
            default_branch=home.default_branch,
            calls=self._calls,
            clock=self._clock,
        )

    def _push(self, proposal: Proposal, url: str) -> Head:
        with tempfile.TemporaryDirectory(prefix="ai-provision-") as folder:
            remote = gitrun.Repository(Path(folder), url=url, tokens=self._tokens, redact=self._redact)
            return push(proposal, remote=remote, clock=self._clock)

    def _shown(self, text: PullText, marker: str) -> PullText:
        mark = hidden(marker, "pull")
        body = fitted(self._redact(text.body), room=LIMIT - 3 - len(mark)).rstrip("\n")
        return PullText(title=title_of(self._redact(text.title)), body=f"{body}\n\n{mark}", draft=text.draft)

    def _home(self, repo: str) -> Home:
        """The repository as GitHub knows it now: a renamed one has another name. Raises Refused(github-auth)."""
        return self._line.home(repo)[0]

    def _without_secrets(self, changes: ChangeSet) -> None:
        """The bot's own credential never becomes a file. Raises Refused(policy)."""
        secret = self._tokens.token().get_secret_value()
        for file in changes.files:
            if len(secret) >= _MINIMUM_SECRET and secret in file.content:
                raise Refused(
                    Refusal(
                        code=Code.POLICY,
                        message=f"Nothing was written: `{file.path}` would hold a credential of the bot.",
                        remedy="Take the credential out of the description and the repository, and replace it.",
                    )
                )


class _Content(Loose):
    type: str
    path: str
    encoding: str | None = None
    content: str | None = None


_CONTENT = TypeAdapter(_Content)


def _permission(data: object) -> Permission:
    """``role_name`` when it is one of GitHub's own roles, else the base permission under a custom role."""
    facts = data if isinstance(data, dict) else {}
    for value in (facts.get("role_name"), facts.get("permission")):
        if value in get_args(Permission):
            return cast("Permission", value)
    return "none"


def _text(found: _Content) -> str | None:
    if found.type != "file":
        return None
    if found.encoding != "base64":
        raise Refused(
            Refusal(
                code=Code.READ_LIMITS,
                message=f"`{found.path}` of the infrastructure repository is larger than 1 MB.",
                remedy="Make the file smaller.",
            )
        )
    return base64.b64decode(found.content or "").decode("utf-8", "replace")
