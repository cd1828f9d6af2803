"""Stores that code supports side by side, told by the names of its modules: ``output/mysql.py``, ``output/redis.py``.

In: the source paths of an area. Out: kinds of which none is in use until somebody says so. Never: file contents.
"""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import basename
from typing import Final

from bot.model.profile import DependencyKind
from bot.survey.code.sources import Area
from bot.survey.code.stores import RELATIONAL_OR_FILE

MIN_KINDS: Final = 3

_MODULES: Final[Mapping[str, DependencyKind]] = {
    "amqp": "rabbitmq", "cassandra": "cassandra", "consul": "consul", "elastic": "elasticsearch",
    "elasticsearch": "elasticsearch", "etcd": "etcd", "kafka": "kafka", "mariadb": "mariadb", "memcache": "memcached",
    "memcached": "memcached", "mongo": "mongodb", "mongodb": "mongodb", "mssql": "mssql", "mysql": "mysql",
    "nats": "nats", "opensearch": "opensearch", "pg": "postgresql", "postgres": "postgresql",
    "postgresql": "postgresql", "rabbitmq": "rabbitmq", "redis": "redis", "rmq": "rabbitmq", "s3": "s3",
    "sqlite": "sqlite", "sqlite3": "sqlite", "sqlserver": "mssql", "valkey": "valkey",
}  # fmt: skip
_STAND_INS: Final = frozenset({"dummy", "fake", "inmemory", "in_memory", "local", "memory", "noop", "null"})


def optional_stores(area: Area) -> frozenset[DependencyKind]:
    """Kinds that have a module of their own in a folder of alternatives.

    A folder holds alternatives when its modules bear the names of three or more stores, and either two of them are
    databases of the same use or one is a stand-in (``memory``): an application needs one of those, not all.
    """
    by_folder: dict[str, set[str]] = {}
    for source in area.sources:
        stem = basename(source.path).partition(".")[0].lower()
        folder = source.folder
        if stem in {"__init__", "index", "mod", "main"}:
            folder, _, stem = folder.rpartition("/")
        by_folder.setdefault(folder, set()).add(stem.lower())
    return frozenset(kind for names in by_folder.values() for kind in _alternatives(names))


def _alternatives(names: set[str]) -> set[DependencyKind]:
    kinds = {_MODULES[name] for name in names if name in _MODULES}
    same_use = len(kinds & RELATIONAL_OR_FILE) >= 2 or not _STAND_INS.isdisjoint(names)
    return kinds if len(kinds) >= MIN_KINDS and same_use else set()
