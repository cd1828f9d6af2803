"""One branch, one commit, one push, without a checkout.

In: the rendered files and where they go. Out: the head of the bot's branch. Never: a force over a commit that a person
made, a file outside the application's folder, a second push of the same tree.

The commit is built by ``git fast-import`` on top of the default branch's head in a bare, shallow, blobless clone; same
files and same base give the same tree, and the same ``when`` the same commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.edges.github.gitrun import Repository, Stale, Transient
from bot.edges.github.ownership import guard_folder
from bot.errors import Broken, Code, Refusal, Refused, Unavailable
from bot.model.additions import Additions
from bot.model.changes import ChangeSet
from bot.ports import Clock

BOT_NAME = "ai-provision"
BOT_EMAIL = "bot@ai-provision.invalid"
"""The mark of the bot's commits; ``.invalid`` can belong to nobody (RFC 2606)."""

ATTEMPTS = 4

_BASE = "refs/base"
_NEW = "refs/new"
_FORMAT = "%(refname)%00%(objectname)%00%(tree)%00%(authoremail)%00%(committeremail)"
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class Commit:
    """A branch's head."""

    sha: str
    tree: str
    ours: bool


@dataclass(frozen=True)
class Proposal:
    """What to put on which branch."""

    branch: str
    default_branch: str
    changes: ChangeSet
    message: str
    when: datetime
    pull_url: str | None = None


@dataclass(frozen=True)
class Head:
    """The bot's branch after the work; ``pushed`` is False when it already held these files."""

    sha: str
    pushed: bool


def checked_branch(branch: str) -> str:
    """A branch name that is safe in a refspec. Raises Broken."""
    if len(branch) > 200 or not _BRANCH.fullmatch(branch) or branch.endswith(".lock"):
        raise Broken("the branch name is not one of ours")
    return branch


def push(proposal: Proposal, *, remote: Repository, clock: Clock) -> Head:
    """Put the proposal on its branch. Raises Refused (conflict, dup, repo-empty, github-auth, tls) or Unavailable."""
    remote.local("init", "--quiet", "--bare", "--template=")
    reason = "the branch keeps moving"
    for attempt in range(ATTEMPTS):
        try:
            return _push_once(proposal, remote)
        except Stale:
            reason = "the branch keeps moving"
        except Transient:
            reason = "the git address does not answer"
            clock.sleep(2.0**attempt)
    raise Unavailable(
        Code.RATE,
        f"The branch could not be pushed: {reason}.",
        remedy="Repeat the command in a minute.",
    )


def _push_once(proposal: Proposal, remote: Repository) -> Head:
    _fetch(proposal, remote)
    heads = _heads(remote)
    base, old = heads[_BASE], heads.get(f"refs/bot/{proposal.branch}")
    if old is not None and not old.ours:
        raise _hands_off(proposal)
    guard_folder(proposal.changes, remote=remote, ref=_BASE, name=proposal.default_branch)
    if old is not None and not isinstance(proposal.changes, Additions):
        guard_folder(proposal.changes, remote=remote, ref=f"refs/bot/{proposal.branch}", name=proposal.branch)
    new = _build(proposal, base=base, remote=remote)
    if new.tree == base.tree:
        raise _nothing_new(proposal)
    if old is not None and old.tree == new.tree:
        return Head(old.sha, pushed=False)
    lease = f"--force-with-lease=refs/heads/{proposal.branch}:{old.sha if old else ''}"
    remote.remote("push", "--quiet", "--no-thin", lease, "infra", f"{new.sha}:refs/heads/{proposal.branch}")
    return Head(new.sha, pushed=True)


def _fetch(proposal: Proposal, remote: Repository) -> None:
    """The default branch and, if it exists, the bot's branch: a pattern does not fail where a name would."""
    base = f"+refs/heads/{proposal.default_branch}:{_BASE}"
    mine = f"+refs/heads/{proposal.branch}*:refs/bot/{proposal.branch}*"
    options = ("--quiet", "--no-tags", "--prune", "--depth=1", "--filter=blob:none", "--no-write-fetch-head")
    try:
        remote.remote("fetch", *options, "infra", base, mine)
    except Broken as error:
        if "couldn't find remote ref" in str(error):
            raise _empty(proposal) from None
        raise


def _heads(remote: Repository) -> dict[str, Commit]:
    lines = remote.local("for-each-ref", f"--format={_FORMAT}").splitlines()
    return dict(map(_read_head, lines))


def _read_head(line: str) -> tuple[str, Commit]:
    name, sha, tree, author, committer = line.split("\0")
    return name, Commit(sha, tree, ours={author, committer} == {f"<{BOT_EMAIL}>"})


def _build(proposal: Proposal, *, base: Commit, remote: Repository) -> Commit:
    remote.local("fast-import", "--quiet", "--force", stdin=b"".join(_stream(proposal, base)))
    return _heads(remote)[_NEW]


def _stream(proposal: Proposal, base: Commit) -> Iterator[bytes]:
    """The commit in fast-import's language; paths were checked to be plain, so they need no quoting."""
    who = f"{BOT_NAME} <{BOT_EMAIL}> {int(proposal.when.timestamp())} +0000"
    yield f"commit {_NEW}\nauthor {who}\ncommitter {who}\n".encode()
    yield _data(proposal.message.rstrip("\n") + "\n")
    yield f"from {base.sha}\n".encode()
    if not isinstance(proposal.changes, Additions):
        yield f"D {proposal.changes.root}\n".encode()
    for file in proposal.changes.files:
        yield f"M 100644 inline {file.path}\n".encode()
        yield _data(file.content)
    yield b"\ndone\n"


def _data(text: str) -> bytes:
    content = text.encode("utf-8", "replace")
    return b"data %d\n%b\n" % (len(content), content)


def _hands_off(proposal: Proposal) -> Refused:
    where = f" ({proposal.pull_url})" if proposal.pull_url else ""
    return Refused(
        Refusal(
            code=Code.CONFLICT,
            message=f"A person committed to the branch `{proposal.branch}`{where}, so the bot keeps its hands off.",
            remedy="Merge or close that pull request, or delete the branch, then repeat the command.",
        )
    )


def _nothing_new(proposal: Proposal) -> Refused:
    return Refused(
        Refusal(
            code=Code.DUP,
            message=f"`{proposal.changes.root}` on `{proposal.default_branch}` already holds exactly this plan.",
            remedy="Nothing to do. Change the description to get another plan.",
        )
    )


def _empty(proposal: Proposal) -> Refused:
    return Refused(
        Refusal(
            code=Code.REPO_EMPTY,
            message=f"The infrastructure repository has no branch `{proposal.default_branch}` yet.",
            remedy="Make a first commit there, then repeat the command.",
        )
    )
