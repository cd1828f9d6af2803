"""Calls and parameters as the API schemas of Proxmox VE 9.2.3 and 8.4.5 declare them.

In: a verb, a path, parameters as text. Out: the matching method and typed values, or Proxmox VE's own error. Never: a
parameter that the schema does not name, nor a key of a property string (``net0``) that its format does not name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from bot.emulators.proxmox.answers import ApiError, wrong_parameters

FILE: Final = Path(__file__).with_name("schema-9.json")
CALLS: Final[Mapping[int, Path]] = {
    9: Path(__file__).with_name("calls-9.json"),
    8: Path(__file__).with_name("calls-8.json"),
}
"""The calls of a Terraform provider beyond the reads of the product, by major version."""
Definition = Mapping[str, Any]
Value = str | int | float | list[str]
_MISSING: Final = "property is missing and it is not optional"
_UNDECLARED: Final = "property is not defined in schema and the schema does not allow additional properties"
_AGENT: Final = "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces"
_FORMATS: Final = {
    "pve-node": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII),
    "pve-vmid": re.compile(r"[1-9][0-9]{2,8}", re.ASCII),
    "pve-storage-id": re.compile(r"[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]", re.ASCII),
    "pve-configid": re.compile(r"[A-Za-z][A-Za-z0-9_-]+", re.ASCII),
    "pve-poolid": re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+){0,2}", re.ASCII),
    "pve-storage-content": re.compile(r"images|rootdir|vztmpl|iso|backup|snippets|import", re.ASCII),
    "pve-storage-content-list": re.compile(r"[a-z]+(?:[,; ]+[a-z]+)*", re.ASCII),
}
_INDEXES: Final[Mapping[str, int]] = {
    "net": 32, "scsi": 31, "ide": 4, "sata": 6, "virtio": 16, "ipconfig": 32, "hostpci": 16, "serial": 4, "usb": 14,
    "unused": 256, "mp": 256, "numa": 8, "parallel": 3, "virtiofs": 10, "dev": 256,
}  # fmt: skip
_BOOLEANS: Final = {"1": 1, "on": 1, "yes": 1, "true": 1, "0": 0, "off": 0, "no": 0, "false": 0}


@dataclass(frozen=True)
class Method:
    """One verb of one path template."""

    template: str
    parameters: Mapping[str, Mapping[str, Any]]
    check: list[Any] | None
    user: str | None
    proxy_to: str | None
    returns: str
    formats: Mapping[str, Mapping[str, Definition]] = field(default_factory=dict, repr=False)

    def definition(self, name: str) -> Definition | None:
        """The definition of a parameter; ``net3`` is found under ``net[n]``. None when there is none."""
        if name in self.parameters:
            return None if name.endswith("[n]") else self.parameters[name]
        match = re.fullmatch(r"([a-z]+)(0|[1-9]\d{0,2})", name, re.ASCII)
        if match is None or int(match[2]) >= _INDEXES.get(match[1], 0):
            return None
        return self.parameters.get(f"{match[1]}[n]")

    def verify(self, given: Mapping[str, str | list[str]]) -> dict[str, Value]:
        """Typed values. Raises ApiError(400) with one text per wrong parameter."""
        errors: dict[str, str] = {}
        values: dict[str, Value] = {}
        for name, text in given.items():
            definition = self.definition(name)
            if definition is None:
                errors[name] = _UNDECLARED
                continue
            values[name], problem = self._typed(text, definition)
            problem = problem or _lacks(definition, given)
            if problem:
                errors[name] = problem
        errors |= {name: _MISSING for name, one in self.parameters.items() if _is_missing(name, one, given)}
        if errors:
            raise wrong_parameters(errors)
        return values

    def _typed(self, text: str | list[str], definition: Definition) -> tuple[Value, str | None]:
        if definition.get("type") == "array":
            return (text if isinstance(text, list) else [text]), None
        if isinstance(text, list):
            text = text[-1]
        value, problem = typed(text, definition)
        nested = self.formats.get(definition.get("nested", ""))
        if problem is None and nested is not None:
            problem = _property_problem(text, nested)
        return value, problem


@dataclass(frozen=True)
class Schema:
    """All calls of one version."""

    version: str
    methods: Mapping[tuple[str, str], Method]
    index: Mapping[tuple[str, int], tuple[Method, ...]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[tuple[str, int], tuple[Method, ...]] = {}
        for (verb, path), method in self.methods.items():
            key = (verb, path.count("/"))
            index[key] = (*index.get(key, ()), method)
        object.__setattr__(self, "index", index)

    @classmethod
    def load(cls, file: Path = FILE) -> Self:
        """The schema that lies beside this module, or another of the same shape."""
        raw = json.loads(file.read_text(encoding="utf-8"))
        methods = {
            (verb, path): Method(template=path, **method)
            for path, verbs in raw["paths"].items()
            for verb, method in verbs.items()
        }
        return cls(version=raw["version"], methods=methods)

    @classmethod
    @cache
    def of(cls, major: int) -> Self:
        """Every call of a major version: the reads of the product and what a provider calls beyond them."""
        reads = cls.load() if major >= 9 else cls.load().before_nine()
        raw = json.loads(CALLS[9 if major >= 9 else 8].read_text(encoding="utf-8"))
        calls = {
            (verb, path): Method(template=path, formats=raw["formats"], **method)
            for path, verbs in raw["paths"].items()
            for verb, method in verbs.items()
        }
        return cls(version=reads.version, methods=calls | dict(reads.methods))

    def before_nine(self) -> Self:
        """The same calls as version 8 has them: no HA rules, and VM.Monitor guards the guest agent."""
        methods = {key: method for key, method in self.methods.items() if key[1] != "/cluster/ha/rules"}
        methods["GET", _AGENT] = replace(methods["GET", _AGENT], check=["perm", "/vms/{vmid}", ["VM.Monitor"]])
        return replace(self, methods=methods)

    def find(self, verb: str, path: str) -> tuple[Method, dict[str, str]]:
        """The method and its path variables. Raises ApiError(501) for a call that does not exist."""
        parts = path.strip("/").split("/")
        if _is_volume(parts):
            parts = [*parts[:5], "/".join(parts[5:])]
        for method in self.index.get((verb, len(parts)), ()):
            variables = _match(method.template.strip("/").split("/"), parts)
            if variables is not None:
                return method, variables
        raise ApiError(501, f"Method '{verb} {path}' not implemented")


def _is_volume(parts: list[str]) -> bool:
    """True for ``nodes/{node}/storage/{storage}/content/{volume}``: the volume's id may hold slashes."""
    return len(parts) > 6 and parts[0] == "nodes" and parts[2] == "storage" and parts[4] == "content"


def _is_missing(name: str, definition: Definition, given: Mapping[str, Any]) -> bool:
    return name not in given and not definition.get("optional") and not name.endswith("[n]")


def _property_problem(text: str, nested: Mapping[str, Definition]) -> str | None:
    """What is wrong with a property string (``virtio=AA:BB,bridge=vmbr0``), in Proxmox VE's words."""
    default = next((name for name, one in nested.items() if one.get("default_key")), None)
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = default or part, part
        known = nested.get(name)
        if known is None:
            return f"invalid format - format error\n{name}: {_UNDECLARED}"
        known = nested.get(known.get("alias", name), known)
        problem = None if "key_alias" in known else typed(value, known)[1]
        if problem is not None:
            return f"invalid format - format error\n{name}: {problem}"
    return None


def _match(template: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(template) != len(parts):
        return None
    variables: dict[str, str] = {}
    for pattern, part in zip(template, parts, strict=True):
        if pattern.startswith("{"):
            variables[pattern[1:-1]] = part
        elif pattern != part:
            return None
    return variables


def _lacks(definition: Definition, given: Mapping[str, Any]) -> str | None:
    required = definition.get("requires")
    return (
        f"missing property - '{required}' - required by this property" if required and required not in given else None
    )


def typed(text: str, definition: Mapping[str, Any]) -> tuple[str | int | float, str | None]:
    """The value of a parameter's text and what is wrong with it, in Proxmox VE's words (PVE::JSONSchema)."""
    kind = definition.get("type", "string")
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), 0), None if text.lower() in _BOOLEANS else _mismatch(kind, text)
    if kind in {"integer", "number"}:
        return _number(text, definition)
    return text, _string_problem(text, definition)


def _mismatch(kind: str, text: str) -> str:
    return f"type check ('{kind}') failed - got '{text}'"


def _number(text: str, definition: Mapping[str, Any]) -> tuple[int | float, str | None]:
    whole = definition["type"] == "integer"
    if not re.fullmatch(r"[+-]?\d{1,18}" if whole else r"[+-]?\d{1,18}(?:\.\d{1,18})?", text, re.ASCII):
        return 0, _mismatch(definition["type"], text)
    value = int(text) if whole else float(text)
    if "minimum" in definition and value < definition["minimum"]:
        return value, f"value must have a minimum value of {definition['minimum']}"
    if "maximum" in definition and value > definition["maximum"]:
        return value, f"value must have a maximum value of {definition['maximum']}"
    return value, None


def _string_problem(text: str, definition: Mapping[str, Any]) -> str | None:
    if len(text) < definition.get("min_length", 0):
        return f"value must be at least {definition['min_length']} characters long"
    if len(text) > definition.get("max_length", 65536):
        return f"value may only be {definition.get('max_length', 65536)} characters long"
    if "enum" in definition and text not in definition["enum"]:
        return f"value '{text}' does not have a value in the enumeration '{', '.join(definition['enum'])}'"
    if "pattern" in definition and not re.fullmatch(_python_pattern(definition["pattern"]), text):
        return "value does not match the regex pattern"
    known = _FORMATS.get(str(definition.get("format", "")))
    if known is not None and not known.fullmatch(text):
        return f"invalid format - value '{text}' does not look like a valid {definition['format']}"
    return None


def _python_pattern(perl: str) -> str:
    return perl.replace("(?^:", "(?:")
