"""What an expression is worth without running it: constants, defaults, names of environment variables.

In: scanned files that belong together. Out: ``Worth``. Never: execution, recursion beyond ``DEPTH``, more than
``BUDGET`` looks for all questions of one area together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from posixpath import basename

from bot.survey.code.calls import Call, Span, call_at, split
from bot.survey.code.tokens import Code

DEPTH = 12
BUDGET = 30_000
HOLE = "\x00"
"""Stands for the unknown part of a text."""

_WIDEST = 1_000
_ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,80}")
_FORMATS = frozenset({"Sprintf", "Sprint", "format"})
_FORMAT_PART = re.compile(r"%[+#\-0-9.]*[vdsqT]")
_FLAGS = frozenset({"String", "Int", "Uint", "Int64", "Uint16", "Int32", "Uint32", "Bool", "StringP", "IntP", "UintP",
                    "BoolP", "Uint16P", "StringVar", "IntVar", "UintVar", "Uint16Var", "StringVarP", "IntVarP",
                    "UintVarP", "Uint16VarP"})  # fmt: skip
_GETTERS = frozenset({"GetString", "GetInt", "GetUint", "GetUint16", "GetInt32", "GetInt64", "String", "Int", "Uint",
                      "get", "Get", "getOrThrow"})  # fmt: skip
_CONTINUES = frozenset({"+", "||", "??", "&&", "?", ":", ".", "(", "[", "{", ",", "=", ":=", "=>", "|", "==", "!="})
_STARTS_ON = frozenset({".", "+", "||", "??", "?", "&&", "|"})
_ENDS = frozenset({";", ",", ")", "]", "}"})
_TAG = re.compile(r'([A-Za-z_-]{2,20}):"([^"]{0,200})"')


@dataclass(frozen=True)
class Worth:
    """A value as far as it is known. ``text`` None: unknown; ``env``: the variable it may come from."""

    text: str | None = None
    env: str | None = None

    @property
    def port(self) -> int | None:
        """The port of an address or number, or None."""
        return port_in(self.text or "")


UNKNOWN = Worth()


@dataclass(frozen=True)
class Bound:
    """A name bound to an expression that starts at ``start``, inside the top-level block that opens at ``block``."""

    code: Code
    start: int
    block: int


@dataclass
class Book:
    """Bindings of files that see each other. ``scope`` of a name is its package folder (Go) or file (JavaScript)."""

    by_folder: bool
    names: dict[tuple[str, str], list[Bound]] = field(default_factory=dict)
    fields: dict[tuple[str, str], list[Bound]] = field(default_factory=dict)
    tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    flags: dict[str, tuple[Code, Span]] = field(default_factory=dict)
    callers: dict[str, list[Call]] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    known: dict[tuple[str, int], Worth] = field(default_factory=dict)
    budget: int = BUDGET

    def scope(self, code: Code) -> str:
        """Where names of this file are visible."""
        return code.path.rpartition("/")[0] if self.by_folder else code.path


def port_in(text: str) -> int | None:
    """The port of ``:8080``, ``0.0.0.0:8080``, ``http://host:8080/`` or ``8080``; None for anything else."""
    tail = text.strip().rstrip("/").rpartition(":")[2]
    if tail.isascii() and tail.isdigit() and len(tail) <= 5 and 0 < int(tail) < 65536:
        return int(tail)
    return None


def is_env_name(text: str) -> bool:
    """True for a name such as ``DATABASE_URL``."""
    return _ENV_NAME.fullmatch(text) is not None


def config_values(texts: Iterable[str]) -> dict[str, str]:
    """Scalars of small JSON config files by their key; a key that stands twice with different values is dropped."""
    found: dict[str, str] = {}
    for text in texts:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            for key, value in list(data.items())[:200]:
                if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)[:201]) <= 200:
                    found[str(key)] = str(value)
    return found


def top_block(code: Code, index: int) -> int:
    """The outermost open brace around a token (-1 at the top level): two equal answers mean the same function."""
    outer = -1
    steps = 0
    current = code.parent[index] if 0 <= index < len(code.parent) else -1
    while current >= 0 and steps < 200:
        if code.text(current) == "{":
            outer = current
        current = code.parent[current]
        steps += 1
    return outer


def expression_end(code: Code, start: int, limit: int = 400) -> int:
    """Where the expression that begins at ``start`` ends: at a separator, or at a line end that does not go on."""
    index = start
    stop = min(len(code.tokens), start + limit)
    while index < stop:
        text = code.text(index)
        if text in _ENDS:
            return index
        if index > start and code.line(index) > code.line(index - 1):
            before = code.text(index - 1)
            if before not in _CONTINUES and text not in _STARTS_ON:
                return index
        if text == "{" and code.match[index - 1] >= 0 and code.text(index - 1) == ")":
            return index
        index = code.match[index] + 1 if code.match[index] > index else index + 1
    return min(index, len(code.tokens))


def worth(book: Book, code: Code, span: Span, depth: int = 0) -> Worth:
    """What the expression in ``span`` is worth."""
    book.budget -= 1
    if depth > DEPTH or book.budget < 0:
        return UNKNOWN
    span = _bare(code, span)
    if span[0] >= span[1] or span[1] - span[0] > _WIDEST:
        return UNKNOWN
    for reader in (_choice, _conditional, _sum):
        found = reader(book, code, span, depth)
        if found is not None:
            return found
    return _single(book, code, span, depth)


def _bare(code: Code, span: Span) -> Span:
    """Without outer brackets and the signs ``&``, ``*``, ``await``, ``new``, ``!`` in front."""
    begin, end = span
    while begin < end:
        if code.text(begin) in {"&", "*", "await", "new", "!", "..."}:
            begin += 1
        elif code.text(begin) == "(" and code.match[begin] == end - 1:
            begin, end = begin + 1, end - 1
        elif code.text(end - 1) in {"!", ";"}:
            end -= 1
        else:
            break
    return begin, end


def _choice(book: Book, code: Code, span: Span, depth: int) -> Worth | None:
    """``a || b``, ``a ?? b``: the first that is known."""
    parts = split(code, span, "||", "??")
    return first(worth(book, code, part, depth + 1) for part in parts[:4]) if len(parts) > 1 else None


def _conditional(book: Book, code: Code, span: Span, depth: int) -> Worth | None:
    """``c ? a : b``: the first branch that is known."""
    parts = split(code, span, "?")
    if len(parts) != 2:
        return None
    branches = split(code, parts[1], ":")
    return first(worth(book, code, part, depth + 1) for part in branches[:3])


def _sum(book: Book, code: Code, span: Span, depth: int) -> Worth | None:
    """``a + b``: the texts joined, holes where a part is unknown."""
    parts = split(code, span, "+")
    if len(parts) < 2:
        return None
    return joined([worth(book, code, part, depth + 1) for part in parts[:12]])


def joined(parts: list[Worth]) -> Worth:
    """Texts joined; unknown parts become a hole; the last variable named wins."""
    text = "".join(HOLE if part.text is None else part.text for part in parts)
    env = next((part.env for part in reversed(parts) if part.env), None)
    return Worth(text if text.strip(HOLE) else None, env)


def first(found: Iterable[Worth]) -> Worth:
    """The first text that is not empty, and the first variable that any of them names."""
    items = list(found)
    env = next((item.env for item in items if item.env), None)
    text = next((item.text for item in items if item.text), None)
    if text is None and any(item.text is not None for item in items):
        text = ""
    return Worth(text, env)


def _single(book: Book, code: Code, span: Span, depth: int) -> Worth:
    begin, end = span
    token = code.tokens[begin]
    if end - begin == 1 and token.kind in {"string", "number"}:
        return Worth(token.text.replace("_", "") if token.kind == "number" else token.text)
    last = end - 1
    opener = code.match[last]
    if code.text(last) == ")" and begin < opener:
        call = call_at(code, opener)
        return called(book, call, depth) if call is not None else UNKNOWN
    if code.text(last) == "]" and begin < opener:
        return _indexed(book, code, (begin, opener, last))
    if token.kind == "name" and code.is_name(last):
        return _named(book, code, span, depth)
    return UNKNOWN


def _indexed(book: Book, code: Code, place: tuple[int, int, int]) -> Worth:
    """``process.env["X"]``, or a key of the config file."""
    begin, opener, last = place
    key = code.literal(opener + 1) if last - opener == 2 else None
    if key is None:
        return UNKNOWN
    if code.text(opener - 1) == "env" and begin < opener - 1:
        return Worth(None, key)
    return Worth(book.config.get(key))


def _named(book: Book, code: Code, span: Span, depth: int) -> Worth:
    """A name or a dotted name."""
    begin, end = span
    names = [code.text(index) for index in range(begin, end) if code.is_name(index)]
    if (len(names) > 2 and names[-3:-1] == ["process", "env"]) or (len(names) == 2 and names[0] == "env"):
        return Worth(None, names[-1])
    if len(names) == 1:
        return _variable(book, code, begin, depth)
    return _member(book, code, begin, names, depth)


def _variable(book: Book, code: Code, index: int, depth: int) -> Worth:
    name = code.text(index)
    found = book.names.get((book.scope(code), name), [])
    block = top_block(code, index)
    near = [bound for bound in found if bound.code is code and bound.block == block and bound.start - 2 != index]
    result = first(_bound(book, bound, depth) for bound in near)
    if result.text or (result.env and block >= 0):
        return result
    far = [bound for bound in found if bound.block < 0 and bound not in near]
    passed = (_argument(book, code, index, name, depth),) if not near and block >= 0 else ()
    return first((result, *(_bound(book, bound, depth) for bound in far), *passed))


def _bound(book: Book, bound: Bound, depth: int) -> Worth:
    """What a binding is worth; computed once, and unknown to itself."""
    key = (bound.code.path, bound.start)
    if key not in book.known:
        book.known[key] = UNKNOWN
        book.known[key] = worth(book, bound.code, (bound.start, expression_end(bound.code, bound.start)), depth + 1)
    return book.known[key]


def _argument(book: Book, code: Code, index: int, name: str, depth: int) -> Worth:
    """The value that callers pass for a parameter of the enclosing top-level function."""
    place = parameter(code, top_block(code, index), name)
    if place is None:
        return UNKNOWN
    function, position = place
    found = []
    for call in book.callers.get(function, [])[:8]:
        args = call.args()
        if len(args) > position and call.code.text(call.start - 1) != "func":
            found.append(worth(book, call.code, args[position], depth + 1))
    return first(found)


def parameter(code: Code, block: int, name: str) -> tuple[str, int] | None:
    """The function whose body opens at ``block``, and the position of its parameter ``name``."""
    index = block - 1
    while index > max(block - 60, 0) and code.text(index) != "func" and code.text(index) != "function":
        index -= 1
    opener = index + 1
    if code.text(opener) == "(" and code.match[opener] > 0:
        opener = code.match[opener] + 1
    if not code.is_name(opener) or code.text(opener + 1) != "(" or code.match[opener + 1] < 0:
        return None
    parts = split(code, (opener + 2, code.match[opener + 1]), ",")
    for position, part in enumerate(parts):
        if code.text(part[0]) == name:
            return code.text(opener), position
    return None


def _member(book: Book, code: Code, index: int, names: list[str], depth: int) -> Worth:
    """``s.config.Port``: what composite literals, struct tags and assignments say of the last part."""
    last = names[-1]
    scopes = [book.scope(code)] if book.by_folder else [code.path, "*"]
    bounds = [bound for scope in scopes for bound in book.fields.get((scope, last), [])]
    result = first(_bound(book, bound, depth) for bound in bounds)
    tagged = first(_tagged(book, scope, last, depth) for scope in scopes)
    found = first((result, tagged))
    if found.text is not None or found.env or len(names) != 2:
        return found
    return _variable(book, code, index, depth) if last in {"Port", "Addr", "Host", "addr", "port"} else found


def _tagged(book: Book, scope: str, name: str, depth: int) -> Worth:
    """Struct tags: ``mapstructure`` names a flag, ``env`` and ``envconfig`` a variable, ``default`` a default."""
    tags = book.tags.get((scope, name))
    if tags is None:
        return UNKNOWN
    env = next((tags[key].split(",")[0] for key in ("env", "envconfig") if tags.get(key)), None)
    default = next((tags[key] for key in ("envDefault", "env-default", "default") if key in tags), None)
    flag = next((tags[key] for key in ("mapstructure", "koanf", "yaml", "json") if tags.get(key) in book.flags), None)
    if default is None and flag is not None:
        code, span = book.flags[flag]
        return first((Worth(None, env), worth(book, code, span, depth + 1)))
    return Worth(default, env)


def called(book: Book, call: Call, depth: int) -> Worth:
    """The worth of a call: environment readers, flags, formats; else the first argument that says something."""
    args = call.args()
    literals = [call.code.literal(begin) if end - begin == 1 else None for begin, end in args[:6]]
    if literals and literals[0] is not None and "env" in "".join(call.chain).lower() and is_env_name(literals[0]):
        default = worth(book, call.code, args[1], depth + 1) if len(args) > 1 else UNKNOWN
        return Worth(default.text, literals[0])
    if call.name in _FLAGS and len(args) >= 3:
        return worth(book, call.code, flag_default(call, args), depth + 1)
    if call.name in _GETTERS and len(args) == 1 and literals[0] is not None:
        return _setting(book, literals[0], depth)
    if call.name in _FORMATS and literals and literals[0] is not None:
        return _formatted(book, call, args, depth)
    if call.name == "JoinHostPort" and len(args) == 2:
        return joined([Worth(":"), worth(book, call.code, args[1], depth + 1)])
    return first(worth(book, call.code, arg, depth + 1) for arg in args[:3])


def flag_default(call: Call, args: tuple[Span, ...]) -> Span:
    """Which argument of a flag definition holds the default: after the name, or the shorthand, or the target."""
    position = 1 + call.name.endswith("P") + ("Var" in call.name)
    return args[min(position, len(args) - 1)]


def _setting(book: Book, key: str, depth: int) -> Worth:
    """A flag or setting by name."""
    if key in book.flags:
        code, span = book.flags[key]
        return worth(book, code, span, depth + 1)
    return Worth(book.config.get(key), key if is_env_name(key) else None)


def _formatted(book: Book, call: Call, args: tuple[Span, ...], depth: int) -> Worth:
    pattern = call.code.literal(args[0][0]) or ""
    values = [worth(book, call.code, arg, depth + 1) for arg in args[1:6]]
    pieces = _FORMAT_PART.split(pattern)[: len(values) + 1]
    parts: list[Worth] = []
    for number, piece in enumerate(pieces):
        parts.append(Worth(piece))
        if number < len(values) and number < len(pieces) - 1:
            parts.append(values[number])
    return joined(parts)


def tags_of(text: str) -> dict[str, str]:
    """The keys of a Go struct tag."""
    return dict(_TAG.findall(text[:400]))


def is_config(path: str) -> bool:
    """True for a JSON file that may hold settings."""
    name = basename(path)
    return name.endswith(".json") and ("config" in name or "settings" in name) and not name.startswith("ts")
