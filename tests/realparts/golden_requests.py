"""The golden requests on the product's own way: words, readings, plan, files, the real terraform and provider.

In: a request in words, a version of Proxmox VE. Out: what is planned, what exists afterwards, seconds. Never: ``insecure``,
a right beyond the printed roles, a registry, HCL that the product did not write.

``python -m tests.realparts.golden_requests`` prints the table of all requests on both versions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.agents.collector import Collected, collect, collect_request
from bot.agents.planner import first_plan
from bot.applying.take_down import unlocked
from bot.capacity.combine import combine
from bot.edges.clock import RealClock
from bot.edges.git import GitRepos
from bot.edges.kubernetes import KubernetesInventory
from bot.edges.proxmox import ProxmoxInventory
from bot.edges.terraform import TerraformLimits, TerraformProgram, TerraformToolbox
from bot.edges.terraform.environment import environment
from bot.edges.yaml_reader import ChildYamlReader
from bot.emulators.kubernetes import KubernetesEmulator
from bot.emulators.loopback import Loopback
from bot.emulators.proxmox import ProxmoxEmulator
from bot.emulators.proxmox.presets import give
from bot.emulators.proxmox.serving import Served, serve
from bot.errors import Refused
from bot.model.changes import ChangeSet
from bot.model.cluster import ClusterSnapshot, Guest
from bot.model.command import FolderTarget, Provision, Target
from bot.model.config import Config
from bot.model.document import Request
from bot.model.evidence import Evidence
from bot.model.plan import Machine, Plan, PlanView
from bot.model.stack import Stack
from bot.rendering.files import render
from bot.rendering.scene import Scene
from bot.survey.selection import select
from tests.edges.proxmox_kit import SECRET as READING_SECRET
from tests.edges.proxmox_kit import TOKEN, TOKEN_ID
from tests.realparts import parts
from tests.realparts.golden_table import BESIDE, GOLDEN, ON_8, Golden, crowded
from tests.realparts.provider_scene import APPLY, SECRET, cluster, facts, grants
from tests.realparts.states import States, states

ROOT: Final = Path(__file__).parents[2]
WIDE: Final = "wide@pve!ci"
"""The second token, for what concerns the whole cluster."""
WIDE_SECRET: Final = "5b0c9a4e-wide-4f0e-8b1c-2d9f6a7c1e33"
APPLICATION: Final = ROOT / "examples" / "supermarket-inventory"


@dataclass(frozen=True)
class Step:
    """One request as planned: every noun, and the files."""

    scene: Scene
    changes: ChangeSet

    @property
    def plan(self) -> Plan:
        return self.scene.plan

    @property
    def stack(self) -> str:
        """The name of its state."""
        return self.plan.root.replace("/", "-")


@dataclass(frozen=True)
class Readings:
    """Both clusters, read as the product reads them."""

    proxmox: ProxmoxInventory
    kubernetes: KubernetesInventory

    def read(self) -> ClusterSnapshot:
        """Now. Raises what the inventories raise."""
        return combine([self.proxmox.read(), self.kubernetes.read()])


@dataclass
class World:
    """One Proxmox VE over TLS, one state backend and one Kubernetes for many requests."""

    pve: ProxmoxEmulator
    served: Served
    state: States
    inventory: Readings
    config: Config
    program: TerraformProgram
    folder: Path

    def asked(self, golden: Golden, words: str, before: PlanView | None = None) -> Step:
        """Words become files, as ``ai-provision`` makes them. Raises AssertionError for a refusal."""
        collected = _collected(golden, words)
        snapshot = self.inventory.read()
        plan = first_plan(
            collected,
            snapshot,
            config=self.config,
            repo_owner="myorg",
            commit="0" * 40,
            evidence=Evidence(before=before),
        )
        assert isinstance(plan, Plan), plan
        request = Request(git_repo="", app_description=words)
        scene = Scene(
            request=request, demand=collected.demand, profile=collected.profile, snapshot=snapshot, plan=plan,
            config=self.config,
        )  # fmt: skip
        return Step(scene, render(scene))

    def write(self, step: Step) -> Path:
        """The files on disk as a checkout has them; the folder of terraform."""
        root = self.folder / step.plan.root
        for old in root.glob("terraform/*.tf*"):
            if old.is_file():
                old.unlink()
        for file in step.changes.files:
            path = self.folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content, encoding="utf-8")
        return root / "terraform"

    def validate(self, folder: Path) -> None:
        """Raises AssertionError for what ``terraform validate`` complains about, warnings too."""
        done = self._terraform(folder, "validate")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Warning" not in done.stdout, done.stdout

    def idle(self, folder: Path) -> None:
        """Raises AssertionError when a plan of what was applied is not empty."""
        done = self._terraform(folder, "plan", "-input=false", "-detailed-exitcode")
        assert done.returncode == 0, done.stdout + done.stderr

    def locked(self, folder: Path) -> None:
        """Raises AssertionError when terraform would destroy what the files protect."""
        done = self._terraform(folder, "plan", "-input=false", "-destroy")
        assert done.returncode == 1
        assert "Instance cannot be destroyed" in done.stderr

    def _terraform(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command in an initialised folder, under the environment that ``TerraformProgram`` gives."""
        return subprocess.run(
            [self.program.binary, *arguments, "-no-color"], cwd=folder, env=environment(self.program.ours),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def unlock(self, step: Step, *, data: bool) -> None:
        """What the apply of a removal does first. Raises Refused where data disks are not named."""
        plan = step.plan
        stack = Stack(root=plan.root, name=plan.app, commit="0" * 40, change="removed", terraform=True, data=data)
        unlocked(stack, plan, self.folder / plan.root)

    def guests(self) -> dict[str, Guest]:
        """What runs there, as the product reads it."""
        proxmox = self.inventory.read().proxmox
        assert proxmox is not None
        return {guest.name: guest for guest in proxmox.guests if not guest.template}

    def facts(self) -> dict[str, Any]:
        """Everything that Proxmox VE holds."""
        return facts(self.pve)


def _collected(golden: Golden, words: str) -> Collected:
    target: Target = FolderTarget(folder=str(APPLICATION))
    if golden.application:
        command = Provision(target=target, app_description=words)
        found = collect(command, GitRepos(select=select, yaml=ChildYamlReader()).read(target))
    else:
        found = collect_request(Provision(target=target, app_description=words, wants="machines"))
    assert isinstance(found, Collected), found
    return found


def settings(state: str) -> Config:
    """The config file of the infrastructure repository."""
    return Config.model_validate(
        {
            "defaults": {
                "pool": "shop", "template_id": 9000, "bridge": "vmbr0", "vlan": 20, "gateway": "10.20.0.1",
                "addresses": "10.20.0.100-10.20.0.199/24", "registry": "ghcr.io/myorg", "image_tag": "v1",
                "dns": {"servers": ("10.20.0.53",), "domain": "lab.example"}, "image_datastore": "nas",
                "ssh_keys": ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFrZWtleWZha2VrZXlmYWtla2V5ZmFrZWtleWZha2Vr ops",),
            },
            "vm_ids": {"first": 5000, "last": 5999},
            "state": {
                "backend": "http",
                "settings": {"address": f"{state}/{{stack}}", "lock_method": "LOCK", "unlock_method": "UNLOCK"},
                "allow_unencrypted": True,
            },
            "apply": {"parallelism": 4},
        }
    )  # fmt: skip


def emulator(goldens: Mapping[str, Golden], *, version: str | None) -> ProxmoxEmulator:
    """The cluster with three tokens: reading, apply, and what concerns the whole cluster."""
    major = int((version or "9").partition(".")[0])
    state = cluster()
    give(state, APPLY, grants(*(one for golden in goldens.values() for one in golden.more), major=major))
    wide = [one for golden in goldens.values() for one in golden.wide]
    if wide:
        give(state, WIDE, wide)
    tokens = {TOKEN_ID: READING_SECRET, APPLY: SECRET} | ({WIDE: WIDE_SECRET} if wide else {})
    return ProxmoxEmulator(state, tokens=tokens, version=version)


@contextmanager
def world(
    folder: Path, *, rc: Path, program: Path, goldens: Mapping[str, Golden], version: str | None = None
) -> Iterator[World]:
    """Everything that the requests ``goldens`` need, and no right beyond them."""
    with ExitStack() as stack:
        pve = emulator(goldens, version=version)
        served = stack.enter_context(serve(pve))
        kept = stack.enter_context(states())
        kubernetes = stack.enter_context(_kubernetes(folder))
        proxmox = ProxmoxInventory(endpoint=served.url, token=TOKEN, clock=RealClock(), verify=str(served.authority))
        config = settings(kept.url)
        ours = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        ours |= served.environment(f"{APPLY}={SECRET}") | {"TF_CLI_CONFIG_FILE": str(rc)}
        if any(golden.wide for golden in goldens.values()):
            ours["TF_VAR_cluster_api_token"] = f"{WIDE}={WIDE_SECRET}"
        limits = TerraformLimits(parallelism=config.apply.parallelism, lock=5)
        terraform = TerraformProgram(redact=str, binary=str(program), limits=limits, ours=ours)
        yield World(pve, served, kept, Readings(proxmox, kubernetes), config, terraform, folder)


@contextmanager
def _kubernetes(folder: Path) -> Iterator[KubernetesInventory]:
    """The example's cluster with a pod on each node that takes what was left."""
    api = KubernetesEmulator(crowded(json.loads((ROOT / "examples" / "kubernetes-api.json").read_text())))
    with Loopback(api.app) as server:
        config = folder / "kubeconfig"
        config.write_text(api.kubeconfig(server.url))
        yield KubernetesInventory(str(config), clock=RealClock())


@dataclass(frozen=True)
class Seconds:
    """How long each part of a life took, by name; ``resources`` are the addresses in the first state."""

    machines: int
    parts: Mapping[str, float]
    resources: tuple[str, ...]


class Watch:
    """Measures parts."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Adds what the block takes, in seconds."""
        begun = time.monotonic()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + time.monotonic() - begun


def life(world: World, golden: Golden) -> Seconds:
    """A request from its words to its end. Raises AssertionError where the real programs see it otherwise."""
    before, watch = world.facts(), Watch()
    first = made(world, golden, watch)
    resources = tuple(world.state.resources(first.stack))
    second = changed(world, golden, first, watch)
    removed(world, second, watch)
    assert world.facts() == before
    return Seconds(len(first.plan.machines), watch.parts, resources)


def made(world: World, golden: Golden, watch: Watch) -> Step:
    """Planned without a call to Proxmox VE, valid, formatted, applied; and nothing is left to do."""
    step = world.asked(golden, golden.words)
    assert len(step.plan.machines) == golden.machines
    assert TerraformToolbox(binary=world.program.binary).judge(step.changes) == ()
    folder = world.write(step)
    calls = len(world.pve.calls)
    with watch.part("plan"):
        planned = world.program.plan(folder)
    assert set(planned.counts()) == {"create"}, planned.text
    assert world.pve.calls[calls:] == []
    world.validate(folder)
    with watch.part("apply"):
        world.program.apply(folder)
    settled(world, step, folder)
    return step


def changed(world: World, golden: Golden, first: Step, watch: Watch) -> Step:
    """The same machines, a few cores or a worker more; none is made anew."""
    step = world.asked(golden, golden.change, before=first.plan)
    assert len(step.plan.machines) == golden.after
    folder = world.write(step)
    planned = world.program.plan(folder)
    wanted = {"create": golden.after > golden.machines, "delete": golden.after < golden.machines}
    allowed = {name for name, meant in wanted.items() if meant} or {"update"}
    assert set(planned.counts()) == allowed, planned.text
    if "update" in allowed and all(machine.kind == "vm" for machine in step.plan.machines):
        assert any(action.reboots for action in planned.actions), planned.actions
    with watch.part("change"):
        world.program.apply(folder)
    settled(world, step, folder)
    return step


def removed(world: World, step: Step, watch: Watch) -> None:
    """Destroyed as ``/ai-destroy`` does it, with its second word where there are data disks, and not without it."""
    folder = world.folder / step.plan.root / "terraform"
    data = any(machine.data_disks for machine in step.plan.machines)
    if data:
        world.locked(folder)
        with suppress(Refused):
            world.unlock(step, data=False)
            raise AssertionError("data disks were unlocked by a removal that does not name them")
    world.unlock(step, data=data)
    planned = world.program.plan(folder, destroy=True)
    assert set(planned.counts()) == {"delete"}, planned.text
    with watch.part("destroy"):
        world.program.apply(folder)
    assert world.state.resources(step.stack) == []
    assert world.state.locks == {}


def settled(world: World, step: Step, folder: Path) -> None:
    """What is planned is what exists, and a second plan is empty."""
    guests = world.guests()
    for machine in step.plan.machines:
        agrees(machine, guests[machine.name])
    world.idle(folder)


def agrees(machine: Machine, guest: Guest) -> None:
    """A machine as it was planned."""
    planned = (machine.vm_id, machine.node, machine.kind, machine.cores, machine.memory, machine.pool)
    assert (guest.vm_id, guest.node, guest.kind, guest.cores, guest.memory, guest.pool) == planned
    assert guest.status == "running"
    assert guest.ha == machine.ha
    assert set(machine.tags) <= set(guest.tags)
    assert machine.datastore in guest.datastores
    assert guest.disk >= machine.disk
    assert machine.source.iso_image or machine.source.image or _host(machine.address) in map(_host, guest.addresses)


def _host(address: str) -> str:
    return address.partition("/")[0]


def main() -> None:
    """The table of all requests on 9, and of some on 8."""
    rc, program = parts.provider_rc(), parts.terraform()
    if rc is None or program is None:
        sys.exit(parts.why_not("provider", "terraform") or "needs the provider and terraform")
    _say(f"{'request':<22}{'version':<9}{'machines':>8}{'plan':>8}{'apply':>8}{'change':>8}{'destroy':>8}  seconds")
    everything = {**GOLDEN, **BESIDE}
    for version, names in ((None, tuple(everything)), ("8.4.5", (*ON_8, "high-availability"))):
        with tempfile.TemporaryDirectory(prefix="golden-requests-") as folder:
            goldens = {name: everything[name] for name in names}
            with world(Path(folder), rc=rc, program=program, goldens=goldens, version=version) as here:
                for name, golden in goldens.items():
                    _say(row(name, version or "9.2.3", life(here, golden)))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def row(name: str, version: str, seconds: Seconds) -> str:
    """One line of the table."""
    figures = "".join(f"{seconds.parts[part]:>8.1f}" for part in ("plan", "apply", "change", "destroy"))
    return f"{name:<22}{version:<9}{seconds.machines:>8}{figures}"


if __name__ == "__main__":
    main()
