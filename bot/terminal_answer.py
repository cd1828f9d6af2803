"""A recommendation in a terminal: the numbers first, then what is left out, then why.

In: a ``Recommendation``. Out: text on a Rich console. Never: terminal escape sequences from untrusted text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.padding import Padding

from bot.model.recommendation import Because, Recommendation
from bot.terminal import clean, show_table

_HEAD: Final = ("value", "recommended", "in generated files")
_FIRST: Final = (
    "replicas",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "autoscaler.min",
    "autoscaler.max",
    "autoscaler.target_cpu_percent",
    "confidence",
)
"""The values in the order in which their reasons stand; reasons about what they rest on come after them."""
_FITS: Final = {
    True: "[green]yes[/]: the quota and the nodes that the payload names hold the pods",
    False: "[red]no[/]: the reasons below say how many pods find a place",
    None: "not known: the payload names neither a quota nor nodes",
}


def show_recommendation(console: Console, answer: Recommendation) -> None:
    """One screen or two."""
    target = answer.target
    container = "" if target.container == target.name else f", container {clean(target.container)}"
    console.print(f"[bold]{clean(target.name)}[/]  {target.kind}{container}")
    show_table(console, "", _HEAD, _rows(answer))
    console.print(f"[bold]Fits[/] {_FITS[answer.fits]}", soft_wrap=True)
    console.print(f"[bold]Confidence[/] {answer.confidence:.3f}")
    for mark in answer.marked:
        console.print(f"[yellow]Left out[/] {mark.path}: {clean(mark.why)}", soft_wrap=True)
    console.print("[bold]Why[/]")
    for because in sorted(answer.reasons, key=_rank):
        _show(console, because)


def _rows(answer: Recommendation) -> Iterator[tuple[str, str, str]]:
    bounds = answer.autoscaler
    rows = (
        ("replicas", str(answer.replicas)),
        ("requests.cpu", answer.requests.cpu),
        ("requests.memory", answer.requests.memory),
        ("limits.cpu", answer.limits.cpu),
        ("limits.memory", answer.limits.memory),
        ("autoscaler", f"{bounds.min} to {bounds.max} at {bounds.target_cpu_percent} % CPU"),
    )
    for path, value in rows:
        yield path, value, "left out" if answer.leaves_out(path) else "yes"


def _rank(because: Because) -> int:
    return _FIRST.index(because.path) if because.path in _FIRST else len(_FIRST)


def _show(console: Console, because: Because) -> None:
    path = f"[bold]{clean(because.path)}[/] " if because.path in _FIRST else ""
    console.print(Padding(f"{path}{clean(because.text)} [dim]({clean(because.source)})[/]", (0, 0, 0, 2)))
    if because.formula is not None:
        console.print(Padding(f"[dim]{clean(because.formula)}[/]", (0, 0, 0, 4)))
