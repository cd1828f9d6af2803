"""Reading a repository of 50,000 files: the whole survey read, the same git commands alone, and a full depth-1 clone.

In: a synthetic repository in a temporary folder. Out: a table of medians, alternating in one run; the clones come last.
Never: the network; ``file://`` is allowed through a locator of this benchmark alone.

Goals: at most 1.5 times the git commands alone, at least 8 times faster than the full clone.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from bot.edges.git import GitLimits, GitRepos, Remote
from bot.edges.yaml_reader import ChildYamlReader
from bot.model.command import RepoTarget
from bot.model.tree import Unread, YamlDocument
from bot.ports import YamlReader
from bot.survey.selection import select

FILES: Final = int(os.environ.get("BENCH_FILES", "50000"))
RUNS: Final = int(os.environ.get("BENCH_RUNS", "7"))
CLONES: Final = int(os.environ.get("BENCH_CLONES", "3"))
SERVICES: Final = 40
CLONE: Final = "full depth-1 clone"
ENVIRONMENT: Final = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "file",
    **{
        f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "b"), ("EMAIL", "b"))
    },
}


def git(*arguments: str, cwd: Path, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=cwd, env=ENVIRONMENT, input=stdin, capture_output=True, check=True
    ).stdout


def synthetic_files(count: int) -> Iterator[tuple[str, bytes]]:
    """Forty services among many folders of sources, texts and pictures; the same for every run."""
    dice = random.Random(7)  # noqa: S311 -- the same texts in every run
    words = [f"word{n}" for n in range(4000)]
    for n in range(SERVICES):
        home = f"services/s{n:02}"
        yield f"{home}/Dockerfile", b"FROM golang:1.24\nEXPOSE 8080\n"
        yield f"{home}/go.mod", f"module example.test/s{n}\n\ngo 1.24\n".encode()
        yield f"{home}/main.go", b"package main\n\nfunc main() {}\n"
        yield f"{home}/k8s/deployment.yaml", b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"
    for n in range(count - 4 * SERVICES):
        end = ("java", "c", "h", "rst", "html", "svg", "json")[n % 7]
        text = " ".join(dice.choices(words, k=dice.randrange(40, 1000)))
        yield f"lib/a{n % 40:02}/b{n // 40 % 125:03}/file{n:05}.{end}", text.encode()


def synthetic_repository(folder: Path) -> None:
    git("init", "--quiet", "--bare", "-b", "main", ".", cwd=folder)
    git("config", "uploadpack.allowFilter", "true", cwd=folder)
    stream = [b"commit refs/heads/main\ncommitter b <b> 1700000000 +0000\ndata 1\nx\n"]
    for path, content in synthetic_files(FILES):
        stream.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    git("fast-import", "--quiet", cwd=folder, stdin=b"".join(stream))
    git("repack", "--quiet", "-a", "-d", cwd=folder)


class NoYaml:
    """Takes the YAML parser out of the measurement."""

    def read(self, _files: Mapping[str, bytes]) -> tuple[dict[str, tuple[YamlDocument, ...]], tuple[Unread, ...]]:
        return {}, ()


def survey_read(url: str, workdir: Path, *, yaml: YamlReader, chosen: Sequence[str] | None = None) -> Sequence[str]:
    """The whole read; with ``chosen`` the selection is taken out of the measurement."""
    remote = Remote(url=url, protocol="file")
    repos = GitRepos(
        select=select if chosen is None else lambda _paths, _part: tuple(chosen),
        yaml=yaml,
        locate=lambda _: remote,
        limits=GitLimits(seconds=120),
        workdir=workdir,
    )
    return tuple(repos.read(RepoTarget(host="bench.example.test", owner="o", name="n")).texts)


def git_alone(url: str, workdir: Path, ids: bytes) -> None:
    """The recipe without a reader: clone, list, fetch, print."""
    with tempfile.TemporaryDirectory(dir=workdir) as folder:
        clone = Path(folder) / "clone"
        git("clone", "-q", "--depth=1", "--filter=blob:none", "--no-checkout", url, str(clone), cwd=workdir)
        git("ls-tree", "-r", "-z", "HEAD", cwd=clone)
        noop = ("-c", "fetch.negotiationAlgorithm=noop")
        quiet = ("-q", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none", "--stdin")
        git(*noop, "fetch", *quiet, "origin", cwd=clone, stdin=ids)
        git("cat-file", "--batch", cwd=clone, stdin=ids)


def full_clone(url: str, workdir: Path) -> None:
    with tempfile.TemporaryDirectory(dir=workdir) as folder:
        git("clone", "-q", "--depth=1", url, f"{folder}/clone", cwd=workdir)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def blob_ids(source: Path, paths: Sequence[str]) -> bytes:
    wanted = set(paths)
    lines = git("ls-tree", "-r", "main", cwd=source).decode().splitlines()
    return "".join(f"{line.split()[2]}\n" for line in lines if line.partition("\t")[2] in wanted).encode()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        source = root / "source.git"
        source.mkdir()
        synthetic_repository(source)
        url = source.as_uri()
        read = survey_read(url, root, yaml=ChildYamlReader())
        ids = blob_ids(source, read)
        rows: dict[str, Callable[[], object]] = {
            "survey read": lambda: survey_read(url, root, yaml=ChildYamlReader()),
            "  without YAML parser": lambda: survey_read(url, root, yaml=NoYaml()),
            "  nor selection": lambda: survey_read(url, root, yaml=NoYaml(), chosen=read),
            "git commands alone": lambda: git_alone(url, root, ids),
        }
        times: dict[str, list[float]] = {what: [] for what in (*rows, CLONE)}
        for _ in range(RUNS):
            for what, work in rows.items():
                times[what].append(seconds(work))
        for _ in range(CLONES):  # last, because the disk is still busy with 50,000 files when a clone has returned
            times[CLONE].append(seconds(lambda: full_clone(url, root)))
    report(times, read=len(read))


def report(times: dict[str, list[float]], *, read: int) -> None:
    medians = {what: statistics.median(values) for what, values in times.items()}
    print(f"{FILES:,} files, {read} of them in the survey set, median of {RUNS} runs, file:// remote")
    for what, value in medians.items():
        print(f"{what:<22}{value:8.3f} s   ({min(times[what]):.3f} - {max(times[what]):.3f})")
    against_git = medians["survey read"] / medians["git commands alone"]
    against_clone = medians[CLONE] / medians["survey read"]
    print(f"survey read / git alone   {against_git:5.2f}   goal at most 1.5")
    print(f"full clone / survey read  {against_clone:5.2f}   goal at least 8")


if __name__ == "__main__":
    main()
