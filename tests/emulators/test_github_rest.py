"""The emulated GitHub answers as GitHub does: statuses, bodies, limits, pages, tags, visibility."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from bot.emulators.github import GitHubEmulator
from tests.fakes.clock import StoppedClock

REPO = "acme/infra"


class Client:
    """Plain HTTP against the emulator."""

    def __init__(self, github: GitHubEmulator, url: str) -> None:
        self.github, self.url, self.session = github, url, requests.Session()
        self.session.trust_env = False
        self.token: str | None = github.add_token("alice")

    def __call__(self, method: str, path: str, json: object = None, **headers: str) -> requests.Response:
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(
            method, self.url + path, json=json, headers=names, allow_redirects=False, timeout=10
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    github = GitHubEmulator(tmp_path_factory.mktemp("github"), clock=StoppedClock())
    github.add_repository(REPO, {"README.md": "infra\n", "apps/a/x.txt": "x", "big.txt": "y" * 1_100_000})
    github.add_repository("acme/secret", {"README.md": "s"}, private=True)
    for login, role in (("alice", "write"), ("bob", "read"), ("tina", "triage"), ("mia", "maintain")):
        github.grant(REPO, login, role)
    with github.serve() as url:
        client = Client(github, url)
        yield client
        client.session.close()


@pytest.fixture
def client(served: Client) -> Client:
    served.token = served.github.add_token("alice", token="alice-token-of-the-test")
    served.github.limits.spent.clear()
    return served


def issue(client: Client) -> str:
    return f"/repos/{REPO}/issues/{client.github.open_issue(REPO, 'alice', title='t')}"


@pytest.mark.parametrize(
    ("token", "message"), [(None, "Requires authentication"), ("wrong", "Bad credentials")], ids=["none", "wrong"]
)
def test_401(client: Client, token: str | None, message: str) -> None:
    client.token = token
    answer = client("GET", f"/repos/{REPO}")
    assert (answer.status_code, answer.json()["message"]) == (401, message)


@pytest.mark.parametrize(
    "path",
    [
        "/repos/acme/secret",
        "/repos/acme/none",
        f"/repos/{REPO}/issues/999",
        f"/repos/{REPO}/contents/none",
        "/users/ghost",
    ],
)
def test_404_for_the_absent_and_the_invisible(client: Client, path: str) -> None:
    answer = client("GET", path)
    assert (answer.status_code, answer.json()["message"], answer.json()["status"]) == (404, "Not Found", "404")


def test_an_unknown_route_is_recorded(client: Client) -> None:
    assert client("POST", "/graphql", {"query": ""}).status_code == 404
    assert "POST /graphql" in client.github.unknown


def test_a_missing_permission_names_itself(client: Client) -> None:
    client.token = client.github.add_token("alice", permissions={"metadata": "read", "issues": "read"})
    answer = client("POST", issue(client) + "/comments", {"body": "x"})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by personal access token"
    assert answer.headers["x-accepted-github-permissions"] == "issues=write; pull_requests=write"


@pytest.mark.parametrize(
    ("login", "permission", "role"),
    [("alice", "write", "write"), ("bob", "read", "read"), ("tina", "read", "triage"), ("mia", "write", "maintain")],
)
def test_permissions_have_the_old_word_and_the_role(client: Client, login: str, permission: str, role: str) -> None:
    answer = client("GET", f"/repos/{REPO}/collaborators/{login}/permission").json()
    assert (answer["permission"], answer["role_name"]) == (permission, role)


@pytest.mark.parametrize(("length", "status"), [(65_536, 201), (65_537, 422)])
def test_the_longest_comment(client: Client, length: int, status: int) -> None:
    answer = client("POST", issue(client) + "/comments", {"body": "x" * length})
    assert answer.status_code == status
    assert status == 201 or "maximum is 65536" in answer.text


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": 7}, {"body": None}])
def test_a_comment_without_body(client: Client, body: object) -> None:
    assert client("POST", issue(client) + "/comments", body).status_code == 422


def test_a_surrogate_is_no_json(client: Client) -> None:
    answer = client("POST", issue(client) + "/comments", {"body": "\ud800"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


def test_a_reaction_twice(client: Client) -> None:
    path = issue(client) + "/reactions"
    assert [client("POST", path, {"content": "eyes"}).status_code for _ in range(2)] == [201, 200]
    assert len(client("GET", path).json()) == 1
    assert client("POST", path, {"content": "nod"}).status_code == 422


def test_pages(client: Client) -> None:
    path = issue(client)
    for number in range(7):
        client.github.comment(REPO, int(path.rsplit("/", 1)[1]), "alice", str(number))
    first = client("GET", path + "/comments?per_page=3")
    assert set(first.links) == {"next", "last"}
    last = client("GET", first.links["last"]["url"].removeprefix(client.url))
    assert [item["body"] for item in last.json()] == ["6"]
    assert set(last.links) == {"prev", "first"}


def test_a_tag_saves_a_request(client: Client) -> None:
    first = client("GET", f"/repos/{REPO}")
    again = client("GET", f"/repos/{REPO}", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.text) == (304, "")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]


def test_contents(client: Client) -> None:
    big = client("GET", f"/repos/{REPO}/contents/big.txt").json()
    assert (big["encoding"], big["content"], big["size"]) == ("none", "", 1_100_000)
    assert [item["path"] for item in client("GET", f"/repos/{REPO}/contents/apps/a").json()] == ["apps/a/x.txt"]
    assert client("GET", f"/repos/{REPO}/contents/README.md").json()["content"] == "aW5mcmEK\n"


def test_eighty_content_creating_calls_a_minute(client: Client) -> None:
    path = issue(client) + "/comments"
    client.github.limits.content_per_minute = 3
    try:
        answers = [client("POST", path, {"body": "x"}) for _ in range(4)]
    finally:
        client.github.limits.content_per_minute = 80
    assert [answer.status_code for answer in answers] == [201, 201, 201, 403]
    assert "secondary rate limit" in answers[-1].json()["message"]
    assert answers[-1].headers["retry-after"] == "60"


def test_nine_hundred_points_a_minute(client: Client) -> None:
    client.github.limits.points_per_minute = 11
    path = issue(client) + "/reactions"
    try:
        answers = [client("POST", path, {"content": "eyes"}) for _ in range(3)]
    finally:
        client.github.limits.points_per_minute = 900
    assert [answer.status_code for answer in answers] == [201, 200, 403]


def test_the_hourly_limit(client: Client) -> None:
    client.github.limits.per_hour = 2
    try:
        answers = [client("GET", f"/repos/{REPO}") for _ in range(3)]
    finally:
        client.github.limits.per_hour = 5_000
    assert answers[-1].status_code == 403
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"
    assert answers[-1].json()["message"].startswith("API rate limit exceeded")


def test_a_pull_request_that_cannot_be(client: Client) -> None:
    path = f"/repos/{REPO}/pulls"
    client.github.commit(REPO, "feature", {"new.txt": "x"})
    wrong = client("POST", path, {"title": "t", "head": "none", "base": "main"})
    assert wrong.json()["errors"] == [{"resource": "PullRequest", "field": "head", "code": "invalid"}]
    long = client("POST", path, {"title": "t" * 257, "head": "feature", "base": "main"})
    assert long.status_code == 422


def test_a_draft_is_listed_by_head_and_edited(client: Client) -> None:
    path = f"/repos/{REPO}/pulls"
    client.github.commit(REPO, "drafted", {"drafted.txt": "x"})
    made = client("POST", path, {"title": "t", "head": "acme:drafted", "base": "main", "draft": True}).json()
    assert (made["draft"], made["head"]["ref"], made["merged_at"]) == (True, "drafted", None)
    listed = client("GET", path + "?head=acme:drafted&state=all").json()
    assert [item["number"] for item in listed] == [made["number"]]
    assert client("GET", path + "?head=acme:other").json() == []
    assert client("PATCH", f"{path}/{made['number']}", {"title": "new"}).json()["title"] == "new"
    assert "pull_request" in client("GET", f"/repos/{REPO}/issues/{made['number']}").json()


@pytest.mark.parametrize("rename", ["GET", "POST"])
def test_a_renamed_repository_redirects(client: Client, rename: str) -> None:
    client.github.add_repository(f"acme/old-{rename}", {"a": "b"})
    client.github.rename(f"acme/old-{rename}", f"acme/new-{rename}")
    answer = client(
        rename, f"/repos/acme/old-{rename}" + ("/pulls" if rename == "POST" else ""), {} if rename == "POST" else None
    )
    assert answer.status_code == (307 if rename == "POST" else 301)
    if rename == "GET":
        assert client("GET", answer.headers["location"].removeprefix(client.url)).json()["full_name"] == "acme/new-GET"
