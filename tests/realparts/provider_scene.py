"""The real terraform and the real provider in a folder, against the Proxmox VE emulator over TLS.

In: HCL, an emulator, grants. Out: exit codes and what terraform said. Never: ``insecure``, a registry, a token that may more than
its grants.
"""

from __future__ import annotations

import copy
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.emulators.proxmox import ProxmoxEmulator
from bot.emulators.proxmox.presets import Grant, apply_grants, give
from bot.emulators.proxmox.serving import Served, serve
from tests.edges.proxmox_kit import example

APPLY = "apply@pve!ci"
SECRET = "0e1f7e0c-apply-4b1e-9d0c-64b2a1f3c9aa"
HEAD = """
terraform {
  required_providers { proxmox = { source = "bpg/proxmox", version = "0.111.1" } }
}
provider "proxmox" {}
"""


def cluster() -> dict[str, Any]:
    """The example with a pool for what is made, and a template whose disks are local to pve1."""
    state = example()
    state["pools"].append({"poolid": "shop", "comment": "made here"})
    state["cluster/resources"].append({"type": "pool", "id": "/pool/shop", "pool": "shop"})
    row = next(row for row in state["cluster/resources"] if row.get("vmid") == 9000)
    config = state["nodes/pve1/qemu/9000/config"]
    local = {
        name: value.replace("nas:9000/base-9000-disk-0.qcow2", "local-lvm:base-9001-disk-0").replace(
            "nas:9000/vm-9000-cloudinit.qcow2", "local-lvm:vm-9001-cloudinit"
        )
        if isinstance(value, str)
        else value
        for name, value in config.items()
    }
    state["nodes/pve1/qemu/9001/config"] = local | {"name": "debian-local"}
    state["cluster/resources"].append(row | {"vmid": 9001, "id": "qemu/9001", "name": "debian-local"})
    files = state["nodes/pve1/storage/local-lvm/content"]
    disk = {"volid": "local-lvm:base-9001-disk-0", "content": "images", "format": "raw", "size": 10 * 1024**3}
    files.append(disk | {"vmid": 9001, "ctime": 1_790_000_000})
    return state


def grants(*more: Grant, major: int = 9) -> tuple[Grant, ...]:
    """What the apply token of the tests may."""
    base = apply_grants(
        pool="shop", templates=(9000, 9001), stores=("local-lvm", "nas"), images=("nas", "local"),
        nodes=("pve1", "pve2", "pve3"), major=major,
    )  # fmt: skip
    return (*base, *more)


def emulator(
    given: Iterable[Grant], *, version: str | None = None, state: dict[str, Any] | None = None
) -> ProxmoxEmulator:
    """A fast emulator with the apply token."""
    state = cluster() if state is None else state
    give(state, APPLY, given)
    return ProxmoxEmulator(state, tokens={APPLY: SECRET}, version=version)


@dataclass(frozen=True)
class Said:
    """How a terraform command ended and everything it said."""

    code: int
    text: str


class Workspace:
    """A folder in which terraform runs."""

    def __init__(self, folder: Path, served: Served, rc: Path, program: Path) -> None:
        self.folder, self._program = folder, program
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._environment = kept | served.environment(f"{APPLY}={SECRET}")
        self._environment |= {"TF_CLI_CONFIG_FILE": str(rc), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}

    def run(self, *arguments: str, timeout: float = 240) -> Said:
        """One command of terraform."""
        done = subprocess.run(
            [str(self._program), *arguments, "-no-color"], cwd=self.folder, env=self._environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout + done.stderr)

    def write(self, text: str) -> None:
        """The configuration from now on."""
        (self.folder / "main.tf").write_text(HEAD + text, encoding="utf-8")

    def begin(self, text: str) -> None:
        """Write and initialise. Raises AssertionError when terraform does not like it."""
        self.write(text)
        said = self.run("init", "-input=false")
        assert said.code == 0, said.text

    def plan(self) -> Said:
        """Exit 0: nothing to do, 2: changes."""
        return self.run("plan", "-input=false", "-detailed-exitcode")

    def apply(self, *more: str) -> Said:
        """Apply without a question."""
        return self.run("apply", "-input=false", "-auto-approve", *more)

    def destroy(self, *more: str) -> Said:
        """Destroy without a question."""
        return self.run("destroy", "-input=false", "-auto-approve", *more)


@contextmanager
def workspace(pve: ProxmoxEmulator, folder: Path, rc: Path, program: Path) -> Iterator[Workspace]:
    """A folder with the emulator behind it."""
    with serve(pve) as served:
        yield Workspace(folder, served, rc, program)


def facts(pve: ProxmoxEmulator) -> dict[str, Any]:
    """The state as data when all tasks have ended, without lists that are empty because nothing is in them."""
    deadline = time.monotonic() + 5
    while not pve.site.tasks.idle() and time.monotonic() < deadline:
        time.sleep(0.005)
        pve.settle()
    return {key: copy.deepcopy(value) for key, value in sorted(pve.state.items()) if value not in ([], {})}
