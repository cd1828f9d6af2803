"""go.mod and import lists: what a Go program is made of.

In: text of go.mod, scanned Go files. Out: module name, version, dependencies, imports, the files one program reaches.
Never: a file outside the module.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model.tree import Tree
from bot.survey.code.sources import MAX_FILE, MAX_FILES, Area, Source, skipped
from bot.survey.code.tokens import Code, scan_go

_MAJOR = re.compile(r"v\d{1,4}")


@dataclass(frozen=True)
class Module:
    """A go.mod. ``requires`` maps direct dependencies to their line."""

    path: str
    folder: str
    name: str
    version: str | None
    version_line: int
    requires: Mapping[str, int]


@dataclass(frozen=True)
class Unit:
    """One scanned file: ``imports`` maps the local name (``_`` kept apart) to import path and line."""

    code: Code
    package: str
    imports: Mapping[str, tuple[str, int]]
    blank: Mapping[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The package folder."""
        return self.code.path.rpartition("/")[0]

    def alias(self, path: str) -> str | None:
        """The local name of an import path."""
        return next((name for name, (imported, _) in self.imports.items() if imported == path), None)

    def paths(self) -> dict[str, int]:
        """All import paths with their line, blank ones included."""
        return {**dict(self.imports.values()), **self.blank}


def module_of(area: Area) -> Module | None:
    """The go.mod of the area, else the nearest above."""
    own = area.named("go.mod")
    found = own[:1] or tuple(source for source in area.above if source.name == "go.mod")[:1]
    return parse_module(found[0]) if found else None


def parse_module(source: Source) -> Module:
    """Read a go.mod line by line."""
    name, version, at, block = "", None, 1, ""
    requires: dict[str, int] = {}
    for number, line in enumerate(source.text.splitlines(), 1):
        words = line.split("//")[0].split()
        if not words:
            continue
        if block == "require" and words[0] != ")" and "// indirect" not in line:
            requires[words[0]] = number
        elif words[0] == "module" and len(words) > 1:
            name = words[1].strip('"')
        elif words[0] == "go" and len(words) > 1 and not block:
            version, at = words[1], number
        elif words[0] == "require" and len(words) > 2 and "// indirect" not in line:
            requires[words[1]] = number
        block = words[0] if words[-1] == "(" else ("" if words[0] == ")" else block)
    return Module(source.path, source.folder, name, version, at, requires)


def unit_of(source: Source) -> Unit:
    """Scan a file and read its package clause and imports."""
    code = scan_go(source)
    package = code.text(1) if code.text(0) == "package" else ""
    imports: dict[str, tuple[str, int]] = {}
    blank: dict[str, int] = {}
    for index in range(min(len(code.tokens), 4_000)):
        if code.text(index) == "import" and code.parent[index] < 0:
            _imports(code, index + 1, imports, blank)
        elif code.text(index) == "func" and code.parent[index] < 0:
            break
    return Unit(code, package, imports, blank)


def _imports(code: Code, index: int, imports: dict[str, tuple[str, int]], blank: dict[str, int]) -> None:
    end = code.match[index] if code.text(index) == "(" and code.match[index] > 0 else index + 2
    for at in range(index, min(end, index + 800, len(code.tokens))):
        path = code.literal(at)
        if path is None:
            continue
        before = code.text(at - 1)
        if before == "_":
            blank[path] = code.line(at)
        else:
            named = code.is_name(at - 1) and before != "import" and code.line(at - 1) == code.line(at)
            imports[before if named else default_alias(path)] = (path, code.line(at))


def default_alias(path: str) -> str:
    """The usual package name of an import path: no version, no ``go-`` in front, no ``-go`` or ``.go`` behind."""
    parts = [part for part in path.split("/") if part]
    while len(parts) > 1 and _MAJOR.fullmatch(parts[-1]):
        parts.pop()
    last = parts[-1] if parts else path
    stem, _, version = last.rpartition(".")
    if stem and (_MAJOR.fullmatch(version) or version == "go"):
        last = stem
    return last.removeprefix("go-").removesuffix("-go")


def go_files(tree: Tree, folder: str) -> dict[str, list[Source]]:
    """The Go files below a folder (tests and generated code left out) by package folder."""
    found: dict[str, list[Source]] = defaultdict(list)
    prefix = folder + "/" if folder else ""
    for path in sorted(tree.texts):
        if path.endswith(".go") and path.startswith(prefix) and not skipped(path[len(prefix) :]):
            text = tree.texts[path]
            if len(text) <= MAX_FILE:
                source = Source(path, text)
                found[source.folder].append(source)
    return found


def program(tree: Tree, area: Area, module: Module | None) -> tuple[Unit, ...]:
    """The files that the programs of an area are built from: their own, and what they import from the same module."""
    mine = [unit_of(source) for source in area.ending(".go")]
    mains = [unit for unit in mine if unit.package == "main"]
    if module is None or not module.name or not mains:
        return tuple(mine)
    units = {unit.code.path: unit for unit in mine}
    files = go_files(tree, module.folder)
    reached: dict[str, Unit] = {unit.code.path: unit for unit in mains}
    waiting = list(mains)
    seen = {unit.folder for unit in mains}
    while waiting and len(reached) < MAX_FILES:
        for folder in _folders(waiting.pop(), module) - seen:
            seen.add(folder)
            for source in files.get(folder, []):
                unit = units.get(source.path) or unit_of(source)
                reached[source.path] = unit
                waiting.append(unit)
    return tuple(reached[path] for path in sorted(reached))


def _folders(unit: Unit, module: Module) -> set[str]:
    return {folder for path in unit.paths() if (folder := folder_of(path, module)) is not None}


def folder_of(path: str, module: Module) -> str | None:
    """The folder of an import path of the same module."""
    if path == module.name:
        return module.folder
    if not path.startswith(module.name + "/"):
        return None
    tail = path[len(module.name) + 1 :]
    return f"{module.folder}/{tail}" if module.folder else tail
