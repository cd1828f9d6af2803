"""A GPU by the name of its PCI mapping: which mapping each machine gets.

In: drafts and the snapshot. Out: mapping by machine name, or a ``Refusal`` (``capacity``). Never: a device that another
guest has, a mapping that no node shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Guest
from bot.planning.infrastructure.drafts import Draft
from bot.planning.infrastructure.ground import Yard
from bot.planning.naming import shown

ANY: Final = "any"


def mappings_for(drafts: Sequence[Draft], *, adopted: Mapping[str, Guest], yard: Yard) -> dict[str, str] | Refusal:
    """The named mapping, or for ``any`` one that is free on the node with the most memory left."""
    given = {draft.name: had for draft in drafts if (had := _had(draft, yard)) is not None}
    wanting = [draft for draft in drafts if draft.wish.gpu is not None and draft.name not in given]
    if not wanting:
        return given
    if not yard.read:
        unread = _unread(wanting)
        return unread if isinstance(unread, Refusal) else given | unread
    free = _free(yard)
    for draft in wanting:
        if draft.wish.kind == "container":
            return _refused(draft, "a container cannot take a PCI device")
        guest = adopted.get(draft.name)
        had = next((one for one in guest.pci if draft.wish.gpu in {ANY, one}), None) if guest is not None else None
        found = had or _take(draft, free)
        if found is None:
            return _none_left(draft, yard.snapshot)
        given[draft.name] = found
    return given


def _had(draft: Draft, yard: Yard) -> str | None:
    """The mapping of a machine that stands, where the request takes it."""
    entry = yard.standing.get(draft.name)
    mapping = entry.machine.pci_mapping if entry is not None and not entry.gone else None
    return mapping if draft.wish.gpu is not None and draft.wish.gpu in {ANY, mapping} else None


def _unread(wanting: Sequence[Draft]) -> dict[str, str] | Refusal:
    """A mapping that was named is taken on trust; ``any`` cannot be."""
    nameless = next((draft for draft in wanting if draft.wish.gpu == ANY), None)
    if nameless is not None:
        return _refused(nameless, "no Proxmox cluster was read, so no PCI mapping is known")
    return {draft.name: str(draft.wish.gpu) for draft in wanting}


def _free(yard: Yard) -> list[tuple[str, str]]:
    """(node, mapping) that no guest has, roomiest node first."""
    rooms = {room.node: room.free.memory for room in yard.headroom.of("proxmox") if room.usable}
    guests = yard.snapshot.proxmox.guests if yard.snapshot.proxmox is not None else ()
    used = {(guest.node, mapping) for guest in guests for mapping in guest.pci}
    pairs = [(node.name, mapping) for node in yard.snapshot.of("proxmox") for mapping in node.pci_mappings]
    open_pairs = [pair for pair in pairs if pair not in used and pair[0] in rooms]
    return sorted(open_pairs, key=lambda pair: (-rooms[pair[0]], pair))


def _take(draft: Draft, free: list[tuple[str, str]]) -> str | None:
    for pair in free:
        if draft.wish.gpu in {ANY, pair[1]} and draft.wish.node in {None, pair[0]}:
            free.remove(pair)
            return pair[1]
    return None


def _none_left(draft: Draft, snapshot: ClusterSnapshot) -> Refusal:
    reasons = [_why_not(node.name, node.pci_mappings, draft, snapshot) for node in snapshot.of("proxmox")]
    wanted = "a GPU" if draft.wish.gpu == ANY else f"PCI mapping {shown(str(draft.wish.gpu))}"
    return _refused(draft, f"no node has {wanted} free: {'; '.join(sorted(reasons))}")


def _why_not(node: str, mappings: Sequence[str], draft: Draft, snapshot: ClusterSnapshot) -> str:
    fitting = [one for one in mappings if draft.wish.gpu in {ANY, one}]
    if not fitting:
        return f"{node} has no such mapping"
    guests = snapshot.proxmox.guests if snapshot.proxmox is not None else ()
    holders = [
        f"{guest.name} (VMID {guest.vm_id})" for guest in guests if guest.node == node and set(fitting) & set(guest.pci)
    ]
    return f"{', '.join(fitting)} of {node} belongs to {', '.join(holders) or 'another machine of this plan'}"


def _refused(draft: Draft, why: str) -> Refusal:
    return Refusal(
        code=Code.CAPACITY,
        message=f"pci-mapping: {draft.name} asks for a GPU, and {why}.",
        remedy="Create a PCI mapping (Datacenter, Resource Mappings), free one, or ask for a machine without a GPU.",
    )
