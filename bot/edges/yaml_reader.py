"""Reads YAML that may be hostile, in one child process with limits on CPU time, memory, output and wall clock.

In: the bytes of files by path. Out: documents as plain data with line numbers, and a reason for each file that was not
read. Never: an exception for the content of a file, a Python object from a tag, a secret in the child's environment.

A file that kills the child costs only itself: its verdict is missing from the stream, so the next child goes on behind
it.
"""

from __future__ import annotations

import codecs
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from bot.model.tree import Unread, YamlDocument

MAX_FILE: Final = 1024 * 1024
MAX_TOTAL: Final = 10 * 1024 * 1024
MAXCHILDREN: Final = 8
WALL_SECONDS: Final = 20.0

CHILD: Final = Path(__file__).with_name("_yaml_child.py")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)

Documents = dict[str, tuple[YamlDocument, ...]]


class ChildYamlReader:
    """``ports.YamlReader`` by a limited child process. ``wall_seconds`` bounds one call of ``read``; ``child`` is the
    program that parses.
    """

    def __init__(self, *, wall_seconds: float = WALL_SECONDS, child: Path = CHILD) -> None:
        self._wall_seconds = wall_seconds
        self._child = child

    def read(self, files: Mapping[str, bytes]) -> tuple[Documents, tuple[Unread, ...]]:
        """Documents by path, and what could not be read. Never raises for the content of a file."""
        wanted, unread = admitted(files)
        documents: Documents = {}
        deadline = time.monotonic() + self._wall_seconds
        for _ in range(MAXCHILDREN):
            if not wanted or time.monotonic() >= deadline:
                break
            verdicts, cause = _run_child(self._child, [data for _, data in wanted], timeout=deadline - time.monotonic())
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


def _run_child(child: Path, files: Sequence[bytes], *, timeout: float) -> tuple[list[dict[str, Any]], str]:
    """The verdicts of one child, in order, and why the first missing one is missing.

    Both ends of the pipe are files: nothing can block, and the child's output is bounded by its own file size limit.
    """
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
        for data in files:
            source.write(json.dumps({"size": len(data)}).encode() + b"\n" + data)
        source.seek(0)
        cause = _wait(child, source=source, sink=sink, timeout=timeout)
        sink.seek(0)
        return [json.loads(line) for line in sink if line.endswith(b"\n")], cause


def _wait(child: Path, *, source: IO[bytes], sink: IO[bytes], timeout: float) -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(child)],
            stdin=source, stdout=sink, stderr=subprocess.DEVNULL, check=False, timeout=timeout,
            env={"LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "took too long to read"
    return "took too long to read" if done.returncode < 0 else "too large to read"
