"""No generated file knows when, how long or by whom it was made: the same input gives the same bytes.

In: the bundle. Out: findings ``clock``. Never: a comparison with the clock, a judgement on times that people wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.checks.bundle import Bundle, mapping
from bot.model.finding import Finding

_TIME: Final = re.compile(r"\b20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d", re.ASCII)
_RUN_FACTS: Final = frozenset(
    {"generated_at", "created_at", "rendered_at", "timestamp", "duration", "duration_s", "elapsed", "tokens", "run_id"}
)
_PARTS: Final = ("request", "plan", "cluster")


def determinism(bundle: Bundle) -> Iterator[Finding]:
    """No clock time in Terraform, in comments and in annotations; no facts of the run in ``plan.json``."""
    for file in bundle.changes.files:
        terraform = file.path.endswith(".tf")
        for number, line in enumerate(file.content.splitlines(), 1):
            ours = terraform or (file.path.endswith(".yaml") and line.lstrip().startswith("#"))
            if ours and _TIME.search(line):
                yield _finding(file.path, number, "The line holds a clock time")
    for manifest in bundle.manifests:
        notes = mapping(mapping(manifest.value.get("metadata")).get("annotations"))
        for key in (key for key, value in notes.items() if _TIME.search(str(value))):
            place = manifest.line("metadata", "annotations", key)
            yield _finding(manifest.path, place, "The annotation holds a clock time")
    path = f"{bundle.changes.root}/plan.json"
    document = mapping(bundle.data.get(path))
    for part in (document, *(mapping(document.get(name)) for name in _PARTS)):
        for fact in sorted(_RUN_FACTS & set(part)):
            yield _finding(path, None, f"The plan holds the run's own {fact}")


def _finding(path: str, line: int | None, message: str) -> Finding:
    return Finding(
        rule="clock",
        severity="block",
        path=path,
        line=line,
        message=message + ".",
        remedy="Keep times in the pull-request text and the job record.",
    )
