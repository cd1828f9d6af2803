"""The whole belt with a GitHub App in the place of a token: its webhooks, its least tokens, its removal (W08)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.demo import APPLICATION, INFRA
from bot.edges.clock import RealClock
from bot.edges.github.installation_token import READING, WRITING
from bot.emulators.github.apps import NewApp
from tests.durable.rig import SMALL, World, job_ends, run_worker, world
from tests.edges.github_app_kit import key

ELSEWHERE = "another/place"
MISSING = "myorg/no-such-repository"
BOT = "ai-provision[bot]"
INFRA_NAME, APPLICATION_NAME = INFRA.split("/")[1], APPLICATION.split("/")[1]


@dataclass(frozen=True)
class AppWorld:
    """A world where the bot is an App, and its installation on the infrastructure repository."""

    here: World
    app: NewApp
    home: int

    def answers(self, number: int, repo: str = INFRA) -> list[str]:
        """What the bot said in a thread."""
        return [said.body for said in self.here.github.comments(repo, number) if said.account.login == BOT]

    def minted(self) -> list[tuple[int, tuple[str, ...], dict[str, str]]]:
        """Every token that was asked for: installation, repositories, permissions."""
        return [
            (one.installation, tuple(one.body.get("repositories", ())), dict(one.body["permissions"]))
            for one in self.here.github.apps.minted
        ]


@contextmanager
def app_world(root: Path, *, private: bool = False) -> Iterator[AppWorld]:
    with world(root, clock=RealClock()) as here:
        github = here.github
        github._repo(INFRA).hooks.clear()
        github._repo(INFRA).private = True
        github._repo(APPLICATION).private = private
        app = github.apps.create(private_key=key())
        github.apps.listen(app.id, f"{here.hook}/webhooks/github", "secret")
        home = github.apps.install(app.id, INFRA)
        del here.environment["GITHUB_TOKEN"]
        here.environment["AI_PROVISION_GITHUB_APP_ID"] = str(app.id)
        here.environment["AI_PROVISION_GITHUB_PRIVATE_KEY"] = app.private_key
        yield AppWorld(here, app, home)
        assert github.unknown == ()


@pytest.fixture
def on(tmp_path: Path) -> Iterator[AppWorld]:
    with app_world(tmp_path) as made:
        yield made


def test_w08_an_app_opens_one_pull_request_with_the_least_tokens(on: AppWorld) -> None:
    number = on.here.command(SMALL)
    run_worker(on.here)
    assert job_ends(on.here) == [("pull-request", None)]
    assert [pull.account.login for pull in on.here.github.pulls(INFRA)] == [BOT]
    assert len(on.answers(number)) == 1
    assert on.minted() == [(on.home, (INFRA_NAME,), WRITING)]


def test_w08_a_removed_app_mints_nothing_and_ends_the_command(on: AppWorld) -> None:
    first = on.here.command("/ai-help")
    run_worker(on.here)
    assert len(on.answers(first)) == 1
    before = on.minted()
    second = on.here.github.open_issue(INFRA, "ada", title="Too late")
    on.here.github.comment(INFRA, second, "ada", SMALL)
    on.here.github.apps.delete(on.home)
    on.here.store()
    run_worker(on.here)
    assert job_ends(on.here) == [("answered", None), ("failed", "github-auth")]
    assert on.minted() == before
    assert on.answers(second) == []
    assert on.here.github.pulls(INFRA) == ()


def test_w08_an_app_that_is_back_works_again(on: AppWorld) -> None:
    on.here.github.apps.suspend(on.home)
    on.here.github.apps.suspend(on.home, suspended=False)
    number = on.here.command("/ai-help")
    run_worker(on.here)
    assert job_ends(on.here) == [("answered", None)]
    assert len(on.answers(number)) == 1


def test_a_thread_of_another_installation_does_not_reach_the_infrastructure(on: AppWorld) -> None:
    github = on.here.github
    github.add_repository(ELSEWHERE, {"README.md": "elsewhere\n"}, private=True)
    github.grant(ELSEWHERE, "mallory", "admin")
    other = github.apps.install(on.app.id, ELSEWHERE)
    number = github.open_issue(ELSEWHERE, "mallory", title="A place, please")
    github.comment(ELSEWHERE, number, "mallory", SMALL)
    on.here.store()
    run_worker(on.here)
    assert job_ends(on.here) == [("refused", "config")]
    [_asked, answered] = github.comments(ELSEWHERE, number)
    assert "different installations" in answered.body
    assert github.pulls(INFRA) == ()
    assert not [one for one in on.minted() if one[0] not in {other, on.home}]


def seen_by(on: AppWorld, login: str, text: str) -> str:
    """What the bot answers to a person's command, without names and numbers of the command."""
    number = on.here.command(text, login=login)
    run_worker(on.here)
    [answer] = on.answers(number)
    return re.sub(r"[0-9a-f]{12,}", "(id)", answer.replace(MISSING, "(name)").replace(APPLICATION, "(name)"))


def test_a_private_application_is_read_for_a_reader_alone(tmp_path: Path) -> None:
    with app_world(tmp_path, private=True) as on:
        github = on.here.github
        reading = github.apps.install(on.app.id, APPLICATION)
        github.grant(INFRA, "bob", "write")
        github.grant(APPLICATION, "ada", "read")
        refused = seen_by(on, "bob", SMALL)
        missing = seen_by(on, "bob", SMALL.replace(APPLICATION, MISSING))
        assert refused == missing
        assert "repo-unreachable" in refused
        assert github.pulls(INFRA) == ()
        assert "opened pull request" in seen_by(on, "ada", SMALL)
        assert job_ends(on.here) == [("refused", "repo-unreachable")] * 2 + [("pull-request", None)]
        asked = {(home, names): rights for home, names, rights in on.minted()}
        assert asked == {(on.home, (INFRA_NAME,)): WRITING, (reading, (APPLICATION_NAME,)): READING}
