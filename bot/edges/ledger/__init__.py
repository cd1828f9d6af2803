"""The ledger: every record of the bot in one database, an SQLite file or Postgres.

In: nouns. Out: nouns, once they are on disk. Never: a row that its successor cannot read; a secret in a message; the
order of commands or a lease decided by a clock.

Rows hold a noun as JSON beside the columns that are asked for. Nouns refuse unknown fields and the next version has to
read the rows of this one, so a field that is added to a stored noun (``Job``, ``Order``, ``Command``, ``Published``)
needs a default, and none is renamed or taken away while rows may hold it.

All tables begin with ``aip_``, because the durable queue keeps its own in the same database.
"""

from bot.edges.ledger.ledger import SqlLedger, open_ledger

__all__ = ["SqlLedger", "open_ledger"]
