"""The story of one reading, from the version to the snapshot.

In: endpoint, token, whether to verify, a clock. Out: a ``ClusterSnapshot`` with the Proxmox part, or a check-up. Never:
work in the constructor; verification switched off by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.edges.proxmox import fields, guests, high_availability, hosts, networks, rights, stores
from bot.edges.proxmox.calls import Calls
from bot.edges.proxmox.endpoint import parse_endpoint, parse_token
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.rights import Rights
from bot.edges.proxmox.session import WORKERS, BoundedSession
from bot.edges.proxmox.trouble import Odd, Outage, Trouble
from bot.edges.proxmox.visit import Visit
from bot.errors import Code, Refused, Unavailable
from bot.model.cluster import ClusterSnapshot, Missing, ProxmoxFacts
from bot.ports import Clock

TIMEOUT_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
BUDGET_SECONDS: Final = 120.0
_NOT_VERIFIED: Final = Missing(
    system="proxmox",
    what="identity of the Proxmox VE server",
    code=Code.TLS,
    reason="TLS not verified: `PROXMOX_VE_INSECURE` is set, so another machine could have answered",
    remedy="Unset it, and name a copy of `/etc/pve/pve-root-ca.pem` in `REQUESTS_CA_BUNDLE`.",
)


@dataclass(frozen=True)
class Checkup:
    """What the doctor sees: the version when the cluster answers, and everything that stands in the way."""

    version: str | None
    missing: tuple[Missing, ...]


class ProxmoxInventory:
    """``ports.Inventory`` for one Proxmox VE cluster.

    ``endpoint`` is ``https://host:8006/`` (http on loopback alone), ``token`` ``user@realm!id=secret``; ``verify`` is
    True, the path of an authority's certificate, or False where a person decided so. Seconds: ``timeout`` per connect
    and read, ``answer`` for one whole answer, ``budget`` for the whole reading. ``workers``: calls at once.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        token: str,
        clock: Clock,
        verify: bool | str = True,
        timeout: float = TIMEOUT_SECONDS,
        answer: float = ANSWER_SECONDS,
        budget: float = BUDGET_SECONDS,
        workers: int = WORKERS,
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._clock = clock
        self._verify = verify
        self._timeout = timeout
        self._answer = answer
        self._budget = budget
        self._workers = workers

    def read(self) -> ClusterSnapshot:
        """What the cluster holds now.

        Raises Refused (proxmox-auth, tls, config), or Unavailable when nothing, or no node's capacity, could be read.
        """
        with self._visit() as visit:
            return _survey(visit, taken_at=self._clock.now())

    def check(self) -> Checkup:
        """Version, reachability and rights; never raises for what it finds."""
        try:
            with self._visit() as visit:
                version = _version(visit)
                _rights(visit, version)
                return Checkup(version=version, missing=tuple(visit.missing))
        except Refused as error:
            stop = error.refusal
        except Unavailable as error:
            stop = error.refusal
        note = Missing(
            system="proxmox", what="Proxmox VE", code=stop.code, reason=stop.message.rstrip("."), remedy=stop.remedy
        )
        return Checkup(version=None, missing=(note,))

    def vm_id_free(self, vm_id: int) -> bool:
        """True when Proxmox VE says that a VMID is free at this moment, guests that the token cannot see included.

        Advisory: another may take it before the apply. Raises Refused or Unavailable.
        """
        with self._visit() as visit:
            try:
                visit.calls.get("cluster", "nextid", needs="a valid token", vmid=vm_id)
            except Odd as trouble:
                if trouble.status == 400:
                    return False
                trouble.fatal("free VMID")
            except Trouble as trouble:
                trouble.fatal("free VMID")
            return True

    @contextmanager
    def _visit(self) -> Iterator[Visit]:
        endpoint, token = parse_endpoint(self._endpoint), parse_token(self._token)
        session = BoundedSession(
            endpoint,
            token=token,
            verify=self._verify,
            timeout=self._timeout,
            total=self._answer,
            clock=self._clock,
        )
        try:
            calls = Calls(session, endpoint=endpoint, clock=self._clock, budget=self._budget, workers=self._workers)
            visit = Visit(calls)
            if endpoint.tls and self._verify is False:
                visit.missing.append(_NOT_VERIFIED)
            yield visit
        finally:
            session.close()


def _survey(visit: Visit, *, taken_at: datetime) -> ClusterSnapshot:
    """Version, rights, inventory, nodes, networks, stores, guests: in this order, each once."""
    version = _version(visit)
    held = _rights(visit, version)
    resources = visit.required_rows("inventory", "cluster", "resources", needs="VM.Audit on /vms")
    cluster = visit.rows("cluster status and quorum", "cluster", "status", needs="Sys.Audit on /")
    found = hosts.read(visit, resources=resources, cluster=cluster or [])
    facts = _facts(visit, version, cluster, held)
    ha = high_availability.read(visit, version=version)
    reached = networks.read(visit, nodes=found.online)
    kept = stores.read(visit, nodes=found.online, resources=resources)
    mappings = _mappings(visit)
    by_agent = held is None or rights.holds(held, rights.agent_need(version))
    seen = guests.read(visit, resources=resources, online=found.online, sids=ha.sids, by_agent=by_agent)
    known = held is None or rights.holds(held, rights.GUESTS)
    placed = hosts.nodes(visit, found, guests=seen, guests_known=known, networks=reached, ha=ha, mappings=mappings)
    return ClusterSnapshot(
        taken_at=taken_at,
        nodes=placed,
        stores=stores.reachable(kept, dark=frozenset(visit.dark)),
        missing=tuple(sorted(visit.missing, key=lambda one: (one.what, one.reason))),
        proxmox=facts.model_copy(update={"guests": seen, "ha_rules": ha.rules, "subnets": reached.subnets}),
    )


def _version(visit: Visit) -> str | None:
    """The first call: an outage here is an outage of everything."""
    try:
        table = fields.table(visit.calls.get("version", needs="a valid token"))
    except Outage as trouble:
        trouble.fatal("answer")
    except Trouble as trouble:
        visit.note("version", trouble)
        return None
    return fields.optional_text(table.get("version"), 32)


def _rights(visit: Visit, version: str | None) -> Rights | None:
    table = visit.table("rights of the token", "access", "permissions", needs="a valid token")
    if table is None:
        return None
    held = rights.parse(table)
    visit.missing.extend(rights.lacking(held, version=version))
    return held


def _facts(visit: Visit, version: str | None, cluster: list[Row] | None, held: Rights | None) -> ProxmoxFacts:
    options = visit.table("cluster options", "cluster", "options", needs="Sys.Audit on /") or {}
    bounds = options.get("next-id")
    bounds = fields.properties(bounds) if isinstance(bounds, str) else bounds if isinstance(bounds, dict) else {}
    pools = visit.rows("pools", "pools", needs="Pool.Audit on /pool") or []
    head = next((row for row in cluster or [] if row.get("type") == "cluster"), None)
    return ProxmoxFacts(
        version=version,
        name=fields.optional_text(head.get("name")) if head else None,
        quorate=_quorate(cluster, head),
        pools=tuple(sorted(pool for row in pools if (pool := fields.text(row.get("poolid"))))),
        next_id=_next_id(visit),
        next_id_lower=fields.whole(bounds.get("lower")) or 100,
        next_id_upper=fields.whole(bounds.get("upper")) or 1_000_000,
        permissions=rights.as_facts(held or {}),
    )


def _quorate(cluster: list[Row] | None, head: Row | None) -> bool | None:
    """A node on its own has no cluster row and needs no quorum."""
    if not cluster:
        return None
    return True if head is None else fields.flag(head.get("quorate"))


def _next_id(visit: Visit) -> int | None:
    try:
        return fields.whole(visit.calls.get("cluster", "nextid", needs="a valid token"))
    except Trouble as trouble:
        visit.note("next free VMID", trouble)
        return None


def _mappings(visit: Visit) -> Mapping[str, tuple[str, ...]]:
    """PCI mappings by node: ``map`` holds ``node=pve1,path=0000:01:00.0,...`` per device."""
    rows = visit.rows("PCI mappings", "cluster", "mapping", "pci", needs="Mapping.Audit on /mapping/pci") or []
    found: dict[str, set[str]] = {}
    for row in rows:
        entries = row.get("map")
        for entry in entries if isinstance(entries, list) else []:
            node = fields.properties(entry).get("node")
            if node:
                found.setdefault(node, set()).add(fields.text(row.get("id")))
    return {node: tuple(sorted(ids)) for node, ids in found.items()}
