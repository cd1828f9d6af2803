"""When the Kubernetes cluster has no room for the pods: worker machines on Proxmox that would give it.

In: sized services and the site. Out: ``Grown`` with the pods fitted and the machines that made it possible, or the
``Refusal`` of the pods with a second reason. Never: workers against a quota, workers that Proxmox has no room for.

A worker gives what it has minus half a vCPU and 1 GiB (sizing step 12) and the DaemonSets of the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import Node, Room
from bot.model.config import Limits
from bot.model.decision import Decision
from bot.model.plan import Machine
from bot.model.quantity import GIB, Bytes, MilliCpu, Resources
from bot.model.wishes import MachineWish
from bot.planning.earlier_workers import Earlier, earlier_workers, own_pods_given_back, wishes_again, yard_of_site
from bot.planning.infrastructure.build import Built, build, no_room
from bot.planning.machines import Machines, Site
from bot.planning.naming import service_slug
from bot.planning.nodes import RESERVE_CORES, RESERVE_GIB
from bot.planning.placement.place import NoRoom
from bot.planning.pods import Fitted, fit_pods, yard_of
from bot.planning.quota import Pod
from bot.planning.record import Notes, figure, warn
from bot.planning.service import SizedService
from bot.planning.taken import with_machines

LEAST_CORES: Final = 2
LEAST_GIB: Final = 4
_PER_CORE: Final = (2, 4, 8)
"""GiB per vCPU, as virtual machines are commonly cut."""
_PODS: Final = 110
"""The kubelet's default (kubernetes.io, large clusters)."""
_NUMBERED: Final = re.compile(r"(?P<stem>[a-z0-9-]*worker)-(?P<number>[0-9]{1,5})", re.ASCII)
_ENDLESS: Final = Resources(cpu=MilliCpu(10**9), memory=Bytes(2**60))


@dataclass(frozen=True)
class Grown:
    """The pods where they fit. ``site`` counts the new workers as taken; ``nodes`` and ``rooms`` are what they add."""

    fitted: Fitted
    site: Site
    workers: Machines | None = None
    nodes: tuple[Node, ...] = ()
    rooms: tuple[Room, ...] = ()


@dataclass(frozen=True)
class _Offer:
    """``count`` workers of one size that hold all pods."""

    cores: int
    memory: Bytes
    count: int
    fitted: Fitted

    @property
    def cost(self) -> tuple[int, int, int]:
        """The least in sum, then the fewest."""
        return (self.cores * self.count, int(self.memory) * self.count, self.count)


def room_for(services: Sequence[SizedService], *, site: Site) -> Grown | Refusal:
    """The pods on the nodes that exist, those that an earlier plan added included; else on these and new workers.

    Pods of this application that run already count once: a second look is without them.
    """
    earlier = earlier_workers(site)
    if isinstance(earlier, Refusal):
        return earlier
    waiting = earlier.waiting if earlier is not None else ()
    ground = _with_nodes(site, _nodes_of(waiting, site)) if waiting else site
    namespace = site.scope.namespace
    fitted = fit_pods(services, snapshot=ground.snapshot, headroom=ground.headroom, namespace=namespace)
    if isinstance(fitted, Refusal) and site.before is not None:
        ground = own_pods_given_back(ground, services)
        fitted = fit_pods(services, snapshot=ground.snapshot, headroom=ground.headroom, namespace=namespace)
    if isinstance(fitted, Fitted):
        return _as_before(fitted, earlier, site=site)
    if fitted.code is not Code.CAPACITY or not _may_grow(services, ground):
        return fitted
    return _offered(services, fitted, waiting, ground=ground, site=site)


def _offered(
    services: Sequence[SizedService], refusal: Refusal, waiting: Sequence[Machine], *, ground: Site, site: Site
) -> Grown | Refusal:
    """The cheapest workers that Proxmox has room for, or the refusal of the pods with a second reason."""
    missing = _missing(services, ground)
    reason = "no size of worker within the limits of .ai-provision.yaml holds the pods"
    for offer in sorted(_offers(services, missing, ground), key=lambda one: one.cost):
        built = _built(offer, site)
        if isinstance(built, Built):
            found = _grown(services, built, waiting, ground=ground, site=site, missing=missing)
            return found or refusal
        reason = no_room(built).message if isinstance(built, NoRoom) else built.message
    return refusal.model_copy(update={"message": f"{refusal.message} Nor can workers be added: {reason.rstrip('.')}."})


def _as_before(fitted: Fitted, earlier: Earlier | None, *, site: Site) -> Grown:
    """No new worker; the earlier ones stay in the plan."""
    if earlier is None:
        return Grown(fitted, site)
    machines = _of_cluster(earlier.built.machines, site)
    nodes = _nodes_of(earlier.waiting, site)
    workers = Machines(machines, earlier.built.placed, verified=True, notes=earlier.built.notes)
    return Grown(fitted, with_machines(site, machines), workers, nodes=nodes, rooms=tuple(map(_room, nodes)))


def _of_cluster(machines: Sequence[Machine], site: Site) -> tuple[Machine, ...]:
    """The workers under the name of their cluster; one that was merged keeps the name that it has."""
    had = {name: entry.machine.cluster for name, entry in site.standing.items()}
    return tuple(one.model_copy(update={"cluster": had.get(one.name) or _cluster(site)}) for one in machines)


def _nodes_of(machines: Sequence[Machine], site: Site) -> tuple[Node, ...]:
    return tuple(_node(one.name, _allocatable(one.cores, one.memory), site) for one in machines)


def _may_grow(services: Sequence[SizedService], site: Site) -> bool:
    """Configured, Proxmox was read, and it is not the quota that refuses."""
    if not site.config.kubernetes.add_workers or not site.snapshot.of("proxmox"):
        return False
    endless = _with_nodes(site, [_node("endless", _ENDLESS, site)])
    found = fit_pods(services, snapshot=endless.snapshot, headroom=endless.headroom, namespace=site.scope.namespace)
    return isinstance(found, Fitted)


def _missing(services: Sequence[SizedService], site: Site) -> tuple[Pod, ...]:
    """The pods without a place, largest first, when all that fit have theirs."""
    yard = yard_of(site.snapshot, site.headroom, namespace=site.scope.namespace)
    pods = [pod for sized in services for pod in [_pod(sized)] * sized.plan.replicas]
    left = []
    for pod in sorted(pods, key=lambda one: (-one.requests.memory, -one.requests.cpu, one.service)):
        after = yard.put(pod)
        if after is None:
            left.append(pod)
        yard = after or yard
    return tuple(left)


def _pod(sized: SizedService) -> Pod:
    plan = sized.plan
    limit = Resources(cpu=plan.limits.cpu or MilliCpu(0), memory=plan.limits.memory)
    return Pod(plan.name, Resources(cpu=plan.requests.cpu, memory=plan.requests.memory), limits=limit)


def _offers(services: Sequence[SizedService], missing: Sequence[Pod], site: Site) -> Iterator[_Offer]:
    """For every size the fewest workers that hold all pods."""
    for cores, memory in _sizes(missing, site.config.limits):
        room = _allocatable(cores, memory)
        for count in range(1, site.config.limits.max_machines + 1):
            nodes = [_node(f"new-{number}", room, site) for number in range(1, count + 1)]
            more = _with_nodes(site, nodes)
            found = fit_pods(services, snapshot=more.snapshot, headroom=more.headroom, namespace=site.scope.namespace)
            if isinstance(found, Fitted):
                yield _Offer(cores, memory, count, fitted=found)
                break


def _sizes(missing: Sequence[Pod], limits: Limits) -> Iterator[tuple[int, Bytes]]:
    """2 vCPU and at least 4 GiB, and its doubles, in the proportion of what is missing."""
    cpu = sum(pod.requests.cpu for pod in missing) / 1000
    gib = sum(pod.requests.memory for pod in missing) / GIB
    per_core = next((one for one in _PER_CORE if gib <= one * cpu), _PER_CORE[-1])
    cores, size = LEAST_CORES, max(LEAST_GIB, per_core * LEAST_CORES)
    while cores <= limits.max_cores_per_machine and Bytes.of_gib(size) <= limits.max_memory_per_machine:
        yield cores, Bytes.of_gib(size)
        cores, size = 2 * cores, 2 * size


def _allocatable(cores: int, memory: Bytes) -> Resources:
    return Resources(
        cpu=MilliCpu(int((cores - RESERVE_CORES) * 1000)), memory=Bytes(memory - Bytes.of_gib(RESERVE_GIB))
    )


def _node(name: str, capacity: Resources, site: Site) -> Node:
    facts = site.snapshot.kubernetes
    daemons = facts.daemon_requests if facts is not None else Resources()
    return Node(
        name=name, system="kubernetes", capacity=capacity, promised=daemons, pods_capacity=_PODS,
        version=facts.version if facts is not None else None,
    )  # fmt: skip


def _room(node: Node) -> Room:
    return Room(
        node=node.name,
        system="kubernetes",
        usable=True,
        limit=node.capacity,
        free=node.capacity - node.promised,
        cpu_load=node.promised.cpu / max(1, node.capacity.cpu),
        memory_load=node.promised.memory / max(1, node.capacity.memory),
        why="a worker of this plan: its size minus half a vCPU, 1 GiB and the DaemonSets",
    )


def _with_nodes(site: Site, nodes: Sequence[Node]) -> Site:
    """The cluster with more nodes. A new machine has no zone label, so no zone may be a hard condition any more."""
    old = tuple(node.model_copy(update={"zone": None}) for node in site.snapshot.nodes)
    snapshot = site.snapshot.model_copy(update={"nodes": (*old, *nodes)})
    headroom = site.headroom.model_copy(update={"rooms": (*site.headroom.rooms, *map(_room, nodes))})
    return replace(site, snapshot=snapshot, headroom=headroom)


def _built(offer: _Offer, site: Site) -> Built | NoRoom | Refusal:
    wishes = tuple(
        MachineWish(
            name=name,
            role="kubernetes-worker",
            cores=offer.cores,
            memory=offer.memory,
            tags=(_cluster(site),),
        )
        for name in _names(offer.count, site)
    )
    return build((), yard=yard_of_site(site, (*wishes_again(site), *wishes)))


def _cluster(site: Site) -> str:
    """The existing cluster's name as a label."""
    facts = site.snapshot.kubernetes
    slug = service_slug(site.scope.cluster or (facts.name if facts is not None else None) or "kubernetes")
    return slug if isinstance(slug, str) else "kubernetes"


def _names(count: int, site: Site) -> list[str]:
    """The next numbers after the workers that exist, under the name that they have."""
    facts = site.snapshot.proxmox
    held = (
        {node.name for node in site.snapshot.nodes}
        | set(site.standing)
        | {guest.name for guest in (facts.guests if facts else ())}
    )
    seen = [match for name in sorted(held) if (match := _NUMBERED.fullmatch(name)) is not None]
    nodes = {node.name for node in site.snapshot.of("kubernetes")}
    stem = next((match["stem"] for match in seen if match[0] in nodes), f"{_cluster(site)}-worker")
    last = max((int(match["number"]) for match in seen if match["stem"] == stem), default=0)
    return [f"{stem}-{number}" for number in range(last + 1, last + count + 1)]


def _grown(
    services: Sequence[SizedService],
    built: Built,
    waiting: Sequence[Machine],
    *,
    ground: Site,
    site: Site,
    missing: Sequence[Pod],
) -> Grown | None:
    """The pods once more, now with the workers under their own names."""
    machines = _of_cluster(built.machines, site)
    new = [one for one in machines if one.name not in site.standing]
    fresh = _nodes_of(new, site)
    more = _with_nodes(ground, fresh)
    fitted = fit_pods(services, snapshot=more.snapshot, headroom=more.headroom, namespace=site.scope.namespace)
    if isinstance(fitted, Refusal):
        return None
    notes = _chosen(built.notes, missing) + _why(new, missing, cluster=_cluster(site))
    workers = Machines(machines, built.placed, verified=True, notes=notes)
    nodes = (*_nodes_of(waiting, site), *fresh)
    return Grown(fitted, with_machines(site, machines), workers, nodes=nodes, rooms=tuple(map(_room, nodes)))


def _chosen(notes: Notes, missing: Sequence[Pod]) -> Notes:
    """The sizes were chosen for the pods; nobody stated them."""
    why = f"the cheapest size that holds {len(missing)} pods"
    ours = {"origin": "rule", "tag": "P", "source": "sizing step 12", "why": why}
    decisions = tuple(each.model_copy(update=ours) if each.origin == "user" else each for each in notes.decisions)
    return Notes(decisions=decisions, findings=notes.findings)


def _why(machines: Sequence[Machine], missing: Sequence[Pod], *, cluster: str) -> Notes:
    """What was missing, and what the workers bring."""
    cpu = sum(pod.requests.cpu for pod in missing) / 1000
    memory = Bytes(sum(pod.requests.memory for pod in missing))
    first = machines[0]
    names = ", ".join(machine.name for machine in machines)
    room = _allocatable(first.cores, first.memory)
    reason = (
        f"{len(missing)} pods ({figure(cpu)} CPU, {memory} memory) find no room on the nodes of cluster {cluster}; "
        f"{len(machines)} x {first.cores} vCPU and {first.memory} hold them with the least cores and memory in sum"
    )
    decision = Decision(
        path="cluster.added_workers",
        value=len(machines),
        origin="rule",
        why=reason,
        source="sizing step 12; kubernetes.add_workers of .ai-provision.yaml",
        formula=f"each gives {room.cpu} CPU and {room.memory}: its size - {RESERVE_CORES} vCPU - {RESERVE_GIB:g} GiB",
        tag="read",
    )
    finding = warn(
        "workers-added",
        f"Worker machines are added to cluster {cluster}: {names}. {reason}.",
        remedy="They have to join the cluster before the pods start; free room on its nodes to do without them.",
    )
    return Notes(decisions=(decision,)) + finding


def together(grown: Grown, databases: Machines, *, most: int) -> Machines | Refusal:
    """The workers before the databases; ``most`` is what the policy permits in one plan."""
    if grown.workers is None:
        return databases
    count = len(grown.workers.machines) + len(databases.machines)
    if count > most:
        message = f"{count} machines are needed, workers included; limits.max_machines permits {most}."
        return Refusal(code=Code.POLICY, message=message, remedy="Raise the limit in .ai-provision.yaml, or free room.")
    return Machines(
        grown.workers.machines + databases.machines,
        grown.workers.placed + databases.placed,
        verified=databases.verified,
        notes=_once(grown.workers.notes, databases.notes),
    )


def _once(first: Notes, second: Notes) -> Notes:
    """What both wrote down, such as the bridge, stands once."""
    known = {entry.path for entry in first.decisions}
    return first + Notes(tuple(entry for entry in second.decisions if entry.path not in known), second.findings)
