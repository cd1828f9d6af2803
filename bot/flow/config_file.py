"""Reads ``.ai-provision.yaml``: a wrong file is a value that names the key and the nearest right one.

In: YAML text. Out: ``Config`` or ``Refusal(config)``. Never: a default in place of a key that was misspelt.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Final, get_args

from pydantic import BaseModel, ValidationError

from bot.errors import Code, Refusal
from bot.model.config import Config
from bot.ports import YamlReader

CONFIG_PATH: Final = ".ai-provision.yaml"
_REMEDY: Final = f"Correct {CONFIG_PATH} on the default branch; docs/configuration.md lists every key."


def read_config(text: str | None, *, yaml: YamlReader, path: str = CONFIG_PATH) -> Config | Refusal:
    """The config; without a file (None) every default."""
    if text is None:
        return Config()
    documents, unread = yaml.read({path: text.encode()})
    if unread:
        return _wrong(f"{path} could not be read: {unread[0].reason}")
    values = [document.value for document in documents.get(path, ())]
    if not values or values == [None]:
        return Config()
    if len(values) > 1:
        return _wrong(f"{path} holds {len(values)} YAML documents; it must be one")
    try:
        return Config.model_validate_json(json.dumps(values[0]))
    except ValidationError as error:
        return _wrong("; ".join(f"{path}: {sentence}" for sentence in _sentences(error)))


def _wrong(message: str) -> Refusal:
    return Refusal(code=Code.CONFIG, message=message, remedy=_REMEDY)


def _sentences(error: ValidationError) -> Iterable[str]:
    for detail in error.errors(include_url=False, include_input=False)[:5]:
        where = [str(part) for part in detail["loc"]]
        key = ".".join(where)[:100]
        if detail["type"] == "extra_forbidden":
            near = difflib.get_close_matches(where[-1], _known_keys(where[:-1]), n=1)
            yield f"unknown key `{key}`" + (f", did you mean `{near[0]}`?" if near else "")
        else:
            yield f"`{key}`: {detail['msg']}" if key else "the file holds no mapping of keys to values"


def _known_keys(path: list[str]) -> list[str]:
    noun: type[BaseModel] = Config
    for part in path:
        field = noun.model_fields.get(part)
        if field is None:
            return []
        nested = [item for item in (field.annotation, *get_args(field.annotation)) if isinstance(item, type)]
        nouns = [item for item in nested if issubclass(item, BaseModel)]
        if not nouns:
            return []
        noun = nouns[0]
    return list(noun.model_fields)
