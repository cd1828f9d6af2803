"""Which collections a playbook wants, and whether they are there.

In: ``requirements.yml`` as this project renders it, folders. Out: names that are missing. Never: a fetch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = "requirements.yml"
FOLDER: Final = "collections"
_MOST: Final = 65_536
_REPOSITORIES: Final[Mapping[str, str]] = {
    "https://github.com/kubernetes-sigs/kubespray.git": "kubernetes_sigs.kubespray"
}
"""A collection that is taken from git is asked for by its address; its name stands in its own ``galaxy.yml``."""


def absent(folder: Path, paths: tuple[Path, ...]) -> tuple[str, ...]:
    """The collections of a folder's requirements that are in none of the paths at the wanted version."""
    file = folder / FILE
    if not file.is_file():
        return ()
    wanted = dict(_wanted(file.read_bytes()[:_MOST]))
    return tuple(name for name, version in wanted.items() if not any(_has(path, name, version) for path in paths))


def _wanted(text: bytes) -> Iterator[tuple[str, str]]:
    """Name and version. What is written otherwise counts as not there, so that ansible-galaxy judges it."""
    try:
        document: Any = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        yield FILE, ""
        return
    for each in document.get("collections", ()) if isinstance(document, dict) else ():
        name = str(each.get("name", "")) if isinstance(each, dict) else str(each)
        version = str(each.get("version", "")) if isinstance(each, dict) else ""
        yield _REPOSITORIES.get(name, name), version.removeprefix("v")


def _has(path: Path, name: str, version: str) -> bool:
    manifest = path.joinpath("ansible_collections", *name.split(".")) / "MANIFEST.json"
    try:
        told: Any = json.loads(manifest.read_bytes())
        return bool(told["collection_info"]["version"] == version)
    except (OSError, ValueError, KeyError, TypeError):
        return False
