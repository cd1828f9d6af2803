"""The OpenAPI document is true: schemathesis asks every operation many things and reads every answer against it."""

from __future__ import annotations

import json

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.fakes.ledger import MemoryLedger
from tests.web.kit import NOW, PATH, TOKEN, app, entry, job, signed

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Signing:
    """Signs every delivery on its way in and shows the token, so that the rooms behind the two locks are tried too."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"authorization", f"Bearer {TOKEN}".encode())]}
        if scope["type"] == "http" and scope["path"] == PATH:
            message = await receive()
            scope["headers"].append((b"x-hub-signature-256", _signature(message)))
            await self.inner(scope, _again(message), send)
        else:
            await self.inner(scope, receive, send)


def _signature(message: Message) -> bytes:
    return signed(message.get("body", b""))["X-Hub-Signature-256"].encode()


def _again(message: Message) -> Receive:
    async def receive() -> Message:
        return message

    return receive


def filled() -> MemoryLedger:
    ledger = MemoryLedger(now=lambda: NOW)
    ledger.jobs.update({one.id: one for one in (job(1), job(2, repo="other"))})
    ledger.note(entry())
    return ledger


LOCKED = schemathesis.openapi.from_asgi("/openapi.json", app(filled()))
OPEN = schemathesis.openapi.from_asgi("/openapi.json", Signing(app(filled())))
BOUNDED = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@LOCKED.parametrize()
@BOUNDED
def test_the_document_is_true_from_outside(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)


@OPEN.parametrize()
@BOUNDED
def test_the_document_is_true_with_signature_and_token(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)


@pytest.fixture
def document() -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    return json.loads(TestClient(app(MemoryLedger())).get("/openapi.json").text)


def test_the_document_names_every_path(document: dict[str, dict[str, object]]) -> None:
    assert set(document["paths"]) == {
        PATH, "/healthz", "/readyz", "/metrics", "/jobs", "/jobs/{job_id}", "/audit"
    }  # fmt: skip


def test_what_is_locked_is_documented_as_locked(document: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
    locked = {path for path, verbs in document["paths"].items() for verb in verbs.values() if "security" in verb}
    assert locked == {"/jobs", "/jobs/{job_id}", "/audit"}


def test_the_door_is_the_same_through_the_routes() -> None:
    """A server behind a root path reaches it through FastAPI."""
    ledger = MemoryLedger()
    client = TestClient(app(ledger), root_path="/bot")
    body = b"{}"
    assert client.post("/bot" + PATH, content=body, headers=signed(body)).status_code == 202
    assert client.post("/bot" + PATH, content=body, headers=signed(b"x")).status_code == 401
    assert len(ledger.events) == 1
