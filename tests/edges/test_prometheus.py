"""Measured use from a real Prometheus on loopback: fourteen days of samples whose answers are known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.edges.prometheus import PrometheusMetrics
from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Observed, Reading, Workload
from bot.model.quantity import Bytes, MilliCpu
from tests.edges import metrics_contract as contract
from tests.fakes.clock import StoppedClock
from tests.fakes.metrics import FakeMetrics
from tests.prometheus_server import Line, program, prometheus_server

CLOCK = StoppedClock()
NOW = int(CLOCK.now().timestamp())
HOUR, DAY = 3_600, 86_400
START = NOW - 14 * DAY
NAMES = MetricNames(requests="http_requests_total")
API, WORKER, WEB, IDLE, LATE, GONE = (
    Workload(namespace="shop", name=name) for name in ("api", "worker", "web", "idle", "late", "gone")
)
Use = Callable[[int], float]


def busy(at: int) -> int:
    """Seconds of a daily busy hour since the start: 4.2 % of the time."""
    days, rest = divmod(at - START, DAY)
    return days * HOUR + min(rest, HOUR)


def steady(cores: float, peak: float = 0.0) -> Use:
    """CPU seconds so far, with ``peak`` cores more in the busy hour."""
    return lambda at: cores * (at - START) + peak * busy(at)


def pod(
    name: str, cpu: Use, memory: Use = lambda _: 1e8, *, start: int = START, end: int = NOW, **labels: str
) -> list[Line]:
    """What cAdvisor says of a pod with one container: also the pause container and the pod's own sum, every time."""
    own = {"namespace": "shop", "pod": name, "container": "app", "job": "kubelet", **labels}
    others = [{**own, "container": "POD"}, {**own, "container": ""}, {**own, "job": "a-second-job"}]
    return [
        Line(f"container_{metric}", each, start, end, every, value)
        for metric, every, value in (
            ("cpu_usage_seconds_total", 150, cpu),
            ("memory_working_set_bytes", 300, memory),
        )
        for each in (own, *others)
    ]


def counter(name: str, value: Use, every: int = 300, start: int = START, **labels: str) -> Line:
    return Line(name, {"namespace": "shop", **labels}, start, NOW, every, value)


def lines() -> list[Line]:
    half = START + 7 * DAY
    restarts, periods = "kube_pod_container_status_restarts_total", "container_cpu_cfs_periods_total"
    worker = {"pod": "worker-0", "container": "app"}
    return [
        *pod("api-7d9f8b6c5d-bcdfg", steady(0.2, 0.4), lambda at: 2e8 if at == START + 5 * DAY else 1.2e8),
        *pod("api-7d9f8b6c5d-hjklm", steady(0.3)),
        counter("http_requests_total", steady(100, 80), 150, deployment="api"),
        *(
            counter(restarts, lambda _: 2.0, pod=f"api-7d9f8b6c5d-{tail}", container="app")
            for tail in ("bcdfg", "hjklm")
        ),
        *pod("api-migrate-x7k2p", steady(9.0)),
        *pod("api-7d9f8b6c5d-bcdfg", steady(9.0), namespace="elsewhere"),
        *pod("worker-0", steady(0.5), lambda _: 2.5e8, end=half, id="first-life"),
        *pod("worker-0", lambda at: 0.5 * (at - half), lambda _: 3e8, start=half + 150, id="second-life"),
        counter(restarts, lambda at: float(at >= half), **worker),
        counter(periods, lambda at: 10.0 * (at - START), **worker),
        counter("container_cpu_cfs_throttled_periods_total", lambda at: 2.0 * (at - START), **worker),
        *(
            line
            for tail in ("bbbbb", "ccccc", "ddddd")
            for line in (
                *pod(f"web-4b4b4b4b4b-{tail}", steady(0.1), end=half + 150),
                *pod(f"web-5c5c5c5c5c-{tail}", steady(0.1), start=half + 150),
            )
        ),
        *pod("idle-7d9f8b6c5d-bcdfg", lambda _: 0.0),
        *pod("late-7d9f8b6c5d-bcdfg", steady(0.1), end=NOW - 1_200),
        *pod("gone-7d9f8b6c5d-bcdfg", steady(0.1), end=NOW - 2 * HOUR),
    ]


@pytest.fixture(scope="module")
def metrics() -> Iterator[PrometheusMetrics]:
    with prometheus_server(lines()) as url:
        yield PrometheusMetrics(url, clock=CLOCK)


@pytest.fixture(scope="module")
def fortnight(metrics: PrometheusMetrics) -> Reading:
    return metrics.observe((API, WORKER, WEB, IDLE), window=14 * DAY, names=NAMES)


def of(reading: Reading, workload: Workload) -> Observed:
    return next(one for one in reading.observed if one.workload == workload)


def test_cpu_is_the_largest_quantile_of_the_pods(fortnight: Reading) -> None:
    api = of(fortnight, API)
    assert api.cpu_p95 == MilliCpu(300), "the steady pod: the busy hour is 4.2 % of the other one's time"
    assert api.cpu_p98 == MilliCpu(600), "the pod with the busy hour"


def test_memory_is_the_largest_sample(fortnight: Reading) -> None:
    assert of(fortnight, API).memory_max == Bytes(200_000_000)


def test_cpu_per_request_and_peak_rate_come_from_the_configured_counter(fortnight: Reading) -> None:
    api = of(fortnight, API)
    assert api.seconds_per_request == pytest.approx(0.005, rel=0.001)
    assert api.peak_rate == pytest.approx(180, rel=0.001)
    assert of(fortnight, WEB).seconds_per_request is None
    assert of(fortnight, WEB).peak_rate is None


def test_without_a_counter_nobody_asks_for_requests(metrics: PrometheusMetrics) -> None:
    api = of(metrics.observe((API,), window=14 * DAY, names=MetricNames()), API)
    assert (api.seconds_per_request, api.peak_rate) == (None, None)


def test_restarts_are_those_of_the_window(fortnight: Reading) -> None:
    assert of(fortnight, WORKER).restarts == 1
    assert of(fortnight, API).restarts == 0, "two long before the window are none in it"
    assert of(fortnight, WEB).restarts is None, "nobody counts them"


def test_throttling_is_a_share_of_the_periods(fortnight: Reading) -> None:
    assert of(fortnight, WORKER).throttled == pytest.approx(0.2, abs=0.001)
    assert of(fortnight, API).throttled is None


def test_a_container_that_restarted_counts_once(fortnight: Reading) -> None:
    worker = of(fortnight, WORKER)
    assert worker.cpu_p95 == MilliCpu(500)
    assert worker.memory_max == Bytes(300_000_000)
    assert worker.pods == 1


def test_pods_that_a_rollout_replaced_are_not_counted_beside_the_new_ones(fortnight: Reading) -> None:
    assert of(fortnight, WEB).pods == 3
    assert of(fortnight, API).pods == 2


def test_an_idle_workload_measured_zero(fortnight: Reading) -> None:
    assert of(fortnight, IDLE).cpu_p95 == MilliCpu(0)


def test_the_samples_are_described(fortnight: Reading) -> None:
    api = of(fortnight, API)
    assert (api.window, api.age, api.source_id) == (14 * DAY, 0.0, "prometheus:shop/api")
    assert api.points == 4_032
    assert api.span == 14 * DAY
    assert fortnight.findings == ()


def test_a_day_has_steps_of_five_minutes(metrics: PrometheusMetrics) -> None:
    api = of(metrics.observe((API,), window=DAY, names=NAMES), API)
    assert (api.window, api.points) == (DAY, DAY // 300 + 1)
    assert api.memory_max == Bytes(120_000_000), "the larger sample was nine days ago"


def test_a_window_of_more_than_fourteen_days_is_cut_and_says_so(metrics: PrometheusMetrics) -> None:
    assert of(metrics.observe((API,), window=90 * DAY, names=NAMES), API).window == 4_032 * 300


def test_samples_of_twenty_minutes_ago_are_stale_and_used(metrics: PrometheusMetrics) -> None:
    reading = metrics.observe((LATE,), window=DAY, names=NAMES)
    assert of(reading, LATE).age == 1_200
    assert [(one.rule, one.severity) for one in reading.findings] == [("metrics-stale", "warn")]
    assert "20 minutes" in reading.findings[0].message


def test_samples_of_two_hours_ago_are_no_data(metrics: PrometheusMetrics) -> None:
    reading = metrics.observe((GONE, API), window=DAY, names=NAMES)
    assert [one.workload for one in reading.observed] == [API]
    assert [one.rule for one in reading.findings] == ["metrics-stale"]
    assert "shop/gone" in reading.findings[0].message


@dataclass(frozen=True)
class World:
    metrics: FakeMetrics | PrometheusMetrics


class TestPrometheus(contract.MetricsContract):
    @pytest.fixture
    def world(self, metrics: PrometheusMetrics) -> World:
        return World(metrics)


class TestFake(contract.MetricsContract):
    @pytest.fixture
    def world(self) -> World:
        known = Observed(
            workload=API,
            source_id="prometheus:shop/api",
            window=DAY,
            points=289,
            cpu_p95=MilliCpu(300),
            memory_max=Bytes(120_000_000),
        )
        return World(FakeMetrics([known]))


def test_a_missing_program_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="make test"):
        program("no-such-program")
