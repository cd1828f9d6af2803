"""Workers that an earlier plan of the application added: kept in the plan, and never added again.

In: the site with the merged plan. Out: ``Earlier`` with their machines; the site without the application's own pods.
Never: a worker that a plan forgets, which Terraform would destroy under running pods.

The pods of an application that runs already are among the requests that its nodes have promised; they count once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import Refusal
from bot.model.cluster import Headroom, Node, Room
from bot.model.plan import Machine
from bot.model.quantity import Resources
from bot.model.wishes import MachineWish, Wishes
from bot.planning.infrastructure.build import Built, build, no_room
from bot.planning.infrastructure.ground import Yard
from bot.planning.machines import Site
from bot.planning.placement.place import NoRoom
from bot.planning.service import SizedService

WORKER: Final = "kubernetes-worker"


@dataclass(frozen=True)
class Earlier:
    """The workers as the merged plan has them, and those of them that are no nodes of the cluster yet."""

    built: Built
    waiting: tuple[Machine, ...]


def wishes_again(site: Site) -> tuple[MachineWish, ...]:
    """The workers of the merged plan in its own sizes."""
    machines = site.before.machines if site.before is not None else ()
    return tuple(
        MachineWish(
            name=machine.name,
            role=WORKER,
            cores=machine.cores,
            memory=machine.memory,
            disk=machine.disk,
            tags=machine.tags,
        )
        for machine in machines
        if machine.role == WORKER
    )


def earlier_workers(site: Site) -> Earlier | Refusal | None:
    """The workers of the merged plan where they stand; None without any."""
    wishes = wishes_again(site)
    if not wishes:
        return None
    built = build((), yard=yard_of_site(site, wishes))
    if isinstance(built, NoRoom):
        return no_room(built)
    if isinstance(built, Refusal):
        return built
    joined = {node.name for node in site.snapshot.of("kubernetes")}
    return Earlier(built, tuple(machine for machine in built.machines if machine.name not in joined))


def yard_of_site(site: Site, wishes: Sequence[MachineWish]) -> Yard:
    """The ground on which workers of an application are planned."""
    asked = Wishes(name=site.scope.app, machines=tuple(wishes))
    return Yard(
        asked,
        site.scope,
        snapshot=site.snapshot,
        headroom=site.headroom,
        config=site.config,
        held=site.held,
        before=site.before,
        standing=site.standing,
    )


def own_pods_given_back(site: Site, services: Sequence[SizedService]) -> Site:
    """The nodes without the pods of this application that run already: a plan replaces them, it does not add to them.

    Nobody read on which node each of them runs. They are taken off the nodes in turn, the workers of this application
    first and then those with the most promised, and never more than a node has promised.
    """
    facts = site.snapshot.kubernetes
    known = {plan.name for plan in site.before.services} if site.before is not None else set()
    names = {sized.plan.name for sized in services} & known
    nodes = {node.name: node for node in site.snapshot.of("kubernetes")}
    ours = {wish.name for wish in wishes_again(site)}
    for workload in facts.workloads if facts is not None else ():
        if workload.namespace == site.scope.namespace and workload.name in names:
            for _ in range(workload.replicas):
                nodes = _one_less(nodes, workload.requests, ours)
    return _with_promised(site, nodes)


def _one_less(nodes: dict[str, Node], pod: Resources, ours: set[str]) -> dict[str, Node]:
    able = [node for node in nodes.values() if pod.fits(node.promised) and (node.pods is None or node.pods > 0)]
    if not able:
        return nodes
    most = max(able, key=lambda node: (node.name in ours, node.promised.memory, node.promised.cpu, node.name))
    pods = most.pods - 1 if most.pods is not None else None
    return {**nodes, most.name: most.model_copy(update={"promised": most.promised - pod, "pods": pods})}


def _with_promised(site: Site, nodes: dict[str, Node]) -> Site:
    before = {node.name: node.promised for node in site.snapshot.of("kubernetes")}
    back = {name: before[name] - node.promised for name, node in nodes.items()}
    changed = tuple(nodes.get(node.name, node) if node.system == "kubernetes" else node for node in site.snapshot.nodes)
    rooms = tuple(
        _roomier(room, back[room.node]) if room.system == "kubernetes" and room.node in back else room
        for room in site.headroom.rooms
    )
    snapshot = site.snapshot.model_copy(update={"nodes": changed})
    return replace(site, snapshot=snapshot, headroom=Headroom(rooms=rooms))


def _roomier(room: Room, more: Resources) -> Room:
    return room.model_copy(
        update={
            "free": room.free + more,
            "cpu_load": max(0.0, room.cpu_load - more.cpu / max(1, room.limit.cpu)),
            "memory_load": max(0.0, room.memory_load - more.memory / max(1, room.limit.memory)),
        }
    )
