"""Offices: for each command the forge that may speak in its thread, with the records behind it.

In: ``Settings``, the house, the records. Out: an ``Office`` for an order; the feed, the sweep and the housekeeping of
the same credentials. Never: two forges for one credential, so that GitHub's limits are obeyed in one place.
"""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Self

from bot import app
from bot.edges.github.feed import GitHubFeed
from bot.edges.github.forge import GitHubForge
from bot.edges.github.housekeeping import GitHubHousekeeping
from bot.errors import Refusal, Refused
from bot.flow.house import Books, House, Office
from bot.meters import Meters
from bot.model.job import Job
from bot.model.order import Order
from bot.ports import Feed, Housekeeping, Redeliveries, Steps
from bot.records import Ledger
from bot.settings import Settings


class GitHubOffices:
    """Every command through one plain token."""

    def __init__(self, settings: Settings, *, house: House, ledger: Ledger, meters: Meters) -> None:
        del meters
        office = app.build_office(settings, house=house)
        if isinstance(office, Refusal):
            raise Refused(office)
        self._office = replace(office, books=Books(jobs=ledger, audit=ledger))
        self._repositories = (settings.infra_repo,) if settings.infra_repo else ()
        self.redeliveries: Redeliveries | None = None
        self.feed: Feed = GitHubFeed(self._forge_of, repositories=self._repositories)
        self._keeping = GitHubHousekeeping(self._forge_of)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forge_of("").close()

    def __call__(self, order: Order, steps: Steps) -> Office:
        """The office of one command."""
        del order
        return replace(self._office, steps=steps)

    def repositories(self) -> tuple[str, ...]:
        """The infrastructure repositories that are kept tidy."""
        return self._repositories

    def housekeeping(self, _repo: str) -> Housekeeping:
        """What keeps a repository tidy."""
        return self._keeping

    def housekeeping_of(self, _job: Job) -> Housekeeping:
        """What reads the thumbs under a job's answer."""
        return self._keeping

    def _forge_of(self, _repo: str) -> GitHubForge:
        forge = self._office.forge
        assert isinstance(forge, GitHubForge)
        return forge
