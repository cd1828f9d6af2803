"""The planner: profile, demand and snapshot become the first plan.

In: ``Collected`` and ``ClusterSnapshot``. Out: ``Plan`` or a ``Refusal`` (name, policy, capacity). Never: I/O, a number
without its decision record.
"""

from __future__ import annotations

from bot.agents.collector import Collected
from bot.capacity.headroom import headroom
from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.plan import Plan
from bot.model.refinement import Refinement
from bot.planning.naming import app_slug
from bot.planning.plan import make_plan


def first_plan(
    collected: Collected,
    snapshot: ClusterSnapshot,
    *,
    config: Config,
    repo_owner: str | None,
    commit: str | None,
    refinements: tuple[Refinement, ...] = (),
) -> Plan | Refusal:
    """Size and place. ``repo_owner`` and ``commit`` name the image that a build has to push first; ``refinements`` are
    numbers that somebody fixed.
    """
    app = app_slug(collected.profile.name)
    if isinstance(app, Refusal):
        return app
    return make_plan(
        app=app,
        demand=collected.demand,
        profile=collected.profile,
        snapshot=snapshot,
        headroom=headroom(snapshot, config),
        config=config,
        repo_owner=repo_owner,
        commit=commit,
        refinements=refinements,
    )
