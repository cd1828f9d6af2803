"""Bytes that a pipeline sent become a payload of the input standard, or a refusal that names the key.

In: bytes that may be hostile. Out: ``Payload`` or ``Refusal`` (``size``, ``syntax``). Never: a key that is dropped in
silence, a number that is none, an exception for what was sent.

Accepted: a payload for a recommendation, one for a generation, both in one document, and the wrapper document in which
each stands under its own key.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from bot.errors import Code, Refusal
from bot.model.standard import Payload

CAP: Final = 1024 * 1024
"""Bytes of a payload."""
MAX_DEPTH: Final = 40
_LONGEST_NUMBER: Final = 40
_LONGEST_PATH: Final = 120
_PARTS: Final = ("recommendation", "generation")
_PROMISE: Final = "recommendation_answer_always_holds"
_REMEDY: Final = "docs/schema/payload-v1.json lists every key with its type; examples/recommendation/ holds payloads."
_Found = dict[str, Any]


class _Unusable(Exception):
    """The JSON text is outside what is read; the text says why."""


def read_payload(raw: bytes) -> Payload | Refusal:
    """The payload. Returns ``size`` for more than 1 MiB and ``syntax`` for everything else that cannot be read."""
    if len(raw) > CAP:
        return Refusal(
            code=Code.SIZE,
            message="The payload is larger than 1 MiB.",
            remedy="Send fewer samples: 100 points of each series are enough.",
        )
    try:
        keys, places = _merged(_document(raw))
        return Payload.model_validate_json(json.dumps(keys, allow_nan=False))
    except _Unusable as problem:
        return _wrong(str(problem))
    except RecursionError:
        return _wrong(f"The payload is nested deeper than {MAX_DEPTH} levels.")
    except ValidationError as error:
        return _wrong(_sentence(error, places))


def _wrong(message: str) -> Refusal:
    return Refusal(code=Code.SYNTAX, message=message, remedy=_REMEDY)


def _document(raw: bytes) -> _Found:
    """The JSON object. Raises _Unusable, or RecursionError for very deep nesting."""
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_int=_whole,
            parse_float=_fraction,
        )
    except UnicodeDecodeError:
        raise _Unusable("The payload is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise _Unusable(f"The payload is not JSON: {error.msg} in line {error.lineno}.") from None
    if not isinstance(value, dict):
        raise _Unusable("The payload is not a JSON object.")
    for text in _texts(value):
        if not _is_unicode(text):
            raise _Unusable("The payload holds half of a surrogate pair, which is no character.")
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> _Found:
    found: _Found = {}
    for key, value in pairs:
        if key in found:
            raise _Unusable(f"The key {_shown(key)} stands twice in one object.")
        found[key] = value
    return found


def _no_number(word: str) -> Any:
    raise _Unusable(f"{word} is no JSON number.")


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise _Unusable(f"A number has more than {_LONGEST_NUMBER} digits.")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits) if len(digits) <= 2 * _LONGEST_NUMBER else math.inf
    if not math.isfinite(value):
        raise _Unusable("A number is too large or too long to be read.")
    return value


def _texts(root: object) -> Iterator[str]:
    """Every text, keys included; without recursion. Raises _Unusable beyond the depth."""
    left: list[tuple[object, int]] = [(root, 1)]
    while left:
        value, depth = left.pop()
        if depth > MAX_DEPTH:
            raise _Unusable(f"The payload is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            left += [(item, depth + 1) for item in value]
        elif isinstance(value, dict):
            yield from value
            left += [(item, depth + 1) for item in value.values()]


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _merged(document: _Found) -> tuple[_Found, Mapping[str, str]]:
    """The payload's keys, and for each the part of the wrapper in which it stood. Raises _Unusable."""
    if not any(part in document for part in _PARTS):
        return document, {}
    known = (*_PARTS, _PROMISE)
    for key in document:
        if key not in known:
            raise _Unusable(_unknown(_shown(key), key, known))
    keys: _Found = {}
    places: dict[str, str] = {}
    for part in _PARTS:
        content = document.get(part)
        if not isinstance(content, dict | None):
            raise _Unusable(f"`{part}`: the value is not an object.")
        for key, value in (content or {}).items():
            if key in keys:
                raise _Unusable(f"The key {_shown(key)} stands in both parts of the document.")
            keys[key], places[key] = value, part
    return keys, places


def _shown(path: str) -> str:
    """Somebody's key for a message: ASCII, quoted, bounded."""
    return ascii(path if len(path) <= _LONGEST_PATH else path[:_LONGEST_PATH] + "...")


def _sentence(error: ValidationError, places: Mapping[str, str]) -> str:
    """The first thing that is wrong, with its path."""
    detail = error.errors(include_url=False, include_input=False)[0]
    where = [str(part) for part in detail["loc"]]
    path = _shown(".".join([*(places[part] for part in where[:1] if part in places), *where]))
    if detail["type"] == "extra_forbidden":
        return _unknown(path, where[-1], _known(where[:-1]))
    return f"{path}: {detail['msg']}."


def _unknown(path: str, key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key[:100], known, n=1, cutoff=0.0)
    return f"{path} is no key of the input standard; the nearest key is `{near[0]}`." if near else f"{path} is no key."


def _known(path: Sequence[str]) -> list[str]:
    """The keys of the object at a path; maps of names (nodes) are stepped over."""
    noun: type[BaseModel] = Payload
    for part in path:
        field = noun.model_fields.get(part)
        nouns = list(_nouns(field.annotation)) if field is not None else [noun]
        noun = nouns[0] if nouns else noun
    return list(noun.model_fields)


def _nouns(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _nouns(inner)
