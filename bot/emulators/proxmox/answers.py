"""How Proxmox VE says no.

In: a status and words. Out: an exception that carries the JSON envelope of the real one. Never: a stack trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
Json = Any


class ApiError(Exception):
    """An answer other than 200: ``{"data": null, "message": ..., "errors": {...}}``."""

    def __init__(self, status: int, message: str, *, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.errors = dict(errors or {})

    def body(self) -> Row:
        """The envelope; ``errors`` only where Proxmox VE sends it."""
        found: Row = {"data": None, "message": f"{self}\n"}
        return found | {"errors": self.errors} if self.errors else found


def wrong_parameters(errors: Mapping[str, str]) -> ApiError:
    """400, one text per parameter."""
    return ApiError(400, "Parameter verification failed.", errors=errors)


def denied(what: str) -> ApiError:
    """403 that names path and privilege."""
    return ApiError(403, f"Permission check failed ({what})")
