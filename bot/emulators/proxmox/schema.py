"""Calls and parameters as the API schema of Proxmox VE 9.2.3 declares them.

In: a verb, a path, parameters as text. Out: the matching method and typed values, or Proxmox VE's own error. Never: a
parameter that the schema does not name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from bot.emulators.proxmox.answers import ApiError, wrong_parameters

FILE: Final = Path(__file__).with_name("schema-9.json")
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

    def verify(self, given: Mapping[str, str]) -> dict[str, str | int | float]:
        """Typed values. Raises ApiError(400) with one text per wrong parameter."""
        errors = {name: _UNDECLARED for name in given if name not in self.parameters}
        values: dict[str, str | int | float] = {}
        for name, definition in self.parameters.items():
            if name in given:
                value, problem = typed(given[name], definition)
                values[name] = value
                problem = problem or _lacks(definition, given)
            else:
                problem = None if definition.get("optional") else "property is missing and it is not optional"
            if problem:
                errors[name] = problem
        if errors:
            raise wrong_parameters(errors)
        return values


@dataclass(frozen=True)
class Schema:
    """All calls of one version."""

    version: str
    methods: Mapping[tuple[str, str], Method]

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

    def before_nine(self) -> Schema:
        """The same calls as version 8 has them: no HA rules, and VM.Monitor guards the guest agent."""
        methods = {key: method for key, method in self.methods.items() if key[1] != "/cluster/ha/rules"}
        methods["GET", _AGENT] = replace(methods["GET", _AGENT], check=["perm", "/vms/{vmid}", ["VM.Monitor"]])
        return replace(self, methods=methods)

    def find(self, verb: str, path: str) -> tuple[Method, dict[str, str]]:
        """The method and its path variables. Raises ApiError(501) for a call that does not exist."""
        parts = path.strip("/").split("/")
        for (known, template), method in self.methods.items():
            variables = _match(template.strip("/").split("/"), parts)
            if known == verb and variables is not None:
                return method, variables
        raise ApiError(501, f"Method '{verb} {path}' not implemented")


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


def _lacks(definition: Mapping[str, Any], given: Mapping[str, str]) -> str | None:
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
    known = _FORMATS.get(definition.get("format", ""))
    if known is not None and not known.fullmatch(text):
        return f"invalid format - value '{text}' does not look like a valid {definition['format']}"
    return None


def _python_pattern(perl: str) -> str:
    return perl.replace("(?^:", "(?:")
