"""Wishes become single machines with names and sizes; nothing is placed yet.

In: machine wishes and cluster shapes. Out: ``Draft`` values in a fixed order, or a ``Refusal`` (``name``, ``policy``).
Never: an order that depends on the order of the words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.errors import Code, Refusal
from bot.model.config import Config
from bot.model.wishes import MachineRole, MachineWish
from bot.planning.infrastructure.shapes import Shape
from bot.planning.infrastructure.sizes import Size, size_of
from bot.planning.naming import shown

_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_TAG: Final = re.compile(r"[a-z0-9_][a-z0-9_+.-]{0,126}", re.ASCII)
ALONE: Final = frozenset({"database", "kubernetes-control-plane"})
"""Roles whose machines stay apart even when that costs a refusal."""


@dataclass(frozen=True)
class Draft:
    """One machine before it has an id, addresses and a node. ``stem`` is the wish's own name, ``group`` repels."""

    name: str
    stem: str
    wish: MachineWish
    size: Size
    cluster: str | None
    group: str
    tags: tuple[str, ...]


def drafts_of(
    machines: Sequence[MachineWish],
    shapes: Sequence[Shape],
    *,
    app: str,
    config: Config,
    known: frozenset[str] = frozenset(),
) -> tuple[Draft, ...] | Refusal:
    """Machines by name, then clusters by name: control planes, then workers, each numbered from 1. ``known``: the names
    of the merged plan, which its machines keep when their number changes.
    """
    made: list[Draft] = []
    for wish in sorted(machines, key=lambda entry: (entry.name, entry.model_dump_json())):
        names = _names(wish, known - {other.name for other in machines if other is not wish})
        made += _named(wish, names, cluster=None, app=app, config=config)
    for shape in sorted(shapes, key=lambda entry: entry.wish.name):
        for wish in (
            _node(shape, "kubernetes-control-plane", "cp", shape.control_planes),
            _node(shape, "kubernetes-worker", "worker", shape.workers),
        ):
            names = [f"{wish.name}-{number}" for number in range(1, wish.count + 1)]
            made += _named(wish, names, cluster=shape.wish.name, app=app, config=config)
    return _bad_name(made) or _beyond_policy(made, config) or tuple(made)


def _node(shape: Shape, role: MachineRole, part: str, count: int) -> MachineWish:
    """The wish of one kind of machine of a cluster. Devices and data disks go to those that run pods."""
    base = shape.wish.node_wish or MachineWish(name=shape.wish.name)
    runs_pods = role == "kubernetes-worker" or shape.workers == 0
    return base.model_copy(
        update={
            "name": f"{shape.wish.name}-{part}",
            "role": role,
            "kind": "vm",
            "count": count,
            "cores": shape.cores,
            "memory": shape.memory,
            "disk": shape.wish.disk or base.disk,
            "gpu": base.gpu if runs_pods else None,
            "data_disks": base.data_disks if runs_pods else (),
        }
    )


def _names(wish: MachineWish, known: frozenset[str]) -> list[str]:
    """The stem alone, or numbered from 1; a first machine that stands under the other form keeps its name."""
    numbered = [f"{wish.name}-{number}" for number in range(1, wish.count + 1)]
    was_alone = wish.name in known and f"{wish.name}-1" not in known
    was_numbered = f"{wish.name}-1" in known and wish.name not in known
    if wish.count == 1:
        return numbered if was_numbered else [wish.name]
    return [wish.name, *numbered[1:]] if was_alone else numbered


def _named(wish: MachineWish, names: Sequence[str], *, cluster: str | None, app: str, config: Config) -> list[Draft]:
    if wish.count < 1:
        return []
    size = size_of(wish, limits=config.limits)
    tags = {*config.defaults.tags, app, *wish.tags, *((cluster,) if cluster else ())}
    kept = tuple(sorted(tag for tag in tags if _TAG.fullmatch(tag)))
    return [
        Draft(name, wish.name, wish, size, cluster=cluster, group=_group(name, wish, cluster), tags=kept)
        for name in names
    ]


def _group(name: str, wish: MachineWish, cluster: str | None) -> str:
    """Equal roles stay apart; a machine that belongs on a named node repels nobody."""
    return name if wish.node is not None else "/".join((cluster or "", wish.role, wish.engine or ""))


def _bad_name(drafts: Sequence[Draft]) -> Refusal | None:
    odd = next((draft.name for draft in drafts if _LABEL.fullmatch(draft.name) is None), None)
    if odd is not None:
        message = f"{shown(odd)} is no name for a machine: 1 to 63 lower-case letters, digits and '-'."
        return Refusal(code=Code.NAME, message=message, remedy="Name the machine in the request, such as web-prod-01.")
    name, count = Counter(draft.name for draft in drafts).most_common(1)[0] if drafts else ("", 0)
    if count < 2:
        return None
    message = f"{count} machines of this request would be called {name}."
    return Refusal(code=Code.NAME, message=message, remedy="Give each machine a name of its own.")


def _beyond_policy(drafts: Sequence[Draft], config: Config) -> Refusal | None:
    limits, remedy = config.limits, "Ask for less, or raise the limit in .ai-provision.yaml."
    if len(drafts) > limits.max_machines:
        message = f"{len(drafts)} machines are asked for; limits.max_machines permits {limits.max_machines}."
        return Refusal(code=Code.POLICY, message=message, remedy=remedy)
    for draft in drafts:
        if draft.size.cores > limits.max_cores_per_machine:
            message = f"{draft.name} asks for {draft.size.cores} vCPU; limits.max_cores_per_machine permits "
            return Refusal(code=Code.POLICY, message=f"{message}{limits.max_cores_per_machine}.", remedy=remedy)
        if draft.size.memory > limits.max_memory_per_machine:
            message = f"{draft.name} asks for {draft.size.memory}; limits.max_memory_per_machine permits "
            return Refusal(code=Code.POLICY, message=f"{message}{limits.max_memory_per_machine}.", remedy=remedy)
    return None
