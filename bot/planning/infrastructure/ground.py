"""Where machines are asked for: the settled environment beside what was read and what is held.

In: wishes, snapshot, headroom, config, ids and addresses of other pull requests. Out: immutable values. Never: a
decision about one machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.wishes import Wishes
from bot.planning.addresses import NOTHING_HELD, Held
from bot.planning.record import Notes
from bot.planning.scope import Scope

_CAREFUL = frozenset({"high", "critical"})
_CONFIG = "defaults of .ai-provision.yaml"


@dataclass(frozen=True)
class Yard:
    """The request with everything that its plan may look at. ``careful``: the loss of one node must be survivable."""

    wishes: Wishes
    scope: Scope
    snapshot: ClusterSnapshot
    headroom: Headroom
    config: Config
    held: Held

    @property
    def read(self) -> bool:
        """True when a Proxmox cluster was read."""
        return bool(self.snapshot.of("proxmox"))

    @property
    def careful(self) -> bool:
        """True in production, and for what is called highly critical."""
        return self.scope.production or self.wishes.criticality in _CAREFUL


def yard_for(
    wishes: Wishes, *, snapshot: ClusterSnapshot, headroom: Headroom, config: Config, held: Held = NOTHING_HELD
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
    return Yard(wishes, scope, snapshot=snapshot, headroom=headroom, config=config, held=held)
