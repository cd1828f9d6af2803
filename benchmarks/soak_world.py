"""The other side of the soak: GitHub on a bad day, people who comment, two clusters; all on loopback, in this process.

In: a seed, how many installations, the share of bad answers. Out: commands given by signed webhooks, and what became of
them. Never: a fault that GitHub does not have; a comment that is not in the emulated GitHub.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import requests
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.demo import examples
from bot.edges.clock import RealClock
from bot.emulators.github import GitHubEmulator, hooks
from bot.emulators.github.apps import NewApp
from bot.emulators.kubernetes import KubernetesEmulator
from bot.emulators.loopback import Loopback
from bot.emulators.proxmox import ProxmoxEmulator

SECRET: Final = "soak-webhook-secret"  # noqa: S105 - guards an emulator on this computer
READER: Final = "ai-provision@pve!survey"
APPLICATIONS: Final = ("orders", "carts", "invoices")
_THREAD: Final = 10
"""Commands in one thread; then people open another one."""
_FILES: Final = {
    "Dockerfile": 'FROM python:3.12-slim\nEXPOSE 8000\nCMD ["uvicorn", "app:app", "--port", "8000"]\n',
    "requirements.txt": "fastapi\nuvicorn\n",
    "app.py": 'from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/healthz")\ndef up():\n    return {}\n',
}
_SECONDARY: Final = {"message": "You have exceeded a secondary rate limit. Please wait before you try again."}
_REST: Final = ("500", "502", "403 secondary limit", "429", "reset", "reset after the call took effect")
_GIT: Final = ("500", "502", "reset")


@dataclass(frozen=True, kw_only=True)
class Given:
    """One command as a person wrote it. ``at`` is in epoch seconds, ``ack`` in seconds."""

    repo: str
    thread: int
    comment: int
    kind: str
    at: float
    ack: float


@dataclass
class Home:
    """One installation: its repository, its person, the thread they write in and how often they did."""

    repo: str
    login: str
    thread: int = 0
    said: int = 0
    provisions: int = 0


class BadDays:
    """The emulator behind a line on which a share of the calls goes wrong."""

    def __init__(self, inner: ASGIApp, *, share: float, seed: int) -> None:
        self._inner = inner
        self._random = random.Random(seed)  # noqa: S311 - the same faults on every run
        self.share = share
        self.happened: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._random.random() >= self.share:
            await self._inner(scope, receive, send)
            return
        fault = self._random.choice(_GIT if ".git/" in scope["path"] else _REST)
        self.happened[fault] += 1
        if fault.startswith("reset"):
            await self._reset(scope, receive, send, processed="after" in fault)
        else:
            await self._refused(fault, send)

    async def _refused(self, fault: str, send: Send) -> None:
        wait = str(self._random.randint(1, 3)).encode()
        limit = fault[:3] in {"403", "429"}
        body = json.dumps(_SECONDARY).encode() if limit else b"<html>Unicorn!</html>"
        kind = b"application/json; charset=utf-8" if limit else b"text/html"
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        if limit:
            headers.append((b"retry-after", wait))
        await send({"type": "http.response.start", "status": int(fault[:3]), "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _reset(self, scope: Scope, receive: Receive, send: Send, *, processed: bool) -> None:
        """The connection ends in the middle of an answer, with or without an effect of the call."""
        if processed:
            await self._inner(scope, receive, _swallow)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id"', "more_body": True})


async def _swallow(_message: Message) -> None:
    """The answer that nobody gets."""


@dataclass
class World:
    """GitHub with its installations, and the clusters' addresses for the environment of the service."""

    github: GitHubEmulator
    line: BadDays
    app: NewApp
    homes: list[Home]
    clusters: Mapping[str, str]
    share_twice: float
    random: random.Random
    given: list[Given] = field(default_factory=list)
    twice: Counter[str] = field(default_factory=Counter)
    unacknowledged: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def give(self, number: int, *, provision: bool) -> None:
        """One command by the person of one installation, in turn; some deliveries arrive twice."""
        with self.lock:
            kind, text, home, thread = self._next(number, provision=provision)
            again = self.random.random() < self.share_twice
            same = self.random.random() < 0.5
        began = time.time()
        comment = self.github.comment(home.repo, thread, home.login, text)
        took = time.time() - began
        with self.lock:
            self.given.append(Given(repo=home.repo, thread=thread, comment=comment, kind=kind, at=began, ack=took))
        self._repeat(comment, again=again, same=same)

    def _next(self, number: int, *, provision: bool) -> tuple[str, str, Home, int]:
        home = self.homes[number % len(self.homes)]
        if provision:
            name = APPLICATIONS[home.provisions % len(APPLICATIONS)]
            home.provisions += 1
            peak = self.random.randint(100, 2000)
            text = f'/ai-provision\n\ngit_repo: "https://github.com/shops/{name}"\napp_description: "{peak} QPS peak"\n'
            return "provision", text, home, self.github.open_issue(home.repo, home.login, title=f"A place for {name}")
        if home.said % _THREAD == 0:
            home.thread = self.github.open_issue(home.repo, home.login, title="Questions")
        home.said += 1
        kind, text = self.random.choices(
            [
                ("help", "/ai-help"),
                ("status", "/ai-status"),
                ("wrong", '/ai-provision\n\ngit_repo: "https://github.com/"\n'),
            ],
            weights=(45, 30, 25),
        )[0]
        return kind, text, home, home.thread

    def _repeat(self, comment: int, *, again: bool, same: bool) -> None:
        """The delivery once more: as GitHub redelivers it, or under a new id, as a poll finds it."""
        attempt = next(
            one
            for one in reversed(self.github.apps.attempts)
            if one.event == "issue_comment" and one.payload["comment"]["id"] == comment
        )
        if not 200 <= attempt.code < 300:
            with self.lock:
                self.unacknowledged += 1
        hook = attempt.app.hook
        if again and hook is not None:
            guid = attempt.guid if same else None
            with suppress(requests.RequestException):
                hooks.send(hook.url, attempt.event, attempt.payload, secret=SECRET, delivery=guid, target="integration")
                self.twice["same delivery id" if same else "new delivery id"] += 1


@contextmanager
def world(root: Path, *, installations: int, faults: float, twice: float, seed: int) -> Iterator[World]:
    """Everything that the service speaks to, while the context lasts."""
    with ExitStack() as stack:
        github = GitHubEmulator(root / "github", clock=RealClock())
        line = BadDays(github.app, share=faults, seed=seed)
        github.base_url = stack.enter_context(Loopback(line)).url
        for name in APPLICATIONS:
            github.add_repository(f"shops/{name}", _FILES)
        app = github.apps.create()
        homes = [_home(github, app, number) for number in range(installations)]
        yield World(
            github=github,
            line=line,
            app=app,
            homes=homes,
            clusters=_clusters(root, stack),
            share_twice=twice,
            random=random.Random(seed),  # noqa: S311 - the same commands on every run
        )


def _home(github: GitHubEmulator, app: NewApp, number: int) -> Home:
    repo, login = f"team-{number:03d}/infrastructure", f"ada-{number:03d}"
    config = (examples() / "ai-provision.yaml").read_text()
    github.add_repository(repo, {"README.md": "# Infrastructure\n", ".ai-provision.yaml": config}, private=True)
    github.grant(repo, login, "write")
    github.apps.install(app.id, repo)
    return Home(repo, login)


def _clusters(root: Path, stack: ExitStack) -> dict[str, str]:
    proxmox = ProxmoxEmulator.from_file(examples() / "proxmox-api.json", tokens={READER: "soak"})
    kubernetes = KubernetesEmulator.from_file(examples() / "kubernetes-api.json")
    kubeconfig = root / "kubeconfig.json"
    kubeconfig.write_text(kubernetes.kubeconfig(stack.enter_context(Loopback(kubernetes.app)).url))
    return {
        "PROXMOX_VE_ENDPOINT": stack.enter_context(Loopback(proxmox.app)).url,
        "PROXMOX_VE_API_TOKEN": f"{READER}=soak",
        "KUBECONFIG": str(kubeconfig),
    }
