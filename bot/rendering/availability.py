"""High availability as data: on which nodes a guest may run, and which guests must not share one.

In: a plan. Out: the value of ``var.ha``. Never: a rule that Proxmox VE would reject (two priorities beside a
separation, more guests apart than nodes).
"""

from __future__ import annotations

from collections import defaultdict

from bot.model.plan import Machine, Plan

Values = dict[str, object]


def is_available(plan: Plan) -> bool:
    """True when the cluster has high availability and a machine wants it."""
    return plan.ha != "none" and any(machine.ha for machine in plan.machines)


def availability(plan: Plan) -> Values:
    """``nodes``: groups (PVE 8) or node-affinity rules (PVE 9); ``apart``: negative resource-affinity rules (PVE 9)."""
    members = tuple(machine for machine in plan.machines if machine.ha)
    apart = _apart(plan.app, members) if plan.ha == "rules" else {}
    return {"nodes": _nodes(plan, members), "apart": apart}


def _nodes(plan: Plan, members: tuple[Machine, ...]) -> Values:
    """A replicated guest runs where its disks are. One on shared storage is free on PVE 9, where only rules bind, and
    prefers its node on PVE 8. All nodes have one priority: PVE 9 rejects several beside a resource affinity.
    """
    made: dict[str, list[Machine]] = defaultdict(list)
    for machine in members:
        if plan.ha == "groups" or machine.replicate_to is not None:
            made["-".join([plan.app, *_places(machine)])].append(machine)
    return {
        name: {
            "machines": sorted(machine.name for machine in holders),
            "nodes": dict.fromkeys(_places(holders[0]), 1),
            "strict": holders[0].replicate_to is not None,
        }
        for name, holders in sorted(made.items())
    }


def _places(machine: Machine) -> list[str]:
    return sorted({machine.node, machine.replicate_to or machine.node})


def _apart(app: str, members: tuple[Machine, ...]) -> Values:
    """Machines of one role that the planner put on different nodes stay on different nodes."""
    roles: dict[str, list[Machine]] = defaultdict(list)
    for machine in members:
        roles[_kin(machine)].append(machine)
    return {
        f"{app}-apart-{index}": sorted(machine.name for machine in equals)
        for index, (_, equals) in enumerate(sorted(roles.items()), 1)
        if len(equals) > 1 and len({machine.node for machine in equals}) == len(equals)
    }


def _kin(machine: Machine) -> str:
    """What makes two machines stand in for each other: the engine that both serve, else cluster and role."""
    return machine.serves or f"{machine.cluster or ''}/{machine.role}"
