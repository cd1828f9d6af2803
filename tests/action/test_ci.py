"""The verb ``action`` in this process: which event leads where, what the runner's files hold, what ends a step red."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot import ci
from bot.ci_runner import EVENT_CAP, SUMMARY_CAP, ActionResult, log_line, write_output, write_summary
from bot.emulators.github import GitHubEmulator
from bot.errors import Code, Refusal
from bot.model.outcome import Published
from bot.settings import read_settings
from tests.action.runner_kit import COMMENT, HOSTILE, INFRA, TOKEN, comment_event, github, issue_event, outputs_of

INPUTS = ("git_repo", "app_description")


@dataclass
class Run:
    """A runner's folder, and the GitHub behind it."""

    site: GitHubEmulator
    root: Path
    environment: dict[str, str]

    def action(self, event: str, payload: Any, **more: str) -> ActionResult | Refusal:
        path = self.root / "event.json"
        path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
        environment = {**self.environment, "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(path), **more}
        return ci.action(read_settings(environment), environment, progress=str)

    def ended(self, event: str, payload: Any, **more: str) -> ActionResult:
        ended = self.action(event, payload, **more)
        assert isinstance(ended, ActionResult), ended
        return ended

    @property
    def outputs(self) -> dict[str, str]:
        return outputs_of(self.environment["GITHUB_OUTPUT"])

    @property
    def summary(self) -> str:
        return Path(self.environment["GITHUB_STEP_SUMMARY"]).read_text()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with github(tmp_path) as (site, url):
        environment = {
            "GITHUB_API_URL": url,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPOSITORY": INFRA,
            "GITHUB_RUN_ID": "42",
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "RUNNER_TEMP": str(tmp_path),
            "AI_PROVISION_WRITE_PAUSE": "0",
        }
        yield Run(site, tmp_path, environment)


def test_the_description_of_an_issue_is_a_command(run: Run) -> None:
    number, payload = issue_event(run.site, COMMENT)
    ended = run.ended("issues", payload)
    assert (ended.end, ended.failed) == ("pull-request", False)
    assert ended.pull
    assert ended.pull.url in run.site.comments(INFRA, number)[-1].body
    assert "no workflows" not in run.summary


def test_the_same_event_again_changes_nothing(run: Run) -> None:
    """A person pressed *Re-run jobs*."""
    number, payload = comment_event(run.site, COMMENT)
    first = run.ended("issue_comment", payload)
    Path(run.environment["GITHUB_OUTPUT"]).unlink()
    again = run.ended("issue_comment", payload)
    assert first.pull
    assert again.pull
    assert (again.pull.number, again.pull.head_sha) == (first.pull.number, first.pull.head_sha)
    assert len(run.site.comments(INFRA, number)) == 2


def test_prose_and_unknown_events_call_nobody(run: Run) -> None:
    for event, payload in (
        ("issue_comment", comment_event(run.site, "We need /ai-provision here")[1]),
        ("issue_comment", {**comment_event(run.site, COMMENT)[1], "action": "edited"}),
        ("issues", {"action": "labeled"}),
        ("push", {"ref": "refs/heads/main"}),
        ("issue_comment", []),
    ):
        before = len(run.site.calls)
        assert run.ended(event, payload).end == "nothing"
        assert len(run.site.calls) == before
        assert dict.fromkeys(run.outputs, "") == run.outputs
        Path(run.environment["GITHUB_OUTPUT"]).unlink()


def test_a_stranger_is_answered_in_the_thread_and_the_step_is_green(run: Run) -> None:
    number, payload = comment_event(run.site, COMMENT, login="mallory")
    ended = run.ended("issue_comment", payload)
    assert (ended.end, ended.code, ended.failed) == ("refused", "forbidden", False)
    assert log_line(ended).startswith("::notice ")
    assert "`forbidden`" in run.site.comments(INFRA, number)[-1].body
    assert run.outputs == {"pull-request-url": "", "plan-json": "", "code": "forbidden"}
    assert run.site.pulls(INFRA) == ()


@pytest.mark.parametrize("verb", ["/ai-status", "/ai-retry", "/ai-cancel"])
def test_what_needs_a_memory_says_that_there_is_none(verb: str, run: Run) -> None:
    number, payload = comment_event(run.site, verb)
    assert run.ended("issue_comment", payload).code == "syntax"
    assert "keeps no record" in run.site.comments(INFRA, number)[-1].body


def test_a_dispatch_with_both_fields_opens_a_pull_request(run: Run) -> None:
    payload = {"inputs": {"git_repo": "https://github.com/myorg/orders", "app_description": "200 QPS peak"}}
    ended = run.ended("workflow_dispatch", payload, AI_PROVISION_JOB_TOKEN="true")
    assert ended.pull
    [pull] = run.site.pulls(INFRA)
    assert run.outputs["pull-request-url"].endswith(f"/pull/{pull.number}")
    assert json.loads(Path(run.outputs["plan-json"]).read_text())["files"]
    assert "starts no workflows" in run.summary


def test_a_dispatch_follows_the_config_file_of_the_infrastructure_repository(run: Run) -> None:
    run.site.commit(INFRA, "main", {".ai-provision.yaml": "git_hosts: [git.example]\n"})
    payload = {"inputs": {"git_repo": "https://github.com/myorg/orders", "app_description": "200 QPS peak"}}
    ended = run.action("workflow_dispatch", payload)
    assert isinstance(ended, Refusal)
    assert ended.code is Code.REPO_HOST


def test_a_dispatch_without_fields_is_the_doctor_on_this_runner(run: Run) -> None:
    ended = run.ended("workflow_dispatch", {"inputs": {"git_repo": "", "app_description": None}})
    assert (ended.end, ended.failed) == ("checked", False)
    assert "webhook secret" in run.summary
    bad = run.ended("workflow_dispatch", {"inputs": None}, GITHUB_TOKEN="ghs_" + "wrong" * 10)
    assert bad.failed
    assert log_line(bad).startswith("::error ")


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("field", INPUTS)
def test_a_hostile_dispatch_is_refused_or_data(field: str, value: str, run: Run) -> None:
    good = {"git_repo": "https://github.com/myorg/orders", "app_description": "200 QPS peak"}
    ended = run.action("workflow_dispatch", {"inputs": {**good, field: value}})
    assert run.outputs.keys() == {"pull-request-url", "plan-json", "code"}
    line = log_line(ended)
    assert len(line.splitlines()) == 1
    assert "##[" not in line
    if field == "git_repo":
        assert isinstance(ended, Refusal)
        assert ended.code in {Code.REPO_URL, Code.SYNTAX}
        assert run.outputs["code"] == ended.code
        assert run.site.pulls(INFRA) == ()


def test_a_folder_of_the_runner_is_no_repository_of_a_dispatch(run: Run) -> None:
    payload = {"inputs": {"git_repo": str(run.root), "app_description": "200 QPS peak"}}
    ended = run.action("workflow_dispatch", payload)
    assert isinstance(ended, Refusal)
    assert ended.code is Code.REPO_URL


def test_an_outage_is_a_red_step(run: Run) -> None:
    _, payload = comment_event(run.site, COMMENT)
    run.site.faults.add("GET", r".*/collaborators/.*", status=401, times=9)
    ended = run.action("issue_comment", payload)
    assert ended.code == "github-auth"
    assert log_line(ended).startswith("::error ")
    assert run.outputs["code"] == "github-auth"


def test_a_defect_is_a_red_step_and_the_thread_hears_of_it(run: Run) -> None:
    number, payload = comment_event(run.site, COMMENT)
    run.site.faults.add("GET", rf"/repos/{INFRA}/issues/comments/\d+", status=200, body=[], times=9)
    ended = run.ended("issue_comment", payload)
    assert (ended.end, ended.code, ended.failed) == ("failed", "internal", True)
    assert "`internal`" in run.site.comments(INFRA, number)[-1].body
    assert run.site.pulls(INFRA) == ()


@pytest.mark.parametrize(
    ("published", "failed"),
    [
        (Published(kind="refused", code="forbidden"), False),
        (Published(kind="refused", code="capacity"), False),
        (Published(kind="refused", code="syntax"), False),
        (Published(kind="refused", code="rate"), True),
        (Published(kind="refused", code="repo-unreachable"), True),
        (Published(kind="failed", code="internal"), True),
        (Published(kind="answered"), False),
        (Published(kind="cancelled"), False),
    ],
    ids=lambda value: str(getattr(value, "code", value)),
)
def test_a_refusal_is_an_answer_and_an_outage_is_a_failure(published: Published, failed: bool) -> None:
    assert ci.is_failure(published) is failed


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1, NaN]", "[" * 100_000, "\x00", '"' + "x" * EVENT_CAP + '"'],
    ids=["empty", "half", "nan", "deep", "nul", "large"],
)
def test_an_event_that_cannot_be_read_is_a_refusal(text: str, run: Run) -> None:
    ended = run.action("issue_comment", text)
    assert isinstance(ended, Refusal)
    assert ended.code is Code.SYNTAX


def test_without_an_event_it_says_how_it_is_used(run: Run) -> None:
    for environment in ({}, {"GITHUB_EVENT_NAME": "issues"}, {"GITHUB_EVENT_NAME": "issues", "GITHUB_EVENT_PATH": "/"}):
        ended = ci.action(read_settings({}), environment, progress=str)
        assert isinstance(ended, Refusal)
        assert "action.yml" in ended.remedy


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_output_holds_exactly_one_value(value: str, tmp_path: Path) -> None:
    write_output(tmp_path / "out", "code", value)
    write_output(tmp_path / "out", "plan-json", value)
    assert outputs_of(str(tmp_path / "out")) == {"code": value, "plan-json": value}


def test_a_long_summary_is_cut_with_a_note_and_never_inside_a_letter(tmp_path: Path) -> None:
    write_summary(tmp_path / "summary", "ä" * SUMMARY_CAP)
    raw = (tmp_path / "summary").read_bytes()
    assert SUMMARY_CAP - 2 <= len(raw) <= SUMMARY_CAP
    assert raw.decode().endswith("did not fit into the summary)\n")


def test_a_secret_in_a_refusal_is_in_no_file_and_no_line(run: Run) -> None:
    payload = {"inputs": {"git_repo": f"https://github.com/myorg/{TOKEN}", "app_description": "200 QPS peak"}}
    ended = run.action("workflow_dispatch", payload)
    assert isinstance(ended, Refusal)
    assert TOKEN not in log_line(ended) + run.summary + json.dumps(run.outputs)
