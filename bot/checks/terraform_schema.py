"""Terraform resources against the provider's own schema.

In: the bundle and a compact copy of the schema of ``bpg/proxmox`` 0.111.1 (made by ``tests/tools``). Out: findings
``terraform-resource``, ``terraform-argument``, ``terraform-type``, ``terraform-block``, ``terraform-deprecated``.
Never: a call of Terraform.

Compact form of a block: ``a`` maps an argument to ``[type, flags]`` (flags out of ``rocd``: required, optional,
computed, deprecated), ``b`` maps a nested block to ``[least, most, block]`` with 0 for no upper bound.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from bot.checks.bundle import Bundle, HclFile, Json, mapping, sequence
from bot.model.finding import Finding

SCHEMA_FILE: Final = "bpg-proxmox-0.111.1.json"
_META: Final = frozenset(
    {"for_each", "count", "provider", "depends_on", "lifecycle", "dynamic", "provisioner", "connection"}
)


@lru_cache(maxsize=1)
def provider_schema() -> Json:
    """The compact schema: resource type to block."""
    text = resources.files("bot.checks").joinpath("schema", SCHEMA_FILE).read_text(encoding="utf-8")
    return mapping(json.loads(text))


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A block inside a file, for the words of a finding."""

    file: HclFile
    name: str

    def inside(self, block: str) -> _Place:
        return _Place(file=self.file, name=f"{self.name}.{block}")

    def finding(self, rule: str, message: str, near: str) -> Finding:
        remedy = "Write what the schema of bpg/proxmox 0.111.1 knows."
        return self.file.finding(rule, f"{self.name}: {message}", remedy, near=near)


def terraform_schema(bundle: Bundle) -> Iterator[Finding]:
    """Every resource, argument, type and block count is one that the provider knows."""
    for file in bundle.terraform:
        for kind, name, body in file.resources():
            place = _Place(file=file, name=f"{kind}.{name}")
            known = provider_schema().get(kind)
            if known is None:
                yield place.finding("terraform-resource", "the provider has no such resource.", kind)
            else:
                yield from _judge(place, body, mapping(known), meta=_META)


def _judge(
    place: _Place, body: Json, known: Json, *, meta: frozenset[str] = frozenset({"dynamic"})
) -> Iterator[Finding]:
    arguments, blocks = mapping(known.get("a")), mapping(known.get("b"))
    nested = _nested(body, meta)
    for name, value in body.items():
        if name in nested or name in meta or name.startswith("__"):
            continue
        if name in arguments:
            yield from _argument(place, name, value, arguments[name])
        elif name not in blocks:
            yield place.finding("terraform-argument", f"there is no argument {name[:60]!a}.", name)
        else:
            yield place.finding("terraform-block", f"{name} is a block.", name)
    for name, flags in ((name, spec[1]) for name, spec in arguments.items()):
        if "r" in flags and name not in body:
            yield place.finding("terraform-argument", f"the argument {name} is missing.", place.name.split(".")[-1])
    yield from _blocks(place, nested, arguments=arguments, blocks=blocks)


def _nested(body: Json, meta: frozenset[str]) -> dict[str, list[tuple[Json, bool]]]:
    """Blocks by name, static and dynamic ones alike; the flag tells a dynamic one, whose count is not known."""
    found: dict[str, list[tuple[Json, bool]]] = {}
    for name, value in body.items():
        static = [mapping(item) for item in sequence(value) if mapping(item).get("__is_block__")]
        if static and name not in meta:
            found.setdefault(name, []).extend((item, False) for item in static)
    for labelled in map(mapping, sequence(body.get("dynamic"))):
        for label, inner in labelled.items():
            for content in sequence(mapping(inner).get("content")):
                found.setdefault(label.strip('"'), []).append((mapping(content), True))
    return found


def _blocks(
    place: _Place, nested: dict[str, list[tuple[Json, bool]]], *, arguments: Json, blocks: Json
) -> Iterator[Finding]:
    for name, (least, most, _) in blocks.items():
        written = nested.get(name, [])
        fixed = sum(not dynamic for _, dynamic in written)
        if fixed < least and not any(dynamic for _, dynamic in written):
            yield place.finding("terraform-block", f"the block {name} is missing.", place.name.split(".")[-1])
        if most and fixed > most:
            yield place.finding("terraform-block", f"the block {name} stands there {fixed} times, {most} fit.", name)
    for name, written in nested.items():
        inner = _block_schema(name, arguments=arguments, blocks=blocks)
        if inner is None:
            yield place.finding("terraform-block", f"there is no block {name[:60]!a}.", name)
        else:
            for body, _ in written:
                yield from _judge(place.inside(name), body, inner)


def _block_schema(name: str, *, arguments: Json, blocks: Json) -> Json | None:
    """The schema of a block. ``network_device`` is a list of objects in the schema, but written as blocks."""
    if name in blocks:
        return mapping(blocks[name][2])
    kind = arguments[name][0] if name in arguments else None
    if isinstance(kind, list) and isinstance(kind[-1], list) and kind[-1][0] == "object":
        return {"a": {key: [inner, "o"] for key, inner in kind[-1][1].items()}, "b": {}}
    return None


def _argument(place: _Place, name: str, value: Any, known: list[Any]) -> Iterator[Finding]:
    kind, flags = known
    if "d" in flags:
        yield place.finding("terraform-deprecated", f"{name} is deprecated.", name)
    if "r" not in flags and "o" not in flags:
        yield place.finding("terraform-argument", f"{name} is set by the provider alone.", name)
    if not _fits(value, kind):
        yield place.finding("terraform-type", f"{name} has the wrong type.", name)


def _fits(value: Any, kind: Any) -> bool:
    """True when a literal has the type, or cannot be judged because it is an expression."""
    if value is None or (isinstance(value, str) and value.startswith("${")):
        return True
    if isinstance(kind, list):
        return _fits_collection(value, kind)
    if kind == "string":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits_collection(value: Any, kind: list[Any]) -> bool:
    shape, inner = kind
    if shape in {"list", "set"}:
        return isinstance(value, list) and all(_fits(item, inner) for item in value)
    if not isinstance(value, dict):
        return False
    if shape == "map":
        return all(_fits(item, inner) for item in value.values())
    return all(key.strip('"') in inner and _fits(item, inner[key.strip('"')]) for key, item in value.items())
