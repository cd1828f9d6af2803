"""What a model may say of a number, and how what it says is read: rule first, model second, limits last.

In: the rules' own plan, a key, a value of any kind. Out: bounds, a number in one unit, or the sentence why it is none.
Never: a bound beyond policy or below what the load needs, a guess at what a model meant.

Units: pods, milli-CPU and bytes as whole numbers; inputs (k, w, B) as floats. The bounds are half and twice the rule's
value (sizing step 15).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

from bot.model.config import Config
from bot.model.consultation import INPUT_KEYS, InputKey, OutputKey, Scalar
from bot.model.decision import Decision
from bot.model.noun import JsonValue
from bot.model.plan import Plan, ServicePlan
from bot.model.quantity import MIB, Bytes, MilliCpu
from bot.model.refinement import problem_with
from bot.planning.inputs import LEAST, MOST, RULED
from bot.planning.memory import MARGIN
from bot.planning.pods import CAPPED
from bot.planning.record import ceiling
from bot.planning.tier import RUNS_ONCE

Key = InputKey | OutputKey
Number = int | float
Bounds = tuple[Number, Number, Number]
"""The lowest and the highest that a model may say, and the rule's own value."""

_LEAST_CPU: Final = 10
_LEAST_MEMORY: Final = 16 * MIB
_LETTERS: Final[Mapping[str, str]] = {"reads": "k", "writes": "w", "weight": "B"}
_MOST_INPUT: Final = 10_000
_PLAIN: Final = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?", re.ASCII)
_BEYOND: Final = 2**63


def bounds_of(plan: Plan, service: str, key: Key, *, config: Config) -> Bounds | None:
    """Between what a model may move a number of the rules' own plan; None where there is no number that it may move.

    None: an unknown service, pods of a job or of state that nothing replicates, ``max`` without an autoscaler, inputs
    of a service whose requests reach no database (or whose CPU is measured: ``weight``), and a number that a person
    fixed. Where a model moved the number already, the bounds are still of what the rules alone say.
    """
    planned = next((entry for entry in plan.services if entry.name == service), None)
    if planned is None:
        return None
    records = {entry.path.removeprefix(f"services.{service}."): entry for entry in plan.decisions
               if entry.path.startswith(f"services.{service}.")}  # fmt: skip
    if key in INPUT_KEYS:
        return _input(records, key)
    return _OUTPUTS[key](planned, records, config)


def _input(records: Mapping[str, Decision], key: Key) -> Bounds | None:
    cost, moved = records.get("cpu_ms_per_request"), records.get(f"inputs.{key}")
    if cost is None or "k" not in cost.inputs:
        return None
    rule = _float(moved.inputs.get(RULED) if moved is not None else cost.inputs.get(_LETTERS[key]))
    return None if rule is None else (LEAST * rule, MOST * rule, rule)


def _float(value: JsonValue) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and isinstance(value, int | float) and math.isfinite(value) else None


def _ruled(record: Decision | None) -> JsonValue:
    """What the rules say; None for a number that a person fixed."""
    if record is None or record.origin == "user":
        return None
    return record.value if record.origin == "rule" else record.inputs.get(RULED)


def _replicas(planned: ServicePlan, records: Mapping[str, Decision], config: Config) -> Bounds | None:
    rule = _whole(_ruled(records.get("replicas")))
    least = records.get("n_min")
    if rule is None or least is None or planned.kind == "StatefulSet" or least.why == RUNS_ONCE:
        return None
    low = max(ceiling(LEAST * rule), _whole(least.value) or 1, _fixed(records, "hpa.min") or 1)
    high = min(
        math.floor(MOST * rule), config.limits.max_replicas, _fixed(records, "hpa.max") or config.limits.max_replicas
    )
    return _ordered(low, high, rule)


def _fixed(records: Mapping[str, Decision], path: str) -> int | None:
    """A number that a person fixed."""
    record = records.get(path)
    return _whole(record.value) if record is not None and record.origin == "user" else None


def _max(planned: ServicePlan, records: Mapping[str, Decision], config: Config) -> Bounds | None:
    record = records.get("hpa.max")
    rule = _whole(_ruled(record))
    if rule is None or planned.hpa is None or record is None:
        return None
    low = max(ceiling(LEAST * rule), planned.replicas, planned.hpa.min)
    high = rule if CAPPED in record.why else min(math.floor(MOST * rule), config.limits.max_replicas)
    return _ordered(low, high, rule)


def _cpu(planned: ServicePlan, records: Mapping[str, Decision], config: Config) -> Bounds | None:
    del config
    rule = _milli(_ruled(records.get("requests.cpu")))
    if rule is None:
        return None
    limit = records.get("limits.cpu")
    fixed = planned.limits.cpu if limit is not None and limit.origin == "user" else None
    high = math.floor(MOST * rule)
    return _ordered(max(ceiling(LEAST * rule), _LEAST_CPU), high if fixed is None else min(high, int(fixed)), rule)


def _memory(planned: ServicePlan, records: Mapping[str, Decision], config: Config) -> Bounds | None:
    """Not below the formula's need without its margin; not below the rule where it was measured or a heap fixes it."""
    del config
    record = records.get("requests.memory")
    rule = _bytes(_ruled(record))
    if rule is None or record is None:
        return None
    firm = record.origin != "rule" or record.tag == "M" or record.inputs.get("runtime") == "JVM"
    need = rule if firm else MIB * ceiling(rule / MARGIN / MIB)
    limit = records.get("limits.memory")
    fixed = int(planned.limits.memory) if limit is not None and limit.origin == "user" else None
    high = math.floor(MOST * rule)
    return _ordered(max(need, _LEAST_MEMORY), high if fixed is None else min(high, fixed), rule)


def _ordered(low: int, high: int, rule: int) -> Bounds:
    """The bounds, with the rule's value among them whatever narrowed them."""
    return min(low, rule), max(high, rule), rule


def _whole(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _milli(value: JsonValue) -> int | None:
    return int(MilliCpu.parse(value)) if isinstance(value, str) else None


def _bytes(value: JsonValue) -> int | None:
    return int(Bytes.parse(value)) if isinstance(value, str) else None


_OUTPUTS: Final[Mapping[Key, Callable[[ServicePlan, Mapping[str, Decision], Config], Bounds | None]]] = {
    "replicas": _replicas,
    "max": _max,
    "cpu": _cpu,
    "memory": _memory,
}


def read_number(key: Key, value: Scalar) -> int | float | str:
    """What a model said as a number: pods, milli-CPU, bytes in whole MiB, or an input. A str is the sentence that says
    why it is none.

    Numbers without a unit are Kubernetes quantities: ``500`` is 500 cores, or 500 bytes. Nothing is guessed.
    """
    if value is None or isinstance(value, bool):
        return f"{key} wants a number, and got {'nothing' if value is None else 'true or false'}."
    if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < _BEYOND):
        return f"{key} wants a number that a plan can hold."
    return _read_input(key, value) if key in INPUT_KEYS else _read_output(key, value)


def _read_input(key: Key, value: str | float) -> float | str:
    least = 0.0 if key != "weight" else 1e-6
    text = value if isinstance(value, str) else ""
    number = float(text) if _PLAIN.fullmatch(text) else value
    if isinstance(number, str) or not least <= number <= _MOST_INPUT:
        return f"{key} wants a plain number from 0 to {_MOST_INPUT:,}."
    return float(number)


def _read_output(key: Key, value: str | float) -> int | str:
    whole = isinstance(value, float) and value.is_integer()
    text = str(int(value)) if whole else str(value)
    problem = problem_with(key, text)
    if problem is not None:
        return f"{key} {problem}."
    if key == "cpu":
        return int(MilliCpu.parse(text))
    return MIB * ceiling(Bytes.parse(text) / MIB) if key == "memory" else int(text)


def clamp(value: Number, low: Number, high: Number) -> Number:
    """The value, or the nearer bound."""
    return max(low, min(value, high))


def as_written(key: OutputKey, number: Number) -> str:
    """The number as a refinement is written: ``3``, ``450m``, ``256Mi``. CPU and memory are rounded up."""
    if key == "cpu":
        return MilliCpu(math.ceil(number)).to_k8s()
    return Bytes(MIB * ceiling(number / MIB)).to_k8s() if key == "memory" else str(math.floor(number))
