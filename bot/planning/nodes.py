"""Step 12, first value: what a Kubernetes cluster of our own would need to carry the pods.

In: the sum of requests. Out: a decision that a reader may follow. Never: a cluster; building one is another command.
"""

from __future__ import annotations

from typing import Final

from bot.model.decision import Decision
from bot.model.quantity import Resources
from bot.planning.record import Notes, ceiling

NODES: Final = 3
RESERVE_CORES: Final = 0.5
RESERVE_GIB: Final = 1.0
FULL: Final = 0.85


def enough_nodes(need: Resources) -> Notes:
    """``vCPU >= need / (N - 1) / 0.85 + reserve`` with N = 3: one node may be lost. RAM by the same rule."""
    cores = ceiling(need.cpu.cores / (NODES - 1) / FULL + RESERVE_CORES)
    gib = ceiling(need.memory.gib / (NODES - 1) / FULL + RESERVE_GIB)
    value = f"{NODES} nodes of at least {cores} vCPU and {gib} GiB"
    decision = Decision(
        path="cluster.enough_nodes",
        value=value,
        origin="rule",
        tag="P",
        source="sizing step 12",
        why="first value: a cluster of this size carries the pods with one node lost",
        formula=f"{value}: {need.cpu.cores:g}/({NODES} - 1)/{FULL} + {RESERVE_CORES} = "
        f"{need.cpu.cores / (NODES - 1) / FULL + RESERVE_CORES:.2f} vCPU",
    )
    return Notes(decisions=(decision,))
