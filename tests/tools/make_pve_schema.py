"""Derives the emulator's schema from the full Proxmox VE API schema.

In: ``pve-api-9.2.3.json`` (444 paths). Out: ``bot/emulators/proxmox/schema-9.json``: the GET methods that the product
reads, each with its parameters, its permission expression and the type of its answer. Never: descriptions.

    python tests/tools/make_pve_schema.py ../shared/data/pve-api-9.2.3.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "bot" / "emulators" / "proxmox" / "schema-9.json"

READS = (
    "/access/permissions",
    "/cluster/ha/groups",
    "/cluster/ha/resources",
    "/cluster/ha/rules",
    "/cluster/ha/status/current",
    "/cluster/ha/status/manager_status",
    "/cluster/mapping/pci",
    "/cluster/nextid",
    "/cluster/options",
    "/cluster/resources",
    "/cluster/sdn/ipams/{ipam}/status",
    "/cluster/sdn/vnets",
    "/cluster/sdn/vnets/{vnet}/subnets",
    "/cluster/sdn/zones",
    "/cluster/status",
    "/nodes",
    "/nodes/{node}/lxc/{vmid}/config",
    "/nodes/{node}/lxc/{vmid}/interfaces",
    "/nodes/{node}/network",
    "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces",
    "/nodes/{node}/qemu/{vmid}/config",
    "/nodes/{node}/status",
    "/nodes/{node}/storage",
    "/nodes/{node}/storage/{storage}/content",
    "/pools",
    "/storage",
    "/version",
)
KEPT = ("type", "enum", "optional", "minimum", "maximum", "min_length", "max_length", "pattern", "format")


def derive(full: dict[str, Any]) -> dict[str, Any]:
    """The compact schema of the read calls. Raises KeyError when a path or its GET is not in the full schema."""
    methods = {path["path"]: {method["verb"]: method for method in path["methods"]} for path in full["paths"]}
    return {
        "version": full["source_version"],
        "source_sha256": full["raw_sha256"],
        "paths": {path: {"GET": _method(methods[path]["GET"])} for path in READS},
    }


def _method(method: dict[str, Any]) -> dict[str, Any]:
    permissions = method["permissions"]
    return {
        "parameters": {item["name"]: _definition(item) for item in method["parameters"]},
        "check": permissions["expression"].get("check"),
        "user": permissions.get("user"),
        "proxy_to": method["extra"].get("proxyto"),
        "returns": method["returns"]["type"],
    }


def _definition(parameter: dict[str, Any]) -> dict[str, Any]:
    definition = {key: value for key, value in parameter["definition"].items() if key in KEPT and value not in ([], {})}
    requires = parameter["definition"].get("extra", {}).get("requires")
    return definition | ({"requires": requires} if requires else {})


def to_text(schema: dict[str, Any]) -> str:
    """The bytes of the schema file: one line per path, sorted, so that a change reads well."""
    lines = [f"    {json.dumps(path)}: {json.dumps(method)}" for path, method in sorted(schema["paths"].items())]
    head = (
        f'{{\n  "version": {json.dumps(schema["version"])},\n  "source_sha256": {json.dumps(schema["source_sha256"])},'
    )
    return head + '\n  "paths": {\n' + ",\n".join(lines) + "\n  }\n}\n"


if __name__ == "__main__":
    TARGET.write_text(to_text(derive(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))), encoding="utf-8")
