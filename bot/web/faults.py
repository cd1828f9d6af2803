"""What the pages answer when something is wrong, always in the one form of ``ErrorDocument``.

In: exceptions. Out: answers with a code and a remedy. Never: a stack trace, the value that was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from bot.errors import Code, Refusal, Unavailable
from bot.web.replies import error, refusal


class Denied(Exception):
    """Ends a request with a refusal and a status."""

    def __init__(self, status: int, why: Refusal, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(why.message)
        self.status = status
        self.refusal = why
        self.headers = headers or {}


async def _denied(_request: Request, stop: Denied) -> Response:
    return error(stop.status, stop.refusal, headers=stop.headers)


async def _invalid(_request: Request, stop: RequestValidationError) -> Response:
    first = stop.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return error(422, refusal(Code.SYNTAX, f"{where}: {first['msg']}.", "See /openapi.json for the form."))


async def _unavailable(_request: Request, stop: Unavailable) -> Response:
    return error(503, stop.refusal, headers={"retry-after": str(max(1, round(stop.retry_after)))})


async def _unknown(_request: Request, stop: HTTPException) -> Response:
    said = refusal(Code.SYNTAX, f"{stop.detail}.", "See /openapi.json for what there is.")
    return error(stop.status_code, said, headers=dict(stop.headers or {}))


async def _defect(_request: Request, _stop: Exception) -> Response:
    """The server that runs us logs the exception."""
    return error(500, refusal(Code.INTERNAL, "A defect of the bot.", "The server's log holds what happened."))


HANDLERS: Final[dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]] = {
    Denied: _denied,
    RequestValidationError: _invalid,
    Unavailable: _unavailable,
    HTTPException: _unknown,
    Exception: _defect,
}
"""For FastAPI's ``exception_handlers``."""
