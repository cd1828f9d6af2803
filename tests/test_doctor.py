"""The doctor: what it proves, what it says when something is wrong, and what it never shows or makes."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot import doctor
from bot.cli import cli
from bot.doctor import MODES, Check, works_together
from bot.edges.clock import RealClock
from bot.edges.github.installation_token import WRITING
from bot.emulators.github import GitHubEmulator
from bot.emulators.github.apps import new_key
from bot.settings import Settings, read_settings

INFRA = "myorg/infrastructure"
SECRETS = {
    "AI_PROVISION_WEBHOOK_SECRET": "canary-webhook-0001",
    "AI_PROVISION_API_TOKEN": "canary-api-token-0002",
    "AI_PROVISION_GITHUB_APP_ID": "4242",
    "AI_PROVISION_GITHUB_PRIVATE_KEY": "canary-private-key-0003",
    "PROXMOX_VE_API_TOKEN": "reader@pve!canary=canary-proxmox-0004",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[GitHubEmulator, dict[str, str]]]:
    emulator = GitHubEmulator(tmp_path / "github", clock=RealClock())
    emulator.add_repository(INFRA, {"README.md": "infra\n"})
    emulator.grant(INFRA, "robot", "write")
    token = emulator.add_token("robot", token="ghp_" + "c" * 36)
    with emulator.serve() as url:
        yield emulator, {"GITHUB_API_URL": url, "GITHUB_TOKEN": token, "AI_PROVISION_INFRA_REPO": INFRA}


def checked(**environment: str) -> dict[str, Check]:
    return {line.what: line for line in doctor.check(settings(**environment))}


def settings(**environment: str) -> Settings:
    return read_settings({"AI_PROVISION_DATABASE_URL": "sqlite:///no-such-file.sqlite", **environment})


def test_nothing_set_is_nothing_wrong_and_every_gap_says_what_to_do() -> None:
    lines = doctor.check(settings())
    assert "failed" not in {line.state for line in lines}
    assert all(line.remedy for line in lines if line.state == "skipped")


def test_the_infrastructure_repository_is_read_and_its_config_checked(
    site: tuple[GitHubEmulator, dict[str, str]],
) -> None:
    emulator, environment = site
    found = checked(**environment)
    assert (found["GitHub"].state, found["config file"].state) == ("ok", "ok")
    emulator.commit(INFRA, "main", {".ai-provision.yaml": "modus: auto\n"})
    wrong = checked(**environment)["config file"]
    assert wrong.state == "failed"
    assert "did you mean `mode`" in wrong.found
    assert sum(call.writes for call in emulator.calls) == 0


@pytest.mark.parametrize(
    ("permissions", "state", "words"),
    [
        ({"pull": True, "push": True, "admin": False}, "ok", "may write"),
        ({"pull": True, "push": False, "admin": False}, "failed", "may not write"),
        ({"pull": True, "push": True, "admin": True}, "ok", "more than is needed"),
        (None, "skipped", "does not say"),
    ],
    ids=["write", "read", "admin", "silent"],
)
def test_rights_are_what_github_says(
    permissions: dict[str, bool] | None, state: str, words: str, site: tuple[GitHubEmulator, dict[str, str]]
) -> None:
    emulator, environment = site
    body: dict[str, Any] = {
        "full_name": INFRA,
        "clone_url": f"{environment['GITHUB_API_URL']}/{INFRA}.git",
        "default_branch": "main",
    }
    if permissions is not None:
        body["permissions"] = permissions
    emulator.faults.add("GET", f"/repos/{INFRA}", status=200, body=body, times=9)
    line = checked(**environment)["GitHub rights"]
    assert line.state == state
    assert words in line.found


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"GITHUB_TOKEN": "ghp_" + "x" * 36}, "github-auth"),
        ({"AI_PROVISION_INFRA_REPO": "myorg/none"}, "github-auth"),
        ({"GITHUB_API_URL": "http://evil.example"}, "config"),
    ],
    ids=["token", "repository", "address"],
)
def test_what_github_refuses_is_a_failed_line_with_a_remedy(
    more: dict[str, str], code: str, site: tuple[GitHubEmulator, dict[str, str]]
) -> None:
    line = checked(**{**site[1], **more})["GitHub"]
    assert line.state == "failed"
    assert line.found.startswith(code)
    assert line.remedy


@pytest.fixture(scope="module")
def private_key() -> str:
    return new_key()


def as_app(site: tuple[GitHubEmulator, dict[str, str]], private_key: str, *repositories: str) -> dict[str, str]:
    """The settings of an App that is installed on these repositories."""
    emulator, environment = site
    app = emulator.apps.create(private_key=private_key)
    for repository in repositories:
        emulator.apps.install(app.id, repository)
    more = {"AI_PROVISION_GITHUB_APP_ID": str(app.id), "AI_PROVISION_GITHUB_PRIVATE_KEY": private_key}
    return {**environment, **more, "GITHUB_TOKEN": ""}


def test_an_app_is_proved_by_a_token_with_the_rights_of_a_command(
    site: tuple[GitHubEmulator, dict[str, str]], private_key: str
) -> None:
    found = checked(**as_app(site, private_key, INFRA))
    assert (found["GitHub App"].state, found["config file"].state) == ("ok", "ok")
    assert "GitHub" not in found
    (minted,) = site[0].apps.minted
    assert minted.body["permissions"] == WRITING
    assert "PRIVATE KEY" not in json.dumps([line.model_dump() for line in found.values()])


@pytest.mark.parametrize("infra", [INFRA, ""], ids=["on-the-repository", "anywhere"])
def test_an_app_that_is_not_installed_is_a_failed_line(
    infra: str, site: tuple[GitHubEmulator, dict[str, str]], private_key: str
) -> None:
    line = checked(**{**as_app(site, private_key), "AI_PROVISION_INFRA_REPO": infra})["GitHub App"]
    assert line.state == "failed"
    assert "nstall" in line.remedy


def test_an_app_that_lacks_a_right_is_a_failed_line(
    site: tuple[GitHubEmulator, dict[str, str]], private_key: str
) -> None:
    environment = as_app(site, private_key)
    app = int(environment["AI_PROVISION_GITHUB_APP_ID"])
    site[0].apps.install(app, INFRA, permissions={**WRITING, "pull_requests": "read"})
    line = checked(**environment)["GitHub App"]
    assert line.state == "failed"
    assert line.found.startswith("github-auth")


def test_an_app_without_a_fixed_repository_says_where_it_is_installed(
    site: tuple[GitHubEmulator, dict[str, str]], private_key: str
) -> None:
    line = checked(**{**as_app(site, private_key, INFRA), "AI_PROVISION_INFRA_REPO": ""})["GitHub App"]
    assert (line.state, "1 repositories" in line.found) == ("ok", True)


@pytest.mark.parametrize("key", ["no key at all", "/nonexistent/key.pem"], ids=["text", "path"])
def test_a_key_that_is_none_is_a_failed_line(key: str) -> None:
    line = checked(AI_PROVISION_GITHUB_APP_ID="4242", AI_PROVISION_GITHUB_PRIVATE_KEY=key)["GitHub App"]
    assert line.state == "failed"
    assert line.remedy


@pytest.mark.parametrize("half", ["AI_PROVISION_GITHUB_APP_ID", "AI_PROVISION_GITHUB_PRIVATE_KEY"])
def test_half_an_app_is_a_failed_line(half: str) -> None:
    line = checked(**{half: SECRETS[half]})["GitHub App"]
    assert line.state == "failed"
    [other] = {"AI_PROVISION_GITHUB_APP_ID", "AI_PROVISION_GITHUB_PRIVATE_KEY"} - {half}
    assert other in line.remedy


def test_each_mode_lists_its_secrets_and_no_value() -> None:
    lines = doctor.check(settings(**SECRETS))
    found = {line.what: line for line in lines}
    assert found["mode: server with a GitHub App"].state == "ok"
    assert found["mode: GitHub Action"].state == "skipped"
    for mode in MODES:
        line = found[f"mode: {mode.name}"]
        for name in mode.needs:
            assert f"{name} set" in line.found or f"{name} not set" in line.found
            assert (name in line.remedy) is (f"{name} not set" in line.found)
    assert "canary" not in json.dumps([line.model_dump() for line in lines])


@pytest.mark.parametrize(
    ("python", "library", "works"),
    [
        ((3, 11), (3, 37, 2), True),
        ((3, 12), (3, 41, 2), False),
        ((3, 13), (3, 40, 1), False),
        ((3, 12), (3, 42, 0), True),
    ],
    ids=str,
)
def test_a_python_and_an_sqlite_that_do_not_go_together(
    python: tuple[int, ...], library: tuple[int, ...], works: bool
) -> None:
    assert works_together(python, library) is works


def test_the_database_is_opened_where_it_is_and_never_made(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    line = checked(AI_PROVISION_DATABASE_URL=f"sqlite:///{path}")["database"]
    assert line.state == "ok"
    assert list(tmp_path.iterdir()) == []
    gone = checked(AI_PROVISION_DATABASE_URL=f"sqlite:///{tmp_path}/none/records.sqlite")["database"]
    assert (gone.state, bool(gone.remedy)) == ("failed", True)


def test_a_file_that_is_no_database_is_a_failed_line(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    path.write_text("this is no database, " * 100)
    path.chmod(stat.S_IRUSR)
    line = checked(AI_PROVISION_DATABASE_URL=f"sqlite:///{path}")["database"]
    assert line.state == "failed"
    assert line.remedy


def test_a_postgres_that_does_not_answer_is_a_failed_line_without_its_password() -> None:
    line = checked(AI_PROVISION_DATABASE_URL="postgresql://user:canary-password@127.0.0.1:1/none")["database"]
    assert line.state == "failed"
    assert "canary" not in line.found + line.remedy


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = checked()
    assert {name: found[name].state for name in ("git", "terraform", "kubectl")} == {
        "git": "failed",
        "terraform": "skipped",
        "kubectl": "skipped",
    }


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_failed_line_ends_in_exit_code_1(format_: str) -> None:
    done = CliRunner().invoke(
        cli,
        ["check", "--format", format_],
        env={"AI_PROVISION_GITHUB_APP_ID": "4242", "GITHUB_TOKEN": "", "KUBECONFIG": ""},
    )
    assert done.exit_code == 1
    assert "AI_PROVISION_GITHUB_PRIVATE_KEY" in done.stdout
    if format_ == "json":
        assert {line["state"] for line in json.loads(done.stdout)["checks"]} >= {"failed"}
