"""Real git against the emulator: clone, partial clone, push, refusals, pull requests, merges, webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.emulators.github import GitHubEmulator, sign
from bot.emulators.loopback import Loopback
from tests.fakes.clock import StoppedClock

REPO = "acme/infra"


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHubEmulator]:
    emulator = GitHubEmulator(tmp_path_factory.mktemp("github"), clock=StoppedClock())
    emulator.add_repository(REPO, {"README.md": "infra\n", "big": "z" * 5_000}, private=True)
    emulator.grant(REPO, "writer", "write")
    emulator.grant(REPO, "reader", "read")
    for login in ("writer", "reader", "stranger"):
        emulator.add_token(login, token=f"token-of-{login}")
    with emulator.serve():
        yield emulator


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
        **{f"GIT_{role}_{key}": "x@example.invalid" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")},
    }
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, check=False, text=True, env=environment, timeout=30)


def address(github: GitHubEmulator, login: str | None, repo: str = REPO) -> str:
    who = f"x-access-token:token-of-{login}@" if login else ""
    return github.base_url.replace("://", f"://{who}") + f"/{repo}.git"


def test_a_partial_clone_leaves_files_out(github: GitHubEmulator, tmp_path: Path) -> None:
    url = address(github, "reader")
    done = git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", "--filter=blob:none", url, "c")
    assert done.returncode == 0, done.stderr
    listed = git(tmp_path / "c", "rev-list", "--objects", "--all", "--missing=print").stdout
    assert sum(line.startswith("?") for line in listed.splitlines()) == 2


@pytest.mark.parametrize(
    ("login", "words"),
    [(None, "could not read Username"), ("stranger", "not found"), ("nobody", "Authentication failed")],
)
def test_a_private_repository_is_not_shown(
    github: GitHubEmulator, tmp_path: Path, login: str | None, words: str
) -> None:
    done = git(tmp_path, "clone", address(github, login), "c")
    assert done.returncode
    assert words in done.stderr


def test_push_needs_write_access(github: GitHubEmulator, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", address(github, "writer"), "c")
    (tmp_path / "c" / "new.txt").write_text("n" * 2_000_000)
    git(tmp_path / "c", "add", "new.txt")
    git(tmp_path / "c", "commit", "--quiet", "-m", "new")
    refused = git(tmp_path / "c", "push", address(github, "reader"), "HEAD:refs/heads/mine")
    assert "403" in refused.stderr
    assert git(tmp_path / "c", "push", "--quiet", "origin", "HEAD:refs/heads/mine").returncode == 0
    assert len(github.file(REPO, "new.txt", ref="mine") or "") == 2_000_000


def test_the_same_files_have_the_same_commit(github: GitHubEmulator, tmp_path: Path) -> None:
    (tmp_path / "src" / "a").mkdir(parents=True)
    (tmp_path / "src" / "a" / "x").write_text("x")
    other = GitHubEmulator(tmp_path / "other", clock=StoppedClock())
    github.add_repository("acme/one", tmp_path / "src")
    other.add_repository("acme/two", {"a/x": "x"})
    assert github.branches("acme/one") == other.branches("acme/two") != {}


def test_a_pull_request_from_push_to_merge(github: GitHubEmulator, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", address(github, "writer"), "c")
    (tmp_path / "c" / "README.md").write_text("infra\nmore\n")
    git(tmp_path / "c", "commit", "--quiet", "-am", "more")
    git(tmp_path / "c", "push", "--quiet", "origin", "HEAD:refs/heads/feature")
    headers = {"Authorization": "Bearer token-of-writer"}
    url = f"{github.base_url}/repos/{REPO}/pulls"
    sent = {"title": "More", "head": "feature", "base": "main", "body": "b"}
    made = requests.post(url, json=sent, headers=headers, timeout=10).json()
    again = requests.post(url, json=sent, headers=headers, timeout=10)
    assert again.json()["errors"][0]["message"] == "A pull request already exists for acme:feature."
    diff_headers = {**headers, "Accept": "application/vnd.github.diff"}
    diff = requests.get(made["url"], headers=diff_headers, timeout=10).text
    assert "+more" in diff
    assert diff == github.pull_diff(REPO, made["number"])
    github.merge(REPO, made["number"])
    after = requests.get(made["url"], headers=headers, timeout=10).json()
    assert (after["merged"], after["state"]) == (True, "closed")
    assert github.file(REPO, "README.md") == "infra\nmore\n"
    nothing = requests.post(url, json=sent, headers=headers, timeout=10)
    assert nothing.json()["errors"][0]["message"] == "No commits between main and feature"
    assert github.pull_diff(REPO, made["number"]) == diff


class Listener:
    """Receives webhooks."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.app = Starlette(routes=[Route("/hook", self._hear, methods=["POST"])])

    async def _hear(self, request: Request) -> Response:
        self.heard.append((dict(request.headers), await request.body()))
        return Response(status_code=202)


def test_a_comment_is_announced_with_a_signature(github: GitHubEmulator) -> None:
    listener = Listener()
    with Loopback(listener.app) as server:
        github.add_repository("acme/hooked", {"a": "b"})
        github.hook("acme/hooked", f"{server.url}/hook", "s3cret-of-the-hook")
        number = github.open_issue("acme/hooked", "alice", title="t", body="b")
        comment = github.comment("acme/hooked", number, "alice", "/ai-provision ü")
    (_, opened), (headers, body) = listener.heard
    assert json.loads(opened)["action"] == "opened"
    expected = hmac.new(b"s3cret-of-the-hook", body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={expected}"
    assert (headers["x-github-event"], headers["content-type"]) == ("issue_comment", "application/json")
    payload = json.loads(body)
    assert payload["comment"]["id"] == comment
    assert payload["comment"]["body"] == "/ai-provision ü"
    assert payload["issue"]["number"] == number
    assert payload["repository"]["full_name"] == "acme/hooked"
    assert payload["sender"]["type"] == "User"
    assert "pull_request" not in payload["issue"]


def test_the_documented_signature() -> None:
    value = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign("It's a Secret to Everybody", b"Hello, World!") == value


def test_a_delivery_may_be_sent_again_with_its_id(github: GitHubEmulator) -> None:
    listener = Listener()
    with Loopback(listener.app) as server:
        for _ in range(2):
            status = github.deliver(f"{server.url}/hook", "ping", {"zen": "x"}, secret="s", delivery="one-id")
            assert status == 202
    assert [headers["x-github-delivery"] for headers, _ in listener.heard] == ["one-id", "one-id"]


def test_loopback_listens_on_this_computer_alone_and_leaves_nothing() -> None:
    before = threading.active_count()
    with Loopback(Listener().app) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert requests.get(f"{server.url}/none", timeout=5).status_code == 404
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=2)
    assert threading.active_count() <= before


def test_an_application_that_does_not_start_is_an_error() -> None:
    async def broken(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError), Loopback(broken):
        pass
