"""What an operator does by hand, from the command line alone: ask what the credential may do, propose the first files.

In: a repository and files. Out: rights, one pull request. Never: called by a command of a thread. The port ``Forge``
stays bound to one folder of one application; a bot's credential cannot write workflows, an operator's may.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from bot.edges.github import gitrun
from bot.edges.github.addresses import checked_clone_url, checked_name
from bot.edges.github.branch import BOT_EMAIL, BOT_NAME
from bot.edges.github.forge import GitHubForge
from bot.edges.github.line import Loose
from bot.errors import Broken, Code, Refusal, Refused, Unavailable
from bot.model.outcome import PullRequest
from bot.ports import PullText

BRANCH: Final = "ai-provision/init"
FILES: Final = frozenset(
    {".ai-provision.yaml", ".github/workflows/ai-provision.yml", ".github/workflows/ai-provision-apply.yml"}
)
"""The only paths that ``introduce`` writes."""
_BASE: Final = "refs/base"
_NEW: Final = "refs/new"
_MINE: Final = f"refs/mine/{BRANCH}"
_WORKFLOWS: Final = (
    "GITHUB_TOKEN has to be your own, with `contents` and `pull requests: write` and, for the workflow, the right to "
    "write workflows; or leave --pull-request out and commit the files yourself."
)


class _Rights(Loose):
    """What the account behind the credential may do in a repository."""

    permissions: dict[str, bool] | None = None


_RIGHTS: Final = TypeAdapter(_Rights)


class OperatorForge(GitHubForge):
    """GitHub with the operator's own credential."""

    def rights(self, repo: str) -> frozenset[str] | None:
        """What GitHub says that the credential's account may do there (``pull``, ``push``, ``admin`` …), None when it
        does not say. Raises Refused or Unavailable.
        """
        found = self.line.get("metadata: read", f"/repos/{checked_name(repo)}").read(_RIGHTS).permissions
        return None if found is None else frozenset(name for name, granted in found.items() if granted)

    def introduce(self, repo: str, files: Mapping[str, str], *, text: PullText, when: datetime) -> PullRequest | None:
        """Propose those of the first files that the default branch lacks; None when it lacks none.

        Raises ValueError for another path, Refused (conflict, github-auth, repo-empty) or Unavailable.
        """
        if not FILES.issuperset(files):
            raise ValueError("these are not the first files")
        home = self._home(repo)
        url = checked_clone_url(home.clone_url, api_url=self._api_url)
        with tempfile.TemporaryDirectory(prefix="ai-provision-") as folder:
            remote = gitrun.Repository(Path(folder), url=url, tokens=self._tokens, redact=self._redact)
            try:
                sha = _push(remote, files, default_branch=home.default_branch, when=when)
            except gitrun.Stale:
                raise Refused(_taken()) from None
            except gitrun.Transient:
                raise Unavailable(
                    Code.RATE, "GitHub's git address does not answer.", remedy="Repeat it in a minute."
                ) from None
        if sha is None:
            return None
        seen = self._pulls(home).open(BRANCH, self._shown(text, "init"))
        return PullRequest(number=seen.number, url=seen.url, branch=BRANCH, head_sha=sha)


def _push(remote: gitrun.Repository, files: Mapping[str, str], *, default_branch: str, when: datetime) -> str | None:
    """Put the missing files as one commit on the branch; its id, None when nothing is missing."""
    _fetch(remote, default_branch)
    there = set(remote.local("ls-tree", "-r", "-z", "--name-only", _BASE, "--", *sorted(files)).split("\0"))
    missing = {path: content for path, content in sorted(files.items()) if path not in there}
    if not missing:
        return None
    base, old = _fact(remote, _BASE), _fact(remote, _MINE)
    remote.local("fast-import", "--quiet", "--force", stdin=_stream(missing, base=base, when=when))
    new = _fact(remote, _NEW)
    if old and _fact(remote, _MINE, "tree") == _fact(remote, _NEW, "tree"):
        return old
    if old and _fact(remote, _MINE, "committeremail") != f"<{BOT_EMAIL}>":
        raise Refused(_taken())
    lease = f"--force-with-lease=refs/heads/{BRANCH}:{old}"
    try:
        remote.remote("push", "--quiet", "--no-thin", lease, "infra", f"{new}:refs/heads/{BRANCH}")
    except Refused as stop:
        if stop.refusal.code is not Code.GITHUB_AUTH:
            raise
        raise Refused(stop.refusal.model_copy(update={"remedy": _WORKFLOWS})) from None
    return new


def _fetch(remote: gitrun.Repository, default_branch: str) -> None:
    """The default branch and, if it exists, this one: a pattern does not fail where a name would."""
    remote.local("init", "--quiet", "--bare", "--template=")
    refs = (f"+refs/heads/{default_branch}:{_BASE}", f"+refs/heads/{BRANCH}*:{_MINE}*")
    try:
        remote.remote("fetch", "--quiet", "--no-tags", "--depth=1", "--filter=blob:none", "infra", *refs)
    except Broken as error:
        if "couldn't find remote ref" not in str(error):
            raise
        raise Refused(
            Refusal(
                code=Code.REPO_EMPTY,
                message=f"The infrastructure repository has no branch `{default_branch}` yet.",
                remedy="Make a first commit there, then run init again.",
            )
        ) from None


def _fact(remote: gitrun.Repository, ref: str, what: str = "objectname") -> str:
    """A fact of a ref's commit; empty without the ref."""
    return remote.local("for-each-ref", f"--format=%({what})", ref).strip()


def _stream(files: Mapping[str, str], *, base: str, when: datetime) -> bytes:
    who = f"{BOT_NAME} <{BOT_EMAIL}> {int(when.timestamp())} +0000"
    head = f"commit {_NEW}\nauthor {who}\ncommitter {who}\n".encode() + _data("Set up ai-provision\n")
    changed = b"".join(f"M 100644 inline {path}\n".encode() + _data(content) for path, content in files.items())
    return head + f"from {base}\n".encode() + changed + b"\ndone\n"


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%b\n" % (len(content), content)


def _taken() -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"The branch `{BRANCH}` exists and holds something else.",
        remedy="Merge or delete it, then run init again.",
    )
