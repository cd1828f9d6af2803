"""The process types of a ``Procfile``.

In: its text. Out: process types in order. Never: a command run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Evidence
from bot.model.tree import Tree
from bot.survey.commands import shell_form

MAX_PROCESSES: Final = 20

_LINE: Final = re.compile(r"(?P<kind>[A-Za-z0-9_-]{1,40}):\s{0,20}(?P<command>\S.{0,1000})")
_WORKER: Final = re.compile(r"(?:.{0,40}[-_])?(?:workers?|sidekiq|celery|resque|consumer|queue|jobs?|background)")
_ONCE: Final = frozenset({"release", "postdeploy", "migrate", "console", "shell"})


class Process(Noun):
    """One process type; ``web`` is the one that listens."""

    kind: str
    command: tuple[str, ...]
    evidence: Evidence


def read_procfile(tree: Tree, area: str) -> tuple[Process, ...]:
    """The process types of the Procfile in a folder, ``web`` first; those that run once are left out."""
    path = f"{area}/Procfile" if area else "Procfile"
    return processes_in(path, tree.texts.get(path, ""))


def workers_of(processes: Iterable[Process]) -> tuple[Process, ...]:
    """The processes whose name says that they work in the background beside a web process."""
    listed = tuple(processes)
    if not any(process.kind == "web" for process in listed):
        return ()
    return tuple(process for process in listed if _WORKER.fullmatch(process.kind.lower()))


def processes_in(path: str, text: str) -> tuple[Process, ...]:
    """The process types of one Procfile."""
    processes: list[Process] = []
    for number, line in enumerate(text.split("\n")[:200], start=1):
        match = _LINE.fullmatch(line.strip()[:1_100])
        if match and match["kind"] not in _ONCE and len(processes) < MAX_PROCESSES:
            evidence = Evidence(path=path, line=number, excerpt=f"{match['kind']}:")
            processes.append(Process(kind=match["kind"], command=shell_form(match["command"]), evidence=evidence))
    return tuple(sorted(processes, key=lambda process: process.kind != "web"))
