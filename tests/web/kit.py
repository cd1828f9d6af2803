"""What the web tests share: signatures, rows, and a request written by hand."""

from __future__ import annotations

import hashlib
import hmac
import socket
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from bot.meters import Meters
from bot.model.command import Actor, Command, Provision, RepoTarget, ThreadRef
from bot.model.job import AuditEntry, Job, JobState
from bot.model.order import Order, digest
from bot.model.outcome import Published
from bot.model.refusal import Refusal
from bot.web import Books, web_app

SECRET = "It's a Secret to Everybody"
OLD = "an older secret"
TOKEN = "a token of more than sixteen"
PATH = "/webhooks/github"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def app(books: Books, *, meters: Meters | None = None, token: str | None = TOKEN, body_seconds: float = 10) -> ASGIApp:
    return web_app(
        books,
        secrets=[SECRET, OLD],
        meters=meters or Meters(),
        api_token=token,
        body_seconds=body_seconds,
        now=lambda: NOW,
    )


def signed(body: bytes, secret: str = SECRET, *, event: str = "issue_comment", delivery: str = "d-1") -> dict[str, str]:
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-Hub-Signature-256": f"sha256={mac}",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "Content-Type": "application/json",
    }


PROVISION = Provision(
    target=RepoTarget(host="github.com", owner="myorg", name="shop"), app_description="a shop, 2000 QPS peak"
)


def job(
    number: int = 1,
    *,
    repo: str = "infrastructure",
    state: JobState = "queued",
    command: Command | Refusal = PROVISION,
    published: Published | None = None,
) -> Job:
    order = Order(
        thread=ThreadRef(owner="myorg", repo=repo, number=number),
        actor=Actor(login="ada", id=1),
        comment_id=100 + number,
        at=NOW,
        body_digest=digest("body", str(number)),
    )
    return Job(
        id=order.key,
        delivery_id=f"d-{number}",
        name="/ai-provision",
        order=order,
        command=command,
        state=state,
        accepted_at=NOW.replace(minute=number),
        published=published,
    )


def entry(number: int = 1, *, actor: str = "ada") -> AuditEntry:
    return AuditEntry(
        at=NOW.replace(minute=number),
        job=f"{number:064d}",
        actor=actor,
        repo="myorg/infrastructure",
        thread=number,
        action="/ai-provision",
        decision="admitted",
    )


class Wire:
    """A connection on which bytes are written as they stand."""

    def __init__(self, url: str, *, patience: float = 10) -> None:
        place = urlsplit(url)
        self.socket = socket.create_connection((place.hostname, place.port), timeout=patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def head(self, **headers: str) -> None:
        lines = [f"POST {PATH} HTTP/1.1", "Host: here", *(f"{name}: {value}" for name, value in headers.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def answer(self) -> bytes:
        """The head of the answer, or nothing when the connection ended without one."""
        seen = b""
        while b"\r\n\r\n" not in seen:
            piece = self.socket.recv(65536)
            if not piece:
                break
            seen += piece
        return seen
