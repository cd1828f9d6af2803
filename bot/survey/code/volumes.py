"""Paths whose content has to outlive the container.

In: a literal path of a write. Out: a volume, or nothing. Never: a relative path, a temporary folder, a path from a
setting.
"""

from __future__ import annotations

from posixpath import dirname, normpath

from bot.model.profile import Evidence, Volume

_LASTING = ("/data", "/var/lib", "/srv", "/mnt", "/storage", "/uploads", "/persist", "/var/data", "/app/data",
            "/app/uploads", "/usr/src/app/data", "/usr/src/app/uploads")  # fmt: skip


def volume_of(path: str, seen: Evidence) -> Volume | None:
    """The folder to keep for a written path, or None."""
    clean = normpath(path) if path.startswith("/") and path.isprintable() and len(path) <= 200 else ""
    if not any(clean == base or clean.startswith(base + "/") for base in _LASTING):
        return None
    folder = dirname(clean) if "." in clean.rpartition("/")[2] else clean
    return Volume(path=folder, evidence=seen)
