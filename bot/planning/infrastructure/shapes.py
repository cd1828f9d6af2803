"""The shapes that a cluster may take when the hosts or the policy have less than was asked for.

In: cluster wishes and the policy's limits. Out: ``Shape`` values, the wanted one first, each next one smaller. Never: a
control plane fewer than asked for, a machine below what kubeadm needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.model.config import Limits
from bot.model.plan import ClusterPlan, Machine
from bot.model.quantity import Bytes
from bot.model.wishes import ClusterWish

LEAST_CORES: Final = 2
LEAST_MEMORY: Final = Bytes.of_gib(2)
KUBEADM: Final = "kubernetes.io, installing kubeadm: 2 GB of RAM or more per machine, 2 CPUs or more for control planes"


KEPT_PLANES: Final = "control planes that stand are members of etcd and stay"
KEPT_WORKERS: Final = "workers that hold data or were adopted stay"
GROWTH: Final = "the machines that stand have no room to grow on their nodes"


@dataclass(frozen=True)
class Floor:
    """What stands of a cluster already. ``workers``: as many as stay at least; ``cores`` and ``memory`` of each."""

    workers: int
    cores: int
    memory: Bytes


@dataclass(frozen=True)
class Shape:
    """How many machines of which size. ``reasons`` say what made it smaller (or larger) than asked for. ``floor``: of a
    cluster that stands, below which no lack of room takes it.
    """

    wish: ClusterWish
    control_planes: int
    workers: int
    cores: int
    memory: Bytes
    reasons: tuple[str, ...] = ()
    floor: Floor | None = None

    @property
    def least_workers(self) -> int:
        """One where some were asked for; those that stand."""
        return max(min(1, self.workers), self.floor.workers if self.floor is not None else 0)

    @property
    def written(self) -> str:
        """``1+5 4/8``: control planes, workers, vCPU and GiB each."""
        return f"{self.control_planes}+{self.workers} {self.cores}/{self.memory.gib:g}"


def asked_for(wish: ClusterWish) -> Shape:
    """What the wish says."""
    return Shape(wish, max(1, wish.control_planes), max(0, wish.workers), wish.cores, wish.memory)


def standing_shape(wish: ClusterWish, before: ClusterPlan | None, machines: Sequence[Machine]) -> Shape:
    """What the wish says of a cluster whose ``machines`` stand, or of a new one.

    Control planes never become fewer: each is a member of etcd. A worker with a data disk, or adopted, stays.
    """
    shape = asked_for(wish)
    if before is None:
        return shape
    planes = sum(machine.role == "kubernetes-control-plane" for machine in machines)
    workers = [machine for machine in machines if machine.role == "kubernetes-worker"]
    firm = max((_number(one) for one in workers if one.data_disks or one.adopted), default=0)
    if planes > shape.control_planes:
        shape = _because(replace(shape, control_planes=planes), KEPT_PLANES)
    if firm > shape.workers:
        shape = _because(replace(shape, workers=firm), KEPT_WORKERS)
    cores = max((machine.cores for machine in machines), default=shape.cores)
    memory = max((machine.memory for machine in machines), default=shape.memory)
    return replace(shape, floor=Floor(min(len(workers), shape.workers), cores, memory))


def _number(machine: Machine) -> int:
    number = machine.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def within_policy(shapes: Sequence[Shape], *, machines: int, limits: Limits) -> tuple[Shape, ...]:
    """At least kubeadm's minimum, at most the policy; ``machines`` is how many stand beside the clusters."""
    bounded = [_bounded(shape, limits) for shape in shapes]
    spare = limits.max_machines - machines - sum(shape.control_planes for shape in bounded)
    while sum(shape.workers for shape in bounded) > max(spare, sum(shape.least_workers for shape in bounded)):
        index = _most_workers(bounded)
        reason = f"limits.max_machines permits {limits.max_machines} machines"
        bounded[index] = _because(replace(bounded[index], workers=bounded[index].workers - 1), reason)
    return tuple(bounded)


def _bounded(shape: Shape, limits: Limits) -> Shape:
    cores, memory = max(LEAST_CORES, shape.cores), Bytes(max(LEAST_MEMORY, shape.memory))
    if (cores, memory) != (shape.cores, shape.memory):
        shape = _because(replace(shape, cores=cores, memory=memory), KUBEADM)
    if cores > limits.max_cores_per_machine >= LEAST_CORES:
        reason = f"limits.max_cores_per_machine permits {limits.max_cores_per_machine}"
        shape = _because(replace(shape, cores=limits.max_cores_per_machine), reason)
    if memory > limits.max_memory_per_machine >= LEAST_MEMORY:
        reason = f"limits.max_memory_per_machine permits {limits.max_memory_per_machine}"
        shape = _because(replace(shape, memory=limits.max_memory_per_machine), reason)
    return shape


def _because(shape: Shape, reason: str) -> Shape:
    return replace(shape, reasons=tuple(dict.fromkeys((*shape.reasons, reason))))


def _most_workers(shapes: Sequence[Shape]) -> int:
    """Of the shapes that may lose a worker, the one with the most."""
    able = [index for index, shape in enumerate(shapes) if shape.workers > shape.least_workers]
    return max(able, key=lambda index: (shapes[index].workers, shapes[index].wish.name))


def smaller(shapes: Sequence[Shape]) -> Iterator[tuple[Shape, ...]]:
    """First what stands does not grow; then fewer workers, one at a time, never none where some were asked for and
    never fewer than stand; then smaller machines by halves, never below what stands.
    """
    current = [_not_grown(shape) for shape in shapes]
    if current != list(shapes):
        yield tuple(current)
    while any(shape.workers > shape.least_workers for shape in current):
        index = _most_workers(current)
        current[index] = replace(current[index], workers=current[index].workers - 1)
        yield tuple(current)
    seen = {tuple((shape.cores, shape.memory) for shape in current)}
    for cores, memory in _halvings(current):
        less = tuple(replace(shape, cores=_cores(shape, cores), memory=_memory(shape, memory)) for shape in current)
        sizes = tuple((shape.cores, shape.memory) for shape in less)
        if sizes not in seen:
            seen.add(sizes)
            yield less


def _not_grown(shape: Shape) -> Shape:
    if shape.floor is None:
        return shape
    cores, memory = min(shape.cores, shape.floor.cores), Bytes(min(shape.memory, shape.floor.memory))
    if (cores, memory) == (shape.cores, shape.memory):
        return shape
    return _because(replace(shape, cores=cores, memory=memory), GROWTH)


def _halvings(shapes: Sequence[Shape]) -> list[tuple[int, int]]:
    """How often cores and memory are halved: the least loss first, memory before cores."""
    most = max((max(shape.cores, int(shape.memory.gib)).bit_length() for shape in shapes), default=0)
    pairs = [(cores, memory) for cores in range(most + 1) for memory in range(most + 1)]
    return sorted(pairs, key=lambda pair: (sum(pair), pair[0]))


def _cores(shape: Shape, times: int) -> int:
    if shape.floor is not None:
        return shape.cores
    return max(LEAST_CORES, shape.cores >> times)


def _memory(shape: Shape, times: int) -> Bytes:
    if shape.floor is not None:
        return shape.memory
    return Bytes(max(LEAST_MEMORY, (int(shape.memory.gib) >> times) * Bytes.of_gib(1))) if times else shape.memory
