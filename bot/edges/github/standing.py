"""Where a command stands: its words as they are now, its thread's state, and what takes its reaction.

In: a thread and the id of a comment, a review or a comment on a line. Out: ``Standing``. Never: a guess where GitHub
does not show the repository (``github-auth`` is raised), somebody else's words under the same id.

Webhooks number comments, comments on lines and reviews apart, and an order holds the number alone: it is looked for
among the thread's comments first, and on a pull request also among the other two.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from pydantic import TypeAdapter

from bot.edges.github.addresses import checked_name
from bot.edges.github.line import Answer, Line, Loose
from bot.model.command import ThreadRef
from bot.model.order import digest
from bot.ports import Standing

Kind = Literal["comment", "line", "review"]
"""A comment of the thread, a comment on a line of a pull request, the text of a review."""

_READ = "issues: read"
_READ_PULL = "pull_requests: read"
_REMEMBERED = 1_000


class _Repository(Loose):
    id: int
    full_name: str


class _End(Loose):
    repo: _Repository | None = None


class _Thread(Loose):
    body: str | None = None
    state: str
    locked: bool = False
    url: str
    head: _End | None = None
    base: _End | None = None


class _Words(Loose):
    body: str | None = None
    issue_url: str | None = None
    pull_request_url: str | None = None


_THREAD = TypeAdapter(_Thread)
_WORDS = TypeAdapter(_Words)


class Threads:
    """Threads and the words in them, read again."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._kinds: OrderedDict[tuple[str, int, int], Kind] = OrderedDict()

    def standing(self, thread: ThreadRef, comment_id: int | None) -> Standing:
        """What has become of the thread and the command. Two reads; one for a description."""
        answer = self._thread(thread)
        if answer is None:
            _, now = self._line.home(thread.full_name)
            return Standing(body_digest=None, closed=True, locked=False, fork=False, now=now)
        seen = answer.read(_THREAD)
        words = (seen.body or "") if comment_id is None else self._words(thread, comment_id)
        return Standing(
            body_digest=None if words is None else digest(words),
            closed=seen.state == "closed",
            locked=seen.locked,
            fork=thread.is_pull and _is_fork(seen),
            now=answer.moment,
        )

    def kind(self, thread: ThreadRef, comment_id: int) -> Kind | None:
        """What this id names, None when it is gone. No read in an issue, and none for what was read before."""
        if not thread.is_pull:
            return "comment"
        key = (thread.full_name, thread.number, comment_id)
        if key not in self._kinds:
            self._words(thread, comment_id)
        return self._kinds.get(key)

    def _thread(self, thread: ThreadRef) -> Answer | None:
        """The issue or pull request; None when it was deleted, or moved to another repository."""
        name = checked_name(thread.full_name)
        what, where = (_READ_PULL, "pulls") if thread.is_pull else (_READ, "issues")
        answer = self._line.found(what, f"/repos/{name}/{where}/{thread.number}")
        return answer if answer is not None and self._at_home(answer.read(_THREAD), thread) else None

    def _at_home(self, seen: _Thread, thread: ThreadRef) -> bool:
        """GitHub redirects to where an issue was transferred, and to a renamed repository alike."""
        name = "/".join(seen.url.split("/")[-4:-2])
        return name.lower() in {thread.full_name.lower(), self._name_now(name, thread).lower()}

    def _name_now(self, name: str, thread: ThreadRef) -> str:
        same = name.lower() == thread.full_name.lower()
        return name if same else self._line.home(thread.full_name)[0].full_name

    def _words(self, thread: ThreadRef, comment_id: int) -> str | None:
        base = f"/repos/{checked_name(thread.full_name)}"
        places: list[tuple[Kind, str, str]] = [("comment", _READ, f"{base}/issues/comments/{comment_id}")]
        if thread.is_pull:
            places += [
                ("line", _READ_PULL, f"{base}/pulls/comments/{comment_id}"),
                ("review", _READ_PULL, f"{base}/pulls/{thread.number}/reviews/{comment_id}"),
            ]
        for kind, what, path in places:
            answer = self._line.found(what, path)
            words = answer.read(_WORDS) if answer else None
            if words is not None and _belongs(words, thread):
                self._remember(thread, comment_id, kind)
                return words.body or ""
        return None

    def _remember(self, thread: ThreadRef, comment_id: int, kind: Kind) -> None:
        self._kinds[thread.full_name, thread.number, comment_id] = kind
        while len(self._kinds) > _REMEMBERED:
            self._kinds.popitem(last=False)


def _belongs(words: _Words, thread: ThreadRef) -> bool:
    """Whether the words stand in this thread: the numbers of the three kinds may meet."""
    where = words.issue_url or words.pull_request_url or ""
    return where.rsplit("/", 1)[-1] == str(thread.number)


def _is_fork(seen: _Thread) -> bool:
    """A pull request whose head lies in another repository, or in one that was deleted."""
    head = seen.head.repo if seen.head else None
    base = seen.base.repo if seen.base else None
    return head is None or base is None or head.id != base.id
