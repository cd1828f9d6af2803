"""A scripted Prometheus on one loopback server for all tests of its faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.edges.prometheus import PrometheusMetrics
from bot.emulators.prometheus import Curve, Line, PrometheusEmulator
from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Reading, Workload
from tests.fakes.clock import StoppedClock

API = Workload(namespace="shop", name="api")
POD = {"namespace": "shop", "pod": "api-7d9f8b6c5d-bcdfg"}
CPU, MEMORY = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
DAY = 86_400.0
NOW = StoppedClock().now().timestamp()
LEAKS = ("127.0.0.1", "10.20.30.40", "9090", "secret", "Traceback", "<", "http://")
"""What no message may hold."""


class Stage:
    """One server for all tests, because each start and stop takes 0.2 s; ``app`` is what it serves now."""

    def __init__(self) -> None:
        self.url = ""
        self.app: ASGIApp = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def staged(stage: Stage, emulator: PrometheusEmulator, **facts: Any) -> Iterator[PrometheusMetrics]:
    """The edge on this emulator; time stands still."""
    stage.app = emulator.app
    yield PrometheusMetrics(**{"url": stage.url, "clock": StoppedClock(), **facts})


def healthy(cpu: Curve = lambda _: 0.25, memory: Curve = lambda _: 1e8, **facts: Any) -> PrometheusEmulator:
    """Knows one pod of the workload."""
    newest = Line(POD, lambda at: at)
    return PrometheusEmulator(
        lines={f"rate({CPU}": [Line(POD, cpu)], f"max_over_time({MEMORY}": [Line(POD, memory)], "timestamp(": [newest]},
        **facts,
    )


def look(metrics: PrometheusMetrics, *workloads: Workload) -> Reading:
    """A day of the workload, or of others."""
    return metrics.observe(workloads or (API,), window=DAY, names=MetricNames(requests="http_requests_total"))


def said(reading: Reading) -> str:
    """All words of the findings; none of them a leak."""
    words = " ".join(f"{one.message} {one.remedy}" for one in reading.findings)
    assert not [leak for leak in LEAKS if leak in words.replace("https://prometheus.example.org", "")]
    assert all(len(one.message) < 500 for one in reading.findings)
    return words
