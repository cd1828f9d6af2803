"""Wishes, snapshot and headroom become a plan of machines and clusters.

In: ``Wishes``, snapshot, headroom, config. Out: ``Plan`` with a decision record for every number, or a ``Refusal``
(``capacity``, ``policy``, ``conflict``, ``config``, ``name``). Never: I/O, a clock, a number without a reason.
"""

from __future__ import annotations

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Headroom
from bot.model.config import Config
from bot.model.plan import Plan
from bot.model.wishes import Wishes


def plan_wishes(wishes: Wishes, *, snapshot: ClusterSnapshot, headroom: Headroom, config: Config) -> Plan | Refusal:
    """The whole plan of one request."""
    return Refusal(code=Code.CAPACITY, message=f"{wishes.name} cannot be planned yet.", remedy="Wait.")
