"""What a plan will do, from ``terraform show -json`` and from the plan file itself.

In: the documented JSON of a plan; the plan file. Out: ``Planned``, a digest, a ``StateId``. Never: a sensitive
value, an unknown value, a value of something that does not change.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bot.edges.terraform.reboots import reboots
from bot.errors import Code, Refusal, Refused
from bot.model.quantity import MIB
from bot.model.stack import Action, Planned, StateId

_STATE_BYTES: Final = 256 * MIB
_MASK: Final = "(sensitive)"
_UNKNOWN: Final = "(known after apply)"
_MOST_REASONS: Final = 12
_ACTIONS: Final[Mapping[tuple[str, ...], Action]] = {
    ("no-op",): "no-op",
    ("create",): "create",
    ("read",): "read",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "delete",
    ("create", "forget"): "replace",
}
"""``forget`` leaves the thing standing and drops it from the state: for a reviewer as grave as a deletion."""

_REASONS: Final[Mapping[str, str]] = {
    "replace_because_tainted": "tainted: an earlier apply failed halfway through it",
    "replace_by_request": "asked for by -replace",
    "replace_by_triggers": "replace_triggered_by",
    "delete_because_no_resource_config": "no longer in the configuration",
    "delete_because_wrong_repetition": "count or for_each changed",
    "delete_because_count_index": "count changed",
    "delete_because_each_key": "for_each changed",
    "delete_because_no_module": "its module is gone",
}

Change = Mapping[str, Any]


def planned(document: Mapping[str, Any]) -> tuple[Planned, ...]:
    """Every resource change, in the order of addresses. Raises Refused(config) for an action that is not known."""
    changes = sorted(document.get("resource_changes", ()), key=lambda each: (each["address"], each.get("deposed", "")))
    return tuple(_planned(each) for each in changes)


def digest(document: Mapping[str, Any]) -> str:
    """sha256 over what will be changed: address, actions, and the values that change, sorted, as compact JSON.

    A plan of the same change, made later against the same state, has the same digest: what is only read, or only known
    after the apply, is not in it, and of a deletion nothing but its address.
    """
    told = [_normal(each) for each in document.get("resource_changes", ()) if _acts(each)]
    told.sort(key=lambda each: (each["address"], each["deposed"]))
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def state_of(plan: Path) -> StateId:
    """The state that a plan file was made against. It is an archive that holds the state: no further call is needed,
    and no other apply can come between. Raises Refused(config) for a form that is not known.
    """
    try:
        found = _archived(plan)
        lineage, serial = found["lineage"], found["serial"]
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile):
        raise Refused(_strange("its plan file has a form that is not known here")) from None
    return StateId(lineage=lineage, serial=serial) if lineage else StateId()


def _archived(plan: Path) -> dict[str, Any]:
    with zipfile.ZipFile(plan) as archive:
        if archive.getinfo("tfstate").file_size > _STATE_BYTES:
            raise ValueError("too big")
        found: dict[str, Any] = json.loads(archive.read("tfstate"))
        return found


def _planned(each: Mapping[str, Any]) -> Planned:
    change: Change = each["change"]
    action = _action(change)
    because = _because(each, change, action)
    changed = _leaves(change) if action == "update" else ()
    return Planned(
        address=each["address"],
        action=action,
        because=because[:_MOST_REASONS],
        reboots=action == "update" and reboots(each.get("type", ""), changed, _object(change, "before")),
        name=_name(change),
    )


def _action(change: Change) -> Action:
    actions = tuple(change["actions"])
    if actions not in _ACTIONS:
        raise Refused(_strange(f"it plans the action `{'+'.join(map(str, actions))[:60]}`"))
    found = _ACTIONS[actions]
    return "import" if found == "no-op" and change.get("importing") else found


def _because(each: Mapping[str, Any], change: Change, action: Action) -> tuple[str, ...]:
    if action == "update":
        return _leaves(change)
    if action not in {"replace", "delete"}:
        return ()
    forcing = tuple(dict.fromkeys(_dotted(path) for path in change.get("replace_paths", ())))
    if forcing:
        return forcing
    if "forget" in change["actions"]:
        return ("forgotten: it stays, and leaves the state",)
    reason = each.get("action_reason", "")
    return (_REASONS[reason],) if reason in _REASONS else ()


def _leaves(change: Change) -> tuple[str, ...]:
    """The arguments that change, down to their leaves; those that are unknown stand last, or alone when nothing else
    changes: a computed attribute that is read again is no reason.
    """
    before, after, unknown = _object(change, "before"), _object(change, "after"), _object(change, "after_unknown")
    known = [
        leaf
        for name in sorted({*before, *after})
        if unknown.get(name) is not True
        for leaf in _differing(before.get(name), after.get(name), unknown.get(name), name)
    ]
    return tuple(known or sorted(name for name, value in unknown.items() if value is True))


def _differing(before: Any, after: Any, unknown: Any, path: str) -> Iterator[str]:
    if before == after and not unknown:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            more = unknown.get(name) if isinstance(unknown, dict) else None
            yield from _differing(before.get(name), after.get(name), more, f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            more = unknown[place] if isinstance(unknown, list) and place < len(unknown) else None
            yield from _differing(one, other, more, f"{path}[{place}]")
    elif before != after or unknown is True:
        yield path


def _dotted(path: list[Any]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def _name(change: Change) -> str | None:
    """The guest's name: of a machine its ``name``, of a container its host name."""
    for side in ("after", "before"):
        values = _masked(change.get(side), change.get(f"{side}_sensitive"))
        if not isinstance(values, dict):
            continue
        first = (values.get("initialization") or [{}])[0] if isinstance(values.get("initialization"), list) else {}
        for found in (values.get("name"), first.get("hostname") if isinstance(first, dict) else None):
            if isinstance(found, str) and found not in {"", _MASK}:
                return found
    return None


def _object(change: Change, side: str) -> dict[str, Any]:
    found = change.get(side)
    return found if isinstance(found, dict) else {}


def _acts(each: Mapping[str, Any]) -> bool:
    change = each["change"]
    idle = set(change["actions"]) <= {"no-op", "read"}
    return not idle or bool(change.get("importing")) or "previous_address" in each


def _normal(each: Mapping[str, Any]) -> dict[str, Any]:
    change: Change = each["change"]
    gone = "create" not in change["actions"] and "update" not in change["actions"]
    before = _masked(change.get("before"), change.get("before_sensitive"))
    after = _unknowing(_masked(change.get("after"), change.get("after_sensitive")), change.get("after_unknown"))
    return {
        "address": each["address"],
        "deposed": each.get("deposed", ""),
        "previous": each.get("previous_address", ""),
        "actions": list(change["actions"]),
        "import": (change.get("importing") or {}).get("id", ""),
        "forced": sorted(_dotted(path) for path in change.get("replace_paths", ())),
        "values": {} if gone else _changed(before, after),
    }


def _changed(before: Any, after: Any) -> dict[str, Any]:
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    return {
        name: [None if new.get(name) == _UNKNOWN else old.get(name), new.get(name)]
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    }


def _masked(value: Any, sensitive: Any) -> Any:
    if sensitive is True:
        return _MASK
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {name: _masked(each, sensitive.get(name)) for name, each in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        marks = [*sensitive, *([None] * (len(value) - len(sensitive)))]
        return [_masked(each, mark) for each, mark in zip(value, marks, strict=False)]
    return value


def _unknowing(value: Any, unknown: Any) -> Any:
    """The values with a word in place of what is not known yet."""
    if unknown is True:
        return _UNKNOWN
    if isinstance(unknown, dict) and isinstance(value, dict):
        return {name: _unknowing(value.get(name), unknown.get(name)) for name in sorted({*value, *unknown})}
    if isinstance(unknown, list) and isinstance(value, list):
        marks = [*unknown, *([None] * (len(value) - len(unknown)))]
        return [_unknowing(each, mark) for each, mark in zip(value, marks, strict=False)]
    return value


def _strange(what: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"This terraform is newer than ai-provision knows: {what}.",
        remedy="Use terraform 1.5 to 1.11, or a newer ai-provision.",
    )
