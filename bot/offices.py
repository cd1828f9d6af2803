"""Offices: for each command the forge that may speak in its thread, with the records behind it.

In: ``Settings``, the house, the records. Out: an ``Office`` for an order; the feed, the sweep and the housekeeping of
the same credentials. Never: two forges for one credential, so that GitHub's limits are obeyed in one place.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Final, Self

from bot import app
from bot.applying.reconcile import Watch
from bot.counsel import Lessons
from bot.edges.github import (
    Api,
    AppCredentials,
    FixedToken,
    GitHubFeed,
    GitHubForge,
    GitHubHousekeeping,
    GitHubReview,
    HookDeliveries,
    Installations,
    TokenSource,
    checked_api,
)
from bot.errors import Code, Refusal, Refused
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.flow.house import Books, House, Office
from bot.meters import Meters
from bot.model.job import Job
from bot.model.order import Order
from bot.ports import Feed, Housekeeping, Redeliveries, Steps
from bot.records import Ledger
from bot.rendering.redaction import Secrets
from bot.settings import Settings

_ELSEWHERE: Final = Refusal(
    code=Code.CONFIG,
    message="The infrastructure repository and this thread belong to different installations of the GitHub App.",
    remedy="Install the App for one owner that has both, or give the command in the infrastructure repository.",
)
_NO_CREDENTIAL: Final = Refusal(
    code=Code.GITHUB_AUTH,
    message="No GitHub credential is set.",
    remedy="Set AI_PROVISION_GITHUB_APP_ID and AI_PROVISION_GITHUB_PRIVATE_KEY, or GITHUB_TOKEN.",
)


class GitHubOffices:
    """Every command through the GitHub App's installation of its thread, or all through one plain token."""

    def __init__(
        self,
        settings: Settings,
        *,
        house: House,
        ledger: Ledger,
        meters: Meters,
        secrets: Secrets,
        lessons: Lessons | None = None,
    ) -> None:
        self._settings = settings
        self._house = house
        self._books = Books(jobs=ledger, audit=ledger, lessons=lessons)
        self._meters = meters
        self._secrets = secrets
        self._lock = threading.Lock()
        self._forges: dict[int, GitHubForge] = {}
        self._fixed = FixedToken(settings.github_token) if settings.github_token else None
        self._app = self._installations(ledger)
        if self._app is None and self._fixed is None:
            raise Refused(_NO_CREDENTIAL)
        self.feed: Feed = GitHubFeed(self._forge_of, repositories=self.repositories)
        self._keeping = GitHubHousekeeping(self._forge_of)

    def _installations(self, ledger: Ledger) -> Installations | None:
        settings = self._settings
        if settings.github_app_id is None or settings.github_private_key is None:
            return None
        api = Api(
            url=checked_api(settings.github_api_url),
            clock=self._house.clock,
            write_pause=settings.write_pause,
            redact=self._secrets.redact,
            meter=self._meters,
        )
        credentials = AppCredentials(settings.github_app_id, settings.github_private_key, clock=self._house.clock)
        return Installations(credentials, api=api, secrets=self._secrets, gone=ledger.installation_gone)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for forge in self._forges.values():
            forge.close()
        if self._app is not None:
            self._app.close()

    def __call__(self, order: Order, steps: Steps) -> Office:
        """The office of one command. Raises Refused(github-auth) where the App is not installed."""
        forge = self._forge_of(order.thread.full_name, order.installation)
        infra_repo = self._settings.infra_repo
        elsewhere = infra_repo is not None and self._forge_of(infra_repo) is not forge
        return Office(
            house=app.reading_by(self._house, forge),
            forge=forge,
            steps=steps,
            books=self._books,
            infra_repo=None if elsewhere else infra_repo,
            barred=_ELSEWHERE if elsewhere else None,
            git_hosts=self._settings.allowed_git_hosts,
        )

    @property
    def redeliveries(self) -> Redeliveries | None:
        """What GitHub could not deliver; only an App can see it. With a token the catch-up poll takes its place."""
        return HookDeliveries(self._app.own, clock=self._house.clock) if self._app is not None else None

    def repositories(self) -> tuple[str, ...]:
        """Where commands are given and branches are kept: the App's repositories, or the one that is set."""
        if self._app is not None:
            return self._app.repositories()
        return (self._settings.infra_repo,) if self._settings.infra_repo else ()

    def housekeeping(self, _repo: str) -> Housekeeping:
        """What keeps a repository tidy."""
        return self._keeping

    def housekeeping_of(self, _job: Job) -> Housekeeping:
        """What reads the thumbs under a job's answer."""
        return self._keeping

    def merging(self) -> tuple[str, ...]:
        """Where the bot's pull requests are merged: the repository that is set, or those that it ever wrote to."""
        if self._settings.infra_repo is not None:
            return (self._settings.infra_repo,)
        lessons = self._books.lessons.lessons(kind="plan", limit=1_000) if self._books.lessons is not None else ()
        return tuple(dict.fromkeys(lesson.repo for lesson in lessons if lesson.repo is not None))

    def watch_of(self, repo: str) -> Watch | Refusal:
        """What looks after the merges of a repository. Raises Refused or Unavailable of GitHub."""
        forge = self._forge_of(repo)
        config = read_config(forge.file(repo, CONFIG_PATH), yaml=self._house.yaml)
        if isinstance(config, Refusal):
            return config
        return Watch(
            review=GitHubReview(forge, clock=self._house.clock),
            clock=self._house.clock,
            redact=self._secrets.redact,
            names=config.metrics,
            metrics=self._house.desk.metrics,
            troubles=self._house.desk.troubles,
            learn=self._books.lessons.learn if self._books.lessons is not None else None,
        )

    def _forge_of(self, repo: str, installation: int | None = None) -> GitHubForge:
        """The forge that speaks for a repository: one for each credential."""
        source = self._source(repo, installation)
        with self._lock:
            if id(source) not in self._forges:
                self._forges[id(source)] = GitHubForge(
                    api_url=self._settings.github_api_url,
                    token=source,
                    clock=self._house.clock,
                    write_pause=self._settings.write_pause,
                    redact=self._secrets.redact,
                    installations=self._app,
                    meter=self._meters,
                )
            return self._forges[id(source)]

    def _source(self, repo: str, installation: int | None) -> TokenSource:
        if self._app is not None:
            return self._app.token_for(repo, installation)
        if self._fixed is None:
            raise Refused(_NO_CREDENTIAL)
        return self._fixed
