"""``/tree/<ref>/<path>`` divided: only the remote's refs can tell where a branch name with slashes ends.

In: the words after ``/tree/``. Out: ref, commit and part. Never: a guess; an unknown ref is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.edges.git.failures import failure
from bot.edges.git.process import Git
from bot.errors import Code, Refusal, Refused

_COMMIT: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
_NO_REF: Final = re.compile(r"[\x00-\x20~^:?*\[\\\x7f]|\.\.|@\{")
_DEEPEST: Final = 24


@dataclass(frozen=True)
class Revision:
    """What to read: the default branch when both are None."""

    ref: str | None = None
    commit: str | None = None
    part: str = ""


def divide(git: Git, words: Sequence[str]) -> Revision:
    """The longest prefix of ``words`` that is a branch or tag; a full commit id needs no question.

    Raises Refused(repo-url) for an unknown ref or a path that points upwards, and what the remote's failure means.
    """
    if not words:
        return Revision()
    if any(word in {"", ".", ".."} or "\0" in word or "\n" in word for word in words):
        raise Refused(_unknown(git))
    if _COMMIT.fullmatch(words[0]):
        return Revision(commit=words[0], part="/".join(words[1:]))
    prefixes = _prefixes(words)
    known = _known(git, prefixes) if prefixes else frozenset[str]()
    for length in range(len(prefixes), 0, -1):
        if prefixes[length - 1] in known:
            return Revision(ref=prefixes[length - 1], part="/".join(words[length:]))
    raise Refused(_unknown(git))


def _prefixes(words: Sequence[str]) -> list[str]:
    names: list[str] = []
    for length in range(1, min(len(words), _DEEPEST) + 1):
        name = "/".join(words[:length])
        if name.startswith("-") or _NO_REF.search(name):
            break
        names.append(name)
    return names


def _known(git: Git, names: Sequence[str]) -> frozenset[str]:
    patterns = [f"refs/{kind}/{name}" for name in names for kind in ("heads", "tags")]
    ran = git.run("ls-remote", "--heads", "--tags", "--", git.remote.url, *patterns)
    if ran.code:
        raise failure(git.shown, ran.err)
    lines = ran.out.decode("utf-8", errors="replace").splitlines()
    refs = {line.partition("\t")[2].removesuffix("^{}") for line in lines}
    return frozenset(ref.split("/", 2)[2] for ref in refs if ref.startswith(("refs/heads/", "refs/tags/")))


def _unknown(git: Git) -> Refusal:
    return Refusal(
        code=Code.REPO_URL,
        message=f"No branch or tag of the repository begins {git.shown}.",
        remedy="Write /tree/<branch>/<folder> with a branch or tag that exists, or a full 40-digit commit.",
    )
