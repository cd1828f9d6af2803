"""H03: GitHub's bad days. The right wait (the stopped clock notes it), one pull request, or a clear code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import BotError, Code, Refused, Unavailable
from bot.ports import PullText
from tests.edges.forge_contract import BRANCH, INFRA, WHEN, changes, publish
from tests.edges.github_world import TOKEN, EmulatedWorld, emulated

PULLS = "/repos/acme/infra/pulls"
REPO = "/repos/acme/infra"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path) as real:
        yield real


def one_pull(world: EmulatedWorld) -> None:
    assert len(world.pulls()) == 1
    assert list(world.github.branches(INFRA)) == [BRANCH, "main"]


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"status": 403, "body": SECONDARY, "headers": {"retry-after": "7"}}, (7, 7)),
        ({"status": 429, "headers": {"retry-after": "3"}}, (3, 3)),
        ({"status": 403, "body": SECONDARY}, (60, 60)),
        ({"status": 429}, (60, 60)),
        ({"status": 403, "body": SECONDARY, "times": 3}, (60 + 120 + 240,) * 2),
        ({"status": 500}, (0.5, 1)),
        ({"status": 502, "body": "<html>Bad gateway</html>"}, (0.5, 1)),
        ({"status": 503, "after_processing": True}, (0.5, 1)),
        ({"status": 500, "times": 3}, (3.5, 7)),
        ({"status": 200, "body": '{"number": 1, "ti'}, (0.5, 1)),
        ({"status": 200, "body": '{"number": 1, "ti', "after_processing": True}, (0.5, 1)),
    ],
    ids=[
        "H03-secondary-retry-after",
        "H03-429-retry-after",
        "H03-secondary-bare",
        "H03-429-bare",
        "H03-secondary-doubles",
        "H03-500",
        "H03-502-html",
        "H03-500-after-created",
        "H03-500-thrice",
        "H03-truncated",
        "H03-truncated-after-created",
    ],
)
def test_a_fault_while_creating_is_waited_out(
    world: EmulatedWorld, fault: dict[str, Any], waits: tuple[float, float]
) -> None:
    world.github.faults.add("POST", PULLS, **fault)
    made = publish(world.forge)
    assert waits[0] <= sum(world.clock.slept) <= waits[1]
    assert made.number == world.pulls()[0][0]
    one_pull(world)


@pytest.mark.parametrize("path", [REPO, PULLS], ids=["repo", "look"])
@pytest.mark.parametrize("status", [429, 500], ids=["H03-429", "H03-500"])
def test_a_fault_while_looking_is_waited_out(world: EmulatedWorld, path: str, status: int) -> None:
    world.github.faults.add("GET", path, status=status)
    publish(world.forge)
    assert len(world.clock.slept) == 1
    one_pull(world)


def test_nothing_remaining_waits_until_the_reset(world: EmulatedWorld) -> None:
    reset = str(int(world.clock.now().timestamp()) + 300)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    world.github.faults.add(
        "GET", REPO, status=403, body={"message": "API rate limit exceeded for user ID 1."}, headers=headers
    )
    publish(world.forge)
    assert 300 < sum(world.clock.slept) < 302


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "3000"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772373600"}],
    ids=["told", "reset"],
)
def test_a_long_limit_parks_the_job_and_calls_no_more(world: EmulatedWorld, headers: dict[str, str]) -> None:
    world.github.faults.add("GET", REPO, status=403, headers=headers)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"next try at \d\d:\d\d UTC") as parked:
            publish(world.forge)
        assert parked.value.code is Code.RATE
        assert parked.value.retry_after > 900
    assert len(world.github.calls) == 1
    assert world.clock.slept == []


@pytest.mark.parametrize("times", [1, 1000], ids=["once", "lasting"])
def test_an_answer_that_broke_in_its_headers_is_no_permission(world: EmulatedWorld, times: int) -> None:
    world.github.faults.add("GET", ".*/permission", status=200, body="", times=times)
    if times == 1:
        assert world.forge.permission(world.thread(), "alice") == "admin"
    else:
        with pytest.raises(Unavailable) as outage:
            world.forge.permission(world.thread(), "alice")
        assert outage.value.code is Code.RATE


def test_a_pull_request_whose_answer_broke_in_its_headers_is_looked_for(world: EmulatedWorld) -> None:
    world.github.faults.add("POST", PULLS, status=201, body="", after_processing=True)
    publish(world.forge)
    one_pull(world)
    assert sum(call.creates for call in world.github.calls) == 1


def test_a_lasting_outage_ends(world: EmulatedWorld) -> None:
    world.github.faults.add("*", ".*", status=500, times=1000)
    with pytest.raises(Unavailable):
        publish(world.forge)
    assert sum(world.clock.slept) <= 120
    assert len(world.github.calls) == 6


def test_a_hanging_call_is_looked_for_before_it_is_repeated(world: EmulatedWorld) -> None:
    hasty = world.another(timeout=1)
    world.github.faults.add("POST", PULLS, hang=1.4, after_processing=True)
    with hasty:
        publish(hasty)
    one_pull(world)
    assert sum(call.creates for call in world.github.calls) == 1


@pytest.mark.parametrize("kind", ["H03-401", "H03-401-mid-job"])
def test_a_wrong_credential_is_named(world: EmulatedWorld, kind: str) -> None:
    world.github.faults.add(
        "GET", PULLS if kind == "H03-401-mid-job" else REPO, status=401, body={"message": "Bad credentials"}
    )
    refused = refusal(world)
    assert refused.code is Code.GITHUB_AUTH
    assert "GITHUB_TOKEN" in refused.remedy
    assert world.clock.slept == []


class Renewable:
    """A token source whose first token has expired."""

    def __init__(self) -> None:
        self.tokens = ["expired-token-of-an-hour-ago", TOKEN]

    def token(self) -> SecretStr:
        return SecretStr(self.tokens[0])

    def renew(self) -> bool:
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True


def test_a_renewable_credential_is_renewed_once(world: EmulatedWorld) -> None:
    with world.another(token=Renewable()) as forge:
        publish(forge)
    one_pull(world)


def refusal(world: EmulatedWorld):
    with pytest.raises(Refused) as refused:
        publish(world.forge)
    return refused.value.refusal


@pytest.mark.parametrize(
    ("permissions", "named"),
    [
        ({"metadata": "read", "contents": "write"}, "pull_requests"),
        ({"metadata": "read", "contents": "write", "pull_requests": "read"}, "pull_requests=write"),
        ({"metadata": "read", "contents": "read", "pull_requests": "write"}, "contents: write"),
    ],
    ids=["H03-403-pulls", "H03-403-pulls-write", "H03-403-push"],
)
def test_a_missing_right_is_named_and_not_repeated(
    world: EmulatedWorld, permissions: dict[str, str], named: str
) -> None:
    token = world.github.add_token("provision-bot", permissions=permissions)
    with world.another(token=token) as forge, pytest.raises(Refused) as refused:
        publish(forge)
    assert refused.value.refusal.code is Code.GITHUB_AUTH
    assert named in refused.value.refusal.message + refused.value.refusal.remedy
    assert world.clock.slept == []


def test_an_invisible_repository_is_a_missing_right_not_an_absent_file(world: EmulatedWorld) -> None:
    token = world.github.add_token("stranger")
    with world.another(token=token) as forge:
        for act in (lambda: forge.file(INFRA, ".ai-provision.yaml"), lambda: publish(forge)):
            with pytest.raises(Refused) as refused:
                act()
            assert refused.value.refusal.code is Code.GITHUB_AUTH


def test_422_exists_is_looked_at_again(world: EmulatedWorld) -> None:
    body = {
        "message": "Validation Failed",
        "errors": [{"message": f"A pull request already exists for acme:{BRANCH}."}],
    }
    world.github.faults.add("POST", PULLS, status=422, body=body, after_processing=True)
    publish(world.forge)
    one_pull(world)


def test_a_branch_that_is_not_visible_yet_is_waited_for(world: EmulatedWorld) -> None:
    body = {"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}]}
    world.github.faults.add("POST", PULLS, status=422, body=body, times=2)
    publish(world.forge)
    assert world.clock.slept == [1.0, 2.0]
    one_pull(world)


def test_a_repository_without_drafts_gets_a_plain_pull_request(world: EmulatedWorld) -> None:
    body = {"message": "Draft pull requests are not supported in this repository."}
    world.github.faults.add("POST", PULLS, status=422, body=body)
    text = PullText(title="t", body="b", draft=True)
    made = world.forge.publish(INFRA, branch=BRANCH, marker="k", changes=changes(), text=text, message="m", when=WHEN)
    assert not made.draft


def test_a_draft_is_a_draft(world: EmulatedWorld) -> None:
    text = PullText(title="t", body="b", draft=True)
    assert world.forge.publish(
        INFRA, branch=BRANCH, marker="k", changes=changes(), text=text, message="m", when=WHEN
    ).draft


@pytest.mark.parametrize("case", ["H03-301-rename"])
def test_a_renamed_repository_is_followed(world: EmulatedWorld, case: str) -> None:
    thread = world.thread()
    comment = world.human_comment(thread, "/ai-provision")
    publish(world.forge)
    world.github.rename(INFRA, "acme/platform")
    world.forge.react(thread, comment, "eyes")
    world.forge.say(thread, marker="k", body="one")
    world.forge.say(thread, marker="k", body="two")
    assert not publish(world.forge, changes(main_tf="a")).created
    assert [item.body for item in world.github.comments("acme/platform", thread.number)][1].endswith("two")
    assert len(world.github.pulls("acme/platform")) == 1


def test_a_redirect_to_another_host_is_not_followed(world: EmulatedWorld) -> None:
    world.github.faults.add("GET", REPO, status=301, headers={"location": "http://example.invalid/repos/acme/infra"})
    assert refusal(world).code is Code.CONFIG


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://example.invalid/acme/infra.git", "another host"),
        ("http://example.invalid/acme/infra.git", "plain http"),
        ("file:///etc", "a folder"),
        ("ssh://git@127.0.0.1/acme/infra.git", "ssh"),
        ("ext::sh -c id", "a command"),
        ("http://user:pass@127.0.0.1/acme/infra.git", "credentials"),
    ],
)
def test_the_token_goes_to_githubs_own_host_only(world: EmulatedWorld, url: str, why: str) -> None:
    body = {"full_name": INFRA, "default_branch": "main", "clone_url": url}
    world.github.faults.add("GET", REPO, status=200, body=body)
    assert refusal(world).code is Code.GITHUB_AUTH


@pytest.mark.parametrize("service", ["upload", "receive"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_git_that_fails_once_is_repeated(world: EmulatedWorld, service: str, after: bool) -> None:
    world.github.faults.add("POST", f"/acme/infra.git/git-{service}-pack", status=503, after_processing=after)
    made = publish(world.forge)
    assert made.head_sha == world.github.branches(INFRA)[BRANCH]
    one_pull(world)


def test_git_that_stays_down_is_an_outage(world: EmulatedWorld) -> None:
    world.github.faults.add("*", r"/acme/infra\.git/.*", status=503, times=100)
    with pytest.raises(Unavailable):
        publish(world.forge)


def test_a_branch_that_moved_meanwhile_is_not_overwritten(world: EmulatedWorld) -> None:
    publish(world.forge)
    world.github.faults.add("POST", "/acme/infra.git/git-receive-pack", status=503)
    world.clock.before_sleep = lambda: world.commit(BRANCH, "apps/shop/mine.txt", "a person's")
    assert refusal_of(world, changes(main_tf="a")).code is Code.CONFLICT
    assert world.files(BRANCH)["apps/shop/mine.txt"] == "a person's"


def refusal_of(world: EmulatedWorld, what):
    with pytest.raises(Refused) as refused:
        publish(world.forge, what)
    return refused.value.refusal


def test_an_empty_infrastructure_repository_is_named(world: EmulatedWorld) -> None:
    world.github.add_repository("acme/empty", {})
    world.github.grant("acme/empty", "provision-bot", "write")
    with pytest.raises(Refused) as refused:
        world.forge.publish(
            "acme/empty",
            branch=BRANCH,
            marker="k",
            changes=changes(),
            text=PullText(title="t", body="b"),
            message="m",
            when=WHEN,
        )
    assert refused.value.refusal.code is Code.REPO_EMPTY


@pytest.mark.parametrize("case", ["I9-errors"])
@pytest.mark.parametrize("path", [REPO, PULLS, r"/acme/infra\.git/.*"], ids=["repo", "pulls", "git"])
@pytest.mark.parametrize("status", [401, 403, 422])
def test_no_failure_quotes_the_token(world: EmulatedWorld, path: str, status: int, case: str) -> None:
    world.github.faults.add("*", path, status=status, body={"message": f"you sent {TOKEN}"}, times=100)
    with pytest.raises(BotError) as failed:
        publish(world.forge)
    shown = f"{failed.value} {failed.value!r} {getattr(failed.value, 'refusal', '')}"
    assert TOKEN[:30] not in shown
