"""Reads a description by the table of phrases: every match changes a named value, or is listed as not acted on.

In: the text. Out: ``Demand``. Never: a number that is dropped; what no phrase took is listed in ``unknown_numbers``.

The phrases are tried in the order of the table, longest meaning first; what one took, the next ones do not see.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from bot.model.demand import Demand, Phrase
from bot.survey.description.rule import PhraseRule
from bot.survey.description.table import RULES

_CAP: Final = 16_384
_DASHES: Final = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " "}
)
_NEGATED: Final = re.compile(
    r"\b(?:no|not|without|never|non|neither|nor|isn't|doesn't|don't|does not|do not)"
    r"(?:[\s-]+(?:a|an|any|the|need(?:ed|s)?|need for|require[sd]?|have|use|uses|using)){0,3}"
    r"(?:[\s-]+[\w.+#-]{1,20}(?:[\s-]+cache|[\s-]+queue)?,?[\s-]+(?:or|nor))?[\s-]*$",
    re.IGNORECASE,
)
_NEGATED_AFTER: Final = re.compile(
    r"^\s?(?:is |are )?(?:not (?:needed|required|necessary)|unnecessary)\b", re.IGNORECASE
)
_LEFT_NUMBER: Final = re.compile(r"[^\s,;()\"']{0,20}\d[^\s,;()\"']{0,20}(?:\s[A-Za-z%]{1,15})?")
_TIERS: Final = {None: -1, "dev": 0, "standard": 1, "high": 2, "critical": 3}
_APPENDED: Final = frozenset({"dependencies", "languages", "frameworks"})
_COMPILED: Final = tuple((rule, re.compile(rule.pattern, re.IGNORECASE)) for rule in RULES)
_TAKEN: Final = "\u241f"


def read_description(text: str) -> Demand:
    """Typed demand of a description. Time grows linearly with its length; only the first 16,384 characters count."""
    whole = left = unicodedata.normalize("NFKC", text[:_CAP]).translate(_DASHES)
    values: dict[str, Any] = {}
    phrases: list[tuple[int, Phrase]] = []
    for rule, pattern in _COMPILED:
        for found in list(pattern.finditer(left)):
            phrases.append((found.start(), _understood(rule, found, whole, values)))
            left = left[: found.start()] + _TAKEN * len(found[0]) + left[found.end() :]
    ordered = [phrase for _, phrase in sorted(phrases, key=lambda item: item[0])]
    return Demand(
        **values,
        phrases=tuple(phrase for phrase in ordered if phrase.field is not None),
        not_acted_on=tuple(phrase for phrase in ordered if phrase.field is None),
        unknown_numbers=_left_numbers(left),
    )


def _understood(rule: PhraseRule, found: re.Match[str], text: str, values: dict[str, Any]) -> Phrase:
    """Put what a match changes into ``values``, and say what became of it."""
    shown = " ".join(found[0].split())
    if rule.negatable and _is_negated(found, text):
        return Phrase(text=shown, field=None, value="", note="said not to be needed")
    changes = rule.changes(found)
    if not changes:
        return Phrase(text=shown, field=None, value="", note=rule.note)
    kept = {name: _merged(name, values.get(name), value) for name, value in changes.items()}
    values.update(kept)
    field = next(iter(changes)) if rule.field not in changes else str(rule.field)
    return Phrase(text=shown, field=field, value=_shown(changes[field]))


def _is_negated(found: re.Match[str], text: str) -> bool:
    before, after = text[max(0, found.start() - 60) : found.start()], text[found.end() : found.end() + 30]
    return bool(_NEGATED.search(before) or _NEGATED_AFTER.match(after))


def _merged(name: str, old: Any, new: Any) -> Any:
    """Two phrases about one value: lists grow, the stricter tier and the higher demand win, else the first stays."""
    if old is None:
        return new
    if name in _APPENDED:
        return (*old, *(item for item in new if item not in old))
    if name == "criticality":
        return max(old, new, key=lambda tier: _TIERS[tier])
    if name == "latency_ms":
        return min(old, new)
    if isinstance(new, (int, float)) and not isinstance(new, bool):
        return max(old, new)
    return old


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(item, "kind", item)) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _left_numbers(left: str) -> tuple[str, ...]:
    return tuple(
        " ".join(item[0].replace(_TAKEN, " ").split()) for item in _LEFT_NUMBER.finditer(left.replace(_TAKEN, " "))
    )
