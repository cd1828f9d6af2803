"""A worker that shares its image with a web process: the same code and stores, another command, nothing that listens.

In: the clues of the shared image and the process. Out: the worker's clues. Never: a port or a route of the web process.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.survey.clues import Claim, Clues
from bot.survey.code.names import FRAMEWORKS
from bot.survey.commands import read_command, without_secrets
from bot.survey.places import base_of
from bot.survey.procfile import Process


def as_worker(clues: Iterable[Clues], process: Process) -> tuple[Clues, ...]:
    """What is left for the worker, and its own command."""
    shared = [
        clue.model_copy(
            update={
                "ports": (), "health": (), "endpoints": (), "listens": None, "kind": None, "header": None,
                "start_command": None, "memory_floor": None, "workers": None, "doubts": (), "declared": None,
            }
        )
        for clue in clues
    ]  # fmt: skip
    told = read_command(process.command)
    languages = tuple(claim for clue in shared for claim in clue.languages)
    own = Clues(
        area=shared[0].area if shared else "",
        detector="procfile",
        languages=languages,
        frameworks=_framework(process, languages),
        listens=False,
        kind="worker",
        start_command=without_secrets(process.command),
        memory_floor=told.memory_floor,
        workers=told.workers,
        evidence=(process.evidence,),
    )
    return (own, *shared)


def _framework(process: Process, languages: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The worker framework that the command starts (``bundle exec sidekiq``), above what the web process uses."""
    words = {base_of(word).lower() for word in process.command}
    named = sorted(name for name, framework in FRAMEWORKS.items() if framework.role == "worker" and name in words)
    return tuple(
        Claim(value=name, seen="code", weight=200, evidence=process.evidence) for name in named[:1] if languages
    )
