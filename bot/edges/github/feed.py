"""GitHub read instead of listened to: new comments and descriptions as the events that a webhook would have brought.

In: a repository and where the last read stopped. Out: events whose ids are the same whenever the same words are read
again, and whose bodies differ then only when the thread was closed or locked meanwhile. Never: a comment that was
edited before it was read (whose words would they be?), a row skipped because another one moved meanwhile.

Both listings are asked for what changed since a moment, oldest change first. A page that is full is followed by a new
question from its last moment on, and by ``Link`` only where one moment fills a page: numbered pages slide when a row
changes. The cursor stays ``OVERLAP`` behind the newest change, because GitHub may show a comment late.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from bot.edges.github.calls import Answered
from bot.edges.github.forge import GitHubForge
from bot.edges.github.line import GONE, Answer, Home, Line, Loose
from bot.model.command import RawEvent
from bot.model.noun import Noun
from bot.ports import FeedPage

OVERLAP = timedelta(minutes=2)
FIRST = timedelta(hours=1)
PAGES = 50
"""Pages of one listing in one read; the next read goes on where this one stopped."""

_READ = "issues: read"
_log = structlog.get_logger(__name__)


class _User(Loose):
    login: str
    id: int
    type: str = "User"


class _App(Loose):
    id: int


class _Row(Loose):
    """A comment, or an issue or pull request."""

    id: int
    user: _User | None = None
    body: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    performed_via_github_app: _App | None = None
    issue_url: str = ""
    number: int = 0
    state: str = "open"
    locked: bool = False
    pull_request: dict[str, object] | None = None


_ROWS = TypeAdapter(tuple[_Row, ...])
_ROW = TypeAdapter(_Row)


class _Cursor(Noun):
    """``since``: changes from this moment on are read. ``seen``: what was given already and would be read again."""

    since: AwareDatetime
    seen: frozenset[str] = frozenset()

    def text(self) -> str:
        return json.dumps({"since": self.since.isoformat(), "seen": sorted(self.seen)}, separators=(",", ":"))


@dataclass(frozen=True)
class _Read:
    """What a listing held. Everything that changed before ``until`` is among ``rows``; ``whole``: nothing is left."""

    rows: tuple[_Row, ...]
    until: datetime
    whole: bool


class GitHubFeed:
    """Behind the port ``Feed``. ``forge_of`` gives the forge that may read a repository; ``pages`` is how much of one
    listing is read at once.
    """

    def __init__(
        self,
        forge_of: Callable[[str], GitHubForge],
        *,
        repositories: tuple[str, ...] | Callable[[], tuple[str, ...]],
        pages: int = PAGES,
    ) -> None:
        self._forge_of = forge_of
        self._pages = pages
        self._repositories = repositories

    def repositories(self) -> tuple[str, ...]:
        """Every repository that may hold commands."""
        return self._repositories() if callable(self._repositories) else self._repositories

    def since(self, repo: str, cursor: str | None) -> FeedPage:
        """New comments and descriptions; three reads, which cost nothing when nothing changed."""
        forge = self._forge_of(repo)
        home, now = forge.line.home(repo)
        start = _start(cursor, now)
        base = f"/repos/{home.full_name}/issues"
        comments = _listing(forge.line, f"{base}/comments", start.since, pages=self._pages)
        threads = _listing(forge.line, base, start.since, pages=self._pages, state="all")
        place = _Place(home, forge.installation)
        known = {row.number: row for row in threads.rows}
        found = {f"i{row.number}": (row, place.opened(row)) for row in threads.rows if _new(row, start)}
        for row in comments.rows:
            thread = _thread(row, known, forge.line, home) if _new(row, start) and _unedited(row) else None
            if thread is not None:
                found[f"c{row.id}"] = (row, place.commented(thread, row))
        after = _after(start, comments, threads)
        given = sorted(
            (row.created_at, not row.number, row.id, event)
            for key, (row, event) in found.items()
            if key not in start.seen
        )
        seen = frozenset(key for key, (row, _) in found.items() if row.created_at >= after)
        return FeedPage(events=tuple(event for *_, event in given), cursor=_Cursor(since=after, seen=seen).text())


def _start(cursor: str | None, now: datetime) -> _Cursor:
    first = _Cursor(since=(now - FIRST).replace(microsecond=0))
    if cursor is None:
        return first
    try:
        return _Cursor.model_validate_json(cursor)
    except ValidationError:
        _log.warning("the cursor cannot be read; the last hour is read again")
        return first


def _listing(line: Line, path: str, since: datetime, *, pages: int, **more: str) -> _Read:
    """Everything that changed since a moment, each row once, in its newest form."""
    rows: dict[int, _Row] = {}
    answer = first = _page(line, path, since, more)
    for page in range(pages):
        batch = answer.read(_ROWS)
        rows.update({row.id: row for row in batch})
        if answer.following is None or not batch:
            return _Read(tuple(rows.values()), first.moment, whole=True)
        if page == pages - 1:
            break
        newest = batch[-1].updated_at
        answer = _page(line, path, newest, more) if newest > since else line.get(_READ, answer.following)
        since = max(since, newest)
    return _Read(tuple(rows.values()), since, whole=False)


def _page(line: Line, path: str, since: datetime, more: Mapping[str, str]) -> Answer:
    asked = {"since": _moment(since), "sort": "updated", "direction": "asc", "per_page": "100", **more}
    try:
        return line.get(_READ, path, parameters=asked, expect=frozenset({410}), remember=True)
    except Answered:
        _log.info("issues are switched off there", path=path)
        return Answer(data=[], moment=since, following=None)


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _new(row: _Row, start: _Cursor) -> bool:
    """Written since the cursor, not only changed; by somebody who can be asked for."""
    return row.created_at >= start.since and row.user is not None


def _unedited(row: _Row) -> bool:
    """A comment as it was written. A webhook brings the words as they were sent; here an edit, perhaps by somebody
    else, would pass for the author's own words.
    """
    return row.updated_at == row.created_at


def _after(start: _Cursor, *reads: _Read) -> datetime:
    """Where the next read begins: behind the newest change, and never after what a listing has not shown yet."""
    newest = max((row.updated_at for read in reads for row in read.rows), default=start.since)
    safe = min(newest, *(read.until for read in reads)) - OVERLAP
    if safe > start.since or all(read.whole for read in reads):
        return max(start.since, safe)
    return max(start.since, min(read.until for read in reads if not read.whole))


def _thread(row: _Row, known: Mapping[int, _Row], line: Line, home: Home) -> _Row | None:
    """The thread of a comment: a new comment changes its thread, so the other listing has it nearly always."""
    number = int(row.issue_url.rsplit("/", 1)[-1] or 0)
    if number in known:
        return known[number]
    try:
        return line.get(_READ, f"/repos/{home.full_name}/issues/{number}", expect=GONE).read(_ROW)
    except Answered:
        return None


@dataclass(frozen=True)
class _Place:
    """Makes events of one repository, with the fields that webhooks have and that do not change from read to read."""

    home: Home
    installation: int | None

    def commented(self, thread: _Row, row: _Row) -> RawEvent:
        return self._event(
            f"comment-{row.id}", "issue_comment", "created", row, comment=_text(row), issue=_facts(thread)
        )

    def opened(self, row: _Row) -> RawEvent:
        event, key = ("pull_request", "pull_request") if row.pull_request is not None else ("issues", "issue")
        where = self.home.id or self.home.full_name.replace("/", ".")
        told = {"number": row.number, key: {**_facts(row), **_text(row), "state": "open", "locked": False}}
        return self._event(f"issue-{where}-{row.number}", event, "opened", row, **told)

    def _event(self, name: str, event: str, action: str, row: _Row, **told: object) -> RawEvent:
        owner, _, short = self.home.full_name.partition("/")
        payload = {
            "action": action,
            "sender": row.user.model_dump() if row.user else None,
            "repository": {
                "id": self.home.id,
                "name": short,
                "full_name": self.home.full_name,
                "default_branch": self.home.default_branch,
                "private": self.home.private,
                "owner": {"login": owner},
            },
            **told,
        }
        if self.installation is not None:
            payload["installation"] = {"id": self.installation}
        body = json.dumps(payload, separators=(",", ":"), sort_keys=True)
        return RawEvent(delivery_id=f"poll-{name}", event=event, body=body.encode())


def _text(row: _Row) -> dict[str, object]:
    return {
        "id": row.id,
        "body": row.body,
        "user": row.user.model_dump() if row.user else None,
        "created_at": _moment(row.created_at),
        "performed_via_github_app": row.performed_via_github_app.model_dump() if row.performed_via_github_app else None,
    }


def _facts(thread: _Row) -> dict[str, object]:
    """A thread without its words."""
    pull = {} if thread.pull_request is None else {"pull_request": {"url": thread.pull_request.get("url")}}
    return {
        "id": thread.id,
        "number": thread.number,
        "state": thread.state,
        "locked": thread.locked,
        "user": thread.user.model_dump() if thread.user else None,
        "created_at": _moment(thread.created_at),
        **pull,
    }
