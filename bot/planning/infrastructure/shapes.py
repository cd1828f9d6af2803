"""The shapes that a cluster may take when the hosts or the policy have less than was asked for.

In: cluster wishes and the policy's limits. Out: ``Shape`` values, the wanted one first, each next one smaller. Never: a
control plane fewer than asked for, a machine below what kubeadm needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.model.config import Limits
from bot.model.quantity import Bytes
from bot.model.wishes import ClusterWish

LEAST_CORES: Final = 2
LEAST_MEMORY: Final = Bytes.of_gib(2)
KUBEADM: Final = "kubernetes.io, installing kubeadm: 2 GB of RAM or more per machine, 2 CPUs or more for control planes"


@dataclass(frozen=True)
class Shape:
    """How many machines of which size. ``reasons`` say what made it smaller (or larger) than asked for."""

    wish: ClusterWish
    control_planes: int
    workers: int
    cores: int
    memory: Bytes
    reasons: tuple[str, ...] = ()

    @property
    def written(self) -> str:
        """``1+5 4/8``: control planes, workers, vCPU and GiB each."""
        return f"{self.control_planes}+{self.workers} {self.cores}/{self.memory.gib:g}"


def asked_for(wish: ClusterWish) -> Shape:
    """What the wish says."""
    return Shape(wish, max(1, wish.control_planes), max(0, wish.workers), wish.cores, wish.memory)


def within_policy(shapes: Sequence[Shape], *, machines: int, limits: Limits) -> tuple[Shape, ...]:
    """At least kubeadm's minimum, at most the policy; ``machines`` is how many stand beside the clusters."""
    bounded = [_bounded(shape, limits) for shape in shapes]
    spare = limits.max_machines - machines - sum(shape.control_planes for shape in bounded)
    while sum(shape.workers for shape in bounded) > max(spare, sum(min(1, shape.workers) for shape in bounded)):
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
    return max(range(len(shapes)), key=lambda index: (shapes[index].workers, shapes[index].wish.name))


def smaller(shapes: Sequence[Shape]) -> Iterator[tuple[Shape, ...]]:
    """First fewer workers, one at a time, never none where some were asked for; then smaller machines by halves."""
    current = list(shapes)
    while any(shape.workers > 1 for shape in current):
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


def _halvings(shapes: Sequence[Shape]) -> list[tuple[int, int]]:
    """How often cores and memory are halved: the least loss first, memory before cores."""
    most = max((max(shape.cores, int(shape.memory.gib)).bit_length() for shape in shapes), default=0)
    pairs = [(cores, memory) for cores in range(most + 1) for memory in range(most + 1)]
    return sorted(pairs, key=lambda pair: (sum(pair), pair[0]))


def _cores(shape: Shape, times: int) -> int:
    return max(LEAST_CORES, shape.cores >> times)


def _memory(shape: Shape, times: int) -> Bytes:
    return Bytes(max(LEAST_MEMORY, (int(shape.memory.gib) >> times) * Bytes.of_gib(1))) if times else shape.memory
