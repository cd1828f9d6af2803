"""What this Python can do for the durable queue.

In: a database URL. Out: a refusal, or nothing. Never: a start that fails later without a sentence.
"""

from __future__ import annotations

import sqlite3
import sys

from bot.errors import Code, Refusal


def unfit(
    database_url: str,
    *,
    python: tuple[int, ...] = tuple(sys.version_info[:2]),
    sqlite: tuple[int, ...] = sqlite3.sqlite_version_info,
) -> Refusal | None:
    """Python 3.12 and newer cannot keep jobs in an SQLite older than 3.42."""
    if not database_url.startswith("sqlite:") or python < (3, 12) or sqlite >= (3, 42):
        return None
    return Refusal(
        code=Code.CONFIG,
        message=f"Python {python[0]}.{python[1]} with SQLite {sqlite[0]}.{sqlite[1]} cannot keep jobs; it needs 3.42.",
        remedy="Use Python 3.11, a newer SQLite, or Postgres by AI_PROVISION_DATABASE_URL.",
    )
