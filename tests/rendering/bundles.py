"""Reading rendered bundles in tests."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from bot.model.changes import ChangeSet

GOLDEN = Path(__file__).parent / "golden"
REGENERATE = os.environ.get("REGENERATE_GOLDEN") == "1"


def manifest(changes: ChangeSet, name: str) -> dict[str, Any]:
    """One Kubernetes object by file name; fails when it is not there."""
    text = changes.content(f"{changes.root}/kubernetes/{name}.yaml")
    assert text is not None, f"{name} is not in {names(changes)}"
    return yaml.safe_load(text)


def container(changes: ChangeSet, name: str) -> dict[str, Any]:
    return manifest(changes, name)["spec"]["template"]["spec"]["containers"][0]


def data(changes: ChangeSet, path: str) -> Any:
    return json.loads(text(changes, path))


def text(changes: ChangeSet, path: str) -> str:
    found = changes.content(f"{changes.root}/{path}")
    assert found is not None, f"{path} is not in {names(changes)}"
    return found


def names(changes: ChangeSet) -> list[str]:
    """Paths below the application's folder."""
    return [file.path.removeprefix(changes.root + "/") for file in changes.files]


def compare_with_golden(name: str, changes: ChangeSet) -> None:
    """Byte by byte; ``REGENERATE_GOLDEN=1`` writes the files instead."""
    folder = GOLDEN / name
    if REGENERATE:
        _write(folder, changes)
    kept = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert {file.path: file.content for file in changes.files} == kept


def _write(folder: Path, changes: ChangeSet) -> None:
    for old in (path for path in folder.rglob("*") if path.is_file()):
        old.unlink()
    for file in changes.files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, "utf-8")
