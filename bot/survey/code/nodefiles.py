"""Node sources of one area: scanned files, what they import, which file an import means.

In: an area. Out: ``Script`` values. Never: a resolution outside the area.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import join, normpath

from bot.survey.code.sources import NODE, Area, Source
from bot.survey.code.tokens import Code, scan_js

_SCRIPT = re.compile(r"<script[^>]{0,200}>")
_TELLING = re.compile(
    r"process\.env|meta\.env|listen|[Rr]outer|[Ss]erver|[Cc]ontroller|express|fastify|koa|hapi|hono|\bapp\.|\bport\b|[Cc]onfig"
    r"|[Cc]lient|connect|[Pp]ool|redis|mongo|kafka|amqp|sequelize|typeorm|knex|prisma|drizzle|bull|nats|https://"
)
_ENDS = (".js", ".ts", ".mjs", ".cjs", ".tsx", ".jsx", "/index.js", "/index.ts", "")


@dataclass(frozen=True)
class Script:
    """One file. ``imports`` maps local names to modules; ``modules`` every module that is named, with its line."""

    code: Code
    imports: Mapping[str, str]
    modules: Mapping[str, int]


def scripts_of(area: Area) -> tuple[Script, ...]:
    """The files of an area; one without any telling word (most of a front end) is not scanned."""
    return tuple(script_of(source) for source in area.ending(*NODE))


def script_of(source: Source) -> Script:
    """Scan a file; of a component only its script is read."""
    telling = _TELLING.search(source.text) is not None
    code = scan_js(_component(source) if telling else Source(source.path, ""))
    imports: dict[str, str] = {}
    modules: dict[str, int] = {}
    for index, token in enumerate(code.tokens):
        if token.kind == "name" and token.text == "require" and code.text(index + 1) == "(":
            _required(code, index, imports, modules)
        elif token.kind == "name" and token.text == "import":
            _imported(code, index, imports, modules)
    return Script(code, imports, modules)


def _component(source: Source) -> Source:
    if not source.path.endswith((".vue", ".svelte")):
        return source
    start = _SCRIPT.search(source.text)
    if start is None:
        return Source(source.path, "")
    end = source.text.find("</script>", start.end())
    before = "\n" * source.text.count("\n", 0, start.end())
    return Source(source.path, before + source.text[start.end() : end if end >= 0 else None])


def _required(code: Code, index: int, imports: dict[str, str], modules: dict[str, int]) -> None:
    module = code.literal(index + 2)
    if module is None or len(module) > 200:
        return
    modules.setdefault(module, code.line(index))
    if code.text(index - 1) == "=":
        for name in _targets(code, index - 2):
            imports[name] = module


def _targets(code: Code, index: int) -> list[str]:
    """``x = require``, ``{ a, b: c } = require``."""
    if code.is_name(index):
        return [code.text(index)]
    if code.text(index) == "}" and code.match[index] >= 0:
        inner = range(code.match[index] + 1, min(index, code.match[index] + 60))
        return [code.text(at) for at in inner if code.is_name(at) and code.text(at + 1) != ":"]
    return []


def _imported(code: Code, index: int, imports: dict[str, str], modules: dict[str, int]) -> None:
    names: list[str] = []
    for at in range(index + 1, min(index + 120, len(code.tokens))):
        module = code.literal(at)
        if module is not None:
            if code.text(at - 1) in {"from", "import", "("} and len(module) <= 200:
                modules.setdefault(module, code.line(at))
                imports.update(dict.fromkeys(names, module))
            return
        if code.text(at) in {";", "="}:
            return
        if code.is_name(at) and code.text(at) not in {"from", "type", "as"} and code.text(at + 1) != "as":
            names.append(code.text(at))


def resolve(scripts: Mapping[str, Script], path: str, module: str) -> str | None:
    """The file that a relative import means."""
    if not module.startswith("."):
        return None
    base = normpath(join(path.rpartition("/")[0], module))
    stem = base.removesuffix(".js")
    return next((stem + end for end in _ENDS if stem + end in scripts), base if base in scripts else None)
