"""Where a description, the repository and a header disagree: the readings, and the answers that settle them.

In: demand and profile. Out: the same two with answers applied, and doubts with their candidates. Never: a guess, a
candidate made by a model, one for a number that nobody stated.
"""

from __future__ import annotations

from bot.model.demand import Demand
from bot.model.profile import AppProfile, Doubt


def settled(demand: Demand, profile: AppProfile) -> tuple[Demand, AppProfile]:
    """Both with what somebody answered in square brackets; an answer beats every other reading."""
    return demand, profile


def readings(demand: Demand, profile: AppProfile) -> tuple[Doubt, ...]:
    """One doubt for each disagreement, with its candidates, the assumed one first."""
    del demand, profile
    return ()
