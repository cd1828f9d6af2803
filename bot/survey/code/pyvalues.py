"""What a Python expression is worth without running it: constants, defaults, names of environment variables.

In: parsed files of one program. Out: ``Worth``. Never: execution, recursion beyond the depth cap.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.survey.code.pysource import Place, PyFile, dotted
from bot.survey.code.values import DEPTH, HOLE, UNKNOWN, Worth, first, is_env_name, joined

_OPTIONS = frozenset({"add_argument", "option", "Option", "define", "argument", "add_option"})
_OFF = frozenset({"", "0", "false", "False", "no", "off", "None"})


@dataclass
class PyBook:
    """The files of an area with flags, defaults of parameters, and callers."""

    files: tuple[PyFile, ...]
    flags: dict[str, tuple[PyFile, ast.expr]] = field(default_factory=dict)
    callers: dict[str, list[tuple[PyFile, ast.Call, Place]]] = field(default_factory=dict)
    fields: dict[str, list[tuple[PyFile, ast.expr]]] = field(default_factory=dict)
    parameters: dict[str, list[tuple[PyFile, ast.expr | None, str, int]]] = field(default_factory=dict)
    budget: int = 40_000


def book_of(files: tuple[PyFile, ...]) -> PyBook:
    """Collect what crosses files."""
    book = PyBook(files)
    for file in files:
        for name, values in file.fields.items():
            book.fields.setdefault(name, []).extend((file, value) for value in values[:8])
        for call, place in file.calls:
            _call(book, file, call, place)
        for function, _ in file.functions:
            _parameters(book, file, function)
    return book


def _call(book: PyBook, file: PyFile, call: ast.Call, place: Place) -> None:
    names = dotted(call.func)
    if not names:
        return
    known = book.callers.setdefault(names[-1], [])
    if len(known) < 16:
        known.append((file, call, place))
    if names[-1] in _OPTIONS:
        default = keyword(call, "default")
        flags = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        for flag in flags[:4]:
            if default is not None and len(flag) > 2:
                book.flags[flag.lstrip("-").replace("-", "_")] = (file, default)


def _parameters(book: PyBook, file: PyFile, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    args = [*function.args.posonlyargs, *function.args.args]
    defaults: list[ast.expr | None] = [*([None] * (len(args) - len(function.args.defaults))), *function.args.defaults]
    for position, (arg, default) in enumerate(zip(args[:20], defaults[:20], strict=True)):
        book.parameters.setdefault(arg.arg, []).append((file, default, function.name, position))


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """The value of a keyword argument, or None."""
    return next((item.value for item in call.keywords if item.arg in names), None)


def argument(call: ast.Call, position: int, *names: str) -> ast.expr | None:
    """An argument by keyword, else by position."""
    found = keyword(call, *names)
    if found is None and len(call.args) > position and not isinstance(call.args[position], ast.Starred):
        return call.args[position]
    return found


def text_of(node: ast.expr | None) -> str | None:
    """The text of a string constant."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def env_read(node: ast.expr) -> tuple[str, ast.expr | None, bool] | None:
    """A read of the environment: name, default, and whether it must be there (``os.environ["X"]``)."""
    if isinstance(node, ast.Subscript):
        name = text_of(node.slice)
        return (name, None, True) if name and dotted(node.value)[-1:] == ("environ",) else None
    if not isinstance(node, ast.Call) or not node.args:
        return None
    name = text_of(node.args[0])
    chain = dotted(node.func)
    if name is None or not is_env_name(name) or not chain:
        return None
    if not any("env" in part.lower() for part in chain) and chain != ("config",):
        return None
    default = argument(node, 1, "default")
    strict = chain in {("env",), ("config",)} or (len(chain) == 2 and chain[0] == "env")
    return name, default, strict and default is None


def py_worth(book: PyBook, file: PyFile, node: ast.expr | None, depth: int = 0) -> Worth:
    """What an expression is worth."""
    book.budget -= 1
    if node is None or depth > DEPTH or book.budget < 0:
        return UNKNOWN
    match node:
        case ast.Constant():
            return Worth(_constant(node))
        case ast.Name():
            return _name(book, file, node.id, depth)
        case ast.BoolOp() | ast.IfExp():
            parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            return first(py_worth(book, file, part, depth + 1) for part in parts[:4])
        case _:
            return _reached(book, file, node, depth)


def _reached(book: PyBook, file: PyFile, node: ast.expr, depth: int) -> Worth:
    match node:
        case ast.Attribute():
            return _attribute(book, file, node, depth)
        case ast.Subscript():
            read = env_read(node)
            return Worth(None, read[0]) if read else UNKNOWN
        case ast.Call():
            return _called(book, file, node, depth)
        case _:
            return _composed(book, file, node, depth)


def _composed(book: PyBook, file: PyFile, node: ast.expr, depth: int) -> Worth:
    match node:
        case ast.BinOp(op=ast.Add()):
            return joined([py_worth(book, file, part, depth + 1) for part in (node.left, node.right)])
        case ast.BinOp(op=ast.Mod()):
            parts = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            return _filled(book, file, py_worth(book, file, node.left, depth + 1).text, parts, depth)
        case ast.JoinedStr():
            return joined([_piece(book, file, part, depth) for part in node.values[:20]])
        case ast.Await():
            return py_worth(book, file, node.value, depth + 1)
        case _:
            return UNKNOWN


def _piece(book: PyBook, file: PyFile, part: ast.expr, depth: int) -> Worth:
    return py_worth(book, file, part.value if isinstance(part, ast.FormattedValue) else part, depth + 1)


def _filled(book: PyBook, file: PyFile, pattern: str | None, parts: list[ast.expr], depth: int) -> Worth:
    """A ``%`` or ``{}`` pattern with its values, in order."""
    if pattern is None:
        return UNKNOWN
    values = [py_worth(book, file, part, depth + 1) for part in parts[:8]]
    text, env = pattern, next((value.env for value in reversed(values) if value.env), None)
    for value in values:
        for mark in ("%s", "%d", "%i", "{}"):
            if mark in text:
                text = text.replace(mark, HOLE if value.text is None else value.text, 1)
                break
    return Worth(text, env)


def _name(book: PyBook, file: PyFile, name: str, depth: int) -> Worth:
    found = [py_worth(book, file, value, depth + 1) for value in file.names.get(name, [])[:6]]
    result = first(found)
    if result.text or result.env:
        return result
    return first(
        (result, _passed(book, file, name, depth), _foreign(book, file, name, depth), _flag(book, name, depth))
    )


def _flag(book: PyBook, name: str, depth: int) -> Worth:
    known = book.flags.get(name)
    return py_worth(book, known[0], known[1], depth + 1) if known else UNKNOWN


def _foreign(book: PyBook, file: PyFile, name: str, depth: int) -> Worth:
    """A constant imported from another file of the area."""
    if name not in file.imports:
        return UNKNOWN
    other = module_file(book, file, file.imports[name][0].rpartition(".")[0])
    if other is None or other is file:
        return UNKNOWN
    return first(py_worth(book, other, value, depth + 1) for value in other.names.get(name, [])[:4])


def _passed(book: PyBook, file: PyFile, name: str, depth: int) -> Worth:
    """A parameter: its default, then what callers pass."""
    found: list[Worth] = []
    for home, default, function, position in book.parameters.get(name, [])[:4]:
        if home is not file:
            continue
        for caller, call, _ in book.callers.get(function, [])[:4]:
            found.append(py_worth(book, caller, argument(call, position, name), depth + 1))
        found.append(py_worth(book, home, default, depth + 1))
    return first(found)


def _attribute(book: PyBook, file: PyFile, node: ast.Attribute, depth: int) -> Worth:
    found: list[Worth] = [_flag(book, node.attr, depth)]
    if isinstance(node.value, ast.Name) and node.value.id in file.imports:
        other = module_file(book, file, file.imports[node.value.id][0])
        if other is not None:
            found += [py_worth(book, other, value, depth + 1) for value in other.names.get(node.attr, [])[:4]]
    found += [py_worth(book, home, value, depth + 1) for home, value in book.fields.get(node.attr, [])[:6]]
    class_level = file.names.get(node.attr, [])[:4] if dotted(node)[:1] in {("self",), ("cls",)} else []
    return first((*found, *(py_worth(book, file, value, depth + 1) for value in class_level)))


def _called(book: PyBook, file: PyFile, node: ast.Call, depth: int) -> Worth:
    read = env_read(node)
    if read is not None:
        return Worth(py_worth(book, file, read[1], depth + 1).text, read[0])
    if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        pattern = py_worth(book, file, node.func.value, depth + 1).text
        return _filled(book, file, pattern, list(node.args), depth)
    if dotted(node.func)[-1:] == ("Field",):
        return py_worth(book, file, argument(node, 0, "default"), depth + 1)
    return first(py_worth(book, file, arg, depth + 1) for arg in node.args[:2])


def module_file(book: PyBook, file: PyFile, module: str) -> PyFile | None:
    """The file of the area that a dotted module name means, relative ones included."""
    level = len(module) - len(module.lstrip("."))
    parts = [part for part in module.lstrip(".").split(".") if part]
    folder = file.path.split("/")[:-1]
    if level:
        base = folder[: len(folder) - level + 1] if level > 1 else folder
        wanted = ["/".join([*base, *parts])]
    else:
        wanted = ["/".join([*folder[: len(folder) - up], *parts]) for up in range(len(folder) + 1)]
    paths = {other.path: other for other in book.files}
    for stem in wanted:
        for path in (stem + ".py", stem + "/__init__.py"):
            if path in paths:
                return paths[path]
    tail = "/".join(parts)
    ends = [other for path, other in paths.items() if tail and path.endswith((f"/{tail}.py", f"/{tail}/__init__.py"))]
    return ends[0] if len(ends) == 1 else None


def optional_place(book: PyBook, file: PyFile, place: Place, depth: int = 0) -> bool:
    """True where code runs only when a setting is given: under a test of the environment, or in a function that is only
    called from such places.
    """
    if any(_switch(book, file, test) for test in place.tests):
        return True
    callers = book.callers.get(place.function, []) if place.function and depth < 3 else []
    return bool(callers) and all(optional_place(book, home, at, depth + 1) for home, _, at in callers)


def _switch(book: PyBook, file: PyFile, test: ast.expr) -> bool:
    """A condition on the environment that is off by default."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return False
    if isinstance(test, ast.Compare):
        against = [_constant(part) or "" for part in (test.left, *test.comparators) if isinstance(part, ast.Constant)]
        negative = isinstance(test.ops[0], ast.NotEq | ast.IsNot | ast.NotIn)
        if any(not text for text in against) != negative:
            return False
    return any(_off(book, file, part) for part in _parts(test))


def _constant(node: ast.expr) -> str | None:
    """The text of a short string or a number of reasonable size; None, True and False by name."""
    value = node.value if isinstance(node, ast.Constant) else ...
    if isinstance(value, str):
        return value if len(value) <= 500 else None
    if isinstance(value, bool) or value is None:
        return None
    return str(value) if isinstance(value, int) and abs(value) < 10**12 else None


def _parts(test: ast.expr) -> Iterable[ast.expr]:
    if isinstance(test, ast.BoolOp):
        return test.values[:6]
    if isinstance(test, ast.Compare):
        return [test.left, *test.comparators][:4]
    return [test]


def _off(book: PyBook, file: PyFile, part: ast.expr) -> bool:
    if isinstance(part, ast.Constant):
        return False
    value = py_worth(book, file, part)
    return value.env is not None and (value.text is None or value.text in _OFF)
