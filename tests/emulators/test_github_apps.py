"""The emulated GitHub knows Apps: who signed, what a token may, what was delivered."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self

import jwt
import pytest
import requests

from bot.emulators.github import GitHubEmulator
from bot.emulators.loopback import Loopback
from tests.fakes.clock import StoppedClock

PRIVATE, PUBLIC, OTHER = "acme/infra", "acme/site", "beta/infra"


class World:
    def __init__(self, root: Path) -> None:
        self.clock = StoppedClock()
        self.github = GitHubEmulator(root, clock=self.clock)
        for name, private in ((PRIVATE, True), (PUBLIC, False), (OTHER, True)):
            self.github.add_repository(name, {"README.md": "x\n"}, private=private)
        self.app = self.github.apps.create()
        self.home = self.github.apps.install(self.app.id, PRIVATE)
        self.url = ""
        self.session = requests.Session()

    def signed(self, *, key: str | None = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(self.clock.now().timestamp())
        facts = {"iat": now - 60, "exp": now + 540, "iss": str(self.app.id), **claims}
        return jwt.encode(facts, self.app.private_key if key is None else key, algorithm=algorithm)

    def call(self, method: str, path: str, token: str, **body: Any) -> requests.Response:
        return self.session.request(
            method, self.url + path, json=body or None, headers={"Authorization": f"Bearer {token}"}, timeout=5
        )

    def mint(self, **body: Any) -> requests.Response:
        return self.call("POST", f"/app/installations/{self.home}/access_tokens", self.signed(), **body)

    def token(self, **body: Any) -> str:
        return str(self.mint(**body).json()["token"])

    def git(self, name: str, token: str, service: str = "git-upload-pack") -> int:
        pair = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        answer = self.session.get(
            f"{self.url}/{name}.git/info/refs?service={service}", headers={"Authorization": f"basic {pair}"}, timeout=5
        )
        return answer.status_code


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    with made.session, Loopback(made.github.app) as server:
        made.url = made.github.base_url = server.url
        yield made


def test_the_app_is_who_signed(world: World) -> None:
    shown = world.call("GET", "/app", world.signed()).json()
    assert (shown["id"], shown["slug"], shown["installations_count"]) == (world.app.id, "ai-provision", 1)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": 0}, "must be a numeric value in the future"),
        ({"exp": 4_000_000_000}, "too far in the future"),
        ({"iat": 4_000_000_000}, "'iat'"),
        ({"iss": "1"}, "could not be decoded"),
    ],
    ids=["ended", "too-long", "future", "another-app"],
)
def test_a_wrong_signature_of_the_app_is_refused(world: World, claims: dict[str, Any], said: str) -> None:
    answer = world.call("GET", "/app", world.signed(**claims))
    assert answer.status_code == 401
    assert said in answer.json()["message"]


def test_another_key_another_algorithm_and_a_plain_token_are_refused(world: World) -> None:
    stranger = world.github.apps.create("stranger")
    secret = "s" * 40
    for token in (
        world.signed(key=stranger.private_key),
        world.signed(key=secret, algorithm="HS256"),
        world.token(),
        world.github.add_token("alice"),
    ):
        assert world.call("GET", "/app", token).status_code == 401
    assert world.call("GET", f"/repos/{PUBLIC}", world.signed()).status_code == 401


def test_installations_are_the_apps_own(world: World) -> None:
    stranger = world.github.apps.create("stranger")
    theirs = world.github.apps.install(stranger.id, OTHER)
    listed = world.call("GET", "/app/installations", world.signed()).json()
    assert [row["id"] for row in listed] == [world.home]
    assert listed[0]["account"]["login"] == "acme"
    assert world.call("GET", f"/app/installations/{theirs}", world.signed()).status_code == 404
    assert world.call("GET", f"/repos/{PRIVATE}/installation", world.signed()).json()["id"] == world.home
    assert world.call("GET", f"/repos/{OTHER}/installation", world.signed()).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"repositories": ["site"]}, 422, "not accessible"),
        ({"repositories": []}, 422, "list of names"),
        ({"permissions": {"workflows": "write"}}, 422, "not granted"),
        ({"permissions": {"metadata": "write"}}, 422, "not granted"),
        ({"permissions": {"contents": "all"}}, 422, "names and levels"),
        ({"repositories": ["infra"], "permissions": {"contents": "read"}}, 201, ""),
    ],
)
def test_a_token_has_no_more_than_the_installation(world: World, body: dict[str, Any], status: int, said: str) -> None:
    answer = world.mint(**body)
    assert answer.status_code == status
    assert said in answer.json().get("message", "")
    assert len(world.github.apps.minted) == (1 if status == 201 else 0)


@pytest.mark.parametrize(("long_tokens", "length"), [(True, 520), (False, 40)], ids=["T34-520", "T34-40"])
def test_tokens_come_in_githubs_two_lengths(world: World, long_tokens: bool, length: int) -> None:
    world.app = world.github.apps.create("another", long_tokens=long_tokens)
    world.home = world.github.apps.install(world.app.id, PRIVATE)
    token = world.token()
    assert abs(len(token) - length) <= 2
    assert token.startswith("ghs_")


def test_a_token_ends_after_an_hour_and_with_its_installation(world: World) -> None:
    path = f"/repos/{PRIVATE}"
    first = world.token()
    assert world.call("GET", path, first).status_code == 200
    world.clock.sleep(3_599)
    assert world.call("GET", path, first).status_code == 200
    world.clock.sleep(1)
    assert (world.call("GET", path, first).status_code, world.git(PRIVATE, first)) == (401, 401)
    second = world.token()
    world.github.apps.suspend(world.home)
    assert (world.call("GET", path, second).status_code, world.mint().status_code) == (401, 403)
    world.github.apps.suspend(world.home, suspended=False)
    assert (world.call("GET", path, second).status_code, world.git(PRIVATE, second)) == (200, 200)
    world.github.apps.delete(world.home)
    assert (world.call("GET", path, second).status_code, world.mint().status_code) == (401, 404)


def test_a_token_opens_its_repositories_alone(world: World) -> None:
    world.github.apps.select(world.home, PRIVATE, PUBLIC)
    token = world.token(repositories=["infra"])
    assert world.call("GET", f"/repos/{PRIVATE}", token).status_code == 200
    assert world.call("GET", f"/repos/{OTHER}", token).status_code == 404
    assert world.call("GET", f"/repos/{PUBLIC}", token).status_code == 200
    number = world.github.open_issue(PUBLIC, "alice", title="t")
    assert world.call("POST", f"/repos/{PUBLIC}/issues/{number}/comments", token, body="x").status_code == 403
    assert world.git(PUBLIC, token, "git-receive-pack") == 403
    assert world.git(PRIVATE, token, "git-receive-pack") == 200
    assert world.git(OTHER, token) == 404
    rows = world.call("GET", "/installation/repositories", token).json()
    assert (rows["total_count"], [row["full_name"] for row in rows["repositories"]]) == (1, [PRIVATE])


def test_a_reading_token_writes_nothing(world: World) -> None:
    token = world.token(repositories=["infra"], permissions={"contents": "read", "metadata": "read"})
    number = world.github.open_issue(PRIVATE, "alice", title="t")
    assert world.call("POST", f"/repos/{PRIVATE}/issues/{number}/comments", token, body="x").status_code == 403
    assert (world.git(PRIVATE, token), world.git(PRIVATE, token, "git-receive-pack")) == (200, 403)


class Listener:
    """Takes webhooks and answers what it is told."""

    def __init__(self) -> None:
        self.status = 202
        self.heard: list[tuple[str, str, str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kind = self.headers["x-github-hook-installation-target-type"]
                outer.heard.append((self.headers["x-github-event"], self.headers["x-github-delivery"], kind, body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join(5)
        self.server.server_close()


def test_deliveries_name_the_installation_and_come_again_with_the_same_id(world: World) -> None:
    with Listener() as listener:
        world.github.apps.listen(world.app.id, listener.url, "secret")
        listener.status = 503
        world.github.open_issue(PRIVATE, "alice", title="t")
        world.github.open_issue(PUBLIC, "alice", title="elsewhere")
        listener.status = 202
        rows = world.call("GET", "/app/hook/deliveries", world.signed()).json()
        assert [(row["status"], row["status_code"], row["event"]) for row in rows] == [
            ("Invalid HTTP Response: 503", 503, "issues")
        ]
        assert rows[0]["installation_id"] == world.home
        path = f"/app/hook/deliveries/{rows[0]['id']}/attempts"
        assert world.call("POST", path, world.signed()).status_code == 202
        assert world.call("POST", "/app/hook/deliveries/7/attempts", world.signed()).status_code == 404
        again = world.call("GET", "/app/hook/deliveries", world.signed()).json()
    assert [(row["status"], row["redelivery"]) for row in again] == [("OK", True), (rows[0]["status"], False)]
    assert {row["guid"] for row in again} == {rows[0]["guid"]}
    first, second = listener.heard
    assert first == second
    assert first[:3] == ("issues", rows[0]["guid"], "integration")
    assert f'"installation":{{"id":{world.home}'.encode() in first[3]


def test_deliveries_come_by_cursor_and_end_after_three_days(world: World) -> None:
    with Listener() as listener:
        world.github.apps.listen(world.app.id, listener.url, "secret")
        for number in range(5):
            world.github.open_issue(PRIVATE, "alice", title=str(number))
    seen: list[int] = []
    answer = world.call("GET", "/app/hook/deliveries?per_page=2", world.signed())
    while True:
        seen += [row["id"] for row in answer.json()]
        if "next" not in answer.links:
            break
        answer = world.call("GET", answer.links["next"]["url"].removeprefix(world.url), world.signed())
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)
    world.clock.sleep(3 * 86_400)
    assert world.call("GET", "/app/hook/deliveries", world.signed()).json() == []


def test_a_listener_that_is_gone_is_a_failed_delivery(world: World) -> None:
    with Listener() as listener:
        world.github.apps.listen(world.app.id, listener.url, "secret")
    world.github.open_issue(PRIVATE, "alice", title="t")
    rows = world.call("GET", "/app/hook/deliveries", world.signed()).json()
    assert [row["status"] for row in rows] == ["failed to connect to host"]


def test_w08_the_app_hears_that_it_was_removed(world: World) -> None:
    with Listener() as listener:
        world.github.apps.listen(world.app.id, listener.url, "secret")
        world.github.apps.suspend(world.home)
        world.github.open_issue(PRIVATE, "alice", title="not heard")
        world.github.apps.suspend(world.home, suspended=False)
        world.github.apps.delete(world.home)
    assert [(event, body[:24]) for event, _, _, body in listener.heard] == [
        ("installation", b'{"action":"suspend","ins'),
        ("installation", b'{"action":"unsuspend","i'),
        ("installation", b'{"action":"deleted","ins'),
    ]
    assert all(f'"id":{world.home}'.encode() in body for *_, body in listener.heard)
