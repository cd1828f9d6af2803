"""What a command remembers: the memory that it plans with, and the lesson that it leaves.

In: the office of a command. Out: a house whose agents recall what was merged before; a lesson in the records. Never: a
lesson for a pull request that was not opened.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.flow.house import House, Office
from bot.flow.past import lesson_of, past_of
from bot.flow.preview import Preview
from bot.model.config import Config
from bot.model.evidence import Past
from bot.model.order import Order


def recalling(house: House, order: Order, office: Office, *, config: Config) -> House:
    """The house whose desk recalls an application: from the default branch, and from the records."""
    lessons = office.books.lessons if office.books is not None else None
    repo = office.infra_repo or order.thread.full_name

    def recall(app: str) -> Past:
        return past_of(app, forge=office.forge, infra_repo=repo, config=config, lessons=lessons, yaml=house.yaml)

    return replace(house, desk=replace(house.desk, recall=recall))


def learn(planned: Preview, office: Office, *, infra_repo: str, at: datetime) -> None:
    """Keep what was published, so that a later plan of the same namespace or of a similar service knows of it.

    Part of the step that publishes: learning it again changes nothing. Raises Unavailable.
    """
    if office.books is not None and office.books.lessons is not None:
        office.books.lessons.learn(lesson_of(planned.document, repo=infra_repo, at=at))
