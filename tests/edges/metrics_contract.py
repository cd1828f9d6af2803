"""What every source of measured use does, and every source of troubles: the fakes and the real edges alike."""

from __future__ import annotations

from typing import Protocol

from bot.counsel import Metrics, Troubles
from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Observed, Workload

DAY = 86_400.0
NAMES = MetricNames()
KNOWN = Workload(namespace="shop", name="api")
UNKNOWN = Workload(namespace="shop", name="nobody")


class MetricsWorld(Protocol):
    """A source that knows ``KNOWN`` and not ``UNKNOWN``."""

    metrics: Metrics


class MetricsContract:
    """Inherit, and give the fixture ``world``."""

    def test_a_known_workload_is_observed_with_its_source(self, world: MetricsWorld) -> None:
        reading = world.metrics.observe((KNOWN,), window=DAY, names=NAMES)
        assert [one.workload for one in reading.observed] == [KNOWN]
        _is_measured(reading.observed[0])
        assert reading.findings == ()

    def test_an_unknown_workload_is_absent_and_a_finding(self, world: MetricsWorld) -> None:
        reading = world.metrics.observe((UNKNOWN,), window=DAY, names=NAMES)
        assert reading.observed == ()
        assert any("shop/nobody" in finding.message for finding in reading.findings)

    def test_one_without_data_costs_the_others_nothing(self, world: MetricsWorld) -> None:
        reading = world.metrics.observe((UNKNOWN, KNOWN), window=DAY, names=NAMES)
        assert [one.workload for one in reading.observed] == [KNOWN]
        assert reading.observed == world.metrics.observe((KNOWN,), window=DAY, names=NAMES).observed

    def test_asked_twice_it_is_told_once(self, world: MetricsWorld) -> None:
        assert len(world.metrics.observe((KNOWN, KNOWN), window=DAY, names=NAMES).observed) == 1

    def test_nothing_asked_is_nothing_said(self, world: MetricsWorld) -> None:
        reading = world.metrics.observe((), window=DAY, names=NAMES)
        assert (reading.observed, reading.findings) == ((), ())


def _is_measured(observed: Observed) -> None:
    assert observed.source_id.endswith("shop/api")
    assert observed.window == DAY
    assert observed.points > 0
    assert observed.cpu_p95 is not None
    assert observed.memory_max is not None


class TroublesWorld(Protocol):
    """A cluster in which ``KNOWN`` was killed for memory and ``UNKNOWN`` is not."""

    source: Troubles


class TroublesContract:
    """Inherit, and give the fixture ``world``."""

    def test_a_workload_in_trouble_is_named_with_its_source(self, world: TroublesWorld) -> None:
        troubles, findings = world.source.troubles((KNOWN,))
        assert {one.workload for one in troubles} == {KNOWN}
        assert "oom-killed" in {one.kind for one in troubles}
        assert all(one.source_id.endswith("shop/api") and one.count > 0 and one.text for one in troubles)
        assert findings == ()

    def test_a_workload_without_trouble_is_silent(self, world: TroublesWorld) -> None:
        assert world.source.troubles((UNKNOWN,)) == ((), ())

    def test_nobody_asked_is_nobody_told(self, world: TroublesWorld) -> None:
        assert world.source.troubles(()) == ((), ())
