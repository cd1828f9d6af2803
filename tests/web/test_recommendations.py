"""``POST /v1/recommendations``: who may ask, what is answered, what is refused, and that the document is true."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

from bot.advising import advise
from bot.errors import Code, Refusal
from bot.meters import Meters
from bot.model.recommendation import Recommendation
from bot.web import Recommend, web_app
from bot.web.recommendations import AT_ONCE, BODY_CAP, PATH
from tests.fakes.ledger import MemoryLedger
from tests.model.test_standard import EXAMPLES, GENERATION, RECOMMENDATION
from tests.web.kit import NOW, SECRET, TOKEN
from tests.web.test_openapi import Signing, ask_everything

BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {**BEARER, "Content-Type": "application/json"}
ANSWER = Recommendation.model_validate_json((EXAMPLES / "recommendation.json").read_text())


def app(recommend: Recommend | None = advise, *, token: str | None = TOKEN) -> ASGIApp:
    return web_app(
        MemoryLedger(now=lambda: NOW),
        secrets=[SECRET],
        meters=Meters(),
        api_token=token,
        now=lambda: NOW,
        recommend=recommend,
    )


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(app()) as client:
        yield client


@pytest.mark.parametrize(
    "payload",
    [RECOMMENDATION, GENERATION, {}, {"recommendation": RECOMMENDATION, "generation": GENERATION}],
    ids=["recommendation", "generation", "nothing", "document"],
)
def test_a_payload_is_answered_with_every_number(client: TestClient, payload: dict[str, object]) -> None:
    reply = client.post(PATH, json=payload, headers=BEARER)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    found = Recommendation.model_validate_json(reply.text)
    assert found.reasons
    assert all([found.requests.cpu, found.requests.memory, found.limits.cpu, found.limits.memory])


@pytest.mark.parametrize(
    ("query", "accept", "is_yaml"),
    [
        ("", None, False),
        ("", "application/yaml", True),
        ("", "text/yaml; q=0.9, */*", True),
        ("", "application/json, application/yaml", False),
        ("?format=yaml", "application/json", True),
        ("?format=json", "application/yaml", False),
    ],
)
def test_json_or_the_patch_as_asked(client: TestClient, query: str, accept: str | None, *, is_yaml: bool) -> None:
    headers = JSON if accept is None else {**JSON, "Accept": accept}
    reply = client.post(PATH + query, content=(EXAMPLES / "payload.json").read_bytes(), headers=headers)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/yaml" if is_yaml else "application/json")
    assert (reply.text == (EXAMPLES / "patch.yaml").read_text()) == is_yaml


def test_the_complete_patch(client: TestClient) -> None:
    reply = client.post(PATH + "?format=yaml&complete=true", json=RECOMMENDATION, headers=BEARER)
    spec = yaml.safe_load(reply.text)["spec"]
    assert spec["replicas"] == 2
    assert spec["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "2500m"


@pytest.mark.parametrize("authorization", [None, "", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_without_the_token_nothing_is_computed(authorization: str | None) -> None:
    def never(_raw: bytes) -> Recommendation | Refusal:
        raise AssertionError

    headers = {} if authorization is None else {"Authorization": authorization}
    for asgi in (app(never), app(never, token=None)):
        reply = TestClient(asgi).post(PATH, content=b"{" * 10, headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "forbidden")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_another_content_type_is_415(client: TestClient, content_type: str) -> None:
    reply = client.post(PATH, content=b"{}", headers={**BEARER, "Content-Type": content_type})
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "type")


def test_json_with_a_charset_is_json(client: TestClient) -> None:
    headers = {**BEARER, "Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post(PATH, content=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"app_metadata": {"nam": 1}}', 422, "syntax"),
        (b'{"app_metadata": {"name": "null"}}', 422, "name"),
        (b'{"app_metadata": {"expected_qps": 1e12}}', 422, "policy"),
        (b"[" * 100_000, 422, "syntax"),
        (b"", 422, "syntax"),
        (b"{}" + b" " * (BODY_CAP - 2), 200, None),
        (b"{}" + b" " * (BODY_CAP - 1), 413, "size"),
        (b"{}" + b" " * (4 * BODY_CAP), 413, "size"),
    ],
    ids=["key", "name", "load", "deep", "empty", "largest", "too-large", "far-too-large"],
)
def test_a_refusal_is_an_error_document(client: TestClient, body: bytes, status: int, code: str | None) -> None:
    reply = client.post(PATH, content=body, headers=JSON)
    assert reply.status_code == status
    assert reply.json().get("error", {}).get("code") == code


@pytest.mark.parametrize("query", ["?format=xml", "?complete=perhaps"])
def test_a_parameter_of_another_form_is_422(client: TestClient, query: str) -> None:
    assert client.post(PATH + query, content=b"{}", headers=JSON).status_code == 422


def test_a_body_of_unknown_length_is_counted_while_it_comes(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    reply = client.post(PATH, content=endless(), headers=JSON)
    assert (reply.status_code, reply.headers["connection"]) == (413, "close")


def test_four_at_once_and_the_fifth_is_told_to_come_again() -> None:
    started, go = threading.Semaphore(0), threading.Event()

    def slow(_raw: bytes) -> Recommendation:
        started.release()
        assert go.wait(10)
        return ANSWER

    with TestClient(app(slow)) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [pool.submit(client.post, PATH, content=b"{}", headers=JSON) for _ in range(AT_ONCE)]
        for _ in range(AT_ONCE):
            assert started.acquire(timeout=10)
        refused = client.post(PATH, content=b"{}", headers=JSON)
        go.set()
        assert [one.result(10).status_code for one in waiting] == [200] * AT_ONCE
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "busy")
        assert int(refused.headers["retry-after"]) > 0
        assert client.post(PATH, content=b"{}", headers=JSON).status_code == 200


def test_a_defect_frees_its_place_and_tells_nothing() -> None:
    calls = iter(range(100))

    def broken(_raw: bytes) -> Recommendation | Refusal:
        if next(calls) < 2 * AT_ONCE:
            raise RuntimeError("hidden words")
        return ANSWER

    with TestClient(app(broken), raise_server_exceptions=False) as client:
        replies = [client.post(PATH, content=b"{}", headers=JSON) for _ in range(2 * AT_ONCE + 1)]
    assert [reply.status_code for reply in replies] == [500] * (2 * AT_ONCE) + [200]
    assert all("hidden words" not in reply.text for reply in replies)


def test_the_server_loads_the_rules_with_the_first_recommendation() -> None:
    """It has to listen within moments, and planning never delays an answer to GitHub."""
    program = (
        "import sys; from bot import service; rooms = ('bot.planning', 'bot.survey', 'bot.agents', 'dbos', 'kubernetes');"
        "assert not [name for name in sys.modules if name.startswith(rooms)];"
        "print(service.recommend(b'{}').replicas)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.stdout, ended.stderr) == ("2\n", "")


def test_without_a_recommender_there_is_no_such_page() -> None:
    reply = TestClient(app(None)).post(PATH, content=b"{}", headers=JSON)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, Code.SYNTAX)


def test_the_document_describes_request_and_answers(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"][PATH]["post"]
    sent = operation["requestBody"]["content"]["application/json"]
    assert {"app_metadata", "description", "service_manifest"} <= set(sent["schema"]["properties"])
    assert "order-service" in json.dumps(sent["example"])
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "application/yaml"}
    assert {"401", "408", "413", "415", "422", "429"} <= set(operation["responses"])
    assert operation["security"]


def test_the_example_of_the_document_is_answered(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"][PATH]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert client.post(PATH, json=example, headers=BEARER).status_code == 200


@pytest.mark.long
def test_the_document_is_true() -> None:
    seen = ask_everything(Signing(app()))
    assert {("/v1/r", 200), ("/v1/r", 422)} <= seen
