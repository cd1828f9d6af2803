"""``POST /v1/recommendations``: a pipeline asks before ``kubectl apply``.

In: a payload of the input standard over HTTP, with the token. Out: a ``Recommendation`` as JSON, or as a YAML patch.
Never: a body over 1 MiB in memory, more than four answers computed at once, an import of the rules (they are handed
down).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from bot.errors import Code, Refusal
from bot.model.document import ErrorDocument
from bot.model.recommendation import Recommendation
from bot.model.standard import Payload
from bot.rendering.patch import patch_text
from bot.web.faults import Denied
from bot.web.replies import refusal

PATH: Final = "/v1/recommendations"
BODY_CAP: Final = 1024 * 1024
"""Bytes."""
AT_ONCE: Final = 4
_AGAIN: Final = 2
"""Seconds after which a refused caller may ask again; an answer takes a fraction of one."""
SECONDS: Final = 10.0
"""Within these a body has to be there."""
_JSON: Final = "application/json"
_YAML_NAMES: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})
YAML: Final = "application/yaml"

Recommend = Callable[[bytes], Recommendation | Refusal]
Form = Annotated[
    Literal["json", "yaml"] | None,
    Query(
        alias="format", description="`yaml` is the patch; without it the Accept header decides, and JSON is the default"
    ),
]
Complete = Annotated[
    bool, Query(description="put every number into the patch, also those that generated files leave out")
]
Accept = Annotated[str | None, Header(include_in_schema=False)]

_ERROR: Final[dict[str, Any]] = {"model": ErrorDocument}
_EXAMPLE: Final[dict[str, Any]] = {
    "app_metadata": {"name": "order-service", "language": "Go", "framework": "Gin", "expected_qps": 500,
                     "sla_latency_ms": 100, "oom_tolerance": "low"},
    "historical_metrics": {"cpu_usage": [0.2, 0.5], "memory_usage": [150, 250], "replica_counts": [2, 4],
                           "request_rate": [400, 500]},
    "deployment_context": {"environment": "prod", "namespace_quota": {"cpu": "4", "memory": "8Gi"}},
}  # fmt: skip
_RESOURCES: Final = {"requests": {"cpu": "450m", "memory": "384Mi"}, "limits": {"memory": "384Mi"}}
_PATCH: Final[dict[str, Any]] = {
    "schema": {"type": "object", "required": ["apiVersion", "kind", "metadata", "spec"]},
    "example": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "order-service"},
        "spec": {"template": {"spec": {"containers": [{"name": "order-service", "resources": _RESOURCES}]}}},
    },
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": Recommendation,
        "description": "Every number with its reason; or a strategic-merge patch for the workload.",
        "content": {YAML: _PATCH},
    },
    400: {**_ERROR, "description": "The body ended too early."},
    401: {**_ERROR, "description": "No token, a wrong one, or none is configured."},
    408: {**_ERROR, "description": "The body came too slowly."},
    413: {**_ERROR, "description": "The body is over 1 MiB (`size`)."},
    415: {**_ERROR, "description": "The body is not application/json (`type`)."},
    422: {**_ERROR, "description": "The payload cannot be read (`syntax`), or names nothing that can be sized."},
    429: {
        **_ERROR,
        "description": "Four answers are being computed (`busy`).",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    },
}


def recommendations(recommend: Recommend) -> APIRouter:
    """The route. ``recommend`` may block; it runs in a thread, and never more than four times at once."""
    router = APIRouter(responses=_ANSWERS)
    places = BoundedSemaphore(AT_ONCE)

    @router.post(PATH, response_class=JSONResponse, openapi_extra=_input())
    async def recommendation(
        request: Request, form: Form = None, *, complete: Complete = False, accept: Accept = None
    ) -> Response:
        """What a workload should ask for, before it is applied.

        Replicas, CPU and memory requests and limits, and an autoscaler's bounds, each with its reason.
        """
        _of_type(request.headers.get("content-type", ""))
        raw = await _body(request)
        if not places.acquire(blocking=False):
            raise Denied(429, _FULL, headers={"retry-after": str(_AGAIN)})
        try:
            answer = await run_in_threadpool(recommend, raw)
        finally:
            places.release()
        if isinstance(answer, Refusal):
            raise Denied(_STATUS.get(answer.code, 422), answer)
        if _wants_yaml(form, accept or ""):
            return Response(patch_text(answer, complete=complete), media_type=YAML)
        return Response(answer.model_dump_json(), media_type=_JSON)

    return router


def _of_type(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != _JSON:
        raise Denied(415, refusal(Code.TYPE, "The body is not plain JSON.", f"Send it with Content-Type: {_JSON}."))


async def _body(request: Request) -> bytes:
    """The body, counted while it comes."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > BODY_CAP:
                    raise Denied(413, _TOO_BIG, headers=_CLOSE)
                chunks.append(chunk)
    except TimeoutError:
        raise Denied(408, _SLOW, headers=_CLOSE) from None
    except ClientDisconnect:
        raise Denied(400, _GONE) from None
    return b"".join(chunks)


def _wants_yaml(form: str | None, accept: str) -> bool:
    if form is not None:
        return form == "yaml"
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return not wanted.isdisjoint(_YAML_NAMES) and _JSON not in wanted


_CLOSE: Final = {"connection": "close"}
_STATUS: Final = {Code.SIZE: 413}
"""Every other refusal is 422."""
_TOO_BIG: Final = refusal(Code.SIZE, "The body is over 1 MiB.", "Send fewer samples: 100 of each series are enough.")
_SLOW: Final = refusal(Code.SIZE, "The body came too slowly.", "Send it faster.")
_GONE: Final = refusal(Code.SYNTAX, "The body ended too early.", "Send it whole.")
_FULL: Final = refusal(Code.BUSY, "Four recommendations are being computed.", "Ask again in two seconds.")


def _input() -> dict[str, Any]:
    """The request for the OpenAPI document; the bytes are read by our own limited reader."""
    schema = _inlined(Payload.model_json_schema())
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": schema, "example": _EXAMPLE}}}}


def _inlined(schema: dict[str, Any]) -> Any:
    """A schema without references, which would point at the wrong place of that document."""
    inner = schema.get("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(item) for item in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$ref"), str):
            return resolved(inner[value["$ref"].rpartition("/")[2]])
        return {key: resolved(item) for key, item in value.items() if key != "$defs"}

    return resolved(schema)
