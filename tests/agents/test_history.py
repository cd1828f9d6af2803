"""Samples of a running application: few of them move a number a little, many are used outright."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.history import history_of, quantile
from bot.model.quantity import MilliCpu
from bot.model.standard import HistoricalMetrics
from tests.agents.test_recommend import GO, answer, why
from tests.model.test_standard import RECOMMENDATION

EVEN = {"cpu_usage": [0.1] * 4, "replica_counts": [4] * 4, "request_rate": [500] * 4}


@pytest.mark.parametrize(
    ("scale", "seconds"),
    [(1.0, 0.0008), (0.01, 0.71097e-3 / 2), (100.0, 0.71097e-3 * 2)],
    ids=["within", "far-below", "far-above"],
)
def test_few_samples_move_the_cost_of_a_request_within_half_and_twice(scale: float, seconds: float) -> None:
    metrics = {**EVEN, "cpu_usage": [0.1 * scale] * 4}
    found = answer(app_metadata=GO, historical_metrics=metrics)
    busy = next(each for each in found.reasons if each.path == "busy_cores")
    assert float(busy.text.split()[2].rstrip(":")) == pytest.approx(500 * seconds, rel=1e-3)
    assert found.confidence == 0.414


def test_a_hundred_samples_are_used_outright_and_make_it_surer() -> None:
    metrics = {"cpu_usage": [1.0] * 100, "replica_counts": [4], "request_rate": [500] * 100}
    found = answer(app_metadata=GO, historical_metrics=metrics)
    assert "used outright; the table says 0.71097 ms" in why(found, "requests.cpu")
    assert "400 / 50000 = 8 ms" in why(found, "requests.cpu")
    assert found.replicas * MilliCpu.parse(found.requests.cpu).cores >= 4 / 0.85
    assert found.confidence > 0.5


def test_series_that_do_not_belong_together_make_no_cost() -> None:
    found = answer(**RECOMMENDATION)
    assert "do not have the same length" in why(found, "requests.cpu")


@pytest.mark.parametrize(("count", "cpu"), [(3, "450m"), (4, "450m"), (99, "450m"), (100, "100m")])
def test_only_many_samples_lower_a_request(count: int, cpu: str) -> None:
    assert answer(app_metadata=GO, historical_metrics={"cpu_usage": [0.01] * count}).requests.cpu == cpu


@pytest.mark.parametrize(("count", "cpu"), [(3, "450m"), (4, "2300m"), (100, "2300m")])
def test_four_samples_raise_a_request(count: int, cpu: str) -> None:
    assert answer(app_metadata=GO, historical_metrics={"cpu_usage": [2.0] * count}).requests.cpu == cpu


@pytest.mark.parametrize(
    ("tolerance", "memory"),
    [(None, "1152Mi"), ("high", "1152Mi"), ("medium", "1152Mi"), ("Low", "1472Mi"), ("sometimes", "1152Mi")],
)
def test_memory_follows_the_maximum_and_the_tolerance(tolerance: str | None, memory: str) -> None:
    found = answer(
        app_metadata={**GO, "oom_tolerance": tolerance}, historical_metrics={"memory_usage": [900, 1000] * 2}
    )
    assert (found.requests.memory, found.limits.memory) == (memory, memory)
    assert ("none of low, medium, high" in why(found, "requests.memory")) == (tolerance == "sometimes")


def test_samples_never_lower_memory() -> None:
    assert answer(app_metadata=GO, historical_metrics={"memory_usage": [10] * 500}).requests.memory == "128Mi"


def test_a_measured_rate_stands_for_a_load_that_nobody_stated() -> None:
    found = answer(app_metadata={"name": "api", "language": "go"}, historical_metrics={"request_rate": [3, 2000]})
    assert "the highest measured rate, 2000 per second" in why(found, "qps")
    assert "Q = 2000" in why(found, "qps")
    stated = answer(app_metadata=GO, historical_metrics={"request_rate": [3, 2000]})
    assert "Q = 500" in why(stated, "qps")


def test_zeros_are_no_cost() -> None:
    metrics = HistoricalMetrics(cpu_usage=(0.0,) * 9, request_rate=(0.0,) * 9, replica_counts=(0,) * 9)
    history = history_of(metrics)
    assert (history.cost, history.cpu_p95, history.memory_max, history.peak_rate) == (None, None, None, None)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.floats(0, 1))
def test_a_quantile_lies_between_the_samples(samples: list[float], share: float) -> None:
    found = quantile(samples, share)
    assert min(samples) <= found or math.isclose(found, min(samples))
    assert found <= max(samples) or math.isclose(found, max(samples))
    assert sum(one <= found * (1 + 1e-9) for one in samples) >= math.floor(share * (len(samples) - 1)) + 1
