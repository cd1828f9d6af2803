"""T34 and H03: an App's tokens are as narrow and as short as they can be, and a refused one is replaced once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.emulators.github.state import Repository
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.command import ThreadRef
from tests.edges.forge_contract import INFRA, publish
from tests.edges.github_app_kit import SHOP, SITE, AppWorld, app_world
from tests.fakes.clock import StoppedClock

WRITING = {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"}
READING = {"contents": "read", "metadata": "read"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AppWorld]:
    with app_world(tmp_path) as made:
        yield made


def refusal(act) -> Refusal:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.refusal


def token(world: AppWorld, repo: str = INFRA, number: int | None = None) -> str:
    return world.installations.token_for(repo, number).token().get_secret_value()


def test_t34_the_token_is_for_one_repository_with_the_least_rights(world: AppWorld) -> None:
    token(world, INFRA, world.home)
    (minted,) = world.github.apps.minted
    assert minted.installation == world.home
    assert minted.body == {"repositories": ["infra"], "permissions": WRITING}


def test_t34_a_private_application_is_read_with_reading_rights_alone(world: AppWorld) -> None:
    number = world.github.apps.install(world.app.id, SHOP)
    reader = world.installations.reader_for(SHOP)
    assert reader is not None
    reader.token()
    (minted,) = world.github.apps.minted
    assert (minted.installation, minted.body) == (number, {"repositories": ["shop"], "permissions": READING})


def test_t34_no_right_to_workflows_or_administration_is_ever_asked_for(world: AppWorld) -> None:
    world.github.apps.install(world.app.id, SHOP)
    with world.forge() as forge:
        publish(forge)
    reader = world.installations.reader_for(SHOP)
    assert reader is not None
    reader.token()
    world.installations.repositories()
    for minted in world.github.apps.minted:
        assert minted.body["permissions"].items() <= WRITING.items() | READING.items()


@pytest.mark.parametrize("long_tokens", [True, False], ids=["T34-520", "T34-40"])
def test_a_pull_request_with_a_token_of_either_length(tmp_path: Path, long_tokens: bool) -> None:
    with app_world(tmp_path, long_tokens=long_tokens) as world, world.forge() as forge:
        publish(forge)
        (minted,) = world.github.apps.minted
        assert abs(len(minted.token) - (520 if long_tokens else 40)) <= 2
        assert len(world.github.pulls(INFRA)) == 1


def test_everything_of_one_installation_shares_one_token_and_one_queue(world: AppWorld) -> None:
    world.github.apps.select(world.home, INFRA, SHOP, SITE)
    first, second = world.installations.token_for(INFRA), world.installations.token_for(SITE, world.home)
    reader = world.installations.reader_for(SHOP)
    assert first is second
    assert reader is not None
    assert first.pace is reader.pace
    first.token()
    assert world.github.apps.minted[0].body["repositories"] == ["infra", "site"]
    token(world)
    assert world.mints() == 1


def test_the_installation_of_a_repository_is_asked_for_once(world: AppWorld) -> None:
    other = world.github.apps.install(world.app.id, SHOP)
    for _ in range(3):
        token(world)
        token(world, SHOP)
    assert sorted(minted.installation for minted in world.github.apps.minted) == [world.home, other]
    assert sum(call.path.endswith("/installation") for call in world.github.calls) == 2


def test_a_token_is_replaced_five_minutes_before_it_ends(world: AppWorld) -> None:
    first = token(world)
    world.clock.sleep(3_299)
    assert token(world) == first
    world.clock.sleep(1)
    assert token(world) != first
    assert world.mints() == 2


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_an_hour_wrong_mints_no_more(tmp_path: Path, hours: int) -> None:
    with app_world(tmp_path) as world:
        mine = StoppedClock()
        mine.sleep(3_600 * hours)
        source = world.installations.token_for(INFRA)
        source._clock = mine
        assert len({source.token().get_secret_value() for _ in range(5)}) == 1


@pytest.mark.parametrize("place", ["/repos/acme/infra", "/repos/acme/infra/pulls"], ids=["first", "H03-401-mid-job"])
def test_h03_a_401_mints_once_and_repeats_once(world: AppWorld, place: str) -> None:
    world.github.faults.add("GET", place, status=401, body={"message": "Bad credentials"})
    with world.forge() as forge:
        publish(forge)
    assert world.mints() == 2
    assert len(world.github.pulls(INFRA)) == 1
    assert world.clock.slept == []


def test_h03_a_second_401_is_a_refusal(world: AppWorld) -> None:
    world.github.faults.add("GET", "/repos/acme/infra", status=401, body={"message": "Bad credentials"}, times=2)
    with world.forge() as forge:
        told = refusal(lambda: publish(forge))
    assert told.code is Code.GITHUB_AUTH
    assert "App" in told.remedy
    assert world.mints() == 2


def test_h03_a_token_that_ends_before_the_push_is_replaced(world: AppWorld) -> None:
    world.github.faults.add("GET", r"/acme/infra\.git/info/refs", status=401, skip=1)
    with world.forge() as forge:
        publish(forge)
    assert world.mints() == 2
    assert len(world.github.pulls(INFRA)) == 1


def test_h03_git_that_refuses_twice_is_a_refusal(world: AppWorld) -> None:
    world.github.faults.add("GET", r"/acme/infra\.git/info/refs", status=401, times=20)
    with world.forge() as forge:
        assert refusal(lambda: publish(forge)).code is Code.GITHUB_AUTH
    assert world.mints() == 2
    assert world.github.pulls(INFRA) == ()


@pytest.mark.parametrize("status", [404, 422], ids=["H03-404-just-after", "H03-422-just-after"])
def test_h03_a_comment_that_github_does_not_show_yet_is_waited_for(world: AppWorld, status: int) -> None:
    number = world.github.open_issue(INFRA, "alice", title="t")
    comment = world.github.comment(INFRA, number, "alice", "/ai-provision")
    world.github.faults.add(
        "POST", ".*/reactions", status=status, body={"message": "Could not resolve to a node"}, times=2
    )
    thread = ThreadRef(owner="acme", repo="infra", number=number)
    with world.forge() as forge:
        forge.react(thread, comment, "eyes")
    (seen,) = world.github.comments(INFRA, number)
    assert [item.content for item in seen.reactions] == ["eyes"]
    assert world.clock.slept == [1.0, 2.0]


def test_h03_a_comment_that_vanished_after_its_creation_is_written_once_more(world: AppWorld) -> None:
    number = world.github.open_issue(INFRA, "alice", title="t")
    thread = ThreadRef(owner="acme", repo="infra", number=number)
    with world.forge() as forge:
        forge.say(thread, marker="k", body="one")
        world.github.faults.add("PATCH", ".*/comments/.*", status=404, body={"message": "Not Found"})
        forge.say(thread, marker="k", body="two")
    assert [item.body.splitlines()[-1] for item in world.github.comments(INFRA, number)] == ["two"]


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"status": 403, "headers": {"retry-after": "7"}}, (7, 7)),
        ({"status": 403, "body": {"message": "You have exceeded a secondary rate limit."}}, (60, 60)),
        ({"status": 429}, (60, 60)),
        ({"status": 502}, (0.5, 1)),
    ],
    ids=["H03-secondary-retry-after", "H03-secondary-bare", "H03-429", "H03-502"],
)
def test_h03_minting_obeys_the_limits(world: AppWorld, fault: dict, waits: tuple[float, float]) -> None:
    world.github.faults.add("POST", "/app/installations/.*", **fault)
    token(world)
    assert waits[0] <= sum(world.clock.slept) <= waits[1]
    assert world.mints() == 1


def test_h03_minting_that_must_wait_long_is_parked(world: AppWorld) -> None:
    world.github.faults.add("POST", "/app/installations/.*", status=403, headers={"retry-after": "3000"}, times=9)
    for _ in range(2):
        with pytest.raises(Unavailable) as parked:
            token(world)
        assert parked.value.code is Code.RATE
    assert sum("access_tokens" in call.path for call in world.github.calls) == 1


def gone(world: AppWorld) -> None:
    world.github.apps.delete(world.home)


def suspended(world: AppWorld) -> None:
    world.github.apps.suspend(world.home)


def narrowed(world: AppWorld) -> None:
    world.github.apps.select(world.home, SITE)


def weakened(world: AppWorld) -> None:
    world.github._site.world.installations[world.home].permissions = {"metadata": "read", "contents": "read"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (gone, "no longer installed"),
        (suspended, "suspended"),
        (narrowed, "does not include"),
        (weakened, "lacks a permission"),
    ],
)
def test_an_installation_that_gives_no_token_is_a_sentence_and_no_repetition(
    world: AppWorld, change, words: str
) -> None:
    change(world)
    source = world.installations.token_for(INFRA, world.home)
    told = refusal(source.token)
    assert told.code is Code.GITHUB_AUTH
    assert words in told.message
    assert told.remedy.endswith(".")
    assert sum(call.writes for call in world.github.calls) == 1
    assert world.clock.slept == []


def test_a_repository_that_left_the_installation_does_not_stop_the_others(world: AppWorld) -> None:
    world.github.apps.select(world.home, INFRA, SHOP)
    token(world, SHOP, world.home)
    world.github.apps.select(world.home, INFRA)
    token(world, INFRA, world.home)
    assert world.github.apps.minted[-1].body["repositories"] == ["infra"]


def test_a_repository_without_the_app_is_named(world: AppWorld) -> None:
    told = refusal(lambda: token(world, SHOP))
    assert told.code is Code.GITHUB_AUTH
    assert SHOP in told.message
    assert world.installations.reader_for(SHOP) is None


def test_w08_after_the_removal_no_token_is_minted(world: AppWorld) -> None:
    token(world)
    before = len(world.github.calls)
    world.removed.add(world.home)
    source = world.installations.token_for(INFRA, world.home)
    source.renew()
    assert refusal(source.token).code is Code.GITHUB_AUTH
    assert len(world.github.calls) == before
    assert world.installations.reader_for(INFRA) is None
    assert world.installations.repositories() == ()
    assert world.mints() == 1


def test_w08_an_app_that_came_back_works_under_its_new_number(world: AppWorld) -> None:
    token(world)
    world.github.apps.delete(world.home)
    world.removed.add(world.home)
    again = world.github.apps.install(world.app.id, INFRA)
    token(world)
    assert world.github.apps.minted[-1].installation == again


def test_poll_mode_sees_the_repositories_of_every_working_installation(world: AppWorld) -> None:
    many = [f"beta/r{number}" for number in range(103)]
    repositories = world.github._site.world.repositories
    for number, name in enumerate(many):
        repositories[name] = Repository(name, number, Path("nowhere"))
    world.github.apps.install(world.app.id, *many)
    sleeping = world.github.apps.install(world.app.id, SHOP)
    world.github.apps.suspend(sleeping)
    assert world.installations.repositories() == tuple(sorted([INFRA, *many]))
    assert world.github.apps.minted[-1].body["permissions"] == {"metadata": "read"}


def test_the_meter_hears_every_call_and_what_is_left(world: AppWorld) -> None:
    world.github.faults.add("POST", "/app/installations/.*", status=502)
    token(world)
    assert world.meter.outcomes == ["ok", "502", "ok"]
    assert {name for name, _ in world.meter.budgets} == {"app"}
    number = world.github.apps.install(world.app.id, SHOP)
    reader = world.installations.reader_for(SHOP)
    assert reader is not None
    with world.installations.connect(reader) as connection:
        connection.line.get("metadata: read", f"/repos/{SHOP}")
    assert world.meter.budgets[-1] == (str(number), 4_999)


def test_two_threads_mint_one_token(world: AppWorld) -> None:
    source = world.installations.token_for(INFRA)
    seen: set[str] = set()
    threads = [threading.Thread(target=lambda: seen.add(source.token().get_secret_value())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(seen), world.mints()) == (1, 1)
