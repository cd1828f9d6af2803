"""The command line as people and programs use it: text, one JSON document, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from bot.__main__ import home_of, report
from bot.cli import cli
from bot.cli_operations import cli as operations
from bot.model.cluster import ClusterSnapshot
from tests.fakes.house import DESCRIPTION, EXAMPLES, SUPERMARKET
from tests.tools.make_schemas import schemas

SNAPSHOT = str(EXAMPLES / "cluster-snapshot.json")
NO_WORKERS = str(Path(__file__).parent / "fixtures" / "no-workers.yaml")
CONFIG = str(EXAMPLES / "ai-provision.yaml")
CLEAN = dict.fromkeys(("GITHUB_TOKEN", "GITHUB_API_URL", "PROXMOX_VE_ENDPOINT", "KUBECONFIG", "AI_PROVISION_INFRA_REPO", "AI_PROVISION_WEBHOOK_SECRET", "PROXMOX_VE_API_TOKEN"), "")  # fmt: skip


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), env={**CLEAN, **environment})


def plan(*more: str, repo: str | Path = SUPERMARKET, text: str = DESCRIPTION, verb: str = "plan") -> Result:
    return run(verb, "--git-repo", str(repo), "--app-description", text, *more)


def test_a_plan_needs_no_setting() -> None:
    result = plan("--format", "json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert {gap["code"] for gap in document["cluster"]["missing"]} == {"not-configured"}
    assert document["cluster"]["taken_at"] is None
    assert document["plan"]["capacity_verified"] is False
    assert any("apacity unverified" in finding["message"] for finding in document["findings"])


@pytest.mark.parametrize("kubeconfig", ["absent", "empty"])
def test_an_absent_or_empty_kubeconfig_means_not_configured(kubeconfig: str, tmp_path: Path) -> None:
    path = tmp_path / kubeconfig
    if kubeconfig == "empty":
        path.touch()
    result = run(
        "plan", "--git-repo", str(SUPERMARKET), "--app-description", "x", "--format", "json", KUBECONFIG=str(path)
    )
    assert result.exit_code == 0, result.stderr
    assert {gap["code"] for gap in json.loads(result.stdout)["cluster"]["missing"]} == {"not-configured"}


def test_the_json_document_follows_its_schema_and_holds_the_golden_case() -> None:
    result = plan("--cluster", SNAPSHOT, "--config", CONFIG, "--format", "json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    jsonschema.validate(document, schemas()["plan-v1.json"])
    assert document["schema_version"] == 1
    api = document["plan"]["services"][0]
    assert (api["requests"], api["limits"]) == ({"cpu": "850m", "memory": "128Mi"}, {"cpu": None, "memory": "128Mi"})
    assert api["hpa"] == {"min": 3, "max": 10, "target_cpu_percent": 65}
    assert api["pdb"] == {"min_available": None, "max_unavailable": 1}
    machines = document["plan"]["machines"]
    assert [(machine["cores"], machine["memory"]) for machine in machines] == [(8, "32Gi"), (8, "32Gi")]
    assert machines[0]["node"] != machines[1]["node"]
    assert round(document["plan"]["confidence"]["value"], 3) == 0.414
    assert {decision["origin"] for decision in document["decisions"]} <= {"rule", "user"}


def test_progress_goes_to_stderr_and_stdout_is_one_document() -> None:
    result = plan("--cluster", SNAPSHOT, "--format", "json")
    assert "Reading the repository" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (plan("--cluster", SNAPSHOT, "--config", CONFIG, "--format", "json") for _ in range(2))
    assert first.stdout == second.stdout


def test_text_for_people() -> None:
    result = plan("--cluster", SNAPSHOT, "--config", CONFIG)
    assert result.exit_code == 0
    for words in ("850m", "Machines", "Capacity", "EUR per month", "Confidence 0.414", "Build first"):
        assert words in result.stdout


@pytest.mark.parametrize("verb", ["plan", "preview"])
def test_out_receives_each_file_and_nothing_else(verb: str, tmp_path: Path) -> None:
    result = plan("--cluster", SNAPSHOT, "--out", str(tmp_path), "--format", "json", verb=verb)
    assert result.exit_code == 0
    written = {
        path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert written == {file["path"]: file["content"] for file in json.loads(result.stdout)["files"]}


def test_values_of_environment_variables_are_nowhere() -> None:
    result = plan("--cluster", SNAPSHOT, "--format", "json")
    assert "local-only" in (SUPERMARKET / "docker-compose.yml").read_text()
    assert "local-only" not in result.stdout


REFUSED = {
    "repo-url": (["--git-repo", "ssh://x/y", "--app-description", "x"], "repo-url", 2),
    "repo-host": (["--git-repo", "https://evil.example/a/b", "--app-description", "x"], "repo-host", 2),
    "no-repo": (["--app-description", "x"], "syntax", 2),
    "no-text": (["--git-repo", str(SUPERMARKET)], "syntax", 2),
    "no-machines": (["a nice day"], "syntax", 2),
    "no-folder": (["--git-repo", "/does/not/exist", "--app-description", "x"], "repo-url", 2),
    "snapshot": (["--git-repo", str(SUPERMARKET), "--app-description", "x", "--cluster", CONFIG], "syntax", 2),
    "no-config": (["--git-repo", str(SUPERMARKET), "--app-description", "x", "--config", "/none"], "config", 2),
    "endless-config": (["--git-repo", str(SUPERMARKET), "--app-description", "x", "--config", "/dev/zero"], "config", 2),
    "unnamed-config": (["--git-repo", str(SUPERMARKET), "--app-description", "x", "--config", ""], "config", 2),
    "endless-snapshot": (["--git-repo", str(SUPERMARKET), "--app-description", "x", "--cluster", "/dev/zero"], "syntax", 2),
    "unnamed-snapshot": (["--git-repo", str(SUPERMARKET), "--app-description", "x", "--cluster", ""], "syntax", 2),
    "too-much": (
        ["--git-repo", str(SUPERMARKET), "--app-description", "30,000 QPS peak", "--cluster", SNAPSHOT, "--config", NO_WORKERS],
        "capacity", 3,
    ),
    "system-namespace": (
        ["--git-repo", str(SUPERMARKET), "--app-description", "namespace kube-system", "--cluster", SNAPSHOT], "policy", 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "exit_code"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("format_", ["json", "text"])
def test_a_refusal_has_a_code_a_sentence_and_a_remedy(
    arguments: list[str], code: str, exit_code: int, format_: str
) -> None:
    result = run("plan", *arguments, "--format", format_)
    assert result.exit_code == exit_code, result.output
    if format_ == "json":
        document = json.loads(result.stdout)
        jsonschema.validate(document, schemas()["error-v1.json"])
        assert document["error"]["code"] == code
        assert document["error"]["remedy"]
    else:
        assert result.stdout == ""
        assert code in result.stderr
        assert "What to do" in result.stderr


WRONG_USE = {
    "option": (["plan", "--nope"], "--nope"),
    "verb": (["no-such-verb"], "no-such-verb"),
    "value": (["serve", "--port", "99999"], "--port"),
    "no-value": (["plan", "--cluster"], "--cluster"),
}


@pytest.mark.parametrize(("arguments", "named"), WRONG_USE.values(), ids=WRONG_USE.keys())
@pytest.mark.parametrize("wish", [["--format", "json"], ["--format=json"]], ids=["apart", "joined"])
def test_wrong_use_is_one_document_too(arguments: list[str], named: str, wish: list[str]) -> None:
    result = run(arguments[0], *wish, *arguments[1:])
    document = json.loads(result.stdout)
    jsonschema.validate(document, schemas()["error-v1.json"])
    assert (result.exit_code, document["error"]["code"]) == (2, "syntax")
    assert named in document["error"]["message"]


def test_a_defect_is_one_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    report(ValueError("CANARY"), ["plan", "--format", "json"])
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["code"] == "internal"
    assert "CANARY" not in said.out + said.err


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    result = plan("--format", "json", repo=tmp_path)
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (2, "repo-empty")


def test_a_dry_run_writes_nothing_and_needs_no_token() -> None:
    result = plan("--cluster", SNAPSHOT, "--dry-run", "--format", "json", verb="provision")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["plan"]["app"] == "supermarket-inventory"


def test_provision_of_a_folder_or_without_a_token_is_refused() -> None:
    folder = plan("--cluster", SNAPSHOT, "--format", "json", "--yes", verb="create")
    assert json.loads(folder.stdout)["error"]["code"] == "repo-url"
    later = plan("--apply", "--format", "json", verb="provision")
    assert (later.exit_code, json.loads(later.stdout)["error"]["code"]) == (2, "syntax")


def test_a_wrong_setting_is_named() -> None:
    result = run("plan", "--git-repo", ".", "--app-description", "x", "--format", "json", AI_PROVISION_PORT="many")
    assert result.exit_code == 2
    assert "AI_PROVISION_PORT" in json.loads(result.stdout)["error"]["message"]


def test_snapshot_without_a_cluster_is_refused() -> None:
    assert json.loads(run("snapshot", "--format", "json").stdout)["error"]["code"] == "config"


def test_serve_does_not_start_without_a_secret() -> None:
    result = run("serve", "--format", "json", GITHUB_TOKEN="x")
    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (2, "config")


def test_check_says_what_is_missing_and_what_to_do() -> None:
    result = run("check", "--format", "json")
    assert result.exit_code == 0
    lines = json.loads(result.stdout)["checks"]
    assert {"GitHub", "webhook secret", "git"} <= {line["what"] for line in lines}
    assert all(line["remedy"] for line in lines if line["state"] != "ok")


VERBS = [
    "plan",
    "provision",
    "snapshot",
    "check",
    "init",
    "action",
    "serve",
    "worker",
    "backup",
    "audit",
    "replay",
    "mcp",
    "recommend",
    "demo",
    "preview",
    "create",
]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert "--format" in result.stdout
    assert "Example" in result.stdout


def test_the_verbs_that_run_the_service_start_without_the_planning_half() -> None:
    """A server is ready within moments; what it loads is what it needs."""
    for verb in ("serve", "worker"):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "bot", verb, "--help"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
        ours = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert not {"dbos", "github", "kubernetes", "proxmoxer", "git", "lark"} & loaded
        assert not {"bot.app", "bot.verbs", "bot.demo", "bot.flow.preview"} & ours
        assert "Example" in done.stdout


def test_the_quick_verbs_are_those_of_their_module() -> None:
    quick = {command.callback.__name__ for command in operations.registered_commands if command.callback}
    assert {verb for verb in VERBS if home_of([verb]) != "bot.cli"} == quick
    assert {command.callback.__name__ for command in cli.registered_commands if command.callback} >= quick
    assert home_of([]) == home_of(["--help"]) == home_of(["no-such-verb"]) == "bot.cli"


@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_audit_of_an_empty_record_and_a_copy_of_it(format_: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.sqlite"
    listed = run("audit", "--actor", "ada", "--format", format_, AI_PROVISION_DATABASE_URL=url)
    assert listed.exit_code == 0, listed.output
    copied = run("backup", str(tmp_path / "copy.sqlite"), "--format", format_, AI_PROVISION_DATABASE_URL=url)
    assert copied.exit_code == 0, copied.output
    assert (tmp_path / "copy.sqlite").stat().st_size > 0
    if format_ == "json":
        assert json.loads(listed.stdout) == {"schema_version": 1, "entries": []}
        assert json.loads(copied.stdout)["backup"] == str(tmp_path / "copy.sqlite")


def test_the_example_snapshot_is_a_snapshot_that_covers_both_systems() -> None:
    snapshot = ClusterSnapshot.model_validate_json(Path(SNAPSHOT).read_bytes())
    assert snapshot.of("proxmox")
    assert snapshot.of("kubernetes")
    assert snapshot.missing == ()


def test_a_model_that_does_not_answer_leaves_one_document_on_stdout() -> None:
    """What the model's edge logs goes elsewhere; the finding says it."""
    result = run(
        "plan",
        "--git-repo",
        str(SUPERMARKET),
        "--app-description",
        DESCRIPTION,
        "--format",
        "json",
        AI_PROVISION_MODEL="ollama:llama3",
        OLLAMA_BASE_URL="http://127.0.0.1:9/v1",
        AI_PROVISION_MODEL_SECONDS="5",
    )
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert "llm-invalid" in {finding["rule"] for finding in document["findings"]}
    assert [agent["model"] for agent in document["agents"]][:2] == ["ollama:llama3", "ollama:llama3"]
