"""Stores and brokers of a Go program: in use with a client library and a connecting call, else only named.

In: imports, calls, go.mod. Out: dependencies. Never: a store that is only required by go.mod, marked as in use.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from bot.model.profile import Dependency, DependencyKind, Evidence, Volume
from bot.survey.code.calls import Call, calls_by_path
from bot.survey.code.choices import Use, dependencies_of
from bot.survey.code.facts import evidence
from bot.survey.code.gomod import Module, Unit
from bot.survey.code.guards import function_name, optional_in
from bot.survey.code.stores import SQL_DRIVERS, go_store
from bot.survey.code.tokens import Code
from bot.survey.code.values import Book, worth
from bot.survey.code.volumes import volume_of

_CONNECTS = re.compile(
    r"(?:New|Dial(?:Context|URL|Timeout|TLS|Config)?$|Connect|Open|Must|Pool|Client|Start|Init|Writer|Reader|Consumer|Producer|"
    r"Session|Cluster|Load|Send|Parse)"
)
_WRITES = frozenset({"MkdirAll", "Mkdir", "WriteFile", "Create", "OpenFile"})


def go_stores(
    units: tuple[Unit, ...], book: Book, calls: tuple[Call, ...], module: Module | None
) -> tuple[Dependency, ...]:
    """Dependencies with evidence, the ones in use first."""
    uses: list[Use] = []
    words = Counter(token.text for unit in units for token in unit.code.tokens if token.kind == "name")
    by_path = calls_by_path(calls)
    for unit in units:
        own = by_path.get(unit.code.path, [])
        uses += _drivers(unit, book, own)
        for alias, (path, _) in unit.imports.items():
            kind = go_store(path)
            if kind is not None and _by_import(path):
                reached = (call for call in own if call.chain[0] == alias and _reached(call.code, call.open, words))
                uses += _connecting(unit, kind, book, reached)
                uses += _made(unit, alias, kind, (book, words))
    return dependencies_of(uses, _named(module))


def _by_import(path: str) -> bool:
    """False for database/sql drivers that count by their name in ``sql.Open``."""
    return not path.startswith(("github.com/lib/pq", "github.com/mattn/go-sqlite3", "modernc.org/sqlite"))


def _connecting(unit: Unit, kind: DependencyKind, book: Book, own: Iterable[Call]) -> list[Use]:
    """Connecting calls of one imported client."""
    found = []
    for call in own:
        if len(call.chain) > 1 and _CONNECTS.match(call.name):
            seen = evidence(unit.code.path, call.line, f"{call.chain[0]}.{call.name}")
            found.append(Use(kind, seen, optional=_optional(book, call)))
    return found[:20]


def _made(unit: Unit, alias: str, kind: DependencyKind, known: tuple[Book, Counter[str]]) -> list[Use]:
    """Pool and option literals of one imported client."""
    book, words = known
    found = []
    code = unit.code
    for index, token in enumerate(code.tokens):
        if token.text != alias or code.text(index + 3) != "{" or code.text(index - 1) in {"*", ")", "("}:
            continue  # the last three: the result type of a function
        if code.text(index + 1) == "." and _reached(code, index, words):
            name = code.text(index + 2)
            if _CONNECTS.match(name) or name.endswith(("Pool", "Options", "Config", "Client")):
                seen = evidence(code.path, token.line, f"{alias}.{name}")
                found.append(Use(kind, seen, optional=optional_in(book, code, index)))
    return found[:20]


def _reached(code: Code, index: int, words: Counter[str]) -> bool:
    """False inside a function that nothing in the program names again: shared code that this program leaves alone."""
    name = function_name(code, index)
    return name in {"", "main", "init"} or words[name] > 1


def _optional(book: Book, call: Call) -> bool:
    """Guarded by a setting, or an address whose default is known to be empty."""
    if optional_in(book, call.code, call.open):
        return True
    values = [worth(book, call.code, arg) for arg in call.args()[:3]]
    return any(value.text == "" and value.env is None for value in values) and not any(
        value.text for value in values[1:]
    )


def _drivers(unit: Unit, book: Book, own: Iterable[Call]) -> list[Use]:
    """``sql.Open("postgres", dsn)``, ``sqlx.Connect("pgx", dsn)``."""
    found = []
    for call in own:
        if call.name not in {"Open", "Connect", "MustConnect", "MustOpen", "ConnectContext", "NewDriver"}:
            continue
        for literal in call.words()[:1]:
            kind = SQL_DRIVERS.get(literal)
            if kind is not None and (call.on in unit.imports):
                seen = evidence(unit.code.path, call.line, f'{call.on}.{call.name}("{literal}")')
                found.append(Use(kind, seen, optional=_optional(book, call)))
    return found


def _named(module: Module | None) -> dict[DependencyKind, Evidence]:
    """Stores that go.mod requires directly."""
    if module is None:
        return {}
    found: dict[DependencyKind, Evidence] = {}
    for path, line in module.requires.items():
        kind = go_store(path)
        if kind is not None:
            found.setdefault(kind, evidence(module.path, line, path))
    return found


def go_volumes(calls: Iterable[Call]) -> tuple[Volume, ...]:
    """Absolute data paths that code writes to."""
    found: dict[str, Volume] = {}
    for call in calls:
        if call.name in _WRITES and call.words():
            volume = volume_of(call.words()[0], evidence(call.code.path, call.line, call.name))
            if volume is not None:
                found.setdefault(volume.path, volume)
    return tuple(found.values())
