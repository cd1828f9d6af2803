"""Do the pods fit: rooms of the Kubernetes nodes, quota of the namespace, connections of an existing database.

In: sized services and the headroom. Out: ``Fitted`` services with capped autoscalers and where the pods could stand, or
a ``Refusal`` (``capacity``). Never: a binding to a node; the scheduler decides, this only shows that it can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Headroom, Node, Room
from bot.model.decision import Decision
from bot.model.plan import Hpa, Placed, Rejected, ServicePlan
from bot.model.quantity import MilliCpu, Resources
from bot.planning.nodes import enough_nodes
from bot.planning.quota import Pod, claims_of, quota_left, within
from bot.planning.record import Notes, warn
from bot.planning.replicas import EXISTING_MAX_CONNECTIONS, connection_cap
from bot.planning.service import SizedService

CAPPED: Final = ", capped: "
"""In the reason of an autoscaler's upper bound that room, quota or connections lowered."""
_REPELLING: Final = frozenset({"NoSchedule", "NoExecute"})


@dataclass(frozen=True)
class Yard:
    """Rooms of the nodes that take pods, pods left per node, and what the quota leaves. Immutable: filling returns a
    new yard.
    """

    free: Mapping[str, Resources]
    slots: Mapping[str, int]
    quota: Mapping[str, int]
    stands: Mapping[tuple[str, str], int]
    rejected: tuple[Rejected, ...]

    def put(self, pod: Pod) -> Yard | None:
        """The yard with one more pod on the node with the fewest of its kind, then the freest; None without room."""
        if not within(self.quota, pod):
            return None
        able = [name for name, room in self.free.items() if pod.requests.fits(room) and self.slots[name] > 0]
        if not able:
            return None
        node = min(able, key=lambda name: (self.stands.get((pod.service, name), 0), -self.free[name].memory, name))
        return replace(
            self,
            free={**self.free, node: self.free[node] - pod.requests},
            slots={**self.slots, node: self.slots[node] - 1},
            quota={key: left - claims_of(pod).get(key, 0) for key, left in self.quota.items()},
            stands={**self.stands, (pod.service, node): self.stands.get((pod.service, node), 0) + 1},
        )

    def put_all(self, pods: Sequence[Pod]) -> Yard | None:
        """All pods, or None when one has no room."""
        yard: Yard | None = self
        for pod in pods:
            yard = yard.put(pod) if yard is not None else None
        return yard


@dataclass(frozen=True)
class Fitted:
    """Services after capping, the pods per node at ``replicas``, and whether a cluster was there to ask."""

    services: tuple[SizedService, ...]
    stands: Mapping[tuple[str, str], int]
    placed: tuple[Placed, ...]
    verified: bool
    notes: Notes


def fit_pods(
    services: Sequence[SizedService], *, snapshot: ClusterSnapshot, headroom: Headroom, namespace: str
) -> Fitted | Refusal:
    """All pods at n must fit, or the plan is refused; autoscalers are capped by room and quota."""
    if not services:
        return Fitted((), {}, (), verified=True, notes=Notes())
    if not headroom.of("kubernetes"):
        return _unverified(services, snapshot=snapshot)
    yard = yard_of(snapshot, headroom, namespace=namespace)
    filled = yard
    for sized in _largest_first(services):
        filled, count = _fill(filled, sized.plan)
        if count < sized.plan.replicas:
            return _no_room(sized.plan, services, yard=filled, count=count)
    capped = _cap_all(services, filled)
    surge = _surge(capped, filled)
    spread = tuple(_hard_spread(sized, snapshot=snapshot, spare=surge == Notes()) for sized in capped)
    placed = tuple(_placed(sized.plan, filled) for sized in spread)
    return Fitted(spread, filled.stands, placed, verified=True, notes=surge)


def _fill(yard: Yard, plan: ServicePlan) -> tuple[Yard, int]:
    """As many of the service's pods as fit, and how many that is."""
    for count in range(plan.replicas):
        after = yard.put(_pod(plan))
        if after is None:
            return yard, count
        yard = after
    return yard, plan.replicas


def _unverified(services: Sequence[SizedService], *, snapshot: ClusterSnapshot) -> Fitted:
    read = snapshot.kubernetes is not None
    reason = "no node of the Kubernetes cluster was readable" if read else "no Kubernetes cluster was read"
    finding = warn(
        "capacity-unverified",
        f"Capacity unverified: {reason}, so nobody knows whether the pods fit.",
        remedy="Set KUBECONFIG (or pass a snapshot) and run again before merging.",
    )
    placed = tuple(
        Placed(name=sized.plan.name, system="kubernetes", node=None, why=f"{sized.plan.replicas} pods; {reason}")
        for sized in services
    )
    return Fitted(tuple(services), {}, placed, verified=False, notes=finding + enough_nodes(_total(services)))


def _total(services: Sequence[SizedService]) -> Resources:
    total = Resources()
    for sized in services:
        total += _pod(sized.plan).requests.times(sized.plan.replicas)
    return total


def _pod(plan: ServicePlan) -> Pod:
    limit = Resources(cpu=plan.limits.cpu or MilliCpu(0), memory=plan.limits.memory)
    return Pod(plan.name, Resources(cpu=plan.requests.cpu, memory=plan.requests.memory), limits=limit)


def _largest_first(services: Sequence[SizedService]) -> list[SizedService]:
    return sorted(services, key=lambda s: (-s.plan.requests.memory, -s.plan.requests.cpu, s.plan.name))


def yard_of(snapshot: ClusterSnapshot, headroom: Headroom, *, namespace: str) -> Yard:
    """The nodes that take ordinary Linux pods, with what they and the namespace's quotas leave."""
    nodes = {node.name: node for node in snapshot.of("kubernetes")}
    rooms = {room.node: room for room in headroom.of("kubernetes")}
    rejected = {
        name: why for name, room in sorted(rooms.items()) if (why := _repels(room, nodes.get(name))) is not None
    }
    usable = [name for name in sorted(rooms) if name not in rejected]
    return Yard(
        free={name: rooms[name].free for name in usable},
        slots={name: _slots(nodes.get(name)) for name in usable},
        quota=quota_left(snapshot, namespace=namespace),
        stands={},
        rejected=tuple(rejected.values()),
    )


def _repels(room: Room, node: Node | None) -> Rejected | None:
    """Why ordinary Linux pods do not go to a node, or None."""
    if node is not None and node.state != "ready":
        return Rejected(node=room.node, constraint="node-ready", reason=f"{room.node} is {node.state}")
    if node is not None and node.operating_system != "linux":
        return Rejected(node=room.node, constraint="operating-system", reason=f"{room.node} is no Linux node")
    taint = next((taint for taint in node.taints if taint.effect in _REPELLING), None) if node is not None else None
    if taint is not None:
        reason = f"{room.node} carries the taint {taint.key}:{taint.effect}, which our pods do not tolerate"
        return Rejected(node=room.node, constraint="taint", reason=reason)
    if not room.usable:
        return Rejected(node=room.node, constraint="withheld", reason=f"{room.node}: {room.why}")
    return None


def _slots(node: Node | None) -> int:
    if node is None or node.pods_capacity is None:
        return 1_000_000
    return max(0, node.pods_capacity - (node.pods or 0))


def _cap_all(services: Sequence[SizedService], filled: Yard) -> tuple[SizedService, ...]:
    """Autoscalers grow in turns, one pod each, until nothing grows: no service eats another's room."""
    reach = {sized.plan.name: sized.plan.replicas for sized in services}
    yard, growing = filled, [sized for sized in services if sized.plan.hpa is not None]
    while growing:
        still = []
        for sized in growing:
            name, hpa = sized.plan.name, sized.plan.hpa
            after = yard.put(_pod(sized.plan)) if hpa is not None and reach[name] < hpa.max else None
            if after is not None:
                yard, reach[name] = after, reach[name] + 1
                still.append(sized)
        growing = still
    return tuple(_capped(sized, reach[sized.plan.name]) for sized in services)


def _capped(sized: SizedService, reach: int) -> SizedService:
    hpa = sized.plan.hpa
    if hpa is None or reach >= hpa.max:
        return sized
    return cap_hpa(sized, reach, why="the rooms of the nodes or the quota of the namespace hold no more", tag_read=True)


def cap_hpa(sized: SizedService, most: int, *, why: str, tag_read: bool) -> SizedService:
    """The same service with a lower upper bound, never below its replicas, and the record of it."""
    hpa, name = sized.plan.hpa, sized.plan.name
    if hpa is None or most >= hpa.max:
        return sized
    highest = max(most, hpa.min, sized.plan.replicas)
    path = f"services.{name}.hpa.max"
    decisions = tuple(
        entry if entry.path != path else _lowered(entry, highest, why=why, tag_read=tag_read)
        for entry in sized.notes.decisions
    )
    finding = warn(
        "autoscaler-capped",
        f"Service {name} may grow to {highest} pods instead of {hpa.max}: {why}.",
        remedy="Add room, or accept that an unforeseen peak is served more slowly.",
    )
    changed = sized.plan.model_copy(
        update={"hpa": Hpa(min=hpa.min, max=highest, target_cpu_percent=hpa.target_cpu_percent)}
    )
    return replace(sized, plan=changed, notes=Notes(decisions, sized.notes.findings) + finding)


def _lowered(entry: Decision, highest: int, *, why: str, tag_read: bool) -> Decision:
    return entry.model_copy(
        update={
            "value": highest,
            "origin": "rule",
            "why": f"{entry.why}{CAPPED}{why}",
            "tag": "read" if tag_read else "P",
            "formula": f"min({entry.formula or entry.value}, {highest})",
            "rejected": (f"{entry.value}: {why}", *entry.rejected),
        }
    )


def cap_by_connections(sized: SizedService, *, existing: str | None) -> SizedService:
    """Step 7: on a database that exists already, all pods share 40 % of its connections (100 unless known)."""
    if existing is None:
        return sized
    why = f"an existing {existing} with {EXISTING_MAX_CONNECTIONS} connections is shared: floor(0.4 max_conn)"
    return cap_hpa(sized, connection_cap(), why=why, tag_read=False)


def _surge(services: Sequence[SizedService], filled: Yard) -> Notes:
    """Room for the extra pods of a rollout; without it an update waits."""
    for sized in services:
        if filled.put_all([_pod(sized.plan)] * sized.plan.rollout.max_surge) is None:
            return warn(
                "no-room-for-rollout",
                f"The pods of {sized.plan.name} fit, but not the {sized.plan.rollout.max_surge} extra ones of a "
                "rollout: an update would wait for room.",
                remedy="Free room on the Kubernetes nodes before the next update.",
            )
    return Notes()


def _hard_spread(sized: SizedService, *, snapshot: ClusterSnapshot, spare: bool) -> SizedService:
    zones = {node.zone for node in snapshot.of("kubernetes") if node.zone is not None}
    if not spare or len(zones) < 2 or sized.plan.replicas < 2:
        return sized
    spread = sized.plan.spread.model_copy(update={"hard": True})
    path = f"services.{sized.plan.name}.spread"
    decisions = tuple(
        entry
        if entry.path != path
        else entry.model_copy(
            update={
                "value": spread.model_dump(),
                "why": f"zone, then hostname, maxSkew 1; DoNotSchedule: {len(zones)} zones and spare room",
            }
        )
        for entry in sized.notes.decisions
    )
    return replace(
        sized, plan=sized.plan.model_copy(update={"spread": spread}), notes=Notes(decisions, sized.notes.findings)
    )


def _placed(plan: ServicePlan, yard: Yard) -> Placed:
    stands = sorted((node, count) for (name, node), count in yard.stands.items() if name == plan.name)
    where = ", ".join(f"{count} on {node}" for node, count in stands)
    return Placed(
        name=plan.name,
        system="kubernetes",
        node=None,
        rejected=yard.rejected,
        why=f"{plan.replicas} pods fit, for example {where}; the scheduler decides",
    )


def _no_room(plan: ServicePlan, services: Sequence[SizedService], *, yard: Yard, count: int) -> Refusal:
    pod = _pod(plan)
    over = [key for key, left in yard.quota.items() if claims_of(pod).get(key, 0) > left]
    quota = f" The namespace's quota leaves too little of {', '.join(sorted(over))}." if over else ""
    nodes = "; ".join(_why_not(name, pod, yard=yard) for name in yard.free) or "no node takes pods"
    closed = "; ".join(entry.reason for entry in yard.rejected)
    return Refusal(
        code=Code.CAPACITY,
        message=f"Room for {count} of {plan.replicas} pods of {plan.name} ({plan.requests.cpu} CPU, "
        f"{plan.requests.memory} memory each).{quota} {nodes}{'; ' + closed if closed else ''}.",
        remedy=f"Free room or add nodes: {_suggestion(services)}. Or state a lower load or tier.",
    )


def _why_not(name: str, pod: Pod, *, yard: Yard) -> str:
    room = yard.free[name]
    lacking = []
    if pod.requests.cpu > room.cpu:
        lacking.append(f"{room.cpu} CPU left")
    if pod.requests.memory > room.memory:
        lacking.append(f"{room.memory} memory left")
    if yard.slots[name] <= 0:
        lacking.append("no pod slot left")
    return f"{name}: {', '.join(lacking) or 'has room'}"


def _suggestion(services: Sequence[SizedService]) -> str:
    found = enough_nodes(_total(services)).decisions
    return found[0].formula or "" if found else ""
