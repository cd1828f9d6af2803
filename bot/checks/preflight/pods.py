"""The Kubernetes side: the pods find room on the nodes, and the namespace's quotas leave enough.

In: the scene. Out: checks ``kubernetes-room`` and ``quota``. Never: a binding to a node; the scheduler decides.

An application that runs already is updated in place: its pods are not asked for twice, only what they grow by and what
is added. Workers that the plan itself makes count with their vCPU - 0.5 and memory - 1 GiB, less the DaemonSets'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.checks.preflight.scene import Scene, failed, passed, settled, unknown, unread
from bot.model.cluster import Workload
from bot.model.plan import ServicePlan
from bot.model.quantity import GIB, Bytes, MilliCpu, Resources
from bot.model.stack import Check

_ROOM: Final = "Free room or add nodes, or comment /ai-retry for a plan that fits what is there now."
_MANY: Final = 1_000_000
_NOTHING: Final = Resources()


@dataclass(frozen=True)
class Pod:
    """One pod to place. ``slot`` is False for the growth of a pod that stands already."""

    service: str
    size: Resources
    slot: bool


@dataclass
class Place:
    """What one node still gives; filled while placing."""

    name: str
    free: Resources
    slots: int


def running(scene: Scene, service: ServicePlan) -> Workload | None:
    """The workload that the service is already."""
    facts = scene.snapshot.kubernetes
    key = (scene.plan.namespace, service.kind, service.name)
    every = facts.workloads if facts is not None else ()
    return next((one for one in every if (one.namespace, one.kind, one.name) == key), None)


def pods_of(scene: Scene, service: ServicePlan) -> list[Pod]:
    """New pods in full, standing ones by what they grow."""
    size = Resources(cpu=service.requests.cpu, memory=service.requests.memory)
    before = running(scene, service)
    stand = min(service.replicas, before.replicas) if before is not None else 0
    growth = size - before.requests if before is not None else _NOTHING
    grown = [Pod(service.name, growth, slot=False)] * (stand if growth != _NOTHING else 0)
    return grown + [Pod(service.name, size, slot=True)] * (service.replicas - stand)


def kubernetes_room(scene: Scene) -> tuple[Check, ...]:
    """Every pod fits a node."""
    services = sorted(scene.plan.services, key=lambda one: (-one.requests.memory, -one.requests.cpu, one.name))
    wanted = [pod for service in services for pod in pods_of(scene, service)]
    about = ", ".join(service.name for service in scene.plan.services)
    left = min((_unplaced(wanted, _places(scene), spread=spread) for spread in (True, False)), key=len)
    if not left:
        count = len(_places(scene))
        return (passed("kubernetes-room", about, f"{len(wanted)} new or grown pods fit on {count} nodes"),)
    gap = scene.gap("deployments", "statefulsets", system="kubernetes")
    if gap is not None:
        return (unread("kubernetes-room", about, gap),)
    return tuple(_no_room(scene, name, count, wanted) for name, count in Counter(pod.service for pod in left).items())


def _no_room(scene: Scene, name: str, count: int, wanted: Sequence[Pod]) -> Check:
    pod = next(pod for pod in wanted if pod.service == name)
    places = ", ".join(f"{one.name} {one.free.cpu.cores:g} CPU {one.free.memory.gib:.1f} GiB" for one in _places(scene))
    reason = (
        f"no room for {count} of {sum(one.service == name for one in wanted)} pods of {pod.size.cpu.cores:g} CPU and "
        f"{pod.size.memory.gib:.2f} GiB each; free: {places or 'no node takes pods'}"
    )
    return failed("kubernetes-room", name, reason, remedy=_ROOM)


def _places(scene: Scene) -> list[Place]:
    """Nodes that take ordinary pods, and the workers that this plan makes."""
    found = []
    known = {node.name: node for node in scene.snapshot.of("kubernetes")}
    for room in scene.headroom.of("kubernetes"):
        node = known.get(room.node)
        if room.usable and node is not None and node.state == "ready":
            slots = _MANY if node.pods_capacity is None else node.pods_capacity - (node.pods or 0)
            found.append(Place(room.node, room.free, slots))
    return found + [place for place in _planned(scene) if place.name not in known]


def _planned(scene: Scene) -> Iterator[Place]:
    facts = scene.snapshot.kubernetes
    daemons = facts.daemon_requests if facts is not None else _NOTHING
    for machine in scene.plan.machines:
        if machine.role == "kubernetes-worker" and not scene.plan.clusters:
            whole = Resources(
                cpu=MilliCpu(max(0, machine.cores * 1000 - 500)), memory=Bytes(max(0, machine.memory - GIB))
            )
            yield Place(machine.name, whole - daemons, 110)


def _unplaced(wanted: Sequence[Pod], places: list[Place], *, spread: bool) -> list[Pod]:
    """The pods without a place: spread over the nodes as the scheduler likes it, or packed as tight as can be."""
    stands: Counter[tuple[str, str]] = Counter()
    left = []
    for pod in wanted:
        able = [one for one in places if pod.size.fits(one.free) and (one.slots > 0 or not pod.slot)]
        if not able:
            left.append(pod)
            continue
        loosest = [(stands[pod.service, one.name], -one.free.memory, one.name) for one in able]
        tightest = [(0, int(one.free.memory), one.name) for one in able]
        place = able[min(range(len(able)), key=lambda n: (loosest if spread else tightest)[n])]
        place.free, place.slots = place.free - pod.size, place.slots - pod.slot
        stands[pod.service, place.name] += 1
    return left


def quota(scene: Scene) -> tuple[Check, ...]:
    """Every ResourceQuota of the namespace leaves what the pods and their claims add."""
    facts = scene.snapshot.kubernetes
    here = [one for one in facts.quotas if one.namespace == scene.plan.namespace] if facts is not None else []
    gap = scene.gap("resourcequotas", system="kubernetes")
    if gap is not None:
        return (unread("quota", scene.plan.namespace, gap),)
    if not here:
        return (passed("quota", scene.plan.namespace, "the namespace has no quota"),)
    good = passed("quota", scene.plan.namespace, f"within {', '.join(one.name for one in here)}")
    claims = _claims(scene)
    lines = ((one.name, key, hard, one.used.get(key, "0")) for one in here for key, hard in one.hard.items())
    return settled((check for line in lines if (check := _line(*line, claims=claims)) is not None), good)


def _line(name: str, key: str, hard: str, used: str, *, claims: dict[str, int]) -> Check | None:
    asked = claims.get(key, 0)
    if asked <= 0:
        return None
    most, taken = _amount(key, hard), _amount(key, used)
    if most is None or taken is None:
        return unknown("quota", f"{name}: {key}", f"{hard!a} or {used!a} is no quantity", remedy="Correct the quota.")
    if taken + asked <= most:
        return None
    reason = f"{_shown(key, asked)} more, {_shown(key, max(0, most - taken))} of {_shown(key, most)} left"
    remedy = "Raise the quota, or comment /ai-retry for a smaller plan."
    return failed("quota", f"{name}: {key}", reason, remedy=remedy)


def _amount(key: str, text: str) -> int | None:
    try:
        return int(MilliCpu.parse(text)) if key.endswith("cpu") else int(Bytes.parse(text))
    except ValueError:
        return None


def _shown(key: str, amount: int) -> str:
    if key.endswith("cpu"):
        return f"{amount / 1000:g} CPU"
    return f"{amount / GIB:.2f} GiB" if key.endswith(("memory", "storage")) else str(amount)


def _claims(scene: Scene) -> dict[str, int]:
    """What the plan adds to the use of each counted resource: milli-CPU, bytes, counts."""
    added: Counter[str] = Counter()
    for service in scene.plan.services:
        before = running(scene, service)
        new = max(0, service.replicas - (before.replicas if before is not None else 0))
        for pod in pods_of(scene, service):
            added.update({"cpu": int(pod.size.cpu), "memory": int(pod.size.memory)})
        added.update({"pods": new, "limits.cpu": new * int(service.limits.cpu or 0)})
        added.update({"limits.memory": new * int(service.limits.memory)})
        if service.storage is not None:
            added.update({"requests.storage": new * int(service.storage.size), "persistentvolumeclaims": new})
    doubled = {"requests.cpu": added["cpu"], "requests.memory": added["memory"], "count/pods": added["pods"]}
    return {**added, **doubled}
