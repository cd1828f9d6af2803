"""Real git pushes to the emulated GitHub: workflow files, protected branches, and who hears of what moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.emulators.github.state import Protection
from tests.emulators.github_kit import CALLER, REPO, WORKFLOW, Site, served


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path / "github") as made:
        yield made


def push(site: Site, folder: Path, token: str, ref: str, files: dict[str, str]) -> str:
    """What git says to a push of some files."""
    checkout = site.clone(folder, token)
    for name, text in files.items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    site.git(checkout, "add", ".")
    site.git(checkout, "commit", "--quiet", "-m", "change")
    return site.git(checkout, "push", "origin", f"HEAD:{ref}").stderr


def test_workflow_files_need_the_right_to_workflows(site: Site, tmp_path: Path) -> None:
    bot = site.github.add_token("bob")
    changed, same = {CALLER: WORKFLOW + "# more\n"}, {"a.txt": "a\n"}
    job = site.github.ci_token(REPO, permissions={"contents": "write"})
    for index, (token, said) in enumerate(((bot, "a Personal Access Token"), (job, "a GitHub App"))):
        folder = tmp_path / str(index)
        folder.mkdir()
        words = push(site, folder, token, "refs/heads/w", changed)
        assert f"refusing to allow {said} to create or update workflow `{CALLER}` without `workflow" in words
    assert "w" not in site.github.branches(REPO)
    (tmp_path / "same").mkdir()
    assert "new branch" in push(site, tmp_path / "same", bot, "refs/heads/same", same)
    (tmp_path / "own").mkdir()
    assert "new branch" in push(site, tmp_path / "own", site.bob, "refs/heads/w", changed)
    merge = site.github.open_pull(REPO, "bob", head="w")
    assert site.call("PUT", f"/pulls/{merge}/merge", token=bot).status_code == 403
    assert site.call("PUT", f"/pulls/{merge}/merge", token=site.alice).status_code == 200


def test_a_protected_branch_takes_no_push(site: Site, tmp_path: Path) -> None:
    site.github.protect(REPO, "main", Protection(approvals=0))
    words = push(site, tmp_path, site.bob, "refs/heads/main", {"direct.txt": "d\n"})
    assert "remote: error: GH006: Protected branch update failed for refs/heads/main." in words
    assert "remote: error: Changes must be made through a pull request." in words
    assert "(protected branch hook declined)" in words
    assert site.github.file(REPO, "direct.txt") is None


def test_a_protected_branch_is_neither_forced_nor_deleted(site: Site, tmp_path: Path) -> None:
    site.github.protect(REPO, "main", Protection())
    site.github.push_commit(REPO, "bob", {"direct.txt": "d\n"})
    folder = site.clone(tmp_path, site.bob)
    assert "Cannot force-push" in site.git(folder, "push", "--force", "origin", "HEAD~1:refs/heads/main").stderr
    assert "Cannot delete" in site.git(folder, "push", "origin", ":refs/heads/main").stderr
    assert "direct.txt" in site.github.files(REPO)


def test_pushes_by_git_are_told_like_any_others(site: Site, tmp_path: Path) -> None:
    number = site.change()
    site.names()
    assert "HEAD -> feature" not in push(site, tmp_path, site.bob, "refs/heads/other", {"o.txt": "o\n"})
    assert (site.events[0][1]["created"], site.events[0][1]["commits"][0]["added"]) == (True, ["o.txt"])
    assert site.names() == ["push"]
    folder = tmp_path / "c"
    site.git(folder, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/feature")
    assert site.events[0][1]["forced"] is True
    assert site.names() == ["push", "pull_request.synchronize"]
    assert site.git(folder, "push", "--quiet", "origin", ":refs/heads/feature").returncode == 0
    assert site.names() == ["push", "pull_request.closed"]
    assert site.github.issue(REPO, number).state == "closed"
