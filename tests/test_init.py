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
    assert set(json.loads(first.stdout)["written"]) == {".ai-provision.yaml", ".github/workflows/ai-provision.yml"}
    workflow = (tmp_path / ".github/workflows/ai-provision.yml").read_text()
    assert f"uses: {ACTION}" in workflow
    assert PLACEHOLDER not in workflow
    assert yaml.safe_load(workflow)["permissions"] == {}
    again = json.loads(run("--out", str(tmp_path), "--action", ACTION).stdout)
    assert (again["written"], len(again["kept"])) == ([], 2)


def test_without_an_action_there_is_no_workflow(tmp_path: Path) -> None:
    """A server serves the commands then, and both would answer each."""
    assert json.loads(run("--out", str(tmp_path)).stdout)["written"] == [".ai-provision.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == [".ai-provision.yaml"]
    assert "apply" not in first_files(ClusterSnapshot(), action=ACTION)[".github/workflows/ai-provision.yml"].lower()


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
    assert (after["pull_request"], len(after["kept"])) == (None, 2)


def test_a_file_of_the_default_branch_is_left_as_it_is(site: tuple[GitHubEmulator, dict[str, str]]) -> None:
    emulator, settings = site
    emulator.commit(INFRA, "main", {".ai-provision.yaml": "mode: manual\n"})
    pull = json.loads(run("--pull-request", "--action", ACTION, **settings).stdout)["pull_request"]
    files = emulator.files(INFRA, ref=pull["branch"])
    assert files[".ai-provision.yaml"] == "mode: manual\n"
    assert ".github/workflows/ai-provision.yml" in files


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
def test_the_operators_forge_writes_two_paths_and_no_other(
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
