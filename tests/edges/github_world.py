"""The emulated GitHub with the real edge before it, and the fake, as one kind of world for the contract."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.edges.github import GitHubForge, TokenSource
from bot.emulators.github import GitHubEmulator
from bot.emulators.loopback import Loopback
from bot.model.command import ThreadRef
from bot.ports import Permission
from bot.rendering.redaction import redactor
from tests.edges.forge_contract import INFRA
from tests.fakes.clock import StoppedClock
from tests.fakes.forge import FakeBranch, FakeComment, FakeForge, FakePull, FakeThread

TOKEN = "ghs_4242_eyJhbGciOiJSUzI1NiJ9." + "tOkEn-0_" * 60
BOT = "provision-bot"


class EmulatedWorld:
    """GitHub's edge on the emulator."""

    def __init__(self, github: GitHubEmulator, url: str, clock: StoppedClock, **settings: float) -> None:
        self.github, self.url, self.clock = github, url, clock
        self.forge = self.another(**settings)

    def another(self, *, write_pause: float = 0.0, timeout: int = 5, token: str | TokenSource = TOKEN) -> GitHubForge:
        """A second process: nothing remembered."""
        return GitHubForge(
            api_url=self.url,
            token=SecretStr(token) if isinstance(token, str) else token,
            clock=self.clock,
            write_pause=write_pause,
            redact=redactor([TOKEN]),
            user_agent="tests",
            timeout=timeout,
        )

    def grant(self, login: str, role: str) -> None:
        self.github.grant(INFRA, login, cast("Permission", role))

    def thread(self) -> ThreadRef:
        number = self.github.open_issue(INFRA, "alice", title="Please")
        owner, repo = INFRA.split("/")
        return ThreadRef(owner=owner, repo=repo, number=number)

    def human_comment(self, thread: ThreadRef, body: str) -> int:
        return self.github.comment(INFRA, thread.number, "alice", body)

    def comments(self, thread: ThreadRef) -> list[str]:
        return [item.body for item in self.github.comments(INFRA, thread.number)]

    def reactions(self, thread: ThreadRef, comment_id: int) -> list[str]:
        found = next(item for item in self.github.comments(INFRA, thread.number) if item.id == comment_id)
        return [item.content for item in found.reactions]

    def edit_comment(self, thread: ThreadRef, comment_id: int, body: str) -> None:
        self.github.edit_comment(INFRA, comment_id, "alice", body)

    def delete_comment(self, thread: ThreadRef, comment_id: int) -> None:
        self.github.delete_comment(INFRA, comment_id)

    def describe(self, thread: ThreadRef, body: str) -> None:
        self.github.edit_description(INFRA, thread.number, body)

    def shut(self, thread: ThreadRef) -> None:
        self.github.close(INFRA, thread.number)

    def lock(self, thread: ThreadRef) -> None:
        self.github.lock(INFRA, thread.number)

    def fork_thread(self) -> ThreadRef:
        return self.pull_thread(self.github.fork_pull(INFRA, "mallory"))

    def pull_thread(self, number: int) -> ThreadRef:
        owner, repo = INFRA.split("/")
        return ThreadRef(owner=owner, repo=repo, number=number, is_pull=True)

    def pull_of_a_person(self, branch: str, body: str) -> None:
        self.github.commit(INFRA, branch, {"mine.txt": "mine\n"})
        self.github.open_pull(INFRA, "alice", head=branch, body=body)

    def pull_of_a_fork(self, branch: str, body: str) -> None:
        self.github.fork_pull(INFRA, "mallory", branch=branch, body=body)

    def commit(self, branch: str, path: str, content: str) -> None:
        self.github.commit(INFRA, branch, {path: content})

    def files(self, branch: str) -> dict[str, str]:
        return self.github.files(INFRA, ref=branch)

    def pulls(self) -> list[tuple[int, str, str]]:
        return [
            (
                item.number,
                item.pull.head,
                "merged" if item.pull.merged_at else "open" if item.state == "open" else "declined",
            )
            for item in self.github.pulls(INFRA)
            if item.pull
        ]

    def pull_body(self, number: int) -> str:
        return self.github.issue(INFRA, number).body

    def merge(self, number: int) -> None:
        self.github.merge(INFRA, number)

    def close(self, number: int) -> None:
        self.github.close(INFRA, number)

    def reopen(self, number: int) -> None:
        self.github.reopen(INFRA, number)

    def writes(self) -> int:
        return sum(call.writes for call in self.github.calls)

    def pushes(self) -> int:
        return sum(call.pushes for call in self.github.calls)


@contextmanager
def emulated(root: Path, **settings: float) -> Iterator[EmulatedWorld]:
    clock = StoppedClock()
    github = GitHubEmulator(root, clock=clock)
    github.add_repository(INFRA, {"README.md": "infra\n"}, private=True)
    github.grant(INFRA, "alice", "admin")
    github.add_token(BOT, token=TOKEN)
    github.grant(INFRA, BOT, "write")
    with SWITCH.plugged(github) as url:
        world = EmulatedWorld(github, url, clock, **settings)
        with world.forge:
            yield world
    assert github.unknown == ()


class Switch:
    """One server for many emulators, one after the other: starting a server costs more than a test."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._server: Loopback | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        await self._app(scope, receive, send)

    @contextmanager
    def plugged(self, github: GitHubEmulator) -> Iterator[str]:
        if self._server is None:
            self._server = Loopback(self).__enter__()
            atexit.register(self._server.__exit__, None, None, None)
        self._app, github.base_url = github.app, self._server.url
        yield self._server.url


SWITCH = Switch()


class FakeWorld:
    """The fake."""

    def __init__(self) -> None:
        self.forge = FakeForge()
        self._threads = 0
        self.forge.branches[INFRA, "main"] = FakeBranch({"README.md": "infra\n"}, ours=False)

    def grant(self, login: str, role: str) -> None:
        self.forge.permissions[INFRA, login] = cast("Permission", role)

    def thread(self) -> ThreadRef:
        self._threads += 1
        owner, repo = INFRA.split("/")
        self.forge.threads[INFRA, self._threads] = FakeThread()
        return ThreadRef(owner=owner, repo=repo, number=self._threads)

    def edit_comment(self, thread: ThreadRef, comment_id: int, body: str) -> None:
        next(item for item in self.forge.comments[INFRA, thread.number] if item.id == comment_id).body = body

    def delete_comment(self, thread: ThreadRef, comment_id: int) -> None:
        comments = self.forge.comments[INFRA, thread.number]
        comments[:] = [item for item in comments if item.id != comment_id]

    def describe(self, thread: ThreadRef, body: str) -> None:
        self.forge.threads[INFRA, thread.number].description = body

    def shut(self, thread: ThreadRef) -> None:
        self.forge.threads[INFRA, thread.number].closed = True

    def lock(self, thread: ThreadRef) -> None:
        self.forge.threads[INFRA, thread.number].locked = True

    def fork_thread(self) -> ThreadRef:
        thread = self.thread().model_copy(update={"is_pull": True})
        self.forge.threads[INFRA, thread.number].fork = True
        return thread

    def pull_of_a_person(self, branch: str, body: str) -> None:
        self._foreign(FakePull(901, branch, "mine", body, draft=False, ours=False))

    def pull_of_a_fork(self, branch: str, body: str) -> None:
        self._foreign(FakePull(902, branch, "theirs", body, draft=False, fork=True))

    def _foreign(self, pull: FakePull) -> None:
        self.forge.branches[INFRA, pull.branch] = FakeBranch({}, ours=False)
        self.forge.pulls.setdefault(INFRA, []).append(pull)

    def human_comment(self, thread: ThreadRef, body: str) -> int:
        comments = self.forge.comments.setdefault((INFRA, thread.number), [])
        comments.append(FakeComment(len(comments) + 1, body, ours=False))
        return comments[-1].id

    def comments(self, thread: ThreadRef) -> list[str]:
        return [item.body for item in self.forge.comments.get((INFRA, thread.number), [])]

    def reactions(self, thread: ThreadRef, comment_id: int) -> list[str]:
        return list(self.forge.reactions[INFRA, thread.number, comment_id])

    def commit(self, branch: str, path: str, content: str) -> None:
        known = self.forge.branches[INFRA, branch]
        self.forge.branches[INFRA, branch] = FakeBranch({**known.files, path: content}, ours=False)

    def files(self, branch: str) -> dict[str, str]:
        return dict(self.forge.branches[INFRA, branch].files)

    def _pull(self, number: int):
        return next(pull for pull in self.forge.pulls[INFRA] if pull.number == number)

    def pulls(self) -> list[tuple[int, str, str]]:
        return [(pull.number, pull.branch, pull.state) for pull in self.forge.pulls.get(INFRA, [])]

    def pull_body(self, number: int) -> str:
        return self._pull(number).body

    def merge(self, number: int) -> None:
        pull = self._pull(number)
        pull.state = "merged"
        self.forge.branches[INFRA, "main"] = FakeBranch(dict(self.forge.branches[INFRA, pull.branch].files), ours=False)

    def close(self, number: int) -> None:
        self._pull(number).state = "declined"

    def reopen(self, number: int) -> None:
        self._pull(number).state = "open"

    def writes(self) -> int:
        return len(self.forge.writes)

    def pushes(self) -> int:
        return self.forge.pushes
