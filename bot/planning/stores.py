"""Step 11, first values: caches, document stores, brokers, search; and every store that this plan does not build.

In: what the services use and the load. Out: decisions with a first size, and a plain statement of what is expected.
Never: a StatefulSet that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.noun import JsonValue
from bot.model.profile import RELATIONAL, DependencyKind
from bot.model.quantity import Bytes
from bot.planning.record import Notes, ceiling, figure, first_value, join, note
from bot.planning.service import SizedService

REDIS_OPS_PER_CORE: Final = 100_000.0
REDIS_SHARE: Final = 0.75
_SOURCE: Final = "sizing step 11 (first value)"
_OWN_FILES: Final = frozenset({"sqlite"})


def in_use(services: Sequence[SizedService], demand: Demand) -> tuple[DependencyKind, ...]:
    """Stores and brokers that code, compose or the description use, sorted; SQLite is a file of the service itself."""
    seen = {need.kind for sized in services for need in sized.service.dependencies if need.in_use}
    return tuple(sorted((seen | {wanted.kind for wanted in demand.dependencies}) - _OWN_FILES))


def users_of(kind: DependencyKind, services: Sequence[SizedService]) -> tuple[SizedService, ...]:
    """The services that use a store; when only the description names it, every one that reads a database."""
    users = tuple(
        sized for sized in services if any(need.kind == kind and need.in_use for need in sized.service.dependencies)
    )
    return users or tuple(sized for sized in services if sized.work.kind == "database")


def expect_stores(kinds: Sequence[DependencyKind], *, services: Sequence[SizedService], demand: Demand) -> Notes:
    """What must exist before the application starts, with a first size where step 11 has one."""
    return join(_expected(kind, services=services, demand=demand) for kind in kinds)


def _expected(kind: DependencyKind, *, services: Sequence[SizedService], demand: Demand) -> Notes:
    names = ", ".join(sized.plan.name for sized in users_of(kind, services)) or "the application"
    remedy = "Put its address and credentials into the Secret that the service reads; this plan builds none."
    if kind in RELATIONAL:
        remedy += " State `strong consistency` or `no data loss` to get a placed machine with its own data disk."
    finding = note("store-expected", f"{kind} is expected to exist: {names} connects to it.", remedy=remedy)
    stored = Decision(
        path=f"dependencies.{kind}",
        value="expected",
        origin="rule",
        tag="read",
        source="survey or app_description",
        why="in use, and nothing in the description asks for a machine of its own: connected by secret",
    )
    return Notes(decisions=(stored, *_first_values(kind, services, demand))) + finding


def _first_values(kind: DependencyKind, services: Sequence[SizedService], demand: Demand) -> tuple[Decision, ...]:
    match kind:
        case "redis" | "valkey" | "memcached":
            return _cache(kind, services, demand)
        case "mongodb":
            return _mongodb(demand)
        case "kafka":
            return (
                _decided(kind, "brokers", 3, why="the least that keeps a quorum"),
                _decided(
                    kind, "size", "8 CPU, 20Gi each", why="the small production size; heap at most 6 GB or a quarter"
                ),
            )
        case "rabbitmq":
            return (_decided(kind, "nodes", 3, why="quorum queues on durable disks; memory = backlog / 0.6"),)
        case "elasticsearch" | "opensearch":
            return (_decided(kind, "heap", "half of RAM, at most 26GB", why="compressed object pointers, Xms = Xmx"),)
        case _:
            return ()


def _cache(kind: DependencyKind, services: Sequence[SizedService], demand: Demand) -> tuple[Decision, ...]:
    peaks = [sized.peak * (sized.work.reads + sized.work.writes) for sized in users_of(kind, services) if sized.peak]
    cores = max(1, ceiling(sum(peaks) / REDIS_OPS_PER_CORE))
    rows = [
        _decided(
            kind,
            "cpu",
            cores,
            why="one vCPU per 100,000 operations/s",
            formula=f"max(1, ceil({figure(sum(peaks))}/{figure(REDIS_OPS_PER_CORE)}))",
        ),
    ]
    if demand.data is not None and not _has_database(services, demand):
        size = Bytes.of_mib(ceiling(demand.data.mib / REDIS_SHARE))
        rows.append(_decided(kind, "memory", size.to_k8s(), why="maxmemory is three quarters of the limit",
                             formula=f"{demand.data} / {REDIS_SHARE}"))  # fmt: skip
    return tuple(rows)


def _has_database(services: Sequence[SizedService], demand: Demand) -> bool:
    return any(kind in RELATIONAL or kind == "mongodb" for kind in in_use(services, demand))


def _mongodb(demand: Demand) -> tuple[Decision, ...]:
    if demand.data is None:
        return ()
    size = Bytes.of_gib(ceiling(2 * 0.2 * demand.data.gib + 1))
    return (_decided("mongodb", "memory", size.to_k8s(), why="twice the hot fifth of the data and 1 GiB"),)


def _decided(kind: str, what: str, value: JsonValue, *, why: str, formula: str | None = None) -> Decision:
    return first_value(f"dependencies.{kind}.{what}", value, why=why, source=_SOURCE, formula=formula)
