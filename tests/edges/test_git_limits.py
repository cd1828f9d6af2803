"""Too much, too slow, too broken: a code, the limit in the text, and a clean disk."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.edges.git import GitLimits, GitRepos, Remote, public_remote
from bot.errors import Code, Refused, Unavailable
from bot.model.command import RepoTarget
from tests.edges.git_fixtures import TARGET, PlainYaml, commit, locator, reader, repository, served, survey_set
from tests.git_server import git_host, run_git

SMALL = {"Dockerfile": "FROM scratch\n", "compose.yaml": "a: 1\n", "src/main.go": "package main\n"}


def clean(tmp_path: Path) -> bool:
    return list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "limits", "code", "named"),
    [
        pytest.param("drip", GitLimits(seconds=1.5), Code.REPO_TIMEOUT, "1.5 s", id="R08-dripping-pack"),
        pytest.param("silent", GitLimits(seconds=1), Code.REPO_TIMEOUT, "1 s", id="R08-never-answering"),
        pytest.param(
            "endless",
            GitLimits(seconds=9, tree_pack_bytes=2_000_000),
            Code.REPO_TOO_BIG,
            "limit",
            id="R08-never-ending",
        ),
    ],
)
def test_a_hostile_pack_ends_at_its_limit(tmp_path: Path, mode: str, limits: GitLimits, code: Code, named: str) -> None:
    repository(tmp_path, SMALL)
    with served(tmp_path, mode, limits=limits) as (repos, _):
        started = time.monotonic()
        with pytest.raises((Refused, Unavailable)) as stop:
            repos.read(TARGET)
        assert time.monotonic() - started < limits.seconds + 1.5
    assert stop.value.refusal.code == code
    assert named in stop.value.refusal.message
    assert clean(tmp_path)


@pytest.mark.parametrize("size", [30_000_000], ids=["R08-30-MB-blob-of-the-survey-set"])
def test_a_huge_blob_of_the_survey_set_is_refused(tmp_path: Path, size: int) -> None:
    folder = repository(tmp_path, SMALL)
    run_git("config", "core.compression", "0", cwd=folder)  # noise does not shrink, so trying only takes time
    (folder / "big.txt").write_bytes(os.urandom(size))
    run_git("add", "-A", cwd=folder)
    commit(folder)
    with served(tmp_path) as (repos, _), pytest.raises(Refused, match="24 MiB") as refused:
        repos.read(TARGET)
    assert refused.value.refusal.code == Code.REPO_TOO_BIG
    assert clean(tmp_path)


@pytest.mark.parametrize("size", [3_000_000], ids=["R08-blob-outside-the-survey-set"])
def test_a_huge_blob_outside_the_survey_set_is_never_fetched(tmp_path: Path, size: int) -> None:
    repository(tmp_path, {**SMALL, "movie.mp4": os.urandom(size)})
    limits = GitLimits(tree_pack_bytes=size // 10, blob_pack_bytes=size // 10)
    with served(tmp_path, limits=limits) as (repos, _):
        assert "Dockerfile" in repos.read(TARGET).texts


@pytest.mark.parametrize("size", [30_000_000], ids=["R08-compressed-bomb"])
def test_a_compressed_bomb_is_noted_by_its_size(tmp_path: Path, size: int) -> None:
    repository(tmp_path, {**SMALL, "big.txt": b"a" * size})
    with served(tmp_path) as (repos, _):
        tree = repos.read(TARGET)
    assert "big.txt" not in tree.texts
    assert [(note.path, "256 KiB" in note.reason) for note in tree.unread] == [("big.txt", True)]


def many(root: Path, count: int) -> None:
    """A repository of ``count`` paths that share one blob: fast to make."""
    folder = repository(root, SMALL)
    blob = run_git("rev-parse", "HEAD:Dockerfile", cwd=folder).decode().strip()
    shelf = "".join(f"100644 blob {blob}\tf{n:04}\n" for n in range(1000))
    inner = run_git("mktree", cwd=folder, stdin=shelf.encode()).decode().strip()
    listed = run_git("ls-tree", "HEAD", cwd=folder)
    shelves = "".join(f"040000 tree {inner}\td{n:03}\n" for n in range(count // 1000))
    whole = run_git("mktree", cwd=folder, stdin=listed + shelves.encode()).decode().strip()
    new = run_git("commit-tree", "-m", "many", whole, cwd=folder).decode().strip()
    run_git("update-ref", "HEAD", new, cwd=folder)


@pytest.mark.parametrize("count", [200_000], ids=["R08-200k-files"])
def test_too_many_files_are_refused_with_the_limit(tmp_path: Path, count: int) -> None:
    many(tmp_path, count)
    with served(tmp_path) as (repos, _), pytest.raises(Refused, match="150,000 files") as refused:
        repos.read(TARGET)
    assert refused.value.refusal.code == Code.REPO_TOO_BIG
    assert clean(tmp_path)


def test_beyond_the_soft_limit_of_entries_the_named_part_comes_first(tmp_path: Path) -> None:
    many(tmp_path, 3_000)
    with served(tmp_path, limits=GitLimits(entries=500)) as (repos, _):
        tree = repos.read(TARGET.model_copy(update={"tree": ("main", "src")}))
    assert "src/main.go" in tree.paths
    assert len(tree.paths) == 500
    assert any("limit 500" in note.reason for note in tree.unread)


@pytest.mark.parametrize(
    ("limits", "read", "named"),
    [
        pytest.param(GitLimits(files=1), 1, "limit 1", id="files"),
        pytest.param(GitLimits(total_bytes=14), 1, "MiB in all", id="total"),
        pytest.param(GitLimits(file_bytes=6), 1, "for one file", id="one-file"),
    ],
)
def test_beyond_a_soft_limit_the_reading_is_partial_and_says_so(
    tmp_path: Path, limits: GitLimits, read: int, named: str
) -> None:
    repository(tmp_path, SMALL)
    with served(tmp_path, limits=limits) as (repos, _):
        tree = repos.read(TARGET)
    assert len(tree.texts) == read
    assert any(named in note.reason for note in tree.unread)


@pytest.mark.parametrize(
    ("mode", "kind", "requests"),
    [
        ("404", Refused, 1),
        ("403", Refused, 1),
        ("private", Refused, 1),
        ("redirect", Refused, 1),
        ("login-page", Refused, 4),
        ("429", Unavailable, 2),
        ("500", Unavailable, 3),
        ("502", Unavailable, 3),
        ("truncated", Unavailable, 6),
    ],
)
def test_a_failing_host_has_a_code_and_a_bounded_number_of_tries(
    tmp_path: Path, mode: str, kind: type[Refused | Unavailable], requests: int
) -> None:
    repository(tmp_path, SMALL)
    with git_host(tmp_path) as trap, git_host(tmp_path, mode, trap=trap.url) as host:
        with pytest.raises(kind) as stop:
            reader(host, tmp_path / "work").read(TARGET)
        assert len(host.requests) <= requests
    assert trap.requests == []
    assert stop.value.refusal.code is Code.REPO_UNREACHABLE
    assert "127.0.0.1" not in stop.value.refusal.message + stop.value.refusal.remedy
    assert clean(tmp_path)


def test_a_short_outage_is_bridged(tmp_path: Path) -> None:
    repository(tmp_path, SMALL)
    with served(tmp_path, "flaky") as (repos, host):
        host.failures_left = 2
        assert "Dockerfile" in repos.read(TARGET).texts


def test_a_busy_host_gets_one_minute_that_is_not_taken_from_the_reading(tmp_path: Path) -> None:
    repository(tmp_path, SMALL)
    with git_host(tmp_path, "429") as host:
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            host.mode = "plain"

        assert "Dockerfile" in replace(reader(host, tmp_path / "work"), pause=pause).read(TARGET).texts
    assert pauses == [60.0]


def test_a_name_that_resolves_at_the_third_try_is_read(tmp_path: Path) -> None:
    repository(tmp_path, SMALL)
    with served(tmp_path) as (repos, host):
        left = [1, 2]

        def locate(target: RepoTarget) -> Remote:
            if left:
                left.pop()
                public_remote(target, _nowhere)
            return locator(host)(target)

        assert "Dockerfile" in replace(repos, locate=locate).read(TARGET).texts


def _nowhere(_host: str) -> tuple[str, ...]:
    raise OSError("Name or service not known")


def test_a_slow_search_for_the_place_is_not_taken_from_the_reading(tmp_path: Path) -> None:
    repository(tmp_path, SMALL)
    limits = GitLimits(seconds=3.0)
    with served(tmp_path, limits=limits) as (repos, host):

        def locate(target: RepoTarget) -> Remote:
            time.sleep(3.2)
            return locator(host)(target)

        assert "Dockerfile" in replace(repos, locate=locate).read(TARGET).texts


def test_nobody_listens(tmp_path: Path) -> None:
    with git_host(tmp_path) as host:
        gone = host.url
    host.url = gone
    with pytest.raises(Unavailable) as stop:
        reader(host, tmp_path / "work").read(TARGET)
    assert stop.value.code == Code.REPO_UNREACHABLE


def test_without_git_the_refusal_says_so(tmp_path: Path) -> None:
    remote = Remote(url="http://127.0.0.1:1/org/shop.git", protocol="http")
    how = {"select": survey_set, "yaml": PlainYaml(), "locate": lambda _: remote, "workdir": tmp_path}
    with pytest.raises(Refused, match="git is not installed"):
        GitRepos(**how, git=str(tmp_path / "no-such-git")).read(TARGET)
    assert list(tmp_path.iterdir()) == []


def test_a_pinned_address_is_the_one_that_is_asked(tmp_path: Path) -> None:
    repository(tmp_path, SMALL)
    with git_host(tmp_path) as host:
        port = int(host.url.rpartition(":")[2])
        remote = Remote(
            url=f"http://shop.example.test:{port}/org/shop.git",
            protocol="http",
            host="shop.example.test",
            address="127.0.0.1",
            port=port,
        )
        repos = GitRepos(select=survey_set, yaml=PlainYaml(), locate=lambda _: remote, workdir=tmp_path)
        assert "Dockerfile" in repos.read(TARGET).texts


@pytest.mark.parametrize("inherited", ["GIT_DIR", "GIT_CONFIG_PARAMETERS", "GIT_SSH_COMMAND", "LD_PRELOAD_CANARY"])
def test_nothing_of_our_environment_reaches_git(tmp_path: Path, inherited: str) -> None:
    repository(tmp_path, SMALL)
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\nenv >> {tmp_path}/seen\nexec git "$@"\n')
    spy.chmod(0o755)
    script = (
        "from pathlib import Path; from tests.edges.git_fixtures import *; from tests.git_server import git_host\n"
        f"root = Path({str(tmp_path)!r})\n"
        "with git_host(root) as host:\n"
        "    how = {'select': survey_set, 'yaml': PlainYaml(), 'locate': locator(host), 'workdir': root}\n"
        "    assert GitRepos(**how, git=str(root / 'spy')).read(TARGET).texts\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, inherited: "CANARY"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "CANARY" not in (tmp_path / "seen").read_text()
