"""The REST calls of Apps: installations, their tokens, and the list of deliveries.

In: a call that the App signed, or one with an installation's token. Out: a reply; each raises ``ApiError`` as GitHub
would. Never: a token with more than the installation has.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.emulators.github import apps, shapes
from bot.emulators.github.answers import ApiError, Reply, not_found
from bot.emulators.github.call import Call, Operation
from bot.emulators.github.state import App, HookAttempt, Installation, Minted, Token

AS_APP = "app"
"""The permission word of calls that only the App's own signature opens."""

LIFE = timedelta(hours=1)
KEPT = timedelta(days=3)

_LEVELS = ("read", "write", "admin")


def _app(call: Call) -> App:
    return call.site.world.apps[call.token.account.id]


def _mine(call: Call) -> list[Installation]:
    return [home for home in call.site.world.installations.values() if home.app is _app(call)]


def _home(call: Call) -> Installation:
    """The installation of the path."""
    for home in _mine(call):
        if home.id == int(call.params["installation"]):
            return home
    raise not_found()


def get_app(call: Call) -> Reply:
    """``GET /app``."""
    app = _app(call)
    facts = {"id": app.id, "slug": app.slug, "name": app.slug, "permissions": dict(app.permissions)}
    return Reply({**facts, "html_url": f"{call.base}/apps/{app.slug}", "installations_count": len(_mine(call))})


def list_installations(call: Call) -> Reply:
    """``GET /app/installations``."""
    return Reply([apps.shown(home, call.base) for home in _mine(call)])


def get_installation(call: Call) -> Reply:
    """``GET /app/installations/{installation}``."""
    return Reply(apps.shown(_home(call), call.base))


def get_repo_installation(call: Call) -> Reply:
    """``GET /repos/{owner}/{name}/installation``."""
    name = f"{call.params['account']}/{call.params['repository']}".lower()
    world = call.site.world
    repo = world.repository(name) or world.repository(world.renamed.get(name, ""))
    for home in _mine(call):
        if repo is not None and repo.id in home.repositories:
            return Reply(apps.shown(home, call.base))
    raise not_found()


def create_token(call: Call) -> Reply:
    """``POST /app/installations/{installation}/access_tokens``: never more than the installation has."""
    home, now = _home(call), call.site.clock.now()
    if home.suspended_at is not None:
        raise ApiError(403, "This installation has been suspended")
    covers, permissions = _chosen(call, home), _asked(call, home)
    value = _value(home.app)
    made = Token(home.app.account, permissions, None, home.id, covers, now + LIFE)
    call.site.world.tokens[value] = made
    call.site.world.minted.append(Minted(home.id, dict(call.data), value, now + LIFE))
    repositories = [repo for repo in apps.covered(call.site, home) if repo.id in covers]
    return Reply(
        {
            "token": value,
            "expires_at": shapes.moment(now + LIFE),
            "permissions": permissions,
            "repository_selection": "selected",
            "repositories": [shapes.repository(repo, call.base) for repo in repositories],
        },
        201,
    )


def _chosen(call: Call, home: Installation) -> frozenset[int]:
    """The ids of the repositories that the body names; all of the installation without names."""
    names = call.data.get("repositories")
    if names is None:
        return frozenset(home.repositories)
    known = {repo.name.lower(): repo.id for repo in apps.covered(call.site, home)}
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ApiError(422, "Invalid request. `repositories` must be a list of names.")
    if not {name.lower() for name in names} <= known.keys():
        raise ApiError(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return frozenset(known[name.lower()] for name in names)


def _asked(call: Call, home: Installation) -> Mapping[str, str]:
    """The permissions that the body asks for; all of the installation without."""
    asked = call.data.get("permissions")
    if asked is None:
        return dict(home.permissions)
    if not isinstance(asked, dict) or not all(level in _LEVELS for level in asked.values()):
        raise ApiError(422, "Invalid request. `permissions` must be an object of names and levels.")
    for name, level in asked.items():
        held = home.permissions.get(name)
        if held is None or _LEVELS.index(held) < _LEVELS.index(level):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    return asked


def _value(app: App) -> str:
    """A token in GitHub's new form (some 520 characters) or its old one (40)."""
    if app.long_tokens:
        head = f"ghs_{app.id}_eyJhbGciOiJSUzI1NiJ9."
        body = secrets.token_urlsafe(400)
        return f"{head}{body[: 300 - len(head)]}.{body[300:519]}"
    return "ghs_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))


def list_repositories(call: Call) -> Reply:
    """``GET /installation/repositories``: the pages lie inside an object."""
    if call.token.installation is None:
        raise ApiError(403, "You must authenticate with an installation access token in order to list repositories.")
    home = call.site.world.installations[call.token.installation]
    seen = [repo for repo in apps.covered(call.site, home) if call.site.covers(repo, call.token)]
    size, page = _number(call, "per_page", 30), _number(call, "page", 1)
    rows = [shapes.repository(repo, call.base) for repo in seen[(page - 1) * size : page * size]]
    more = f'<{call.base}/installation/repositories?per_page={size}&page={page + 1}>; rel="next"'
    return Reply(
        {"total_count": len(seen), "repository_selection": "selected", "repositories": rows},
        headers={"link": more} if page * size < len(seen) else {},
    )


def list_deliveries(call: Call) -> Reply:
    """``GET /app/hook/deliveries``, newest first, by cursor."""
    rows = sorted(_attempts(call), key=lambda item: -item.id)
    size, cursor = _number(call, "per_page", 30), call.query.get("cursor")
    if cursor is not None:
        rows = [item for item in rows if item.id < int(cursor.removeprefix("v1_"))]
    page = rows[:size]
    more = f'<{call.base}/app/hook/deliveries?per_page={size}&cursor=v1_{page[-1].id}>; rel="next"' if page else ""
    return Reply([_delivery(item) for item in page], headers={"link": more} if len(rows) > size else {})


def _attempts(call: Call) -> list[HookAttempt]:
    since = call.site.clock.now() - KEPT
    return [item for item in call.site.world.attempts if item.app is _app(call) and item.at > since]


def _delivery(item: HookAttempt) -> dict[str, Any]:
    return {
        "id": item.id,
        "guid": item.guid,
        "delivered_at": shapes.moment(item.at),
        "redelivery": item.redelivery,
        "duration": 0.1,
        "status": item.status,
        "status_code": item.code,
        "event": item.event,
        "action": item.payload.get("action"),
        "installation_id": item.payload.get("installation", {}).get("id"),
        "repository_id": item.payload.get("repository", {}).get("id"),
        "throttled_at": None,
    }


def redeliver(call: Call) -> Reply:
    """``POST /app/hook/deliveries/{delivery}/attempts``: the same delivery again, with the same id."""
    for item in _attempts(call):
        if item.id == int(call.params["delivery"]):
            apps.repeat(call.site, item)
            return Reply({}, 202)
    raise not_found()


def _number(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, "")
    return min(100, max(1, int(value))) if value.isdecimal() else default


_OWN = (AS_APP, "read")

APP_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/app", get_app, _OWN),
    Operation("GET", "/app/installations", list_installations, _OWN),
    Operation("GET", "/app/installations/{installation:int}", get_installation, _OWN),
    Operation("POST", "/app/installations/{installation:int}/access_tokens", create_token, _OWN),
    Operation("GET", "/repos/{account}/{repository}/installation", get_repo_installation, _OWN),
    Operation("GET", "/installation/repositories", list_repositories),
    Operation("GET", "/app/hook/deliveries", list_deliveries, _OWN),
    Operation("POST", "/app/hook/deliveries/{delivery:int}/attempts", redeliver, _OWN),
)
