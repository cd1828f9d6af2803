"""One look at the measured use of some workloads.

In: an address, a clock, workloads. Out: a ``Reading``. Never: an exception for anything that the address, the server or
the labels do; more than 24 queries with one retry each; a query begun after the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bot.edges.prometheus import series
from bot.edges.prometheus.address import parse_address, parse_credential
from bot.edges.prometheus.calls import Calls
from bot.edges.prometheus.measured import Measured
from bot.edges.prometheus.questions import Grid, Questions, coarse, grid, is_plain, recent
from bot.edges.prometheus.series import MOST_BYTES, MOST_CORES, MOST_COUNT, Pods
from bot.edges.prometheus.trouble import EMPTY, STALE, UNREAD, WARNED, Trouble, unread
from bot.model.config import Metrics as MetricNames
from bot.model.evidence import Observed, Reading, Workload
from bot.model.finding import Finding
from bot.ports import Clock

TIMEOUT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 8.0
BUDGET_SECONDS: Final = 12.0
BATCH: Final = 16
MAX_WORKLOADS: Final = 64
STALE_SECONDS: Final = 600.0
OLD_SECONDS: Final = 3_600.0
_NAMED: Final = 5


@dataclass(frozen=True)
class PrometheusMetrics:
    """The ``Metrics`` port. ``token`` is a bearer token or ``user:password``; ``verify`` a file of authorities, or
    False for none, which nobody should want.

    Seconds: ``timeout`` per connect and read, ``answer`` for one whole answer, ``budget`` for the moment after which no
    query begins; so one look ends within ``budget + answer``, by default 20.
    """

    url: str = field(repr=False)
    clock: Clock = field(kw_only=True)
    token: str | None = field(default=None, kw_only=True, repr=False)
    verify: bool | str = field(default=True, kw_only=True)
    timeout: float = field(default=TIMEOUT_SECONDS, kw_only=True)
    answer: float = field(default=ANSWER_SECONDS, kw_only=True)
    budget: float = field(default=BUDGET_SECONDS, kw_only=True)

    def observe(self, workloads: tuple[Workload, ...], *, window: float, names: MetricNames) -> Reading:
        """Use over the last ``window`` seconds (at most 14 days) in steps of at most five minutes. Never raises.

        ``peak_rate`` is the highest mean over five minutes. Samples older than an hour are no data.
        """
        wanted = tuple(dict.fromkeys(filter(is_plain, workloads)))[:MAX_WORKLOADS]
        findings = list(_left_out(len(set(workloads)) - len(wanted)))
        if not wanted:
            return Reading(findings=tuple(findings))
        try:
            address = parse_address(self.url, secret=self.token is not None)
            credential = parse_credential(self.token)
        except Trouble as trouble:
            return Reading(findings=(*findings, trouble.finding()))
        with Calls(
            address,
            credential,
            clock=self.clock,
            verify=self.verify,
            timeout=self.timeout,
            answer=self.answer,
            budget=self.budget,
        ) as calls:
            visit = _Visit(calls, grid(self.clock.now().timestamp(), window), names, findings)
            return visit.reading(wanted)


@dataclass
class _Visit:
    """``read`` counts the queries that were answered; ``stopped``: the next one would fare no better; ``unsure``: what
    is empty here may not be empty in Prometheus.
    """

    calls: Calls
    grid: Grid
    names: MetricNames
    findings: list[Finding]
    read: int = 0
    stopped: bool = False
    unsure: bool = False

    def reading(self, wanted: tuple[Workload, ...]) -> Reading:
        observed: list[Observed] = []
        for start in range(0, len(wanted), BATCH):
            if not self.stopped:
                observed += self._sorted_out(self._batch(wanted[start : start + BATCH]))
        return Reading(observed=tuple(observed), findings=tuple(dict.fromkeys(self.findings)))

    def _batch(self, batch: tuple[Workload, ...]) -> dict[Workload, Measured]:
        ask, lost = Questions(batch), len(self.findings)
        cpu = self._pods("CPU use", ask.cpu(), batch, MOST_CORES)
        memory = self._pods("memory use", ask.memory(), batch, MOST_BYTES)
        self.unsure = any(one.rule == UNREAD for one in self.findings[lost:])
        newest = self._pods("age of its samples", ask.newest(), batch, MOST_COUNT, recent(self.grid))
        restarts = self._pods("restarts", ask.restarts(), batch, MOST_COUNT)
        throttled, periods = self._throttling(ask, batch)
        requests = self._requests(ask, batch)
        return {
            item: Measured(
                cpu=cpu.get(item, {}),
                memory=memory.get(item, {}),
                newest=newest.get(item, {}),
                restarts=restarts.get(item, {}),
                throttled=throttled.get(item, {}),
                periods=periods.get(item, {}),
                requests=requests.get(item, {}),
            )
            for item in batch
        }

    def _sorted_out(self, measured: dict[Workload, Measured]) -> list[Observed]:
        """The numbers of what has fresh data."""
        empty = [item for item, one in measured.items() if one.empty]
        ages = {item: one.age(self.grid) for item, one in measured.items() if not one.empty}
        old = [item for item, age in ages.items() if age > OLD_SECONDS]
        stale = [item for item, age in ages.items() if STALE_SECONDS < age <= OLD_SECONDS]
        if empty and not self.unsure:
            self.findings.append(_empty(empty))
        if old:
            self.findings.append(_stale(old, "more than an hour old and were not used"))
        if stale:
            minutes = max(ages[item] for item in stale) / 60
            self.findings.append(_stale(stale, f"up to {minutes:.0f} minutes old"))
        return [measured[item].observed(item, self.grid) for item in ages if item not in old]

    def _pods(
        self, what: str, query: str, batch: tuple[Workload, ...], most: float, moments: Grid | None = None
    ) -> dict[Workload, Pods]:
        found = self._rows(what, query, moments or self.grid)
        return series.by_pod(found, batch, moments or self.grid, most=most)

    def _throttling(
        self, ask: Questions, batch: tuple[Workload, ...]
    ) -> tuple[dict[Workload, Pods], dict[Workload, Pods]]:
        hours = coarse(self.grid)
        rows = self._rows("throttling", ask.throttling(hours.step), hours)
        parts = (series.only(rows, "part", part) for part in ("throttled", "all"))
        throttled, periods = (series.by_pod(part, batch, hours, most=MOST_COUNT) for part in parts)
        return throttled, periods

    def _requests(self, ask: Questions, batch: tuple[Workload, ...]) -> dict[Workload, series.Points]:
        query = ask.requests(self.names)
        rows = self._rows("request rates", query, self.grid) if query else []
        return series.by_label(rows, batch, self.grid, label=self.names.workload_label, most=MOST_COUNT)

    def _rows(self, what: str, query: str, moments: Grid) -> list[Any]:
        """The rows of a query; none, and a finding, where it failed."""
        if self.stopped:
            return []
        try:
            answer = self.calls.range(query, moments)
        except Trouble as trouble:
            self.stopped = trouble.fatal
            whole = "measured use" if not self.read else f"{what} and nothing after it"
            self.findings.append(trouble.finding(whole if trouble.fatal else what))
            return []
        self.read += 1
        self.findings.extend(_warned(words) for words in answer.warnings)
        return answer.rows


def _left_out(count: int) -> Iterator[Finding]:
    if count:
        message = (
            f"{count} workloads were left out of the measured use: their names are no slugs, or there are too many."
        )
        remedy = f"Names are lower-case letters, digits and dashes; {MAX_WORKLOADS} workloads are measured at once."
        yield unread(message, remedy)


def _named(workloads: Iterable[Workload]) -> str:
    names = [f"{item.namespace}/{item.name}" for item in workloads]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _empty(workloads: list[Workload]) -> Finding:
    return unread(
        f"Prometheus holds no samples of {_named(workloads)} in the window.",
        "Nothing for a new application; else check that cAdvisor is scraped and carries the labels namespace and pod.",
        severity="note",
        rule=EMPTY,
    )


def _stale(workloads: list[Workload], how: str) -> Finding:
    return unread(
        f"The newest samples of {_named(workloads)} in Prometheus are {how}.",
        "Check that its pods run and that the targets of Prometheus are up.",
        rule=STALE,
    )


def _warned(words: str) -> Finding:
    return unread(
        f"Prometheus warns, so numbers may be incomplete: {words}.",
        "Look at the same query in the web page of Prometheus.",
        rule=WARNED,
    )
