"""One authenticated call of the emulated REST API, and a row of its table.

In: who calls, with which parameters. Out: the records that the call names; raises ``ApiError`` as GitHub would. Never:
HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.emulators.github import history
from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.site import Outgoing, Site
from bot.emulators.github.state import Comment, Issue, Pull, Repository, Role, Token, at_least


@dataclass(frozen=True)
class Call:
    """One authenticated call."""

    site: Site
    token: Token
    params: Mapping[str, str]
    query: Mapping[str, str]
    data: Mapping[str, Any]
    accept: str
    base: str

    def repo(self, needed: Role = "read") -> Repository:
        """The repository, if the caller may see it and has the role. Raises ApiError(403, 404)."""
        found = self.site.world.repository(f"{self.params['owner']}/{self.params['name']}")
        if found is None or not self.site.visible(found, self.token):
            raise not_found()
        if not at_least(self.site.role(found, self.token), needed):
            raise ApiError(403, "Must have push access to repository.")
        return found

    def issue(self, repo: Repository) -> Issue:
        """The issue or pull request of the path."""
        found = repo.issues.get(int(self.params["number"]))
        if found is None:
            raise not_found()
        return found

    def comment(self, repo: Repository) -> tuple[Issue, Comment]:
        """The comment of the path with its issue."""
        found = self.site.world.comment(repo, int(self.params["comment"]))
        if found is None:
            raise not_found()
        return found

    def pull(self, repo: Repository) -> tuple[Issue, Pull]:
        """The pull request of the path."""
        issue = self.issue(repo)
        pull = self.site.refreshed(repo, issue)
        if pull is None:
            raise not_found()
        return issue, pull

    def commit(self, repo: Repository, name: str) -> str:
        """The commit of an id, branch or tag. Raises ApiError(422) as GitHub does."""
        found = history.resolve(repo.path, name)
        if found is None:
            raise ApiError(422, f"No commit found for SHA: {name}")
        return found

    def allows(self, name: str, level: str = "write") -> bool:
        """Whether the token holds a permission."""
        return self.token.allows(name, level)

    def tell(self, repo: Repository, event: str, payload: Mapping[str, Any]) -> None:
        """A webhook that this call causes."""
        self.site.outbox.append(Outgoing(repo, event, payload))

    def whole(self, name: str, *, least: int, most: int, default: int) -> int:
        """A whole number of the query."""
        value = self.query.get(name, "")
        return min(most, max(least, int(value))) if value.isdecimal() else default

    def one_of(self, name: str, resource: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """A word of the body out of a closed list."""
        value = self.data.get(name, default)
        if value not in allowed:
            raise invalid(resource, field_name=name, code="invalid")
        return str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """A yes or no of the body."""
        value = self.data.get(name)
        return value if isinstance(value, bool) else default

    def text(self, name: str, resource: str, *, required: bool = True) -> str:
        """A string field of the body."""
        value = self.data.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value.strip()):
            raise invalid(resource, field_name=name, code="missing_field")
        return value


@dataclass(frozen=True)
class Operation:
    """One call of the API and the token permission it needs, or another one of ``also`` in its place.

    ``bare``: the field that a list without an object around it stands for.
    """

    method: str
    path: str
    act: Callable[[Call], Reply]
    permission: tuple[str, str] = ("metadata", "read")
    creates: bool = False
    also: tuple[tuple[str, str], ...] = ()
    bare: str = ""

    def needs(self) -> str:
        """What ``x-accepted-github-permissions`` says."""
        return "; ".join(f"{name}={level}" for name, level in (self.permission, *self.also))
