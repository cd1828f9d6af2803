"""Everything about one machine but its seat, and what it takes beyond what it has.

In: drafts, origins, ids, interfaces, devices. Out: ``Kit`` values. Never: a node.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.cluster import Guest
from bot.model.plan import Machine
from bot.model.quantity import Resources
from bot.planning.infrastructure.drafts import Draft
from bot.planning.infrastructure.origins import Origin
from bot.planning.infrastructure.wiring import Wired
from bot.planning.merged import Standing, growth_of


@dataclass(frozen=True)
class Kit:
    """Everything about one machine but its seat. ``guest`` exists already; ``standing``: the merged plan has it."""

    draft: Draft
    origin: Origin
    vm_id: int
    wired: Wired
    mapping: str | None
    guest: Guest | None
    standing: Standing | None = None

    @property
    def merged(self) -> Machine | None:
        """The machine as it stands; None for a new one, and for one whose guest is gone."""
        return self.standing.machine if self.standing is not None and not self.standing.gone else None


def growth(kit: Kit, guest: Guest) -> Resources:
    """What a machine that exists takes beyond what is promised to it already."""
    return growth_of(guest, cores=kit.draft.size.cores, memory=kit.draft.size.memory)
