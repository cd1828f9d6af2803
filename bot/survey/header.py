"""The ``# --- Application Metadata ---`` block of a Dockerfile.

In: the text of a Dockerfile. Out: ``Header`` with bounded values, and a note for each value that was not understood.
Never: a value longer or stranger than its field allows; the block ends at the first line that is not ``# key: value``.
"""

from __future__ import annotations

import re
from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Evidence, Header
from bot.survey.places import slug

MAX_LINES: Final = 2_000
MAX_QPS: Final = 10_000_000.0
MAX_LATENCY_MS: Final = 3_600_000.0

_TITLE: Final = re.compile(r"#\s{0,8}-{2,20}\s{0,4}application metadata\s{0,4}-{2,80}\s{0,8}", re.IGNORECASE)
_FIELD: Final = re.compile(r"#\s{1,16}(?P<key>[A-Za-z][A-Za-z0-9_-]{0,40})\s{0,16}:(?:\s{1,40}(?P<value>\S.{0,300}))?")
_WORDS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./+#@_-]{0,39}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_TEXTS: Final = frozenset({"language", "framework", "criticality"})
_NUMBERS: Final = {"expected_qps": MAX_QPS, "sla_latency_ms": MAX_LATENCY_MS}


class HeaderFound(Noun):
    """The block and what in it was not understood."""

    header: Header
    notes: tuple[str, ...] = ()


def read_header(path: str, text: str) -> HeaderFound | None:
    """The first metadata block of a Dockerfile, or None."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")[:MAX_LINES]
    start = next((at for at, line in enumerate(lines) if _TITLE.fullmatch(line.strip()[:300])), None)
    if start is None:
        return None
    fields: dict[str, str | float] = {}
    notes: list[str] = []
    for number, line in enumerate(lines[start + 1 : start + 60], start=start + 2):
        match = _FIELD.fullmatch(line.strip()[:400])
        if match is None:
            break
        _take(match["key"].lower(), (match["value"] or "").strip(), fields, notes, place=f"{path} line {number}")
    if not fields and not notes:
        return None
    evidence = Evidence(path=path, line=start + 1, excerpt="# --- Application Metadata ---")
    return HeaderFound(header=_header(fields, evidence), notes=tuple(notes))


def _header(fields: dict[str, str | float], evidence: Evidence) -> Header:
    texts = {key: value for key, value in fields.items() if isinstance(value, str)}
    numbers = {key: value for key, value in fields.items() if isinstance(value, float)}
    return Header(
        name=texts.get("name"),
        language=texts.get("language"),
        framework=texts.get("framework"),
        criticality=texts.get("criticality"),
        expected_qps=numbers.get("expected_qps"),
        sla_latency_ms=numbers.get("sla_latency_ms"),
        evidence=evidence,
    )


def _take(key: str, value: str, fields: dict[str, str | float], notes: list[str], *, place: str) -> None:
    if key not in _TEXTS | _NUMBERS.keys() | {"name"}:
        notes.append(f"metadata header, {place}: the key {key} is not known and was left out")
        return
    understood = _understood(key, value)
    if understood is None:
        notes.append(f"metadata header, {place}: the value of {key} was not understood and was left out")
    elif key in fields:
        notes.append(f"metadata header, {place}: {key} is stated twice; the first one counts")
    else:
        fields[key] = understood


def _understood(key: str, value: str) -> str | float | None:
    """A DNS-1123 name, a number in its range, or a few plain words; None for anything else."""
    if key == "name":
        return slug(value) if _WORDS.fullmatch(value) and slug(value) else None
    if key in _NUMBERS:
        number = float(value) if _NUMBER.fullmatch(value) else 0.0
        return number if 0 < number <= _NUMBERS[key] else None
    return value if _WORDS.fullmatch(value) else None
