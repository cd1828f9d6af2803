"""Planner and preflight agree: what was planned from readings passes on the same readings, and again once it stands.

Two implementations of the same rules, written apart on purpose. Rows A01, H03 of the suite: the eight clusters and the
machine requests.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.capacity.headroom import headroom
from bot.errors import Refusal
from bot.model.cluster import Bridge, ClusterSnapshot, Guest, KubernetesFacts, Node, ProxmoxFacts, Store
from bot.model.config import Backups, Config, Defaults
from bot.model.plan import Plan
from bot.model.quantity import MilliCpu, Resources
from bot.model.wishes import ClusterWish, MachineWish, Wishes
from bot.planning.infrastructure.plan import plan_wishes
from bot.planning.plan import make_plan
from bot.survey.request.reading import read_request
from tests.checks.preflight_kit import SURVEY, judged, planned, readings, standing, with_facts
from tests.planning.builders import GOLDEN_DEMAND, local_store, profile, pve, shared_store, template, worker
from tests.planning.wishing import BRIDGES, GIB, VZTMPL, machine

EXAMPLE = ClusterSnapshot.model_validate_json(
    (Path(__file__).parents[2] / "examples" / "cluster-snapshot.json").read_text("utf-8")
)
EIGHT = (
    "dev cluster",
    "production cluster with 5 workers",
    "ML training cluster with 16GB RAM",
    "CI/CD runner cluster",
    "HA cluster with monitoring",
    "minimal single-node cluster",
    "staging with calico and ingress",
    "5 node cluster with 4 cores 8gb",
)
MACHINES = (
    "a production web server VM named web-prod-01 using template 9000",
    "PostgreSQL for 100 concurrent users",
    "web application with load balancing",
    "development environment",
    "LXC container for DNS",
    "VM from the image https://cloud-images.ubuntu.com/noble/current/noble-server-cloudimg-amd64.img",
    "VM web with HA and backup and firewall",
)
FULL = Config(
    defaults=Defaults(addresses="10.10.0.50-10.10.0.99/24", bridge="vmbr0", pool="kubernetes", vlan=20),
    high_availability=True,
    backups=Backups(datastore="nas"),
)


@pytest.mark.parametrize("config", [Config(), FULL], ids=["defaults", "everything-set"])
@pytest.mark.parametrize("text", EIGHT + MACHINES)
def test_what_planning_makes_of_the_example_passes_and_passes_again_when_it_stands(text: str, config: Config) -> None:
    wishes = read_request(text)
    assert isinstance(wishes, Wishes), wishes
    made = plan_wishes(wishes, snapshot=EXAMPLE, headroom=headroom(EXAMPLE, config), config=config)
    assert isinstance(made, Plan), made
    assert made.machines
    _agrees(made, EXAMPLE, config)


def _agrees(made: Plan, taken: ClusterSnapshot, config: Config) -> None:
    before = judged(made, taken, config=config)
    assert before.stopping == (), before.stopping
    there = standing(taken, *made.machines)
    after = judged(made, there, config=config, owned=frozenset(one.vm_id for one in made.machines))
    assert after.stopping == (), after.stopping
    if made.machines:
        foreign = {check.name for check in judged(made, there, config=config).stopping}
        assert "vm-id" in foreign


def _hosts(dice: Random) -> ClusterSnapshot:
    """One to five hosts of any size and state, with guests, shared and local stores; three Kubernetes nodes."""
    names = [f"pve{number}" for number in range(1, dice.randint(1, 5) + 1)]
    guests = [guest for place, name in enumerate(names) for guest in _guests(dice, name, first=100 + 20 * place)]
    nodes = tuple(_node(dice, name, guests) for name in names)
    facts = ProxmoxFacts(
        version=dice.choice(["9.2.3", "8.4.5"]),
        quorate=True,
        guests=(template(datastores=dice.choice([("ceph",), ("tank",)])), *guests),
        pools=("shop",),
        permissions=SURVEY,
    )
    size = Resources(cpu=MilliCpu(dice.choice([2000, 4000, 8000])), memory=GIB(dice.choice([4, 8, 16])))
    workers = tuple(worker(f"k{number}", capacity=size) for number in (1, 2, 3))
    kubernetes = KubernetesFacts(version="v1.31.0", daemon_requests=Resources(cpu=MilliCpu(100), memory=GIB(1)))
    return ClusterSnapshot(nodes=nodes + workers, stores=_stores(dice, names), proxmox=facts, kubernetes=kubernetes)


def _guests(dice: Random, node: str, *, first: int) -> list[Guest]:
    return [
        Guest(
            vm_id=first + number,
            name=f"g{first + number}",
            kind="vm",
            node=node,
            status=dice.choice(["running", "stopped"]),
            on_boot=dice.random() < 0.3,
            ha=dice.random() < 0.3,
            cores=dice.randint(1, 4),
            memory=GIB(dice.choice([1, 2, 4])),
            datastores=dice.choice([("ceph",), ("tank",)]),
            addresses=(f"10.30.0.{first + number - 60}",) if dice.random() < 0.5 else (),
            pci=("gpu",) if dice.random() < 0.1 else (),
        )
        for number in range(dice.randint(0, 4))
    ]


def _node(dice: Random, name: str, guests: list[Guest]) -> Node:
    threads, gib = dice.choice([8, 16, 32, 64]), dice.choice([16, 64, 128, 256])
    held = [one for one in guests if one.node == name and (one.status == "running" or one.on_boot or one.ha)]
    peak = Resources(cpu=MilliCpu(int(threads * 1000 * dice.random())), memory=GIB(int(gib * dice.random() * 0.9)))
    return pve(
        name,
        state=dice.choice(["ready"] * 12 + ["offline", "maintenance", "unknown"]),
        capacity=Resources(cpu=MilliCpu(threads * 1000), memory=GIB(gib)),
        promised=Resources(
            cpu=MilliCpu(sum(one.cores for one in held) * 1000), memory=GIB(sum(one.memory.gib for one in held))
        ),
        used_p95=peak if dice.random() < 0.3 else None,
        bridges=BRIDGES if dice.random() < 0.8 else (Bridge(name="vmbr0"),),
        pci_mappings=("gpu",) if dice.random() < 0.3 else (),
    )


def _stores(dice: Random, names: list[str]) -> tuple[Store, ...]:
    both = ("images", "rootdir")
    ceph = shared_store(content=both, total=GIB(dice.choice([200, 2000])), available=GIB(dice.choice([90, 150, 200])))
    nas = shared_store(name="nas", content=("vztmpl", "iso", "backup", "import"), volumes=(VZTMPL,))
    tanks = (
        local_store(
            name, name="tank", kind="zfspool", content=both, total=GIB(100), available=GIB(dice.choice([40, 90, 100]))
        )
        for name in names
        if dice.random() < 0.7
    )
    return (*((ceph,) if dice.random() < 0.8 else ()), nas, *tanks)


def _wishes(dice: Random) -> Wishes:
    machines = tuple(_machine(dice, f"m{number}") for number in range(dice.randint(0, 2)))
    clusters = ()
    if not machines or dice.random() < 0.4:
        shape = {"control_planes": dice.choice([1, 3]), "workers": dice.randint(0, 3), "cores": 2}
        clusters = (ClusterWish(name="kube", preset="a cluster", memory=GIB(dice.choice([2, 4])), **shape),)
    environment = dice.choice(["production", "dev"])
    return Wishes(name="request", environment=environment, machines=machines, clusters=clusters)


def _machine(dice: Random, name: str) -> MachineWish:
    """Without replication: see the last test."""
    kind = dice.choice(["vm", "vm", "container"])
    return machine(
        name,
        role=dice.choice(["web", "database", "load-balancer"]),
        kind=kind,
        count=dice.randint(1, 2),
        ha=dice.choice([None, True, False]),
        replicate=False,
        backup=dice.choice([None, True]),
        gpu="any" if kind == "vm" and dice.random() < 0.2 else None,
    )


def _config(dice: Random) -> Config:
    return Config(
        defaults=Defaults(
            addresses=dice.choice([None, "10.30.0.40-10.30.0.99/24"]),
            pool=dice.choice([None, "shop"]),
            vlan=dice.choice([None, 20]),
            datastore=dice.choice([None, None, "ceph"]),
        )
    )


@given(st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_plan_passes_the_preflight_on_the_readings_it_was_made_of(dice: Random, application: bool) -> None:
    taken, config = _hosts(dice), _config(dice)
    if application:
        demand = GOLDEN_DEMAND.model_copy(update={"qps_peak": float(dice.choice([50, 300, 1000]))})
        made = make_plan(
            app="shop", demand=demand, profile=profile(), snapshot=taken, headroom=headroom(taken, config),
            config=config, repo_owner="MyOrg", commit="0" * 40,
        )  # fmt: skip
    else:
        made = plan_wishes(_wishes(dice), snapshot=taken, headroom=headroom(taken, config), config=config)
    if not isinstance(made, Refusal):
        before = judged(made, taken, config=config)
        assert before.stopping == (), before.stopping


def test_no_replica_goes_to_a_pool_that_has_no_room_for_it() -> None:
    """The planner looks for the pool's name alone; the preflight counts its room."""
    pools = (
        local_store("pve1", name="tank", kind="zfspool", total=GIB(500), available=GIB(400)),
        local_store("pve2", name="tank", kind="zfspool", total=GIB(500), available=GIB(51)),
    )
    bare = readings()
    guests = (template(datastores=("tank",)),)
    taken = with_facts(guests=guests)(bare.model_copy(update={"stores": pools}))
    made = planned(machine("db", replicate=True, datastore="tank"), snapshot=taken)
    [one] = made.machines
    full = one.replicate_to == "pve2"
    stopping = {(check.name, check.about) for check in judged(made, taken).stopping}
    assert (("storage-space", "tank of pve2") in stopping) is full
