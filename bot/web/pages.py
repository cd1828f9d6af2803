"""Everything but the webhook: health, readiness, metrics, the commands and the audit log, and the OpenAPI document.

In: HTTP. Out: documents of ``bot.web.replies``. Never: a job or an audit entry without the token, a ledger's answer
awaited on the event loop (these endpoints run in threads).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, AwareDatetime
from starlette.types import Receive, Scope, Send

from bot.errors import Code, Unavailable
from bot.meters import TEXT_TYPE, Facts, Meters, alive, merged
from bot.model.document import ErrorDocument
from bot.model.job import JobState
from bot.records import Audit, Inbox, Jobs, Memory, Workers
from bot.web.door import PATH, Door
from bot.web.faults import HANDLERS, Denied
from bot.web.recommendations import Recommend, recommendations
from bot.web.replies import (
    AuditDocument,
    Health,
    JobDocument,
    JobsDocument,
    JobView,
    Readiness,
    refusal,
)
from bot.web.webhook_form import ANSWERS, INPUT


class Books(Inbox, Jobs, Audit, Memory, Workers, Protocol):
    """What the web server needs of the ledger."""


Now = Callable[[], datetime]
_BEARER: Final = HTTPBearer(auto_error=False, description="the value of AI_PROVISION_API_TOKEN")
_REPO: Final = r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$"
_LOGIN: Final = r"^[A-Za-z0-9_-]{1,100}(\[bot\])?$"
_KEY: Final = r"^[0-9a-f]{12,64}$"

Limit = Annotated[int, Query(ge=1, le=500, description="how many at most")]
Repo = Annotated[str | None, Query(pattern=_REPO, description="only this repository, `owner/name`")]
JobId = Annotated[str, Path(pattern=_KEY, description="the id that people see (12 digits) or the whole key")]


def _this_age(since: datetime) -> datetime:
    """Years that every database and zone can hold."""
    if not 2000 <= since.year <= 9000:
        raise ValueError("the year is out of range")
    return since


Since = Annotated[
    Annotated[AwareDatetime, AfterValidator(_this_age)] | None, Query(description="not before; ISO 8601 with a zone")
]

_ERROR: Final[dict[str, Any]] = {"model": ErrorDocument}
_DOWN: Final[dict[int | str, dict[str, Any]]] = {503: {**_ERROR, "description": "The ledger does not answer."}}
_ASKED: Final[dict[int | str, dict[str, Any]]] = {
    401: {**_ERROR, "description": "No token, a wrong one, or none is configured."},
    422: {**_ERROR, "description": "A parameter is not of its form."},
    **_DOWN,
}


def pages(
    books: Books, *, door: Door, meters: Meters, api_token: str | None, now: Now, recommend: Recommend | None = None
) -> FastAPI:
    """The FastAPI application. Without ``recommend`` there is no page for recommendations."""
    api = FastAPI(
        title="ai-provision", docs_url=None, redoc_url=None, redirect_slashes=False, exception_handlers=HANDLERS
    )
    api.include_router(_knocking(door))
    api.include_router(_health(books, meters=meters, now=now))
    guard = Depends(_guard(api_token))
    api.include_router(_records(books), dependencies=[guard])
    if recommend is not None:
        api.include_router(recommendations(recommend), dependencies=[guard])
    return api


def _knocking(door: Door) -> APIRouter:
    """The webhook for readers of the OpenAPI document; requests reach the door before any route."""
    router = APIRouter()

    @router.post(PATH, status_code=202, response_class=Response, responses=ANSWERS, openapi_extra=INPUT)
    async def webhook() -> Response:
        """Store a delivery of GitHub; 202 once it is on disk."""
        return _Through(door)

    return router


def _health(books: Books, *, meters: Meters, now: Now) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Health:
        """The process lives. Asks nobody."""
        return Health()

    @router.get("/readyz", responses=_DOWN)
    def readyz() -> Readiness:
        """Whether deliveries can be stored.

        A missing worker does not make the server unready: taking it out of service would lose deliveries that GitHub
        never repeats, while stored ones only wait. It is said here, and ``ai_provision_workers`` alerts on it.
        """
        backlog, workers = books.backlog(), alive(books.rows(), now())
        return Readiness(
            status="ok" if workers else "no-worker",
            waiting=backlog.events + backlog.commands,
            workers=workers,
            backlog=backlog,
        )

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        """Of this server, every worker's last report, and the ledger's counts, as Prometheus text."""
        return Response(_page(books, meters, now()), headers={"content-type": TEXT_TYPE})

    return router


def _page(books: Books, meters: Meters, moment: datetime) -> str:
    """Scraped also while the ledger is down: the own counters are then the ones that matter."""
    try:
        facts = Facts(backlog=books.backlog(), outcomes=books.outcomes(), thumbs=books.thumbs(), now=moment)
        return merged(meters, books.rows(), facts)
    except Unavailable:
        return merged(meters, (), None)


def _records(books: Books) -> APIRouter:
    router = APIRouter(responses=_ASKED)

    @router.get("/jobs")
    def jobs(limit: Limit = 50, state: JobState | None = None, repo: Repo = None) -> JobsDocument:
        """The commands, newest first."""
        found = books.listing(limit=limit, state=state, repo=repo)
        return JobsDocument(jobs=tuple(JobView.of(job) for job in found))

    @router.get("/jobs/{job_id}", responses={404: {**_ERROR, "description": "No such command."}})
    def job(job_id: JobId) -> JobDocument:
        """One command."""
        found = books.get(job_id)
        if found is None:
            raise Denied(404, refusal(Code.SYNTAX, "There is no command with this id.", "GET /jobs lists them."))
        return JobDocument(job=JobView.of(found))

    @router.get("/audit")
    def audit(
        limit: Limit = 100,
        actor: Annotated[str | None, Query(pattern=_LOGIN, description="only this person")] = None,
        repo: Repo = None,
        since: Since = None,
    ) -> AuditDocument:
        """Who asked what, and what was decided, newest first."""
        return AuditDocument(entries=books.entries(limit=limit, actor=actor, repo=repo, since=since))

    return router


def _guard(api_token: str | None) -> Callable[[HTTPAuthorizationCredentials | None], None]:
    expected = _sha(api_token) if api_token else None

    def guard(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        if expected is None:
            raise Denied(401, _NO_TOKEN_SET, headers=_CHALLENGE)
        if given is None or not hmac.compare_digest(_sha(given.credentials), expected):
            raise Denied(401, _WRONG_TOKEN, headers=_CHALLENGE)

    return guard


def _sha(token: str) -> bytes:
    """Equal lengths, so that the comparison tells nothing about the token's."""
    return hashlib.sha256(token.encode()).digest()


_CHALLENGE: Final = {"www-authenticate": "Bearer"}
_NO_TOKEN_SET: Final = refusal(
    Code.FORBIDDEN, "This needs a token and none is configured.", "Set AI_PROVISION_API_TOKEN and start again."
)
_WRONG_TOKEN: Final = refusal(
    Code.FORBIDDEN,
    "This needs the token of this server.",
    "Send 'Authorization: Bearer …' with the value of AI_PROVISION_API_TOKEN.",
)


class _Through(Response):
    """Hands the untouched request to the door."""

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope, receive, send)


def utc_now() -> datetime:
    """The current time; only ages in ``/readyz`` and ``/metrics`` depend on it."""
    return datetime.now(UTC)
