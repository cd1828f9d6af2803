"""Guests that exist under the name of a planned machine: adopted when they are ours, refused otherwise.

In: drafts and the snapshot's guests. Out: guests to adopt by machine name, or a ``Refusal`` (``conflict``). Never: a
second machine beside one that exists.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Guest
from bot.planning.infrastructure.drafts import Draft
from bot.planning.merged import MANAGED
from bot.planning.naming import shown
from bot.planning.record import Notes, warn


def adopted(drafts: Sequence[Draft], snapshot: ClusterSnapshot, *, app: str) -> dict[str, Guest] | Refusal:
    """Our own guests by name. Templates do not count: nothing of that name runs."""
    guests = snapshot.proxmox.guests if snapshot.proxmox is not None else ()
    found: dict[str, Guest] = {}
    for draft in drafts:
        same = [guest for guest in guests if guest.name == draft.name and not guest.template]
        for guest in same:
            if len(same) > 1 or not _is_ours(guest, draft, app=app):
                return _conflict(guest, draft, app=app)
            found[draft.name] = guest
    return found


def _is_ours(guest: Guest, draft: Draft, *, app: str) -> bool:
    """The bot's tag, and the one of this request or of the machine's cluster."""
    mine = {app} | ({draft.cluster} if draft.cluster is not None else set())
    return guest.kind == draft.wish.kind and MANAGED in guest.tags and bool(mine & set(guest.tags))


def _conflict(guest: Guest, draft: Draft, *, app: str) -> Refusal:
    kind = "container" if guest.kind == "container" else "VM"
    return Refusal(
        code=Code.CONFLICT,
        message=f"A {kind} called {shown(guest.name)} exists already: VMID {guest.vm_id} on {guest.node}, which this "
        "request did not make.",
        remedy=f"Name another machine than {draft.name}; or, to take it over, give it the tags {MANAGED} and "
        f"{draft.cluster or app}.",
    )


def about_adopted(found: dict[str, Guest]) -> Notes:
    """Says which machines are imported for the first time."""
    if not found:
        return Notes()
    names = ", ".join(f"{name} (VMID {guest.vm_id} on {guest.node})" for name, guest in sorted(found.items()))
    return warn(
        "machines-adopted",
        f"These machines exist already and are imported, not created: {names}.",
        remedy="Read Terraform's plan: a changed source, datastore or disk of an existing machine may recreate it.",
    )
