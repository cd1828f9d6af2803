"""One snapshot out of the readings of several systems.

In: partial snapshots. Out: one ``ClusterSnapshot``. Never: a gap that gets lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.cluster import ClusterSnapshot, Missing


def combine(parts: Sequence[ClusterSnapshot], *, missing: Sequence[Missing] = ()) -> ClusterSnapshot:
    """Nodes, stores and gaps of all parts; the latest of their times; the first cluster-wide facts of each system."""
    times = [part.taken_at for part in parts if part.taken_at is not None]
    return ClusterSnapshot(
        taken_at=max(times, default=None),
        nodes=tuple(node for part in parts for node in part.nodes),
        stores=tuple(store for part in parts for store in part.stores),
        missing=(*(gap for part in parts for gap in part.missing), *missing),
        proxmox=next((part.proxmox for part in parts if part.proxmox is not None), None),
        kubernetes=next((part.kubernetes for part in parts if part.kubernetes is not None), None),
    )
