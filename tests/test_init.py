"""``init``: the first files, from what the clusters hold, written once and never over anybody's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from bot.cli import cli
from bot.edges.clock import RealClock
from bot.edges.github.operator import OperatorForge
from bot.edges.yaml_reader import ChildYamlReader
from bot.emulators.github import GitHubEmulator
from bot.flow.config_file import read_config
from bot.initial import PLACEHOLDER, config_text, first_files
from bot.model.cluster import ClusterSnapshot, ProxmoxFacts, Store
from bot.model.config import Config
from bot.ports import PullText
from bot.settings import read_settings
from tests.fakes.house import EXAMPLES, snapshot

ACTION = f"someone/ai-provision@{'4' * 40}"
INFRA = "myorg/infrastructure"
COMMANDS = ".github/workflows/ai-provision.yml"
APPLIES = ".github/workflows/ai-provision-apply.yml"
CLEAN = dict.fromkeys(
    ("GITHUB_TOKEN", "GITHUB_API_URL", "PROXMOX_VE_ENDPOINT", "KUBECONFIG", "AI_PROVISION_INFRA_REPO"), ""
)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, ["init", "--format", "json", *arguments], env={**CLEAN, **environment})


def uncommented(text: str) -> str:
    """Every commented key in force, in its place."""
    return re.sub(r"^(\s*)# (?=\s*[a-z_]+:)", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("seen", [ClusterSnapshot(), snapshot()], ids=["nothing", "a-cluster"])
def test_the_config_file_is_valid_and_changes_no_default(seen: ClusterSnapshot) -> None:
    assert read_config(config_text(seen), yaml=ChildYamlReader()) == Config()


@pytest.mark.parametrize("seen", [ClusterSnapshot(), snapshot()], ids=["nothing", "a-cluster"])
def test_every_commented_key_is_one_that_may_be_put_in_force(seen: ClusterSnapshot) -> None:
    text = uncommented(config_text(seen))
    found = read_config(text, yaml=ChildYamlReader())
    assert isinstance(found, Config), found
    assert found.prices
    assert found.defaults.vlan == 30
    assert found.state
    assert found.apply.after == {"production": "staging"}
    assert found.backups.datastore == "backup"
    assert found.delivery_repository


def test_a_section_in_force_by_itself_changes_no_other_default() -> None:
    """What stands as an example of ``apply``, ``kubernetes`` and the switches is the default, but for names."""
    found = read_config(uncommented(config_text(ClusterSnapshot())), yaml=ChildYamlReader())
    assert isinstance(found, Config)
    plain: dict[str, str] = {}
    assert found.apply.model_copy(update={"after": plain, "approvals": plain}) == Config().apply
    names = dict.fromkeys(("version", "cni", "load_balancer_addresses"))
    assert found.kubernetes.model_copy(update=names) == Config().kubernetes
    assert (found.high_availability, found.firewall, found.delivery) == (False, False, "kubectl")


def test_every_section_of_the_config_is_shown() -> None:
    text = config_text(ClusterSnapshot())
    for key in ("state", "apply", "backups", "kubernetes", "high_availability", "firewall", "delivery_repository"):
        assert re.search(rf"^# {key}:", text, flags=re.MULTILINE), key


def test_what_the_clusters_hold_is_named() -> None:
    text, seen = config_text(snapshot()), snapshot()
    names = {bridge.name for node in seen.of("proxmox") for bridge in node.bridges}
    names |= {store.name for store in seen.stores if "images" in store.content or store.system == "kubernetes"}
    assert names
    for name in names:
        assert name in text
    assert config_text(snapshot()) == text


def test_a_name_of_the_cluster_cannot_leave_its_comment() -> None:
    evil = "x\nlimits:\n  max_replicas: 9999\u2028mode: auto\x85# "
    seen = ClusterSnapshot(
        stores=(
            Store(name=evil, system="proxmox", kind="dir", content=("images",)),
            Store(name="yes", system="kubernetes", kind="c"),
        ),
        proxmox=ProxmoxFacts(name=evil, pools=(evil,)),
    )
    assert read_config(config_text(seen), yaml=ChildYamlReader()) == Config()
    assert isinstance(read_config(uncommented(config_text(seen)), yaml=ChildYamlReader()), Config)


def test_files_are_written_once_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    first = run("--out", str(tmp_path), "--action", ACTION)
    assert first.exit_code == 0, first.output
    assert set(json.loads(first.stdout)["written"]) == {".ai-provision.yaml", COMMANDS, APPLIES}
    workflow = (tmp_path / COMMANDS).read_text()
    assert f"uses: {ACTION}" in workflow
    assert PLACEHOLDER not in workflow
    assert yaml.safe_load(workflow)["permissions"] == {}
    again = json.loads(run("--out", str(tmp_path), "--action", ACTION).stdout)
    assert (again["written"], len(again["kept"])) == ([], 3)


def test_the_caller_names_the_reviewed_commit_of_the_named_repository_in_every_job() -> None:
    text = first_files(ClusterSnapshot(), action=ACTION)[APPLIES]
    name, _, commit = ACTION.partition("@")
    jobs = yaml.safe_load(text)["jobs"]
    assert {job["uses"] for job in jobs.values()} == {
        f"{name}/.github/workflows/{verb}.yml@{commit}" for verb in ("plan", "apply", "reconcile")
    }
    for part in (*PLACEHOLDER.split("@"), "your-org"):
        assert part not in text
    example = (EXAMPLES / "workflows" / "ai-provision-apply.yml").read_text()
    mine, _, placeholder = PLACEHOLDER.partition("@")
    assert text.replace(f"uses: {name}/", f"uses: {mine}/").replace(commit, placeholder) == example


def test_without_an_action_there_is_no_workflow(tmp_path: Path) -> None:
    """A server serves the commands then, and both would answer each."""
    assert json.loads(run("--out", str(tmp_path)).stdout)["written"] == [".ai-provision.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == [".ai-provision.yaml"]


def test_the_workflow_of_commands_gets_no_credential_of_an_apply() -> None:
    """Whoever may comment reaches that one."""
    assert "apply" not in first_files(ClusterSnapshot(), action=ACTION)[COMMANDS].lower()


@pytest.mark.parametrize("there", ["file", "folder", "link", "bytes"])
def test_nothing_is_written_over_anybodys_file(there: str, tmp_path: Path) -> None:
    path = tmp_path / ".github" / "workflows" / "ai-provision.yml"
    path.parent.mkdir(parents=True)
    if there == "folder":
        path.mkdir()
    elif there == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes(b"mine\n" if there == "file" else b"\xff\xfe")
    done = run("--out", str(tmp_path), "--action", ACTION)
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (3, "conflict")
    assert not (tmp_path / ".ai-provision.yaml").exists()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "named", ["", "x/y@v1", "x/y@main", f"x/y@{'4' * 39}", f"x/y@{'4' * 40}\nrun: evil", "x@" + "4" * 40]
)
def test_only_a_full_commit_names_an_action(named: str, tmp_path: Path) -> None:
    done = run("--out", str(tmp_path), "--action", named)
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "syntax")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[GitHubEmulator, dict[str, str]]]:
    emulator = GitHubEmulator(tmp_path / "github", clock=RealClock())
    emulator.add_repository(INFRA, {"README.md": "infra\n"})
    emulator.grant(INFRA, "ada", "admin")
    token = emulator.add_token("ada", token="ghp_" + "a" * 36)
    with emulator.serve() as url:
        settings = {
            "GITHUB_API_URL": url,
            "GITHUB_TOKEN": token,
            "AI_PROVISION_INFRA_REPO": INFRA,
            "AI_PROVISION_WRITE_PAUSE": "0",
        }
        yield emulator, settings


def test_a_pull_request_holds_the_files_and_is_opened_once(site: tuple[GitHubEmulator, dict[str, str]]) -> None:
    emulator, settings = site
    done = run("--pull-request", "--action", ACTION, **settings)
    assert done.exit_code == 0, done.output
    pull = json.loads(done.stdout)["pull_request"]
    files = emulator.files(INFRA, ref=pull["branch"])
    assert files == {"README.md": "infra\n", **first_files(ClusterSnapshot(), action=ACTION)}
    again = json.loads(run("--pull-request", "--action", ACTION, **settings).stdout)["pull_request"]
    assert (again["number"], again["head_sha"]) == (pull["number"], pull["head_sha"])
    assert len(emulator.pulls(INFRA)) == 1
    emulator.merge(INFRA, pull["number"])
    after = json.loads(run("--pull-request", "--action", ACTION, **settings).stdout)
    assert (after["pull_request"], len(after["kept"])) == (None, 3)


def test_a_file_of_the_default_branch_is_left_as_it_is(site: tuple[GitHubEmulator, dict[str, str]]) -> None:
    emulator, settings = site
    emulator.commit(INFRA, "main", {".ai-provision.yaml": "mode: manual\n"})
    pull = json.loads(run("--pull-request", "--action", ACTION, **settings).stdout)["pull_request"]
    files = emulator.files(INFRA, ref=pull["branch"])
    assert files[".ai-provision.yaml"] == "mode: manual\n"
    assert {COMMANDS, APPLIES} <= files.keys()


def test_a_persons_branch_of_that_name_is_left_alone(site: tuple[GitHubEmulator, dict[str, str]]) -> None:
    emulator, settings = site
    head = emulator.commit(INFRA, "ai-provision/init", {"mine.txt": "mine\n"})
    done = run("--pull-request", **settings)
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (3, "conflict")
    assert emulator.branches(INFRA)["ai-provision/init"] == head


def test_a_pull_request_needs_a_token_and_a_repository() -> None:
    done = run("--pull-request")
    assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (2, "config")


@pytest.mark.parametrize("path", [".github/workflows/other.yml", "apps/x/plan.json", "../x", ".git/config"])
def test_the_operators_forge_writes_the_first_files_and_no_other(
    path: str, site: tuple[GitHubEmulator, dict[str, str]]
) -> None:
    emulator, environment = site
    settings = read_settings(environment)
    assert settings.github_token
    with (
        OperatorForge(
            api_url=settings.github_api_url, token=settings.github_token, clock=RealClock(), write_pause=0, redact=str
        ) as forge,
        pytest.raises(ValueError, match="first files"),
    ):
        forge.introduce(INFRA, {path: "x"}, text=PullText(title="t", body="b"), when=RealClock().now())
    assert emulator.calls == ()


def test_the_example_config_of_the_project_is_another_file() -> None:
    assert isinstance(read_config((EXAMPLES / "ai-provision.yaml").read_text(), yaml=ChildYamlReader()), Config)
