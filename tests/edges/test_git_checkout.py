"""The checkout as git has it on disk: history, links, submodules; nothing of the repository is ever executed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.edges.git.checkout import GitCheckout
from bot.errors import Code, Refused

_WHO = (
    "-c",
    "user.name=t",
    "-c",
    "user.email=t@example.org",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "protocol.file.allow=always",
)


def git(folder: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(
        ["git", *_WHO, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def commit(folder: Path, files: dict[str, str | None]) -> str:
    for path, text in files.items():
        place = folder / path
        if text is None:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "infra"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"README.md": "x\n", "apps/web/plan.json": "{}\n"})
    return folder


@pytest.fixture
def checkout(repository: Path) -> GitCheckout:
    return GitCheckout(repository)


def refusal(error: pytest.ExceptionInfo[Refused]) -> tuple[str, str]:
    return error.value.refusal.code, error.value.refusal.message


def test_commits_paths_and_texts(repository: Path, checkout: GitCheckout) -> None:
    base = checkout.head()
    head = commit(repository, {"apps/web/terraform/main.tf": "# ü\n", "apps/web/plan.json": None})
    assert (checkout.head(), checkout.parent(head), checkout.parent(base)) == (head, base, None)
    assert checkout.changed(base, head) == ("apps/web/plan.json", "apps/web/terraform/main.tf")
    assert checkout.changed(None, base) == ("README.md", "apps/web/plan.json")
    assert checkout.paths(head, "apps/web") == ("apps/web/terraform/main.tf",)
    assert checkout.paths(base, "apps/other") == ()
    assert checkout.text(head, "apps/web/terraform/main.tf") == "# ü\n"
    assert checkout.text(head, "apps/web/plan.json") is None
    assert checkout.text(base, "apps/web/plan.json") == "{}\n"


def test_names_of_every_kind_are_told_as_they_are(repository: Path, checkout: GitCheckout) -> None:
    names = {"apps/web/a b.txt": "x", "apps/web/ä\u202e.txt": "x", 'apps/web/"q".txt': "x", "apps/web/new\nline": "x"}
    base = checkout.head()
    head = commit(repository, dict(names))
    assert set(checkout.changed(base, head)) == set(names)
    assert set(names) <= set(checkout.paths(head, "apps/web"))


def test_a_folder_is_no_prefix_of_another(repository: Path, checkout: GitCheckout) -> None:
    head = commit(repository, {"apps/web-2/plan.json": "{}"})
    assert checkout.paths(head, "apps/web") == ("apps/web/plan.json",)


def test_a_folder_below_the_root_tells_the_same(repository: Path, checkout: GitCheckout) -> None:
    head = checkout.head()
    below = GitCheckout(repository / "apps")
    assert below.paths(head, "apps/web") == ("apps/web/plan.json",)
    assert below.text(head, "apps/web/plan.json") == "{}\n"


@pytest.mark.parametrize("kind", ["merge", "squash", "rebase"])
def test_the_three_kinds_of_merges_show_what_they_changed(repository: Path, checkout: GitCheckout, kind: str) -> None:
    git(repository, "checkout", "-q", "-b", "feature")
    commit(repository, {"apps/shop/plan.json": "{}"})
    git(repository, "checkout", "-q", "main")
    base = commit(repository, {"other.md": "meanwhile"})
    if kind == "merge":
        git(repository, "merge", "-q", "--no-ff", "-m", "merge", "feature")
    elif kind == "squash":
        git(repository, "merge", "-q", "--squash", "feature")
        git(repository, "commit", "-q", "-m", "squashed")
    else:
        git(repository, "rebase", "-q", "main", "feature")
        git(repository, "checkout", "-q", "main")
        git(repository, "merge", "-q", "--ff-only", "feature")
    head = checkout.head()
    assert checkout.parent(head) == base
    assert checkout.changed(base, head) == ("apps/shop/plan.json",)


def test_where_two_branches_parted(repository: Path, checkout: GitCheckout) -> None:
    base = checkout.head()
    git(repository, "checkout", "-q", "-b", "feature")
    left = commit(repository, {"a": "a"})
    git(repository, "checkout", "-q", "main")
    right = commit(repository, {"b": "b"})
    assert checkout.merge_base(right, left) == base


def test_a_shallow_clone_says_that_history_is_missing(repository: Path, tmp_path: Path) -> None:
    commit(repository, {"a": "a"})
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    shallow = GitCheckout(tmp_path / "shallow")
    with pytest.raises(Refused) as told:
        shallow.parent(shallow.head())
    assert refusal(told)[0] == Code.CONFIG
    assert "fetch-depth: 0" in told.value.refusal.remedy


def test_a_shallow_clone_with_one_more_commit_is_enough(repository: Path, tmp_path: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    head = commit(repository, {"a": "a"})
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{repository}", "shallow")
    shallow = GitCheckout(tmp_path / "shallow")
    assert (shallow.parent(head), shallow.changed(base, head)) == (base, ("a",))


def test_a_link_is_neither_read_nor_written(repository: Path, checkout: GitCheckout, tmp_path: Path) -> None:
    (repository / "apps/web/link.tf").symlink_to("/etc/passwd")
    head = commit(repository, {})
    assert checkout.text(head, "apps/web/link.tf") is None
    with pytest.raises(Refused) as told:
        checkout.export(head, "apps/web", tmp_path / "out")
    assert refusal(told)[0] == Code.POLICY
    assert not (tmp_path / "out" / "link.tf").exists()


def test_a_submodule_is_refused(repository: Path, checkout: GitCheckout, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(other, {"x": "x"})
    git(repository, "submodule", "--quiet", "add", str(other), "apps/web/sub")
    head = commit(repository, {})
    with pytest.raises(Refused) as told:
        checkout.export(head, "apps/web", tmp_path / "out")
    assert refusal(told)[0] == Code.POLICY


def test_export_writes_what_was_committed_not_what_lies_there(
    repository: Path, checkout: GitCheckout, tmp_path: Path
) -> None:
    head = checkout.head()
    (repository / "apps/web/plan.json").write_text("edited")
    (repository / "apps/web/extra.tf").write_text("untracked")
    checkout.export(head, "apps/web", tmp_path / "out")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"plan.json": "{}\n"}


def test_bytes_that_are_no_text_are_no_text_and_are_exported_whole(
    repository: Path, checkout: GitCheckout, tmp_path: Path
) -> None:
    (repository / "apps/web/blob").write_bytes(b"\xff\x00\xfe")
    head = commit(repository, {})
    assert checkout.text(head, "apps/web/blob") is None
    checkout.export(head, "apps/web", tmp_path / "out")
    assert (tmp_path / "out" / "blob").read_bytes() == b"\xff\x00\xfe"


def test_a_huge_file_is_refused_before_it_is_read(repository: Path, checkout: GitCheckout, tmp_path: Path) -> None:
    (repository / "apps/web/big").write_bytes(b"x" * (8 * 1024**2 + 1))
    head = commit(repository, {})
    with pytest.raises(Refused) as told:
        checkout.export(head, "apps/web", tmp_path / "out")
    assert refusal(told) == (Code.POLICY, "'apps/web/big' is larger than 8 MiB.")


def test_nothing_that_the_repository_asks_for_is_run(repository: Path, checkout: GitCheckout, tmp_path: Path) -> None:
    """Hooks, fsmonitor, text converters, external diffs, filters, aliases, pagers: each would leave a mark."""
    mark = tmp_path / "mark"
    run = tmp_path / "run.sh"
    run.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    run.chmod(0o755)
    base = commit(repository, {".gitattributes": "* diff=x filter=x\n", "apps/web/a.tf": "1\n"})
    head = commit(repository, {"apps/web/a.tf": "2\n"})
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "post-merge"):
        place = repository / ".git" / "hooks" / hook
        place.parent.mkdir(exist_ok=True)
        shutil.copy(run, place)
    for key in (
        "core.fsmonitor", "diff.x.textconv", "diff.x.command", "diff.external", "filter.x.smudge", "filter.x.clean",
        "core.pager", "core.sshCommand", "core.editor", "credential.helper",
    ):  # fmt: skip
        git(repository, "config", key, str(run))
    for name in ("ls-tree", "rev-parse", "cat-file", "diff-tree"):
        git(repository, "config", f"alias.{name}", f"!{run}")
    mark.unlink(missing_ok=True)
    assert checkout.changed(base, head) == ("apps/web/a.tf",)
    assert checkout.text(head, "apps/web/a.tf") == "2\n"
    assert (checkout.head(), checkout.parent(head)) == (head, base)
    checkout.export(head, "apps/web", tmp_path / "out")
    assert (tmp_path / "out" / "a.tf").read_text() == "2\n"
    assert not mark.exists()


def test_a_replaced_object_is_not_taken_for_the_commit(repository: Path, checkout: GitCheckout) -> None:
    first = checkout.head()
    second = commit(repository, {"apps/web/plan.json": '{"evil": 1}\n'})
    git(repository, "replace", first, second)
    assert checkout.text(first, "apps/web/plan.json") == "{}\n"


def test_settings_of_the_environment_do_not_reach_git(repository: Path, checkout: GitCheckout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # fmt: skip
    head = checkout.head()
    for name, value in (
        ("GIT_DIR", str(tmp_path)), ("GIT_OBJECT_DIRECTORY", str(tmp_path)), ("GIT_EXTERNAL_DIFF", "/bin/false"),
        ("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.bare"), ("GIT_CONFIG_VALUE_0", "true"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    assert checkout.text(head, "apps/web/plan.json") == "{}\n"


@pytest.mark.parametrize("name", ["main", "HEAD", "--help", "-x", "", "a" * 39, "A" * 40, "HEAD~1", "a" * 40 + "\n"])
def test_a_commit_is_a_full_id_or_nothing(checkout: GitCheckout, name: str) -> None:
    with pytest.raises(Refused) as told:
        checkout.text(name, "README.md")
    assert refusal(told)[0] == Code.CONFIG


def test_what_git_cannot_tell_is_a_refusal_with_the_next_step(tmp_path: Path, checkout: GitCheckout) -> None:
    for broken in (
        GitCheckout(tmp_path),
        GitCheckout(tmp_path / "nowhere"),
        GitCheckout(checkout.folder, program="no-git"),
    ):
        with pytest.raises(Refused) as told:
            broken.head()
        assert refusal(told)[0] == Code.CONFIG
        assert "fetch-depth: 0" in told.value.refusal.remedy
    with pytest.raises(Refused) as lost:
        checkout.changed(None, "f" * 40)
    assert refusal(lost)[0] == Code.CONFIG


@pytest.mark.parametrize("path", ["*", ":(glob)**", "apps/*/plan.json", ":/", ":!x"])
def test_a_path_is_a_path_and_no_pattern(checkout: GitCheckout, path: str) -> None:
    assert checkout.text(checkout.head(), path) is None
