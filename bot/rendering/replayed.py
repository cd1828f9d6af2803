"""What a replay gave, beside what was recorded: the differences, and both as text for people.

In: files, decisions and findings of two runs. Out: ``Replayed`` and plain text. Never: a difference without an end.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final, Literal

from bot.model.changes import ChangeSet
from bot.model.consultation import Effort
from bot.model.decision import Decision
from bot.model.finding import Finding
from bot.model.noun import Noun

_DIFF_LINES: Final = 200
"""Of one file."""
_DIFF_FILES: Final = 20
_LINE: Final = 300
_DECISIONS: Final = 100


class FileDifference(Noun):
    """A file that came out otherwise. ``diff`` is unified, from the recorded to the new content, cut."""

    path: str
    diff: str


class DecisionDifference(Noun):
    """A decision that came out otherwise; ``recorded`` or ``again`` is empty where there was none."""

    path: str
    recorded: str
    again: str


class AgentRun(Noun):
    """One agent's input digest as it was recorded and as it is now. ``again`` is None for the collector: the text of
    the repository is not kept, so its reading is taken over and not repeated.
    """

    agent: str
    model: str | None
    recorded: str
    again: str | None


class Replayed(Noun):
    """What a replay gave. ``same``: files byte by byte, and every decision. ``notes`` say what differs beside that."""

    schema_version: Literal[1] = 1
    job: str
    app: str
    same: bool
    files: int
    rounds_recorded: int
    rounds_again: int
    different_files: tuple[FileDifference, ...] = ()
    different_decisions: tuple[DecisionDifference, ...] = ()
    agents: tuple[AgentRun, ...] = ()
    efforts: tuple[Effort, ...] = ()
    notes: tuple[str, ...] = ()


def different_files(then: ChangeSet, now: ChangeSet) -> tuple[FileDifference, ...]:
    """The files whose bytes are not the same, by path."""
    paths = sorted({file.path for file in (*then.files, *now.files)})
    changed = [path for path in paths if then.content(path) != now.content(path)]
    return tuple(
        FileDifference(path=path, diff=_diff(then.content(path), now.content(path)) if at < _DIFF_FILES else "")
        for at, path in enumerate(changed)
    )


def _diff(then: str | None, now: str | None) -> str:
    lines = list(
        difflib.unified_diff((then or "").splitlines(), (now or "").splitlines(), "recorded", "again", lineterm="", n=2)
    )
    if not lines:
        return "(absent in one of them, or only the line ends differ)"
    left = len(lines) - _DIFF_LINES
    more = [f"({left} more lines)"] if left > 0 else []
    return "\n".join([*(line[:_LINE] for line in lines[:_DIFF_LINES]), *more])


def different_decisions(then: Sequence[Decision], now: Sequence[Decision]) -> tuple[DecisionDifference, ...]:
    """The decisions that are not the same in every field, by path."""
    old, new = ({entry.path: entry for entry in side} for side in (then, now))
    return tuple(
        DecisionDifference(path=path, recorded=_said(old.get(path)), again=_said(new.get(path)))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    )


def _said(decision: Decision | None) -> str:
    if decision is None:
        return ""
    return f"{decision.value} ({decision.origin}, {decision.source}): {decision.why}"[:_LINE]


def notes_on_checks(then: Sequence[Finding], now: Sequence[Finding]) -> tuple[str, ...]:
    """Findings that came or went although the files may be the same: mostly a tool that one of the two lacks."""
    old, new = ({finding.rule for finding in side} for side in (then, now))
    gone = (f"The check {rule} spoke when the job ran and is silent here." for rule in sorted(old - new))
    come = (f"The check {rule} speaks here and was silent when the job ran." for rule in sorted(new - old))
    tool = any(rule.startswith("terraform-") for rule in old ^ new)
    hint = ("The two computers do not have the same terraform, or not both have one.",) if tool else ()
    return (*gone, *come, *hint)


def report(replayed: Replayed) -> str:
    """The same for people, as plain text."""
    told = "same bytes" if replayed.same else "it came out otherwise"
    head = f"{replayed.app}, job {replayed.job[:12]}: {told} ({replayed.files} files)"
    rounds = f"rounds: {replayed.rounds_recorded} recorded, {replayed.rounds_again} again"
    return "\n".join(
        [
            head,
            rounds,
            *map(_agent_line, replayed.agents),
            *map(_effort_line, replayed.efforts),
            *(f"note: {text}" for text in replayed.notes),
            *(f"decision {each.path}: {each.recorded!r} then, {each.again!r} now" for each in _shown(replayed)),
            *(f"\n{each.path}\n{each.diff}" for each in replayed.different_files),
        ]
    )


def _shown(replayed: Replayed) -> tuple[DecisionDifference, ...]:
    return replayed.different_decisions[:_DECISIONS]


def _agent_line(agent: AgentRun) -> str:
    who = f"{agent.agent} ({agent.model or 'the rule alone'})"
    if agent.again is None:
        return f"{who}: input {agent.recorded}, taken over"
    again = "the same again" if agent.again == agent.recorded else f"now {agent.again}"
    return f"{who}: input {agent.recorded}, {again}"


def _effort_line(effort: Effort) -> str:
    spent = effort.spent
    money = "" if spent.money is None else f", {spent.money:.4f} USD"
    return (
        f"{effort.agent} asked {effort.model}: {spent.calls} calls, {spent.input_tokens} tokens in, "
        f"{spent.output_tokens} out, {spent.seconds:.1f} s{money}"
    )
