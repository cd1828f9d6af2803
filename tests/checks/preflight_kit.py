"""A plan that fits its hosts, the hosts, and how a test changes one fact of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.capacity.headroom import headroom
from bot.checks.preflight.tests import preflight
from bot.errors import Refusal
from bot.model.cluster import ClusterSnapshot, Guest, KubernetesFacts, Missing, Node, ProxmoxFacts, Store
from bot.model.config import Config, Defaults
from bot.model.plan import Machine, Plan, PlanView
from bot.model.stack import Check, CheckName, Preflight
from bot.model.wishes import ClusterWish, MachineWish, Wishes
from bot.planning.infrastructure.plan import plan_wishes
from bot.roles import survey_privileges
from tests.planning.builders import plan as app_plan
from tests.planning.builders import worker
from tests.planning.wishing import guest, hosts, machine

SURVEY = {"/": survey_privileges(9)}
CONFIG = Config(defaults=Defaults(addresses="10.30.0.50-10.30.0.99/24", pool="shop", vlan=20, template_id=9000))
Change = Callable[[ClusterSnapshot], ClusterSnapshot]


def readings(**changes: Any) -> ClusterSnapshot:
    """Three roomy hosts and three Kubernetes nodes, everything read."""
    bare = hosts()
    assert bare.proxmox is not None
    facts = bare.proxmox.model_copy(update={"pools": ("shop",), "permissions": SURVEY})
    nodes = (*bare.nodes, worker("k1"), worker("k2"), worker("k3"))
    whole = {"nodes": nodes, "proxmox": facts, "kubernetes": KubernetesFacts(version="v1.34.2"), **changes}
    return bare.model_copy(update=whole)


def facts_of(taken: ClusterSnapshot) -> ProxmoxFacts:
    assert taken.proxmox is not None
    return taken.proxmox


def with_facts(**changes: Any) -> Change:
    return lambda taken: taken.model_copy(update={"proxmox": facts_of(taken).model_copy(update=changes)})


def with_guest(vm_id: int, **changes: Any) -> Change:
    return lambda taken: with_facts(guests=(*facts_of(taken).guests, guest(vm_id, **changes)))(taken)


def with_node(name: str, **changes: Any) -> Change:
    def change(taken: ClusterSnapshot) -> ClusterSnapshot:
        nodes = tuple(node.model_copy(update=changes) if node.name == name else node for node in taken.nodes)
        return taken.model_copy(update={"nodes": nodes})

    return change


def with_store(name: str, **changes: Any) -> Change:
    def change(taken: ClusterSnapshot) -> ClusterSnapshot:
        stores = tuple(one.model_copy(update=changes) if one.name == name else one for one in taken.stores)
        return taken.model_copy(update={"stores": stores})

    return change


def with_template(**changes: Any) -> Change:
    def change(taken: ClusterSnapshot) -> ClusterSnapshot:
        rows = (one.model_copy(update=changes) if one.vm_id == 9000 else one for one in facts_of(taken).guests)
        return with_facts(guests=tuple(rows))(taken)

    return change


def without(guests: bool = False, store: str | None = None, node: str | None = None) -> Change:
    """Take away all guests, a datastore, or a node."""

    def change(taken: ClusterSnapshot) -> ClusterSnapshot:
        stores = tuple(one for one in taken.stores if one.name != store)
        nodes = tuple(one for one in taken.nodes if one.name != node)
        kept = () if guests else facts_of(taken).guests
        return with_facts(guests=kept)(taken.model_copy(update={"stores": stores, "nodes": nodes}))

    return change


def with_gap(what: str, system: str = "proxmox", code: str = "proxmox-auth") -> Change:
    gap = Missing.model_validate({"system": system, "what": what, "code": code, "reason": "no right", "remedy": "Do."})
    return lambda taken: taken.model_copy(update={"missing": (*taken.missing, gap)})


def both(*changes: Change) -> Change:
    def change(taken: ClusterSnapshot) -> ClusterSnapshot:
        for one in changes:
            taken = one(taken)
        return taken

    return change


def planned(
    *wishes: MachineWish | ClusterWish, snapshot: ClusterSnapshot | None = None, config: Config = CONFIG,
    environment: str = "production",
) -> Plan:  # fmt: skip
    """What planning makes of it, on these readings."""
    taken = snapshot or readings()
    made = plan_wishes(
        Wishes(
            name="request",
            environment=environment,
            machines=tuple(one for one in wishes if isinstance(one, MachineWish)),
            clusters=tuple(one for one in wishes if isinstance(one, ClusterWish)),
        ),
        snapshot=taken,
        headroom=headroom(taken, config),
        config=config,
    )
    assert not isinstance(made, Refusal), made
    return made


def web(**changes: Any) -> Plan:
    """One web server, ``web-prod-01``, cloned from template 9000."""
    return planned(machine(), **changes)


def shop() -> Plan:
    """An application with services and no machines."""
    made = app_plan(snapshot=readings())
    return made.model_copy(update={"machines": (), "backup": None})


def judged(
    plan: PlanView, taken: ClusterSnapshot, *, config: Config = CONFIG, owned: frozenset[int] = frozenset(),
    replaced: frozenset[int] = frozenset(),
) -> Preflight:  # fmt: skip
    return preflight(
        plan, snapshot=taken, headroom=headroom(taken, config), config=config, owned=owned, replaced=replaced
    )


def checks(name: CheckName, *args: Any, **more: Any) -> list[Check]:
    return [check for check in judged(*args, **more).checks if check.name == name]


def state(name: CheckName, *args: Any, **more: Any) -> str:
    """The worst state of one test."""
    states = {check.state for check in checks(name, *args, **more)}
    return next(one for one in ("failed", "unknown", "passed", "skipped") if one in states)


def as_guest(one: Machine, **changes: Any) -> Guest:
    """The guest that a machine becomes."""
    facts: dict[str, Any] = {
        "name": one.name, "node": one.node, "cores": one.cores, "memory": one.memory, "disk": one.disk,
        "addresses": (one.address.partition("/")[0],), "datastores": (one.datastore,), "tags": one.tags,
        "kind": one.kind, "pool": one.pool,
    }  # fmt: skip
    return guest(one.vm_id, **{**facts, **changes})


def standing(taken: ClusterSnapshot, *machines: Machine, **changes: Any) -> ClusterSnapshot:
    """The readings after an apply: the guests run, and their nodes have promised them what they take."""
    for one in machines:
        made = as_guest(one, **changes)
        node = next(node for node in taken.nodes if node.name == made.node)
        promised = node.promised.model_copy(
            update={
                "cpu": type(node.promised.cpu)(node.promised.cpu + made.cores * 1000),
                "memory": type(node.promised.memory)(node.promised.memory + made.memory),
            }
        )
        taken = with_node(made.node, promised=promised)(taken)
        taken = with_facts(guests=(*facts_of(taken).guests, made))(taken)
    return taken


def node_of(taken: ClusterSnapshot, name: str) -> Node:
    return next(node for node in taken.nodes if node.name == name)


def store_of(taken: ClusterSnapshot, name: str) -> Store:
    return next(store for store in taken.stores if store.name == name)
