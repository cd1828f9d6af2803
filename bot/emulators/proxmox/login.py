"""Login by password: tickets, and the token that every write with a ticket must carry.

In: passwords by user. Out: tickets; who a request is from. Never: a write with a cookie alone.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.emulators.proxmox.access import Access
from bot.emulators.proxmox.answers import ApiError, Row

COOKIE = "PVEAuthCookie"


@dataclass
class Login:
    """The passwords and tickets of one cluster."""

    passwords: Mapping[str, str] = field(default_factory=dict)
    tickets: dict[str, tuple[str, str]] = field(default_factory=dict)

    def ticket(self, given: Mapping[str, str]) -> Row:
        """The answer of ``POST /access/ticket``. Raises ApiError(401)."""
        user = given.get("username", "")
        if "@" not in user and "realm" in given:
            user = f"{user}@{given['realm']}"
        expected = self.passwords.get(user)
        if expected is None or not hmac.compare_digest(expected.encode(), given.get("password", "").encode()):
            raise ApiError(401, "authentication failure")
        ticket, mark = f"PVE:{user}:{secrets.token_hex(4)}::{secrets.token_hex(16)}", secrets.token_hex(16)
        self.tickets[ticket] = (user, mark)
        return {"username": user, "ticket": ticket, "CSRFPreventionToken": mark, "clustername": "emulator"}

    def who(self, access: Access, verb: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str:
        """``user@realm!id`` of a token, ``user@realm`` of a ticket. Raises ApiError(401)."""
        if COOKIE not in cookies or "authorization" in headers:
            return access.authenticate(headers.get("authorization"))
        known = self.tickets.get(cookies[COOKIE].replace("%3A", ":"))
        if known is None:
            raise ApiError(401, "permission denied - invalid PVE ticket")
        user, mark = known
        if verb != "GET" and not hmac.compare_digest(mark, headers.get("csrfpreventiontoken", "")):
            raise ApiError(401, "Permission denied - invalid csrf token")
        return user
