"""The infrastructure repository as it lies on this machine: commits, paths and texts, read by git's plumbing.

In: a folder that git manages. Out: what ``bot.deploy.Checkout`` says. Never: a hook, a filter, an external diff, a
setting of the user or of the repository that runs a program; a link or a submodule written to disk.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.errors import Code, Refusal, Refused

_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.ASCII)
_SECONDS: Final = 60.0
_LARGEST: Final = 8 * 1024**2
"""Bytes of one file."""
_SWITCHES: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "protocol.allow=never",
)


@dataclass(frozen=True)
class GitCheckout:
    """``bot.deploy.Checkout`` on a folder. Every verb raises Refused(config) where git cannot tell."""

    folder: Path
    program: str = "git"

    def head(self) -> str:
        """See ``bot.deploy.Checkout``."""
        return self._commit("HEAD")

    def parent(self, commit: str) -> str | None:
        """See ``bot.deploy.Checkout``. A shallow clone that ends here cannot tell, which is not "no parent"."""
        parents = self._git("rev-list", "--parents", "-n", "1", _checked(commit)).decode().split()[1:]
        if parents:
            return parents[0]
        if self._git("rev-parse", "--is-shallow-repository").strip() == b"true":
            raise Refused(_SHALLOW)
        return None

    def changed(self, base: str | None, head: str) -> tuple[str, ...]:
        """See ``bot.deploy.Checkout``."""
        if base is None:
            return tuple(self._listed(head, ""))
        words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv")
        return _names(self._git(*words, _checked(base), _checked(head)))

    def merge_base(self, left: str, right: str) -> str:
        """Where two branches parted. ``left`` and ``right`` are commits."""
        return self._git("merge-base", _checked(left), _checked(right)).decode().strip()

    def paths(self, commit: str, root: str) -> tuple[str, ...]:
        """See ``bot.deploy.Checkout``."""
        return tuple(sorted(self._listed(commit, root)))

    def text(self, commit: str, path: str) -> str | None:
        """See ``bot.deploy.Checkout``."""
        found = self._listed(commit, path).get(path)
        if found is None or not found[0].startswith("100"):
            return None
        try:
            return self._blob(found[1], path).decode()
        except UnicodeDecodeError:
            return None

    def export(self, commit: str, root: str, into: Path) -> None:
        """See ``bot.deploy.Checkout``. Raises Refused(policy) for a link or a submodule."""
        for path, (mode, name) in self._listed(commit, root).items():
            if not mode.startswith("100"):
                raise Refused(_odd(path))
            target = into / path.removeprefix(root + "/")
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            target.write_bytes(self._blob(name, path))

    def _listed(self, commit: str, root: str) -> dict[str, tuple[str, str]]:
        """Mode and object id by path, below a folder or of one file."""
        where = ("--", root) if root else ()
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", _checked(commit), *where).decode(
            errors="surrogateescape"
        )
        found = {}
        for line in filter(None, listed.split("\0")):
            facts, _, path = line.partition("\t")
            mode, _, name = facts.split(" ")
            found[path] = (mode, name)
        return found

    def _blob(self, name: str, path: str) -> bytes:
        if int(self._git("cat-file", "-s", name)) > _LARGEST:
            raise Refused(_too_large(path))
        return self._git("cat-file", "blob", name)

    def _commit(self, name: str) -> str:
        return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()

    def _git(self, *words: str) -> bytes:
        switches = [
            part for switch in (f"safe.directory={self.folder.resolve()}", *_SWITCHES) for part in ("-c", switch)
        ]
        try:
            ran = subprocess.run(
                [self.program, *switches, *words],
                cwd=self.folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            raise Refused(_no_git("git did not answer")) from None
        if ran.returncode != 0:
            raise Refused(_no_git(ran.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]))
        return ran.stdout


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LITERAL_PATHSPECS": "1",
    }


def _checked(commit: str) -> str:
    """A full commit id, so that no name can be an option. Raises Refused(config)."""
    if not _COMMIT.fullmatch(commit):
        raise Refused(_no_git("a commit is not a full id"))
    return commit


def _names(raw: bytes) -> tuple[str, ...]:
    return tuple(filter(None, raw.decode(errors="surrogateescape").split("\0")))


def _no_git(why: str | list[str]) -> Refusal:
    told = why if isinstance(why, str) else why[0]
    return Refusal(
        code=Code.CONFIG,
        message=f"The checkout could not be read: {told[:200]}.",
        remedy="Run it in a checkout of the infrastructure repository with its history (actions/checkout with "
        "fetch-depth: 0).",
    )


_SHALLOW: Final = Refusal(
    code=Code.CONFIG,
    message="The checkout ends at this commit, so nobody can tell what it changed.",
    remedy="Check out with history: fetch-depth: 0.",
)


def _odd(path: str) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"{path[:200]!r} is a link or a submodule; a stack holds plain files alone.",
        remedy="Remove it, then merge again.",
    )


def _too_large(path: str) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"{path[:200]!r} is larger than {_LARGEST // 1024**2} MiB.",
        remedy="A stack holds small text files alone.",
    )
