"""Who owns which field of an object, and how an undo leaves no owner beside us.

``kubectl rollout undo`` and a scaling write under kubectl's own name. The next server-side apply would then be
refused: a conflict with ourselves. So the fields that such a step of ours took are given back to our manager, and no
others.

In: ``metadata.managedFields``. Out: the same with owners changed. Never: a field that another manager had before that.
"""

from __future__ import annotations

from typing import Final

from bot.edges.kubectl.program import MANAGER, Thing
from bot.edges.kubectl.reading import rows, table

_OTHERS: Final = ("manager", "operation", "apiVersion", "subresource")


def reowned(before: list[Thing], after: list[Thing]) -> list[Thing] | None:
    """``after`` with the fields that an update took since ``before`` moved to our manager; None where none were taken.

    ``subresource`` entries belong to controllers and stay as they are.
    """
    old = {_key(each): table(each.get("fieldsV1")) for each in before}
    taken: Thing = {}
    kept: list[Thing] = []
    for each in after:
        new = table(each.get("fieldsV1"))
        gained = less(new, old.get(_key(each), {})) if _is_update(each) else {}
        taken = union(taken, gained)
        rest = less(new, gained) if gained else new
        if rest:
            kept.append({**each, "fieldsV1": rest})
    ours = next((each for each in kept if _is_ours(each)), None)
    if not taken or ours is None:
        return None
    mine = {**ours, "fieldsV1": union(table(ours.get("fieldsV1")), taken)}
    return [mine if each is ours else each for each in kept]


def managed(thing: Thing) -> list[Thing]:
    """``metadata.managedFields``, which kubectl shows on request."""
    return rows(table(thing.get("metadata")).get("managedFields"))


def _key(entry: Thing) -> tuple[str, ...]:
    return tuple(str(entry.get(name, "")) for name in _OTHERS)


def _is_update(entry: Thing) -> bool:
    """An update of the object itself by a kubectl: controllers carry other names."""
    name = str(entry.get("manager", ""))
    return entry.get("operation") == "Update" and not entry.get("subresource") and name.startswith(("kubectl", MANAGER))


def _is_ours(entry: Thing) -> bool:
    return entry.get("operation") == "Apply" and entry.get("manager") == MANAGER and not entry.get("subresource")


def union(one: Thing, other: Thing) -> Thing:
    """Both sets of fields."""
    made = dict(one)
    for key, value in other.items():
        made[key] = union(table(made.get(key)), table(value)) if key in made else value
    return made


def less(one: Thing, other: Thing) -> Thing:
    """The fields of ``one`` that are not in ``other``. A leaf is an empty mapping."""
    made: Thing = {}
    for key, value in one.items():
        if key not in other:
            made[key] = value
        elif value and (rest := less(table(value), table(other[key]))):
            made[key] = rest
    return made
