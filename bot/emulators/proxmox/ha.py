"""High availability: resources, rules of version 9, groups of version 8.

In: actions on ``/cluster/ha``. Out: rows; the manager starts what shall be started. Never: groups on 9, rules on 8.
"""

from __future__ import annotations

from typing import Any, Final

from bot.emulators.proxmox import power
from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, Row, wrong_parameters
from bot.emulators.proxmox.site import Guest, Site
from bot.emulators.proxmox.values import digest, listed

RESOURCES: Final = "cluster/ha/resources"
RULES: Final = "cluster/ha/rules"
GROUPS: Final = "cluster/ha/groups"


def _row(site: Site, key: str, name: str, value: str) -> Row | None:
    return next((row for row in site.rows(key) if row[name] == value), None)


def _sid(text: str) -> str:
    return f"vm:{text}" if text.isdecimal() else text


def _guest(site: Site, sid: str) -> Guest:
    kind, _, number = sid.partition(":")
    guest = site.guest(int(number)) if number.isdecimal() else None
    if guest is None or guest.service != f"{kind}:{number}":
        raise ApiError(500, f"unable to use resource '{sid}': no such {'VM' if kind == 'vm' else 'CT'}")
    return guest


def read_resource(action: Action) -> Json:
    """``GET /cluster/ha/resources/{sid}``."""
    sid = _sid(action.word("sid"))
    row = _row(action.site, RESOURCES, "sid", sid)
    if row is None:
        raise ApiError(500, f"no such resource '{sid}'")
    return row


def create_resource(action: Action) -> Json:
    """``POST /cluster/ha/resources``: what is not said is not stored."""
    site, sid = action.site, _sid(action.word("sid"))
    guest = _guest(site, sid)
    _no_groups(action)
    if _row(site, RESOURCES, "sid", sid) is not None:
        raise ApiError(500, f"create resource failed: resource ID '{sid}' already defined")
    row: Row = {"sid": sid, "type": sid.partition(":")[0]} | action.options("sid", "type")
    row["digest"] = digest(row)
    site.rows(RESOURCES).append(row)
    _manage(site, guest, row)
    return None


def _no_groups(action: Action) -> None:
    group = action.text("group")
    if group is None:
        return
    if action.major >= 9:
        raise ApiError(500, "invalid parameter 'group': ha groups have been migrated to rules")
    if _row(action.site, GROUPS, "group", group) is None:
        raise ApiError(500, f"HA group '{group}' does not exist")


def _manage(site: Site, guest: Guest, row: Row) -> None:
    """What the manager does at its next turn: the guest is started or stopped, and the status names it."""
    state = row.get("state", "started")
    guest.row["hastate"] = state
    manager = site.state.get("cluster/ha/status/manager_status", {}).get("manager_status", {})
    manager.setdefault("service_status", {})[guest.service] = {"node": guest.node, "state": state, "uid": "a1"}
    if state in {"started", "enabled"} and not guest.running:
        site.tasks.later(0.0, lambda: _start_if_there(site, guest.vm_id))
    elif state in {"stopped", "disabled"} and guest.running:
        power.stopped(site, guest)


def _start_if_there(site: Site, vm_id: int) -> None:
    guest = site.guest(vm_id)
    if guest is not None and "lock" not in guest.config:
        power.started(site, guest)


def update_resource(action: Action) -> Json:
    """``PUT /cluster/ha/resources/{sid}``."""
    row = read_resource(action)
    _no_groups(action)
    for name in listed(action.text("delete")):
        row.pop(name, None)
    row.update(action.options("delete", "digest"))
    row["digest"] = digest(row)
    _manage(action.site, _guest(action.site, row["sid"]), row)
    return None


def delete_resource(action: Action) -> Json:
    """``DELETE /cluster/ha/resources/{sid}``; on 9 it leaves the rules too, unless told not to."""
    site, sid = action.site, _sid(action.word("sid"))
    row = _row(site, RESOURCES, "sid", sid)
    if row is None:
        raise ApiError(500, f"cannot delete service '{sid}', not HA managed!")
    site.rows(RESOURCES).remove(row)
    if action.major >= 9 and action.values.get("purge", 1):
        _leave_rules(site, sid)
    manager = site.state.get("cluster/ha/status/manager_status", {}).get("manager_status", {})
    manager.get("service_status", {}).pop(sid, None)
    number = sid.partition(":")[2]
    guest = site.guest_row(int(number)) if number.isdecimal() else None
    if guest is not None:
        guest.pop("hastate", None)
    return None


def _leave_rules(site: Site, sid: str) -> None:
    for rule in list(site.rows(RULES)):
        left = [one for one in listed(rule["resources"]) if one != sid]
        if not left:
            site.rows(RULES).remove(rule)
        else:
            rule["resources"] = ",".join(left)


def read_rule(action: Action) -> Json:
    """``GET /cluster/ha/rules/{rule}``."""
    name = action.word("rule")
    row = _row(action.site, RULES, "rule", name)
    if row is None:
        raise ApiError(500, f"no such ha rule '{name}'")
    return row


def create_rule(action: Action) -> Json:
    """``POST /cluster/ha/rules``: only over resources that are managed, and nodes that are there."""
    name, site = action.word("rule"), action.site
    if _row(site, RULES, "rule", name) is not None:
        raise ApiError(500, f"create ha rule failed: HA rule '{name}' already defined")
    options = action.options("rule")
    order = max((int(row.get("order", 0)) for row in site.rows(RULES)), default=0) + 1
    row: Row = {"rule": name} | options | {"order": order}
    _feasible(site, row)
    row |= {"strict": int(row.get("strict", 0))} if row["type"] == "node-affinity" else {}
    row["digest"] = digest(row)
    site.rows(RULES).append(row)
    return None


def _feasible(site: Site, row: Row) -> None:
    wanted = listed(row["resources"])
    managed = {one["sid"] for one in site.rows(RESOURCES)}
    missing = sorted(set(wanted) - managed)
    if missing:
        raise ApiError(500, f"create ha rule failed: cannot use unmanaged resource(s) {', '.join(missing)}.")
    nodes = {text.partition(":")[0] for text in listed(row.get("nodes"))}
    unknown = sorted(nodes - site.nodes().keys())
    if unknown:
        raise ApiError(500, f"create ha rule failed: cannot use non-existant node(s) {', '.join(unknown)}.")
    _consistent(site, row, set(wanted))


def _consistent(site: Site, row: Row, wanted: set[str]) -> None:
    errors: dict[str, Any] = {}
    if row["type"] == "resource-affinity" and len(wanted) < 2:
        errors["resources"] = "rule is ineffective as there are less than two resources"
    for other in site.rows(RULES):
        both = wanted & set(listed(other["resources"]))
        if row["type"] == other["type"] == "node-affinity" and both and other["rule"] != row["rule"]:
            errors["resources"] = f"resource '{min(both)}' is already used in another node affinity rule"
    if errors:
        raise ApiError(400, f"Rule '{row['rule']}' is invalid.", errors=errors)


def update_rule(action: Action) -> Json:
    """``PUT /cluster/ha/rules/{rule}``."""
    row = read_rule(action)
    changed = row | action.options("delete", "digest")
    for name in listed(action.text("delete")):
        changed.pop(name, None)
    if changed["type"] != row["type"]:
        raise wrong_parameters({"type": "the type of a rule cannot be changed"})
    _feasible(action.site, changed)
    row.clear()
    row.update(changed)
    row["digest"] = digest(row)
    return None


def delete_rule(action: Action) -> Json:
    """``DELETE /cluster/ha/rules/{rule}``: one that is not there is no error."""
    row = _row(action.site, RULES, "rule", action.word("rule"))
    if row is not None:
        action.site.rows(RULES).remove(row)
    return None


def _migrated(action: Action, verb: str) -> None:
    if action.major >= 9:
        raise ApiError(500, f"cannot {verb} group: ha groups have been migrated to rules")


def read_group(action: Action) -> Json:
    """``GET /cluster/ha/groups/{group}`` (8 only)."""
    _migrated(action, "read")
    row = _row(action.site, GROUPS, "group", action.word("group"))
    if row is None:
        raise ApiError(500, f"no such ha group '{action.word('group')}'")
    return row


def create_group(action: Action) -> Json:
    """``POST /cluster/ha/groups`` (8 only)."""
    _migrated(action, "create")
    name, site = action.word("group"), action.site
    if _row(site, GROUPS, "group", name) is not None:
        raise ApiError(500, f"create ha group failed: group ID '{name}' already defined")
    for text in listed(action.word("nodes")):
        site.known_node(text.partition(":")[0])
    row: Row = {"group": name, "type": "group"} | action.options("group", "type")
    row["digest"] = digest(row)
    site.rows(GROUPS).append(row)
    return None


def update_group(action: Action) -> Json:
    """``PUT /cluster/ha/groups/{group}`` (8 only)."""
    _migrated(action, "update")
    row = read_group(action)
    for name in listed(action.text("delete")):
        row.pop(name, None)
    row.update(action.options("delete", "digest"))
    row["digest"] = digest(row)
    return None


def delete_group(action: Action) -> Json:
    """``DELETE /cluster/ha/groups/{group}`` (8 only); not while a resource is in it."""
    _migrated(action, "delete")
    row = read_group(action)
    if any(one.get("group") == row["group"] for one in action.site.rows(RESOURCES)):
        raise ApiError(500, f"delete ha group failed: HA group '{row['group']}' is in use")
    action.site.rows(GROUPS).remove(row)
    return None
