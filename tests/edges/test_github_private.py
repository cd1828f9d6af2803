"""A private application repository is read only through its own installation, only for those who may read it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.edges.git import GitRepos, Remote, private_remote, public_remote
from bot.edges.git.environment import environment
from bot.edges.github import Access, Api, FixedToken, GitHubForge
from bot.errors import BotError, Code, Refusal, Refused
from bot.model.command import RepoTarget
from bot.model.tree import Tree
from tests.edges.forge_contract import INFRA
from tests.edges.git_fixtures import PlainYaml, survey_set
from tests.edges.github_app_kit import CANARY, SHOP, SITE, AppWorld, app_world, target
from tests.fakes.clock import StoppedClock
from tests.git_server import git_host

MISSING = "acme/nothing"
REPO_CALL = r"/repos/acme/shop"
MAY_CALL = r"/repos/acme/shop/collaborators/.*"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AppWorld]:
    with app_world(tmp_path) as made:
        yield made


def words(refusal: Refusal | None, name: str) -> tuple[str, str, str] | None:
    """A refusal without the name that it repeats."""
    return refusal and (refusal.code, refusal.message.replace(name, "?"), refusal.remedy.replace(name, "?"))


def asked(world: AppWorld, name: str, login: str) -> Refusal | None:
    with world.forge() as forge:
        return forge.readable(target(name), login)


def same_as_missing(world: AppWorld, refusal: Refusal | None) -> bool:
    """A refusal about SHOP in the very words of one about nothing."""
    return words(refusal, SHOP) == words(asked(world, MISSING, "alice"), MISSING) is not None


def test_a_public_repository_is_everybodys(world: AppWorld) -> None:
    assert asked(world, SITE, "mallory") is None
    assert asked(world, SITE, "nobody-at-all") is None


def test_a_private_one_is_read_for_those_who_may_read_it(world: AppWorld) -> None:
    world.github.apps.install(world.app.id, SHOP)
    for login, role in (("alice", "read"), ("mallory", "admin")):
        world.github.grant(SHOP, login, role)
        assert asked(world, SHOP, login) is None


@pytest.mark.parametrize("login", ["mallory", "nobody-at-all", "../../x", "", "a b"])
def test_a_person_without_the_right_hears_what_a_missing_repository_hears(world: AppWorld, login: str) -> None:
    world.github.apps.install(world.app.id, SHOP)
    refusal = asked(world, SHOP, login)
    assert refusal is not None
    assert refusal.code is Code.REPO_UNREACHABLE
    assert "rights of this bot and of you" in refusal.message
    assert same_as_missing(world, refusal)


def test_without_the_app_on_it_even_its_owner_hears_that(world: AppWorld) -> None:
    world.github.grant(SHOP, "alice", "admin")
    assert same_as_missing(world, asked(world, SHOP, "alice"))
    assert world.mints() == 1, "no token may be minted to find out"


@pytest.mark.parametrize("change", ["suspended", "deleted", "gone", "between"])
def test_an_installation_that_does_not_work_is_no_different(world: AppWorld, change: str) -> None:
    number = world.github.apps.install(world.app.id, SHOP)
    world.github.grant(SHOP, "alice", "admin")
    if change == "suspended":
        world.github.apps.suspend(number)
    elif change == "deleted":
        world.github.apps.delete(number)
    elif change == "gone":
        world.removed.add(number)
    else:
        world.github.faults.add("POST", f"/app/installations/{number}/access_tokens", status=404)
    assert same_as_missing(world, asked(world, SHOP, "alice"))


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("path", [REPO_CALL, MAY_CALL], ids=["repository", "permission"])
def test_doubt_is_a_refusal(world: AppWorld, path: str, status: int) -> None:
    world.github.apps.install(world.app.id, SHOP)
    world.github.grant(SHOP, "alice", "admin")
    world.github.faults.add("GET", path, status=status, times=9)
    assert same_as_missing(world, asked(world, SHOP, "alice"))


def test_the_bots_right_elsewhere_is_not_lent(world: AppWorld) -> None:
    """The installation of the infrastructure repository is not used for another repository."""
    world.github.apps.install(world.app.id, SHOP)
    world.github.grant(SHOP, "alice", "read")
    assert asked(world, SHOP, "alice") is None
    assert [minted.body["repositories"] for minted in world.github.apps.minted] == [["infra"], ["shop"]]


def test_a_renamed_private_repository_is_asked_about_under_its_new_name(world: AppWorld) -> None:
    world.github.apps.install(world.app.id, SHOP)
    world.github.grant(SHOP, "alice", "read")
    world.github.rename(SHOP, "acme/store")
    assert words(asked(world, SHOP, "mallory"), SHOP) == words(asked(world, MISSING, "alice"), MISSING)


@contextmanager
def with_token(world: AppWorld, value: str) -> Iterator[GitHubForge]:
    forge = GitHubForge(
        api_url=world.url,
        token=SecretStr(value),
        clock=world.clock,
        write_pause=0.0,
        redact=world.secrets.redact,
        timeout=5,
    )
    with forge:
        yield forge


def test_a_plain_token_reads_what_it_sees_for_those_who_may(world: AppWorld) -> None:
    value = world.github.add_token("provision-bot")
    world.github.grant(SHOP, "provision-bot", "read")
    world.github.grant(SHOP, "alice", "read")
    with with_token(world, value) as forge:
        assert forge.readable(target(SHOP), "alice") is None
        assert forge.readable(target(SITE), "mallory") is None
        missing = words(forge.readable(target(MISSING), "alice"), MISSING)
        assert words(forge.readable(target(SHOP), "mallory"), SHOP) == missing
        world.github.faults.add("GET", MAY_CALL, status=403, body={"message": "Must have push access"})
        assert words(forge.readable(target(SHOP), "alice"), SHOP) == missing
    with with_token(world, world.github.add_token("stranger")) as blind:
        assert words(blind.readable(target(SHOP), "alice"), SHOP) == missing


def test_a_limit_is_no_answer_about_rights(world: AppWorld) -> None:
    world.github.apps.install(world.app.id, SHOP)
    world.github.grant(SHOP, "alice", "read")
    world.github.faults.add("GET", MAY_CALL, status=403, headers={"retry-after": "5"})
    assert asked(world, SHOP, "alice") is None
    assert world.clock.slept == [5.0]


@pytest.mark.parametrize("host", ["gitlab.com", "github.com.evil.example", "git.acme.example"])
def test_another_host_is_not_asked_about(host: str) -> None:
    api = Api(url="https://api.github.com", clock=StoppedClock(), write_pause=0.0, redact=str)
    source = FixedToken(SecretStr("never-sent"))
    with api.connect(source) as connection:
        access = Access(connection.line, api_url=api.url, tokens=source)
        elsewhere = target(SHOP, host=host)
        assert access.readable(elsewhere, "alice") is None
        assert access.place(elsewhere) is None


def test_odd_names_are_refused_without_a_call(world: AppWorld) -> None:
    with world.forge() as forge:
        odd = RepoTarget(host="github.com", owner="acme", name="../infra")
        assert forge.readable(odd, "alice") is not None
    assert not any(call.path.startswith("/repos") for call in world.github.calls)


def located(forge: GitHubForge, wanted: RepoTarget) -> Remote:
    """How ``app`` puts the two edges together."""
    place = forge.place(wanted)
    return public_remote(wanted) if place is None else private_remote(place.url, place.authorization)


def read(world: AppWorld, forge: GitHubForge, folder: Path, name: str, *, git: str = "git") -> Tree:
    workdir = folder / "work"
    workdir.mkdir(exist_ok=True)
    repos = GitRepos(
        select=survey_set,
        yaml=PlainYaml(),
        locate=lambda wanted: located(forge, wanted),
        workdir=workdir,
        git=git,
        pause=lambda _seconds: None,
    )
    return repos.read(target(name))


def spy(folder: Path) -> str:
    """A git that writes down its arguments, and every file of its folder afterwards."""
    real = shutil.which("git")
    program = folder / "spy"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >> {folder}/arguments\n{real} "$@"\ncode=$?\n'
        f"find .. -type f -exec cat {{}} + >> {folder}/files 2>/dev/null\nexit $code\n"
    )
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("case", ["I9-clone"])
def test_a_private_repository_is_read_and_the_token_stands_nowhere(world: AppWorld, tmp_path: Path, case: str) -> None:
    world.github.apps.install(world.app.id, SHOP)
    with world.forge() as forge:
        tree = read(world, forge, tmp_path, SHOP, git=spy(tmp_path))
        remote = located(forge, target(SHOP))
    assert CANARY in tree.texts["Dockerfile"]
    minted = world.github.apps.minted[-1]
    assert minted.body == {"repositories": ["shop"], "permissions": {"contents": "read", "metadata": "read"}}
    seen = (tmp_path / "arguments").read_text() + (tmp_path / "files").read_text(errors="replace") + repr(remote)
    assert f"{world.url}/{SHOP}.git" in seen
    assert minted.token[:24] not in seen
    assert "extraHeader" not in seen
    assert remote.authorization is not None
    assert remote.authorization.get_secret_value() not in seen
    assert list((tmp_path / "work").iterdir()) == []


def test_a_public_repository_is_read_without_a_credential(world: AppWorld, tmp_path: Path) -> None:
    with world.forge() as forge:
        assert located(forge, target(SITE)).authorization is None
        assert "Dockerfile" in read(world, forge, tmp_path, SITE).texts


def test_a_private_repository_without_the_app_is_not_located(world: AppWorld) -> None:
    with world.forge() as forge, pytest.raises(Refused) as refused:
        located(forge, target(SHOP))
    assert same_as_missing(world, refused.value.refusal)


@pytest.mark.parametrize("case", ["I9-errors"])
@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_no_failure_of_git_quotes_the_token(world: AppWorld, tmp_path: Path, status: int, case: str) -> None:
    world.github.apps.install(world.app.id, SHOP)
    world.github.faults.add("*", r"/acme/shop\.git/.*", status=status, times=20)
    with world.forge() as forge, pytest.raises(BotError) as failed:
        read(world, forge, tmp_path, SHOP)
    shown = f"{failed.value} {failed.value!r} {getattr(failed.value, 'refusal', '')}"
    assert world.github.apps.minted[-1].token[:24] not in shown


def test_a_redirect_gets_neither_the_credential_nor_a_visit(world: AppWorld, tmp_path: Path) -> None:
    world.github.apps.install(world.app.id, SHOP)
    with git_host(tmp_path) as trap, world.forge() as forge:
        headers = {"location": f"{trap.url}/acme/shop.git/info/refs?service=git-upload-pack"}
        world.github.faults.add("GET", r"/acme/shop\.git/.*", status=302, headers=headers, times=20)
        with pytest.raises(Refused):
            read(world, forge, tmp_path, SHOP)
    assert trap.requests == []


def test_the_credential_goes_to_that_repository_alone(tmp_path: Path) -> None:
    with git_host(tmp_path, "private") as host:
        remote = private_remote(f"{host.url}/org/shop.git", SecretStr("basic CANARY"))
        for path in ("org/shop.git", "org/shop.git.evil", "org/other.git", "org"):
            subprocess.run(
                ["git", "ls-remote", f"{host.url}/{path}"],
                env=environment(tmp_path, remote),
                capture_output=True,
                check=False,
                timeout=20,
            )
    got = {line: header for line, header in zip(host.requests, host.authorizations, strict=True) if header}
    assert [line.split("/info")[0] for line in got] == ["GET /org/shop.git"]


@pytest.mark.parametrize(
    "url",
    [
        "http://git.example.com/a/b.git",
        "file:///etc",
        "ssh://git@github.com/a/b.git",
        "ext::sh -c id",
        "https://user:CANARY@github.com/a/b.git",
        "https://github.com/a/b.git?token=CANARY",
        "https:///a/b.git",
        "",
    ],
)
def test_a_credential_needs_an_address_that_keeps_it(url: str) -> None:
    with pytest.raises(Refused) as refused:
        private_remote(url, SecretStr("basic x"))
    assert refused.value.refusal.code is Code.REPO_URL
    assert "CANARY" not in refused.value.refusal.message


def test_https_stays_https(tmp_path: Path) -> None:
    remote = private_remote("https://git.acme.example/a/b.git", SecretStr("basic x"))
    values = environment(tmp_path, remote)
    assert values["GIT_ALLOW_PROTOCOL"] == "https"
    assert "http.https://git.acme.example/a/b.git.extraHeader" in values.values()


def test_an_invisible_infrastructure_repository_stays_a_missing_right(world: AppWorld) -> None:
    """H03: 404 on the bot's own repository is told as a right to grant, not as a secret to keep."""
    world.github.apps.select(world.home, SITE)
    with world.forge() as forge, pytest.raises(Refused) as refused:
        forge.file(INFRA, ".ai-provision.yaml")
    assert refused.value.refusal.code is Code.GITHUB_AUTH
