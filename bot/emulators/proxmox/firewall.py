"""The firewall of guests: options and rules.

In: actions on ``.../firewall``. Out: rows in their order. Never: a packet.
"""

from __future__ import annotations

from typing import Final

from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import ApiError, Json, Row
from bot.emulators.proxmox.values import digest, listed

_SKIPPED: Final = ("delete", "digest", "pos", "moveto")


def _key(action: Action, what: str) -> str:
    return f"{action.guest.base}/firewall/{what}"


def read_options(action: Action) -> Json:
    """``GET firewall/options``: what was set, and a digest."""
    options: Row = action.site.state.get(_key(action, "options"), {})
    return options | {"digest": digest(options)}


def set_options(action: Action) -> Json:
    """``PUT firewall/options``."""
    options: Row = action.site.state.setdefault(_key(action, "options"), {})
    for name in listed(action.text("delete")):
        options.pop(name, None)
    options.update(action.options(*_SKIPPED))
    return None


def _rules(action: Action) -> list[Row]:
    return action.site.rows(_key(action, "rules"))


def read_rules(action: Action) -> Json:
    """``GET firewall/rules`` with their places."""
    rows: list[Row] = action.site.state.get(_key(action, "rules"), [])
    mark = digest({str(place): row for place, row in enumerate(rows)})
    return [row | {"pos": place, "digest": mark} for place, row in enumerate(rows)]


def read_rule(action: Action) -> Json:
    """``GET firewall/rules/{pos}``."""
    rows, place = read_rules(action), action.number("pos")
    if place >= len(rows):
        raise ApiError(500, f"no rule at position {place}")
    return rows[place] | {"pos": str(place)}


def _said(action: Action) -> Row:
    """What a rule says; empty text says nothing and is not stored."""
    return {name: value for name, value in action.options(*_SKIPPED).items() if value not in {"", "-"}}


def create_rule(action: Action) -> Json:
    """``POST firewall/rules``: a new rule stands first, unless ``pos`` says where."""
    rows = _rules(action)
    place = action.number("pos") if "pos" in action.values else 0
    rows.insert(place, _said(action))
    return None


def update_rule(action: Action) -> Json:
    """``PUT firewall/rules/{pos}``: change it, or move it."""
    row, rows, place = read_rule(action), _rules(action), action.number("pos")
    if "moveto" in action.values:
        kept = rows.pop(place)
        target = action.number("moveto")
        rows.insert(target if target < place else target - 1, kept)
        return None
    emptied = {name for name, value in action.options(*_SKIPPED).items() if value in {"", "-"}}
    gone = {"pos", "digest", *listed(action.text("delete")), *emptied}
    rows[place] = {name: value for name, value in row.items() if name not in gone} | _said(action)
    return None


def delete_rule(action: Action) -> Json:
    """``DELETE firewall/rules/{pos}``; the last one takes the file with it."""
    read_rule(action)
    rows = _rules(action)
    del rows[action.number("pos")]
    if not rows:
        del action.site.state[_key(action, "rules")]
    return None
