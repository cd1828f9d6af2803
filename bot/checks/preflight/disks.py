"""Datastores: there, active, of the right kind, and with room for the disks and a reserve.

In: the scene. Out: checks ``storage-space`` and ``storage-content``. Never: a shared store counted once per node.

Formula: available - request >= max(10 % of the total, 10 GiB). A clone is a full one; downloads are not counted,
because nobody knows their size before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.checks.preflight.scene import Scene, failed, named, passed, settled, unknown, unread
from bot.model.cluster import Missing, Store
from bot.model.plan import Machine
from bot.model.quantity import GIB
from bot.model.stack import Check

_SHARE: Final = 0.10
_FLOOR: Final = 10 * GIB
_DISKS: Final = {"images": "disk images", "rootdir": "container disks"}
_FREE: Final = "Free space there, or comment /ai-retry for a plan that fits what is there now."
_ALLOW: Final = "Correct the datastore (Datacenter, Storage), or name another in .ai-provision.yaml and /ai-retry."


@dataclass(frozen=True)
class Want:
    """A datastore, the node that must reach it, and what it must hold; ``zfs``: replication needs a ZFS pool."""

    store: str
    node: str
    content: str
    machine: str
    zfs: bool = False


def storage_space(scene: Scene) -> tuple[Check, ...]:
    """Room on every datastore that receives disks."""
    asked: dict[tuple[str, str], int] = defaultdict(int)
    for machine in scene.plan.machines:
        for name, node, size in _requests(scene, machine):
            asked[_key(scene, name, node)] += size
    return tuple(_one(scene, name, node, size) for (name, node), size in sorted(asked.items()))


def _requests(scene: Scene, machine: Machine) -> Iterator[tuple[str, str, int]]:
    """Datastore, node and bytes; a machine that exists asks for what it grows by."""
    node, guest = scene.stands_on(machine), scene.own(machine)
    sizes = [(machine.datastore, int(machine.disk)), *((disk.datastore, int(disk.size)) for disk in machine.data_disks)]
    if guest is not None:
        yield machine.datastore, node, max(0, sum(size for _, size in sizes) - int(guest.disk))
        return
    for name, size in sizes:
        yield name, node, size
        if machine.replicate_to is not None:
            yield name, machine.replicate_to, size


def _key(scene: Scene, name: str, node: str) -> tuple[str, str]:
    """A shared store is one place, whichever node asks."""
    return (name, "") if any(store.shared for store in scene.stores(node, name)) else (name, node)


def _found(scene: Scene, name: str, node: str) -> Store | None:
    if node:
        return next(iter(scene.stores(node, name)), None)
    shared = (store for store in scene.snapshot.stores if store.system == "proxmox" and store.shared)
    return next((store for store in shared if store.name == name), None)


def _one(scene: Scene, name: str, node: str, size: int) -> Check:
    about = f"{name} of {node}" if node else name
    store = _found(scene, name, node)
    if size == 0:
        return passed("storage-space", about, "no further disk is asked for")
    if store is None or store.available is None:
        silent = scene.silent(node) if node else None
        reason = silent or f"how much room {about} has was not read"
        return unknown("storage-space", about, reason, remedy="See storage-content and node-online.")
    reserve = max(int(_SHARE * (store.total or 0)), _FLOOR)
    left = int(store.available) - reserve
    numbers = f"{size / GIB:.1f} GiB asked, {max(0, left) / GIB:.1f} GiB left beside the {reserve / GIB:.1f} GiB kept"
    if size > left:
        return failed("storage-space", about, numbers, remedy=_FREE)
    return passed("storage-space", about, numbers)


def storage_content(scene: Scene) -> tuple[Check, ...]:
    """Every datastore is there, active, and may hold what is put on it."""
    wanted = list(_wanted(scene))
    kinds = sorted({f"{want.content} on {want.store}" for want in wanted})
    good = passed("storage-content", named(scene.plan.machines), ", ".join(kinds))
    problems = (check for want in dict.fromkeys(wanted) if (check := _judged(scene, want)) is not None)
    return settled((*problems, *_downloads(scene)), good)


def _wanted(scene: Scene) -> Iterator[Want]:
    for machine in scene.plan.machines:
        node = scene.stands_on(machine)
        content = "rootdir" if machine.kind == "container" else "images"
        stores = dict.fromkeys((machine.datastore, *(disk.datastore for disk in machine.data_disks)))
        for store in stores:
            yield Want(store, node, content, machine=machine.name)
            if machine.replicate_to is not None:
                yield Want(store, machine.replicate_to, content, machine=machine.name, zfs=True)
        volume = _volume(machine) if scene.made(machine) else None
        if volume is not None and "://" not in volume[0]:
            yield Want(volume[0].partition(":")[0], node, volume[1], machine=machine.name)
        if machine.backup and scene.plan.backup is not None:
            yield Want(scene.plan.backup.datastore, node, "backup", machine=machine.name)


def _volume(machine: Machine) -> tuple[str, str] | None:
    """The volume or address that a machine is made of, and its content type."""
    source = machine.source
    kinds = ((source.image, "import"), (source.iso_image, "iso"), (source.ct_template, "vztmpl"))
    return next(((text, content) for text, content in kinds if text), None)


def _judged(scene: Scene, want: Want) -> Check | None:
    about, store = f"{want.machine}: {want.store}", _found(scene, want.store, want.node)
    if store is None:
        return _absent(scene, want, about)
    if not store.active:
        return failed("storage-content", about, f"{want.store} of {want.node} is not active", remedy=_ALLOW)
    if want.content not in store.content:
        held = ", ".join(store.content) or "nothing"
        reason = f"{want.store} of {want.node} holds {held}, not {_DISKS.get(want.content, want.content)}"
        return failed("storage-content", about, reason, remedy=_ALLOW)
    if want.zfs and store.kind != "zfspool":
        reason = f"{want.store} of {want.node} is no ZFS pool, and only those receive replicas"
        return failed("storage-content", about, reason, remedy=_ALLOW)
    return None


def _absent(scene: Scene, want: Want, about: str) -> Check:
    gap, silent = _gap(scene, want.node), scene.silent(want.node)
    if silent is not None:
        return unknown("storage-content", about, silent, remedy="See node-online.")
    if gap is not None:
        return unread("storage-content", about, gap)
    return failed("storage-content", about, f"{want.node} has no datastore {want.store}", remedy=_ALLOW)


def _gap(scene: Scene, node: str) -> Missing | None:
    return scene.gap("datastore configuration", f"datastores of node {node}") or next(
        (gap for gap in scene.snapshot.missing if gap.system == "proxmox" and gap.what == "datastores"), None
    )


def _downloads(scene: Scene) -> Iterator[Check]:
    """Cloud images and container templates by address need a store that takes them."""
    for machine in scene.plan.machines:
        volume = _volume(machine) if scene.made(machine) else None
        if volume is None or "://" not in volume[0]:
            continue
        node, configured = scene.stands_on(machine), scene.config.defaults.image_datastore
        if configured is not None:
            judged = _judged(scene, Want(configured, node, volume[1], machine=machine.name))
            yield from () if judged is None else (judged,)
        elif not any(store.active and volume[1] in store.content for store in scene.stores(node)):
            yield _no_place(scene, machine, node, volume[1])


def _no_place(scene: Scene, machine: Machine, node: str, content: str) -> Check:
    silent, gap = scene.silent(node), _gap(scene, node)
    if silent is not None:
        return unknown("storage-content", machine.name, silent, remedy="See node-online.")
    if gap is not None:
        return unread("storage-content", machine.name, gap)
    reason = f"no datastore of {node} takes content {content}, so the image cannot be downloaded"
    remedy = f"Allow content {content} on a datastore (Datacenter, Storage), or set defaults.image_datastore."
    return failed("storage-content", machine.name, reason, remedy=remedy)
