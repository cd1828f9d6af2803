"""The doctor's parts: the state, the programs, the settings at GitHub that the pipeline relies on."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import doctor
from bot.doctor_check import Check
from bot.doctor_state import state
from bot.doctor_tools import TOOLS, answer_of, tools
from bot.edges.clock import RealClock
from bot.emulators.github import GitHubEmulator
from bot.model.config import Config, State
from bot.settings import Settings, read_settings

INFRA = "myorg/infrastructure"
SETTINGS = ("default branch", "required review", "stale approvals", "environment reviewers")


def of_state(config: Config | None, *, machines: bool = True) -> Check:
    [line] = state(config, machines=machines)
    return line


def kept(backend: str, **changes: Any) -> Config:
    return Config(state=State.model_validate({"backend": backend, **changes}))


@pytest.mark.parametrize(
    ("config", "expected", "words"),
    [
        pytest.param(None, "skipped", "no config file", id="not-read"),
        pytest.param(Config(), "failed", "runner's disk", id="none"),
        pytest.param(kept("local"), "failed", "runner's disk", id="local"),
        pytest.param(kept("local", allow_local=True), "ok", "allow_local", id="local-allowed"),
        pytest.param(kept("http", settings={"address": "http://s.example/x"}), "failed", "plain http", id="http"),
        pytest.param(
            kept("http", settings={"address": "HTTP://s.example/x"}, allow_unencrypted=True), "ok",
            "allow_unencrypted", id="http-allowed",
        ),
        pytest.param(kept("http", settings={"address": "http://127.0.0.1:9/x"}), "ok", "http", id="loopback"),
        pytest.param(kept("http", settings={"address": "https://s.example/x"}), "ok", "nothing", id="https"),
        pytest.param(kept("http", settings={"address": "http://[x"}), "failed", "plain http", id="odd-address"),
        pytest.param(kept("s3", settings={"bucket": "b", "region": "r"}), "ok", "nothing", id="s3"),
        pytest.param(
            kept("s3", settings={"bucket": "b", "region": "r", "encrypt": False}), "failed", "encrypt is false",
            id="s3-unencrypted",
        ),
        pytest.param(
            kept("s3", settings={"bucket": "b", "region": "r", "endpoint": "http://minio.example"}), "failed",
            "state.settings.endpoint", id="s3-http",
        ),
        pytest.param(kept("pg"), "ok", "pg", id="pg"),
        pytest.param(kept("kubernetes"), "ok", "kubernetes", id="kubernetes"),
    ],
)  # fmt: skip
def test_a_local_or_unencrypted_state_fails_unless_it_is_allowed(
    config: Config | None, expected: str, words: str
) -> None:
    line = of_state(config)
    assert (line.state, words in line.found) == (expected, True), line
    assert bool(line.remedy) is (expected != "ok")


def test_without_proxmox_there_is_no_state_to_miss() -> None:
    assert of_state(Config(), machines=False).state == "skipped"
    assert of_state(kept("local"), machines=False).state == "failed"


def settings(**environment: str) -> Settings:
    return read_settings({"AI_PROVISION_DATABASE_URL": "sqlite:///no-such-file.sqlite", **environment})


def lines(found: tuple[Check, ...]) -> dict[str, Check]:
    return {line.what: line for line in found}


def test_the_config_file_of_the_command_line_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("state:\n  backend: local\n")
    found = lines(doctor.check(settings(), config_file=path))
    assert (found["config file"].state, found["Terraform state"].state) == ("ok", "failed")
    path.write_text("state:\n  backend: local\n  allow_local: true\n")
    assert lines(doctor.check(settings(), config_file=path))["Terraform state"].state == "ok"


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"modus: auto\n"], ids=["absent", "no-text", "wrong-key"])
def test_a_config_file_that_is_none_is_a_failed_line(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    found = lines(doctor.check(settings(), config_file=path))
    assert found["config file"].state == "failed"
    assert found["config file"].found.startswith("config: ")
    assert found["Terraform state"].state == "skipped"


Site = tuple[GitHubEmulator, dict[str, str]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    emulator = GitHubEmulator(tmp_path / "github", clock=RealClock())
    emulator.add_repository(INFRA, {"README.md": "infra\n"})
    emulator.grant(INFRA, "robot", "write")
    token = emulator.add_token("robot", token="ghp_" + "d" * 36)
    with emulator.serve() as url:
        yield emulator, {"GITHUB_API_URL": url, "GITHUB_TOKEN": token, "AI_PROVISION_INFRA_REPO": INFRA}


def checked(site: Site, **more: str) -> dict[str, Check]:
    found = lines(doctor.check(settings(**site[1], **more)))
    assert sum(call.writes for call in site[0].calls) == 0
    return found


def test_the_infrastructure_repositorys_state_is_judged_and_its_own_file_gives_way(site: Site, tmp_path: Path) -> None:
    site[0].commit(INFRA, "main", {".ai-provision.yaml": "state:\n  backend: local\n"})
    assert checked(site)["Terraform state"].state == "failed"
    mine = tmp_path / "mine.yaml"
    mine.write_text("state:\n  backend: pg\n")
    found = lines(doctor.check(settings(**site[1]), config_file=mine))
    assert found["Terraform state"].state == "ok"
    assert found["config file"].found == "mine.yaml is valid"


APPLIES = "state:\n  backend: pg\n"


def applies(site: Site, more: str = "") -> None:
    """The config file names a state, so CI applies."""
    site[0].commit(INFRA, "main", {".ai-provision.yaml": APPLIES + more})


def test_an_open_default_branch_is_said_before_ci_applies(site: Site) -> None:
    line = checked(site)["default branch"]
    assert (line.state, "applies nothing yet" in line.found, bool(line.remedy)) == ("skipped", True, True)


def test_an_open_default_branch_fails_where_ci_applies(site: Site) -> None:
    applies(site)
    found = checked(site)
    assert found["default branch"].state == "failed"
    assert "required review" not in found
    assert found["environment reviewers"].state == "skipped"


RULES = f"/repos/{INFRA}/rules/branches/main"
PROTECTION = f"/repos/{INFRA}/branches/main/protection"


def answers(site: Site, path: str, body: object, *, status: int = 200) -> None:
    site[0].faults.add("GET", path, status=status, body=body, times=9)


def reviews(count: int, *, dismiss: bool) -> dict[str, Any]:
    asked = {"required_approving_review_count": count, "dismiss_stale_reviews": dismiss}
    return {"url": "x", "required_pull_request_reviews": asked}


@pytest.mark.parametrize(
    ("body", "states"),
    [
        pytest.param(reviews(1, dismiss=True), ("ok", "ok", "ok"), id="all"),
        pytest.param(reviews(2, dismiss=False), ("ok", "ok", "failed"), id="stale"),
        pytest.param(reviews(0, dismiss=True), ("ok", "failed", "ok"), id="no-approval"),
        pytest.param({"url": "x"}, ("ok", "failed", None), id="no-pull-request"),
    ],
)
def test_the_branchs_protection_is_read(site: Site, body: object, states: tuple[str | None, ...]) -> None:
    applies(site)
    answers(site, PROTECTION, body)
    found = checked(site)
    assert tuple(found[what].state if what in found else None for what in SETTINGS[:3]) == states
    assert all(found[what].remedy for what in SETTINGS[:3] if what in found and found[what].state == "failed")


def test_rulesets_are_read_by_any_token(site: Site) -> None:
    asked = {"required_approving_review_count": 1, "dismiss_stale_reviews_on_push": True}
    answers(site, RULES, [{"type": "deletion"}, {"type": "pull_request", "parameters": asked}])
    answers(site, PROTECTION, {"message": "Resource not accessible"}, status=403)
    found = checked(site)
    assert [found[what].state for what in SETTINGS[:3]] == ["ok", "ok", "ok"]


def test_one_person_may_go_without_reviews(site: Site) -> None:
    applies(site, "apply:\n  reviews: 0\n")
    answers(site, PROTECTION, reviews(0, dismiss=True))
    assert checked(site)["required review"].state == "ok"


def test_rules_that_the_token_may_not_read_are_skipped_and_not_taken_for_right(site: Site) -> None:
    answers(site, PROTECTION, {"message": "Resource not accessible"}, status=403)
    answers(site, f"/repos/{INFRA}/branches/main", {"name": "main", "protected": True})
    answers(site, f"/repos/{INFRA}/environments", {"message": "Resource not accessible"}, status=403)
    found = checked(site)
    assert found["default branch"].state == "ok"
    assert {found[what].state for what in SETTINGS[1:]} == {"skipped"}
    assert all(found[what].remedy for what in SETTINGS[1:])


@pytest.mark.parametrize(("reviewers", "expected"), [(("alice",), "ok"), ((), "skipped")], ids=["held", "open"])
def test_an_environments_reviewers_are_seen(site: Site, reviewers: tuple[str, ...], expected: str) -> None:
    site[0].environment(INFRA, "production", reviewers=reviewers)
    assert checked(site)["environment reviewers"].state == expected


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)


def test_each_program_is_asked_for_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "git", 'echo "git version 2.43.0"')
    program(tmp_path, "terraform", 'echo "Terraform v1.5.7"; echo "$SECRET"')
    program(tmp_path, "kubectl", "exit 3")
    monkeypatch.setenv("SECRET", "2.0")
    found = {line.what: line for line in tools(answer_of)}
    assert list(found) == [tool.name for tool in TOOLS]
    assert (found["git"].state, found["git"].found) == ("ok", "2.43.0")
    assert (found["terraform"].state, "1.10" in found["terraform"].remedy) == ("failed", True)
    assert (found["kubectl"].state, "version" in found["kubectl"].found) == ("ok", True)
    assert (found["ansible-playbook"].state, bool(found["ansible-playbook"].remedy)) == ("skipped", True)


def test_a_program_sees_no_setting_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "shows", 'echo "[$GITHUB_TOKEN] [$CHECKPOINT_DISABLE]"')
    monkeypatch.setenv("GITHUB_TOKEN", "canary-0001")
    assert answer_of((str(tmp_path / "shows"),)) == "[] [1]\n"
    assert answer_of((str(tmp_path / "none"),)) is None
