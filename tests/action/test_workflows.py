"""A01: the workflows that we ship and show hold nothing that a comment's author could turn against the runner."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.initial import PLACEHOLDER

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SHOWN = sorted((ROOT / "examples" / "workflows").glob("*.yml"))
WORKFLOWS = [*OWN, *SHOWN]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RELEASE = re.compile(r"release|apply|publish|deploy", re.IGNORECASE)
EXPRESSION = re.compile(r"\$\{\{")


def loaded(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.1 takes the key ``on`` for a truth value."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {"on" if key is True else str(key): value for key, value in found.items()}


def jobs(path: Path) -> list[tuple[str, dict[str, Any]]]:
    return list(loaded(path)["jobs"].items())


def steps(path: Path) -> Iterator[dict[str, Any]]:
    if path == ACTION:
        yield from loaded(path)["runs"]["steps"]
    else:
        for _, job in jobs(path):
            yield from job["steps"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_A01_there_is_something_to_check() -> None:  # noqa: N802 - the row's name
    assert OWN
    assert SHOWN
    assert any("run" in step for step in steps(ACTION))


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=named)
def test_A01_no_expression_stands_in_a_shell(path: Path) -> None:  # noqa: N802
    for step in steps(path):
        assert not EXPRESSION.search(step.get("run", "")), step
        assert not EXPRESSION.search(step.get("shell", "")), step


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION, *PAGES], ids=named)
def test_A01_every_use_is_pinned_by_a_full_commit(path: Path) -> None:  # noqa: N802
    for used in re.findall(r"uses:\s*[\"']?([^\s\"'`]+)", path.read_text()):
        assert used.startswith("./") or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", used), used


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_A01_nothing_is_permitted_that_no_job_asks_for(path: Path) -> None:  # noqa: N802
    assert loaded(path)["permissions"] == {}
    for name, job in jobs(path):
        assert isinstance(job["permissions"], dict), name
        assert job["permissions"].keys() <= {"contents", "issues", "pull-requests"}, name
        assert 0 < job["timeout-minutes"] <= 60, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_A01_no_trigger_hands_secrets_to_other_peoples_code(path: Path) -> None:  # noqa: N802
    assert not {"pull_request_target", "workflow_run"} & set(loaded(path)["on"])
    assert "allow-unsafe-pr-checkout" not in path.read_text()


@pytest.mark.parametrize("path", SHOWN, ids=named)
def test_A01_no_command_is_dropped_by_the_queue(path: Path) -> None:  # noqa: N802
    rules = loaded(path)["concurrency"]
    assert (rules["cancel-in-progress"], rules["queue"]) == (False, "max")
    assert "github.event.issue.number" in rules["group"]


@pytest.mark.parametrize("path", SHOWN, ids=named)
def test_A01_a_job_with_secrets_checks_nothing_out(path: Path) -> None:  # noqa: N802
    for step in steps(path):
        assert "actions/checkout" not in step.get("uses", "")
    for _, job in jobs(path):
        assert "vars.AI_PROVISION_RUNS_ON" in job["runs-on"]


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=named)
def test_A01_no_cache_where_something_is_applied_or_released(path: Path) -> None:  # noqa: N802
    if path != ACTION and not RELEASE.search(path.read_text()) and path in OWN:
        return
    for step in steps(path):
        assert "actions/cache" not in step.get("uses", ""), step
        assert "cache" not in step.get("with", {}), step


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=named)
def test_A01_no_secret_stands_in_an_argument(path: Path) -> None:  # noqa: N802
    for step in steps(path):
        assert "secrets." not in step.get("run", "")
        assert not any("secrets." in str(value) for name, value in step.get("with", {}).items() if name != "token")


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_A01_zizmor_finds_nothing_with_one_reasoned_ignore() -> None:  # noqa: N802
    files = [str(path) for path in (*WORKFLOWS, ACTION)]
    done = tool("zizmor", "--offline", "--no-config", "--quiet", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    ignores = [
        line for path in (*WORKFLOWS, ACTION) for line in path.read_text().splitlines() if "zizmor: ignore" in line
    ]
    [only] = ignores
    assert re.search(r"zizmor: ignore\[dangerous-triggers\] \w+(?: \S+){5,}", only), "the reason stands beside it"


def test_A01_zizmor_would_find_it_without_the_ignore(tmp_path: Path) -> None:  # noqa: N802
    [shown] = SHOWN
    bare = tmp_path / shown.name
    bare.write_text(shown.read_text().replace("zizmor: ignore", "zizmor: heed"))
    done = tool("zizmor", "--offline", "--no-config", "--quiet", str(bare))
    assert done.returncode != 0
    assert "dangerous-triggers" in done.stdout


@pytest.mark.parametrize(
    ("schema", "files"), [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", [ACTION])]
)
def test_A01_the_published_schemas_take_them(schema: str, files: list[Path]) -> None:  # noqa: N802
    done = tool("check-jsonschema", "--builtin-schema", schema, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_A01_the_page_shows_the_example_as_it_is() -> None:  # noqa: N802
    page = (ROOT / "docs" / "github-action.md").read_text()
    for path in SHOWN:
        assert f"```yaml\n{path.read_text()}```" in page
        assert PLACEHOLDER in path.read_text()
