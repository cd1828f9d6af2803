"""Who a machine is: its VMID, its name, its pool, and what it is made of.

In: the scene. Out: checks ``vm-id``, ``name``, ``pool``, ``template``. Never: an id called free while
guests are hidden.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bot.checks.preflight.scene import Scene, failed, named, passed, settled, skipped, unknown, unread
from bot.model.cluster import Guest, Missing
from bot.model.plan import Machine
from bot.model.stack import Check

_HIDDEN = ("guests", "inventory", "rights of the token")
_AGAIN = "Comment /ai-retry in the thread: the next plan takes what is free now."


def _hidden(scene: Scene) -> Missing | None:
    """The gap behind which guests may stand that nobody saw."""
    return scene.gap(*_HIDDEN)


def vm_id(scene: Scene) -> tuple[Check, ...]:
    """No other guest holds a machine's VMID; what is imported is there."""
    numbers = ", ".join(str(machine.vm_id) for machine in scene.plan.machines)
    reason = f"VMID {numbers}: free, or held by this stack's own guests"
    return settled(_vm_ids(scene), passed("vm-id", named(scene.plan.machines), reason))


def _vm_ids(scene: Scene) -> Iterator[Check]:
    counts = Counter(machine.vm_id for machine in scene.plan.machines)
    for machine in scene.plan.machines:
        other = _claim(machine, scene)
        if other is not None:
            yield failed("vm-id", machine.name, other, remedy=_AGAIN)
        elif counts[machine.vm_id] > 1:
            reason = f"VMID {machine.vm_id} stands at {counts[machine.vm_id]} machines of this plan"
            yield failed("vm-id", machine.name, reason, remedy="Give each machine its own VMID.")
    gap = _hidden(scene)
    new = [machine for machine in scene.plan.machines if machine.vm_id not in scene.guests]
    if gap is not None and any(machine.vm_id not in scene.mine for machine in new):
        yield unread("vm-id", named(new), gap)


def _claim(machine: Machine, scene: Scene) -> str | None:
    """Why the machine cannot have its VMID, or None."""
    guest = scene.guests.get(machine.vm_id)
    if guest is not None and machine.vm_id not in scene.mine:
        return f"VMID {guest.vm_id} belongs to {guest.name} on {guest.node}, which this stack did not make"
    if machine.adopted and machine.vm_id not in scene.owned:
        return _not_importable(machine, guest, hidden=_hidden(scene) is not None)
    return None


def _not_importable(machine: Machine, guest: Guest | None, *, hidden: bool) -> str | None:
    if guest is None:
        return None if hidden else f"VMID {machine.vm_id} is to be imported and is not there"
    if (guest.kind, guest.name) != (machine.kind, machine.name):
        return f"VMID {guest.vm_id} is to be imported as {machine.kind} {machine.name} and is {guest.kind} {guest.name}"
    return None


def name(scene: Scene) -> tuple[Check, ...]:
    """No other guest bears a machine's name: a second one would be a duplicate of what exists."""
    good = passed("name", named(scene.plan.machines), "no other guest bears these names")
    return settled(_names(scene), good)


def _names(scene: Scene) -> Iterator[Check]:
    for machine in scene.plan.machines:
        others = [
            guest
            for guest in scene.facts.guests
            if guest.name == machine.name and not guest.template and guest.vm_id not in {machine.vm_id, *scene.mine}
        ]
        if others:
            reason = f"{machine.name} exists already as VMID {others[0].vm_id} on {others[0].node}"
            remedy = "Take that guest away, or tag it for adoption and comment /ai-retry."
            yield failed("name", machine.name, reason, remedy=remedy)
    gap = _hidden(scene)
    new = [machine for machine in scene.plan.machines if machine.vm_id not in scene.mine]
    if gap is not None and new:
        yield unread("name", named(new), gap)


def pool(scene: Scene) -> tuple[Check, ...]:
    """The pools exist: Terraform puts machines in, and makes none."""
    wanted = sorted({machine.pool for machine in scene.plan.machines if machine.pool is not None})
    if not wanted:
        return (skipped("pool", named(scene.plan.machines), "no pool is asked for"),)
    return settled(_pools(wanted, scene), passed("pool", ", ".join(wanted), "exists"))


def _pools(wanted: list[str], scene: Scene) -> Iterator[Check]:
    for one in wanted:
        if one in scene.facts.pools:
            continue
        gap = scene.gap("pools", "rights of the token")
        if gap is not None:
            yield unread("pool", one, gap)
        else:
            remedy = f"Create it: pveum pool add {one!a}; or correct defaults.pool in .ai-provision.yaml."
            yield failed("pool", one, f"pool {one} does not exist", remedy=remedy)


def template(scene: Scene) -> tuple[Check, ...]:
    """What new machines are made of is there, whole, and reaches their node."""
    made = [machine for machine in scene.plan.machines if scene.made(machine)]
    if not made:
        return (skipped("template", named(scene.plan.machines), "every machine exists already"),)
    return settled(_sources(made, scene), passed("template", named(made), _what(made)))


def _what(made: list[Machine]) -> str:
    sources = (machine.source for machine in made)
    texts = [
        f"template {one.template_id}" if one.template_id is not None else one.image or one.iso_image or one.ct_template
        for one in sources
    ]
    return f"{', '.join(sorted({text for text in texts if text}))}: there, or downloaded by address"


def _sources(made: list[Machine], scene: Scene) -> Iterator[Check]:
    for machine in made:
        source = machine.source
        volume = source.image or source.iso_image or source.ct_template
        if source.template_id is not None:
            yield from _clone(machine, source.template_id, scene)
        elif volume is not None and "://" not in volume:
            yield from _volume(machine, volume, scene)


def _clone(machine: Machine, number: int, scene: Scene) -> Iterator[Check]:
    found, gap = scene.guests.get(number), _hidden(scene)
    if found is None and gap is not None:
        yield unread("template", machine.name, gap)
        return
    reason = _unfit(machine, number, found, scene)
    if reason is not None:
        remedy = "Restore the template, wait until its lock is gone, or name another one and comment /ai-retry."
        yield failed("template", machine.name, reason, remedy=remedy)


def _unfit(machine: Machine, number: int, found: Guest | None, scene: Scene) -> str | None:
    """Why the template cannot be cloned to the machine, or None."""
    if found is None:
        return f"template {number} does not exist any more"
    if not found.template or found.kind != machine.kind:
        return f"VMID {number} is {found.name} on {found.node}, and no template of a {machine.kind}"
    if found.lock:
        return f"template {number} is locked ({found.lock})"
    if machine.disk < found.disk:
        return f"the disk of {machine.disk.gib:g} GiB is smaller than the template's {found.disk.gib:g} GiB"
    return _elsewhere(machine, found, scene)


def _elsewhere(machine: Machine, found: Guest, scene: Scene) -> str | None:
    if found.node != (machine.template_node or machine.node):
        return f"template {found.vm_id} stands on {found.node} now, the plan clones it from {machine.template_node}"
    reached = {store.name for store in scene.stores(machine.node) if store.shared}
    apart = sorted(set(found.datastores) - reached)
    if found.node != machine.node and apart:
        return f"template {found.vm_id} lies on {found.node} ({', '.join(apart)}), which {machine.node} does not share"
    return None


def _volume(machine: Machine, volume: str, scene: Scene) -> Iterator[Check]:
    store = volume.partition(":")[0]
    if any(volume in one.volumes for one in scene.stores(machine.node, store)):
        return
    gap = scene.gap(
        f"content of datastore {store} ", f"content of datastore {store}", "content of datastores",
        f"datastores of node {machine.node}", "datastores",
    )  # fmt: skip
    if gap is not None:
        yield unread("template", machine.name, gap)
    elif scene.silent(machine.node) is not None:
        yield unknown("template", machine.name, f"{scene.silent(machine.node)}", remedy="See node-online.")
    else:
        remedy = "Upload it there again, or name another volume or an address and comment /ai-retry."
        yield failed("template", machine.name, f"{volume} is not there for {machine.node}", remedy=remedy)
