"""What stands beside the machines: capacity before and after, confidence, and the reader's own records.

In: kits, machines, the yard, the reader's decisions. Out: values of the plan. Never: two records of one number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bot.model.decision import Decision
from bot.model.plan import Confidence, Machine, NodeChange
from bot.model.quantity import MilliCpu, Resources
from bot.planning.confidence import COLD
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.kits import Kit, growth
from bot.planning.record import Notes


def changes(kits: Sequence[Kit], machines: Sequence[Machine], yard: Yard) -> tuple[NodeChange, ...]:
    """Every Proxmox node that was read; an adopted or standing machine counts by what it grows."""
    limits = {room.node: room.limit for room in yard.headroom.of("proxmox")}
    added: dict[str, Resources] = {}
    for kit, machine in zip(kits, machines, strict=True):
        more = Resources(cpu=MilliCpu(machine.cores * 1000), memory=machine.memory)
        if kit.guest is not None:
            more = growth(kit, kit.guest)
        added[machine.node] = added.get(machine.node, Resources()) + more
    return tuple(
        NodeChange(
            node=node.name,
            system="proxmox",
            limit=limits.get(node.name, node.capacity),
            before=node.promised,
            after=node.promised + added.get(node.name, Resources()),
        )
        for node in yard.snapshot.of("proxmox")
    )


def sure_of(kits: Sequence[Kit], yard: Yard) -> tuple[Confidence, Notes]:
    """Nothing is predicted: what was stated is certain, and a size that nobody stated is as unsure as a cold plan."""
    guessed = sorted({kit.draft.stem for kit in kits if _is_guessed(kit, yard)})
    sigma = COLD if guessed else 0.0
    value = round(math.exp(-sigma), 3)
    cores = float(sum(kit.draft.size.cores for kit in kits))
    why = "every size was stated; how busy the machines will be is not predicted"
    if guessed:
        why = f"nobody stated the size of {', '.join(guessed)}: first values that were never measured ({COLD})"
    draft = value < yard.config.draft_below_confidence
    sure = Confidence(value=value, sigma=sigma, low_cores=0.0, high_cores=cores, draft=draft, why=why)
    note = Decision(
        path="confidence",
        value=value,
        origin="rule",
        why=why,
        source="sizing step 14",
        formula=f"exp(-{sigma:g}); busy cores anywhere from 0 to all {cores:g}",
        tag="P",
    )
    return sure, Notes(decisions=(note,))


def _is_guessed(kit: Kit, yard: Yard) -> bool:
    """A size of the table, or one that a cluster's preset gave and no word of the request."""
    if kit.draft.cluster is None:
        return kit.draft.size.guessed
    said = {entry.path for entry in yard.wishes.decisions if entry.origin == "user"}
    return not {f"clusters.{kit.draft.cluster}.{what}" for what in ("cores", "memory")} <= said


def merged(read: Sequence[Decision], planned: Sequence[Decision], kits: Sequence[Kit]) -> tuple[Decision, ...]:
    """The reader's records first, by path. A value that the plan kept keeps the reader's words; a changed one says
    both.

    A number of ``machines.web`` also explains ``machines.web-1``.
    """
    heard = {entry.path: entry for entry in read}
    stems = {kit.draft.name: _stem(kit) for kit in kits}
    made: dict[str, Decision] = {}
    for entry in planned:
        made[entry.path] = _with_words(entry, heard.get(entry.path) or heard.get(_general(entry.path, stems)))
    only_read = [entry for path, entry in heard.items() if path not in made]
    return (*only_read, *made.values())


def _stem(kit: Kit) -> str:
    return f"clusters.{kit.draft.cluster}" if kit.draft.cluster is not None else f"machines.{kit.draft.stem}"


def _general(path: str, stems: dict[str, str]) -> str:
    """``machines.web-1.cores`` is said as ``machines.web.cores``, a cluster's machine as ``clusters.<name>.cores``."""
    parts = path.split(".", 2)
    if len(parts) == 3 and parts[0] == "machines" and parts[1] in stems:
        return f"{stems[parts[1]]}.{parts[2]}"
    return path


def _with_words(entry: Decision, heard: Decision | None) -> Decision:
    if heard is None:
        return entry
    if heard.value == entry.value:
        return heard.model_copy(update={"path": entry.path, "rejected": (*heard.rejected, *entry.rejected)})
    return entry.model_copy(update={"rejected": (*entry.rejected, f"{heard.value}: {heard.why}")})
