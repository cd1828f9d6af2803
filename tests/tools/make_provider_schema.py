"""Makes the compact provider schema that the checks use, out of ``terraform providers schema -json``.

Use: ``python tests/tools/make_provider_schema.py SCHEMA.json > bot/checks/schema/bpg-proxmox-0.111.1.json``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROVIDER = "registry.terraform.io/bpg/proxmox"
RESOURCES = (
    "proxmox_virtual_environment_vm",
    "proxmox_virtual_environment_container",
    "proxmox_virtual_environment_pool",
    "proxmox_virtual_environment_firewall_options",
    "proxmox_virtual_environment_firewall_rules",
    "proxmox_download_file",
    "proxmox_pool_membership",
    "proxmox_haresource",
    "proxmox_harule",
    "proxmox_hagroup",
    "proxmox_sdn_vnet",
    "proxmox_backup_job",
    "proxmox_replication",
)
FLAGS = (("required", "r"), ("optional", "o"), ("computed", "c"), ("deprecated", "d"))


def compact(block: dict[str, Any]) -> dict[str, Any]:
    """A block without words: arguments with type and flags, nested blocks with their bounds."""
    return {
        "a": {name: _argument(spec) for name, spec in sorted(block.get("attributes", {}).items())},
        "b": {
            name: [spec.get("min_items", 0), spec.get("max_items", 0), compact(spec["block"])]
            for name, spec in sorted(block.get("block_types", {}).items())
        },
    }


def _argument(spec: dict[str, Any]) -> list[Any]:
    kind = spec["type"] if "type" in spec else _nested_type(spec["nested_type"])
    return [kind, "".join(flag for name, flag in FLAGS if spec.get(name))]


def _nested_type(nested: dict[str, Any]) -> list[Any]:
    inner = ["object", {name: _argument(spec)[0] for name, spec in sorted(nested["attributes"].items())}]
    return inner if nested["nesting_mode"] == "single" else [nested["nesting_mode"], inner]


def compact_provider(schema: dict[str, Any]) -> dict[str, Any]:
    """The generated resources of the provider."""
    resources = schema["provider_schemas"][PROVIDER]["resource_schemas"]
    return {name: compact(resources[name]["block"]) for name in RESOURCES}


def main() -> None:
    schema = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(compact_provider(schema), separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
