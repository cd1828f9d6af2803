"""Rows of a matrix as numbers.

In: rows as Prometheus sent them. Out: points by workload and pod. Never: NaN, an infinity, a negative or absurd number,
a moment outside the grid, a label value that belongs to none of the workloads.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from bot.edges.prometheus.questions import Grid, owners
from bot.model.evidence import Workload

Points = dict[int, float]
"""Values by moment, in whole Unix seconds."""
Pods = dict[str, Points]
"""Points by pod."""

MOST_CORES: Final = 1e5
MOST_BYTES: Final = 2.0**50
MOST_COUNT: Final = 1e12
_LONGEST: Final = 32


def by_pod(rows: Iterable[Any], wanted: Iterable[Workload], grid: Grid, *, most: float) -> dict[Workload, Pods]:
    """The points of every pod of the wanted workloads. Values above ``most`` are dropped."""
    found: dict[Workload, Pods] = defaultdict(dict)
    known = set(wanted)
    for labels, values in _series(rows):
        workload, pod = _owner(labels, known), labels.get("pod")
        points = _points(values, grid, most)
        if workload is not None and isinstance(pod, str) and points:
            _merge(found[workload].setdefault(pod, {}), points, max)
    return dict(found)


def by_label(
    rows: Iterable[Any], wanted: Iterable[Workload], grid: Grid, *, label: str, most: float
) -> dict[Workload, Points]:
    """The points of the wanted workloads whose name stands in a label."""
    found: dict[Workload, Points] = {}
    known = {(item.namespace, item.name): item for item in wanted}
    for labels, values in _series(rows):
        namespace, name = labels.get("namespace"), labels.get(label)
        workload = known.get((namespace, name)) if isinstance(namespace, str) and isinstance(name, str) else None
        points = _points(values, grid, most)
        if workload is not None and points:
            _merge(found.setdefault(workload, {}), points, max)
    return found


def only(rows: Iterable[Any], label: str, value: str) -> list[Any]:
    """The rows with this label."""
    return [row for row in rows if isinstance(row, dict) and _table(row.get("metric")).get(label) == value]


def _series(rows: Iterable[Any]) -> Iterator[tuple[Mapping[str, Any], list[Any]]]:
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("values"), list):
            yield _table(row.get("metric")), row["values"]


def _owner(labels: Mapping[str, Any], known: set[Workload]) -> Workload | None:
    namespace, pod = labels.get("namespace"), labels.get("pod")
    if not isinstance(namespace, str) or not isinstance(pod, str):
        return None
    candidates = (Workload(namespace=namespace, name=name) for name in owners(pod))
    return next((item for item in candidates if item in known), None)


def _points(values: Iterable[Any], grid: Grid, most: float) -> Points:
    read = (_point(value) for value in values)
    return {at: value for at, value in filter(None, read) if grid.start <= at <= grid.end and 0 <= value <= most}


def _point(pair: Any) -> tuple[int, float] | None:
    if not isinstance(pair, list) or len(pair) != 2:
        return None
    at, text = pair
    if isinstance(at, bool) or not isinstance(at, int | float) or not isinstance(text, str) or len(text) > _LONGEST:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return (int(at), value) if math.isfinite(value) and math.isfinite(at) else None


def _merge(into: Points, points: Points, choose: Callable[[float, float], float]) -> None:
    for at, value in points.items():
        into[at] = choose(into[at], value) if at in into else value


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
