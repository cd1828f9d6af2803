"""Step 1: the load that each service has to bear, and the service level it has to keep.

In: the description's ``Demand`` and each service's header. Out: one ``Load`` per service with its decisions. Never: an
invented rate; without a stated load the rate is None and the record says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bot.model.decision import Decision, Origin
from bot.model.demand import Demand
from bot.model.profile import Service
from bot.planning.record import Notes, figure, note, stated, warn

THINK_SECONDS: Final = 5.0
PEAK_TO_AVERAGE: Final = 3.0
DEFAULT_LATENCY_MS: Final = 200.0
NOT_STATED: Final = "load-not-stated"


@dataclass(frozen=True)
class Load:
    """What one service bears. ``peak`` in requests per second with growth (Qd), ``latency`` the p95 target in seconds,
    ``average_share`` the average over the peak.
    """

    peak: float | None
    average_share: float
    latency: float
    notes: Notes


@dataclass(frozen=True)
class _Rate:
    value: float
    origin: Origin
    why: str
    formula: str


def is_serving(service: Service) -> bool:
    """True for services that answer requests; workers and jobs pull their work instead."""
    return service.kind not in {"worker", "job"}


def load_of(service: Service, name: str, *, demand: Demand) -> Load:
    """Step 1 for one service. Q, else U/(think + latency), else 3 x the average; the header and the description are
    both the user's word, so the more demanding of the two stands.
    """
    latency_ms, latency_notes = _latency(service, name, demand=demand)
    rate, rate_notes = _rate(service, name, demand=demand, latency=latency_ms / 1000)
    share, share_notes = _average_share(name, demand, rate=rate)
    growth, growth_notes = _growth(name, demand)
    peak = None if rate is None else rate.value * (1 + growth)
    return Load(
        peak=peak,
        average_share=share,
        latency=latency_ms / 1000,
        notes=rate_notes + share_notes + growth_notes + latency_notes,
    )


def sized_by_use(load: Load, name: str) -> Load:
    """The same load where no rate is stated and measured use stands in its place: the record says so."""
    why = "no request rate is known; measured use stands in its place"
    decisions = tuple(
        entry.model_copy(update={"why": why}) if entry.path == f"services.{name}.qps" else entry
        for entry in load.notes.decisions
    )
    findings = tuple(entry for entry in load.notes.findings if entry.rule != NOT_STATED)
    said = note(
        "load-measured",
        f"No load was stated for service {name}: its size follows what it uses today.",
        remedy="State the peak in app_description if more is expected.",
    )
    return replace(load, notes=Notes(decisions, findings) + said)


def _rate(service: Service, name: str, *, demand: Demand, latency: float) -> tuple[_Rate | None, Notes]:
    if not is_serving(service):
        return None, _not_by_rate(service, name)
    described, declared = _described_rate(demand, latency=latency), _header_rate(service)
    both = [rate for rate in (described, declared) if rate is not None]
    if not both:
        return None, _no_load(name)
    chosen = max(both, key=lambda rate: rate.value)
    rejected = tuple(f"{figure(rate.value)} requests/s: {rate.why}" for rate in both if rate is not chosen)
    decision = Decision(
        path=f"services.{name}.qps",
        value=chosen.value,
        origin=chosen.origin,
        formula=chosen.formula,
        why=f"{chosen.why}; every request is assumed to reach this service once",
        source="sizing step 1",
        tag="user" if chosen.origin == "user" else "P",
        rejected=rejected,
    )
    return chosen, Notes(decisions=(decision,)) + _disagreement(name, described, declared)


def _described_rate(demand: Demand, *, latency: float) -> _Rate | None:
    if (peak := stated(demand.qps_peak)) is not None:
        return _Rate(peak, "user", "the description states the peak", f"Q = {figure(peak)}")
    if (average := stated(demand.qps_average)) is not None:
        formula = f"Q = {figure(PEAK_TO_AVERAGE)} * {figure(average)}"
        return _Rate(
            PEAK_TO_AVERAGE * average, "rule", "the description states an average; peak = 3 x average", formula
        )
    if (users := stated(demand.users)) is not None:
        formula = f"Q = U / (think + latency) = {figure(users)} / ({figure(THINK_SECONDS)} + {figure(latency)})"
        why = "the description states concurrent users, each assumed to think 5 s between requests"
        return _Rate(users / (THINK_SECONDS + latency), "rule", why, formula)
    return None


def _header_rate(service: Service) -> _Rate | None:
    rate = stated(service.header.expected_qps) if service.header is not None else None
    if rate is None:
        return None
    return _Rate(rate, "user", "the Dockerfile's header states expected_qps", f"Q = {figure(rate)}")


def _disagreement(name: str, described: _Rate | None, declared: _Rate | None) -> Notes:
    if described is None or declared is None or described.value == declared.value:
        return Notes()
    return warn(
        "load-conflict",
        f"Service {name}: the description means {figure(described.value)} requests/s, the Dockerfile's header "
        f"{figure(declared.value)}. The larger was taken.",
        remedy="Make the header's expected_qps and the description agree.",
    )


def _no_load(name: str) -> Notes:
    decision = Decision(
        path=f"services.{name}.qps",
        value=None,
        origin="rule",
        why="no load was stated, and none is invented: "
        "the service gets the smallest size of its tier and the autoscaler finds the rest",
        source="sizing step 1",
        tag="P",
    )
    finding = warn(
        NOT_STATED,
        f"No load was stated for service {name}, so its size is the floor of its tier, not a prediction.",
        remedy="State the peak, for example `2000 QPS peak` in app_description, or `expected_qps:` in the Dockerfile.",
    )
    return Notes(decisions=(decision,)) + finding


def _not_by_rate(service: Service, name: str) -> Notes:
    decision = Decision(
        path=f"services.{name}.qps",
        value=None,
        origin="rule",
        tag="read",
        source="survey",
        why=f"a {service.kind} answers no requests: it gets the floor, no Service and no scaling on rate",
    )
    notes = Notes(decisions=(decision,))
    if service.kind == "job":
        notes += warn(
            "job-as-deployment",
            f"Service {name} looks like a job that ends; a Deployment would start it again each time.",
            remedy="Run it as a Job or CronJob of your own, or leave it out of this pull request.",
        )
    return notes


def _average_share(name: str, demand: Demand, *, rate: _Rate | None) -> tuple[float, Notes]:
    average = stated(demand.qps_average)
    if rate is None:
        return 1 / PEAK_TO_AVERAGE, Notes()
    if average is not None and demand.qps_peak is not None and average <= rate.value:
        share, why, origin = average / rate.value, "both the average and the peak are stated", "user"
    else:
        share, why, origin = 1 / PEAK_TO_AVERAGE, "peak = 3 x average where nobody says otherwise", "rule"
    return share, Notes(
        decisions=(
            Decision(
                path=f"services.{name}.average_share",
                value=round(share, 4),
                why=why,
                source="sizing step 1",
                origin="user" if origin == "user" else "rule",
                tag="user" if origin == "user" else "P",
            ),
        )
    )


def _growth(name: str, demand: Demand) -> tuple[float, Notes]:
    growth = stated(demand.growth)
    if growth is None:
        return 0.0, Notes()
    decision = Decision(
        path=f"services.{name}.growth",
        value=growth,
        origin="user",
        why="the description states it",
        source="sizing step 1",
        formula=f"Qd = Q * (1 + {figure(growth)})",
        tag="user",
    )
    return growth, Notes(decisions=(decision,))


def _latency(service: Service, name: str, *, demand: Demand) -> tuple[float, Notes]:
    described = stated(demand.latency_ms)
    declared = stated(service.header.sla_latency_ms) if service.header is not None else None
    both = [value for value in (described, declared) if value is not None]
    target = min(both, default=DEFAULT_LATENCY_MS)
    percentile = demand.latency_percentile
    strict = described is not None and percentile is not None and percentile > 95
    why = "the usual target where nobody states one" if not both else "the stated target"
    if strict:
        why += f"; p{figure(percentile or 0)} was asked, and the p95 prediction is held to the same number"
    decision = Decision(
        path=f"services.{name}.latency_target_ms",
        value=target,
        origin="user" if both else "rule",
        why=why,
        source="app_description or Dockerfile header" if both else "sizing, what is not stated",
        tag="user" if both else "P",
        rejected=tuple(f"{figure(value)} ms" for value in both if value != target),
    )
    return target, Notes(decisions=(decision,)) + _latency_disagreement(name, both)


def _latency_disagreement(name: str, both: list[float]) -> Notes:
    if len(set(both)) < 2:
        return Notes()
    return note(
        "latency-conflict",
        f"Service {name}: two latency targets are stated, {figure(both[0])} ms and {figure(both[1])} ms. The stricter "
        "was taken.",
        remedy="Make the header's sla_latency_ms and the description agree.",
    )
