"""What the web server answers, as types: the OpenAPI document and the answers come from the same models.

In: rows of the ledger. Out: documents of ``schema_version: 1``. Never: a comment's text beyond the two fields that the
person wrote for the bot, a stack trace, a secret.
"""

from __future__ import annotations

from typing import Final, Literal

from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from bot.errors import Code, Refusal
from bot.model.command import Provision
from bot.model.consultation import Effort
from bot.model.document import ErrorBody, ErrorDocument
from bot.model.job import AuditEntry, Backlog, Job, JobState
from bot.model.noun import Noun

SAFE: Final = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
"""Headers of every answer."""


class Health(Noun):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(Noun):
    """The server can store deliveries. ``waiting``: events and commands that have no end yet; ages in seconds.

    ``no-worker``: nobody reported within the last minute, so stored commands wait.
    """

    status: Literal["ok", "no-worker"]
    waiting: int
    workers: int
    backlog: Backlog


class Asked(Noun):
    """The two fields of ``/ai-provision`` as the person wrote them."""

    git_repo: str
    app_description: str


class JobView(Noun):
    """A command and where it stands. ``short`` is the id that people see; ``code`` the reason code of a refusal;
    ``efforts`` what the agents' models cost.
    """

    id: str
    short: str
    command: str
    repo: str
    number: int
    actor: str
    asked: Asked | None
    state: JobState
    given_at: AwareDatetime
    accepted_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    parked_until: AwareDatetime | None
    cancelled_by: str | None
    worker: str | None
    outcome: str | None
    code: str | None
    pull_request: str | None
    comment: str | None
    efforts: tuple[Effort, ...] = ()

    @classmethod
    def of(cls, job: Job) -> JobView:
        """The published part of a job."""
        order, end = job.order, job.published
        return cls(
            id=job.id,
            short=order.job,
            command=job.name,
            repo=job.repo,
            number=order.thread.number,
            actor=order.actor.login,
            asked=_asked(job),
            state=job.state,
            given_at=order.at,
            accepted_at=job.accepted_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
            parked_until=job.parked_until,
            cancelled_by=job.cancelled_by,
            worker=job.worker,
            outcome=end.kind if end else None,
            code=end.code if end else None,
            pull_request=end.pull.url if end and end.pull else None,
            comment=end.comment_url if end else None,
            efforts=end.efforts if end else (),
        )


class JobsDocument(Noun):
    """Newest first."""

    schema_version: Literal[1] = 1
    jobs: tuple[JobView, ...]


class JobDocument(Noun):
    """One command."""

    schema_version: Literal[1] = 1
    job: JobView


class AuditDocument(Noun):
    """Who asked what and what was decided, newest first."""

    schema_version: Literal[1] = 1
    entries: tuple[AuditEntry, ...]


def error(status: int, why: Refusal, *, headers: dict[str, str] | None = None) -> JSONResponse:
    """A refusal for machines."""
    return JSONResponse(error_document(why).model_dump(), status_code=status, headers={**SAFE, **(headers or {})})


def error_document(why: Refusal) -> ErrorDocument:
    """The same form as ``--format json`` prints."""
    return ErrorDocument(error=ErrorBody(code=why.code, message=why.message, remedy=why.remedy))


def refusal(code: Code, message: str, remedy: str) -> Refusal:
    """Three words in a row, for the tables of this package."""
    return Refusal(code=code, message=message, remedy=remedy)


def _asked(job: Job) -> Asked | None:
    if not isinstance(job.command, Provision):
        return None
    return Asked(git_repo=job.command.target.url, app_description=job.command.app_description)
