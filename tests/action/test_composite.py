"""The composite action's own shell steps, run by bash with what a runner gives: a pull request for the good, nothing
executed for the bad."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.emulators.github import GitHubEmulator
from tests.action.runner_kit import COMMENT, HOSTILE, INFRA, ORDERS, TOKEN, Job, comment_event, github

OUTPUTS = {"pull-request-url", "plan-json", "code"}
RECORD = 'printf "%s\\0" "$@" > "$RUNNER_TEMP/arguments"; env -0 > "$RUNNER_TEMP/environment"'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[GitHubEmulator, dict[str, str]]]:
    with github(tmp_path) as (emulator, url):
        yield emulator, {"GITHUB_API_URL": url}


def folder(tmp_path: Path) -> Path:
    path = tmp_path / "job"
    path.mkdir()
    return path


def records(path: Path) -> list[str]:
    return path.read_text().split("\0")[:-1]


def test_a_comment_becomes_a_pull_request(site: tuple[GitHubEmulator, dict[str, str]], tmp_path: Path) -> None:
    emulator, environment = site
    number, payload = comment_event(emulator, COMMENT)
    root = folder(tmp_path)
    done = Job(root, "issue_comment", payload, environment=environment).run()
    assert done.code == 0, done.log
    [pull] = emulator.pulls(INFRA)
    assert done.outputs["pull-request-url"].endswith(f"/pull/{pull.number}")
    assert done.outputs["pull-request-url"] in emulator.comments(INFRA, number)[-1].body
    assert done.outputs.keys() == OUTPUTS
    assert done.outputs["code"] == ""
    plan = json.loads(Path(done.outputs["plan-json"]).read_text())
    assert (plan["schema_version"], plan["plan"]["app"]) == (1, "orders")
    assert "starts no workflows" in done.summary
    [line] = done.commands
    assert line.startswith("::notice title=ai-provision::Pull request http")
    assert TOKEN not in done.log + done.summary + Path(done.outputs["plan-json"]).read_text()
    pip = (root / "pip").read_text()
    assert "--require-hashes -r" in pip
    assert "requirements/runtime.lock" in pip
    assert emulator.unknown == ()


def test_every_hostile_value_at_once_is_refused_and_nothing_of_it_runs(
    site: tuple[GitHubEmulator, dict[str, str]], tmp_path: Path
) -> None:
    emulator, environment = site
    values = "".join(HOSTILE.values())
    inputs = {
        "git-repo": values,
        "app-description": values,
        "open-pull-request": "true",
        "cluster": values,
        "out": values,
    }
    done = Job(folder(tmp_path), "workflow_dispatch", {"inputs": {}}, inputs=inputs, environment=environment).run()
    assert done.code == 2, done.log
    assert done.executed == []
    assert done.outputs == {"pull-request-url": "", "plan-json": "", "code": "syntax"}
    assert len(done.commands) == 1
    assert done.commands[0].startswith("::error title=ai-provision::syntax")
    assert emulator.pulls(INFRA) == ()


def test_a_plan_of_a_folder_writes_its_files_and_opens_nothing(tmp_path: Path) -> None:
    root = folder(tmp_path)
    program = root / "orders"
    program.mkdir()
    for name, text in ORDERS.items():
        (program / name).write_text(text)
    hostile = HOSTILE["quote"] + HOSTILE["substitution"] + HOSTILE["backticks"]
    inputs = {"git-repo": str(program), "app-description": f"200 QPS peak {hostile}", "out": "made $(touch pwned)"}
    done = Job(root, "push", {"ref": "refs/heads/main"}, inputs=inputs).run()
    assert done.code == 0, done.log
    assert done.executed == [str(root / "workspace" / "made $(touch pwned)")]
    written = {path.name for path in (root / "workspace" / "made $(touch pwned)").rglob("*")}
    assert {"plan.json", "kustomization.yaml"} <= written
    assert json.loads(Path(done.outputs["plan-json"]).read_text())["files"]
    assert (done.outputs["pull-request-url"], done.outputs["code"]) == ("", "")
    assert "orders" in done.summary


def test_a_package_of_the_workspace_is_not_taken_for_ours(tmp_path: Path) -> None:
    """``python -m bot`` would prefer the folder it starts in."""
    root = folder(tmp_path)
    plant = f'mkdir -p "{root}/workspace/bot"; echo "import pathlib; pathlib.Path(\'pwned\').touch()" > "{root}/workspace/bot/__init__.py"\n'
    payload = {"action": "created", "sender": {"login": "ada", "id": 1}}
    job = Job(root, "issue_comment", payload)
    job.program = plant + job.program
    done = job.run()
    assert done.code == 0, done.log
    assert done.executed == []
    assert done.outputs == dict.fromkeys(OUTPUTS, "")
    assert done.commands == ["::notice title=ai-provision::The event holds no command."]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_shell_hands_every_value_on_unread(value: str, tmp_path: Path) -> None:
    """The interpreter is replaced by one that writes down what reached it."""
    root = folder(tmp_path)
    names = ("git-repo", "app-description", "open-pull-request", "cluster", "config", "out", "token")
    payload: Any = {"comment": {"body": value}, "inputs": {"git_repo": value}}
    done = Job(root, "workflow_dispatch", payload, inputs=dict.fromkeys(names, value), program=RECORD).run()
    assert done.code == 0, done.log
    assert done.executed == []
    assert records(root / "temp" / "arguments") == ["-P", "-m", "bot", "action"]
    held = dict(item.split("=", 1) for item in records(root / "temp" / "environment"))
    for name in names[:-1]:
        assert held[f"INPUT_{name.upper().replace('-', '_')}"] == value
    assert (held["GITHUB_TOKEN"], held["AI_PROVISION_JOB_TOKEN"]) == (value, "false")
    assert done.outputs == {}


def test_the_token_is_in_no_step_that_installs(tmp_path: Path) -> None:
    root = folder(tmp_path)
    job = Job(root, "push", {}, program=RECORD)
    job.run()
    assert dict(item.split("=", 1) for item in records(root / "temp" / "environment"))["GITHUB_TOKEN"] == TOKEN
    script = (root / "install.sh").read_text()
    assert not re.search("TOKEN", script)
