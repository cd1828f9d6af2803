"""Where the real programs are that the tests of real parts run.

In: ``.cache/gotools`` (made by ``python tests/gotools/build.py``, which ``make test-real`` calls) and the PATH. Out: paths, or
None, and one sentence why. Never: a build, a download, a program of another version than the pinned one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.gotools import build


def binary(name: str) -> Path | None:
    """The program of a part: ``provider``, ``control-plane``, ``kwok``, ``act`` or ``actionlint``. Raises KeyError otherwise."""
    return build.built(build.BY_NAME[name])


def provider_rc() -> Path | None:
    """The file for TF_CLI_CONFIG_FILE with which ``terraform init`` takes bpg/proxmox 0.111.1 from the mirror."""
    file = build.folder(build.BY_NAME["provider"]) / build.RC
    return file if binary("provider") is not None and file.is_file() else None


def terraform() -> Path | None:
    """The terraform of the PATH."""
    return _on_path("terraform")


def kubectl() -> Path | None:
    """The kubectl of the PATH."""
    return _on_path("kubectl")


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return None if found is None else Path(found)


def why_not(*names: str) -> str | None:
    """None when all of these are there, else the reason for a skip: parts by name, or ``terraform`` and ``kubectl``."""
    return next((reason for reason in map(_why_not, names) if reason is not None), None)


def _why_not(name: str) -> str | None:
    if name in {"terraform", "kubectl"}:
        return None if _on_path(name) is not None else f"needs {name} on the PATH"
    if binary(name) is not None:
        return None
    part = build.BY_NAME[name]
    return build.missing_go(part) or f"needs {name}: run `python tests/gotools/build.py {name}` (or `make test-real`)"
