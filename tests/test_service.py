"""The server says before it starts what it would fail for later; a backup and the audit work beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot import service
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.errors import Refusal
from bot.model.command import RawEvent
from bot.model.job import AuditEntry
from bot.runtime import unfit
from bot.settings import read_settings

SECRET = {"AI_PROVISION_WEBHOOK_SECRET": "a webhook secret"}
TOKEN = {"GITHUB_TOKEN": "a-token-of-some-length"}


@pytest.mark.parametrize(
    ("settings", "poll", "names"),
    [
        (SECRET, False, "GITHUB_TOKEN"),
        (TOKEN, False, "AI_PROVISION_WEBHOOK_SECRET"),
        (TOKEN, True, "AI_PROVISION_INFRA_REPO"),
        ({**TOKEN, **SECRET, "AI_PROVISION_DATABASE_URL": "mysql://u:hidden-word@h/d"}, False, "postgresql"),
    ],
    ids=["no-credential", "no-secret", "poll-what", "other-database"],
)
def test_what_is_missing_is_said_before_anything_listens(settings: dict[str, str], *, poll: bool, names: str) -> None:
    refusal = service.serve(read_settings(settings), host="127.0.0.1", port=1, poll=poll)
    assert isinstance(refusal, Refusal)
    assert names in refusal.remedy
    assert "hidden-word" not in refusal.model_dump_json()


def test_backup_and_audit(tmp_path: Path) -> None:
    settings = read_settings({"AI_PROVISION_DATABASE_URL": f"sqlite:///{tmp_path}/bot.sqlite"})
    clock = RealClock()
    with open_ledger(settings.database_url, clock=clock) as ledger:
        ledger.accept(RawEvent(delivery_id="d-1", event="issue_comment", body=b"{}"))
        ledger.note(
            AuditEntry(at=clock.now(), job=None, actor="ada", repo="a/b", thread=1, action="/ai-help", decision="asked")
        )
        copy = tmp_path / "copy.sqlite"
        assert service.backup(settings, copy) is None
    restored = read_settings({"AI_PROVISION_DATABASE_URL": f"sqlite:///{copy}"})
    entries = service.audit(restored, actor="ada", repo=None, limit=5)
    assert not isinstance(entries, Refusal)
    assert [entry.action for entry in entries] == ["/ai-help"]
    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    again = service.backup(settings, copy)
    assert isinstance(again, Refusal), "a backup never overwrites"


def test_the_audit_of_one_person_only(tmp_path: Path) -> None:
    settings = read_settings({"AI_PROVISION_DATABASE_URL": f"sqlite:///{tmp_path}/bot.sqlite"})
    entries = service.audit(settings, actor="eve", repo=None, limit=5)
    assert entries == ()


@pytest.mark.parametrize(
    ("url", "python", "sqlite", "fits"),
    [
        ("sqlite:///x", (3, 11), (3, 40, 1), True),
        ("sqlite:///x", (3, 12), (3, 40, 1), False),
        ("sqlite:///x", (3, 13), (3, 42, 0), True),
        ("postgresql://h/d", (3, 13), (3, 40, 1), True),
    ],
)
def test_an_old_sqlite_under_a_new_python_is_refused(
    url: str, python: tuple[int, ...], sqlite: tuple[int, ...], *, fits: bool
) -> None:
    assert (unfit(url, python=python, sqlite=sqlite) is None) == fits
