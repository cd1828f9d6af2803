"""The git commands of the survey, one function each: open, list, fetch in one batch, print in one batch.

In: a remote and what to read. Out: listings and blobs. Never: a checkout, a blob that was not asked for, one exchange
per file.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.edges.git.failures import failure, kind_of
from bot.edges.git.limits import GitLimits
from bot.edges.git.listing import Incoming, Listing
from bot.edges.git.process import Git, Ran, too_big
from bot.edges.git.refs import Revision
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.quantity import MIB

_NOT_OURS: Final = re.compile(r"not our ref ([0-9a-f]{40,64})\b", re.ASCII)
_UNFILTERED: Final = "filtering not recognized"
_FORBIDDEN_WANT: Final = "unadvertised object"
_BROKEN: Final = ("not our ref", "unable to read", "early eof", "index-pack failed", "did not send all necessary")
_TRIES: Final = 24
_PIN_SINCE: Final = (2, 37)
_NOBODY: Final = "1" * 40
_LOCAL: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"


@dataclass(frozen=True)
class Opened:
    """A commit whose trees are here, by the name git knows it by. ``whole``: its blobs came along."""

    commit: str
    ref: str | None
    whole: bool


def open_repository(git: Git, revision: Revision, *, filtered: bool = True) -> Opened:
    """Clone one commit without files. Raises Refused (repo-*) or Unavailable."""
    _check_version(git)
    shutil.rmtree(git.repository, ignore_errors=True)
    ran = _clone(git, revision, filtered) if revision.commit is None else _fetch_commit(git, revision.commit, filtered)
    if ran.code:
        raise failure(git.shown, ran.err)
    whole = not filtered or _UNFILTERED in ran.err
    if revision.commit is not None:
        return Opened(revision.commit, None, whole)
    ref, commit = _head(git)
    return Opened(commit, revision.ref or ref, whole)


def list_tree(git: Git, opened: Opened, part: str) -> Listing:
    """Every entry of the commit. Raises Refused(repo-too-big) beyond the hard limit, or (repo-empty)."""
    incoming = Incoming()
    ran = git.run("ls-tree", "-r", "-z", "--full-tree", opened.commit, sink=incoming.take)
    if ran.code:
        raise Refused(nothing_to_read(git.shown)) if "not a tree" in ran.err else failure(git.shown, ran.err)
    hard = git.limits.entries_hard
    if incoming.count > hard:
        raise Refused(too_big(git.shown, f"{hard:,} files"))
    return incoming.listing(part=part, entries=git.limits.entries)


def fetch_blobs(git: Git, ids: Collection[str]) -> bool:
    """Bring the blobs in one batch; what the remote lacks is left out. False: the remote refuses to send single blobs.

    One missing blob fails a whole batch: the named id is dropped, and where none is named the batch is halved.
    Raises Refused(repo-too-big) or Unavailable.
    """
    batches: list[Sequence[str]] = [sorted(set(ids))]
    for _ in range(_TRIES):
        if not batches:
            break
        batch = batches.pop()
        ran = _fetch(git, batch) if batch else None
        if ran is None or not ran.code:
            continue
        if _FORBIDDEN_WANT in ran.err:
            return False
        batches.extend(_smaller(git, batch, ran.err))
    return True


@dataclass(frozen=True)
class Blobs:
    """Contents by id, and the ids that were left out because of a limit."""

    contents: dict[str, bytes]
    large: frozenset[str] = frozenset()
    beyond: frozenset[str] = frozenset()


def read_blobs(git: Git, ids: Sequence[str]) -> Blobs:
    """The blobs that are here, in the order asked for, within the limits for one file and for all."""
    asked = tuple(dict.fromkeys(ids))
    with _offline(git):
        sizes = dict(_sizes(_cat(git, "--batch-check", asked)))
        large = frozenset(name for name, size in sizes.items() if size > git.limits.file_bytes)
        fitting = _within([(name, sizes[name]) for name in asked if name in sizes and name not in large], git.limits)
        output = git.limits.total_bytes + 128 * len(fitting) + MIB
        contents = dict(_blobs(_cat(git, "--batch", fitting, output=output)))
    return Blobs(contents, large, frozenset(sizes) - large - frozenset(contents))


def _within(sized: Sequence[tuple[str, int]], limits: GitLimits) -> list[str]:
    sums = itertools.accumulate(size for _, size in sized)
    return [name for (name, _), total in zip(sized, sums, strict=True) if total <= limits.total_bytes]


def nothing_to_read(shown: str) -> Refusal:
    """The refusal of a repository without a commit or without a file."""
    return Refusal(
        code=Code.REPO_EMPTY,
        message=f"There is nothing to read in {shown}.",
        remedy="Push the application's files first, or name another repository or folder.",
    )


def _clone(git: Git, revision: Revision, filtered: bool) -> Ran:  # noqa: FBT001 -- one caller, named there
    branch = [f"--branch={revision.ref}"] if revision.ref else []
    wanted = ["--filter=blob:none"] if filtered else []
    return git.run(
        "clone", "--quiet", "--depth=1", "--no-tags", "--no-checkout", "--template=", *wanted, *branch,
        "--", git.remote.url, str(git.repository),
    )  # fmt: skip


def _fetch_commit(git: Git, commit: str, filtered: bool) -> Ran:  # noqa: FBT001 -- one caller, named there
    for step in (("init", "--quiet", "--template=", str(git.repository)), ("remote", "add", "origin", git.remote.url)):
        ran = git.run(*step)
        if ran.code:
            return ran
    wanted = ["--filter=blob:none"] if filtered else []
    return git.run("fetch", "--quiet", "--depth=1", "--no-tags", *wanted, "origin", commit)


def _fetch(git: Git, ids: Sequence[str]) -> Ran:
    return git.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none",
        "--stdin", "origin", stdin="".join(f"{name}\n" for name in ids).encode(), disk=git.limits.blob_pack_bytes,
    )  # fmt: skip


def _smaller(git: Git, batch: Sequence[str], err: str) -> list[Sequence[str]]:
    named = set(_NOT_OURS.findall(err)) & set(batch)
    if named:
        return [[name for name in batch if name not in named]]
    if not any(sign in err.lower() for sign in _BROKEN):
        raise failure(git.shown, err)
    half = len(batch) // 2
    return [batch[:half], batch[half:]] if half else []


@contextlib.contextmanager
def _offline(git: Git) -> Iterator[None]:
    """Without a remote in its configuration git reports a missing blob instead of fetching it alone."""
    config = git.repository / ".git" / "config"
    before = config.read_bytes()
    config.write_text(_LOCAL)
    try:
        yield
    finally:
        config.write_bytes(before)


def _cat(git: Git, mode: str, ids: Sequence[str], *, output: int = 64 * MIB) -> bytes:
    if not ids:
        return b""
    ran = git.run("cat-file", mode, stdin="".join(f"{name}\n" for name in ids).encode(), output=output)
    if ran.code:
        raise failure(git.shown, ran.err)
    return ran.out


def _sizes(raw: bytes) -> Iterator[tuple[str, int]]:
    for line in raw.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] == b"blob":
            yield words[0].decode("ascii"), int(words[2])


def _blobs(raw: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        words = raw[at:end].split()
        size = int(words[2]) if len(words) == 3 else -1
        if size >= 0:
            yield words[0].decode("ascii"), raw[end + 1 : end + 1 + size]
        at = end + 2 + size


def _head(git: Git) -> tuple[str | None, str]:
    """Branch and commit of a fresh clone, from the two files that git has just written."""
    folder = git.repository / ".git"
    name = (folder / "HEAD").read_text(encoding="utf-8", errors="replace").strip()
    if not name.startswith("ref: "):
        return None, name
    ref = name.removeprefix("ref: ")
    try:
        return ref.removeprefix("refs/heads/"), (folder / ref).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise _without_refs(git) from None


def _without_refs(git: Git) -> Refused | Unavailable:
    """An empty repository, or a page: git takes one without a line break for the empty list of a dumb host.

    Only a host that speaks git's protocol can be asked for a commit.
    """
    ran = git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "origin", _NOBODY)
    return failure(git.shown, ran.err) if kind_of(ran.err) == "dumb" else Refused(nothing_to_read(git.shown))


def _check_version(git: Git) -> None:
    """An older git ignores the pinned address without a word, so it is not trusted with a public host."""
    if git.remote.address is None or _version(git) >= _PIN_SINCE:
        return
    raise Refused(
        Refusal(
            code=Code.REPO_UNREACHABLE,
            message="The git of this computer is older than 2.37 and cannot keep to a checked address.",
            remedy="Install git 2.37 or newer, or name a local folder.",
        )
    )


def _version(git: Git) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", git.run("version").out.decode("ascii", errors="replace"))
    return (int(found[1]), int(found[2])) if found else (0, 0)
