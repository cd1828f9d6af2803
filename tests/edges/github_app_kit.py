"""The emulated GitHub with an App, and the edge that speaks as that App."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pydantic import SecretStr

from bot.edges.github import Api, AppCredentials, GitHubForge, Installations
from bot.emulators.github import GitHubEmulator
from bot.emulators.github.apps import new_key
from bot.model.command import RepoTarget
from bot.rendering.redaction import Secrets
from tests.edges.forge_contract import INFRA
from tests.edges.github_world import SWITCH
from tests.fakes.clock import StoppedClock

SHOP = "acme/shop"
"""A private application repository."""

SITE = "acme/site"
"""A public one."""

CANARY = "the-canary-of-a-private-repository"


class Meter:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.budgets: list[tuple[str, int]] = []

    def github_call(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def budget(self, installation: str, remaining: int) -> None:
        self.budgets.append((installation, remaining))


class AppWorld:
    """One App, installed on the infrastructure repository; ``install`` puts it elsewhere."""

    def __init__(self, github: GitHubEmulator, url: str, clock: StoppedClock, *, long_tokens: bool) -> None:
        self.github, self.url, self.clock = github, url, clock
        self.app = github.apps.create(long_tokens=long_tokens, private_key=key())
        self.home = github.apps.install(self.app.id, INFRA)
        self.secrets = Secrets()
        self.meter = Meter()
        self.removed: set[int] = set()
        self.installations = self.speak(self.app.private_key)

    def api(self) -> Api:
        return Api(
            url=self.url,
            clock=self.clock,
            write_pause=0.0,
            redact=self.secrets.redact,
            meter=self.meter,
            user_agent="tests",
            timeout=5,
        )

    def speak(self, private_key: str, *, app_id: str | None = None) -> Installations:
        credentials = AppCredentials(app_id or str(self.app.id), SecretStr(private_key), clock=self.clock)
        return Installations(credentials, api=self.api(), secrets=self.secrets, gone=self.removed.__contains__)

    @contextmanager
    def forge(self) -> Iterator[GitHubForge]:
        forge = GitHubForge(
            api_url=self.url,
            token=self.installations.token_for(INFRA, self.home),
            clock=self.clock,
            write_pause=0.0,
            redact=self.secrets.redact,
            user_agent="tests",
            timeout=5,
            installations=self.installations,
            meter=self.meter,
        )
        with forge:
            yield forge

    def mints(self) -> int:
        return len(self.github.apps.minted)


@contextmanager
def app_world(root: Path, *, long_tokens: bool = True) -> Iterator[AppWorld]:
    clock = StoppedClock()
    github = GitHubEmulator(root, clock=clock)
    github.add_repository(INFRA, {"README.md": "infra\n"}, private=True)
    github.add_repository(SHOP, {"Dockerfile": f"FROM scratch\n# {CANARY}\n"}, private=True)
    github.add_repository(SITE, {"Dockerfile": "FROM scratch\n"})
    for login in ("alice", "mallory"):
        github.add_user(login)
    github.grant(INFRA, "alice", "admin")
    with SWITCH.plugged(github) as url:
        world = AppWorld(github, url, clock, long_tokens=long_tokens)
        with world.installations:
            yield world
    assert github.unknown == ()


def target(full_name: str, *, host: str = "github.com") -> RepoTarget:
    owner, name = full_name.split("/")
    return RepoTarget(host=host, owner=owner, name=name)


@cache
def key(which: str = "the App's") -> str:
    """A private key; making one takes longer than a test."""
    return new_key()
