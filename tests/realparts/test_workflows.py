"""The workflows run for real: comment, pull request, plan comment, merge, apply, report, by ``act`` on this computer.

What is replaced for act stands in ``act_kit.py``, and nowhere else.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.applying.telling import LABELS
from bot.emulators.github import hooks
from bot.model.outcome import Published
from tests.realparts.act_kit import ROOT, STATE_PASSWORD, STUBS, Acted, Runner, as_it_was, for_act, pinned
from tests.realparts.pipeline import INFRA, Pipeline, pipeline

COMMAND = (
    '/ai-provision\n\ngit_repo: "https://github.com/myorg/infrastructure"\n'
    'app_description: "A production web server VM named web-prod-01"\n'
)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml")) + sorted(
    (ROOT / "examples" / "workflows").glob("*.yml")
)
SECRETS = (STATE_PASSWORD, "ai-provision-apply@pve!ci=apply")


@dataclass
class Story:
    """What happened, in its order."""

    stage: Pipeline
    runner: Runner
    thread: int
    published: Published
    number: int
    plan: Acted
    apply: Acted
    reconcile: Acted
    merged: str
    comments: list[list[str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(
    needs_act: Path, needs_provider: Path, needs_terraform: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """A person comments; GitHub sends what it would send; another person approves and merges."""
    del needs_provider, needs_terraform
    with pipeline() as stage:
        runner = Runner(stage, tmp_path_factory.mktemp("runner"), needs_act)
        thread, published = stage.command(COMMAND)
        assert published.pull is not None, published
        number = published.pull.number
        plan = runner.opened(number)
        planned = [comment.body for comment in stage.github.comments(INFRA, number)]
        before, merged = stage.sha("main"), stage.merge(number)
        apply = runner.pushed(merged, before=before)
        applied = [comment.body for comment in stage.github.comments(INFRA, number)]
        reconcile = runner.scheduled()
        yield Story(
            stage, runner, thread, published, number, plan, apply, reconcile, merged, comments=[planned, applied]
        )


def test_a_pull_request_is_planned_by_the_plan_job_alone(story: Story) -> None:
    assert story.plan.code == 0, story.plan.log
    assert story.plan.called == {"plan"}
    [comment] = story.comments[0]
    assert "### What a merge applies" in comment
    assert "| `apps/web-prod-01` | 1 to add |" in comment
    assert "<details>" in comment


def test_a_merge_is_applied_and_the_machine_exists(story: Story) -> None:
    assert story.apply.code == 0, story.apply.log
    assert story.apply.called == {"apply"}
    guests = [row for row in story.stage.proxmox.state["cluster/resources"] if row.get("name") == "web-prod-01"]
    assert [(row["type"], row["status"]) for row in guests] == [("qemu", "running")]


def test_the_outcome_stands_on_the_pull_request_and_in_the_thread(story: Story) -> None:
    [outcome] = story.stage.outcomes(story.number)
    assert (outcome.kind, outcome.commit) == ("applied", story.merged)
    assert [machine.name for machine in outcome.machines] == ["web-prod-01"]
    thread = [comment.body for comment in story.stage.github.comments(INFRA, story.thread)]
    assert any("web-prod-01" in body and "applied" in body for body in thread[1:]), thread
    assert LABELS["applied"] in {label.name for label in story.stage.github.issue(INFRA, story.number).labels}
    assert f"/actions/runs/{7000 + 2}" in story.comments[1][-1]


def test_the_deployment_says_what_runs(story: Story) -> None:
    [deployment] = story.stage.github.deployments(INFRA)
    assert (deployment.sha, deployment.statuses[-1].state) == (story.merged, "success")


def test_the_schedule_looks_after_both_and_has_nothing_to_say(story: Story) -> None:
    assert story.reconcile.code == 0, story.reconcile.log
    assert story.reconcile.called == {"reconcile"}
    assert len(story.stage.github.comments(INFRA, story.number)) == len(story.comments[1])


def test_every_call_was_one_that_the_jobs_token_may_make(story: Story) -> None:
    assert story.stage.github.unknown == ()
    refused = [call for call in story.stage.github.calls if call.status in {401, 403}]
    assert refused == []


def test_no_secret_stands_in_a_log(story: Story) -> None:
    for acted in (story.plan, story.apply, story.reconcile):
        said = "\n".join(line for line in acted.log.splitlines() if "add-mask" not in line)
        for secret in SECRETS:
            assert secret not in said


def test_nothing_was_fetched_from_anywhere(story: Story) -> None:
    for acted in (story.plan, story.apply, story.reconcile):
        assert "not matched" not in acted.log
        assert "☁" not in acted.log, "act clones with this sign"
    pip = (story.runner.folder / "pip").read_text()
    assert pip.count("--require-hashes -r") == 3
    assert "requirements/runtime.lock" in pip


def test_T24_a_forks_pull_request_starts_no_job(story: Story) -> None:  # noqa: N802
    github, issue = story.stage.github, story.stage.github.issue(INFRA, story.number)
    payload: dict[str, Any] = hooks.pull_event(github._repo(INFRA), issue, "opened", issue.account, github.base_url)
    payload["pull_request"]["head"]["repo"]["full_name"] = "mallory/infrastructure"
    acted = story.runner.run("pull_request", payload, sha=story.merged, job="plan")
    assert acted.code == 0, acted.log
    assert acted.steps == []


def test_T32_a_push_to_another_branch_applies_nothing(story: Story) -> None:  # noqa: N802
    acted = story.runner.pushed(story.merged, before="0" * 40, branch="try")
    assert acted.code == 0, acted.log
    assert acted.steps == []


def test_T32_the_same_merge_again_is_not_applied_twice(story: Story) -> None:  # noqa: N802
    """A person pressed *Re-run jobs*: the plan record is used up, and what exists stays as it is."""
    guests = len(story.stage.proxmox.state["cluster/resources"])
    acted = story.runner.pushed(story.merged, before="0" * 40)
    assert acted.called == {"apply"}
    assert len(story.stage.proxmox.state["cluster/resources"]) == guests


def test_what_act_does_not_know_is_all_that_is_replaced() -> None:
    for path in [*WORKFLOWS, *(ROOT / ".github" / "actions").glob("*/action.yml")]:
        text = path.read_text()
        assert as_it_was(for_act(text)) == text
        changed = [line for line in text.split("\n") if line not in for_act(text).split("\n")]
        assert all(line.strip() == "queue: max" or "uses: $/" in line for line in changed), changed
    assert pinned().keys() == STUBS.keys()


def test_A01_actionlint_finds_nothing(needs_actionlint: Path) -> None:  # noqa: N802
    done = subprocess.run(
        [str(needs_actionlint), "-no-color", *map(str, WORKFLOWS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_A01_actionlint_finds_what_is_passed_over_and_nothing_else_without_its_file(  # noqa: N802
    needs_actionlint: Path, tmp_path: Path
) -> None:
    """A finding that the file would hide by accident shows here."""
    empty = tmp_path / "actionlint.yaml"
    empty.write_text(yaml.safe_dump({"paths": {}}))
    done = subprocess.run(
        [str(needs_actionlint), "-no-color", "-oneline", "-config-file", str(empty), *map(str, WORKFLOWS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = done.stdout.splitlines()
    assert all('unexpected key "queue"' in line or 'specifying action "$/' in line for line in found), found
    assert len(found) == sum(
        path.read_text().count("queue: max") + path.read_text().count("uses: $/") for path in WORKFLOWS
    )
