"""The child process of ``yaml_reader``: hostile YAML in, plain JSON data out, one verdict line per file.

In (stdin): for each file one header line ``{"size": n}`` and then n bytes. Out (stdout): one JSON line per file, in
order: ``{"documents": [[value, lines], ...]}`` or ``{"reason": text}``. Never: a Python object built from a tag, a file
opened, a value that JSON cannot hold. The parent kills this process when it takes too long, so nothing here must be
trusted to end.

The child imports it alone, with ``-I -S``, so it imports nothing of ``bot``.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

MAX_NODES: Final = 10_000
MAX_DEPTH: Final = 50
MAX_DOCUMENTS: Final = 1_000
MAX_TEXT: Final = 2_000_000
MAX_POINTER: Final = 512
MAX_POINTERS: Final = 2_000_000
ALL_TEXT: Final = 16_000_000
MEMORY: Final = 512 * 1024**2
CPU_SECONDS: Final = 20
OUTPUT: Final = 256 * 1024**2
SECONDS_PER_FILE: Final = 3

_CORE: Final = "tag:yaml.org,2002:"
_KNOWN_TAGS: Final = frozenset(
    _CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq", "set", "omap", "binary", "timestamp")
)
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,40})?\.[0-9]{1,40}(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)


class RefusedFile(Exception):
    """The file is outside what this reader takes; the text says why."""


class Node(NamedTuple):
    """A built value with its size after alias expansion: ``size`` nodes, ``depth`` levels, ``text`` characters."""

    value: Any
    line: int
    size: int
    depth: int
    text: int


class Open(NamedTuple):
    """A collection that is still being read."""

    mapping: bool
    line: int
    anchor: str | None
    items: list[Node]


def read_documents(data: bytes) -> list[tuple[Any, dict[str, int]]]:
    """All documents as plain data with the line of every JSON pointer. Raises RefusedFile or yaml.YAMLError."""
    documents: list[tuple[Any, dict[str, int]]] = []
    left = MAX_NODES
    for root in _roots(yaml.parse(data, Loader=yaml.CSafeLoader)):
        left -= root.size
        if left < 0:
            raise RefusedFile(f"more than {MAX_NODES} values after alias expansion")
        if len(documents) == MAX_DOCUMENTS:
            raise RefusedFile(f"more than {MAX_DOCUMENTS} documents")
        lines: dict[str, int] = {}
        documents.append((_plain(root, "", _Book(lines)), lines))
    return documents


def _roots(events: Iterator[Any]) -> Iterator[Node]:
    anchors: dict[str, Node] = {}
    stack: list[Open] = []
    for event in events:
        match event:
            case yaml.DocumentStartEvent():
                anchors, stack = {}, []
                continue
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _check_tag(event.tag)
                if len(stack) >= MAX_DEPTH:
                    raise RefusedFile(f"nested deeper than {MAX_DEPTH} levels")
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                stack.append(Open(is_mapping, _line(event), event.anchor, []))
                continue
            case yaml.ScalarEvent():
                node = _scalar(event)
                anchor = event.anchor
            case yaml.AliasEvent():
                node, anchor = _alias(event, anchors, stack), None
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                closed = stack.pop()
                node, anchor = _close(closed), closed.anchor
            case _:
                continue
        if anchor is not None:
            anchors[anchor] = node
        if stack:
            _add(stack, node)
        else:
            yield node


def _add(stack: list[Open], node: Node) -> None:
    if len(stack) + node.depth > MAX_DEPTH:
        raise RefusedFile(f"nested deeper than {MAX_DEPTH} levels")
    if len(stack[-1].items) >= 2 * MAX_NODES:
        raise RefusedFile(f"more than {MAX_NODES} values")
    stack[-1].items.append(node)


def _alias(event: yaml.AliasEvent, anchors: dict[str, Node], stack: list[Open]) -> Node:
    if any(open_.anchor == event.anchor for open_ in stack):
        raise RefusedFile("an anchor that contains itself")
    if event.anchor not in anchors:
        raise RefusedFile("an alias without its anchor")
    return anchors[event.anchor]


def _check_tag(tag: str | None) -> None:
    """Local tags (``!reset``) leave the data as it is; anything that names a type of a language is refused."""
    if tag is None or tag in _KNOWN_TAGS or (tag.startswith("!") and "python" not in tag):
        return
    raise RefusedFile("a tag that asks for an object of a programming language")


def _scalar(event: yaml.ScalarEvent) -> Node:
    _check_tag(event.tag)
    text = event.value
    value = resolve(text) if _is_plain(event) else text
    return Node(value, _line(event), 1, 1, len(text))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _is_plain(event: yaml.ScalarEvent) -> bool:
    if event.tag in {_CORE + "int", _CORE + "float", _CORE + "bool", _CORE + "null"}:
        return True
    local = event.tag is not None and event.tag.startswith("!")
    return (local or bool(event.implicit[0])) and not event.style


def resolve(text: str) -> Any:
    """A plain scalar by the YAML 1.2 core rules, less what surprises: dates, ``no``, ``22:22``, hexadecimal, octal,
    exponents without a point, infinities and integers beyond 64 bits stay text.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if -(2**63) <= number < 2**63 else text
    if _FLOAT.fullmatch(text):
        fraction = float(text)
        return fraction if abs(fraction) < float("inf") else text
    return text


def _close(closed: Open) -> Node:
    value: Any = _mapping(closed.items) if closed.mapping else tuple(closed.items)
    items = list(value.values()) if closed.mapping else closed.items
    keys = sum(len(key) for key in value) if closed.mapping else 0
    count = 1 + sum(item.size for item in items)
    text = keys + sum(item.text for item in items)
    if count > MAX_NODES:
        raise RefusedFile(f"more than {MAX_NODES} values after alias expansion")
    if text > MAX_TEXT:
        raise RefusedFile(f"more than {MAX_TEXT} characters after alias expansion")
    return Node(value, closed.line, count, 1 + max((item.depth for item in items), default=0), text)


def _mapping(items: list[Node]) -> dict[str, Node]:
    own: dict[str, Node] = {}
    merged: dict[str, Node] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key.value, (dict, tuple)):
            raise RefusedFile("a mapping key that is not text")
        if key.value == "<<" and isinstance(value.value, (dict, tuple)):
            _merge(value, merged)
            continue
        # A key's own line is where a person looks; the value may start lines below.
        own[_key(key.value)] = Node(value.value, key.line, value.size, value.depth, value.text)
    for name, node in merged.items():
        own.setdefault(name, node)
    return own


def _merge(source: Node, merged: dict[str, Node]) -> None:
    parts = [source] if isinstance(source.value, dict) else list(source.value)
    if sum(part.size for part in parts) > MAX_NODES:
        raise RefusedFile(f"more than {MAX_NODES} values after alias expansion")
    for part in parts:
        if not isinstance(part.value, dict):
            raise RefusedFile("a merge key (<<) without a mapping")
        for name, node in part.value.items():
            merged.setdefault(name, node)


def _key(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class _Book:
    """The line numbers of one document, bounded in all."""

    def __init__(self, lines: dict[str, int]) -> None:
        self.lines = lines
        self.left = MAX_POINTERS

    def note(self, pointer: str, line: int) -> None:
        if len(pointer) <= MAX_POINTER and self.left >= len(pointer):
            self.lines[pointer] = line
            self.left -= len(pointer)


def _plain(node: Node, pointer: str, book: _Book) -> Any:
    """Depth is bounded, so plain recursion is."""
    book.note(pointer, node.line)
    below = pointer if len(pointer) <= MAX_POINTER else pointer[: MAX_POINTER + 1]
    if isinstance(node.value, dict):
        return {
            key: _plain(child, f"{below}/{key.replace('~', '~0').replace('/', '~1')}", book)
            for key, child in node.value.items()
        }
    if isinstance(node.value, tuple):
        return [_plain(child, f"{below}/{index}", book) for index, child in enumerate(node.value)]
    return node.value


def verdict(data: bytes) -> dict[str, Any]:
    """What the parent is told about one file."""
    try:
        documents = read_documents(data)
    except RefusedFile as refused:
        problem = str(refused)
    except yaml.YAMLError as error:
        problem = _described(error)
    except (MemoryError, RecursionError):
        return {"reason": "too large to read"}
    else:
        return {"documents": documents}
    if b"{{" in data:
        return {"reason": "Helm template, not rendered"}
    return {"reason": problem}


def _described(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1})" if mark is not None else ""
    return f"not valid YAML{place}"


def _limit() -> None:
    limits = ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_FSIZE, OUTPUT), (resource.RLIMIT_CORE, 0))
    for what, size in (*limits, (resource.RLIMIT_AS, MEMORY)):
        try:
            resource.setrlimit(what, (size, size))
        except (ValueError, OSError):  # macOS refuses RLIMIT_AS; the wall clock and the node limits still hold
            continue


def main() -> None:
    """Answer every file of standard input until it ends."""
    _limit()
    source, out = sys.stdin.buffer, sys.stdout
    left = ALL_TEXT
    while header := source.readline():
        data = source.read(int(json.loads(header)["size"]))
        signal.alarm(SECONDS_PER_FILE)
        line = json.dumps(verdict(data), ensure_ascii=True, allow_nan=False)
        left -= len(line)
        if left < 0:
            line = json.dumps({"reason": "more YAML in all than this reader takes"})
        out.write(line + "\n")
        out.flush()
        signal.alarm(0)
