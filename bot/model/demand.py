"""What the description asks for, typed: load, service level, tier, state, data, dependencies, special requirements.

In: phrases that were recognised. Out: ``Demand``. Never: a guessed number; what nobody stated is None.
"""

from __future__ import annotations

from typing import Literal

from bot.model.noun import Noun
from bot.model.profile import DependencyKind
from bot.model.quantity import Bytes

Criticality = Literal["dev", "standard", "high", "critical"]


class Phrase(Noun):
    """A phrase of the description that was understood. ``field`` is the ``Demand`` field it changed; None means
    understood but not acted on (``note`` says why).
    """

    text: str
    field: str | None
    value: str
    note: str = ""


class Wanted(Noun):
    """A dependency that the description names."""

    kind: DependencyKind
    phrase: str


class Settled(Noun):
    """An answer in square brackets at the end of a description, such as ``[qps=500]``: it beats every other reading."""

    key: Literal[
        "qps", "latency_ms", "criticality", "database", "state", "namespace", "cluster", "budget", "dockerfile"
    ]
    value: str

    @property
    def written(self) -> str:
        """``[qps=500]``, as it is typed."""
        return f"[{self.key}={self.value}]"


class Demand(Noun):
    """Typed demand. Rates are per second, latency in milliseconds, availability in per cent, sizes in bytes."""

    qps_peak: float | None = None
    qps_average: float | None = None
    users: int | None = None
    latency_ms: float | None = None
    latency_percentile: float | None = None
    availability_percent: float | None = None
    zero_downtime: bool = False
    criticality: Criticality | None = None
    shape: Literal["steady", "spike", "batch"] | None = None
    schedule: str | None = None
    growth: float | None = None
    reads_per_request: float | None = None
    writes_per_request: float | None = None
    read_write_mix: str | None = None
    payload: Bytes | None = None
    data: Bytes | None = None
    data_growth_per_month: Bytes | None = None
    memory_hint: Bytes | None = None
    stateful: bool | None = None
    strong_consistency: bool = False
    no_data_loss: bool = False
    session_affinity: bool = False
    failover: bool = False
    backup: bool = False
    gdpr: bool = False
    geo_redundancy: bool = False
    public: bool | None = None
    load_balanced: bool = False
    websocket: bool = False
    gpu: bool = False
    dependencies: tuple[Wanted, ...] = ()
    languages: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    replicas: int | None = None
    environment: str | None = None
    namespace: str | None = None
    cluster: str | None = None
    phrases: tuple[Phrase, ...] = ()
    not_acted_on: tuple[Phrase, ...] = ()
    unknown_numbers: tuple[str, ...] = ()
    settled: tuple[Settled, ...] = ()

    def answer(self, key: str) -> str | None:
        """What somebody settled, or None."""
        return next((entry.value for entry in self.settled if entry.key == key), None)
