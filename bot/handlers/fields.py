"""The two fields below ``/ai-provision``, read as YAML scalars and nothing more.

In: the lines below the command. Out: the two texts, or the first mistake with the key it concerns. Never: a YAML
feature beyond scalars (anchors, tags, flow collections, several documents), a value taken for a number.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

import yaml
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from bot.model.noun import Noun

KEYS: Final = ("git_repo", "app_description")
BODY_CAP: Final = 16_384
DESCRIPTION_CAP: Final = 4_000
_BIDI: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HARMLESS: Final = re.compile(r"https://[A-Za-z0-9.-]{1,200}/[A-Za-z0-9._/~+-]{1,1000}", re.ASCII)
_EMPTY: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LINE_KEY: Final = re.compile(r"^\s*(-{0,2}[A-Za-z_][\w.-]{0,40})\s*[:=]?", re.ASCII)


class Fields(Noun):
    """The two texts as written."""

    git_repo: str
    app_description: str


class Mistake(Noun):
    """What is wrong, and what of the input was right."""

    problem: str
    git_repo: str | None = None
    app_description: str | None = None


def read_fields(text: str) -> Fields | Mistake:
    """Read exactly ``git_repo`` and ``app_description``, in this order."""
    if len(text) > BODY_CAP:
        return Mistake(problem=f"the value of `{_longest_key(text)}` makes the comment longer than 16 kB")
    try:
        pairs = _pairs(text)
    except yaml.YAMLError as error:
        return Mistake(problem=_unreadable(text, error))
    return pairs if isinstance(pairs, Mistake) else _checked(pairs)


def checked_description(value: str) -> str | None:
    """What is wrong with a description, or None."""
    if not value.strip():
        return "`app_description` has no value"
    if len(value) > DESCRIPTION_CAP:
        return f"`app_description` is longer than {DESCRIPTION_CAP:,} characters"
    if _BIDI.search(value):
        return "`app_description` holds invisible characters that change the direction of text"
    if not all(letter.isprintable() for letter in value.replace("\u200d", "")):
        return (
            "`app_description` holds a line break or control character; write it on one line, or as a folded block (>)"
        )
    return None


def _pairs(text: str) -> list[tuple[str, str]] | Mistake:
    """Key and value texts of one block mapping of scalars. Raises yaml.YAMLError."""
    events = iter(yaml.parse(text, Loader=yaml.SafeLoader))
    if not isinstance(next(events), StreamStartEvent):
        return Mistake(problem="the fields could not be read")
    opening = next(events)
    if isinstance(opening, StreamEndEvent):
        return Mistake(problem=f"`{KEYS[0]}` and `{KEYS[1]}` are missing")
    mapping = next(events)
    if not isinstance(opening, DocumentStartEvent) or opening.explicit or not _plain_mapping(mapping):
        return Mistake(problem=_no_fields(text))
    pairs = []
    for key in events:
        if isinstance(key, MappingEndEvent):
            break
        value = next(events)
        if not _plain_scalar(key) or not _plain_scalar(value):
            return Mistake(problem=f"`{_short(_text(key))}` is no plain text; write it in double quotes")
        pairs.append((_text(key), _text(value) + (_dropped(text, value) if _text(key) == KEYS[1] else "")))
    ends = (next(events), next(events))
    if not isinstance(ends[0], DocumentEndEvent) or ends[0].explicit or not isinstance(ends[1], StreamEndEvent):
        return Mistake(problem="there is more below the two fields")
    return pairs


def _dropped(text: str, value: Event) -> str:
    """The words behind a # in a plain value: YAML takes them for a comment, a person who writes "C # 5" does not."""
    if not isinstance(value, ScalarEvent) or value.style is not None or value.end_mark is None:
        return ""
    return text[value.end_mark.index :].partition("\n")[0].rstrip()


def _plain_mapping(event: Event) -> bool:
    return isinstance(event, MappingStartEvent) and not event.flow_style and event.anchor is None and event.tag is None


def _plain_scalar(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.anchor is None and event.tag is None


def _text(event: Event) -> str:
    if not isinstance(event, ScalarEvent):
        return "a field"
    return "" if event.style is None and event.value in _EMPTY else str(event.value).rstrip("\n")


def _checked(pairs: list[tuple[str, str]]) -> Fields | Mistake:
    values = dict(pairs)
    problem = _wrong_keys([key for key, _ in pairs]) or _wrong_values(values)
    if problem is None:
        return Fields(git_repo=values["git_repo"], app_description=values["app_description"])
    return kept(problem, values)


def kept(problem: str, values: Mapping[str, str]) -> Mistake:
    """A mistake that keeps the fields which were right, for the example."""
    right = {key: values[key] for key in KEYS if _is_right(key, values.get(key, ""))}
    return Mistake(problem=problem, git_repo=right.get("git_repo"), app_description=right.get("app_description"))


def _wrong_keys(keys: list[str]) -> str | None:
    for key in keys:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.5)
            return f"unknown key `{_short(key)}`" + (f", did you mean `{near[0]}`?" if near else "")
        if keys.count(key) > 1:
            return f"`{key}` stands there {keys.count(key)} times"
    for key in KEYS:
        if key not in keys:
            return f"`{key}` is missing"
    return None if keys == list(KEYS) else "`git_repo` has to stand before `app_description`"


def _wrong_values(values: dict[str, str]) -> str | None:
    repo = values["git_repo"]
    if not repo.strip():
        return "`git_repo` has no value"
    if not repo.isprintable():
        return "`git_repo` holds a line break or control character"
    return checked_description(values["app_description"])


def _is_right(key: str, value: str) -> bool:
    if key == "git_repo":
        return _HARMLESS.fullmatch(value) is not None
    return checked_description(value) is None


def _unreadable(text: str, error: yaml.YAMLError) -> str:
    """Names the line that is no field; else the last field before the place where reading stopped."""
    stray = _stray(text)
    if stray is not None:
        return stray
    mark = getattr(error, "problem_mark", None)
    lines = text.splitlines()[: mark.line + 1] if mark is not None else []
    keys = [match[1] for match in map(_LINE_KEY.match, lines) if match and match[1] in KEYS]
    return f'`{keys[-1] if keys else KEYS[0]}` could not be read as `key: "value"`'


def _stray(text: str) -> str | None:
    for line in text.splitlines():
        key = _LINE_KEY.match(line)
        if key and key[1] not in KEYS:
            near = difflib.get_close_matches(key[1], KEYS, n=1, cutoff=0.5)
            return f"`{_short(key[1])}` is no field" + (f", did you mean `{near[0]}`?" if near else "")
    return None


def _no_fields(text: str) -> str:
    return _stray(text) or f'`{KEYS[0]}` and `{KEYS[1]}` are missing, written as `key: "value"`'


def _longest_key(text: str) -> str:
    line = max(text.splitlines(), key=len, default="")
    key = _LINE_KEY.match(line[:100])
    return _short(key[1]) if key else KEYS[1]


def _short(key: str) -> str:
    shown = "".join(letter for letter in key if letter.isprintable() and letter != "`")
    return shown if len(shown) <= 40 else f"{shown[:40]}…"
