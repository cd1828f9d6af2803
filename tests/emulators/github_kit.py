"""A repository on the emulated GitHub with two people, a CI job, a listener for webhooks and plain HTTP."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.emulators.github import GitHubEmulator
from bot.emulators.loopback import Loopback
from tests.fakes.clock import StoppedClock

REPO = "acme/infra"
CALLER = ".github/workflows/ai-provision.yml"
WORKFLOW = """
name: Provision
on:
  push: {branches: [main]}
  workflow_dispatch:
    inputs:
      state: {required: true}
"""


class Site:
    """Everything that a test of this folder needs."""

    def __init__(self, root: Path) -> None:
        self.clock = StoppedClock()
        self.github = GitHubEmulator(root, clock=self.clock)
        self.github.add_repository(REPO, {"README.md": "infra\n", "old.txt": "o\n" * 20, CALLER: WORKFLOW})
        for login in ("alice", "bob"):
            self.github.grant(REPO, login, "write")
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.url = ""
        self.alice = self.github.add_token("alice", token="ghp_alice")
        self.bob = self.github.add_token("bob", token="ghp_bob")
        self.job = self.github.ci_token(REPO)

    async def hear(self, request: Request) -> Response:
        self.events.append((request.headers["x-github-event"], json.loads(await request.body())))
        return Response(status_code=202)

    def names(self) -> list[str]:
        """The webhooks that came since the last look."""
        seen, self.events = self.events, []
        return [f"{event}.{payload['action']}" if "action" in payload else event for event, payload in seen]

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.alice}"}
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self.url}/repos/{REPO}{path}"
            return session.request(method, url, json=body, headers=headers, timeout=20)

    def limited(self, **permissions: str) -> str:
        """A token of alice with these permissions alone."""
        return self.github.add_token("alice", permissions={"metadata": "read", **permissions})

    def change(self, branch: str = "feature", login: str = "alice", **files: str) -> int:
        """A pull request with one commit; returns its number."""
        self.github.commit(REPO, branch, files or {"new.txt": "n\n"}, login=login)
        return self.github.open_pull(REPO, login, head=branch, title="Add it")

    def git(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        people = {
            f"GIT_{who}_{key}": "x@example.invalid" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
        }
        settings = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        environment = {**os.environ, **settings, **people}
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, check=False, text=True, env=environment, timeout=30)

    def clone(self, folder: Path, token: str) -> Path:
        """A checkout whose ``origin`` carries a token."""
        where = self.url.replace("://", f"://x-access-token:{token}@")
        self.git(folder, "clone", "--quiet", f"{where}/{REPO}.git", "c")
        return folder / "c"


@contextmanager
def served(root: Path) -> Iterator[Site]:
    """The site on loopback with its listener."""
    site = Site(root)
    with (
        site.github.serve() as url,
        Loopback(Starlette(routes=[Route("/hook", site.hear, methods=["POST"])])) as server,
    ):
        site.url = url
        site.github.hook(REPO, f"{server.url}/hook", "s3cret")
        yield site
    assert site.github.unknown == ()
