"""Where the ablation stands in the quality page: two programs write one page, each its own half.

In: a page. Out: the half above the mark, and the half from it on. Never: a half lost.
"""

from __future__ import annotations

from typing import Final

MARK: Final = "## What models and knowledge change"


def halves(page: str) -> tuple[str, str]:
    """Above the section, and the section; each empty where there is none."""
    above, mark, below = f"\n{page}".partition(f"\n{MARK}\n")
    return above.strip("\n"), f"{MARK}\n{below}".strip("\n") if mark else ""


def joined(above: str, section: str) -> str:
    """One page of both."""
    return "\n\n".join(half.strip("\n") for half in (above, section) if half.strip("\n")) + "\n"
