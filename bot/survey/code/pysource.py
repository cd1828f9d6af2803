"""One Python file as a syntax tree, walked without recursion.

In: source text. Out: ``PyFile``. Never: execution, an exception for what the text holds.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.survey.code.sources import Source

MAX_NODES = 200_000
_MAX_NESTING = 80
_BRACKETS = re.compile(r"[()\[\]{}]|[^()\[\]{}]+")
_RUNS = re.compile(r"(?:[-+~!]\s?|\bnot\b\s?|\blambda\b[^\n:]{0,20}:|\bawait\b\s?|\*\*\s?\S\s?){400}")


@dataclass(frozen=True)
class Place:
    """Where a node stands. ``tests``: conditions that must hold; ``caught``: exceptions that a try expects."""

    function: str = ""
    owner: str = ""
    main: bool = False
    tests: tuple[ast.expr, ...] = ()
    caught: frozenset[str] = frozenset()


@dataclass
class PyFile:
    """A parsed file and the tables that questions need."""

    path: str
    imports: dict[str, tuple[str, int]] = field(default_factory=dict)
    calls: list[tuple[ast.Call, Place]] = field(default_factory=list)
    names: dict[str, list[ast.expr]] = field(default_factory=dict)
    fields: dict[str, list[ast.expr]] = field(default_factory=dict)
    functions: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Place]] = field(default_factory=list)
    classes: list[ast.ClassDef] = field(default_factory=list)
    subscripts: list[tuple[ast.Subscript, Place]] = field(default_factory=list)
    strings: list[tuple[str, int]] = field(default_factory=list)
    strict: set[str] = field(default_factory=set)
    compared: set[int] = field(default_factory=set)
    guarded: bool = False

    def imported(self, module: str) -> int | None:
        """The line that imports a module or something of it, or None."""
        for full, line in self.imports.values():
            if full == module or full.startswith(module + "."):
                return line
        return None


def dotted(node: ast.expr) -> tuple[str, ...]:
    """``a.b.c`` as names; empty for anything else; a call in front reads ``()``."""
    names: list[str] = []
    current = node
    while isinstance(current, ast.Attribute) and len(names) < 20:
        names.append(current.attr)
        current = current.value
    if isinstance(current, ast.Name):
        names.append(current.id)
    elif isinstance(current, ast.Call):
        names.append("()")
    else:
        return ()
    return tuple(reversed(names))


def parse(source: Source) -> PyFile | None:
    """Parse and index a file; None when it is no Python that this interpreter reads, or nested without measure."""
    if too_deep(source.text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    file = PyFile(source.path)
    for node, place in _walk(tree):
        _index(file, node, place)
    return file


def too_deep(text: str) -> bool:
    """True when brackets or prefix operators pile up so high that a parser could run out of stack."""
    depth = deepest = 0
    for found in _BRACKETS.finditer(text):
        mark = found.group()
        if mark in {"(", "[", "{"}:
            depth += 1
            deepest = max(deepest, depth)
        elif mark in {")", "]", "}"}:
            depth = max(depth - 1, 0)
    return deepest > _MAX_NESTING or _RUNS.search(text) is not None


def _walk(tree: ast.AST) -> Iterator[tuple[ast.AST, Place]]:
    stack: list[tuple[ast.AST, Place]] = [(tree, Place())]
    count = 0
    while stack and count < MAX_NODES:
        node, place = stack.pop()
        count += 1
        yield node, place
        stack += reversed(list(_children(node, place)))


def _children(node: ast.AST, place: Place) -> Iterator[tuple[ast.AST, Place]]:
    if isinstance(node, ast.If):
        yield node.test, place
        main = "__name__" in {name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)}
        inner = _place(place, main=place.main or main, tests=(*place.tests, node.test)[-8:])
        yield from ((child, inner) for child in node.body)
        yield from ((child, place) for child in node.orelse)
    elif isinstance(node, ast.Try):
        inner = _place(place, caught=place.caught | _expected(node))
        yield from ((child, inner) for child in node.body)
        yield from ((child, place) for part in (node.handlers, node.orelse, node.finalbody) for child in part)
    else:
        yield from ((child, _below(node, place)) for child in ast.iter_child_nodes(node))


def _place(
    place: Place,
    *,
    main: bool | None = None,
    tests: tuple[ast.expr, ...] | None = None,
    caught: frozenset[str] | None = None,
) -> Place:
    return Place(
        function=place.function,
        owner=place.owner,
        main=place.main if main is None else main,
        tests=place.tests if tests is None else tests,
        caught=place.caught if caught is None else caught,
    )


def _below(node: ast.AST, place: Place) -> Place:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not place.function:
        return Place(function=node.name, owner=place.owner, main=place.main, tests=(), caught=frozenset())
    if isinstance(node, ast.ClassDef):
        return Place(function=place.function, owner=node.name, main=place.main, tests=place.tests, caught=place.caught)
    return place


def _expected(node: ast.Try) -> frozenset[str]:
    found: set[str] = set()
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        found |= {dotted(kind)[-1] if kind is not None and dotted(kind) else "Exception" for kind in kinds}
    return frozenset(found)


def _index(file: PyFile, node: ast.AST, place: Place) -> None:
    match node:
        case ast.Import() | ast.ImportFrom():
            _index_import(file, node, place)
        case ast.Call():
            file.calls.append((node, place))
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            file.functions.append((node, place))
        case ast.ClassDef():
            file.classes.append(node)
        case ast.Subscript():
            file.subscripts.append((node, place))
        case ast.Constant():
            if isinstance(node.value, str) and len(node.value) <= 500:
                file.strings.append((node.value, node.lineno))
        case _:
            _index_more(file, node, place)


def _index_more(file: PyFile, node: ast.AST, place: Place) -> None:
    match node:
        case ast.Assign():
            for target in node.targets:
                _bind(file, target, node.value)
        case ast.AnnAssign():
            if node.value is not None:
                _bind(file, node.target, node.value)
                if place.owner and isinstance(node.target, ast.Name):
                    file.fields.setdefault(node.target.id, []).append(node.value)
        case ast.NamedExpr():
            _bind(file, node.target, node.value)
        case ast.If():
            _index_if(file, node)
        case ast.Compare():
            file.compared.update(id(part) for part in (node.left, *node.comparators))
        case _:
            pass


def _index_if(file: PyFile, node: ast.If) -> None:
    names = {part.id for part in ast.walk(node.test) if isinstance(part, ast.Name)}
    file.guarded = file.guarded or "__name__" in names
    for step in node.body:
        leaves = isinstance(step, ast.Raise) or (
            isinstance(step, ast.Expr)
            and isinstance(step.value, ast.Call)
            and dotted(step.value.func)[-1:] in {("exit",), ("_exit",)}
        )
        if leaves:
            file.strict |= names
    file.compared.add(id(node.test))


def _bind(file: PyFile, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        file.names.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Attribute):
        file.fields.setdefault(target.attr, []).append(value)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for part, worth in zip(target.elts, value.elts, strict=False):
            _bind(file, part, worth)


def _index_import(file: PyFile, node: ast.Import | ast.ImportFrom, place: Place) -> None:
    if "ImportError" in place.caught or "ModuleNotFoundError" in place.caught:
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            file.imports[name] = (alias.name, node.lineno)
        return
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        joint = "" if module.endswith(".") else "."
        file.imports[alias.asname or alias.name] = (module + joint + alias.name, node.lineno)
