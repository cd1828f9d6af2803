"""``ai-provision destroy`` and ``apply --local`` as people and programs type them: text, one JSON document, exit codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import cli
from bot.edges.clock import RealClock
from bot.emulators.github import GitHubEmulator
from bot.model.stack import REMOVED
from tests.fakes.house import EXAMPLES, INFRA
from tests.test_cli import CLEAN

APP = "supermarket-inventory"
GOLDEN = Path(__file__).parent / "rendering" / "golden"


def golden(name: str) -> dict[str, str]:
    folder = GOLDEN / name
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GitHubEmulator, dict[str, str]]]:
    """An infrastructure repository that holds an application and a database."""
    github = GitHubEmulator(tmp_path_factory.mktemp("github"), clock=RealClock())
    config = {".ai-provision.yaml": (EXAMPLES / "ai-provision.yaml").read_text()}
    github.add_repository(INFRA, {**config, **golden("supermarket"), **golden("machine-postgresql")})
    github.grant(INFRA, "ada", "write")
    with github.serve() as url:
        yield (
            github,
            {
                "GITHUB_API_URL": url,
                "GITHUB_TOKEN": github.add_token("ada"),
                "AI_PROVISION_INFRA_REPO": INFRA,
                "AI_PROVISION_WRITE_PAUSE": "0",
            },
        )


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), env={**CLEAN, **environment})


def test_a_dry_run_shows_what_goes_and_stays_and_opens_nothing(world: tuple[GitHubEmulator, dict[str, str]]) -> None:
    github, environment = world
    shown = run("destroy", APP, "--dry-run", **environment)
    assert shown.exit_code == 0, shown.output
    assert f"apps/{APP} goes away" in shown.stdout
    assert "--data destroys it too" in shown.stdout
    everything = run("destroy", APP, "--data", "--dry-run", **environment)
    assert "destroyed" in everything.stdout
    assert "stays" not in everything.stdout
    assert github.pulls(INFRA) == ()


def test_a_dry_run_as_json_is_one_document(world: tuple[GitHubEmulator, dict[str, str]]) -> None:
    shown = run("destroy", APP, "--data", "--dry-run", "--format", "json", **world[1])
    assert shown.exit_code == 0, shown.output
    document = json.loads(shown.stdout)
    assert document["data"] is True
    assert [file["path"] for file in document["changes"]["files"]] == [f"apps/{APP}/{REMOVED}"]


def test_it_opens_one_pull_request_however_often_it_is_typed(world: tuple[GitHubEmulator, dict[str, str]]) -> None:
    github, environment = world
    first = run("destroy", APP, "--data", "--yes", "--format", "json", **environment)
    assert first.exit_code == 0, first.output
    pull = json.loads(first.stdout)["pull_request"]
    assert github.file(INFRA, f"apps/{APP}/{REMOVED}", ref=pull["branch"]) is not None
    again = run("destroy", APP, "--data", "--yes", **environment)
    assert again.exit_code == 0, again.output
    assert pull["url"].rsplit("/", 1)[1] in again.stdout
    assert len(github.pulls(INFRA)) == 1


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (("unknown",), "syntax", 2),
        (("../x",), "syntax", 2),
        (("postgresql",), "policy", 3),
    ],
)
def test_a_refusal_has_its_code_and_status(
    world: tuple[GitHubEmulator, dict[str, str]], words: tuple[str, ...], code: str, status: int
) -> None:
    refused = run("destroy", *words, "--yes", "--format", "json", **world[1])
    assert (refused.exit_code, json.loads(refused.stdout)["error"]["code"]) == (status, code), refused.output


@pytest.mark.parametrize("lacking", ["GITHUB_TOKEN", "AI_PROVISION_INFRA_REPO"])
def test_without_a_token_or_repository_it_says_which(
    world: tuple[GitHubEmulator, dict[str, str]], lacking: str
) -> None:
    refused = run("destroy", APP, "--yes", **{**world[1], lacking: ""})
    assert refused.exit_code != 0
    assert lacking in refused.output.replace("\n", " ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository of one's own with one commit."""
    for words in (
        ("init", "-q", "-b", "main"),
        ("config", "user.email", "t@example.org"),
        ("config", "user.name", "t"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (tmp_path / "README.md").write_text("x")
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    subprocess.run(["git", "commit", "-q", "-m", "x"], cwd=tmp_path, check=True)
    return tmp_path


def test_a_local_apply_asks_first_and_where_nobody_is_nothing_begins(folder: Path) -> None:
    refused = run("apply", "--local", "--folder", str(folder))
    assert refused.exit_code == 3


def test_a_local_apply_of_nothing_is_no_success(folder: Path) -> None:
    refused = run("apply", "--local", "--yes", "--folder", str(folder), "--format", "json")
    assert refused.exit_code != 0
    assert json.loads(refused.stdout)["error"]["code"] == "config"


def test_an_apply_in_no_repository_says_where_to_run_it(tmp_path: Path) -> None:
    refused = run("apply", "--local", "--yes", "--folder", str(tmp_path))
    assert refused.exit_code != 0
    assert "checkout" in refused.output


def test_without_github_an_apply_in_ci_is_refused(folder: Path) -> None:
    refused = run("apply", "--folder", str(folder), "--format", "json")
    assert refused.exit_code != 0
    assert json.loads(refused.stdout)["error"]["code"] == "github-auth"
