"""HTTP routes of JavaScript and TypeScript: express, fastify, koa-router, hapi, NestJS.

In: scripts, calls and bindings of one area. Out: endpoints. Never: calls of HTTP clients.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.model.profile import Endpoint
from bot.survey.code.calls import Call, Span, call_at, inner, split
from bot.survey.code.facts import evidence, route_path, unique_routes
from bot.survey.code.nodefiles import Script, resolve
from bot.survey.code.tokens import Code
from bot.survey.code.values import HOLE, Book, expression_end, worth

_VERBS = {"get": "GET", "post": "POST", "put": "PUT", "delete": "DELETE", "del": "DELETE", "patch": "PATCH",
          "head": "HEAD", "options": "OPTIONS", "all": "ANY"}  # fmt: skip
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})
_MAKERS = frozenset({'"fastify', '"polka',
                     "express", "Router", "fastify", "Fastify", "Koa", "KoaRouter", "Hono", "polka", "restify",
                     "createServer", "server", "OpenAPIHono", "asyncRouter"})  # fmt: skip
_NAMES = ("app", "router", "server", "fastify", "api", "routes", "instance", "route", "koa", "hono")
_NEST = {"Get": "GET", "Post": "POST", "Put": "PUT", "Delete": "DELETE", "Patch": "PATCH", "Head": "HEAD",
         "Options": "OPTIONS", "All": "ANY"}  # fmt: skip
_DEPTH = 6

Key = tuple[str, str]
"""A router: file and local name; the empty name stands for what the file exports."""


class Routers:
    """Which names are routers, and where they are mounted."""

    def __init__(self, book: Book, scripts: Mapping[str, Script], calls: tuple[Call, ...]) -> None:
        self.book = book
        self.scripts = scripts
        self.mounts: dict[Key, list[tuple[Key, str]]] = {}
        for call in calls:
            if call.name in {"use", "register", "route"} and call.on:
                self._mount(call)

    def is_router(self, call: Call) -> bool:
        """True when a call's receiver is made by a framework, or is called what routers are called."""
        name = call.on
        bounds = self.book.names.get((call.code.path, name), [])
        for bound in bounds:
            end = expression_end(bound.code, bound.start)
            words = {bound.code.text(at) for at in range(bound.start, min(end, bound.start + 12))}
            if words & _MAKERS:
                return True
        if name in self.scripts[call.code.path].imports and not self._module(call.code, name).startswith("."):
            return False
        return name.lower() in _NAMES or name.lower().endswith(("router", "routes", "app"))

    def prefixes(self, key: Key, depth: int = 0) -> tuple[str, ...]:
        """The prefixes that a router carries: its own, below those of its parents."""
        own = self._own(key)
        mounts = self.mounts.get(key, []) + (self.mounts.get((key[0], ""), []) if key[1] else [])
        parents = [(parent, prefix) for parent, prefix in mounts if parent != key]
        if depth > _DEPTH or not parents:
            return (own,)
        found = [
            f"{above}/{prefix}/{own}"
            for parent, prefix in parents[:8]
            for above in self.prefixes(parent, depth + 1)[:4]
        ]
        return tuple(dict.fromkeys(found))[:16]

    def _own(self, key: Key) -> str:
        """``new Router({ prefix: "/users" })``."""
        for bound in self.book.names.get(key, [])[:4]:
            end = expression_end(bound.code, bound.start)
            for at in range(bound.start, min(end, bound.start + 30)):
                if bound.code.text(at) == "prefix" and bound.code.text(at + 1) == ":":
                    return bound.code.literal(at + 2) or ""
        return ""

    def _module(self, code: Code, name: str) -> str:
        return self.scripts[code.path].imports.get(name, "")

    def _mount(self, call: Call) -> None:
        """``app.use("/api", router)``, ``app.use("/api", require("./x"))``, ``register(plugin, { prefix: "/v1" })``."""
        args = call.args()
        if not args:
            return
        given = worth(self.book, call.code, args[0]).text if len(args) > 1 else ""
        prefix = given.replace(HOLE, "") if given and given.startswith("/") else ""
        rest = args[1:] if prefix or (given == "/" and len(args) > 1) else args
        if call.name == "register" and len(args) > 1:
            prefix, rest = self._option(call.code, args[1]), args[:1]
        for arg in rest[:6]:
            child = self._child(call.code, arg)
            if child is not None:
                self.mounts.setdefault(child, []).append(((call.code.path, call.on), prefix))

    def _option(self, code: Code, span: Span) -> str:
        for at in range(span[0], min(span[1], span[0] + 40)):
            if code.text(at) == "prefix" and code.text(at + 1) == ":":
                return code.literal(at + 2) or ""
        return ""

    def _child(self, code: Code, span: Span) -> Key | None:
        module = ""
        if code.text(span[0]) in {"require", "import"} and code.literal(span[0] + 2) is not None:
            module = code.literal(span[0] + 2) or ""
        elif code.is_name(span[0]):
            module = self._module(code, code.text(span[0]))
            if not module:
                return (code.path, code.text(span[0])) if span[1] - span[0] <= 4 else None
        target = resolve(self.scripts, code.path, module)
        return (target, "") if target else None


def node_routes(book: Book, scripts: tuple[Script, ...], calls: tuple[Call, ...]) -> tuple[Endpoint, ...]:
    """All routes of the area."""
    by_path = {script.code.path: script for script in scripts}
    routers = Routers(book, by_path, calls)
    found: list[Endpoint] = []
    for call in calls:
        found += _route(routers, call)
    for script in scripts:
        if any(module.startswith("@nestjs/common") for module in script.modules):
            found += _nest(book, script.code, _global_prefix(calls))
    return unique_routes(found)


def _route(routers: Routers, call: Call) -> list[Endpoint]:
    args = call.args()
    if call.name in _VERBS and call.receiver >= 0:
        return _chained(routers, call)
    if call.name in _VERBS and len(args) >= 2 and call.on and routers.is_router(call):
        return _made(routers, call, args[0], (_VERBS[call.name],))
    if call.name == "route" and len(args) == 1 and call.code.text(args[0][0]) == "{" and routers.is_router(call):
        return _object(routers, call, args[0])
    return []


def _chained(routers: Routers, call: Call) -> list[Endpoint]:
    """``router.route("/x").get(a).post(b)``."""
    step = inner(call)
    for _ in range(8):
        if step is None:
            return []
        if step.name == "route" and len(step.args()) == 1 and step.on and routers.is_router(step):
            return _made(routers, step, step.args()[0], (_VERBS[call.name],))
        step = inner(step)
    return []


def _object(routers: Routers, call: Call, span: Span) -> list[Endpoint]:
    """``{ method: "GET", url: "/x" }`` (fastify), ``{ method: ["GET"], path: "/x" }`` (hapi)."""
    methods: tuple[str, ...] = ()
    place: Span | None = None
    for begin, end in split(call.code, (span[0] + 1, max(call.code.match[span[0]], span[0] + 1)), ",")[:12]:
        if call.code.text(begin) == "method":
            words = [call.code.literal(at) for at in range(begin, min(end, begin + 20))]
            methods = tuple(word.upper() for word in words if word and word.upper() in _METHODS)
        elif call.code.text(begin) in {"url", "path"} and call.code.text(begin + 1) == ":":
            place = (begin + 2, end)
    return _made(routers, call, place, methods or ("ANY",)) if place else []


def _made(routers: Routers, call: Call, span: Span, methods: tuple[str, ...]) -> list[Endpoint]:
    text = worth(routers.book, call.code, span).text
    if text is None or not (text.startswith(("/", HOLE + "/")) or text == "*"):
        return []
    found = []
    for prefix in routers.prefixes((call.code.path, call.on)):
        path = route_path(prefix, text.replace(HOLE, ""))
        if path is not None:
            seen = evidence(call.code.path, call.line, f'{call.name}("{path}")')
            found += [Endpoint(method=method, path=path, evidence=seen) for method in methods]
    return found


def _global_prefix(calls: tuple[Call, ...]) -> str:
    return next((call.words()[0] for call in calls if call.name == "setGlobalPrefix" and call.words()), "")


def _nest(book: Book, code: Code, prefix: str) -> list[Endpoint]:
    """``@Controller("cats")`` and ``@Get(":id")`` in file order."""
    found: list[Endpoint] = []
    controller: str | None = None
    for index, token in enumerate(code.tokens):
        if token.text != "@" or code.text(index + 2) != "(":
            continue
        call = call_at(code, index + 2)
        text = (worth(book, code, call.args()[0]).text or "") if call and call.args() else ""
        if code.text(index + 1) == "Controller":
            controller = text
        elif code.text(index + 1) in _NEST and controller is not None:
            path = route_path(prefix, controller, text or "/")
            method = _NEST[code.text(index + 1)]
            if path is not None:
                path = path.rstrip("/") or "/"
                found.append(
                    Endpoint(method=method, path=path, evidence=evidence(code.path, token.line, f"{method} {path}"))
                )
    return found
