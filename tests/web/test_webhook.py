"""The webhook: signature over raw bytes, size, type, time, and one queue entry per delivery."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from bot.model.command import RawEvent
from bot.web import BODY_CAP, web_app

SECRET = "It's a Secret to Everybody"
OLD = "an older secret"


class Tray:
    """Stands in for the desk: keeps what was accepted."""

    def __init__(self) -> None:
        self.events: list[RawEvent] = []
        self.waiting = 0

    def accept(self, event: RawEvent) -> bool:
        self.events.append(event)
        return True


@pytest.fixture
def tray() -> Tray:
    return Tray()


@pytest.fixture
def client(tray: Tray) -> Iterator[TestClient]:
    with TestClient(web_app(tray, secrets=[SECRET, OLD])) as client:
        yield client


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-Hub-Signature-256": f"sha256={digest}",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": "d-1",
        "Content-Type": "application/json",
    }


def test_the_vector_of_githubs_documentation() -> None:
    header = signed(b"Hello, World!")["X-Hub-Signature-256"]
    assert header == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


@pytest.mark.parametrize("secret", [SECRET, OLD], ids=["new-secret", "old-secret"])
def test_a_signed_event_is_stored_and_answered_202(client: TestClient, tray: Tray, secret: str) -> None:
    body = b'{"action": "created"}'
    reply = client.post("/webhooks/github", content=body, headers=signed(body, secret))
    assert reply.status_code == 202
    assert tray.events == [RawEvent(delivery_id="d-1", event="issue_comment", body=body)]


@pytest.mark.parametrize(
    "signature",
    [None, "", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=not-hex", "sha256=é" * 3, "757107ea"],
    ids=["W01-none", "W01-empty", "W01-wrong", "W01-sha1", "W01-no-hex", "W01-non-ascii", "W01-bare"],
)
def test_a_wrong_signature_is_401_and_silent(client: TestClient, tray: Tray, signature: str | None) -> None:
    headers: dict[str, str | bytes] = {**signed(b"{}"), "X-Hub-Signature-256": (signature or "").encode()}
    if signature is None:
        del headers["X-Hub-Signature-256"]
    reply = client.post("/webhooks/github", content=b"{}", headers=headers)
    assert (reply.status_code, reply.content, tray.events) == (401, b"", [])


def test_a_changed_byte_is_401(client: TestClient, tray: Tray) -> None:
    assert client.post("/webhooks/github", content=b"{ }", headers=signed(b"{}")).status_code == 401
    assert tray.events == []


def test_a_declared_length_over_the_cap_is_413(client: TestClient) -> None:
    body = b"x" * (BODY_CAP + 1)
    assert client.post("/webhooks/github", content=body, headers=signed(body)).status_code == 413


def test_a_chunked_body_over_the_cap_is_413(client: TestClient) -> None:
    chunks = (b"x" * 65536 for _ in range(40))
    assert client.post("/webhooks/github", content=chunks, headers=signed(b"")).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {"Content-Encoding": "gzip"},
    ],
    ids=["W04-form", "W04-plain", "W04-gzip"],
)
def test_another_type_is_415(client: TestClient, headers: dict[str, str]) -> None:
    reply = client.post("/webhooks/github", content=b"{}", headers={**signed(b"{}"), **headers})
    assert reply.status_code == 415


@pytest.mark.parametrize("event", ["ping", "push", "installation", "something_new"])
def test_unknown_events_are_204(client: TestClient, tray: Tray, event: str) -> None:
    reply = client.post("/webhooks/github", content=b"{}", headers={**signed(b"{}"), "X-GitHub-Event": event})
    assert (reply.status_code, tray.events) == (204, [])


def test_no_secret_no_server(tray: Tray) -> None:
    with pytest.raises(ValueError, match="secret"):
        web_app(tray, secrets=["", ""])


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
