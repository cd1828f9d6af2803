"""Plain reads of GitHub's REST API: data and headers, pages by ``Link``, unchanged answers for nothing.

In: a path and its parameters. Out: ``Answer``. Never: an address of a page that was built by hand, another host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from github import Github
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from requests.utils import parse_header_links

from bot.edges.github.addresses import checked_name
from bot.edges.github.calls import Answered, Calls
from bot.edges.github.etags import Etags
from bot.errors import Broken
from bot.ports import Clock

T = TypeVar("T")

PAGES = 100
"""Pages of one listing that are read at most."""

GONE = frozenset({404, 410})


class Loose(BaseModel):
    """A part of GitHub's answers: the fields that we read, all others ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Home(Loose):
    """A repository as GitHub names it now."""

    id: int = 0
    full_name: str
    clone_url: str
    default_branch: str
    private: bool = True


@dataclass(frozen=True)
class Answer:
    """What GitHub answered. ``moment`` is GitHub's clock; ``following`` the address of the next page."""

    data: object
    moment: datetime
    following: str | None

    def read(self, form: TypeAdapter[T]) -> T:
        """The data in its documented shape. Raises Broken for another one."""
        try:
            return form.validate_python(self.data)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise Broken(f"GitHub's answer has another shape than documented at `{where}`") from None


class Line:
    """Reads through one credential."""

    def __init__(self, github: Github, *, calls: Calls, clock: Clock) -> None:
        self._github = github
        self._etags = Etags()
        self.calls = calls
        self.clock = clock

    def get(
        self,
        what: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        expect: frozenset[int] = frozenset(),
        remember: bool = False,
    ) -> Answer:
        """One read. ``remember``: ask with the tag of the last answer. Raises Answered for a status of ``expect``."""
        given = dict(parameters or {})
        key = f"{path}?{urlencode(sorted(given.items()))}"
        known = self._etags.get(key) if remember else None
        sent = {"If-None-Match": known.tag} if known else {}
        headers, data = self.calls.read(
            what,
            lambda: self._github.requester.requestJsonAndCheck("GET", path, parameters=given, headers=dict(sent)),
            expect=expect,
        )
        moment = self._moment(headers)
        if data is None and known is not None:
            return Answer(known.data, moment, self._following(known.link))
        link = str(headers.get("link") or "")
        if remember and headers.get("etag"):
            self._etags.keep(key, tag=str(headers["etag"]), data=data, link=link)
        return Answer(data, moment, self._following(link))

    def found(self, what: str, path: str) -> Answer | None:
        """One read of what may be gone."""
        try:
            return self.get(what, path, expect=GONE)
        except Answered:
            return None

    def pages(
        self,
        what: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        expect: frozenset[int] = frozenset(),
        remember: bool = False,
    ) -> Iterator[Answer]:
        """The pages of a listing, at most ``PAGES``. Raises Answered for a status of ``expect``."""
        asked = {"per_page": "100", **(parameters or {})}
        answer = self.get(what, path, parameters=asked, expect=expect, remember=remember)
        yield answer
        for _ in range(PAGES - 1):
            if answer.following is None:
                return
            answer = self.get(what, answer.following, remember=remember)
            yield answer

    def home(self, repo: str) -> tuple[Home, datetime]:
        """A repository under its present name, and GitHub's clock. Raises Refused(github-auth) when it is not visible.

        GitHub redirects calls of a renamed repository, but PyGithub drops the query on the way: whoever sends one asks
        here for the name first.
        """
        answer = self.get("metadata: read", f"/repos/{checked_name(repo)}", remember=True)
        home = answer.read(_HOME)
        checked_name(home.full_name)
        return home, answer.moment

    def delete(self, what: str, path: str, *, expect: frozenset[int]) -> None:
        """Delete something; twice is the same as once. Raises Answered for a status of ``expect``."""
        self.calls.write(what, lambda: self._github.requester.requestJsonAndCheck("DELETE", path), expect=expect)

    def _moment(self, headers: Mapping[str, object]) -> datetime:
        """GitHub's clock by its ``Date`` header, ours when there is none that can be read."""
        try:
            return parsedate_to_datetime(str(headers.get("date"))).astimezone(UTC)
        except (ValueError, TypeError):
            return self.clock.now()

    def _following(self, link: str) -> str | None:
        """The next page on the API's own host: the token never goes where an answer points."""
        for entry in parse_header_links(link) if link else ():
            if entry.get("rel") == "next":
                api, page = urlsplit(self._github.requester.base_url), urlsplit(entry["url"])
                return f"{api.scheme}://{api.netloc}{page.path}?{page.query}"
        return None


_HOME = TypeAdapter(Home)
