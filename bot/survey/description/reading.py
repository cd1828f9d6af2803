"""Reads a description by the table of phrases: every match changes a named value, or is listed as not acted on.

In: the text. Out: ``Demand``. Never: a number that is dropped; what no phrase took is listed in ``unknown_numbers``.

The phrases are tried in the order of the table; what one took, the next ones do not see.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.model.demand import Demand, Phrase
from bot.model.quantity import Bytes
from bot.survey.description.answers import take_answers
from bot.survey.description.negation import OWN_NEGATION, is_denied
from bot.survey.description.rule import Changes, PhraseRule
from bot.survey.description.table import RULES

_CAP: Final = 8_192
_TAKEN: Final = "\u241f"
_DASHES: Final = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2019": "'"}
)
_WORD_NUMBER: Final = r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|eighty|ninety|dozens?|hundreds?|thousands?|millions?|billions?)(?:-[a-z]{3,5})?\b"
_LEFT_NUMBER: Final = re.compile(
    rf"(?:[^\s,;()\"'{_TAKEN}]{{0,20}}\d[^\s,;()\"'{_TAKEN}]{{0,20}}|{_WORD_NUMBER})(?:\s[A-Za-z%/][A-Za-z%/-]{{0,14}}){{0,2}}",
    re.IGNORECASE,
)
_TIERS: Final = ("dev", "standard", "high", "critical")
_APPENDED: Final = frozenset({"dependencies", "languages", "frameworks"})
_COMPILED: Final = tuple((rule, re.compile(rule.pattern, re.IGNORECASE)) for rule in RULES)


@dataclass(frozen=True)
class _Said:
    """One recognised phrase: where it stands, and what it changes (nothing: not acted on)."""

    rule: PhraseRule
    found: re.Match[str]
    text: str
    denied: bool = False

    @property
    def changes(self) -> Changes:
        if self.denied:
            return self.rule.denied or {}
        return self.rule.changes(self.found)


def read_description(text: str) -> Demand:
    """Typed demand of a description. Time grows linearly with its length; only the first 8,192 characters count.

    Answers in square brackets are listed under ``settled``; ``bot.agents.readings`` applies them.
    """
    answers = take_answers(text[:_CAP])
    said, left = _recognised(_prepared(answers.text))
    values: dict[str, Any] = {}
    for one in said:
        _merge(values, one.changes)
    phrases = [_phrase(one, values) for one in said]
    return Demand(
        **values,
        phrases=(*(phrase for phrase in phrases if phrase.field is not None), *answers.phrases),
        not_acted_on=(*(phrase for phrase in phrases if phrase.field is None), *answers.not_acted_on),
        unknown_numbers=(*_left_numbers(left), *answers.wrong),
        settled=answers.settled,
    )


def rivals(demand: Demand, field: str) -> tuple[str, ...]:
    """Other values of a field that the description names as well, in reading order."""
    note = _rival_note(field)
    return tuple(dict.fromkeys(phrase.value for phrase in demand.not_acted_on if phrase.note.startswith(note)))


def _prepared(text: str) -> str:
    """One line, single spaces, plain digits and dashes, nothing invisible; a space in front for the look-behinds."""
    folded = unicodedata.normalize("NFKC", text[:_CAP]).translate(_DASHES)
    letters = (
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in folded[:_CAP]
        if unicodedata.category(letter) not in {"Cf", "Cs"} and letter != _TAKEN
    )
    return " " + " ".join("".join(letters).split())


def _recognised(whole: str) -> tuple[Sequence[_Said], str]:
    """The phrases in the order of the text, and the text without them."""
    left, hits = whole, []
    for rule, pattern in _COMPILED:
        taken = [found for found in pattern.finditer(left) if rule.field is None or rule.changes(found)]
        hits += [_Said(rule, found, whole[found.start() : found.end()].strip(" ,;(")) for found in taken]
        left = _without(left, taken)
    hits.sort(key=lambda one: one.found.start())
    heard = _without(whole, [one.found for one in hits if OWN_NEGATION.search(one.text)])
    return [_Said(one.rule, one.found, one.text, denied=_is_denied(one, whole, heard)) for one in hits], left


def _without(text: str, found: Sequence[re.Match[str]]) -> str:
    parts, end = [], 0
    for match in found:
        parts += [text[end : match.start()], _TAKEN * len(match[0])]
        end = match.end()
    return "".join([*parts, text[end:]])


def _is_denied(one: _Said, whole: str, heard: str) -> bool:
    """``heard`` hides the phrases that hold their own "no", so that it does not reach the next phrase."""
    if not one.rule.negatable:
        return False
    start, end = one.found.span()
    start += len(one.found[0]) - len(one.found[0].lstrip(" ,;("))
    return is_denied(heard[:start] + whole[start:end] + heard[end:], start, end)


def _merge(values: dict[str, Any], changes: Changes) -> None:
    """Two phrases about one value: lists grow, the stricter tier and the higher demand win, else the first stays."""
    if "latency_ms" in changes:
        if values.get("latency_ms") is None or changes["latency_ms"] < values["latency_ms"]:
            values.update(changes)
        return
    for name, new in changes.items():
        values[name] = _merged(name, values.get(name), new)


def _merged(name: str, old: Any, new: Any) -> Any:
    if old is None:
        return new
    if name in _APPENDED:
        known = {getattr(item, "kind", item) for item in old}
        return (*old, *(item for item in new if getattr(item, "kind", item) not in known))
    if name == "criticality":
        return max(old, new, key=_TIERS.index)
    if isinstance(new, bool):
        return old or new
    return max(old, new) if isinstance(new, (int, float)) else old


def _phrase(one: _Said, values: dict[str, Any]) -> Phrase:
    """What became of a phrase, once all of them are known."""
    changes = one.changes
    if not changes:
        note = "said not to be needed" if one.denied else one.rule.note
        return Phrase(text=one.text, field=None, value="", note=note)
    field = next(iter(changes))
    value, final = changes[field], values[field]
    if field not in _APPENDED and value != final:
        note = f"{_rival_note(field)} asks for more, or came first: {_shown(final)}"
        return Phrase(text=one.text, field=None, value=_shown(value), note=note)
    return Phrase(text=one.text, field=field, value=_shown(value), note=one.rule.note)


def _rival_note(field: str) -> str:
    return f"another phrase about {field}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(item, "kind", item)) for item in value)
    if isinstance(value, Bytes):
        return _shown_size(value)
    return f"{value:,.10g}".replace(",", "") if isinstance(value, float) else str(value)


def _shown_size(value: Bytes) -> str:
    """``50 GB`` for a round decimal size, else the Kubernetes notation."""
    for unit, power in (("TB", 4), ("GB", 3), ("MB", 2), ("kB", 1)):
        if value and value % 1000**power == 0:
            return f"{value // 1000**power} {unit}"
    return value.to_k8s()


def _left_numbers(left: str) -> Iterator[str]:
    for item in _LEFT_NUMBER.finditer(left):
        yield item[0]
