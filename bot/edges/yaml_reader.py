"""Reads YAML that may be hostile, in one child process with limits on CPU time, memory, output and wall clock.

In: the bytes of files by path. Out: documents as plain data with line numbers, and a reason for each file that was not
read. Never: an exception for the content of a file, a Python object from a tag, a secret in the child's environment, a
child that outlives the call or the ``warm`` block that started it.

A file that kills the child costs only itself: its verdict is missing from the stream, so the next child goes on behind
it. Starting Python and its YAML parser takes longer than most parsing, so ``warm`` starts the first child ahead.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.model.tree import Unread, YamlDocument
from bot.ports import YamlReader

MAX_FILE: Final = 1024 * 1024
MAX_TOTAL: Final = 10 * 1024 * 1024
MAXCHILDREN: Final = 8
WALL_SECONDS: Final = 20.0
MAX_SAID: Final = 64 * 1024 * 1024

CHILD: Final = Path(__file__).with_name("_yaml_child.py")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)

Documents = dict[str, tuple[YamlDocument, ...]]
# Imported, so that the compiled form is used, and without the work of ``site``: together a third of the start.
_BOOT: Final = "import sys; *folders, name = sys.argv[1:]; sys.path += folders; __import__(name).main()"
_CHUNK: Final = 1 << 16
_SMALL: Final = 1 << 16
_KNOWN: Final = 256
_LAST_WORDS: Final = 1.0
_Child = subprocess.Popen[bytes]


class ChildYamlReader:
    """``ports.YamlReader`` by a limited child process. ``wall_seconds`` bounds one call of ``read``; ``child`` is the
    program that parses.
    """

    def __init__(self, *, wall_seconds: float = WALL_SECONDS, child: Path = CHILD) -> None:
        self._wall_seconds = wall_seconds
        self._child = child

    def read(self, files: Mapping[str, bytes]) -> tuple[Documents, tuple[Unread, ...]]:
        """Documents by path, and what could not be read. Never raises for the content of a file."""
        with contextlib.closing(_Nursery(self._child)) as nursery:
            return _read(files, nursery, wall_seconds=self._wall_seconds)

    @contextlib.contextmanager
    def warm(self) -> Iterator[YamlReader]:
        """A reader whose first child starts now and waits for files; whatever happens, it ends with the block."""
        with contextlib.closing(_Nursery(self._child)) as nursery:
            nursery.prepare()
            yield _WarmYamlReader(nursery, self._wall_seconds)


class RememberingYamlReader:
    """A reader that knows small files again: the same bytes are the same document. What was not read is read again."""

    def __init__(self, inner: ChildYamlReader) -> None:
        self._inner = inner
        self._known: OrderedDict[bytes, tuple[YamlDocument, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, files: Mapping[str, bytes]) -> tuple[Documents, tuple[Unread, ...]]:
        """Documents by path, and what could not be read. Never raises for the content of a file."""
        if len(files) != 1 or sum(map(len, files.values())) > _SMALL:
            return self._inner.read(files)
        [(path, data)] = files.items()
        key = hashlib.sha256(data).digest()
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return {path: known}, ()
        documents, unread = self._inner.read(files)
        if path in documents and not unread:
            with self._lock:
                self._known[key] = documents[path]
                while len(self._known) > _KNOWN:
                    self._known.popitem(last=False)
        return documents, unread

    def warm(self) -> contextlib.AbstractContextManager[YamlReader]:
        """A reader for one reading of a repository; it remembers nothing."""
        return self._inner.warm()


@dataclass(frozen=True)
class _WarmYamlReader:
    nursery: _Nursery
    wall_seconds: float

    def read(self, files: Mapping[str, bytes]) -> tuple[Documents, tuple[Unread, ...]]:
        """As ``ChildYamlReader.read``; a second call starts its own child."""
        return _read(files, self.nursery, wall_seconds=self.wall_seconds)


@dataclass(frozen=True)
class _Nursery:
    """Starts children and keeps at most one that waits for work."""

    program: Path
    waiting: list[_Child] = field(default_factory=list)

    def prepare(self) -> None:
        """Start a child ahead of its work."""
        self.waiting.append(_start(self.program))

    def take(self) -> _Child:
        """The child that waits, or a new one. The caller ends it."""
        return self.waiting.pop() if self.waiting else _start(self.program)

    def close(self) -> None:
        """End a child that nobody took."""
        while self.waiting:
            _end(self.waiting.pop())


def _read(
    files: Mapping[str, bytes], nursery: _Nursery, *, wall_seconds: float
) -> tuple[Documents, tuple[Unread, ...]]:
    wanted, unread = admitted(files)
    documents: Documents = {}
    deadline = time.monotonic() + wall_seconds
    for _ in range(MAXCHILDREN):
        if not wanted or time.monotonic() >= deadline:
            break
        verdicts, cause = _parsed(nursery.take(), wanted, deadline=deadline)
        for (path, _), verdict in zip(wanted, verdicts, strict=False):
            _record(path, verdict, documents, unread)
        wanted = wanted[len(verdicts) :]
        if wanted:
            unread.append(Unread(path=wanted.pop(0)[0], reason=cause))
    unread += [Unread(path=path, reason="not read: the time for YAML files was used up") for path, _ in wanted]
    return documents, tuple(sorted(unread, key=lambda item: item.path))


def admitted(files: Mapping[str, bytes]) -> tuple[list[tuple[str, bytes]], list[Unread]]:
    """The files that a parser may see, and the reason for each that it may not."""
    wanted: list[tuple[str, bytes]] = []
    unread: list[Unread] = []
    total = 0
    for path, data in files.items():
        reason = _unfit(data) or ("more than 10 MB of YAML in all" if total + len(data) > MAX_TOTAL else None)
        if reason:
            unread.append(Unread(path=path, reason=reason))
            continue
        total += len(data)
        wanted.append((path, data.removeprefix(codecs.BOM_UTF8)))
    return wanted, unread


def _unfit(data: bytes) -> str | None:
    if len(data) > MAX_FILE:
        return "larger than 1 MB"
    if data.startswith(_UTF16):
        return "UTF-16 text; save it as UTF-8"
    if b"\0" in data:
        return "binary data (a NUL byte)"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8 text"
    return None


def _record(path: str, verdict: dict[str, Any], documents: Documents, unread: list[Unread]) -> None:
    if "reason" in verdict:
        unread.append(Unread(path=path, reason=verdict["reason"]))
    else:
        documents[path] = tuple(YamlDocument(value=value, lines=lines) for value, lines in verdict["documents"])


def _parsed(child: _Child, files: Sequence[tuple[str, bytes]], *, deadline: float) -> tuple[list[dict[str, Any]], str]:
    """The verdicts of one child, in order, and why the first missing one is missing. The child is gone afterwards."""
    try:
        given = b"".join(b'{"size": %d}\n%b' % (len(data), data) for _, data in files)
        said = _exchange(child, given, lines=len(files), deadline=deadline)
        verdicts = [json.loads(line) for line in said.split(b"\n")[:-1]]
        if len(verdicts) < len(files):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=min(_LAST_WORDS, max(0.0, deadline - time.monotonic())))
    finally:
        _end(child)
    return verdicts, "took too long to read" if child.returncode < 0 else "too large to read"


def _exchange(child: _Child, given: bytes, *, lines: int, deadline: float) -> bytes:
    """Write and read at once, so that neither side blocks the other, until all lines are here, the child has closed its
    output or said more than it may, or the time is up.
    """
    said, left = bytearray(), memoryview(given)
    with selectors.DefaultSelector() as selector:
        for stream, event in ((child.stdin, selectors.EVENT_WRITE), (child.stdout, selectors.EVENT_READ)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, event)
        while lines > 0 and len(said) <= MAX_SAID:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                break
            for key, events in ready:
                if events & selectors.EVENT_WRITE:
                    left = _written(key.fd, left)
                    if not left:
                        selector.unregister(key.fileobj)
                    continue
                chunk = os.read(key.fd, _CHUNK)
                said += chunk
                lines = lines - chunk.count(b"\n") if chunk else 0
    return bytes(said)


def _written(pipe: int, left: memoryview) -> memoryview:
    """What is still to be written; nothing once the child has gone."""
    try:
        return left[os.write(pipe, left[:_CHUNK]) :]
    except BrokenPipeError:
        return left[:0]


def _start(program: Path) -> _Child:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BOOT, _parser_folder(), str(program.parent), program.stem],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def _parser_folder() -> str:
    """Where the YAML library is installed, for a child that does not look for itself. Raises ModuleNotFoundError."""
    found = importlib.util.find_spec("yaml")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("PyYAML is not installed")
    return str(Path(found.origin).parents[1])


def _end(child: _Child) -> None:
    """Kill what still runs, close the pipes and collect the exit code: no process and no zombie is left."""
    child.kill()
    with child:
        pass
