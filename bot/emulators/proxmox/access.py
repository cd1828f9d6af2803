"""Who may do what: users, groups, API tokens, roles and ACLs of Proxmox VE.

In: the rows of ``access/users``, ``access/groups``, ``access/roles``, ``access/acl`` and ``pools``, and token secrets.
Out: privileges of a token on a path, and the verdict on a permission expression. Never: a right by default.

Rules (PVE::AccessControl, PVE::RPCEnvironment): root@pam may everything; a deeper ACL replaces the inherited one; an
entry for the user beats those of the groups; NoAccess empties; a token with privilege separation holds what both it and
its user hold; guests of a pool gain the pool's privileges.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.emulators.proxmox.answers import ApiError, Row, denied

Granted = Mapping[str, bool]
_HEADER: Final = re.compile(
    r"PVEAPIToken=(?P<user>[^\s!=]+)!(?P<token>[A-Za-z][A-Za-z0-9._-]+)=(?P<secret>\S+)", re.ASCII
)
_ROOT: Final = "root@pam"


@dataclass(frozen=True)
class Access:
    """The access configuration of one cluster."""

    users: Mapping[str, Row]
    groups: Mapping[str, frozenset[str]]
    roles: Mapping[str, frozenset[str]]
    acl: Sequence[Row]
    pool_of: Mapping[int, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any], *, secrets: Mapping[str, str]) -> Access:
        """From the rows of a state; ``secrets`` maps ``user@realm!id`` to the secret."""
        return cls(
            users={row["userid"]: row for row in state.get("access/users", [])},
            groups={row["groupid"]: frozenset(row["users"].split(",")) for row in state.get("access/groups", [])},
            roles={row["roleid"]: frozenset(filter(None, row["privs"].split(","))) for row in state["access/roles"]},
            acl=state.get("access/acl", []),
            pool_of={
                row["vmid"]: row["pool"]
                for row in state.get("cluster/resources", [])
                if "vmid" in row and "pool" in row
            },
            secrets=secrets,
        )

    def authenticate(self, header: str | None) -> str:
        """``user@realm!id`` of an Authorization header. Raises ApiError(401)."""
        match = _HEADER.fullmatch(header or "")
        if match is None:
            raise ApiError(401, "No ticket")
        user, token = match["user"], match["token"]
        if user not in self.users:
            raise ApiError(401, f"no such user ('{user}')")
        if self._token(f"{user}!{token}") is None:
            raise ApiError(401, f"no such token '{token}' for user '{user}'")
        expected = self.secrets.get(f"{user}!{token}", "")
        if not expected or not hmac.compare_digest(expected.encode(), match["secret"].encode()):
            raise ApiError(401, "invalid token value!")
        return f"{user}!{token}"

    def _token(self, auth: str) -> Row | None:
        user, _, token = auth.partition("!")
        rows = self.users.get(user, {}).get("tokens", [])
        return next((row for row in rows if row["tokenid"] == token), None)

    def privileges(self, auth: str, path: str) -> Granted:
        """Privilege -> does it propagate, for a user or a token on a path."""
        user, _, token = auth.partition("!")
        row = self._token(auth) if token else None
        if row is None or not row.get("privsep", 1):
            return self._expand(user, path)
        both = self._expand(user, path)
        return {name: flag and both[name] for name, flag in self._expand(auth, path).items() if name in both}

    def _expand(self, who: str, path: str) -> Granted:
        guest = re.fullmatch(r"/vms/(\d+)", path)
        pool = self.pool_of.get(int(guest[1])) if guest else None
        roles = dict(self._roles(f"/pool/{pool}", who)) if pool else {}
        roles |= self._roles(path, who)
        found: dict[str, bool] = {}
        for role, propagates in roles.items():
            for privilege in self.roles.get(role, frozenset()):
                found[privilege] = found.get(privilege, False) or propagates
        return found

    def _roles(self, path: str, who: str) -> Mapping[str, bool]:
        if who == _ROOT:
            return {"Administrator": True}
        roles: Mapping[str, bool] = {}
        for step in _ancestors(path):
            here = self._entries(step, [who], kind=("user", "token"), last=step == path)
            if here is None and "!" not in who:
                mine = [group for group, members in self.groups.items() if who in members]
                here = self._entries(step, mine, kind=("group",), last=step == path)
            roles = roles if here is None else here
        return roles

    def _entries(self, path: str, names: list[str], *, kind: tuple[str, ...], last: bool) -> Mapping[str, bool] | None:
        rows = [row for row in self.acl if row["path"] == path and row["ugid"] in names and row["type"] in kind]
        usable = {row["roleid"]: bool(row.get("propagate", 1)) for row in rows if last or row.get("propagate", 1)}
        if not usable:
            return None
        return {} if "NoAccess" in usable else usable

    def tree(self, auth: str) -> dict[str, Granted]:
        """Every path with an ACL, or always shown, on which something is granted (``GET /access/permissions``)."""
        shown = {"/", "/access", "/nodes", "/sdn", "/storage", "/vms", "/mapping", "/pool"}
        shown |= {row["path"] for row in self.acl}
        shown |= {f"/vms/{number}" for number in self.pool_of}
        return {path: rights for path in sorted(shown) if (rights := self.privileges(auth, path))}

    def holds(self, auth: str, path: str, *any_of: str) -> bool:
        """True when at least one of the privileges is granted on the path."""
        return not self.privileges(auth, path).keys().isdisjoint(any_of)

    def judge(self, auth: str, check: list[Any], variables: Mapping[str, str]) -> None:
        """Evaluate a permission expression. Raises ApiError(403) naming path and privilege."""
        kind = check[0]
        if kind == "and":
            for part in check[1:]:
                self.judge(auth, part, variables)
        elif kind == "or":
            self._any_of(auth, check[1:], variables)
        elif kind == "perm":
            self._perm(auth, check, variables)
        else:
            raise ApiError(500, f"unknown permission test '{kind}'")

    def _any_of(self, auth: str, parts: list[list[Any]], variables: Mapping[str, str]) -> None:
        refusals: list[ApiError] = [denied("no alternative applies")]
        for part in parts:
            if _needs(part) not in {None, *variables}:
                continue
            try:
                return self.judge(auth, part, variables)
            except ApiError as refusal:
                refusals.append(refusal)
        raise refusals[-1]

    def _perm(self, auth: str, check: list[Any], variables: Mapping[str, str]) -> None:
        _, template, wanted, *rest = check
        options = dict(zip(rest[::2], rest[1::2], strict=True))
        path = re.sub(r"\{(\w+)\}", lambda match: variables.get(match[1], ""), template)
        held = self.privileges(auth, path)
        if options.get("any"):
            if held.keys().isdisjoint(wanted):
                raise denied(f"{path}, {'|'.join(wanted)}")
            return
        for privilege in wanted:
            if privilege not in held:
                raise denied(f"{path}, {privilege}")


def _needs(check: list[Any]) -> Any:
    """The parameter without which an alternative of an ``or`` does not count (``require_param``), or None."""
    rest = check[3:] if check[0] == "perm" else []
    return dict(zip(rest[::2], rest[1::2], strict=True)).get("require_param")


def _ancestors(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))]
