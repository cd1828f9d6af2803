"""Derives the emulator's schema of writing calls from the full Proxmox VE API schemas of 9 and 8.

In: ``pve-api-9.2.3.json`` (a list of paths) or ``pve-api-8.4.5.json`` (a tree). Out: ``calls-9.json`` and
``calls-8.json`` beside the emulator: every call that a Terraform provider makes beyond the reads of the product, with
parameters, permission expression and answer. Property strings (``net0``, ``scsi0``) stand once, under ``formats``.
Never: descriptions.

    python tests/tools/make_pve_calls.py ../shared/data/pve-api-9.2.3.json ../shared/data/pve-api-8.4.5.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parents[2] / "bot" / "emulators" / "proxmox"
TARGETS = {9: ROOM / "calls-9.json", 8: ROOM / "calls-8.json"}

_GUEST = {
    "": "DELETE",
    "/clone": "POST",
    "/config": "PUT",
    "/firewall/options": "GET PUT",
    "/firewall/rules": "GET POST",
    "/firewall/rules/{pos}": "GET PUT DELETE",
    "/migrate": "POST",
    "/resize": "PUT",
    "/status/current": "GET",
    "/status/reboot": "POST",
    "/status/shutdown": "POST",
    "/status/start": "POST",
    "/status/stop": "POST",
    "/template": "POST",
}
_CALLS = {
    "/access/ticket": "POST",
    "/cluster/backup": "GET POST",
    "/cluster/backup/{id}": "GET PUT DELETE",
    "/cluster/ha/groups": "GET POST",
    "/cluster/ha/groups/{group}": "GET PUT DELETE",
    "/cluster/ha/resources": "POST",
    "/cluster/ha/resources/{sid}": "GET PUT DELETE",
    "/cluster/ha/resources/{sid}/migrate": "POST",
    "/cluster/ha/rules": "GET POST",
    "/cluster/ha/rules/{rule}": "GET PUT DELETE",
    "/cluster/mapping/pci": "POST",
    "/cluster/mapping/pci/{id}": "GET PUT DELETE",
    "/cluster/replication": "GET POST",
    "/cluster/replication/{id}": "GET PUT DELETE",
    "/nodes/{node}/lxc": "GET POST",
    "/nodes/{node}/qemu": "GET POST",
    "/nodes/{node}/qemu/{vmid}/agent/ping": "POST",
    "/nodes/{node}/qemu/{vmid}/cloudinit": "PUT",
    "/nodes/{node}/qemu/{vmid}/config": "POST",
    "/nodes/{node}/qemu/{vmid}/move_disk": "POST",
    "/nodes/{node}/qemu/{vmid}/status/reset": "POST",
    "/nodes/{node}/query-url-metadata": "GET",
    "/nodes/{node}/storage/{storage}/content/{volume}": "GET DELETE",
    "/nodes/{node}/storage/{storage}/download-url": "POST",
    "/nodes/{node}/storage/{storage}/status": "GET",
    "/nodes/{node}/tasks/{upid}": "DELETE",
    "/nodes/{node}/tasks/{upid}/log": "GET",
    "/nodes/{node}/tasks/{upid}/status": "GET",
    "/pools": "POST PUT DELETE",
    "/pools/{poolid}": "GET PUT DELETE",
}
_NAMES = {
    "type": "type", "enum": "enum", "optional": "optional", "minimum": "minimum", "maximum": "maximum",
    "minLength": "min_length", "maxLength": "max_length", "pattern": "pattern", "format": "format",
    "min_length": "min_length", "max_length": "max_length", "requires": "requires", "default_key": "default_key",
    "alias": "alias", "keyAlias": "key_alias",
}  # fmt: skip
"""What is kept of a definition: the name in either schema -> the name in ours."""


def wanted() -> list[tuple[str, str]]:
    """(verb, path) of every call, sorted."""
    calls = {(verb, path) for path, verbs in _CALLS.items() for verb in verbs.split()}
    for kind in ("qemu", "lxc"):
        calls |= {
            (verb, f"/nodes/{{node}}/{kind}/{{vmid}}{end}") for end, verbs in _GUEST.items() for verb in verbs.split()
        }
    return sorted(calls, key=lambda call: (call[1], call[0]))


class Formats:
    """The nested formats met so far, each under one name."""

    def __init__(self) -> None:
        self.table: dict[str, dict[str, Any]] = {}

    def name(self, parameter: str, nested: dict[str, Any]) -> str:
        """The name of a nested format; equal ones share it."""
        found = {key: self._definition(key, value) for key, value in sorted(nested.items())}
        for name, known in self.table.items():
            if known == found:
                return name
        name = next(one for one in (parameter, *(f"{parameter}:{n}" for n in range(9))) if one not in self.table)
        self.table[name] = found
        return name

    def _definition(self, name: str, raw: dict[str, Any]) -> dict[str, Any]:
        flat = {key: value for key, value in raw.items() if not (key == "format" and isinstance(value, dict))}
        return self.definition(name, flat)

    def definition(self, name: str, raw: dict[str, Any]) -> dict[str, Any]:
        """A parameter's definition in our words."""
        merged = raw | {key: value for key, value in raw.get("extra", {}).items() if key in _NAMES}
        found = {_NAMES[key]: value for key, value in merged.items() if key in _NAMES and value not in ([], {}, None)}
        nested = found.pop("format", None)
        if isinstance(nested, dict):
            found["nested"] = self.name(name, nested)
        elif nested:
            found["format"] = nested
        for bound in ("minimum", "maximum", "min_length", "max_length"):
            if bound in found:
                found[bound] = _number(found[bound])
        return found


def _number(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


def _of_list(full: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for path in full["paths"]:
        for method in path["methods"]:
            permissions = method.get("permissions", {"expression": {}})
            found[method["verb"], path["path"]] = {
                "parameters": {item["name"]: item["definition"] for item in method["parameters"]},
                "check": permissions["expression"].get("check"),
                "user": permissions.get("user"),
                "proxy_to": method["extra"].get("proxyto"),
                "returns": method["returns"].get("type", "null"),
            }
    return found


def _of_tree(nodes: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for node in nodes:
        for verb, method in node.get("info", {}).items():
            permissions = method.get("permissions", {})
            found[verb, node["path"]] = {
                "parameters": method.get("parameters", {}).get("properties", {}),
                "check": permissions.get("check"),
                "user": permissions.get("user"),
                "proxy_to": method.get("proxyto"),
                "returns": method.get("returns", {}).get("type", "null"),
            }
        found |= _of_tree(node.get("children", []))
    return found


def derive(full: Any) -> dict[str, Any]:
    """The compact schema of the calls that this version has."""
    methods = _of_tree(full) if isinstance(full, list) else _of_list(full)
    formats, paths = Formats(), {}
    for verb, path in wanted():
        if (verb, path) in methods:
            method = methods[verb, path]
            parameters = {name: formats.definition(name, raw) for name, raw in method["parameters"].items()}
            paths.setdefault(path, {})[verb] = method | {"parameters": parameters}
    return {"formats": formats.table, "paths": paths}


def to_text(schema: dict[str, Any]) -> str:
    """The bytes of a file: one line per format and per call, sorted, so that a change reads well."""
    formats = [f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in sorted(schema["formats"].items())]
    paths = []
    for path, verbs in sorted(schema["paths"].items()):
        calls = [f"      {json.dumps(verb)}: {json.dumps(method)}" for verb, method in sorted(verbs.items())]
        paths.append(f"    {json.dumps(path)}: {{\n" + ",\n".join(calls) + "\n    }")
    return '{\n  "formats": {\n' + ",\n".join(formats) + '\n  },\n  "paths": {\n' + ",\n".join(paths) + "\n  }\n}\n"


if __name__ == "__main__":
    for major, file in zip((9, 8), sys.argv[1:], strict=True):
        TARGETS[major].write_text(to_text(derive(json.loads(Path(file).read_text(encoding="utf-8")))), encoding="utf-8")
