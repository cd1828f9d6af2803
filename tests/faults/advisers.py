"""Those whom a plan can do without: a Prometheus that has measured the supermarket, a model, and how they fail.

In: lines to them. Out: the desk of a command. Never: a number that changes from run to run, an import of the model edge.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Protocol

from bot.agents.desk import EMPTY, Desk
from bot.counsel import Counsel
from bot.edges.kubernetes.troubles import KubernetesTroubles
from bot.edges.library import FtsLibrary
from bot.edges.prometheus import PrometheusMetrics
from bot.emulators import prometheus as emulated
from bot.emulators.prometheus import Curve, PrometheusEmulator
from bot.model.consultation import Allowance
from bot.model.quantity import MIB
from bot.ports import Clock
from tests.faults.proxy import JSON, Dialect, Line

Adviser = Literal["prometheus", "model"]
Provider = Literal["google", "openai", "ollama"]
APP: Final = "supermarket-inventory"
PROMETHEUS_TOKEN: Final = "CANARY-prometheus-77d1-4e0b"
MODEL_KEY: Final = "sk-CANARY-model-0b7e4f1c-93d2"
PROMETHEUS: Final = Dialect(
    wrong=(b'{"status": "success", "data": {"resultType": "scalar", "result": 42}}', JSON),
    unauthorised=(b"Unauthorized at 10.20.30.40", {"WWW-Authenticate": "Basic"}),
    forbidden=(b"Forbidden at 10.20.30.40", {}),
)
MODEL: Final = Dialect(
    wrong=(b'{"surprise": 1}', JSON),
    unauthorised=(b'{"error": {"message": "no key at 10.20.30.40", "code": "invalid_api_key"}}', JSON),
    forbidden=(b'{"error": {"message": "not from 10.20.30.40", "code": "unsupported_country"}}', JSON),
    retry_after=7,
)
_SERVICES: Final = ("api", "web")
_CPU, _MEMORY = "rate(container_cpu_usage_seconds_total", "max_over_time(container_memory_working_set_bytes"


class Voice(Protocol):
    """A model: the address of its server, the edge to it over a line, and what one command may spend on it."""

    @property
    def url(self) -> str: ...

    @property
    def allowance(self) -> Allowance: ...

    def counsel(self, line: Line, clock: Clock) -> Counsel: ...


def measured() -> PrometheusEmulator:
    """One pod of each service, half a core and 200 MiB at any time; asks for the token."""
    lines = {_CPU: _each(lambda _: 0.5), _MEMORY: _each(lambda _: 200.0 * MIB), "timestamp(": _each(lambda at: at)}
    return PrometheusEmulator(lines=lines, authorization=f"Bearer {PROMETHEUS_TOKEN}")


def _each(curve: Curve) -> list[emulated.Line]:
    return [emulated.Line({"namespace": APP, "pod": f"{name}-7d9f8b6c5d-bcdfg"}, curve) for name in _SERVICES]


def desk(
    *,
    prometheus: Line | None,
    model: Line | None,
    voice: Voice | None,
    clock: Clock,
    kubeconfig: Path,
    library: FtsLibrary,
) -> Desk:
    """What the agents consult when there is a line to one of the advisers."""
    if prometheus is None and model is None:
        return EMPTY
    return Desk(
        counsel=voice.counsel(model, clock) if voice and model else None,
        library=library,
        metrics=_metrics(prometheus, clock) if prometheus else None,
        troubles=KubernetesTroubles(str(kubeconfig), clock=clock),
        allowance=voice.allowance if voice else EMPTY.allowance,
    )


def _metrics(line: Line, clock: Clock) -> PrometheusMetrics:
    timeout, answer = (0.5, 1.0) if line.hasty else (10.0, 30.0)
    return PrometheusMetrics(line.url, clock=clock, token=PROMETHEUS_TOKEN, timeout=timeout, answer=answer)
