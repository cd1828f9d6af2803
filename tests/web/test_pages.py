"""Health, readiness, the commands and the audit log: who may read them, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from bot.errors import Code, Refusal, Unavailable
from bot.model.job import WorkerRow
from bot.model.outcome import Published, PullRequest
from tests.fakes.ledger import MemoryLedger
from tests.web.kit import NOW, PATH, TOKEN, app, entry, job, signed

BEARER = {"Authorization": f"Bearer {TOKEN}"}
DOWN = Unavailable(Code.INTERNAL, "the database does not answer", remedy="Look at it.", retry_after=7)
PULL = Published(
    kind="pull-request",
    pull=PullRequest(number=7, url="https://github.com/myorg/infrastructure/pull/7", branch="b", head_sha="0" * 40),
    comment_url="https://github.com/myorg/infrastructure/issues/1#issuecomment-1",
)


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(now=lambda: NOW)


@pytest.fixture
def client(ledger: MemoryLedger) -> Iterator[TestClient]:
    with TestClient(app(ledger), headers=BEARER) as client:
        yield client


def fill(ledger: MemoryLedger) -> None:
    for one in (
        job(1, state="ended", published=PULL),
        job(2, repo="other"),
        job(3, command=Refusal(code=Code.SYNTAX, message="what was written", remedy="Write it so.")),
    ):
        ledger.jobs[one.id] = one
    for number, actor in ((1, "ada"), (2, "bob"), (3, "ada")):
        ledger.note(entry(number, actor=actor))


def test_health_asks_nobody() -> None:
    reply = TestClient(app(MemoryLedger(stop=DOWN))).get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(("age", "status", "workers"), [(0, "ok", 1), (60, "ok", 1), (61, "no-worker", 0)])
def test_ready_says_what_waits_and_who_works(
    client: TestClient, ledger: MemoryLedger, age: int, status: str, workers: int
) -> None:
    ledger.report(WorkerRow(id="w-1", version="1", seen_at=NOW - timedelta(seconds=age)))
    client.post(PATH, content=b"{}", headers=signed(b"{}"))
    ledger.jobs["x"] = job(0)
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()) == (
        200,
        {
            "status": status,
            "waiting": 2,
            "workers": workers,
            "backlog": {"events": 1, "event_age": 0.0, "commands": 1, "command_age": 0.0},
        },
    )


@pytest.mark.parametrize("path", ["/readyz", "/jobs", f"/jobs/{'0' * 64}", "/audit"])
def test_a_ledger_that_is_down_is_503_with_a_reason(path: str) -> None:
    reply = TestClient(app(MemoryLedger(stop=DOWN)), headers=BEARER).get(path)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")
    assert reply.json() == {
        "schema_version": 1,
        "error": {"code": "internal", "message": "the database does not answer", "remedy": "Look at it."},
    }


@pytest.mark.parametrize("path", ["/jobs", f"/jobs/{'0' * 64}", "/audit", "/jobs?limit=x", "/jobs/x", "/audit?limit=0"])
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}",
     "Bearer é", f"Bearer {TOKEN.upper()}"],
)  # fmt: skip
def test_without_the_token_nothing_is_shown(ledger: MemoryLedger, path: str, authorization: str | None) -> None:
    fill(ledger)
    headers = {} if authorization is None else {"Authorization": authorization.encode()}
    reply = TestClient(app(ledger)).get(path, headers=headers)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert reply.json()["error"]["code"] == "forbidden"
    assert "AI_PROVISION_API_TOKEN" in reply.json()["error"]["remedy"]


@pytest.mark.parametrize("token", [None, ""])
@pytest.mark.parametrize("given", [None, "", "None", TOKEN])
def test_without_a_configured_token_nobody_reads(ledger: MemoryLedger, token: str | None, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": f"Bearer {given}"}
    reply = TestClient(app(ledger, token=token)).get("/jobs", headers=headers)
    assert reply.status_code == 401
    assert reply.json()["error"]["remedy"].startswith("Set AI_PROVISION_API_TOKEN")


def test_jobs_are_listed_newest_first(client: TestClient, ledger: MemoryLedger) -> None:
    fill(ledger)
    found = client.get("/jobs").json()["jobs"]
    assert [row["number"] for row in found] == [3, 2, 1]
    assert found[2] == {
        "id": job(1).id,
        "short": job(1).id[:12],
        "command": "/ai-provision",
        "repo": "myorg/infrastructure",
        "number": 1,
        "actor": "ada",
        "asked": {"git_repo": "https://github.com/myorg/shop", "app_description": "a shop, 2000 QPS peak"},
        "state": "ended",
        "given_at": "2026-03-01T12:00:00Z",
        "accepted_at": "2026-03-01T12:01:00Z",
        "started_at": None,
        "ended_at": None,
        "parked_until": None,
        "cancelled_by": None,
        "worker": None,
        "outcome": "pull-request",
        "code": None,
        "pull_request": "https://github.com/myorg/infrastructure/pull/7",
        "comment": "https://github.com/myorg/infrastructure/issues/1#issuecomment-1",
        "efforts": [],
    }


def test_what_was_not_understood_is_not_repeated(client: TestClient, ledger: MemoryLedger) -> None:
    fill(ledger)
    assert client.get("/jobs").json()["jobs"][0]["asked"] is None
    assert "what was written" not in client.get("/jobs").text


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("limit=1", [3]),
        ("state=ended", [1]),
        ("repo=myorg/other", [2]),
        ("repo=myorg/infrastructure&state=queued", [3]),
        ("repo=myorg/none", []),
    ],
)
def test_jobs_are_chosen(client: TestClient, ledger: MemoryLedger, query: str, numbers: list[int]) -> None:
    fill(ledger)
    assert [row["number"] for row in client.get(f"/jobs?{query}").json()["jobs"]] == numbers


@pytest.mark.parametrize("digits", [12, 20, 64])
def test_one_job_by_its_key_or_what_people_see(client: TestClient, ledger: MemoryLedger, digits: int) -> None:
    fill(ledger)
    reply = client.get(f"/jobs/{job(3).id[:digits]}")
    assert (reply.status_code, reply.json()["job"]["id"]) == (200, job(3).id)


def test_an_unknown_job_is_404(client: TestClient) -> None:
    reply = client.get(f"/jobs/{'0' * 12}")
    assert (reply.status_code, reply.json()["error"]["remedy"]) == (404, "GET /jobs lists them.")


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [3, 2, 1]),
        ("limit=2", [3, 2]),
        ("actor=bob", [2]),
        ("repo=myorg/other", []),
        ("since=2026-03-01T12:02:00Z", [3, 2]),
        ("since=2026-03-01T14:02:00%2B02:00", [3, 2]),
    ],
)
def test_the_audit_log_is_queried(client: TestClient, ledger: MemoryLedger, query: str, numbers: list[int]) -> None:
    fill(ledger)
    assert [row["thread"] for row in client.get(f"/audit?{query}").json()["entries"]] == numbers


@pytest.mark.parametrize(
    "path",
    [
        "/jobs?limit=0", "/jobs?limit=501", "/jobs?limit=x", "/jobs?state=lost", "/jobs?repo=x", "/jobs?repo=a/b/c",
        "/jobs?repo=a/b%00", "/jobs/0123", "/jobs/../audit%00", f"/jobs/{'A' * 12}", f"/jobs/{'0' * 65}",
        "/audit?actor=a%00b", "/audit?actor=a%20b", "/audit?since=yesterday", "/audit?since=2026-03-01T12:00:00",
        "/audit?since=0001-01-01T00:00:00%2B10:00", "/audit?since=9999-12-31T23:59:59-10:00",
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_422_or_404(client: TestClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code in {422, 404}
    assert reply.json()["error"]["code"] == "syntax"


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/job", "/webhooks", "/webhooks/github/"])
def test_there_is_nothing_else(client: TestClient, path: str) -> None:
    reply = client.get(path, follow_redirects=False)
    assert (reply.status_code, reply.json()["schema_version"]) == (404, 1)


class Defective(MemoryLedger):
    """Holds a defect."""

    def listing(self, **_: object) -> None:  # type: ignore[override]
        raise KeyError("a secret detail")


def test_a_defect_is_500_and_says_nothing_of_itself() -> None:
    client = TestClient(app(Defective()), headers=BEARER, raise_server_exceptions=False)
    reply = client.get("/jobs")
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal")
    assert "detail" not in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_a_defect_in_the_webhook_is_no_202() -> None:
    with pytest.raises(KeyError):
        TestClient(app(MemoryLedger(stop=KeyError("x")))).post(PATH, content=b"{}", headers=signed(b"{}"))
