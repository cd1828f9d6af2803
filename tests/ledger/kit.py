"""What the ledger's tests share: events, jobs, a child process that works on the same database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from bot.edges.ledger import SqlLedger
from bot.model.command import Actor, Help, Provision, RawEvent, RepoTarget, ThreadRef
from bot.model.job import Job
from bot.model.order import Order, digest
from bot.model.outcome import Published, PullRequest

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DONE = Published(
    kind="pull-request",
    pull=PullRequest(number=7, url="https://github.com/o/r/pull/7", branch="b", head_sha="f" * 40),
    comment_url="https://github.com/o/r/issues/1#c",
)
PROVISION = Provision(
    target=RepoTarget(host="github.com", owner="o", name="shop", tree=("main", "src")), app_description="a shop"
)


def event(name: str, body: bytes = b"{}") -> RawEvent:
    return RawEvent(delivery_id=name, event="issue_comment", body=body)


def job(
    number: int,
    *,
    repo: str = "infra",
    thread: int = 1,
    login: str = "ada",
    immediate: bool = False,
    at: datetime = NOON,
) -> Job:
    """The job of the comment with this number."""
    order = Order(
        thread=ThreadRef(owner="Org", repo=repo, number=thread),
        actor=Actor(login=login, id=1),
        comment_id=number,
        at=at,
        body_digest=digest("body"),
    )
    return Job(
        id=order.key,
        delivery_id=f"delivery-{number}",
        name="/ai-help" if immediate else "/ai-provision",
        order=order,
        command=Help() if immediate else PROVISION,
        immediate=immediate,
        accepted_at=at,
    )


def queued(ledger: SqlLedger, *jobs: Job) -> None:
    for one in jobs:
        ledger.accept(event(one.delivery_id))
        assert ledger.settle(one.delivery_id, job=one, note="command")


def later(**span: float) -> datetime:
    return NOON + timedelta(**span)


@contextmanager
def child(program: str, *arguments: str, **limits: object) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process with pipes; whatever happens it is gone at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        **limits,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
