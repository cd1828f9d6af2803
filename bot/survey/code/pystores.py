"""Stores and brokers of Python code: in use with a client library and a call, else only named in a package file.

In: parsed files, listed distributions. Out: dependencies. Never: a database of a list of supported ones.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from bot.model.profile import Dependency, DependencyKind, Evidence, Volume
from bot.survey.code.choices import Use, dependencies_of
from bot.survey.code.facts import evidence
from bot.survey.code.pysource import PyFile, dotted
from bot.survey.code.pyvalues import PyBook, argument, optional_place, py_worth, text_of
from bot.survey.code.stores import PYTHON_ORMS, PYTHON_STORES, RELATIONAL_OR_FILE, SQL_DRIVERS, url_store
from bot.survey.code.volumes import volume_of

_DJANGO = "django.db.backends."
_CACHES: tuple[tuple[str, DependencyKind], ...] = (
    ("django_redis.", "redis"),
    ("django.core.cache.backends.redis", "redis"),
    ("django.core.cache.backends.memcached", "memcached"),
    ("channels_redis.", "redis"),
    ("storages.backends.s3", "s3"),
)
_CREATES = frozenset(
    {"create_engine", "create_async_engine", "SQLAlchemy", "Database", "init_app", "connect", "config", "parse"}
)


def py_stores(book: PyBook, listed: Mapping[str, Evidence]) -> tuple[Dependency, ...]:
    """Dependencies with evidence, the ones in use first."""
    uses: list[Use] = []
    for file in book.files:
        uses += _clients(book, file)
        uses += _texts(book, file, listed)
        uses += _aws(file)
    uses += _by_driver(book, listed, {use.kind for use in uses})
    return dependencies_of(uses, _named(listed))


def _clients(book: PyBook, file: PyFile) -> list[Use]:
    """Calls on what a client library gives."""
    names: dict[str, DependencyKind] = {}
    for local, (module, _) in file.imports.items():
        kind = next(
            (
                store
                for prefix, (store, _) in PYTHON_STORES.items()
                if module == prefix or module.startswith(prefix + ".")
            ),
            None,
        )
        if kind is not None and ".exceptions" not in module and not local.endswith(("Error", "Exception")):
            names[local] = kind
    found = []
    for call, place in file.calls if names else []:
        chain = dotted(call.func)
        if chain and chain[0] in names and not _in_memory(book, file, call, chain):
            seen = evidence(file.path, call.lineno, ".".join(chain))
            found.append(Use(names[chain[0]], seen, optional=optional_place(book, file, place)))
    return found[:40]


def _in_memory(book: PyBook, file: PyFile, call: ast.Call, chain: tuple[str, ...]) -> bool:
    """``sqlite3.connect(":memory:")``, and calls that only build types."""
    if chain[-1].endswith(("Error", "Exception", "Json", "Binary", "ObjectId")):
        return True
    return "memory" in (py_worth(book, file, argument(call, 0)).text or "") and chain[-1] == "connect"


def _texts(book: PyBook, file: PyFile, listed: Mapping[str, Evidence]) -> list[Use]:
    """Django engines and caches, and connection URLs beside an ORM, Celery or a listed client."""
    found = []
    orm = any(other.imported(name) for other in book.files for name in (*PYTHON_ORMS, "celery"))
    for text, line in file.strings:
        kind: DependencyKind | None = None
        if text.startswith(_DJANGO):
            kind = SQL_DRIVERS.get(text[len(_DJANGO) :].split(".")[0])
        elif "://" in text and "memory" not in text:
            kind = url_store(text)
            kind = kind if kind is not None and (orm or _has_client(kind, listed)) else None
        else:
            kind = next((store for prefix, store in _CACHES if text.startswith(prefix)), None)
        if kind is not None:
            found.append(Use(kind, evidence(file.path, line, f"{kind} address")))
    return found


def _has_client(kind: DependencyKind, listed: Mapping[str, Evidence]) -> bool:
    return any(store == kind and any(dist in listed for dist in dists) for store, dists in PYTHON_STORES.values())


def _aws(file: PyFile) -> list[Use]:
    if file.imported("boto3") is None and file.imported("aioboto3") is None:
        return []
    found = []
    for call, _ in file.calls:
        if (
            dotted(call.func)[-1:] in {("client",), ("resource",)}
            and text_of(argument(call, 0, "service_name")) == "s3"
        ):
            found.append(Use("s3", evidence(file.path, call.lineno, "boto3 s3")))
    return found


def _by_driver(book: PyBook, listed: Mapping[str, Evidence], known: set[DependencyKind]) -> list[Use]:
    """An ORM that creates an engine, with no database named in code: the one driver that is listed decides."""
    if known & RELATIONAL_OR_FILE:
        return []
    engine = next((seen for file in book.files if (seen := _engine(file)) is not None), None)
    if engine is None:
        return []
    drivers = {
        kind
        for kind, dists in PYTHON_STORES.values()
        if kind in RELATIONAL_OR_FILE and any(dist in listed for dist in dists)
    }
    return [Use(kind, engine) for kind in drivers] if len(drivers) == 1 else []


def _engine(file: PyFile) -> Evidence | None:
    if not any(file.imported(name) for name in (*PYTHON_ORMS, "dj_database_url")):
        return None
    for call, _ in file.calls:
        chain = dotted(call.func)
        if chain and chain[-1] in _CREATES:
            return evidence(file.path, call.lineno, ".".join(chain))
    return None


def _named(listed: Mapping[str, Evidence]) -> dict[DependencyKind, Evidence]:
    found: dict[DependencyKind, Evidence] = {}
    for kind, dists in PYTHON_STORES.values():
        for dist in dists:
            if dist in listed:
                found.setdefault(kind, listed[dist])
    return found


def py_volumes(book: PyBook) -> tuple[Volume, ...]:
    """Absolute data paths that code writes to or keeps a database file in."""
    found: dict[str, Volume] = {}
    for file in book.files:
        for call, _ in file.calls:
            chain = dotted(call.func)
            text = text_of(argument(call, 0)) if chain else None
            writes = chain[-1:] in {("makedirs",), ("mkdir",), ("connect",), ("save",)} or (
                chain[-1:] == ("open",) and (text_of(argument(call, 1, "mode")) or "r")[:1] in {"w", "a", "x"}
            )
            volume = volume_of(text, evidence(file.path, call.lineno, ".".join(chain))) if text and writes else None
            if volume is not None:
                found.setdefault(volume.path, volume)
    return tuple(found.values())
