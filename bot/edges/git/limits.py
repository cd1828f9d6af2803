"""How much of a repository is read before the bot stops.

In: nothing. Out: numbers. Never: unlimited. The limits of docs/security.md, first values: 100,000 tree
entries, 3,000 survey files, 256 KiB per file, 16 MiB in all, 20 s; the hard limits lie above them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.quantity import KIB, MIB


@dataclass(frozen=True, kw_only=True)
class GitLimits:
    """Beyond ``entries``, ``files``, ``file_bytes`` and ``total_bytes`` the reading is partial and says so.

    Beyond ``entries_hard``, a pack limit or ``seconds`` it is refused with the limit in the text.
    """

    entries: int = 100_000
    entries_hard: int = 150_000
    files: int = 3_000
    file_bytes: int = 256 * KIB
    total_bytes: int = 16 * MIB
    tree_pack_bytes: int = 64 * MIB
    blob_pack_bytes: int = 24 * MIB
    seconds: float = 20.0
    links: int = 200
    notes: int = 20


MEMORY_BYTES = 4 * 1024 * MIB
"""Address space of one git process; a pack that inflates beyond it is a bomb."""
