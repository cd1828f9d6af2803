"""The webhook: signature over raw bytes, size, type, and one stored event per delivery."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from bot.errors import Code, Unavailable
from bot.meters import Meters
from bot.model.command import RawEvent
from bot.records import Receipt
from bot.web import BODY_CAP, web_app
from tests.fakes.ledger import MemoryLedger
from tests.web.kit import OLD, PATH, SECRET, app, signed

BODY = b'{"action": "created"}'
COMMANDS = ["issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment"]


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def client(ledger: MemoryLedger) -> Iterator[TestClient]:
    with TestClient(app(ledger)) as client:
        yield client


def test_t01_the_vector_of_githubs_documentation(client: TestClient, ledger: MemoryLedger) -> None:
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {**signed(b""), "X-Hub-Signature-256": header}
    assert client.post(PATH, content=b"Hello, World!", headers=headers).status_code == 202
    assert ledger.events["d-1"].body == b"Hello, World!"


@pytest.mark.parametrize("secret", [SECRET, OLD], ids=["new-secret", "old-secret"])
def test_a_signed_event_is_stored_and_answered_202(client: TestClient, ledger: MemoryLedger, secret: str) -> None:
    reply = client.post(PATH, content=BODY, headers=signed(BODY, secret))
    assert (reply.status_code, reply.content) == (202, b"")
    assert ledger.events == {"d-1": RawEvent(delivery_id="d-1", event="issue_comment", body=BODY)}


def test_after_the_rotation_the_old_secret_is_worth_nothing(ledger: MemoryLedger) -> None:
    asgi = web_app(ledger, secrets=[SECRET], meters=Meters(), api_token=None)
    assert TestClient(asgi).post(PATH, content=BODY, headers=signed(BODY, OLD)).status_code == 401


@pytest.mark.parametrize(
    "signature",
    [
        None,
        b"",
        b"sha256=" + b"0" * 64,
        b"sha1=" + b"0" * 40,
        b"sha256=not-hex",
        "sha256=é".encode() * 3,
        b"sha256=\xff\xfe",
        b"757107ea",
        b"sha256=",
    ],
    ids=["none", "empty", "wrong", "sha1", "no-hex", "non-ascii", "no-text", "bare", "no-digits"],
)
def test_w01_a_wrong_signature_is_401_and_silent(
    client: TestClient, ledger: MemoryLedger, signature: bytes | None
) -> None:
    headers: dict[str, str | bytes] = {**signed(BODY), "X-Hub-Signature-256": signature or b""}
    if signature is None:
        del headers["X-Hub-Signature-256"]
    reply = client.post(PATH, content=BODY, headers=headers)
    assert (reply.status_code, reply.content, ledger.events) == (401, b"", {})


def test_w01_a_sha1_signature_of_the_right_body_is_401(client: TestClient, ledger: MemoryLedger) -> None:
    headers = signed(BODY)
    headers["X-Hub-Signature"] = headers.pop("X-Hub-Signature-256")
    assert client.post(PATH, content=BODY, headers=headers).status_code == 401
    assert ledger.events == {}


def test_w01_an_upper_case_digest_is_401(client: TestClient) -> None:
    headers = signed(BODY)
    headers["X-Hub-Signature-256"] = "sha256=" + headers["X-Hub-Signature-256"][7:].upper()
    assert client.post(PATH, content=BODY, headers=headers).status_code == 401


def test_a_changed_byte_is_401(client: TestClient, ledger: MemoryLedger) -> None:
    assert client.post(PATH, content=b"{ }", headers=signed(b"{}")).status_code == 401
    assert ledger.events == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json-patch+json"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "identity"},
    ],
    ids=["form", "plain", "nearly", "none", "gzip", "identity"],
)
def test_w04_another_type_is_415(client: TestClient, ledger: MemoryLedger, headers: dict[str, str]) -> None:
    reply = client.post(PATH, content=BODY, headers={**signed(BODY), **headers})
    assert (reply.status_code, reply.json()["error"]["code"], ledger.events) == (415, "type", {})


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", " application/json ;x"])
def test_json_in_other_spellings_is_taken(client: TestClient, kind: str) -> None:
    assert client.post(PATH, content=BODY, headers={**signed(BODY), "Content-Type": kind}).status_code == 202


@pytest.mark.parametrize("event", [*COMMANDS, "push", "workflow_run"])
def test_an_event_that_is_used_is_202(client: TestClient, ledger: MemoryLedger, event: str) -> None:
    assert client.post(PATH, content=BODY, headers=signed(BODY, event=event)).status_code == 202
    assert ledger.events["d-1"].event == event


@pytest.mark.parametrize(
    "event",
    [
        "ping", "star", "fork", "create", "delete", "watch", "release", "status", "check_run", "check_suite", "label",
        "member", "milestone", "discussion", "discussion_comment", "commit_comment", "deployment", "gollum", "",
        "something_new", "ISSUE_COMMENT", "issue_comment,push",
    ],
)  # fmt: skip
def test_w08_unknown_events_are_204(client: TestClient, ledger: MemoryLedger, event: str) -> None:
    reply = client.post(PATH, content=BODY, headers=signed(BODY, event=event))
    assert (reply.status_code, reply.content, ledger.events) == (204, b"", {})
    assert "content-length" not in reply.headers


@pytest.mark.parametrize("event", ["installation", "installation_repositories"])
def test_w08_an_installation_is_noted_and_answered_204(client: TestClient, ledger: MemoryLedger, event: str) -> None:
    for _ in range(2):
        assert client.post(PATH, content=BODY, headers=signed(BODY, event=event)).status_code == 204
    assert [stored.event for stored in ledger.events.values()] == [event]


def test_the_same_delivery_again_is_202_and_stored_once(client: TestClient, ledger: MemoryLedger) -> None:
    replies = [client.post(PATH, content=BODY, headers=signed(BODY)).status_code for _ in range(5)]
    assert (replies, len(ledger.events)) == ([202] * 5, 1)


def test_t02_the_same_id_with_another_body_is_409_and_an_alarm(client: TestClient, ledger: MemoryLedger) -> None:
    client.post(PATH, content=BODY, headers=signed(BODY))
    with capture_logs() as logs:
        reply = client.post(PATH, content=b"{}", headers=signed(b"{}"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "dup")
    assert [(line["event"], line["log_level"]) for line in logs] == [("altered-delivery", "warning")]
    assert ledger.events["d-1"].body == BODY


@pytest.mark.parametrize("delivery", ["", "x" * 101, "a b", "d/1", "d;1", "é"])
def test_a_delivery_needs_an_id(client: TestClient, ledger: MemoryLedger, delivery: str) -> None:
    headers: dict[str, str | bytes] = {**signed(BODY), "X-GitHub-Delivery": delivery.encode()}
    assert client.post(PATH, content=BODY, headers=headers).status_code == 400
    assert ledger.events == {}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"NaN", b"\xff\xfe{}", b"[" * 100_000, b'{"a":' + b"9" * 5_000 + b"}", b'{"a":1,"a":2}', b"\x00",
        b"null", b'{"comment":{"body":"\\ud800"}}',
    ],
    ids=["empty", "cut", "nan", "not-utf8", "deep", "huge-number", "twice", "nul", "null", "surrogate"],
)  # fmt: skip
def test_t03_a_hostile_body_with_a_right_signature_is_only_stored(
    client: TestClient, ledger: MemoryLedger, body: bytes
) -> None:
    assert client.post(PATH, content=body, headers=signed(body)).status_code == 202
    assert ledger.events["d-1"].body == body


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 5000, "٣", "0x10", str(BODY_CAP + 1)])
def test_t03_a_hostile_length_is_413(client: TestClient, length: str) -> None:
    headers: dict[str, str | bytes] = {**signed(BODY), "Content-Length": length.encode()}
    assert client.post(PATH, content=BODY, headers=headers).status_code == 413


def test_w03_a_chunked_body_over_the_cap_is_413(client: TestClient) -> None:
    chunks = (b"x" * 65536 for _ in range(40))
    assert client.post(PATH, content=chunks, headers=signed(b"")).status_code == 413


def test_a_body_of_the_cap_is_taken(client: TestClient, ledger: MemoryLedger) -> None:
    body = b"x" * BODY_CAP
    assert client.post(PATH, content=body, headers=signed(body)).status_code == 202
    assert len(ledger.events["d-1"].body) == BODY_CAP


@pytest.mark.parametrize(
    ("problem", "code"),
    [(queue.Full(), "rate"), (Unavailable(Code.INTERNAL, "the disk is full", remedy="Make room."), "internal")],
    ids=["full", "down"],
)
def test_what_is_not_stored_is_503(problem: Exception, code: str) -> None:
    reply = TestClient(app(MemoryLedger(stop=problem))).post(PATH, content=BODY, headers=signed(BODY))
    assert (reply.status_code, reply.json()["error"]["code"], reply.headers["retry-after"]) == (503, code, "60")


class Stopping(MemoryLedger):
    """Is closed while a delivery waits."""

    def submit(self, event: RawEvent) -> Future[Receipt]:
        future: Future[Receipt] = Future()
        future.cancel()
        return future


def test_a_ledger_that_closes_meanwhile_is_503() -> None:
    assert TestClient(app(Stopping())).post(PATH, content=BODY, headers=signed(BODY)).status_code == 503


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_no_secret_no_server(ledger: MemoryLedger, secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="AI_PROVISION_WEBHOOK_SECRET"):
        web_app(ledger, secrets=secrets, meters=Meters(), api_token=None)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405(client: TestClient, method: str) -> None:
    reply = client.request(method, PATH)
    assert (reply.status_code, reply.json()["schema_version"]) == (405, 1)


def test_every_answer_is_counted(ledger: MemoryLedger) -> None:
    meters = Meters()
    client = TestClient(app(ledger, meters=meters))
    client.post(PATH, content=BODY, headers=signed(BODY))
    client.post(PATH, content=BODY, headers=signed(BODY))
    client.post(PATH, content=b"{}", headers=signed(BODY))
    client.post(PATH, content=BODY, headers=signed(BODY, event="ping"))
    families = {family.name: family for family in text_string_to_metric_families(meters.text())}
    results = {
        sample.labels["result"]: sample.value for sample in families["ai_provision_webhooks"].samples if sample.value
    }
    acks = {sample.name: sample.value for sample in families["ai_provision_ack_seconds"].samples}
    assert results == {"stored": 1, "seen": 1, "unsigned": 1, "ignored": 1}
    assert acks["ai_provision_ack_seconds_count"] == 2


def test_answers_carry_the_safe_headers(client: TestClient) -> None:
    for reply in (client.post(PATH, content=BODY, headers=signed(BODY)), client.post(PATH), client.get("/healthz")):
        assert (reply.headers["x-content-type-options"], reply.headers["cache-control"]) == ("nosniff", "no-store")
