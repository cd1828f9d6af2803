"""One authenticated call of the emulated REST API, and a row of its table.

In: who calls, with which parameters. Out: the records that the call names; raises ``ApiError`` as GitHub would. Never:
HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.emulators.github.answers import ApiError, Reply, invalid, not_found
from bot.emulators.github.site import Site
from bot.emulators.github.state import Comment, Issue, Repository, Role, Token, at_least


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
        if not at_least(found.role(self.token.account.login), needed):
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
    """One call of the API and the token permission it needs."""

    method: str
    path: str
    act: Callable[[Call], Reply]
    permission: tuple[str, str] = ("metadata", "read")
    creates: bool = False
