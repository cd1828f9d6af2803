"""The webhook as the OpenAPI document shows it.

In: nothing. Out: tables for one route. Never: behaviour; that is ``bot.web.door``.
"""

from __future__ import annotations

from typing import Any, Final

from bot.model.document import ErrorDocument

_ERROR: Final[dict[str, Any]] = {"model": ErrorDocument}


def _header(name: str, what: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "example": example}
    return {"in": "header", "name": name, "required": True, "description": what, "schema": schema}


INPUT: Final[dict[str, Any]] = {
    "parameters": [
        _header("X-GitHub-Event", "The event's name.", "issue_comment"),
        _header("X-GitHub-Delivery", "The delivery's id.", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        _header("X-Hub-Signature-256", "`sha256=` and the HMAC of the raw body.", "sha256=" + "0" * 64),
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    202: {"description": "Stored on disk, now or before; an answer in the thread may follow."},
    204: {"description": "Nothing will follow: an event of no use, or a notice that was stored."},
    400: {**_ERROR, "description": "The delivery id is missing or malformed, or the sender hung up."},
    401: {"description": "The signature is missing or wrong."},
    408: {**_ERROR, "description": "The body came too slowly."},
    409: {**_ERROR, "description": "The delivery id was stored before with another body."},
    413: {**_ERROR, "description": "The body is over 2 MB."},
    415: {**_ERROR, "description": "The body is not plain JSON."},
    503: {**_ERROR, "description": "The delivery could not be stored now."},
}
