"""What every ending of a command has to be like.

In: a cell, the scene after its command, the log. Out: nothing, or an AssertionError. Never: a look at how it was done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tests.fakes.house import INFRA
from tests.faults.matrix import MINUTE, SECONDS, Cell, Failing
from tests.faults.scene import CANARIES, End, Scene

KINDS = {
    "refused": "refused",
    "parked": "Unavailable",
    "stopped": "Refused",
    "defect": "Broken",
    "pull request": "pull-request",
}
INNARDS = re.compile(
    r"Traceback|\.py\b|127\.0\.0\.1|localhost|10\.20\.30\.40|://[^\s/]*:[^\s/]*@|<html|/tmp/", re.IGNORECASE
)


def clean(text: str, *, own: str = "") -> None:
    """No secret, no stack trace, no address of ours but that of the (emulated) web site itself."""
    assert not [canary for canary in CANARIES if canary in text]
    found = INNARDS.search(text.replace(own, "https://web.example") if own else text)
    assert found is None, found


def unspoken(texts: Iterable[str]) -> None:
    """No secret in what operators read."""
    assert not [canary for canary in CANARIES if any(canary in text for text in texts)]


def judge(cell: Cell, scene: Scene, end: End, log: list[str]) -> None:
    """A system that every command needs: one visible end, and nothing was opened."""
    line = scene.lines[cell.system]
    assert (end.kind, end.code) == (KINDS[cell.end], cell.code), end
    assert len(line.calls) <= cell.calls
    assert len(scene.clock.slept) <= cell.waits
    assert end.seconds < SECONDS
    assert scene.branches() == ["main"]
    assert scene.github.pulls(INFRA) == ()
    said = scene.said()
    assert len(said) == (cell.end == "refused")
    if said:
        assert f"stopped: `{cell.code}`" in said[0]
        assert "What to do: " in said[0]
        clean(said[0])
    unspoken((end.words, *log))
    clean(end.words)


def judge_plan(cell: Cell | Failing, scene: Scene, end: End, log: list[str], *, ruled: Mapping[str, str]) -> None:
    """An adviser: a plan all the same, as one pull request that is no draft and says what did not answer; its files are
    those that the rules make without any adviser (``ruled``), but for the two records.
    """
    line = scene.lines[cell.system]
    assert len(line.calls) <= cell.calls
    assert len(scene.clock.slept) <= cell.waits
    assert end.kind == "pull-request", (end, scene.said())
    [pull] = scene.github.pulls(INFRA)
    assert pull.pull is not None
    assert not pull.pull.draft
    assert f"`{cell.code}`: {cell.says}" in pull.body
    assert _plain(scene.proposed()) == _plain(ruled)
    assert len(scene.said()) == 1
    assert end.seconds < SECONDS
    assert end.seconds + sum(scene.clock.slept) < MINUTE
    unspoken(log)
    clean(scene.shown(), own=scene.lines["github"].url)


def _plain(files: Mapping[str, str]) -> dict[str, str]:
    """Without README.md and plan.json, which name what was not read."""
    return {path: text for path, text in files.items() if not path.endswith(("/README.md", "/plan.json"))}
