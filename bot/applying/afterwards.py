"""Ten minutes after a rollout: restarts, OOM kills, throttling, use against requests.

In: an outcome, metrics and the cluster's own words. Out: ``Afterwards``. Never: "no data" told as zero, or as healthy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.counsel import Metrics, Troubles
from bot.model.applied import Afterwards, Outcome, Use
from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Observed, Trouble, Workload

WINDOW: Final = 600.0
"""Seconds after a rollout that are looked at."""
_THROTTLED: Final = 0.25
"""Share of CPU periods above which a workload is not well: more than every fourth."""


def look(
    outcome: Outcome,
    *,
    metrics: Metrics | None,
    troubles: Troubles | None,
    names: MetricNames,
    now: datetime,
) -> Afterwards:
    """What was seen. ``healthy`` is None when neither metrics nor the cluster could tell."""
    asked = tuple(Workload(namespace=use.workload.namespace, name=use.workload.name) for use in outcome.planned)
    reading = metrics.observe(asked, window=WINDOW, names=names) if metrics is not None and asked else None
    found, unread = troubles.troubles(asked) if troubles is not None and asked else ((), ())
    findings = (*(reading.findings if reading is not None else ()), *unread)
    seen = {(each.workload.namespace, each.workload.name): each for each in (reading.observed if reading else ())}
    told = troubles is not None and not unread
    uses = tuple(
        _use(use, seen.get((use.workload.namespace, use.workload.name)), _of(use, found), told=told)
        for use in outcome.planned
    )
    return Afterwards(at=now, healthy=_healthy(uses), uses=uses, notes=tuple(finding.message for finding in findings))


def _of(use: Use, troubles: Sequence[Trouble]) -> tuple[Trouble, ...]:
    where = (use.workload.namespace, use.workload.name)
    return tuple(each for each in troubles if (each.workload.namespace, each.workload.name) == where)


def _use(planned: Use, seen: Observed | None, troubles: tuple[Trouble, ...], *, told: bool) -> Use:
    restarts = _counted(troubles, ("restarts", "crash-loop")) if told else None
    if seen is not None and seen.restarts is not None:
        restarts = max(restarts or 0, seen.restarts)
    return planned.model_copy(
        update={
            "restarts": restarts,
            "oom_kills": _counted(troubles, ("oom-killed",)) if told else None,
            "throttled": seen.throttled if seen is not None else None,
            "cpu": seen.cpu_p95 if seen is not None else None,
            "memory": seen.memory_max if seen is not None else None,
            "ready": 0 if _counted(troubles, ("unschedulable",)) else planned.ready,
        }
    )


def _counted(troubles: tuple[Trouble, ...], kinds: tuple[str, ...]) -> int:
    return sum(each.count for each in troubles if each.kind in kinds)


def _healthy(uses: Sequence[Use]) -> bool | None:
    if all(use.restarts is None and use.throttled is None for use in uses):
        return None
    return not any(_unwell(use) for use in uses)


def _unwell(use: Use) -> bool:
    short = use.ready is not None and use.wanted is not None and use.ready < use.wanted
    return bool(use.restarts or use.oom_kills or (use.throttled or 0.0) > _THROTTLED or short)
