"""Where machines are asked for: the settled environment beside what was read and what is held.

In: wishes, snapshot, headroom, config, ids and addresses of other pull requests. Out: immutable values. Never: a
decision about one machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.plan import ClusterPlan, PlanView
from bot.model.wishes import Wishes
from bot.planning.addresses import NOTHING_HELD, Held
from bot.planning.merged import Standing
from bot.planning.record import Notes
from bot.planning.scope import Scope

_CAREFUL = frozenset({"high", "critical"})
_CONFIG = "defaults of .ai-provision.yaml"


@dataclass(frozen=True)
class Yard:
    """The request with everything that its plan may look at. ``careful``: the loss of one node must be survivable.
    ``before``: the merged plan of the same stack, whose machines are ``standing``.
    """

    wishes: Wishes
    scope: Scope
    snapshot: ClusterSnapshot
    headroom: Headroom
    config: Config
    held: Held
    before: PlanView | None = None
    standing: Mapping[str, Standing] = field(default_factory=dict)

    def cluster_before(self, name: str) -> ClusterPlan | None:
        """The merged plan of a cluster of this name."""
        clusters = self.before.clusters if self.before is not None else ()
        return next((cluster for cluster in clusters if cluster.name == name), None)

    @property
    def read(self) -> bool:
        """True when a Proxmox cluster was read."""
        return bool(self.snapshot.of("proxmox"))

    @property
    def careful(self) -> bool:
        """True in production, and for what is called highly critical."""
        return self.scope.production or self.wishes.criticality in _CAREFUL


def yard_for(
    wishes: Wishes,
    *,
    snapshot: ClusterSnapshot,
    headroom: Headroom,
    config: Config,
    held: Held = NOTHING_HELD,
    before: PlanView | None = None,
    standing: Mapping[str, Standing] | None = None,
) -> Yard:
    """The request's word first, then the config file, then production, which is the careful choice."""
    if wishes.environment is not None:
        name, why, source = wishes.environment, "the request names it", "the request"
    elif config.defaults.environment is not None:
        name, why, source = config.defaults.environment, "the config file sets it", _CONFIG
    else:
        name, source = "production", "configuration, defaults"
        why = "nobody named an environment, and production is the careful choice"
    said = source != "configuration, defaults"
    note = Decision(
        path="environment",
        value=name,
        origin="user" if said else "rule",
        why=why,
        source=source,
        tag="user" if said else "P",
    )
    scope = Scope(
        app=wishes.name, environment=name, namespace=wishes.name, cluster=None, notes=Notes(decisions=(note,))
    )
    return Yard(
        wishes,
        scope,
        snapshot=snapshot,
        headroom=headroom,
        config=config,
        held=held,
        before=before,
        standing=standing or {},
    )
