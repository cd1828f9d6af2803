"""Step 10, first values: how big a relational database is, how many instances, which settings.

In: services that use it, demand, policy. Out: ``DatabaseSize`` with decisions. Never: a node or an address (that is
placement), a StatefulSet.

Sources: read and write rates from Azure/AzurePublicDataset ``vm-noise-data`` [M] with priors for ordinary use [P];
settings from postgresql.org and le0pard/pgtune@7caef27; connections from the HikariCP formula; MySQL from
dev.mysql.com (innodb-dedicated-server).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.model.decision import Decision
from bot.model.demand import Criticality, Demand
from bot.model.noun import JsonValue
from bot.model.profile import DependencyKind
from bot.model.quantity import Bytes
from bot.planning.record import Notes, ceiling, figure, first_value, note, warn
from bot.planning.service import SizedService

READS_PER_CORE: Final = 32_000 * 0.10
WRITES_PER_CORE: Final = 1_200 * 0.30
DISK_BOUND_READS: Final = 1_300.0
FULL: Final = 0.70
CORES: Final = (1, 2, 4, 8, 16, 32)
GIB_PER_CORE: Final = 4
HOT_SHARE: Final = 0.20
ASSUMED_DATA: Final = Bytes.of_gib(10)
SEED_CONNECTIONS: Final = 100
INSTANCES: Final[dict[Criticality, int]] = {"dev": 1, "standard": 1, "high": 2, "critical": 3}
_SOURCE: Final = "sizing step 10 (first value)"


@dataclass(frozen=True)
class DatabaseSize:
    """One kind of database: every instance has the same size. ``pool`` is connections per pod."""

    kind: DependencyKind
    instances: int
    cores: int
    memory: Bytes
    data_disk: Bytes
    pool: int
    max_connections: int
    settings: dict[str, str]
    notes: Notes


def size_database(
    kind: DependencyKind, *, users: Sequence[SizedService], demand: Demand, tier: Criticality, memory_cap: Bytes | None
) -> DatabaseSize:
    """CPU from reads and writes, memory from CPU and hot data, disk from data in a year, connections from all pods.

    ``memory_cap`` is the most memory that a node (or policy) can give one guest, None when unknown.
    """
    data = _data_in_a_year(demand)
    hot = 1.33 * HOT_SHARE * data.gib
    disk_bound = memory_cap is not None and demand.data is not None and hot > memory_cap.gib
    cores, cpu_notes = _cores(kind, users, disk_bound=disk_bound)
    memory, memory_notes = _memory(kind, cores, hot=hot, cap=memory_cap if disk_bound else None)
    pool, connections, connection_notes = _connections(kind, cores, users=users)
    instances, instance_note = _instances(kind, tier, demand=demand)
    disk, disk_notes = _disk(kind, data)
    return DatabaseSize(
        kind=kind,
        instances=instances,
        cores=cores,
        memory=memory,
        data_disk=disk,
        pool=pool,
        max_connections=connections,
        settings=settings(kind, cores=cores, gib=int(memory.gib), connections=connections),
        notes=cpu_notes
        + memory_notes
        + connection_notes
        + Notes(decisions=(instance_note,))
        + disk_notes
        + _about_data(kind, demand, disk_bound=disk_bound),
    )


def _memory(kind: str, cores: int, *, hot: float, cap: Bytes | None) -> tuple[Bytes, Notes]:
    """``hot`` in GiB, a third included. ``cap`` is set when the hot data does not fit any node."""
    gib = max(GIB_PER_CORE * cores, ceiling(hot))
    formula = f"max({GIB_PER_CORE} GiB * {cores}, 1.33 * hot data = {figure(hot)} GiB)"
    if cap is not None:
        gib = max(GIB_PER_CORE, math.floor(cap.gib))
        formula += f", capped by the freest node at {gib} GiB"
    memory = Bytes.of_gib(gib)
    why = f"4 GiB per vCPU, or a third more than the hot data, taken as {HOT_SHARE:.0%} of all data"
    return memory, Notes(decisions=(_decided(kind, "memory", memory.to_k8s(), why=why, formula=formula),))


def _connections(kind: str, cores: int, *, users: Sequence[SizedService]) -> tuple[int, int, Notes]:
    """Connections per pod and the server's maximum, seeded once with 100."""
    pods = max(1, sum(sized.plan.hpa.max if sized.plan.hpa else sized.plan.replicas for sized in users))
    pool = max(2, math.floor(0.8 * SEED_CONNECTIONS / pods))
    most = max(SEED_CONNECTIONS, ceiling(1.2 * pool * pods) + 10)
    rows = (
        ("active_connections", 2 * cores + 1, "connections that work at once, behind a pooler", f"2*{cores} + 1"),
        ("pool_per_pod", pool, "connections each pod may hold", f"max(2, floor(0.8*{SEED_CONNECTIONS}/{pods}))"),
        (
            "max_connections",
            most,
            "all pods at the autoscaler's maximum, a fifth more, ten spare",
            f"max({SEED_CONNECTIONS}, ceil(1.2*{pool}*{pods}) + 10)",
        ),
    )
    notes = Notes(
        decisions=tuple(_decided(kind, what, value, why=why, formula=text) for what, value, why, text in rows)
    )
    return pool, most, notes


def _disk(kind: str, data: Bytes) -> tuple[Bytes, Notes]:
    disk = Bytes.of_gib(ceiling(1.3 * (2 * data.gib + 8)))
    why = "data, indexes and bloat, write-ahead log, a third spare; plan for 3000 IOPS or more, alert at 70 %"
    formula = f"1.3 * (2*{figure(data.gib)} + 8) GiB"
    return disk, Notes(decisions=(_decided(kind, "data_disk", disk.to_k8s(), why=why, formula=formula),))


def _decided(kind: str, what: str, value: JsonValue, *, why: str, formula: str) -> Decision:
    return first_value(f"databases.{kind}.{what}", value, why=why, source=_SOURCE, formula=formula)


def _data_in_a_year(demand: Demand) -> Bytes:
    data = demand.data if demand.data is not None and demand.data > 0 else ASSUMED_DATA
    return Bytes(data + 12 * (demand.data_growth_per_month or 0))


def _cores(kind: str, users: Sequence[SizedService], *, disk_bound: bool) -> tuple[int, Notes]:
    loads = [(sized.peak, sized.work) for sized in users if sized.peak is not None]
    if not loads:
        decision = _decided(kind, "cores", CORES[0], why="no load was stated: the smallest size", formula="floor")
        return CORES[0], Notes(decisions=(decision,))
    reads = sum(peak * work.reads for peak, work in loads)
    writes = sum(peak * work.writes for peak, work in loads)
    per_core = DISK_BOUND_READS if disk_bound else READS_PER_CORE
    busy = reads / per_core + writes / WRITES_PER_CORE
    cores = next((count for count in CORES if busy / count <= FULL), CORES[-1])
    decision = _decided(
        kind,
        "cores",
        cores,
        why=f"the smallest of {', '.join(map(str, CORES))} vCPU that stays below 70 %",
        formula=f"C_db = {figure(reads)}/{figure(per_core)} + {figure(writes)}/{figure(WRITES_PER_CORE)} = "
        f"{figure(busy)}; "
        f"{figure(busy)}/{cores} = {100 * busy / cores:.1f} %",
    )
    smaller = tuple(f"{count} vCPU: {100 * busy / count:.1f} % full" for count in reversed(CORES) if count < cores)[:1]
    decision = decision.model_copy(update={"rejected": smaller})
    return cores, Notes(decisions=(decision,)) + (_too_big(kind, busy) if busy / cores > FULL else Notes())


def _too_big(kind: str, busy: float) -> Notes:
    return warn(
        "database-overloaded",
        f"{kind} would need {figure(busy)} busy cores; the largest single machine planned has {CORES[-1]} vCPU.",
        remedy="Add a cache or read replicas, shard, or state fewer reads and writes per request.",
    )


def _instances(kind: str, tier: Criticality, *, demand: Demand) -> tuple[int, Decision]:
    count, why = INSTANCES[tier], f"tier {tier}"
    if count == 1:
        why += ", beside a backup"
    if count < 2 and (demand.no_data_loss or demand.failover):
        count, why = 2, "no data loss or failover needs a second, synchronous copy"
    return count, _decided(kind, "instances", count, why=why, formula="standard 1, high 2, critical 3")


def _about_data(kind: str, demand: Demand, *, disk_bound: bool) -> Notes:
    notes = Notes()
    if demand.data is None:
        notes += note(
            "data-size-assumed",
            f"Nobody stated how much data {kind} holds: {ASSUMED_DATA} were taken.",
            remedy="State it, for example `50 GB data`.",
        )
    if disk_bound:
        notes += warn(
            "database-disk-bound",
            f"The hot data of {kind} does not fit the memory of any node: reads were planned at disk speed.",
            remedy="Add memory to a node, or use fast local disks.",
        )
    return notes


def settings(kind: DependencyKind, *, cores: int, gib: int, connections: int) -> dict[str, str]:
    """Engine parameters for a machine with ``cores`` vCPU and ``gib`` GiB (pgtune's rules for PostgreSQL)."""
    match kind:
        case "postgresql":
            return _postgresql(cores=cores, gib=gib, connections=connections)
        case "mysql" | "mariadb":
            return {"innodb_buffer_pool_size": f"{gib * 1024 * 3 // 4}M", "max_connections": str(connections)}
        case "mssql":
            return {"max server memory (MB)": str(gib * 1024 * 3 // 4)}
        case _:
            return {}


def _postgresql(*, cores: int, gib: int, connections: int) -> dict[str, str]:
    shared = gib * 1024 // 4
    work = max(4, (gib * 1024 - shared) // ((connections + cores) * 3))
    return {
        "shared_buffers": _megabytes(shared),
        "effective_cache_size": _megabytes(gib * 1024 * 3 // 4),
        "maintenance_work_mem": _megabytes(min(8 * 1024, gib * 1024 // 16)),
        "work_mem": _megabytes(work),
        "wal_buffers": _megabytes(min(16, shared * 3 // 100)),
        "max_wal_size": "4GB",
        "max_connections": str(connections),
        "max_worker_processes": str(max(8, cores)),
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
    }


def _megabytes(value: int) -> str:
    """PostgreSQL's units are powers of two: whole GB where it divides."""
    return f"{value // 1024}GB" if value >= 1024 and value % 1024 == 0 else f"{value}MB"
