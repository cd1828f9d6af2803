"""``ai-provision serve`` as a process of its own: signed webhooks in, pull requests out, and an orderly end."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
import requests
from typer.testing import CliRunner

from bot.cli import cli
from bot.demo import INFRA
from bot.edges.clock import RealClock
from bot.emulators.github import GitHubEmulator
from bot.emulators.github.hooks import sign
from tests.fakes.house import EXAMPLES

SECRET = "It's a Secret to Everybody"
PATIENCE = 60.0
ORDERS = {
    "Dockerfile": 'FROM python:3.12-slim\nEXPOSE 8000\nCMD ["uvicorn", "app:app", "--port", "8000"]\n',
    "requirements.txt": "fastapi\nuvicorn\n",
    "app.py": 'from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/healthz")\ndef health():\n    return {}\n',
}
COMMENT = '/ai-provision\n\ngit_repo: "https://github.com/myorg/orders"\napp_description: "2000 QPS peak"\n'
CARTS = COMMENT.replace("orders", "carts")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server and the GitHub that it works for."""

    github: GitHubEmulator
    process: subprocess.Popen[bytes]
    url: str

    def issue(self, body: str = "") -> int:
        return self.github.open_issue(INFRA, "ada", title="A place for a service", body=body)

    def ask(self, number: int, text: str = COMMENT, *, login: str = "ada", words: str) -> str:
        """Comment, and wait for the bot's answer below it that holds ``words``."""
        self.github.comment(INFRA, number, login, text)
        return self.answer(number, len(self.github.comments(INFRA, number)), words=words)

    def answer(self, number: int, below: int, *, words: str) -> str:
        def seen() -> str | None:
            said = [comment.body for comment in self.github.comments(INFRA, number)[below - 1 :]]
            return next((body for body in said if words in body), None)

        return wait_for(seen)


def wait_for(look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE
    while (found := look()) is None:
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.03)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(url: str) -> bool | None:
    try:
        return requests.get(f"{url}/healthz", timeout=1).ok or None
    except requests.ConnectionError:
        return None


@contextmanager
def hub(root: Path) -> Iterator[GitHubEmulator]:
    github = GitHubEmulator(root / "github", clock=RealClock())
    github.add_repository("myorg/orders", ORDERS)
    github.add_repository("myorg/carts", ORDERS)
    github.add_repository(INFRA, {".ai-provision.yaml": (EXAMPLES / "ai-provision.yaml").read_text()})
    github.grant(INFRA, "ada", "write")
    github.add_user("ai-provision", kind="Bot")
    github.grant(INFRA, "ai-provision", "write")
    with github.serve():
        yield github


@contextmanager
def running(root: Path, github: GitHubEmulator) -> Iterator[Served]:
    """The server as people start it, on a database that outlives it."""
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}},
        "GITHUB_API_URL": github.base_url,
        "GITHUB_TOKEN": github.add_token("ai-provision"),
        "AI_PROVISION_DATABASE_URL": f"sqlite:///{root}/jobs.sqlite",
        "AI_PROVISION_INFRA_REPO": INFRA,
        "AI_PROVISION_WEBHOOK_SECRET": SECRET,
        "AI_PROVISION_WRITE_PAUSE": "0",
    }
    command = [sys.executable, "-m", "bot", "serve", "--port", url.rpartition(":")[2]]
    with (
        (root / "log").open("ab") as log,
        subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[1], stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(lambda: is_up(url))
            yield Served(github=github, process=process, url=url)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=PATIENCE)


@contextmanager
def serving(root: Path) -> Iterator[Served]:
    with hub(root) as github, running(root, github) as served:
        github.hook(INFRA, f"{served.url}/webhooks/github", SECRET)
        yield served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("serve")) as one:
        yield one


@pytest.mark.long
def test_the_life_of_a_pull_request(served: Served) -> None:
    github, number = served.github, served.issue()
    opened = served.ask(number, words="/pull/")
    pull = github.issue(INFRA, int(re.findall(r"/pull/(\d+)", opened)[0]))
    [branch] = [name for name in github.branches(INFRA) if name != "main"]
    before = github.files(INFRA, ref=branch)

    served.ask(number, COMMENT.replace("2000 QPS", "500 QPS"), words=f"/pull/{pull.number}")
    after = github.files(INFRA, ref=branch)
    assert len(github.pulls(INFRA)) == 1
    assert before.keys() >= {"apps/orders/plan.json"}
    assert before != after, "the same pull request holds the new plan"

    elsewhere = served.ask(served.issue(), words="`conflict`")
    assert f"{pull.number}" in elsewhere

    github.commit(INFRA, branch, {"apps/orders/by-hand.txt": "mine\n"})
    served.ask(number, words="`conflict`")
    assert "apps/orders/by-hand.txt" in github.files(INFRA, ref=branch)

    github.close(INFRA, pull.number)
    served.ask(number, COMMENT.replace("2000 QPS", "700 QPS"), words="`conflict`")
    assert len(github.pulls(INFRA)) == 1


def test_the_description_of_an_issue_is_a_command_and_what_is_none_is_left_alone(served: Served) -> None:
    github = served.github
    quiet, prose, stranger = served.issue(), served.issue("We need /ai-provision here"), served.issue()
    edited = json.dumps(payload(quiet, CARTS, action="edited")).encode()
    robot = json.dumps(payload(quiet, CARTS, kind="Bot")).encode()
    assert [post(served, body) for body in (edited, robot)] == [202, 202]
    served.ask(stranger, CARTS, login="mallory", words="`forbidden`")

    number = served.issue(CARTS)
    served.answer(number, 1, words="/pull/")
    assert len([pull for pull in github.pulls(INFRA) if "carts" in pull.title]) == 1
    assert (github.comments(INFRA, quiet), github.comments(INFRA, prose)) == ((), ())


def test_a_delivery_counts_once_and_only_when_it_is_signed(served: Served) -> None:
    number = served.issue()
    served.ask(number, "/ai-help", words="git_repo")
    said = served.github.comments(INFRA, number)[0]
    body = json.dumps(payload(number, "/ai-help", comment=said.id)).encode()
    forged = post(served, body, signature=sign("another secret", body))
    assert (forged, post(served, body, signature="")) == (401, 401)
    assert [post(served, body, delivery="once") for _ in range(5)] == [202] * 5
    served.ask(number, "/ai-help", words="git_repo")
    assert len(served.github.comments(INFRA, number)) == 4, "two commands, two answers"


@pytest.mark.long
def test_a_server_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    with hub(tmp_path) as github:
        with running(tmp_path, github) as served:
            github.hook(INFRA, f"{served.url}/webhooks/github", SECRET)
            number = served.issue(CARTS)
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(timeout=PATIENCE) == 0, (tmp_path / "log").read_text()
        with running(tmp_path, github) as again:
            again.answer(number, 1, words="/pull/")
        assert len(github.pulls(INFRA)) == 1


def test_a_server_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    with hub(tmp_path) as github:
        with running(tmp_path, github) as served:
            github.hook(INFRA, f"{served.url}/webhooks/github", SECRET)
            number = served.issue(CARTS)
            wait_for(lambda: github.comments(INFRA, number) or None)
            served.process.kill()
            served.process.wait(timeout=PATIENCE)
        with running(tmp_path, github) as again:
            again.answer(number, 1, words="/pull/")
        assert (len(github.pulls(INFRA)), len(github.comments(INFRA, number))) == (1, 1)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """A server inside this process sets up uvicorn's loggers for a stderr that the test runner closes again."""
    logger = logging.getLogger("uvicorn")
    handlers, propagate = logger.handlers[:], logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate


@pytest.mark.usefixtures("own_logging")
def test_a_taken_port_is_a_refusal(served: Served) -> None:
    environment = {"AI_PROVISION_WEBHOOK_SECRET": SECRET, "GITHUB_TOKEN": "unused", "KUBECONFIG": ""}
    port = served.url.rpartition(":")[2]
    before = signal.getsignal(signal.SIGTERM)
    done = CliRunner().invoke(cli, ["serve", "--format", "json", "--port", port], env=environment)
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "config")
    assert signal.getsignal(signal.SIGTERM) is before


def post(served: Served, body: bytes, *, signature: str | None = None, delivery: str = "") -> int:
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": delivery or str(time.monotonic_ns()),
        "X-Hub-Signature-256": sign(SECRET, body) if signature is None else signature,
    }
    return requests.post(f"{served.url}/webhooks/github", data=body, headers=headers, timeout=PATIENCE).status_code


def payload(
    number: int, text: str, *, action: str = "created", kind: str = "User", comment: int = 999
) -> Mapping[str, object]:
    ada = {"login": "ada", "id": 7, "type": kind}
    at = "2026-01-02T03:04:05Z"
    owner, name = INFRA.split("/")
    return {
        "action": action,
        "sender": ada,
        "repository": {"name": name, "owner": {"login": owner}},
        "issue": {"id": 1, "number": number, "created_at": at, "user": ada},
        "comment": {"id": comment, "body": text, "created_at": at, "user": ada},
    }
