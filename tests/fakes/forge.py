"""The port ``Forge`` in memory: the same rules as the GitHub edge, no HTTP, no git."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from bot.edges.github.bodies import LIMIT, fitted, hidden, key_of, title_of
from bot.edges.github.ownership import checked_paths
from bot.errors import Code, Refusal, Refused
from bot.model.additions import Additions
from bot.model.changes import ChangeSet
from bot.model.command import Delivery, RepoTarget, ThreadRef
from bot.model.order import digest
from bot.model.outcome import OpenPull, PullRequest
from bot.ports import Permission, PullText, Reaction, Standing


@dataclass
class FakeComment:
    """One comment of a thread."""

    id: int
    body: str
    ours: bool


@dataclass
class FakePull:
    """One pull request."""

    number: int
    branch: str
    title: str
    body: str
    draft: bool
    state: Literal["open", "declined", "merged"] = "open"
    ours: bool = True
    fork: bool = False


@dataclass
class FakeBranch:
    """One branch: its files, and whether the bot made its head."""

    files: dict[str, str]
    ours: bool = True
    generation: int = 0

    @property
    def sha(self) -> str:
        """Same files and base, same id."""
        return hashlib.sha1(json.dumps([self.generation, self.files], sort_keys=True).encode()).hexdigest()  # noqa: S324


@dataclass
class FakeThread:
    """An issue or pull request as people left it."""

    description: str = ""
    closed: bool = False
    locked: bool = False
    fork: bool = False


@dataclass
class FakeForge:
    """A forge in memory. ``host`` is where its addresses point; ``at`` its clock.

    ``threads`` and ``words`` (comments by thread and id) are what ``standing`` reads; ``hear`` fills both from a
    delivery. ``private`` repositories of other people are read by those in ``readers`` (``owner/name``, login).
    """

    host: str = "github.com"
    permissions: dict[tuple[str, str], Permission] = field(default_factory=dict)
    branches: dict[tuple[str, str], FakeBranch] = field(default_factory=dict)
    reactions: dict[tuple[str, int, int | None], list[Reaction]] = field(default_factory=dict)
    comments: dict[tuple[str, int], list[FakeComment]] = field(default_factory=dict)
    pulls: dict[str, list[FakePull]] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    pushes: int = 0
    redact: Callable[[str], str] = str
    main: str = "main"
    threads: dict[tuple[str, int], FakeThread] = field(default_factory=dict)
    words: dict[tuple[str, int, int], str] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    readers: set[tuple[str, str]] = field(default_factory=set)
    at: datetime | None = None

    def hear(self, delivery: Delivery) -> Delivery:
        """What a delivery says stands in its thread from now on."""
        where = (delivery.thread.full_name, delivery.thread.number)
        thread = self.threads.setdefault(where, FakeThread())
        if delivery.comment_id is None:
            thread.description = delivery.body
        else:
            self.words[*where, delivery.comment_id] = delivery.body
        self.at = max(self.at or delivery.created_at, delivery.created_at)
        return delivery

    def standing(self, thread: ThreadRef, comment_id: int | None) -> Standing:
        where = (thread.full_name, thread.number)
        now, seen = self.at or datetime(2026, 3, 1, 12, tzinfo=UTC), self.threads.get(where)
        if seen is None:
            return Standing(body_digest=None, closed=True, locked=False, fork=False, now=now)
        body = seen.description if comment_id is None else self._words(where, comment_id)
        return Standing(
            body_digest=None if body is None else digest(body),
            closed=seen.closed,
            locked=seen.locked,
            fork=thread.is_pull and seen.fork,
            now=now,
        )

    def _words(self, where: tuple[str, int], comment_id: int) -> str | None:
        said = [item.body for item in self.comments.get(where, []) if item.id == comment_id]
        return self.words.get((*where, comment_id), said[0] if said else None)

    def readable(self, target: RepoTarget, login: str) -> Refusal | None:
        name = f"{target.owner}/{target.name}"
        if name not in self.private or (name, login) in self.readers:
            return None
        return Refusal(code=Code.REPO_UNREACHABLE, message="The repository cannot be read.", remedy="Check its URL.")

    def open_pulls(self, repo: str) -> tuple[OpenPull, ...]:
        return tuple(
            OpenPull(
                number=pull.number,
                url=f"https://{self.host}/{repo}/pull/{pull.number}",
                branch=pull.branch,
                head_sha=self.branches[repo, pull.branch].sha,
                key=key_of(pull.body, "pull"),
            )
            for pull in self.pulls.get(repo, [])
            if pull.state == "open" and pull.ours and not pull.fork and pull.branch.startswith("ai-provision/")
            and key_of(pull.body, "pull")
        )  # fmt: skip

    def permission(self, thread: ThreadRef, login: str) -> Permission:
        return self.permissions.get((thread.full_name, login), "none")

    def file(self, repo: str, path: str, *, ref: str | None = None) -> str | None:
        base = self._base(repo)
        found = base if ref is None else self.branches.get((repo, ref)) or self._at(repo, ref)
        return found.files.get(path) if found else None

    def _at(self, repo: str, sha: str) -> FakeBranch | None:
        return next((branch for (name, _), branch in self.branches.items() if name == repo and branch.sha == sha), None)

    def react(self, thread: ThreadRef, comment_id: int | None, reaction: Reaction) -> None:
        given = self.reactions.setdefault((thread.full_name, thread.number, comment_id), [])
        self.writes.append("react")
        if reaction not in given:
            given.append(reaction)

    def say(self, thread: ThreadRef, *, marker: str, body: str) -> str:
        mark = hidden(marker, "status")
        text = f"{mark}\n{fitted(self.redact(body), room=LIMIT - 2 - len(mark))}"
        comments = self.comments.setdefault((thread.full_name, thread.number), [])
        found = next((item for item in comments if item.ours and item.body.startswith(mark)), None)
        if found is None:
            found = FakeComment(1_000 + sum(map(len, self.comments.values())), text, ours=True)
            comments.append(found)
            self.writes.append("comment")
        elif found.body != text:
            found.body = text
            self.writes.append("edit comment")
        return f"https://{self.host}/{thread.full_name}/issues/{thread.number}#issuecomment-{found.id}"

    def publish(
        self, repo: str, *, branch: str, marker: str, changes: ChangeSet, text: PullText, message: str, when: datetime
    ) -> PullRequest:
        checked_paths(changes)
        name, pull = self._place(repo, branch, marker)
        sha = self._push(repo, name, changes)
        body = f"{fitted(self.redact(text.body)).rstrip()}\n\n{hidden(marker, 'pull')}"
        title, created = title_of(self.redact(text.title)), pull is None
        if pull is None:
            pull = FakePull(self._next(repo), name, title, body, text.draft)
            self.pulls.setdefault(repo, []).append(pull)
            self.writes.append("pull")
        elif (pull.title, pull.body) != (title, body):
            pull.title, pull.body = title, body
            self.writes.append("edit pull")
        url = f"https://{self.host}/{repo}/pull/{pull.number}"
        return PullRequest(number=pull.number, url=url, branch=name, head_sha=sha, draft=pull.draft, created=created)

    def clone_url(self, repo: str) -> str:
        return f"https://{self.host}/{repo}.git"

    def default_branch(self, repo: str) -> str:
        return self.main

    def web_host(self) -> str:
        return self.host

    def _base(self, repo: str) -> FakeBranch:
        return self.branches.setdefault((repo, self.main), FakeBranch({}, ours=False))

    def _next(self, repo: str) -> int:
        threads = [number for name, number in self.comments if name == repo]
        return max([*threads, *(pull.number for pull in self.pulls.get(repo, []))], default=0) + 1

    def _url(self, repo: str, pull: FakePull) -> str:
        return f"https://{self.host}/{repo}/pull/{pull.number}"

    def _place(self, repo: str, branch: str, marker: str) -> tuple[str, FakePull | None]:
        generation, name = 1, branch
        while True:
            pulls = [pull for pull in self.pulls.get(repo, []) if pull.branch == name]
            if not pulls:
                return name, None
            if pulls[-1].state == "declined":
                raise _refused(Code.CONFLICT, f"{pulls[-1].number} was declined", link=self._url(repo, pulls[-1]))
            if pulls[-1].state == "open":
                if key_of(pulls[-1].body, "pull") not in {None, marker}:
                    raise _refused(Code.CONFLICT, "it belongs to another request", link=self._url(repo, pulls[-1]))
                return name, pulls[-1]
            generation += 1
            name = f"{branch}-{generation}"

    def _push(self, repo: str, name: str, changes: ChangeSet) -> str:
        base, old = self._base(repo), self.branches.get((repo, name))
        if old is not None and not old.ours:
            raise _refused(Code.CONFLICT, "a person's commit is on the branch")
        if isinstance(changes, Additions):
            _check_additions(changes, base.files)
        else:
            for files in (base.files, old.files if old else {}):
                _check_folder(changes, files)
        kept = {path: text for path, text in base.files.items() if not path.startswith(changes.root + "/")}
        new = {**kept, **{file.path: file.content for file in changes.files}}
        if new == base.files:
            raise _refused(Code.DUP, "the default branch already holds exactly this plan")
        if old is None or old.files != new:
            self.branches[repo, name] = FakeBranch(new)
            self.pushes += 1
        return self.branches[repo, name].sha


def _check_additions(changes: Additions, files: dict[str, str]) -> None:
    for file in changes.files:
        if any(path == file.path or file.path.startswith(path + "/") for path in files):
            raise _refused(Code.CONFLICT, f"{file.path} is there already")


def _check_folder(changes: ChangeSet, files: dict[str, str]) -> None:
    inside = [path for path in files if path.startswith(changes.root + "/")]
    if inside:
        memory, ours = files.get(f"{changes.root}/plan.json"), changes.content(f"{changes.root}/plan.json")
        if memory is None or (ours is not None and _git_repo(memory) != _git_repo(ours)):
            raise _refused(Code.CONFLICT, "the folder belongs to somebody else")


def _git_repo(plan: str) -> str:
    return str(json.loads(plan)["request"]["git_repo"]).lower()


def _refused(code: Code, message: str, *, link: str | None = None) -> Refused:
    return Refused(Refusal(code=code, message=message, remedy="See the pull request.", link=link))
