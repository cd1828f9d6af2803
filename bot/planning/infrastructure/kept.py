"""Drafts of machines that stand already: what stays as it is merged, whatever the request says.

In: drafts and the standing machines. Out: drafts with the merged kind, datastore and disks, and what was not followed.
Never: a disk that shrinks, another source or node for a machine that runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bot.model.config import Limits
from bot.model.noun import JsonValue
from bot.model.plan import Machine, Source
from bot.model.quantity import GIB, Bytes
from bot.model.wishes import MachineWish
from bot.planning.infrastructure.drafts import Draft
from bot.planning.infrastructure.sizes import Row, Size, size_of
from bot.planning.merged import MERGED, Standing
from bot.planning.record import Notes, warn

_NEVER_SMALLER = "the disk that stands: disks never shrink"


def as_they_stand(
    drafts: Sequence[Draft], standing: Mapping[str, Standing], *, limits: Limits
) -> tuple[tuple[Draft, ...], Notes]:
    """Standing machines keep kind, node, datastore, source and disks; cores and memory follow the new sizing."""
    made: list[Draft] = []
    ignored: list[str] = []
    for draft in drafts:
        entry = standing.get(draft.name)
        if entry is None or entry.gone:
            made.append(draft)
            continue
        ignored += (f"{draft.name}: {what}" for what in _ignored(draft.wish, entry))
        made.append(_kept(draft, entry, limits))
    return tuple(made), _about(ignored)


def _kept(draft: Draft, entry: Standing, limits: Limits) -> Draft:
    machine = entry.machine
    update = {"kind": machine.kind, "node": None, "datastore": machine.datastore, "source": machine.source}
    wish = draft.wish.model_copy(update=update)
    size = draft.size if wish.kind == draft.wish.kind else size_of(wish, limits=limits)
    return replace(draft, wish=wish, size=_at_least(size, entry))


def _ignored(wish: MachineWish, entry: Standing) -> Iterator[str]:
    """What the request says that would make the machine anew."""
    machine = entry.machine
    if wish.kind != machine.kind:
        yield f"it is a {_word(machine.kind)}, and a {_word(wish.kind)} is asked for"
    if wish.node not in {None, entry.node}:
        yield f"it stands on {entry.node}, and {wish.node!a} is asked for"
    if wish.datastore not in {None, machine.datastore}:
        yield f"its disk is on {machine.datastore}, and {wish.datastore!a} is asked for"
    if wish.source is not None and _other(wish.source, machine.source):
        yield "it was made of another template or image than the one that is asked for"
    data = [disk.size for disk in machine.data_disks]
    if any(new < old for new, old in zip(wish.data_disks, data, strict=False)) or 0 < len(wish.data_disks) < len(data):
        yield "its data disks are larger or more than what is asked for"


def _other(asked: Source, made: Source) -> bool:
    """A volume may be asked for by a part of its name."""
    if asked.template_id != made.template_id:
        return True
    pairs = ((asked.image, made.image), (asked.iso_image, made.iso_image), (asked.ct_template, made.ct_template))
    return any((new is None) != (old is None) or (new or "").lower() not in (old or "").lower() for new, old in pairs)


def _word(kind: str) -> str:
    return "container" if kind == "container" else "VM"


def _about(ignored: Sequence[str]) -> Notes:
    if not ignored:
        return Notes()
    return warn(
        "machine-kept-as-merged",
        f"A machine that stands is not made anew: {'; '.join(ignored)}.",
        remedy="Ask for a machine of another name, move the data, and take the old one out of the request.",
    )


def _at_least(size: Size, entry: Standing) -> Size:
    """The system disk and every data disk at least as large as they stand."""
    machine = entry.machine
    disk = max(size.disk, machine.disk, _grown_by_hand(entry))
    had = [one.size for one in machine.data_disks]
    data = _larger(size.data_disks, had)
    rows = list(size.rows)
    if disk > size.disk:
        rows = _with(rows, Row("disk", disk.to_k8s(), _NEVER_SMALLER, MERGED, tag="read"))
    for index, one in enumerate(data):
        if index >= len(size.data_disks) or one > size.data_disks[index]:
            rows = _with(rows, Row(f"data_disks.{index}", one.to_k8s(), _NEVER_SMALLER, MERGED, tag="read"))
    return replace(size, disk=disk, data_disks=data, rows=tuple(rows))


def _grown_by_hand(entry: Standing) -> Bytes:
    """Whole GiB of the guest's only disk: Terraform must not shrink what somebody enlarged."""
    if entry.guest is None or entry.machine.data_disks:
        return Bytes(0)
    return Bytes(entry.guest.disk // GIB * GIB)


def _larger(new: Sequence[Bytes], had: Sequence[Bytes]) -> tuple[Bytes, ...]:
    count = max(len(new), len(had))
    padded = [*new, *[Bytes(0)] * (count - len(new))]
    floors = [*had, *[Bytes(0)] * (count - len(had))]
    return tuple(max(one, floor) for one, floor in zip(padded, floors, strict=True))


def _with(rows: Sequence[Row], row: Row) -> list[Row]:
    """The rows with one exchanged, at its place, or added."""
    if not any(one.what == row.what for one in rows):
        return [*rows, row]
    return [row if one.what == row.what else one for one in rows]


def not_grown(draft: Draft, machine: Machine, why: str, *, limits: Limits) -> Draft:
    """The draft at the size that the machine has: its growth found no room."""
    size = draft.size
    cores, memory = min(size.cores, machine.cores), Bytes(min(size.memory, machine.memory))
    data = tuple(one.size for one in machine.data_disks)
    update = {"cores": cores, "memory": memory, "disk": machine.disk, "data_disks": data}
    wish = draft.wish.model_copy(update=update)
    less = size_of(wish, limits=limits)
    asked = {row.what: row.value for row in size.rows}
    values: dict[str, JsonValue] = {"cores": cores, "memory": memory.to_k8s(), "disk": machine.disk.to_k8s()}
    values |= {f"data_disks.{index}": one.to_k8s() for index, one in enumerate(data)}
    rows: list[Row] = list(less.rows)
    for what, value in values.items():
        old = next((row for row in size.rows if row.what == what and row.value == value), None)
        kept = Row(what, value, f"{asked.get(what)} has no room: {why}", MERGED, tag="read")
        rows = _with(rows, old or kept)
    return replace(draft, size=replace(less, data_disks=data, rows=tuple(rows), guessed=size.guessed))
