"""Machines come up: Terraform, SSH, the playbook, Ready nodes.

In: a stack's folder and its plan. Out: what exists, as it was found. Never: an apply of anything but the kept plan, an
automatic unlock of a state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.applying.bench import Bench
from bot.applying.log import Log
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.applied import Built, Reached
from bot.model.cluster import ClusterSnapshot, Guest
from bot.model.config import Config
from bot.model.plan import ClusterPlan, Machine, PlanView
from bot.model.quantity import Bytes
from bot.model.stack import TerraformPlan

SECRETS: Final = "ai-provision"
"""The namespace that receives kubeconfigs of new clusters."""


@dataclass
class MachineWork:
    """The machines of one stack on their way."""

    bench: Bench
    log: Log
    plan: PlanView
    folder: Path
    reached: tuple[Reached, ...] = ()
    clusters: list[Built] = field(default_factory=list)

    def apply(self, planned: TerraformPlan) -> None:
        """Apply the kept plan, then look at what exists. Raises Refused or Unavailable."""
        counts = ", ".join(f"{count} to {action}" for action, count in planned.counts().items()) or "nothing to do"
        self.log.part(
            "terraform-apply", lambda: self.bench.terraform.apply(self.folder / "terraform"), told=lambda _: counts
        )
        self.reached = self.seen()

    def seen(self) -> tuple[Reached, ...]:
        """The machines as the cluster shows them now; what cannot be read is told as planned, and marked."""
        try:
            snapshot = self.bench.inventory.read()
        except (Refused, Unavailable):
            snapshot = ClusterSnapshot()
        return tuple(reached(machine, snapshot, config=self.bench.config) for machine in self.plan.machines)

    def knock(self) -> None:
        """Wait for SSH on every machine with an address. Raises Refused when one stays silent."""
        limit = float(self.bench.config.apply.ssh_seconds)
        self.reached = self.log.part(
            "ssh", lambda: tuple(self._knocked(each, limit) for each in self.reached), told=_doors
        )
        silent = [each.name for each in self.reached if each.address and each.seconds is None]
        if silent and (self.folder / "ansible").is_dir():
            raise Refused(_silent(silent, limit))

    def _knocked(self, machine: Reached, limit: float) -> Reached:
        if machine.address is None:
            return machine
        seconds = self.bench.doors.wait(machine.address, port=self.bench.config.apply.ssh_port, seconds=limit)
        return machine.model_copy(update={"seconds": seconds})

    def configure(self) -> None:
        """Run the playbook; a new cluster's kubeconfig is kept as a secret and its nodes are waited for."""
        playbooks = self.bench.playbooks
        if playbooks is None:
            raise Refused(_NO_ANSIBLE)
        extra = {f"address_{each.name}": each.address for each in self.reached if each.address}
        if self.joining and self.bench.join_command is not None:
            extra["join_command"] = self.bench.join_command
        self.log.part("playbook", lambda: playbooks.run(self.folder / "ansible", extra=extra), told=str)
        for cluster in self.plan.clusters:
            self.clusters.append(self._built(cluster))
        if self.joining:
            self._joined()

    @property
    def joining(self) -> tuple[str, ...]:
        """Machines that join a cluster which exists already."""
        built = {cluster.name for cluster in self.plan.clusters}
        return tuple(each.name for each in self.plan.machines if each.cluster is not None and each.cluster not in built)

    def able_to_join(self) -> Refusal | None:
        """What is missing before new workers may be made at all: machines that cannot join are of no use."""
        return _NO_JOIN if self.joining and self.bench.join_command is None else None

    def _joined(self) -> None:
        """Wait until the new workers are Ready, where the cluster can be asked."""
        manifests, names = self.bench.manifests, self.joining
        if manifests is None:
            self.log.skip("nodes-ready", "no cluster is configured here (KUBECONFIG)")
            return
        limit = float(self.bench.config.apply.rollout_seconds)
        self.log.part(
            "nodes-ready",
            lambda: manifests.nodes_ready(names, seconds=limit),
            told=lambda found: f"{found[0]} of {len(names)} joined",
        )

    def _built(self, cluster: ClusterPlan) -> Built:
        kubeconfig = self.folder / "ansible" / "artifacts" / "admin.conf"
        names = tuple(machine.name for machine in self.plan.machines if machine.cluster == cluster.name)
        if self.bench.cluster_at is None or not kubeconfig.is_file():
            self.log.skip("nodes-ready", "the playbook left no artifacts/admin.conf")
            return Built(name=cluster.name, ready=0, wanted=len(names))
        secret = self._kept(cluster, kubeconfig)
        there = self.bench.cluster_at(kubeconfig)
        limit = float(self.bench.config.apply.rollout_seconds)
        ready, version = self.log.part(
            "nodes-ready",
            lambda: there.nodes_ready(names, seconds=limit),
            told=lambda found: f"{found[0]} of {len(names)}",
        )
        return Built(name=cluster.name, ready=ready, wanted=len(names), version=version, secret=secret)

    def _kept(self, cluster: ClusterPlan, kubeconfig: Path) -> str | None:
        """The kubeconfig as a secret of the managing cluster; the runner's copy goes away with the runner."""
        manifests = self.bench.manifests
        if manifests is None:
            self.log.skip(
                "kubeconfig", "no managing cluster is configured (KUBECONFIG), so it stays in ansible/artifacts"
            )
            return None
        name = f"{cluster.name}-kubeconfig"

        def keep() -> str:
            manifests.ensure_namespace(SECRETS)
            manifests.store_secret(SECRETS, name, {"kubeconfig": kubeconfig.read_bytes()})
            return f"{SECRETS}/{name}"

        return self.log.part("kubeconfig", keep, told=str)


def reached(machine: Machine, snapshot: ClusterSnapshot, *, config: Config) -> Reached:
    """What was asked for one machine against what exists."""
    facts = snapshot.proxmox
    guest = next((each for each in facts.guests if each.vm_id == machine.vm_id), None) if facts is not None else None
    planned = None if machine.address == "dhcp" else machine.address.split("/")[0]
    found = planned or next((each.split("/")[0] for each in (guest.addresses if guest else ())), None)
    return Reached(
        name=machine.name,
        vm_id=machine.vm_id,
        node=guest.node if guest else machine.node,
        address=found,
        user=config.defaults.username if machine.kind == "vm" else "root",
        key=_key(config),
        asked=f"{machine.cores} vCPU, {machine.memory}, {_disks(machine)} on {machine.node}",
        exists=_exists(guest),
    )


def _disks(machine: Machine) -> Bytes:
    """System and data disks together, as Proxmox VE counts them."""
    return Bytes(machine.disk + sum(disk.size for disk in machine.data_disks))


def _exists(guest: Guest | None) -> str:
    if guest is None:
        return "not seen in the cluster's list"
    return f"{guest.cores} vCPU, {guest.memory}, {guest.disk} on {guest.node}, {guest.status}"


def _key(config: Config) -> str | None:
    """Kind and comment of the first public key: enough to know which one."""
    words = config.defaults.ssh_keys[0].split() if config.defaults.ssh_keys else []
    return " ".join([words[0], *words[2:3]]) if words else None


def _doors(machines: tuple[Reached, ...]) -> str:
    told = [
        f"{each.name} after {each.seconds:.0f} s" if each.seconds is not None else f"{each.name} silent"
        for each in machines
    ]
    return ", ".join(told)


def _silent(names: list[str], limit: float) -> Refusal:
    return Refusal(
        code=Code.CAPACITY,
        message=f"{', '.join(names)} did not answer by SSH within {limit:.0f} s.",
        remedy="The machines exist. Look at their consoles (cloud-init, network, VLAN), then run this workflow again: "
        "it goes on from there.",
    )


_NO_JOIN: Final = Refusal(
    code=Code.CONFIG,
    message="The stack adds workers to a cluster that exists, and nothing says how they join it.",
    remedy="Run `kubeadm token create --ttl 2h --print-join-command` on a control plane, put its line into the secret "
    "AI_PROVISION_JOIN_COMMAND of the apply job, then run this workflow again.",
)
_NO_ANSIBLE: Final = Refusal(
    code=Code.CONFIG,
    message="The stack needs ansible-playbook, which is not on the PATH.",
    remedy="Install ansible-core on the runner. The machines exist; run this workflow again, it goes on from there.",
)
