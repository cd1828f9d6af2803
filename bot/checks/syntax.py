"""Files that parse, mean the same to every parser, and read the same for people and machines.

In: the bundle. Out: findings ``yaml-syntax``, ``json-syntax``, ``terraform-syntax``, ``yaml-ambiguous``. Never: a
repair.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import yaml

from bot.checks.bundle import Bundle
from bot.model.changes import RenderedFile
from bot.model.finding import Finding

_PLAIN: Final = re.compile(
    r"[A-Za-z/](?:[A-Za-z0-9_./:@-]*[A-Za-z0-9_./-])?|[1-9][0-9]{0,17}(?:m|[KMGT]i)?|0", re.ASCII
)
_MEANT: Final = {"true": "tag:yaml.org,2002:bool", "false": "tag:yaml.org,2002:bool"}
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_TEXT: Final = "tag:yaml.org,2002:str"


def syntax(bundle: Bundle) -> Iterator[Finding]:
    """Every file parses."""
    for item in bundle.unparsed:
        kind = "terraform" if item.path.endswith(".tf") else item.path.rsplit(".", 1)[-1]
        yield Finding(
            rule=f"{kind.replace('yml', 'yaml')}-syntax",
            severity="block",
            path=item.path,
            line=item.line,
            message=f"The file does not parse: {item.reason}.",
            remedy="This is a defect of the renderer; report it with the command.",
        )


def unambiguous_yaml(bundle: Bundle) -> Iterator[Finding]:
    """One meaning in YAML 1.1 and 1.2: no anchor, no tag, no doubled key, no ``{{``, and quotes where they matter."""
    broken = {item.path for item in bundle.unparsed}
    for file in bundle.changes.files:
        if file.path.endswith((".yaml", ".yml")) and file.path not in broken:
            yield from _ambiguities(file)


def _ambiguities(file: RenderedFile) -> Iterator[Finding]:
    if "{{" in file.content:
        line = next(number for number, text in enumerate(file.content.splitlines(), 1) if "{{" in text)
        yield _finding(file, line, "The file holds '{{', which a template engine would run")
    for event in yaml.parse(file.content, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or _tagged(event):
            line = event.start_mark.line + 1 if event.start_mark else 1
            yield _finding(file, line, "The file holds an anchor, an alias or a tag")
    node = yaml.compose(file.content, Loader=yaml.CSafeLoader)
    if node is not None:
        yield from _nodes(file, node)


def _tagged(event: yaml.Event) -> bool:
    if isinstance(event, yaml.ScalarEvent):
        return event.tag is not None
    return isinstance(event, yaml.CollectionStartEvent) and event.tag is not None


def _nodes(file: RenderedFile, node: yaml.Node) -> Iterator[Finding]:
    if isinstance(node, yaml.MappingNode):
        counted = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key in (key for key, count in counted.items() if count > 1):
            yield _finding(file, node.start_mark.line + 1, f"The key {key[:40]!a} stands there twice")
        for key, value in node.value:
            yield from _nodes(file, key)
            yield from _nodes(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _nodes(file, value)
    elif isinstance(node, yaml.ScalarNode) and not node.style and not _one_meaning(node):
        yield _finding(file, node.start_mark.line + 1, f"The value {node.value[:40]!a} is read differently by parsers")


def _one_meaning(node: yaml.ScalarNode) -> bool:
    text = str(node.value)
    if text in _MEANT:
        return bool(node.tag == _MEANT[text])
    if not _PLAIN.fullmatch(text) or text.lower() in _WORDS:
        return False
    return bool(node.tag == _TEXT) or text.isdecimal()


def _finding(file: RenderedFile, line: int, message: str) -> Finding:
    return Finding(
        rule="yaml-ambiguous",
        severity="block",
        path=file.path,
        line=line,
        message=message + ".",
        remedy="Write the value through the serialiser, which quotes it.",
    )
