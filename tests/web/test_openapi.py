"""The OpenAPI document is true: schemathesis asks every operation many things and reads every answer against it."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
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


class Spy:
    """Notes which answers every operation gave."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner
        self.seen: set[tuple[str, int]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.seen.add((scope["path"][:5], message["status"]))
            await send(message)

        await self.inner(scope, receive, noting)


class Signing:
    """Signs every delivery on its way in and shows the token, so that the rooms behind the two locks are tried too.

    Every second delivery becomes one of an event that is stored.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner
        self.turns = itertools.cycle(((), ((b"x-github-event", b"issues"),)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        headers = [pair for pair in scope["headers"] if pair[0] not in {b"authorization", b"x-hub-signature-256"}]
        headers.append((b"authorization", f"Bearer {TOKEN}".encode()))
        if scope["path"] == PATH:
            message = await receive()
            headers.extend(next(self.turns))
            headers.append((b"x-hub-signature-256", _signature(message)))
            receive = _again(message)
        await self.inner({**scope, "headers": headers}, receive, send)


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


BOUNDED = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def ask_everything(asgi: ASGIApp) -> set[tuple[str, int]]:
    """Thirty right and thirty wrong questions for every operation; the answers by the beginning of the path."""
    spy = Spy(asgi)
    schema = schemathesis.openapi.from_asgi("/openapi.json", spy)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _ask(operation.as_strategy(generation_mode=mode))
    return spy.seen


def _ask(questions: SearchStrategy[schemathesis.Case]) -> None:
    @BOUNDED
    @given(questions)
    def asked(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    with suppress(Unsatisfiable):  # an operation without parameters has no wrong question
        asked()


@pytest.mark.long
def test_the_document_is_true_from_outside() -> None:
    seen = ask_everything(app(filled()))
    assert {("/webh", 401), ("/jobs", 401), ("/audi", 401), ("/metr", 200), ("/read", 200)} <= seen
    assert ("/jobs", 200) not in seen


def test_the_document_is_true_with_signature_and_token() -> None:
    seen = ask_everything(Signing(app(filled())))
    assert {("/webh", 202), ("/webh", 204), ("/jobs", 200), ("/jobs", 404), ("/jobs", 422), ("/audi", 200)} <= seen


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
