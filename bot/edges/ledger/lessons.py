"""What was learnt, and what was spent on models.

In: lessons, spendings. Out: the same, newest first, and the sum of a day. Never: a lesson deleted by housekeeping.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.counsel import Lesson
from bot.edges.ledger.shelf import Shelf, put
from bot.edges.ledger.tables import LESSONS, SPENDING
from bot.model.consultation import Spent

_MICRO: Final = 1_000_000
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
"""Characters that Postgres or UTF-8 has no place for."""


class SqlLessons(Shelf):
    """``bot.counsel.Lessons``."""

    def learn(self, lesson: Lesson) -> None:
        """See ``bot.counsel.Lessons``."""
        self._db.write(lambda connection: put(connection, LESSONS, _row(lesson), key=["id"]))

    def lessons(
        self, *, kind: str | None = None, repo: str | None = None, app: str | None = None, limit: int = 200
    ) -> tuple[Lesson, ...]:
        """See ``bot.counsel.Lessons``. Of the same moment: by id."""
        query = select(LESSONS).order_by(LESSONS.c.at.desc(), LESSONS.c.id).limit(limit)
        if kind is not None:
            query = query.where(LESSONS.c.kind == kind)
        if repo is not None:
            query = query.where(func.lower(LESSONS.c.repo) == repo.lower())
        if app is not None:
            query = query.where(LESSONS.c.app == app)
        rows = self._db.read(lambda connection: connection.execute(query).mappings().all())
        return tuple(Lesson.model_validate({**row, "data": json.loads(row["data"])}) for row in rows)

    def replace(self, id: str, lessons: tuple[Lesson, ...]) -> int:  # noqa: A002 - the field's own name
        """Forget the lesson with this id and its parts (``id#…``), and learn these, in one transaction; returns how
        many were forgotten.
        """
        whole = or_(LESSONS.c.id == id, LESSONS.c.id.startswith(f"{id}#", autoescape=True))

        def work(connection: Connection) -> int:
            gone = connection.execute(delete(LESSONS).where(whole)).rowcount
            for lesson in lessons:
                put(connection, LESSONS, _row(lesson), key=["id"])
            return gone

        return self._db.write(work)


class SqlSpending(Shelf):
    """``bot.counsel.Spending``. Seconds are not kept."""

    def spent_today(self, now: datetime) -> Spent:
        """See ``bot.counsel.Spending``."""
        query = select(SPENDING).where(SPENDING.c.day == _day(now))
        row = self._db.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return Spent()
        money = None if row.money is None else row.money / _MICRO
        return Spent(calls=row.calls, input_tokens=row.input_tokens, output_tokens=row.output_tokens, money=money)

    def spend(self, spent: Spent, now: datetime) -> None:
        """See ``bot.counsel.Spending``. Counted twice, not lost, when the connection breaks at the commit."""
        row = {"day": _day(now), "calls": spent.calls, "input_tokens": spent.input_tokens}
        row |= {"output_tokens": spent.output_tokens, "money": _micros(spent.money)}
        self._db.write(lambda connection: _add_up(connection, row))


def _add_up(connection: Connection, row: dict[str, Any]) -> None:
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(SPENDING).values(**row)
    old, new = SPENDING.c, insert.excluded
    sums: dict[str, Any] = {name: old[name] + new[name] for name in ("calls", "input_tokens", "output_tokens")}
    unknown = old.money.is_(None) & new.money.is_(None)
    sums["money"] = case((unknown, None), else_=func.coalesce(old.money, 0) + func.coalesce(new.money, 0))
    connection.execute(insert.on_conflict_do_update(index_elements=["day"], set_=sums))


def _row(lesson: Lesson) -> dict[str, Any]:
    row = {name: _storable(value) for name, value in lesson.model_dump(exclude={"data", "at"}).items()}
    return row | {"data": json.dumps(lesson.data, sort_keys=True), "at": lesson.at}


def _storable(value: str | None) -> str | None:
    return None if value is None else _UNSTORABLE.sub("\ufffd", value)


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _micros(money: float | None) -> int | None:
    return None if money is None else round(money * _MICRO)
