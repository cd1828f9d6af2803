"""HA: which guests it guards, under which rules, and which nodes it keeps out of use.

In: resources, rules (9) or groups (8), the manager's status. Out: sids, ``HaRule`` nouns, maintenance and fence. Never:
the groups call on 9, where it dies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bot.edges.proxmox import fields
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.rights import before_nine
from bot.edges.proxmox.visit import Visit
from bot.model.cluster import HaRule

_NEEDS: Final = "Sys.Audit on /"
_RULES: Final[dict[str, Literal["node-affinity", "resource-affinity"]]] = {
    "node-affinity": "node-affinity",
    "resource-affinity": "resource-affinity",
}
_AFFINITY: Final[dict[str, Literal["positive", "negative"]]] = {"positive": "positive", "negative": "negative"}


@dataclass(frozen=True)
class HighAvailability:
    """``sids`` is None when unknown. ``resting`` nodes are in maintenance, ``fenced`` ones are being fenced."""

    sids: frozenset[str] | None = None
    rules: tuple[HaRule, ...] = ()
    resting: frozenset[str] = frozenset()
    fenced: frozenset[str] = frozenset()


def read(visit: Visit, *, version: str | None) -> HighAvailability:
    """Everything about HA that the token may see."""
    resources = visit.rows("HA resources", "cluster", "ha", "resources", needs=_NEEDS)
    rules = _groups(visit, resources) if before_nine(version) else _rules(visit)
    states = _node_states(visit)
    return HighAvailability(
        sids=None if resources is None else frozenset(fields.text(row.get("sid")) for row in resources),
        rules=rules,
        resting=frozenset(node for node, state in states.items() if state == "maintenance"),
        fenced=frozenset(node for node, state in states.items() if state == "fence"),
    )


def _rules(visit: Visit) -> tuple[HaRule, ...]:
    rows = visit.rows("HA rules", "cluster", "ha", "rules", needs=_NEEDS) or []
    found = [_rule(row) for row in rows if not fields.flag(row.get("disable"))]
    return tuple(sorted((rule for rule in found if rule is not None), key=lambda rule: rule.name))


def _rule(row: Row) -> HaRule | None:
    kind = _RULES.get(fields.text(row.get("type")))
    if kind is None:
        return None
    return HaRule(
        name=fields.text(row.get("rule")),
        type=kind,
        resources=fields.names(row.get("resources")),
        nodes=_without_priority(row.get("nodes")),
        strict=fields.flag(row.get("strict")),
        affinity=_AFFINITY.get(fields.text(row.get("affinity"))),
    )


def _without_priority(value: object) -> tuple[str, ...]:
    """``pve1:2,pve2`` as names, highest priority first."""
    parts = [part.partition(":") for part in fields.names(value)]
    ranked = sorted(parts, key=lambda part: (-int(part[2]) if part[2].isdecimal() else 0, part[0]))
    return tuple(part[0] for part in ranked)


def _groups(visit: Visit, resources: list[Row] | None) -> tuple[HaRule, ...]:
    rows = visit.rows("HA groups", "cluster", "ha", "groups", needs=_NEEDS) or []
    found = []
    for row in rows:
        group = fields.text(row.get("group"))
        mine = [fields.text(one.get("sid")) for one in resources or [] if one.get("group") == row.get("group")]
        found.append(
            HaRule(
                name=group,
                type="group",
                resources=tuple(sorted(mine)),
                nodes=_without_priority(row.get("nodes")),
                strict=fields.flag(row.get("restricted")),
            )
        )
    return tuple(sorted(found, key=lambda rule: rule.name))


def _node_states(visit: Visit) -> dict[str, str]:
    """Node -> what the HA manager calls it: online, maintenance, fence, unknown, gone."""
    table = visit.table("HA maintenance", "cluster", "ha", "status", "manager_status", needs=_NEEDS)
    if table is None:
        return _from_current(visit)
    manager, local = table.get("manager_status"), table.get("lrm_status")
    states = manager.get("node_status") if isinstance(manager, dict) else None
    found = {fields.text(node): fields.text(state) for node, state in (states or {}).items()}
    for node, lrm in local.items() if isinstance(local, dict) else ():
        if isinstance(lrm, dict) and lrm.get("mode") == "maintenance":
            found[fields.text(node)] = "maintenance"
    return found


def _from_current(visit: Visit) -> dict[str, str]:
    rows = visit.rows("HA status", "cluster", "ha", "status", "current", needs=_NEEDS) or []
    return {
        fields.text(row.get("node")): "maintenance"
        for row in rows
        if row.get("type") == "lrm" and "maintenance" in fields.text(row.get("status"), 200)
    }
