"""The programs that this product starts, with their versions.

In: ``PATH``. Out: lines of the doctor. Never: a program started with an argument that is not fixed here, its answer
believed to be short or to be text.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bot.doctor_check import Check

Ask = Callable[[tuple[str, ...]], str | None]
"""Runs a program with fixed arguments; its output, or None when it failed or took too long."""

_SECONDS: Final = 10.0
_KEPT: Final = ("HOME", "PATH", "LANG", "SYSTEMROOT")
_VERSION: Final = re.compile(r"\d{1,4}(?:\.\d{1,6}){1,3}", re.ASCII)


@dataclass(frozen=True)
class Tool:
    """A program. ``least``: the oldest version that does; ``without``: what its absence costs."""

    name: str
    asks: tuple[str, ...]
    least: tuple[int, ...]
    needed: bool
    without: str


TOOLS: Final = (
    Tool("git", ("--version",), (2, 30), needed=True, without="Install git: repositories are read and pushed with it."),
    Tool(
        "terraform", ("version",), (1, 10), needed=False,
        without="Without it `apply` cannot make machines and `terraform fmt` is not checked; the provider schema check "
        "still runs.",
    ),
    Tool(
        "kubectl", ("version", "--client"), (1, 27), needed=False,
        without="Without it `apply` delivers no manifests; not needed with delivery: argocd or flux.",
    ),
    Tool(
        "ansible-playbook", ("--version",), (2, 15), needed=False,
        without="Without it `apply` brings up no Kubernetes clusters: machines are made and the playbook is left.",
    ),
)  # fmt: skip


def tools(ask: Ask) -> Iterator[Check]:
    """One line for each program."""
    for tool in TOOLS:
        path = shutil.which(tool.name)
        yield _absent(tool) if path is None else _present(tool, ask((path, *tool.asks)))


def _absent(tool: Tool) -> Check:
    state: Literal["failed", "skipped"] = "failed" if tool.needed else "skipped"
    return Check(what=tool.name, state=state, found="not found", remedy=tool.without)


def _present(tool: Tool, answer: str | None) -> Check:
    match = _VERSION.search((answer or "")[:2000])
    if match is None:
        return Check(what=tool.name, state="ok", found="found; it does not say its version")
    version = tuple(int(part) for part in match[0].split("."))
    least = ".".join(map(str, tool.least))
    if version < tool.least:
        found, remedy = f"{match[0]}, and at least {least} is needed", f"Install {tool.name} {least} or newer."
        return Check(what=tool.name, state="failed", found=found, remedy=remedy)
    return Check(what=tool.name, state="ok", found=match[0])


def answer_of(command: tuple[str, ...]) -> str | None:
    """What a program says, within ten seconds; no setting of ours reaches it, and it asks nobody for news."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"CHECKPOINT_DISABLE": "1"}
    try:
        ran = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout[:10_000].decode("utf-8", "replace") if ran.returncode == 0 else None
