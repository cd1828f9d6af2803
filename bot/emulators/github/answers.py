"""GitHub's answers: bodies of errors, and the records of a call.

In: a status and words. Out: values that the server turns into HTTP. Never: HTTP itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """An error with GitHub's body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON body as GitHub writes it."""
        shown: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            shown["errors"] = self.errors
        return {**shown, "documentation_url": _DOCUMENTATION, "status": str(self.status)}


def not_found() -> ApiError:
    """404, also for what the caller may not see."""
    return ApiError(404, "Not Found")


def invalid(
    resource: str, *, field_name: str | None = None, code: str = "custom", message: str | None = None
) -> ApiError:
    """422 Validation Failed with one error."""
    error = {"resource": resource, "field": field_name, "code": code, "message": message}
    return ApiError(
        422, "Validation Failed", errors=[{key: value for key, value in error.items() if value is not None}]
    )


@dataclass(frozen=True)
class Reply:
    """A successful answer: JSON data, or text of its own type. ``pages``: the key of an object whose list has pages."""

    data: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    media: str = "application/json; charset=utf-8"
    pages: str = ""


@dataclass(frozen=True)
class CallRecord:
    """One call that arrived, for tests: what and how it was answered."""

    number: int
    method: str
    path: str
    query: str
    status: int
    creates: bool = False

    @property
    def writes(self) -> bool:
        """Whether it is a REST write (git's own POSTs are not)."""
        return self.method not in {"GET", "HEAD"} and not self.git

    @property
    def git(self) -> bool:
        """Whether it is a call of git's smart HTTP."""
        return self.path.endswith(("/info/refs", "/git-upload-pack", "/git-receive-pack"))

    @property
    def pushes(self) -> bool:
        """Whether it is a push."""
        return self.path.endswith("/git-receive-pack")
