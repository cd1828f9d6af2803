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
DELIVER = ROOT / ".github" / "actions" / "deliver" / "action.yml"
ACTIONS = [ACTION, DELIVER]
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SHOWN = sorted((ROOT / "examples" / "workflows").glob("*.yml"))
WORKFLOWS = [*OWN, *SHOWN]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REUSABLE = [path for path in OWN if "workflow_call:" in path.read_text()]
COMMAND = ROOT / "examples" / "workflows" / "ai-provision.yml"
CALLER = ROOT / "examples" / "workflows" / "ai-provision-apply.yml"
RELEASE = re.compile(r"release|apply|publish|deploy", re.IGNORECASE)
EXPRESSION = re.compile(r"\$\{\{")


def loaded(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.1 takes the key ``on`` for a truth value."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {"on" if key is True else str(key): value for key, value in found.items()}


def jobs(path: Path) -> list[tuple[str, dict[str, Any]]]:
    return list(loaded(path)["jobs"].items())


def steps(path: Path) -> Iterator[dict[str, Any]]:
    if path in ACTIONS:
        yield from loaded(path)["runs"]["steps"]
    else:
        for _, job in jobs(path):
            yield from job.get("steps", [])


def called(job: dict[str, Any]) -> dict[str, Any]:
    """The reusable workflow that a job of the caller names."""
    owner, _, name = str(job["uses"]).partition("/.github/workflows/")
    assert owner == PLACEHOLDER.partition("@")[0]
    return loaded(ROOT / ".github" / "workflows" / name.partition("@")[0])


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_A01_there_is_something_to_check() -> None:  # noqa: N802 - the row's name
    assert OWN
    assert SHOWN == [CALLER, COMMAND]
    assert [path.stem for path in REUSABLE] == ["apply", "plan", "reconcile"]
    assert all(any("run" in step for step in steps(path)) for path in ACTIONS)


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=named)
def test_A01_no_expression_stands_in_a_shell(path: Path) -> None:  # noqa: N802
    for step in steps(path):
        assert not EXPRESSION.search(step.get("run", "")), step
        assert not EXPRESSION.search(step.get("shell", "")), step


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS, *PAGES], ids=named)
def test_A01_every_use_is_pinned_by_a_full_commit(path: Path) -> None:  # noqa: N802
    for used in re.findall(r"uses:\s*[\"']?([^\s\"'`]+)", path.read_text()):
        assert used.startswith(("./", "$/")) or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", used), used


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_A01_nothing_is_permitted_that_no_job_asks_for(path: Path) -> None:  # noqa: N802
    assert loaded(path)["permissions"] == {}
    may = {"contents", "issues", "pull-requests"} | ({"deployments"} if path.stem.endswith("apply") else set())
    for name, job in jobs(path):
        assert isinstance(job["permissions"], dict), name
        assert job["permissions"].keys() <= may, name
        assert "uses" in job or 0 < job["timeout-minutes"] <= (120 if name == "apply" else 60), name


def test_A01_the_caller_grants_what_the_called_jobs_ask_for_and_no_more() -> None:  # noqa: N802
    levels = ["", "read", "write"]
    for name, job in jobs(CALLER):
        asked: dict[str, str] = {}
        for inner in called(job)["jobs"].values():
            for what, level in inner["permissions"].items():
                asked[what] = max(asked.get(what, ""), level, key=levels.index)
        assert job["permissions"] == asked, name


def test_A01_every_job_gets_the_secrets_that_it_declares_and_no_other() -> None:  # noqa: N802
    for name, job in jobs(CALLER):
        call = called(job)
        trigger = call["on"]["workflow_call"]
        assert job["secrets"].keys() == trigger["secrets"].keys(), name
        assert job["with"].keys() <= trigger["inputs"].keys(), name
        for secret, value in job["secrets"].items():
            assert value == f"${{{{ secrets.{secret} }}}}"
            assert re.fullmatch(r"[A-Z][A-Z0-9_]*", secret), "an environment's secret has to be able to bear the name"


def test_A01_a_plan_never_gets_what_an_apply_works_with() -> None:  # noqa: N802
    given = {name: set(job["secrets"]) for name, job in jobs(CALLER)}
    shared = {"PROXMOX_VE_SURVEY_TOKEN", "STATE_ENVIRONMENT"}
    assert given["plan"] & given["apply"] == shared
    assert given["plan"] == {*shared, "KUBECONFIG_SURVEY"}
    assert given["reconcile"] == {"KUBECONFIG_SURVEY"}
    for path in (CALLER, *REUSABLE):
        for name, job in jobs(path):
            if name not in {"apply", "revert"}:
                assert "APPLY" not in str(job), name
    assert "secrets" not in str(dict(jobs(OWN[0]))["revert"]), "the revert opens a pull request and reaches no cluster"


def test_A01_T24_a_fork_gets_no_job() -> None:  # noqa: N802
    [(_, plan)] = jobs(ROOT / ".github" / "workflows" / "plan.yml")
    assert plan["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_A01_T32_only_a_push_to_the_default_branch_applies() -> None:  # noqa: N802
    apply = dict(jobs(ROOT / ".github" / "workflows" / "apply.yml"))["apply"]
    assert apply["if"] == (
        "github.event_name == 'push' && github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"
    )
    assert apply["environment"] == "${{ inputs.environment }}"
    conditions = {name: job["if"] for name, job in jobs(CALLER)}
    assert (
        conditions["apply"]
        == "github.event_name == 'push' && github.ref_name == github.event.repository.default_branch"
    )
    assert (conditions["plan"], conditions["reconcile"]) == (
        "github.event_name == 'pull_request'",
        "github.event_name == 'schedule'",
    )
    assert set(loaded(CALLER)["on"]) == {"pull_request", "push", "schedule"}


def test_A01_T33_no_apply_is_dropped_and_none_is_cancelled_by_a_newer_one() -> None:  # noqa: N802
    queues = {name: job.get("concurrency", {}) for path in REUSABLE for name, job in jobs(path)}
    assert queues["apply"] == {"group": "ai-provision-apply", "cancel-in-progress": False, "queue": "max"}
    assert queues["plan"]["cancel-in-progress"] is True
    assert "github.event.pull_request.number" in queues["plan"]["group"]
    assert queues["reconcile"]["cancel-in-progress"] is False


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=named)
def test_A01_no_checkout_leaves_a_credential_behind(path: Path) -> None:  # noqa: N802
    for step in steps(path):
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", ACTIONS, ids=named)
def test_A01_a_secret_is_in_the_environment_of_the_last_step_alone(path: Path) -> None:  # noqa: N802
    *before, last = steps(path)
    for step in before:
        assert not re.search(r"token|secret|kubeconfig|ssh-key|state-environment", str(step)), step
    assert "GITHUB_TOKEN" in last["env"]


def test_A01_nothing_of_a_workflow_hands_an_environment_to_an_action_from_elsewhere() -> None:  # noqa: N802
    for path in REUSABLE:
        for step in steps(path):
            assert "uses" not in step or "env" not in step, step


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_A01_no_trigger_hands_secrets_to_other_peoples_code(path: Path) -> None:  # noqa: N802
    assert not {"pull_request_target", "workflow_run"} & set(loaded(path)["on"])
    assert "allow-unsafe-pr-checkout" not in path.read_text()


def test_A01_no_command_is_dropped_by_the_queue() -> None:  # noqa: N802
    rules = loaded(COMMAND)["concurrency"]
    assert (rules["cancel-in-progress"], rules["queue"]) == (False, "max")
    assert "github.event.issue.number" in rules["group"]


@pytest.mark.parametrize("path", SHOWN, ids=named)
def test_A01_a_job_with_secrets_checks_nothing_out(path: Path) -> None:  # noqa: N802
    for step in steps(path):
        assert "actions/checkout" not in step.get("uses", "")
    for _, job in jobs(path):
        assert "vars.AI_PROVISION_RUNS_ON" in (job["with"] if "uses" in job else job)["runs-on"]


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=named)
def test_A01_no_cache_where_something_is_applied_or_released(path: Path) -> None:  # noqa: N802
    if path not in ACTIONS and not RELEASE.search(path.read_text()) and path in OWN:
        return
    for step in steps(path):
        assert "actions/cache" not in step.get("uses", ""), step
        assert "cache" not in step.get("with", {}), step


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=named)
def test_A01_no_secret_stands_in_an_argument(path: Path) -> None:  # noqa: N802
    for step in steps(path):
        assert "secrets." not in step.get("run", "")
        if not step.get("uses", "").startswith("$/"):
            assert "secrets." not in str(step.get("with", {})), step


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
    files = [str(path) for path in (*WORKFLOWS, *ACTIONS)]
    done = tool("zizmor", "--offline", "--no-config", "--quiet", *files)
    assert done.returncode == 0, done.stdout + done.stderr
    ignores = [
        line for path in (*WORKFLOWS, *ACTIONS) for line in path.read_text().splitlines() if "zizmor: ignore" in line
    ]
    [only] = ignores
    assert re.search(r"zizmor: ignore\[dangerous-triggers\] \w+(?: \S+){5,}", only), "the reason stands beside it"


def test_A01_zizmor_would_find_it_without_the_ignore(tmp_path: Path) -> None:  # noqa: N802
    bare = tmp_path / COMMAND.name
    bare.write_text(COMMAND.read_text().replace("zizmor: ignore", "zizmor: heed"))
    done = tool("zizmor", "--offline", "--no-config", "--quiet", str(bare))
    assert done.returncode != 0
    assert "dangerous-triggers" in done.stdout


@pytest.mark.parametrize(
    ("schema", "files"), [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTIONS)]
)
def test_A01_the_published_schemas_take_them(schema: str, files: list[Path]) -> None:  # noqa: N802
    done = tool("check-jsonschema", "--builtin-schema", schema, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_A01_the_page_shows_the_example_as_it_is() -> None:  # noqa: N802
    page = (ROOT / "docs" / "github-action.md").read_text()
    assert f"```yaml\n{COMMAND.read_text()}```" in page
    assert PLACEHOLDER in COMMAND.read_text()


def test_A01_only_what_actionlint_does_not_know_yet_is_passed_over() -> None:  # noqa: N802
    passed = yaml.safe_load((ROOT / ".github" / "actionlint.yaml").read_text())["paths"]["**/*.{yml,yaml}"]["ignore"]
    assert [pattern.partition('"')[0] for pattern in passed] == ["unexpected key ", "specifying action "]
    assert all("queue" in pattern or "\\$/" in pattern for pattern in passed)
