"""An in-memory GitHub with real git repositories: seed it, serve it, act in it, look at it.

In: accounts, repositories, words and commits of people. Out: an ASGI application and what became of it. Never: the real
GitHub, a file outside its folder.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
from starlette.types import ASGIApp

from bot.emulators.github import gitstore, hooks
from bot.emulators.github.answers import CallRecord
from bot.emulators.github.apps import Apps
from bot.emulators.github.faults import Faults
from bot.emulators.github.limits import Limits
from bot.emulators.github.maintainers import Maintainers
from bot.emulators.github.server import application
from bot.emulators.github.site import Site
from bot.emulators.github.state import EVERYTHING, PERSON, Comment, Hook, Issue, Repository, Role, Token
from bot.emulators.loopback import Loopback
from bot.ports import Clock


class GitHubEmulator(Maintainers):
    """GitHub on this computer. ``app`` is the ASGI application; ``serve()`` runs it on loopback."""

    def __init__(self, root: Path, *, clock: Clock) -> None:
        self._root = root
        self._site = Site(clock)
        self._lock = threading.RLock()
        self.base_url = "http://127.0.0.1"
        self.apps = Apps(self._site, self._lock, lambda: self.base_url)
        self.app: ASGIApp = application(self._site, self._lock, self._send)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve on loopback; the address is both the API's and the web site's."""
        with Loopback(self.app) as server:
            self.base_url = server.url
            yield server.url

    def _send(self) -> None:
        """Deliver what calls caused; like GitHub, without minding whether anybody listens."""
        while True:
            with self._lock:
                if not self._site.outbox:
                    return
                item = self._site.outbox.pop(0)
            with suppress(requests.RequestException):
                self._announce(item.repo, item.event, item.payload)

    @property
    def faults(self) -> Faults:
        """Planned faults."""
        return self._site.faults

    @property
    def limits(self) -> Limits:
        """The enforced limits."""
        return self._site.limits

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        """Every call that arrived, in order."""
        return tuple(self._site.calls)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Calls of routes that this GitHub does not have."""
        return tuple(self._site.unknown)

    def add_token(
        self,
        login: str,
        *,
        token: str | None = None,
        permissions: Mapping[str, str] | None = None,
        repositories: frozenset[str] | None = None,
    ) -> str:
        """A token of an account; without ``permissions`` it holds those that the product asks for, a person's own one
        (``ghp_…``) everything that a person may do.
        """
        value = token or f"ghs_{secrets.token_urlsafe(40)}"
        usual = PERSON if value.startswith("ghp_") else EVERYTHING
        granted = dict(usual if permissions is None else permissions)
        self._site.world.tokens[value] = Token(self.add_user(login), granted, repositories)
        return value

    def add_repository(
        self,
        full_name: str,
        source: Path | Mapping[str, str],
        *,
        private: bool = False,
        default_branch: str = "main",
    ) -> Repository:
        """A repository with one commit, the same id for the same files everywhere; none when there are no files."""
        path = self._root / f"{full_name}.git"
        gitstore.create(path, default_branch)
        repo = Repository(full_name, self._site.next_id(), path, private, default_branch)
        with self._lock:
            self._site.world.repositories[full_name.lower()] = repo
        texts = source if isinstance(source, Mapping) else {}
        files = gitstore.read_folder(source) if isinstance(source, Path) else _encoded(texts)
        if files:
            gitstore.commit(
                path, default_branch, files, author="Seed <seed@example.invalid>", message="Initial commit\n"
            )
        return repo

    def rename(self, old: str, new: str) -> None:
        """Rename a repository; calls of the old name are redirected."""
        with self._lock:
            repo = self._site.world.repositories.pop(old.lower())
            repo.full_name = new
            self._site.world.repositories[new.lower()] = repo
            self._site.world.renamed[old.lower()] = new

    def grant(self, full_name: str, login: str, role: Role) -> None:
        """Give an account a role."""
        self.add_user(login)
        self._repo(full_name).roles[login.lower()] = role

    def hook(self, full_name: str, url: str, secret: str) -> None:
        """Register a webhook."""
        self._repo(full_name).hooks.append(Hook(url, secret))

    def deliver(
        self, url: str, event: str, payload: Mapping[str, Any], *, secret: str, delivery: str | None = None
    ) -> int:
        """Send one signed webhook; returns the status of the answer."""
        return hooks.send(url, event, payload, secret=secret, delivery=delivery)

    def open_issue(self, full_name: str, login: str, *, title: str, body: str = "") -> int:
        """A person opens an issue; registered webhooks hear of it. Returns its number."""
        repo = self._repo(full_name)
        with self._lock:
            issue = self._site.store_issue(repo, self.add_user(login), title, body)
            payload = hooks.issue_opened(repo, issue, self.base_url)
        self._announce(repo, "issues", payload)
        return issue.number

    def comment(self, full_name: str, number: int, login: str, body: str) -> int:
        """A person comments; registered webhooks hear of it. Returns the comment's id."""
        repo = self._repo(full_name)
        with self._lock:
            issue = repo.issues[number]
            item = self._site.store_comment(issue, self.add_user(login), body)
            payload = hooks.comment_created(repo, issue, item, self.base_url)
        self._announce(repo, "issue_comment", payload)
        return item.id

    def pulls(self, full_name: str) -> tuple[Issue, ...]:
        """Every pull request, oldest first."""
        repo = self._repo(full_name)
        return tuple(issue for issue in repo.issues.values() if self._site.refreshed(repo, issue) is not None)

    def issue(self, full_name: str, number: int) -> Issue:
        """One issue or pull request."""
        return self._repo(full_name).issues[number]

    def comments(self, full_name: str, number: int) -> tuple[Comment, ...]:
        """The comments of a thread, oldest first."""
        return tuple(self._repo(full_name).issues[number].comments)

    def branches(self, full_name: str) -> dict[str, str]:
        """Branch heads by name."""
        return gitstore.branches(self._repo(full_name).path)

    def file(self, full_name: str, path: str, *, ref: str | None = None) -> str | None:
        """A file at a branch (default: the default branch), or None."""
        repo = self._repo(full_name)
        sha = gitstore.ref(repo.path, f"refs/heads/{ref or repo.default_branch}")
        entry = gitstore.entry(repo.path, sha, path) if sha else None
        return gitstore.blob(repo.path, entry[1]).decode("utf-8", "replace") if entry and entry[0] == "blob" else None

    def files(self, full_name: str, *, ref: str | None = None) -> dict[str, str]:
        """Every file of a branch (default: the default branch)."""
        repo = self._repo(full_name)
        sha = gitstore.ref(repo.path, f"refs/heads/{ref or repo.default_branch}")
        return gitstore.texts(repo.path, sha) if sha else {}

    def pull_diff(self, full_name: str, number: int) -> str:
        """What a pull request changes, as a unified diff."""
        repo = self._repo(full_name)
        return self._site.diff(repo, repo.issues[number])


def _encoded(files: Mapping[str, str | None]) -> dict[str, bytes | None]:
    return {name: None if content is None else content.encode() for name, content in files.items()}
