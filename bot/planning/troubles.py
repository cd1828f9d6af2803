"""What the cluster itself says of a service, as warnings that a person can act on.

In: troubles and measured use. Out: findings, at most one of a kind per service. Never: the cluster's own words, which
are untrusted text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bot.model.evidence import Evidence
from bot.planning.grounds import own, troubles_of
from bot.planning.record import Notes, join, warn

THROTTLED: Final = 0.05
"""The share of CPU periods above which a limit costs latency (sizing section 9)."""
Kind = Literal["oom-killed", "restarts", "crash-loop", "throttled", "unschedulable"]


@dataclass(frozen=True)
class _Seen:
    """One kind of trouble with its number and where it was read."""

    count: int
    source: str
    share: float | None = None


_Words = Callable[[str, _Seen], tuple[str, str]]


def _killed(name: str, seen: _Seen) -> tuple[str, str]:
    return (
        f"Service {name} was killed {_times(seen.count)} for want of memory.",
        "Look for a leak if memory keeps growing; the plan gives more than the limit that killed it, where known.",
    )


def _restarted(name: str, seen: _Seen) -> tuple[str, str]:
    return (
        f"Service {name} was started again {_times(seen.count)} within the window that was read.",
        "Read the logs of the pod before this one (kubectl logs --previous); no size heals a crash.",
    )


def _looping(name: str, seen: _Seen) -> tuple[str, str]:
    return (
        f"Service {name} ends soon after each start ({_times(seen.count)}): Kubernetes waits longer and longer.",
        "Read the logs of the pod before this one (kubectl logs --previous) and mend the start; no size heals it.",
    )


def _throttled(name: str, seen: _Seen) -> tuple[str, str]:
    share = "" if seen.share is None else f" in {100 * seen.share:.0f} % of its CPU periods"
    return (
        f"Service {name} is held back by its CPU limit{share}.",
        "Merge this plan where it sets no CPU limit; else raise the quota or LimitRange that demands one.",
    )


def _without_place(name: str, seen: _Seen) -> tuple[str, str]:
    return (
        f"Pods of service {name} found no node ({_times(seen.count)}).",
        "Free room or add nodes, and look for taints and volumes that bind the pods to one node.",
    )


_WORDS: Final[Mapping[Kind, _Words]] = {
    "oom-killed": _killed,
    "restarts": _restarted,
    "crash-loop": _looping,
    "throttled": _throttled,
    "unschedulable": _without_place,
}


def trouble_notes(names: Sequence[str], evidence: Evidence, *, namespace: str) -> Notes:
    """One warning for each kind of trouble of each service."""
    return join(_about(name, _seen(name, evidence, namespace=namespace)) for name in names)


def _about(name: str, found: Mapping[Kind, _Seen]) -> Notes:
    notes = Notes()
    for kind, words in _WORDS.items():
        if kind in found:
            message, remedy = words(name, found[kind])
            notes += warn(kind, f"{message} Source: {found[kind].source}.", remedy=remedy)
    return notes


def _seen(name: str, evidence: Evidence, *, namespace: str) -> dict[Kind, _Seen]:
    """The cluster's word first, then what the metrics add."""
    found: dict[Kind, _Seen] = {}
    for trouble in troubles_of(name, evidence.troubles, namespace=namespace):
        before = found.get(trouble.kind)
        if before is None or trouble.count > before.count:
            found[trouble.kind] = _Seen(trouble.count, trouble.source_id)
    observed = own(name, evidence.observed, namespace=namespace)
    if observed is not None and observed.throttled is not None and THROTTLED < observed.throttled <= 1:
        found["throttled"] = _Seen(0, observed.source_id, observed.throttled)
    if observed is not None and (observed.restarts or 0) > 0 and "restarts" not in found:
        found["restarts"] = _Seen(observed.restarts or 0, observed.source_id)
    return found


def _times(count: int) -> str:
    return "once" if count <= 1 else f"{count:,} times"
