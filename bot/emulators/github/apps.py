"""GitHub Apps on the emulated GitHub: created, installed, suspended, removed; their signed tokens and webhooks.

In: names of repositories and permissions. Out: an App's private key, installations, what was delivered and minted.
Never: a private key that is kept (like GitHub, this one holds the public half alone).
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bot.emulators.github import hooks, shapes
from bot.emulators.github.accounts import Account
from bot.emulators.github.answers import ApiError
from bot.emulators.github.site import Site
from bot.emulators.github.state import EVERYTHING, App, Hook, HookAttempt, Installation, Minted, Repository, Token

_LONGEST = 600
"""Seconds that a signed token may live from now."""


@dataclass(frozen=True)
class NewApp:
    """What its maker gets to see once."""

    id: int
    slug: str
    private_key: str

    def __repr__(self) -> str:
        return f"NewApp({self.id}, {self.slug})"


class Apps:
    """The verbs of people who make and install Apps; ``GitHubEmulator.apps`` is one."""

    def __init__(self, site: Site, lock: threading.RLock, base: Callable[[], str]) -> None:
        self._site = site
        self._lock = lock
        self._base = base

    @property
    def minted(self) -> tuple[Minted, ...]:
        """Every installation token that was given out, in order."""
        return tuple(self._site.world.minted)

    @property
    def attempts(self) -> tuple[HookAttempt, ...]:
        """Every try to deliver a webhook of an App, in order."""
        return tuple(self._site.world.attempts)

    def create(
        self,
        slug: str = "ai-provision",
        *,
        permissions: Mapping[str, str] | None = None,
        long_tokens: bool = True,
        private_key: str | None = None,
    ) -> NewApp:
        """Somebody makes an App. ``long_tokens``: about 520 characters, else 40. ``private_key``: one made before."""
        private = private_key or new_key()
        pair = cast("rsa.RSAPrivateKey", load_pem_private_key(private.encode(), None))
        public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        with self._lock:
            number, world = self._site.next_id(), self._site.world
            account = Account(f"{slug}[bot]", self._site.next_id(), "Bot")
            world.accounts[account.login.lower()] = account
            asked = dict(EVERYTHING if permissions is None else permissions)
            world.apps[number] = App(number, slug, account, public, asked, long_tokens)
        return NewApp(number, slug, private)

    def listen(self, app: int, url: str, secret: str) -> None:
        """Where the App's webhooks go."""
        self._site.world.apps[app].hook = Hook(url, secret)

    def install(self, app: int, *full_names: str, permissions: Mapping[str, str] | None = None) -> int:
        """The owner of some repositories installs the App on them; returns the installation's number."""
        with self._lock:
            made, world = self._site.world.apps[app], self._site.world
            number, owner = self._site.next_id(), self._owner(full_names[0])
            granted = dict(made.permissions if permissions is None else permissions)
            world.installations[number] = Installation(number, made, owner, granted, set(), self._site.clock.now())
            self._select(world.installations[number], full_names)
        self._tell(world.installations[number], "created")
        return number

    def select(self, installation: int, *full_names: str) -> None:
        """The owner chooses other repositories for an installation."""
        with self._lock:
            self._select(self._site.world.installations[installation], full_names)

    def suspend(self, installation: int, *, suspended: bool = True) -> None:
        """The owner suspends an installation, or lets it work again; the App's webhook hears of it."""
        home = self._site.world.installations[installation]
        home.suspended_at = self._site.clock.now() if suspended else None
        self._tell(home, "suspend" if suspended else "unsuspend")

    def delete(self, installation: int) -> None:
        """The owner removes the App; its tokens end, and its webhook hears of it."""
        with self._lock:
            home = self._site.world.installations.pop(installation)
            self._select(home, ())
        self._tell(home, "deleted")

    def announce(self, repo: Repository, event: str, payload: Mapping[str, Any]) -> None:
        """What happened in a repository goes to the Apps that are installed on it."""
        for home in list(self._site.world.installations.values()):
            hook = home.app.hook
            if repo.id in home.repositories and home.suspended_at is None and hook and event in heard(home, hook):
                named = {"id": home.id, "node_id": f"I_{home.id}"}
                deliver(self._site, home.app, event, {**payload, "installation": named}, guid=str(uuid.uuid4()))

    def _tell(self, home: Installation, action: str) -> None:
        """``installation`` events come without being asked for."""
        payload = {
            "action": action,
            "installation": shown(home, self._base()),
            "repositories": [
                {"id": repo.id, "name": repo.name, "full_name": repo.full_name, "private": repo.private}
                for repo in covered(self._site, home)
            ],
            "sender": shapes.account(home.owner, self._base()),
        }
        if home.app.hook is not None:
            deliver(self._site, home.app, "installation", payload, guid=str(uuid.uuid4()))

    def _owner(self, full_name: str) -> Account:
        login = full_name.split("/", maxsplit=1)[0]
        accounts = self._site.world.accounts
        return accounts.get(login.lower()) or accounts.setdefault(
            login.lower(), Account(login, self._site.next_id(), "User")
        )

    def _select(self, home: Installation, full_names: tuple[str, ...]) -> None:
        bot = home.app.account.login.lower()
        for repo in covered(self._site, home):
            repo.roles.pop(bot, None)
        wanted = {name.lower() for name in full_names}
        chosen = [repo for repo in self._site.world.repositories.values() if repo.full_name.lower() in wanted]
        if len(chosen) != len(wanted):
            raise KeyError(full_names)
        for repo in chosen:
            repo.roles[bot] = "write"
        home.repositories = {repo.id for repo in chosen}


def new_key() -> str:
    """A private key as GitHub hands it out: RSA, PEM."""
    pair = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    return pair.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


_NEEDS = {
    "deployment": "deployments",
    "deployment_status": "deployments",
    "status": "statuses",
    "workflow_run": "actions",
}


def heard(home: Installation, hook: Hook) -> list[str]:
    """The events that an installation's permissions let its App hear."""
    return [name for name in hook.events if _NEEDS.get(name, "metadata") in {"metadata", *home.permissions}]


def covered(site: Site, home: Installation) -> list[Repository]:
    """The repositories of an installation."""
    return [repo for repo in site.world.repositories.values() if repo.id in home.repositories]


def shown(home: Installation, base: str) -> dict[str, Any]:
    """An installation as JSON."""
    return {
        "id": home.id,
        "app_id": home.app.id,
        "app_slug": home.app.slug,
        "account": shapes.account(home.owner, base),
        "repository_selection": "selected",
        "permissions": dict(home.permissions),
        "events": heard(home, Hook("", "")),
        "access_tokens_url": f"{base}/app/installations/{home.id}/access_tokens",
        "created_at": shapes.moment(home.created_at),
        "suspended_at": shapes.moment(home.suspended_at),
    }


def deliver(
    site: Site, app: App, event: str, payload: Mapping[str, Any], *, guid: str, redelivery: bool = False
) -> None:
    """One try; it is written down however it ends."""
    hook = app.hook
    code = 0
    if hook is not None:
        try:
            code = hooks.send(hook.url, event, payload, secret=hook.secret, delivery=guid, target="integration")
        except requests.RequestException:
            code = 0
    attempt = HookAttempt(site.next_id(), guid, site.clock.now(), app, event, payload, code, redelivery)
    site.world.attempts.append(attempt)


def repeat(site: Site, attempt: HookAttempt) -> None:
    """The same delivery again: same id, same body, another attempt."""
    again = replace(attempt, redelivery=True)
    deliver(site, again.app, again.event, again.payload, guid=again.guid, redelivery=True)


def signed(site: Site, value: str) -> Token:
    """Who signed this token, as a token for the App's own calls. Raises ApiError(401) as GitHub does."""
    app = _signer(site, value)
    try:
        claims = jwt.decode(
            value, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
        )
    except jwt.PyJWTError:
        raise ApiError(401, "A JSON web token could not be decoded") from None
    now, begins, ends = site.clock.now().timestamp(), claims.get("iat"), claims.get("exp")
    if not isinstance(begins, int) or begins > now:
        raise ApiError(401, "'Issued at' claim ('iat') must be an Integer representing the time of the assertion")
    if not isinstance(ends, int) or ends <= now:
        raise ApiError(401, "'Expiration time' claim ('exp') must be a numeric value in the future")
    if ends > now + _LONGEST:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    return Token(Account(f"app {app.slug}", app.id, "Bot"), {"app": "write"})


def _signer(site: Site, value: str) -> App:
    try:
        claims = jwt.decode(value, options={"verify_signature": False})
        return site.world.apps[int(claims["iss"])]
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        raise ApiError(401, "A JSON web token could not be decoded") from None
