"""package.json: name, dependencies, scripts, wished Node version.

In: texts of package.json. Out: ``NodePackage``. Never: an install, a script that runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.model.profile import Evidence
from bot.survey.code.facts import evidence
from bot.survey.code.sources import Area, Source

_MOST = 400
_VERSION = re.compile(r"(\d{1,2})(?:\.\d+)*")


@dataclass(frozen=True)
class NodePackage:
    """What one package.json says. ``dependencies`` and ``development`` map names to lines."""

    path: str = ""
    name: str = ""
    main: str = ""
    version: str | None = None
    scripts: Mapping[str, str] = field(default_factory=dict)
    dependencies: Mapping[str, int] = field(default_factory=dict)
    development: Mapping[str, int] = field(default_factory=dict)
    workspaces: bool = False

    def seen(self, name: str) -> Evidence:
        """Evidence of a listed package."""
        return evidence(self.path, self.dependencies.get(name) or self.development.get(name), name)


def node_package_of(area: Area) -> NodePackage | None:
    """The package.json of the area, else the nearest above; None without one, or with one that is no JSON object."""
    own = area.named("package.json")
    found = own or tuple(source for source in area.above if source.name == "package.json")
    return next((package for source in found[:3] if (package := _package(source)) is not None), None)


def _package(source: Source) -> NodePackage | None:
    try:
        data = json.loads(source.text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    lines = _lines(source.text)
    return NodePackage(
        path=source.path,
        name=_text(data.get("name")),
        main=_text(data.get("main")),
        version=_version(data.get("engines")),
        scripts={str(key): value for key, value in _items(data.get("scripts")) if isinstance(value, str)},
        dependencies={str(key): lines.get(str(key), 1) for key, _ in _items(data.get("dependencies"))},
        development={str(key): lines.get(str(key), 1) for key, _ in _items(data.get("devDependencies"))},
        workspaces=bool(data.get("workspaces")),
    )


def _lines(text: str) -> dict[str, int]:
    """The last line of each quoted key."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines()[:5_000], 1):
        key, sign, _ = line[:200].partition('":')
        if sign:
            found[key.strip().lstrip('"{ ')] = number
    return found


def _items(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items())[:_MOST] if isinstance(value, dict) else []


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def _version(engines: Any) -> str | None:
    wish = engines.get("node") if isinstance(engines, dict) else None
    match = _VERSION.search(wish[:40]) if isinstance(wish, str) else None
    return match[0][:20] if match else None
