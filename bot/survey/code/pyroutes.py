"""HTTP routes of Python code: FastAPI, Flask, Starlette, Django, aiohttp, Sanic, Tornado, Bottle.

In: parsed files of one area. Out: endpoints. Never: a route of a test client.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TypeGuard

from bot.model.profile import Endpoint
from bot.survey.code.facts import evidence, route_path, unique_routes
from bot.survey.code.pysource import PyFile, dotted
from bot.survey.code.pyvalues import PyBook, argument, keyword, module_file, py_worth, text_of
from bot.survey.code.values import HOLE

_VERBS = frozenset({"get", "post", "put", "delete", "patch", "head", "options"})
_ANY = frozenset({"route", "api_route", "websocket", "add_url_rule", "add_api_route", "add_route", "any"})
_ROUTERS = frozenset({"APIRouter", "Blueprint", "FastAPI", "Router", "Namespace", "Flask", "Sanic", "Quart"})
_MOUNTS = frozenset({"include_router", "register_blueprint", "mount", "blueprint", "add_namespace"})
_DEPTH = 6

Key = tuple[str, str]


@dataclass
class Mounts:
    """Routers by file and name: their own prefix, and where they are mounted with which prefix."""

    own: dict[Key, str] = field(default_factory=dict)
    parents: dict[Key, list[tuple[Key, str, bool]]] = field(default_factory=dict)


def py_routes(book: PyBook) -> tuple[Endpoint, ...]:
    """All routes of the area."""
    mounts = _mounts(book)
    found: list[Endpoint] = []
    for file in book.files:
        for function, _ in file.functions:
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call):
                    found += _route(book, mounts, file, decorator)
        for call, _ in file.calls:
            found += _declared(book, mounts, file, call)
    return unique_routes((*found, *_django(book)))


def _mounts(book: PyBook) -> Mounts:
    mounts = Mounts()
    for file in book.files:
        for name, values in file.names.items():
            for value in values[:4]:
                if isinstance(value, ast.Call) and dotted(value.func)[-1:] and dotted(value.func)[-1] in _ROUTERS:
                    prefix = py_worth(book, file, keyword(value, "prefix", "url_prefix", "root_path")).text
                    mounts.own[file.path, name] = prefix or ""
        for call, _ in file.calls:
            _mount(book, mounts, file, call)
    return mounts


def _mount(book: PyBook, mounts: Mounts, file: PyFile, call: ast.Call) -> None:
    chain = dotted(call.func)
    if len(chain) < 2 or chain[-1] not in _MOUNTS or not call.args:
        return
    position = 1 if chain[-1] == "mount" and len(call.args) > 1 else 0
    child = _router(book, file, call.args[position])
    if child is None:
        return
    given = call.args[0] if position else keyword(call, "prefix", "url_prefix", "path")
    prefix = py_worth(book, file, given).text
    replaces = chain[-1] in {"register_blueprint", "blueprint"} and prefix is not None
    mounts.parents.setdefault(child, []).append(((file.path, chain[-2]), prefix or "", replaces))


def _router(book: PyBook, file: PyFile, node: ast.expr) -> Key | None:
    """Which router object an expression means: a name here, a name imported, or an attribute of an imported module."""
    chain = dotted(node)
    if not chain or chain[0] == "()":
        return None
    if chain[0] not in file.imports:
        return file.path, chain[-1]
    module = file.imports[chain[0]][0]
    if len(chain) > 1:
        other = module_file(book, file, module)
        return (other.path, chain[-1]) if other else None
    parent, _, name = module.rpartition(".")
    other = module_file(book, file, parent or ".")
    return (other.path, name) if other else None


def _prefixes(mounts: Mounts, key: Key, depth: int = 0) -> tuple[str, ...]:
    own = mounts.own.get(key, "")
    parents = mounts.parents.get(key, [])
    if depth > _DEPTH or not parents:
        return (own,)
    found = []
    for parent, prefix, replaces in parents[:8]:
        tail = f"{prefix}/{'' if replaces else own}"
        found += [f"{above}/{tail}" for above in _prefixes(mounts, parent, depth + 1)[:8]]
    return tuple(dict.fromkeys(found))[:16]


def _route(book: PyBook, mounts: Mounts, file: PyFile, call: ast.Call) -> list[Endpoint]:
    """``@app.get("/x")``, ``@app.route("/x", methods=["POST"])``, ``@route("/x")`` (Bottle)."""
    chain = dotted(call.func)
    if not chain or chain[-1] not in _VERBS | _ANY:
        return []
    path = py_worth(book, file, argument(call, 0, "path", "rule", "uri")).text
    if path is None or (path and not path.startswith("/")):
        return []
    if len(chain) == 1 and not file.imported("bottle"):
        return []
    key = (file.path, chain[-2]) if len(chain) > 1 else (file.path, "")
    if chain[-2:-1] and chain[-2] in file.imports:
        key = _router(book, file, call.func.value) or key if isinstance(call.func, ast.Attribute) else key
    return _made(file, call, _methods(call, chain[-1]), _prefixes(mounts, key), path)


def _methods(call: ast.Call, verb: str) -> tuple[str, ...]:
    if verb in _VERBS:
        return (verb.upper(),)
    given = keyword(call, "methods", "method")
    items = given.elts if isinstance(given, ast.List | ast.Tuple | ast.Set) else [given] if given else []
    named = tuple(text.upper() for item in items[:9] if (text := text_of(item)) and text.isalpha() and len(text) < 10)
    return named or ("GET",)


def _made(
    file: PyFile, call: ast.Call, methods: tuple[str, ...], prefixes: tuple[str, ...], path: str
) -> list[Endpoint]:
    found = []
    for prefix in prefixes:
        for method in methods:
            full = route_path(prefix, path.replace(HOLE, ""))
            if full is not None:
                seen = evidence(file.path, call.lineno, f"{method} {full}")
                found.append(Endpoint(method=method, path=full, evidence=seen))
    return found


def _declared(book: PyBook, mounts: Mounts, file: PyFile, call: ast.Call) -> list[Endpoint]:
    """Routes that are declared by a call: ``add_url_rule``, ``Route``, aiohttp's ``add_get``, ``web.get``, Tornado."""
    chain = dotted(call.func)
    if not chain:
        return []
    name = chain[-1]
    if name in {"add_url_rule", "add_api_route"} or (name == "Route" and file.imported("starlette")):
        path = py_worth(book, file, argument(call, 0, "rule", "path")).text
        key = (file.path, chain[-2]) if len(chain) > 1 else (file.path, "")
        return _made(file, call, _methods(call, "route"), _prefixes(mounts, key), path) if _is_path(path) else []
    if file.imported("aiohttp") and (name.removeprefix("add_") in _VERBS or name == "add_route"):
        return _aiohttp(file, call, chain)
    if name == "add_resource" and len(call.args) > 1:
        paths = [text for arg in call.args[1:5] if _is_path(text := text_of(arg))]
        return [made for path in paths for made in _made(file, call, ("ANY",), ("",), path)]
    if name == "Application" and file.imported("tornado"):
        return _tornado(file, call)
    return []


def _is_path(text: str | None) -> TypeGuard[str]:
    return text is not None and text.startswith("/")


def _aiohttp(file: PyFile, call: ast.Call, chain: tuple[str, ...]) -> list[Endpoint]:
    position = 1 if chain[-1] == "add_route" else 0
    method = (text_of(argument(call, 0)) or "").upper() if position else chain[-1].removeprefix("add_").upper()
    path = text_of(argument(call, position))
    handled = len(call.args) > position + 1 and len(chain) > 1
    if path is None or not _is_path(path) or not handled or not method.strip("*").isalpha():
        return []
    return _made(file, call, (method,), ("",), path)


def _tornado(file: PyFile, call: ast.Call) -> list[Endpoint]:
    items = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
    paths = [text_of(item.elts[0]) for item in items[:200] if isinstance(item, ast.Tuple) and item.elts]
    return [
        made
        for path in paths
        if path is not None and _is_path(path)
        for made in _made(file, call, ("ANY",), ("",), path.rstrip("$"))
    ]


def _django(book: PyBook) -> list[Endpoint]:
    """``path("x/", view)`` in urls.py, with the prefixes of ``include``."""
    mounts: dict[str, list[tuple[str, str]]] = {}
    plain: list[tuple[PyFile, ast.Call, str]] = []
    for file in book.files:
        if file.imported("django.urls") is None and file.imported("django.conf.urls") is None:
            continue
        for call, _ in file.calls:
            if dotted(call.func) in {("path",), ("re_path",), ("url",)} and len(call.args) > 1:
                _django_path(book, file, call, (mounts, plain))
    return [
        made
        for file, call, text in plain
        for prefix in _django_prefixes(mounts, file.path, 0)
        for made in _made(file, call, ("ANY",), (prefix,), "/" + text)
    ]


def _django_path(
    book: PyBook,
    file: PyFile,
    call: ast.Call,
    tables: tuple[dict[str, list[tuple[str, str]]], list[tuple[PyFile, ast.Call, str]]],
) -> None:
    text = text_of(call.args[0])
    if text is None:
        return
    text = text.lstrip("^").rstrip("$")
    view = call.args[1]
    if not (isinstance(view, ast.Call) and dotted(view.func)[-1:] == ("include",)):
        tables[1].append((file, call, text))
        return
    target = view.args[0] if view.args else None
    named = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
    module = text_of(named)
    other = module_file(book, file, module) if module else None
    if other is not None:
        tables[0].setdefault(other.path, []).append((file.path, text))


def _django_prefixes(mounts: dict[str, list[tuple[str, str]]], path: str, depth: int) -> tuple[str, ...]:
    parents = mounts.get(path, [])
    if depth > _DEPTH or not parents:
        return ("",)
    return tuple(
        f"{above}/{prefix}"
        for parent, prefix in parents[:4]
        for above in _django_prefixes(mounts, parent, depth + 1)[:4]
    )
