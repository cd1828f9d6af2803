"""The compact provider schema: made by its tool, and enough for what is generated."""

from __future__ import annotations

import json
from pathlib import Path

from bot.checks.terraform_schema import provider_schema
from tests.tools.make_provider_schema import RESOURCES, compact, compact_provider

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "terraform-bpg-proxmox-0.111.1.json"


def test_it_holds_every_generated_resource() -> None:
    schema = provider_schema()
    assert set(schema) == set(RESOURCES)
    vm = schema["proxmox_virtual_environment_vm"]
    assert vm["a"]["node_name"] == ["string", "r"]
    assert vm["a"]["timeout_move_disk"][1] == "od"
    assert vm["b"]["clone"][:2] == [0, 1]
    assert vm["b"]["disk"][2]["a"]["interface"] == ["string", "r"]


def test_it_is_what_the_tool_makes_of_the_published_schema() -> None:
    """Where the published schema lies beside the checkout the whole file is compared, elsewhere its form."""
    if SHARED.is_file():
        assert provider_schema() == compact_provider(json.loads(SHARED.read_text("utf-8")))
    else:
        assert all(set(block) == {"a", "b"} for block in provider_schema().values())


def test_the_tool_keeps_names_types_and_bounds() -> None:
    inner = {"nesting_mode": "list", "attributes": {"a": {"type": "number"}}}
    size = {"attributes": {"size": {"type": "number", "required": True}}}
    block = {
        "attributes": {
            "id": {"type": "string", "computed": True, "description": "x"},
            "nested": {"nested_type": inner, "optional": True},
        },
        "block_types": {"disk": {"max_items": 2, "block": size}},
    }
    assert compact(block) == {
        "a": {"id": ["string", "c"], "nested": [["list", ["object", {"a": "number"}]], "o"]},
        "b": {"disk": [0, 2, {"a": {"size": ["number", "r"]}, "b": {}}]},
    }
