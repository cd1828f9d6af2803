"""Runs every benchmark, or those named: ``python -m benchmarks [comment_to_pull] [survey_speed] …``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from benchmarks import ablation, comment_to_pull, ledger, placement_quality, survey_speed, webhook_ack

BENCHMARKS: Final[dict[str, Callable[[], None]]] = {
    "comment_to_pull": comment_to_pull.main,
    "survey_speed": survey_speed.main,
    "placement_quality": placement_quality.main,
    "ledger": ledger.main,
    "webhook_ack": webhook_ack.main,
    "ablation": ablation.main,
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"no benchmark {name}; there are: {', '.join(BENCHMARKS)}")
        print(f"== {name}")
        BENCHMARKS[name]()
        print()


if __name__ == "__main__":
    main()
