"""A repository with people, CI and the server around it: on the emulated GitHub, and in memory, as one kind of world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import requests
from pydantic import SecretStr

from bot.deploy import Review
from bot.edges.github import GitHubForge, GitHubReview
from bot.emulators.github import GitHubEmulator
from bot.emulators.github.state import JOB
from bot.ports import Permission
from bot.rendering.redaction import redactor
from tests.edges.forge_contract import INFRA
from tests.edges.github_world import SWITCH
from tests.fakes.clock import StoppedClock
from tests.fakes.review import CI, SERVER, FakeComment, FakeHub, FakePull, FakeReview, FakeVote, State, is_bot

SECRET = "correct-horse-battery-staple"
BRANCH = "ai-provision/shop-0123abcd"
OURS = "ai-provision <bot@ai-provision.invalid>"
UNKNOWN = "Somebody Else <somebody@example.invalid>"


class ReviewWorld(Protocol):
    """``ci`` and ``server`` are two accounts of ours; ``weak`` may read alone."""

    ci: Review
    server: Review
    weak: Review
    clock: StoppedClock

    def grant(self, login: str, role: Permission) -> None: ...
    def open(self, branch: str = BRANCH, *, login: str = SERVER, base: str = "main", body: str = "") -> int: ...
    def fork(self, branch: str) -> int: ...
    def commit(self, number: int, login: str | None) -> None: ...
    def vote(self, number: int, login: str, state: State) -> None: ...
    def dismiss(self, number: int, login: str) -> None: ...
    def merge(self, number: int) -> str: ...
    def decline(self, number: int) -> None: ...
    def push(self) -> str: ...
    def head(self, number: int) -> str: ...
    def comment(self, number: int, login: str, body: str) -> None: ...
    def comments(self, number: int) -> list[tuple[str, str]]: ...
    def labels(self, number: int) -> set[str]: ...
    def colors(self) -> dict[str, str]: ...
    def deployments(self) -> list[tuple[str, str, list[tuple[str, str | None, str]]]]: ...
    def pulls(self) -> list[str]: ...
    def writes(self) -> int: ...


class EmulatedReviews:
    """GitHub's edge on the emulator, by a job's token and by the server's."""

    def __init__(self, github: GitHubEmulator, url: str, clock: StoppedClock, stack: ExitStack) -> None:
        self.github, self.url, self.clock = github, url, clock
        self._stack = stack
        self._alice = github.add_token("alice", token="ghp_alice")
        github.allow_jobs(INFRA)
        self.ci = self.seen_by(github.ci_token(INFRA, permissions={**JOB, "contents": "write"}))
        self.server = self.seen_by(github.add_token(SERVER))
        self.weak = self.seen_by(github.ci_token(INFRA, permissions=dict.fromkeys(JOB, "read")))

    def seen_by(self, token: str) -> GitHubReview:
        """What the holder of a token sees; nothing is remembered from before."""
        forge = GitHubForge(
            api_url=self.url,
            token=SecretStr(token),
            clock=self.clock,
            write_pause=0.0,
            redact=redactor([SECRET]),
            user_agent="tests",
            timeout=5,
        )
        return GitHubReview(self._stack.enter_context(forge), clock=self.clock)

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        """A call by alice, an administrator."""
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {self._alice}"}
            answer = session.request(method, f"{self.url}/repos/{INFRA}{path}", json=body, headers=headers, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def grant(self, login: str, role: Permission) -> None:
        self.github.add_user(login, kind="Bot" if is_bot(login) else "User")
        self.github.grant(INFRA, login, role)

    def open(self, branch: str = BRANCH, *, login: str = SERVER, base: str = "main", body: str = "") -> int:
        author = OURS if is_bot(login) else None
        self.github.commit(INFRA, branch, {f"{branch}.txt": "one\n"}, login=login, author=author)
        if base == "main":
            return self.github.open_pull(INFRA, login, head=branch, body=body)
        self.github.branch(INFRA, base, self.github.branches(INFRA)["main"])
        return int(self.rest("POST", "/pulls", {"head": branch, "base": base, "title": "t", "body": body})["number"])

    def fork(self, branch: str) -> int:
        return self.github.fork_pull(INFRA, "mallory", branch=branch)

    def _branch(self, number: int) -> str:
        pull = self.github.issue(INFRA, number).pull
        assert pull is not None
        return pull.head

    def commit(self, number: int, login: str | None) -> None:
        author = UNKNOWN if login is None else None
        name = f"{login}-{len(self.github.calls)}.txt"
        self.github.commit(INFRA, self._branch(number), {name: "more\n"}, login=login or "alice", author=author)

    def vote(self, number: int, login: str, state: State) -> None:
        later(self.clock, seconds=1)
        self.github.review(INFRA, number, login, cast("Literal['approved']", state))

    def dismiss(self, number: int, login: str) -> None:
        rows = self.rest("GET", f"/pulls/{number}/reviews")
        found = next(row["id"] for row in rows if row["user"]["login"] == login)
        self.rest("PUT", f"/pulls/{number}/reviews/{found}/dismissals", {"message": "Too early."})

    def merge(self, number: int) -> str:
        return self.github.merge(INFRA, number)

    def decline(self, number: int) -> None:
        self.github.close(INFRA, number)

    def push(self) -> str:
        return self.github.push_commit(INFRA, "alice", {"direct.txt": "d\n"})

    def head(self, number: int) -> str:
        pull = self.github.issue(INFRA, number).pull
        assert pull is not None
        return pull.head_sha

    def comment(self, number: int, login: str, body: str) -> None:
        self.github.comment(INFRA, number, login, body)

    def comments(self, number: int) -> list[tuple[str, str]]:
        return [(item.account.login, item.body) for item in self.github.comments(INFRA, number)]

    def labels(self, number: int) -> set[str]:
        return {label.name for label in self.github.issue(INFRA, number).labels}

    def colors(self) -> dict[str, str]:
        return {row["name"]: row["color"] for row in self.rest("GET", "/labels?per_page=100")}

    def deployments(self) -> list[tuple[str, str, list[tuple[str, str | None, str]]]]:
        return [
            (
                one.environment,
                one.description or "",
                [(s.state, s.log_url or None, s.description) for s in one.statuses],
            )
            for one in self.github.deployments(INFRA)
        ]

    def pulls(self) -> list[str]:
        return [item.pull.head for item in self.github.pulls(INFRA) if item.pull]

    def writes(self) -> int:
        return sum(call.method != "GET" and not call.path.endswith("-pack") for call in self.github.calls)


@contextmanager
def emulated_reviews(root: Path) -> Iterator[EmulatedReviews]:
    clock = StoppedClock()
    github = GitHubEmulator(root, clock=clock)
    github.add_repository(INFRA, {"README.md": "infra\n"}, private=True)
    github.add_user(SERVER, kind="Bot")
    for login, role in (("alice", "admin"), (SERVER, "write")):
        github.grant(INFRA, login, cast("Permission", role))
    with SWITCH.plugged(github) as url, ExitStack() as stack:
        yield EmulatedReviews(github, url, clock, stack)
    assert github.unknown == ()


class FakeReviews:
    """In memory."""

    def __init__(self) -> None:
        self.hub, self.clock = FakeHub(), StoppedClock()
        redact = redactor([SECRET])
        self.ci = FakeReview(self.hub, CI, redact=redact)
        self.server = FakeReview(self.hub, SERVER, redact=redact)
        self.weak = FakeReview(self.hub, CI, rights=frozenset(), redact=redact)

    def grant(self, login: str, role: Permission) -> None:
        self.hub.roles[INFRA, login] = role

    def _pull(self, number: int) -> FakePull:
        found = self.hub.pull(INFRA, number)
        assert found is not None
        return found

    def open(self, branch: str = BRANCH, *, login: str = SERVER, base: str = "main", body: str = "") -> int:
        return self.hub.open(INFRA, branch, author=login, base=base, body=body).number

    def fork(self, branch: str) -> int:
        pull = self.hub.open(INFRA, branch, author="mallory")
        pull.fork = True
        return pull.number

    def commit(self, number: int, login: str | None) -> None:
        pull = self._pull(number)
        pull.makers.append(login)
        pull.head = self.hub.sha()

    def vote(self, number: int, login: str, state: State) -> None:
        pull = self._pull(number)
        pull.votes.append(FakeVote(login, state, pull.head))

    def dismiss(self, number: int, login: str) -> None:
        next(vote for vote in self._pull(number).votes if vote.login == login).state = "dismissed"

    def merge(self, number: int) -> str:
        return self.hub.merge(self._pull(number), self.clock.now())

    def decline(self, number: int) -> None:
        assert self._pull(number).merged_at is None

    def push(self) -> str:
        return self.hub.sha()

    def head(self, number: int) -> str:
        return self._pull(number).head

    def comment(self, number: int, login: str, body: str) -> None:
        self.hub.comments.setdefault((INFRA, number), []).append(FakeComment(self.hub.next_id(), login, body))

    def comments(self, number: int) -> list[tuple[str, str]]:
        return [(one.login, one.body) for one in self.hub.comments.get((INFRA, number), [])]

    def labels(self, number: int) -> set[str]:
        return set(self._pull(number).labels)

    def colors(self) -> dict[str, str]:
        return dict(self.hub.labels.get(INFRA, {}))

    def deployments(self) -> list[tuple[str, str, list[tuple[str, str | None, str]]]]:
        return [(one.environment, one.description, list(one.states)) for one in self.hub.deployments]

    def pulls(self) -> list[str]:
        return [one.branch for one in self.hub.pulls.get(INFRA, [])]

    def writes(self) -> int:
        return len(self.hub.writes)


def later(clock: StoppedClock, **more: float) -> None:
    """Time goes by."""
    clock.sleep(timedelta(**more).total_seconds())
