"""Write ``docs/faults.md`` from the cells that the tests assert: ``python -m tests.faults``."""

from __future__ import annotations

from pathlib import Path

from tests.faults.matrix import markdown

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"

if __name__ == "__main__":
    DOCUMENT.write_text(markdown(), encoding="utf-8")
