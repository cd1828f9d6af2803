"""Why a number is what it is: the answer to ``/ai-explain``.

In: decisions of a plan that people may have edited. Out: Markdown in one comment. Never: untrusted text outside an
escaper, an answer that grows with a hostile ``plan.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bot.model.decision import Decision, Tag
from bot.model.document import Remembered
from bot.model.noun import JsonValue
from bot.model.plan import Placed
from bot.model.refinement import EXAMPLES
from bot.rendering.data_text import without_secrets
from bot.rendering.inert import inert_code, inert_text
from bot.rendering.markdown import bullets, folded, joined, table

SHOWN_ROWS: Final = 15
"""Rows of a table that stand in the open; the rest is folded."""
_SECTIONS: Final = 6
_ITEMS: Final = 10
_ROOM: Final = 40_000
"""Characters of all rows together; GitHub takes 65,536 in a comment."""
_HEAD: Final = ("value", "is", "because", "formula", "said by")
_TAGS: Final[Mapping[Tag, str]] = {
    "M": "measured",
    "S": "stated by its source",
    "P": "a first value until it is calibrated",
    "U": "unverified",
    "user": "said by a person",
    "read": "read from the repository or the cluster",
}
_KEYS: Final[Mapping[str, str]] = {
    "replicas": "replicas",
    "hpa.min": "min",
    "hpa.max": "max",
    "hpa.target_cpu_percent": "target",
    "target_cpu_percent": "target",
    "requests.cpu": "cpu",
    "requests.memory": "memory",
    "limits.cpu": "cpu_limit",
    "limits.memory": "memory_limit",
    "storage.size": "storage",
}
"""Values of a service that ``/ai-refine`` can change, and their keys."""


def explanation(plan: Remembered, decisions: Sequence[Decision], *, about: str | None, pull_url: str, job: str) -> str:
    """A few decisions in full, many as a table. ``about`` None means the whole plan."""
    what = _code(about) if about else "every number"
    head = f"**ai-provision**: {what} of {_code(plan.app)} in {pull_url}."
    if not decisions:
        body = "No number was decided for it: its content follows from the repository and from the other files."
    elif len(decisions) <= _SECTIONS:
        body = joined(_section(entry, plan.placement) for entry in decisions)
    else:
        body = _table(decisions)
    return joined([head, body, f"<sub>job {inert_code(job)}</sub>"])


def _section(entry: Decision, placement: Sequence[Placed]) -> str:
    lines = [
        *([f"Formula: {_code(entry.formula, 500)}"] if entry.formula else []),
        *([f"Inputs: {_inputs(entry.inputs)}"] if entry.inputs else []),
        f"Source: {_words(entry.source)} ({_TAGS[entry.tag]}); said by {entry.origin}",
        *(f"Not taken: {_words(text, 600)}" for text in entry.rejected[:_ITEMS]),
        *_nodes(entry, placement),
        *_change(entry),
    ]
    return f"#### {_code(entry.path)} is {_code(_value(entry.value))}\n\n{_words(entry.why, 1_000)}\n\n{bullets(lines)}"


def _inputs(inputs: Mapping[str, JsonValue]) -> str:
    return ", ".join(f"{_code(name, 60)} = {_code(_value(inputs[name]), 100)}" for name in sorted(inputs)[:_ITEMS])


def _nodes(entry: Decision, placement: Sequence[Placed]) -> Iterator[str]:
    """Where else it could have gone, for what was placed."""
    parts = entry.path.split(".")
    if len(parts) != 3 or parts[2] not in {"node", "replicas"}:
        return
    for placed in [one for one in placement if one.name == parts[1]][:1]:
        if parts[2] == "replicas":
            yield f"Placement: {_words(placed.why, 600)}"
        if placed.alternatives:
            yield f"Possible as well: {', '.join(_code(node, 100) for node in placed.alternatives[:_ITEMS])}"
        for item in placed.rejected[:_ITEMS]:
            yield f"Not {_code(item.node, 100)}: {_words(item.reason)} ({_code(item.constraint, 60)})"


def _change(entry: Decision) -> Iterator[str]:
    root, _, rest = entry.path.partition(".")
    service, _, what = rest.partition(".")
    if root == "services" and what in _KEYS:
        key = _KEYS[what]
        yield f"To change it: {_code(f'/ai-refine {service}.{key}={EXAMPLES[key]}')}"


def _table(decisions: Sequence[Decision]) -> str:
    rows, room = [], _ROOM
    for entry in decisions:
        row = _row(entry)
        room -= sum(map(len, row))
        if room < 0:
            break
        rows.append(row)
    left = len(decisions) - len(rows)
    return joined(
        [
            table(_HEAD, rows[:SHOWN_ROWS]),
            folded(f"{len(rows) - SHOWN_ROWS} more", table(_HEAD, rows[SHOWN_ROWS:])),
            f"{left} more stand in plan.json." if left else "",
            "Name one of them for its inputs, its source and what was not taken.",
        ]
    )


def _row(entry: Decision) -> tuple[str, ...]:
    return (
        _code(entry.path, 120),
        _code(_value(entry.value), 80),
        _words(entry.why, 160),
        _code(entry.formula, 160) if entry.formula else "",
        entry.origin,
    )


def _value(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True) if value is not None else "none"


def _code(text: str, limit: int = 200) -> str:
    return inert_code(without_secrets(text[: 4 * limit]), limit)


def _words(text: str, limit: int = 300) -> str:
    return inert_text(without_secrets(text[: 4 * limit]), limit)
