"""Where ansible is: in ``AI_PROVISION_TEST_ANSIBLE`` (a bin folder), beside this Python, or on the PATH.

In: the name of a program. Out: its path, or None; an environment in which it is found. Never: an install, a download.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

MOCKED = Path(__file__).parent / "mock_collections"
"""Stand-ins of the collections, for what needs their names alone."""


def _folders() -> str:
    own = [os.environ.get("AI_PROVISION_TEST_ANSIBLE", ""), str(Path(sys.executable).parent)]
    return os.pathsep.join([each for each in own if each] + [os.environ.get("PATH", os.defpath)])


def program(name: str) -> Path | None:
    """``ansible-playbook``, ``ansible-galaxy`` or ``ansible-lint``."""
    found = shutil.which(name, path=_folders())
    return Path(found) if found is not None else None


def surroundings(home: Path) -> dict[str, str]:
    """A small environment with a home of its own, so that nobody's settings matter."""
    return {"PATH": _folders(), "HOME": str(home), "LC_ALL": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": str(MOCKED)}


def needs(name: str) -> pytest.MarkDecorator:
    """Skips without the program; it comes with the development dependencies (ansible-core, ansible-lint)."""
    return pytest.mark.skipif(program(name) is None, reason=f"needs {name}: a development dependency")
