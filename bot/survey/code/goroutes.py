"""HTTP routes of Go code: net/http, gin, echo, chi, fiber, gorilla/mux, with their groups.

In: calls and bindings of one program. Out: endpoints. Never: calls of HTTP clients (they pass no handler).
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.model.profile import Endpoint
from bot.survey.code.calls import Call, call_at, following, inner
from bot.survey.code.facts import evidence, route_path, unique_routes
from bot.survey.code.tokens import Code
from bot.survey.code.values import HOLE, Book, expression_end, parameter, top_block, worth

_HANDLES = frozenset({"HandleFunc", "Handle", "HandlerFunc", "Handler"})
_VERBS = {
    "GET": "GET", "POST": "POST", "PUT": "PUT", "DELETE": "DELETE", "PATCH": "PATCH", "HEAD": "HEAD",
    "OPTIONS": "OPTIONS", "Get": "GET", "Post": "POST", "Put": "PUT", "Delete": "DELETE", "Patch": "PATCH",
    "Head": "HEAD", "Options": "OPTIONS", "Any": "ANY", "All": "ANY", "WebSocket": "GET",
}  # fmt: skip
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"})
_GROUPS = frozenset({"Group", "PathPrefix", "Route", "Party", "Mount"})
_DEPTH = 8


def go_routes(book: Book, calls: tuple[Call, ...], imports: Mapping[str, frozenset[str]]) -> tuple[Endpoint, ...]:
    """All routes. ``imports`` holds the import aliases of each file: a call on one of them is no router."""
    nested = _nested_prefixes(book, calls)
    found: list[Endpoint] = []
    for call in calls:
        if call.on not in imports.get(call.code.path, frozenset()) or call.on == "http":
            found += _route(book, call, nested)
    return unique_routes(found)


def _route(book: Book, call: Call, nested: Mapping[tuple[str, int], str]) -> list[Endpoint]:
    if call.name in _VERBS and len(call.args()) >= 2 and call.on != "http":
        return _endpoints(book, call, 0, (_VERBS[call.name],), nested)
    if call.name in {"Method", "MethodFunc"} and len(call.args()) == 3:
        methods = tuple(word for word in call.words()[:1] if word in _METHODS)
        return _endpoints(book, call, 1, methods, nested) if methods else []
    if call.name in {"Handle", "HandleFunc"} and len(call.args()) >= 2:
        return _handle(book, call, nested)
    if call.name in {"Path", "PathPrefix"} and len(call.args()) == 1 and _ends_in_handler(call):
        return _endpoints(book, call, 0, _chained_methods(call), nested)
    return []


def _handle(book: Book, call: Call, nested: Mapping[tuple[str, int], str]) -> list[Endpoint]:
    """``Handle("/x", h)``, ``HandleFunc("GET /x", f)``, gin's ``Handle("GET", "/x", h)``."""
    words = call.words()
    if len(call.args()) >= 3 and words and words[0] in _METHODS:
        return _endpoints(book, call, 1, (words[0],), nested)
    return _endpoints(book, call, 0, _chained_methods(call), nested)


def _endpoints(
    book: Book, call: Call, position: int, methods: tuple[str, ...], nested: Mapping[tuple[str, int], str]
) -> list[Endpoint]:
    text = worth(book, call.code, call.args()[position]).text
    if text is None:
        return []
    text = text.replace(HOLE, "")
    verb, _, rest = text.partition(" ")
    if verb in _METHODS and rest:
        methods, text = (verb,), rest.strip()
    if text and not text.startswith("/"):
        text = text[text.index("/") :] if "/" in text and "." in text.split("/")[0] else ""
        if not text:
            return []
    prefixes = _prefixes(book, call, nested)
    return [
        made for prefix in prefixes for method in methods or ("ANY",) if (made := _made(call, method, prefix, text))
    ]


def _made(call: Call, method: str, prefix: str, text: str) -> Endpoint | None:
    path = route_path(prefix, text)
    if path is None:
        return None
    return Endpoint(method=method, path=path, evidence=evidence(call.code.path, call.line, f'{call.name}("{path}")'))


def _chained_methods(call: Call) -> tuple[str, ...]:
    """``.Methods("GET", http.MethodPost)`` before or after in the same chain."""
    after, before = following(call), inner(call)
    for _ in range(8):
        for step in (after, before):
            if step is not None and step.name == "Methods":
                return _methods_in(step)
        after = following(after) if after else None
        before = inner(before) if before else None
    return ()


def _methods_in(call: Call) -> tuple[str, ...]:
    found = []
    for index in range(call.open + 1, min(call.end, call.open + 60)):
        text = (call.code.literal(index) or call.code.text(index).removeprefix("Method")).upper()
        if text in _METHODS and text not in found:
            found.append(text)
    return tuple(found)


def _ends_in_handler(call: Call) -> bool:
    step = following(call)
    for _ in range(8):
        if step is None or step.name in _HANDLES:
            return step is not None
        step = following(step)
    return False


def _prefixes(book: Book, call: Call, nested: Mapping[tuple[str, int], str]) -> tuple[str, ...]:
    """The prefixes that the receiver of a route call carries."""
    around = _around(call.code, call.open, nested)
    if call.receiver >= 0:
        before = inner(call)
        return tuple(_join(around, own) for own in _chain_prefix(book, before, 0)) if before else (around,)
    if around or not call.on:
        return (around,)
    return _of_name(book, call.code, call.open - 3, call.on, 0) or ("",)


def _around(code: Code, index: int, nested: Mapping[tuple[str, int], str]) -> str:
    """The prefixes of all ``Route("/x", func(r) {...})`` blocks around a token, outermost first."""
    parts: list[str] = []
    current = code.parent[index]
    for _ in range(100):
        if current < 0:
            break
        prefix = nested.get((code.path, current))
        if prefix:
            parts.append(prefix)
        current = code.parent[current]
    return _join(*reversed(parts)) if parts else ""


def _nested_prefixes(book: Book, calls: tuple[Call, ...]) -> dict[tuple[str, int], str]:
    """``Route("/x", func...)`` and ``Mount("/x", routes())``: the prefix of what stands in that bracket or body."""
    found: dict[tuple[str, int], str] = {}
    bodies = _bodies(calls)
    for call in calls:
        if call.name not in {"Route", "Mount", "Party"} or len(call.args()) != 2:
            continue
        args = call.args()
        prefix = worth(book, call.code, args[0]).text
        if not prefix or not prefix.startswith("/"):
            continue
        if call.code.text(args[1][0]) == "func":
            found[call.code.path, call.open] = prefix
        elif call.name == "Mount":
            mounted = call_at(call.code, args[1][1] - 1 if args[1][1] - args[1][0] < 3 else _opener(call.code, args[1]))
            for place in bodies.get(mounted.name if mounted else "", []):
                found[place] = prefix
    return found


def _opener(code: Code, span: tuple[int, int]) -> int:
    close = code.match[span[1] - 1]
    return close if close >= 0 else span[1] - 1


def _bodies(calls: tuple[Call, ...]) -> dict[str, list[tuple[str, int]]]:
    """Top-level functions: the brace of their body by name (a declaration scans as a call behind ``func``)."""
    found: dict[str, list[tuple[str, int]]] = {}
    for call in calls:
        before = call.code.text(call.start - 1)
        if before == "func" or (before == ")" and call.code.parent[call.open] < 0):
            brace = next(
                (at for at in range(call.end, min(call.end + 12, len(call.code.tokens))) if call.code.text(at) == "{"),
                -1,
            )
            if brace >= 0:
                found.setdefault(call.name, []).append((call.code.path, brace))
    return found


def _of_name(book: Book, code: Code, index: int, name: str, depth: int) -> tuple[str, ...]:
    """The prefixes of a router variable: how it was made, or what callers pass for it."""
    if depth > _DEPTH or book.budget < 0:
        return ()
    book.budget -= 1
    block = top_block(code, index)
    bounds = book.names.get((book.scope(code), name), []) + book.fields.get((book.scope(code), name), [])
    near = [bound for bound in bounds if bound.code is code and bound.block == block] or bounds
    found: list[str] = []
    for bound in near[:8]:
        end = expression_end(bound.code, bound.start)
        opener = bound.code.match[end - 1] if bound.code.text(end - 1) == ")" else -1
        made = call_at(bound.code, opener) if opener > bound.start else None
        found += _chain_prefix(book, made, depth + 1) if made else []
    if not near and block >= 0:
        found += _passed(book, code, block, name, depth)
    return tuple(dict.fromkeys(found))[:8]


def _chain_prefix(book: Book, call: Call | None, depth: int) -> list[str]:
    """The prefix of ``x.Group("/a").Group("/b")`` and ``x.PathPrefix("/a").Subrouter()``."""
    if call is None or depth > _DEPTH:
        return [""]
    own = ""
    if call.name in _GROUPS and call.args():
        text = worth(book, call.code, call.args()[0]).text
        own = text.replace(HOLE, "") if text and text.replace(HOLE, "").startswith("/") else ""
    if call.receiver >= 0:
        before = _chain_prefix(book, inner(call), depth + 1)
    elif call.on and call.name in {*_GROUPS, "Subrouter", "With", "Use"}:
        before = list(_of_name(book, call.code, call.open - 3, call.on, depth + 1)) or [""]
    else:
        before = [""]
    return [_join(prefix, own) for prefix in before]


def _passed(book: Book, code: Code, block: int, name: str, depth: int) -> list[str]:
    place = parameter(code, block, name)
    if place is None:
        return []
    function, position = place
    found: list[str] = []
    for call in book.callers.get(function, [])[:8]:
        args = call.args()
        if len(args) <= position or call.code.text(call.start - 1) == "func":
            continue
        begin, end = args[position]
        if call.code.is_name(end - 1):
            found += _of_name(book, call.code, begin, call.code.text(end - 1), depth + 1) or [""]
        elif call.code.text(end - 1) == ")" and call.code.match[end - 1] > begin:
            found += _chain_prefix(book, call_at(call.code, call.code.match[end - 1]), depth + 1)
    return found


def _join(*parts: str) -> str:
    return "".join("/" + part.strip("/") for part in parts if part.strip("/"))
