"""What the cluster itself says of pods in trouble: killed for memory, restarted, in a crash loop, without a node.

In: a kubeconfig, workloads. Out: ``Trouble`` values and findings for what could not be read. Never: an exception for
anything that the cluster does, a write, a word that the cluster chose, the name of a node or an address.

The logs of pods are not read: they hold whatever people's programs print, secrets included, and nothing in a plan needs
them. Where metrics are missing, statuses and events say enough. Events may be denied: they add only what the statuses
of pods that are gone no longer tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from kubernetes.client import ApiClient, Configuration, CoreV1Api

from bot.edges.capped import cap
from bot.edges.kubernetes import calls as api_calls
from bot.edges.kubernetes.calls import Calls, Row, Source
from bot.edges.kubernetes.demand import rows, size, table
from bot.edges.kubernetes.inventory import load
from bot.edges.kubernetes.reading import name_of, namespace_of, text
from bot.errors import Refused, Unavailable
from bot.model.evidence import Trouble, Workload
from bot.model.finding import Finding, Severity
from bot.model.quantity import Bytes
from bot.ports import Clock

Kind = Literal["oom-killed", "restarts", "crash-loop", "throttled", "unschedulable"]

TIMEOUT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
BUDGET_SECONDS: Final = 15.0
MAX_NAMESPACES: Final = 16
RECENT: Final = timedelta(days=14)
"""Older endings say nothing of today's requests; the window of sizing.md section 9."""
MANY_RESTARTS: Final = 3
_MOST: Final = 1_000_000
_SLUG: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_SIGNS: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' alphabet for generated names (apimachinery, util/rand)."""
_REPLICA_SET: Final = re.compile(rf"(?P<name>.+)-[{_SIGNS}]{{1,10}}", re.ASCII)
_POD: Final = (
    re.compile(rf"(?P<name>.+)-[{_SIGNS}]{{1,10}}-[{_SIGNS}]{{5}}", re.ASCII),
    re.compile(r"(?P<name>.+)-[0-9]{1,5}", re.ASCII),
)
_LACKS: Final = (
    ("insufficient cpu", "too little CPU is free"),
    ("insufficient memory", "too little memory is free"),
    ("too many pods", "the nodes hold all the pods they may"),
    ("taint", "the nodes have taints that it does not tolerate"),
    ("affinity", "no node matches its affinity or selector"),
    ("volume", "its volume cannot be had"),
)
_EVENTS: Final[dict[str, Kind]] = {
    "OOMKilling": "oom-killed",
    "BackOff": "crash-loop",
    "FailedScheduling": "unschedulable",
    "Evicted": "restarts",
}
_RESTARTING: Final = "back-off restarting"
"""BackOff is also said of images that cannot be pulled."""


@dataclass
class _Tally:
    """What is known of one kind of trouble of one workload. ``words`` end the sentence."""

    count: int = 0
    told: int = 0
    limit: Bytes | None = None
    words: dict[str, None] = field(default_factory=dict)


Tallies = dict[tuple[Workload, Kind], _Tally]


@dataclass(frozen=True)
class KubernetesTroubles:
    """The ``Troubles`` port. Seconds: ``timeout`` per connect and read, ``answer`` for one whole answer, ``budget`` for
    the whole look. Needs the right to list pods, and uses the one to list events where it is given.
    """

    kubeconfig: str = field(repr=False)
    clock: Clock = field(kw_only=True)
    timeout: float = field(default=TIMEOUT_SECONDS, kw_only=True)
    answer: float = field(default=ANSWER_SECONDS, kw_only=True)
    budget: float = field(default=BUDGET_SECONDS, kw_only=True)

    def troubles(self, workloads: tuple[Workload, ...]) -> tuple[tuple[Trouble, ...], tuple[Finding, ...]]:
        """Troubles of the last 14 days, at most one of each kind per workload. Never raises."""
        wanted = frozenset(item for item in workloads if _SLUG.fullmatch(item.name) and _SLUG.fullmatch(item.namespace))
        if not wanted:
            return (), ()
        try:
            configuration, _ = load(self.kubeconfig)
        except Refused as stop:
            return (), (_unread(stop.refusal.message, stop.refusal.remedy),)
        return self._look(wanted, configuration)

    def _look(
        self, wanted: frozenset[Workload], configuration: Configuration
    ) -> tuple[tuple[Trouble, ...], tuple[Finding, ...]]:
        now = self.clock.now()
        with ApiClient(configuration) as api:
            cap(api.rest_client.pool_manager, seconds=self.answer)
            calls = Calls(api=api, clock=self.clock, deadline=now.timestamp() + self.budget, timeout=self.timeout)
            visit = _Visit(calls, wanted, now)
            try:
                visit.look()
            except (Refused, Unavailable) as stop:
                visit.findings.append(_unread(stop.refusal.message, stop.refusal.remedy))
            finally:
                api.rest_client.pool_manager.clear()
        return visit.found(), tuple(dict.fromkeys(visit.findings))


def pods_of(namespace: str) -> Source:
    """The pods of a namespace, asked for with the right that the inventory has anyway."""
    return Source("pods", "", _all_pods, selector=f"metadata.namespace={namespace}")


def events_of(namespace: str) -> Source:
    """The warnings of a namespace."""
    return Source("events", "", _all_events, selector=f"metadata.namespace={namespace},type=Warning")


def _all_pods(api: ApiClient) -> Any:
    return CoreV1Api(api).list_pod_for_all_namespaces


def _all_events(api: ApiClient) -> Any:
    return CoreV1Api(api).list_event_for_all_namespaces


@dataclass
class _Visit:
    calls: Calls
    wanted: frozenset[Workload]
    now: datetime
    tallies: Tallies = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    placed: set[tuple[str, str]] = field(default_factory=set)

    def look(self) -> None:
        """Raises Refused or Unavailable; what was found until then stays."""
        for namespace in sorted({item.namespace for item in self.wanted})[:MAX_NAMESPACES]:
            self._namespace(namespace)

    def _namespace(self, namespace: str) -> None:
        for pod in self._rows(pods_of(namespace), "warn"):
            workload = _owner(pod, self.wanted)
            if workload is not None:
                self._pod(workload, pod)
        for event in self._rows(events_of(namespace), "note"):
            workload = _owner_of_event(event, self.wanted)
            if workload is not None:
                self._event(workload, event)

    def found(self) -> tuple[Trouble, ...]:
        ranked = sorted(self.tallies.items(), key=lambda one: (one[0][0].namespace, one[0][0].name, one[0][1]))
        return tuple(_trouble(workload, kind, tally) for (workload, kind), tally in ranked)

    def _rows(self, source: Source, severity: Severity) -> list[Row]:
        try:
            return self.calls.rows(source)
        except api_calls.Trouble as trouble:
            gap = trouble.missing
            message = f"The {gap.what} of Kubernetes were not read: {gap.reason}."
            self.findings.append(_unread(message, gap.remedy, severity=severity))
            return []

    def _pod(self, workload: Workload, pod: Row) -> None:
        limits = _limits(pod)
        if table(pod.get("spec")).get("nodeName"):
            self.placed.add((namespace_of(pod), name_of(pod)))
        for status in _statuses(pod):
            self._container(workload, status, limits.get(text(status.get("name"))))
        for condition in rows(table(pod.get("status")).get("conditions")):
            if (condition.get("type"), condition.get("status")) == ("PodScheduled", "False"):
                self._add(workload, "unschedulable", 1, why=_lack(condition.get("message")))

    def _container(self, workload: Workload, status: Mapping[str, Any], limit: Bytes | None) -> None:
        ended = [table(table(status.get(part)).get("terminated")) for part in ("lastState", "state")]
        recent = [end for end in ended if end and self._is_recent(end.get("finishedAt"))]
        if any(end.get("reason") == "OOMKilled" for end in recent):
            self._add(workload, "oom-killed", 1, limit=limit)
        restarts = _count(status.get("restartCount"))
        if restarts >= MANY_RESTARTS and (recent or not any(ended)):
            self._add(workload, "restarts", restarts)
        if table(table(status.get("state")).get("waiting")).get("reason") == "CrashLoopBackOff":
            self._add(workload, "crash-loop", 1)

    def _event(self, workload: Workload, event: Row) -> None:
        reason, message = text(event.get("reason")), str(event.get("message", ""))[:2_000].lower()
        kind = _EVENTS.get(reason)
        if kind is None or not self._is_recent(event.get("lastTimestamp") or event.get("eventTime")):
            return
        if (reason == "BackOff" and _RESTARTING not in message) or (kind == "unschedulable" and self._has_node(event)):
            return
        times = max(_count(event.get("count")), _count(table(event.get("series")).get("count")), 1)
        tally = self._tally(workload, kind)
        tally.told = min(_MOST, tally.told + times)
        why = _lack(message) if kind == "unschedulable" else "its node evicted it" if reason == "Evicted" else ""
        tally.words.update(dict.fromkeys(filter(None, [why])))

    def _has_node(self, event: Row) -> bool:
        """The scheduler found a node for this pod later."""
        what = table(event.get("involvedObject"))
        return (text(what.get("namespace")) or namespace_of(event), text(what.get("name"))) in self.placed

    def _add(self, workload: Workload, kind: Kind, count: int, *, limit: Bytes | None = None, why: str = "") -> None:
        tally = self._tally(workload, kind)
        tally.count = min(_MOST, tally.count + count)
        tally.limit = max(filter(None, (tally.limit, limit)), default=None)
        tally.words.update(dict.fromkeys(filter(None, [why])))

    def _tally(self, workload: Workload, kind: Kind) -> _Tally:
        return self.tallies.setdefault((workload, kind), _Tally())

    def _is_recent(self, moment: Any) -> bool:
        """True also where it does not say when."""
        try:
            found = datetime.fromisoformat(moment)
            return found > self.now - RECENT
        except (TypeError, ValueError):
            return True


def _owner(pod: Row, wanted: frozenset[Workload]) -> Workload | None:
    """By the owner that controls it, or by its name where none is stated."""
    owners = rows(table(pod.get("metadata")).get("ownerReferences"))
    named = list(_named_by(owners)) if owners else list(_named_like(name_of(pod)))
    return _first(namespace_of(pod), named, wanted)


def _owner_of_event(event: Row, wanted: frozenset[Workload]) -> Workload | None:
    what = table(event.get("involvedObject"))
    kind, name = text(what.get("kind")), text(what.get("name"))
    named = list(_named_like(name)) if kind == "Pod" else list(_named_by([{"kind": kind, "name": name}]))
    return _first(text(what.get("namespace")) or namespace_of(event), named, wanted)


def _first(namespace: str, names: Iterable[str], wanted: frozenset[Workload]) -> Workload | None:
    candidates = (Workload(namespace=namespace, name=name) for name in names)
    return next((item for item in candidates if item in wanted), None)


def _named_by(owners: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for owner in owners:
        name = text(owner.get("name"))
        if owner.get("kind") in {"StatefulSet", "Deployment"}:
            yield name
        match = _REPLICA_SET.fullmatch(name) if owner.get("kind") == "ReplicaSet" else None
        if match:
            yield match["name"]


def _named_like(pod: str) -> Iterator[str]:
    yield from (match["name"] for match in (pattern.fullmatch(pod) for pattern in _POD) if match)


def _limits(pod: Row) -> dict[str, Bytes | None]:
    spec = table(pod.get("spec"))
    containers = [*rows(spec.get("containers")), *rows(spec.get("initContainers"))]
    return {
        text(one.get("name")): size(table(table(one.get("resources")).get("limits")).get("memory"))
        for one in containers
    }


def _statuses(pod: Row) -> list[Mapping[str, Any]]:
    status = table(pod.get("status"))
    return [*rows(status.get("containerStatuses")), *rows(status.get("initContainerStatuses"))]


def _count(value: Any) -> int:
    return min(_MOST, value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _lack(message: Any) -> str:
    """Why the scheduler found no node, in our words."""
    said = message[:2_000].lower() if isinstance(message, str) else ""
    return "; ".join(words for needle, words in _LACKS if needle in said)


def _trouble(workload: Workload, kind: Kind, tally: _Tally) -> Trouble:
    """Statuses and events tell of the same things, so the larger count is taken and not their sum."""
    count = max(tally.count, tally.told, 1)
    why = f" ({'; '.join(tally.words)})" if tally.words else ""
    return Trouble(
        workload=workload,
        source_id=f"kubernetes:{workload.namespace}/{workload.name}",
        kind=kind,
        count=count,
        limit=tally.limit,
        text=f"{_sentence(kind, count, tally.limit)}{why}."[:300],
    )


def _sentence(kind: Kind, count: int, limit: Bytes | None) -> str:
    times = f"{count} times" if count > 1 else "once"
    if kind == "oom-killed":
        return f"Killed for using more memory than allowed, {times}{f', at a limit of {limit}' if limit else ''}"
    if kind == "crash-loop":
        return f"In a crash loop, seen {times}"
    if kind == "unschedulable":
        return f"The scheduler found no node, {times}"
    return f"Restarted or evicted {times}"


def _unread(message: str, remedy: str, *, severity: Severity = "warn") -> Finding:
    return Finding(rule="troubles-unread", severity=severity, message=message, remedy=remedy)
