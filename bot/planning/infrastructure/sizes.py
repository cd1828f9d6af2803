"""How big a machine is where nobody said: one table of first values, and PostgreSQL's memory rules for connections.

In: a machine's wish. Out: ``Size`` with a record for every number. Never: a stated number changed in silence.

Sources: the table holds priors [P] to be replaced by measurements; databases follow sizing steps 1, 10 and 11 and
pgtune@7caef27: RAM per connection 10 MB at most (postgresql.eu session 6297), a quarter of RAM for shared_buffers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.model.config import Limits
from bot.model.decision import Decision, Origin, Tag
from bot.model.demand import Demand
from bot.model.noun import JsonValue
from bot.model.profile import RELATIONAL, DependencyKind
from bot.model.quantity import Bytes
from bot.model.wishes import MachineRole, MachineWish
from bot.planning.database import CORES, FULL, READS_PER_CORE, WRITES_PER_CORE, settings, size_database
from bot.planning.record import Notes, ceiling, figure, warn


@dataclass(frozen=True)
class First:
    """A first value: vCPU, GiB of memory, GiB of system disk, and the reason."""

    cores: int
    gib: int
    disk_gib: int
    why: str


FIRST: Final[Mapping[MachineRole, First]] = {
    "server": First(2, 4, 32, "an ordinary Linux server of which nothing else is known"),
    "web": First(2, 4, 32, "a web server: nginx serves tens of thousands of small files per core (sizing 3)"),
    "load-balancer": First(2, 2, 20, "a balancer holds no state: cores = rate / (40,000 * 0.3) (sizing step 11)"),
    "database": First(2, 8, 20, "a database server: 4 GiB per vCPU (sizing step 10)"),
    "development": First(4, 8, 64, "a person builds and tests here: several processes and their images"),
    "kubernetes-control-plane": First(2, 4, 40, "API server, etcd and controllers of a small cluster"),
    "kubernetes-worker": First(2, 4, 40, "kubelet, container images and some pods"),
}
CONTAINER: Final = First(1, 1, 8, "a container shares the host's kernel: half of a machine's first value, disk 8 GiB")

THINK_SECONDS: Final = 5.0
LATENCY_SECONDS: Final = 0.2
READS: Final = 3.0
WRITES: Final = 0.2
MIB_PER_CONNECTION: Final = 20
"""10 MB each, and connections get at most half of RAM: a quarter is shared_buffers, a quarter the page cache."""
GIB_PER_CORE: Final = 4
MOST_GIB_PER_CORE: Final = 8
LEAST_CORES: Final = 2


@dataclass(frozen=True)
class Row:
    """One decided number of a size."""

    what: str
    value: JsonValue
    why: str
    source: str
    formula: str | None = None
    tag: Tag = "P"
    origin: Origin = "rule"


@dataclass(frozen=True)
class Size:
    """What a machine is made of. ``guessed``: cores or memory rest on a first value."""

    cores: int
    memory: Bytes
    disk: Bytes
    data_disks: tuple[Bytes, ...]
    settings: Mapping[str, str]
    rows: tuple[Row, ...]
    guessed: bool
    notes: Notes

    def decisions(self, name: str) -> tuple[Decision, ...]:
        """The records under ``machines.<name>``."""
        return tuple(
            Decision(
                path=f"machines.{name}.{row.what}",
                value=row.value,
                origin=row.origin,
                why=row.why,
                source=row.source,
                formula=row.formula,
                tag=row.tag,
            )
            for row in self.rows
        )


def size_of(wish: MachineWish, *, limits: Limits) -> Size:
    """Cores, memory and disks: what was stated, else the table, else the rules of a database."""
    base = _database(wish) if wish.role == "database" else _by_table(wish)
    cores = _stated("cores", wish.cores) or _within(base["cores"], limits)
    memory = _stated("memory", wish.memory) or _within(base["memory"], limits)
    disk = _stated("disk", wish.disk) or base["disk"]
    data, data_rows = _data_disks(wish)
    count, size = int(str(cores.value)), Bytes.parse(str(memory.value))
    values, value_rows = _settings(wish, cores=count, memory=size)
    extra = tuple(row for key, row in base.items() if key not in {"cores", "memory", "disk"})
    return Size(
        cores=count,
        memory=size,
        disk=Bytes.parse(str(disk.value)),
        data_disks=data,
        settings=values,
        rows=(cores, memory, disk, *data_rows, *extra, *value_rows),
        guessed=wish.cores is None or wish.memory is None,
        notes=_tight(wish, size),
    )


def _stated(what: str, value: int | Bytes | None) -> Row | None:
    if value is None:
        return None
    shown: JsonValue = value.to_k8s() if isinstance(value, Bytes) else value
    return Row(what, shown, "the request states it", "the request", tag="user", origin="user")


def _within(row: Row, limits: Limits) -> Row:
    """A first value never goes beyond the policy; a stated number does, and is refused."""
    if row.what == "cores" and int(str(row.value)) > limits.max_cores_per_machine:
        most: JsonValue = limits.max_cores_per_machine
        bound = "limits.max_cores_per_machine"
    elif row.what == "memory" and Bytes.parse(str(row.value)) > limits.max_memory_per_machine:
        most, bound = limits.max_memory_per_machine.to_k8s(), "limits.max_memory_per_machine"
    else:
        return row
    return Row(row.what, most, f"{row.why}; {bound} permits no more", row.source, formula=f"min({row.value}, {most})")


def _by_table(wish: MachineWish) -> dict[str, Row]:
    first = FIRST[wish.role]
    cores, gib, disk, why = first.cores, first.gib, first.disk_gib, first.why
    if wish.kind == "container":
        cores, gib, disk = max(CONTAINER.cores, cores // 2), max(CONTAINER.gib, gib // 2), CONTAINER.disk_gib
        why = f"{why}; {CONTAINER.why}"
    return {row.what: row for row in _first_rows(cores, Bytes.of_gib(gib), Bytes.of_gib(disk), why)}


def _first_rows(cores: int, memory: Bytes, disk: Bytes, why: str) -> tuple[Row, ...]:
    source = "table of first values (machine roles)"
    return tuple(
        Row(what, value, f"first value: {why}", source)
        for what, value in (("cores", cores), ("memory", memory.to_k8s()), ("disk", disk.to_k8s()))
    )


def _engine(wish: MachineWish) -> DependencyKind:
    return wish.engine or "postgresql"


def _database(wish: MachineWish) -> dict[str, Row]:
    """Memory so that all connections fit, cores so that the load and the memory do."""
    if _engine(wish) not in RELATIONAL:
        return _by_table(wish)
    users = wish.connections or 0
    most = _max_connections(wish)
    rate = users / (THINK_SECONDS + LATENCY_SECONDS)
    busy = rate * READS / READS_PER_CORE + rate * WRITES / WRITES_PER_CORE
    need = ceiling(most * MIB_PER_CONNECTION / 1024)
    fewest = max(LEAST_CORES, ceiling(need / MOST_GIB_PER_CORE), ceiling(busy / FULL))
    cores = next((count for count in CORES if count >= fewest), CORES[-1])
    memory = Bytes.of_gib(max(GIB_PER_CORE * cores if not wish.cores else GIB_PER_CORE * wish.cores, need))
    rows = _database_rows(cores, memory, rate=rate, busy=busy, need=need, most=most)
    return {row.what: row for row in (*rows, _connection_row(wish, most))}


def _database_rows(
    cores: int, memory: Bytes, *, rate: float, busy: float, need: int, most: int
) -> tuple[Row, Row, Row]:
    load = (
        f"Q = U/({figure(THINK_SECONDS)} + {figure(LATENCY_SECONDS)}) = {rate:.4g}/s; C_db = Q*{figure(READS)}/"
        f"{figure(READS_PER_CORE)} + Q*{figure(WRITES)}/{figure(WRITES_PER_CORE)} = {busy:.4g}"
    )
    why = "first value: the smallest of 1, 2, 4, 8, 16, 32 vCPU below 70 % with at most 8 GiB of need each; 2 at least"
    return (
        Row("cores", cores, why, "sizing steps 1 and 10", formula=f"{load}; {need} GiB / {MOST_GIB_PER_CORE}"),
        Row(
            "memory",
            memory.to_k8s(),
            "first value: 4 GiB per vCPU, and connections take at most half of it, 10 MB each",
            "sizing step 10; postgresql.eu session 6297",
            formula=f"max({GIB_PER_CORE} GiB * {cores}, {most} * {MIB_PER_CONNECTION} MiB = {need} GiB)",
        ),
        Row("disk", Bytes.of_gib(20).to_k8s(), "first value: 20 GiB for the system", "table of first values"),
    )


def _max_connections(wish: MachineWish) -> int:
    return max(100, ceiling(1.2 * (wish.connections or 0)) + 10)


def _connection_row(wish: MachineWish, most: int) -> Row:
    return Row(
        "max_connections",
        most,
        "first value: the stated connections, a fifth more, ten spare",
        "sizing step 10",
        formula=f"max(100, ceil(1.2*{wish.connections or 0}) + 10)",
    )


def _data_disks(wish: MachineWish) -> tuple[tuple[Bytes, ...], tuple[Row, ...]]:
    """What was stated; a database gets one for its data in any case."""
    if wish.data_disks:
        stated = tuple(_stated(f"data_disks.{index}", size) for index, size in enumerate(wish.data_disks))
        return wish.data_disks, tuple(row for row in stated if row is not None)
    if wish.role != "database" or _engine(wish) not in RELATIONAL:
        return (), ()
    size = size_database(_engine(wish), users=(), demand=Demand(), tier="dev", memory_cap=None)
    found = next(entry for entry in size.notes.decisions if entry.path.endswith(".data_disk"))
    row = Row("data_disks.0", found.value, f"{found.why}; 10 GiB of data were taken", found.source, found.formula)
    return (size.data_disk,), (row,)


def _settings(wish: MachineWish, *, cores: int, memory: Bytes) -> tuple[dict[str, str], tuple[Row, ...]]:
    if wish.role != "database" or _engine(wish) not in RELATIONAL:
        return {}, ()
    found = settings(_engine(wish), cores=cores, gib=max(1, int(memory.gib)), connections=_max_connections(wish))
    rows = tuple(
        Row(f"settings.{key}", value, f"first value for {cores} vCPU and {memory}", "pgtune@7caef27", tag="S")
        for key, value in found.items()
    )
    return found, rows


def _tight(wish: MachineWish, memory: Bytes) -> Notes:
    need = Bytes.of_mib(_max_connections(wish) * MIB_PER_CONNECTION)
    if wish.role != "database" or wish.connections is None or wish.memory is None or memory >= need:
        return Notes()
    return warn(
        "database-memory-tight",
        f"{wish.name}: {wish.connections} connections want {need} of memory, and {memory} were stated.",
        remedy="State more memory, or put a pooler such as PgBouncer in front.",
    )
