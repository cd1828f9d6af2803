"""Kills CI's apply at a chosen call: the whole process tree as a runner that vanishes, or SIGINT as somebody who cancels.

In: a pipeline with a merged pull request, a ``Trap``. Out: the job as it ended, the state, what stands in GitHub. Never: a
signal to a process that is not the job's own or a descendant of it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bot.applying.record import read_plans
from bot.model.stack import PlanRecord
from tests.realparts.pipeline import APPLIER, INFRA, ROOT, Pipeline

_SECONDS = 240.0
_UNLOCK = re.compile(r"`terraform -chdir=(?P<folder>\S+) (?P<words>force-unlock \S+)`")
_DESTROY = re.compile(r"on (?P<node>\S+): `qm stop (?P<id>\d+); qm destroy (?P=id) --purge`")


class Heard(list[Any]):
    """The log of an emulator, which somebody listens to while it is written."""

    def __init__(self, rows: list[Any], heard: Callable[[str], None]) -> None:
        super().__init__(rows)
        self._heard = heard

    def append(self, row: Any) -> None:
        super().append(row)
        self._heard(row if isinstance(row, str) else f"{row.method} {row.path} {row.status}")


@dataclass(frozen=True)
class Trap:
    """The calls that lead to it, in order: each ``(party, pattern)`` arms the next, and the last one fires.

    Parties: ``github`` (after the call), ``state`` (after it), ``proxmox`` (before it), ``said`` (a line of progress).
    """

    calls: tuple[tuple[str, str], ...]
    signal: signal.Signals = signal.SIGKILL


@dataclass
class Armed:
    """A trap that listens. ``fired`` is set when it went off."""

    trap: Trap
    process: subprocess.Popen[bytes] | None = None
    step: int = 0
    fired: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, party: str, call: str) -> None:
        with self.lock:
            if self.process is None or self.fired.is_set():
                return
            wanted, pattern = self.trap.calls[self.step]
            if party != wanted or not re.search(pattern, call):
                return
            self.step += 1
            if self.step == len(self.trap.calls):
                self._fire(self.process.pid)
                self.fired.set()

    def _fire(self, pid: int) -> None:
        if self.trap.signal == signal.SIGINT:
            os.kill(pid, signal.SIGINT)
            return
        os.kill(pid, signal.SIGSTOP)
        for each in (*descendants(pid), pid):
            _kill(each)


def descendants(pid: int) -> list[int]:
    """Every process below this one, by the parents that ``ps`` shows; children before grandchildren."""
    rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (row.split() for row in rows.splitlines())}
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@dataclass
class Scene:
    """One merged pull request on a pipeline."""

    pipeline: Pipeline
    number: int
    sha: str

    @property
    def stack(self) -> str:
        """``apps-web-application``."""
        return self.record.root.replace("/", "-")

    @property
    def record(self) -> PlanRecord:
        [record] = [
            row for comment in self.pipeline.github.comments(INFRA, self.number) for row in read_plans(comment.body)
        ]
        return record

    def killed(self, trap: Trap) -> int:
        """Run the job until the trap ends it; its exit status."""
        armed, p = Armed(trap), self.pipeline
        p.proxmox.calls = Heard(p.proxmox.calls, lambda call: armed.hear("proxmox", call))
        p.state.log = Heard(p.state.log, lambda call: armed.hear("state", call))
        site = p.github._site
        site.calls = Heard(site.calls, lambda call: armed.hear("github", call))
        folder = p.checkout(self.sha)
        environment = p.environment("apply", event="push", sha=self.sha, folder=folder)
        Path(environment["GITHUB_EVENT_PATH"]).write_text("{}")
        out = folder.with_suffix(".out")
        with (
            out.open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-P", "-m", "bot", "deliver"],
                cwd=folder,
                env=environment | {"PYTHONPATH": str(ROOT), "TMPDIR": str(p.root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.PIPE,
            ) as process,
        ):
            armed.process = process
            said = _lines(process, armed)
            code = process.wait(_SECONDS)
            armed.process = None
        assert armed.fired.is_set(), (code, said, out.read_text())
        return code

    def unlock(self, told: str) -> None:
        """What the person does: the printed command, in a checkout, with the state's credentials, saying yes."""
        found = _UNLOCK.search(told)
        assert found is not None, told
        p = self.pipeline
        folder = p.checkout(self.sha)
        environment = p.environment("apply", event="push", sha=self.sha, folder=folder)
        lines = environment["DELIVER_STATE_ENVIRONMENT"].splitlines()
        environment |= dict(line.split("=", 1) for line in lines if "=" in line)
        for words in ("init -input=false", found["words"]):
            command = ["terraform", f"-chdir={found['folder']}", *words.split()]
            ran = subprocess.run(
                command, cwd=folder, env=environment, input="yes\n", capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr

    def clear(self, told: str) -> list[int]:
        """What the person does on the hosts: the printed ``qm destroy`` of each machine that was left behind."""
        found = [(match["node"], int(match["id"])) for match in _DESTROY.finditer(told)]
        assert found, told
        served = self.pipeline.served
        token = served.environment(f"{APPLIER}=apply")["PROXMOX_VE_API_TOKEN"]
        with requests.Session() as session:
            session.headers["Authorization"], session.verify = f"PVEAPIToken={token}", str(served.authority)
            for node, vm_id in found:
                base = f"{served.url.rstrip('/')}/api2/json/nodes/{node}/qemu/{vm_id}"
                session.post(f"{base}/status/stop", timeout=30)
                time.sleep(0.3)
                answer = session.delete(f"{base}?purge=1", timeout=30)
                assert answer.ok, answer.text
            self._gone(session, {vm_id for _, vm_id in found})
        return [vm_id for _, vm_id in found]

    def _gone(self, session: requests.Session, vm_ids: set[int]) -> None:
        """Destroying is a task of the host; a look at the cluster shows when it has ended."""
        url = f"{self.pipeline.served.url.rstrip('/')}/api2/json/cluster/resources"
        for _ in range(100):
            rows = session.get(url, timeout=30).json()["data"]
            if not vm_ids & {row.get("vmid") for row in rows}:
                return
            time.sleep(0.1)

    @property
    def guests(self) -> dict[str, list[int]]:
        """The VMIDs of each name, templates left out."""
        found: dict[str, list[int]] = {}
        for row in self.pipeline.proxmox.state["cluster/resources"]:
            if row["type"] == "qemu" and not row.get("template"):
                found.setdefault(row["name"], []).append(row["vmid"])
        return found


def _lines(process: subprocess.Popen[bytes], armed: Armed) -> list[str]:
    """Its progress, line by line, until it ended."""
    assert process.stderr is not None
    found = []
    for line in process.stderr:
        found.append(line.decode(errors="replace").strip())
        armed.hear("said", found[-1])
    return found
