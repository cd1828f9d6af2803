"""Fills a ``Book``: which names, fields, flags and callers the files of one program hold.

In: scanned files. Out: one ``Book``. Never: evaluation; that waits until somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.survey.code.calls import Call, calls, split
from bot.survey.code.tokens import Code
from bot.survey.code.values import Book, Bound, flag_default, tags_of, top_block

_PER_NAME = 24
_FLAG_CALLS = frozenset({"String", "Int", "Uint", "Int64", "Bool", "StringP", "IntP", "UintP", "BoolP"})
_VAR_CALLS = frozenset({"StringVar", "IntVar", "UintVar", "Uint16Var", "StringVarP", "IntVarP", "UintVarP", "BoolVar"})
_DEFAULTS = frozenset({"SetDefault"})
_KEYWORDS = frozenset(
    {"const", "let", "var", "export", "public", "private", "readonly", "static", "if", "for", "while", "switch", "case",
     "else", "return", "type", "range", "go", "defer", "default", "await", "new"}
)  # fmt: skip
_ASSIGNS = frozenset({":=", "="})


def bind(codes: Iterable[Code], *, by_folder: bool) -> tuple[Book, tuple[Call, ...]]:
    """One pass over the files; also hands back their calls, which everybody needs."""
    book = Book(by_folder=by_folder)
    found: list[Call] = []
    for code in codes:
        _assignments(book, code)
        if by_folder:
            _struct_tags(book, code)
        for call in calls(code):
            found.append(call)
            _remember(book, call)
    return book, tuple(found)


def _put(table: dict[tuple[str, str], list[Bound]], key: tuple[str, str], bound: Bound) -> None:
    bounds = table.setdefault(key, [])
    if len(bounds) < _PER_NAME:
        bounds.append(bound)


def _assignments(book: Book, code: Code) -> None:
    for index, token in enumerate(code.tokens):
        if token.kind != "op":
            continue
        if token.text in _ASSIGNS:
            _assigned(book, code, index)
        elif token.text == ":" and code.is_name(index - 1) and code.text(code.parent[index]) == "{":
            _keyed(book, code, index)


def _assigned(book: Book, code: Code, index: int) -> None:
    """``name = expr``, ``a, err := expr``, ``x.name = expr``; a type between name and sign is stepped over."""
    target = index - 1
    while code.text(target - 1) == "," and code.is_name(target) and code.is_name(target - 2):
        target -= 2
    if not code.is_name(target):
        return
    target = target if code.text(index) == ":=" else _before_type(code, target)
    bound = Bound(code, index + 1, top_block(code, index))
    name = code.text(target)
    if code.text(target - 1) == ".":
        _put(book.fields, (book.scope(code), name), bound)
    else:
        _put(book.names, (book.scope(code), name), bound)


def _before_type(code: Code, index: int) -> int:
    """``port string = x`` (Go), ``port: number = x`` (TypeScript): the name stands before the type."""
    if code.text(index - 1) == ":" and code.is_name(index - 2):
        return index - 2
    same_line = code.line(index - 1) == code.line(index)
    if code.is_name(index - 1) and same_line and code.text(index - 1) not in _KEYWORDS:
        return index - 1
    return index


def _keyed(book: Book, code: Code, index: int) -> None:
    """``Key: expr`` of a composite literal; ``pkg.Type{...}`` belongs to the package ``pkg``."""
    bound = Bound(code, index + 1, top_block(code, index))
    name = code.text(index - 1)
    if not book.by_folder:
        _put(book.fields, (code.path, name), bound)
        _put(book.fields, ("*", name), bound)
        return
    brace = code.parent[index]
    scope = book.scope(code)
    if code.is_name(brace - 1) and code.text(brace - 2) == "." and code.is_name(brace - 3):
        package = code.text(brace - 3)
        _put(book.fields, (package, name), bound)
        return
    _put(book.fields, (scope, name), bound)


def settle(book: Book, folders: dict[str, str]) -> None:
    """Fields of ``pkg.Type{...}`` move to the folder that ``pkg`` means."""
    for (package, name), bounds in list(book.fields.items()):
        folder = folders.get(package)
        if folder is not None:
            for bound in bounds:
                _put(book.fields, (folder, name), bound)


def _struct_tags(book: Book, code: Code) -> None:
    """``Port int `env:"PORT"` ``: the raw string behind a field's type, on the field's own line."""
    for index, token in enumerate(code.tokens):
        if token.kind != "string" or ':"' not in token.text or code.text(code.parent[index]) != "{":
            continue
        start = index
        while start > 0 and code.line(start - 1) == token.line and code.text(start - 1) != "{" and index - start < 12:
            start -= 1
        if code.is_name(start) and start < index:
            book.tags[book.scope(code), code.text(start)] = tags_of(token.text)


def _remember(book: Book, call: Call) -> None:
    """Callers by name, flag definitions, ``IntVar(&x, ...)`` targets."""
    callers = book.callers.setdefault(call.name, [])
    if len(callers) < _PER_NAME:
        callers.append(call)
    if call.name in _FLAG_CALLS | _DEFAULTS | _VAR_CALLS:
        _flag(book, call)


def _flag(book: Book, call: Call) -> None:
    args = call.args()
    is_var = call.name in _VAR_CALLS
    at = 1 if is_var else 0
    if len(args) < (2 if call.name in _DEFAULTS else 3 + is_var):
        return  # a flag has a usage text; a log field of the same name has none
    name = call.code.literal(args[at][0])
    span = args[1] if call.name in _DEFAULTS else flag_default(call, args)
    if name is not None and (call.name not in _DEFAULTS or name not in book.flags):
        book.flags[name] = (call.code, span)
    if is_var:
        _target(book, call, args[0][1] - 1, span[0])


def _target(book: Book, call: Call, index: int, start: int) -> None:
    """``flag.IntVar(&cfg.port, "port", 4000, "")`` binds ``port`` to 4000."""
    code = call.code
    if not code.is_name(index):
        return
    bound = Bound(code, start, -1)
    table = book.fields if code.text(index - 1) == "." else book.names
    _put(table, (book.scope(code), code.text(index)), bound)


def composite_flags(book: Book, code: Code) -> None:
    """``&cli.IntFlag{Name: "port", Value: 8080}``: a flag with its default."""
    for index, token in enumerate(code.tokens):
        if token.text == "{" and code.is_name(index - 1) and code.text(index - 1).endswith("Flag"):
            _composite_flag(book, code, index)


def _composite_flag(book: Book, code: Code, brace: int) -> None:
    name: str | None = None
    default: tuple[int, int] | None = None
    for begin, end in split(code, (brace + 1, max(code.match[brace], brace + 1)), ",")[:12]:
        if code.text(begin + 1) != ":":
            continue
        if code.text(begin) == "Name":
            name = code.literal(begin + 2)
        elif code.text(begin) == "Value":
            default = (begin + 2, end)
    if name is not None and default is not None:
        book.flags[name] = (code, default)
