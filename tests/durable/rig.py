"""A bot that is killed on purpose: emulated GitHub and clusters in this process, workers in processes that die.

``World`` holds what outlives a worker. ``Gate`` stands before every emulator, numbers each call that arrives and kills the
worker before or after the chosen one. ``run_worker`` starts a worker in a fresh process and waits for its end.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import re
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.demo import APPLICATION, COMMENT, INFRA, examples
from bot.edges.clock import RealClock
from bot.edges.ledger import SqlLedger, open_ledger
from bot.emulators.github import GitHubEmulator
from bot.emulators.kubernetes import KubernetesEmulator
from bot.emulators.loopback import Loopback
from bot.emulators.proxmox import ProxmoxEmulator
from bot.errors import Unavailable
from bot.meters import Meters
from bot.model.command import RawEvent
from bot.ports import Clock
from bot.settings import read_settings
from bot.workshop import open_shop
from tests.fakes.clock import StoppedClock

Mode = Literal["before", "after"]
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.durable.warm"])
_TIMES = re.compile(r"20\d\d-\d\d-\d\d[T ][\d:.]+Z?|index 0{7}\.\.[0-9a-f]{7}")
"""When the clusters were read, and the hash of the file that says so."""
_READER = "ai-provision@pve!survey"


@dataclass
class Gate:
    """Numbers the calls of the worker, and kills it at the chosen one."""

    at: int | None = None
    mode: Mode = "before"
    victim: int | None = None
    strike: Callable[[], None] | None = None
    """Done in the place of the kill; the call is then answered."""
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, app: ASGIApp) -> ASGIApp:
        async def gated(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            fatal = self._number(f"{scope['method']} {scope['path']}")
            if fatal and self.strike is not None:
                self.strike()
                fatal = False
            if fatal and self.mode == "before":
                self._kill()
                return
            held: list[Message] = []

            async def keep(message: Message) -> None:
                held.append(message)

            await app(scope, receive, keep if fatal else send)
            if fatal:
                self._kill()

        return gated

    def _number(self, call: str) -> bool:
        with self.lock:
            self.calls.append(call)
            return self.at == len(self.calls) - 1

    def _kill(self) -> None:
        if self.victim is not None:
            os.kill(self.victim, signal.SIGKILL)


@dataclass
class World:
    """What outlives a worker: GitHub, the clusters, the database."""

    root: Path
    github: GitHubEmulator
    gate: Gate
    environment: dict[str, str]
    events: queue.Queue[RawEvent]
    hook: str
    """Where webhooks are caught."""

    def command(self, text: str = COMMENT, *, login: str = "ada") -> int:
        """Comment ``text`` on a new issue; the event is stored. Returns the issue's number."""
        number = self.github.open_issue(INFRA, login, title="A place for the inventory service")
        self.say(number, text, login=login)
        return number

    def say(self, number: int, text: str, *, login: str = "ada") -> None:
        """Comment on an issue; the event is stored."""
        self.github.comment(INFRA, number, login, text)
        self.store()

    def store(self) -> None:
        """Store the events that came."""
        with open_ledger(self.url, clock=RealClock()) as ledger:
            while not self.events.empty():
                ledger.accept(self.events.get_nowait())

    @property
    def url(self) -> str:
        return self.environment["AI_PROVISION_DATABASE_URL"]

    def end_state(self, number: int) -> dict[str, Any]:
        """What people see, without what differs from run to run."""
        pulls = self.github.pulls(INFRA)
        seen = {
            "comments": [
                said.body for said in self.github.comments(INFRA, number) if said.account.login == "ai-provision"
            ],
            "pulls": [
                {"title": pull.title, "body": pull.body, "files": self.github.pull_diff(INFRA, pull.number)}
                for pull in pulls
            ],
            "branches": sorted(self.github.branches(INFRA)),
            "reactions": [
                sorted(given.content for given in said.reactions) for said in self.github.comments(INFRA, number)
            ],
        }
        return json.loads(_TIMES.sub("(time)", json.dumps(seen).replace(self.github.base_url, "https://github")))


class _Listener:
    """GitHub's webhooks, caught."""

    def __init__(self) -> None:
        self.events: queue.Queue[RawEvent] = queue.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        event = RawEvent(delivery_id=headers["x-github-delivery"], event=headers["x-github-event"], body=body)
        self.events.put(event)
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def world(root: Path, *, database: str | None = None, clock: Clock | None = None) -> Iterator[World]:
    """Everything but the worker. ``clock``: GitHub's; an App needs one that goes right."""
    with ExitStack() as stack:
        gate, listener = Gate(), _Listener()
        github = GitHubEmulator(root / "github", clock=clock or StoppedClock())
        github.app = gate.around(github.app)
        github.add_repository(APPLICATION, examples() / "supermarket-inventory")
        config = (examples() / "ai-provision.yaml").read_text()
        github.add_repository(INFRA, {"README.md": "# Infrastructure\n", ".ai-provision.yaml": config})
        for login in ("ada", "ai-provision"):
            github.add_user(login, kind="Bot" if login == "ai-provision" else "User")
            github.grant(INFRA, login, "write")
        url = stack.enter_context(github.serve())
        hook = stack.enter_context(Loopback(listener))
        github.hook(INFRA, f"{hook.url}/webhooks/github", "secret")
        environment = _environment(root, url, github.add_token("ai-provision"), gate, stack)
        environment["AI_PROVISION_DATABASE_URL"] = database or f"sqlite:///{root}/bot.sqlite"
        yield World(root=root, github=github, gate=gate, environment=environment, events=listener.events, hook=hook.url)


def _environment(root: Path, github: str, token: str, gate: Gate, stack: ExitStack) -> dict[str, str]:
    proxmox = ProxmoxEmulator(
        _small(json.loads((examples() / "proxmox-api.json").read_text())), tokens={_READER: "demo"}
    )
    proxmox_url = stack.enter_context(Loopback(gate.around(proxmox.app))).url
    kubernetes = KubernetesEmulator.from_file(examples() / "kubernetes-api.json")
    kubernetes_url = stack.enter_context(Loopback(gate.around(kubernetes.app))).url
    (root / "kubeconfig.json").write_text(kubernetes.kubeconfig(kubernetes_url))
    return {
        "GITHUB_API_URL": github,
        "GITHUB_TOKEN": token,
        "AI_PROVISION_INFRA_REPO": INFRA,
        "AI_PROVISION_WRITE_PAUSE": "0",
        "AI_PROVISION_EXECUTOR_ID": "one",
        "PROXMOX_VE_ENDPOINT": proxmox_url,
        "PROXMOX_VE_API_TOKEN": f"{_READER}=demo",
        "KUBECONFIG": str(root / "kubeconfig.json"),
    }


def _small(cluster: dict[str, Any]) -> dict[str, Any]:
    """The example's first node with one template: fewer calls, the same kinds of calls."""
    gone = ("nodes/pve2/", "nodes/pve3/")
    guests = [f"nodes/pve1/qemu/{number}" for number in (101, 111, 120, 130)]
    kept = {path: data for path, data in cluster.items() if not path.startswith((*gone, *guests))}
    kept["cluster/resources"] = [
        item
        for item in cluster["cluster/resources"]
        if item.get("node") in {"pve1", None} and item.get("vmid") in {None, 9000}
    ]
    kept["cluster/status"] = [
        {**item, "nodes": 1} if item["type"] == "cluster" else item
        for item in cluster["cluster/status"]
        if item.get("name") in {"home", "pve1"}
    ]
    kept["cluster/ha/resources"], kept["cluster/ha/rules"] = [], []
    return kept


class DeadlyMeters(Meters):
    """Kills its own process when the n-th step was done and is not yet remembered."""

    def __init__(self, at: int | None) -> None:
        super().__init__()
        self._at = at
        self.steps = 0

    def step(self, name: str, seconds: float) -> None:
        super().step(name, seconds)
        if self._at == self.steps:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps += 1


@dataclass(frozen=True, kw_only=True)
class Life:
    """How a worker lives. ``chores``: with its schedules, ``watch_every`` in seconds.

    ``room``: bytes that a file may have, as long as ``room_for`` seconds after the start of work (None: to the end).
    """

    chores: bool = False
    watch_every: float = 15.0
    drain: float = 5.0
    room: int | None = None
    room_for: float | None = None


PLAIN = Life()


def _work(
    environment: Mapping[str, str], die_at_step: int | None, patience: float, told: Any, life: Life = PLAIN
) -> None:
    """A worker's life: until every stored command has ended, its lease is lost, or nobody waits for it any more."""
    meters = DeadlyMeters(die_at_step)
    with limited(life.room):
        with open_shop(
            read_settings(environment),
            meters=meters,
            drain=life.drain,
            chores=life.chores,
            watch_every=life.watch_every,
        ) as ledger:
            word = _live(ledger, life, patience)
            if life == PLAIN:
                _leave(told, word, meters.steps)
        told.put((word, meters.steps))


def _leave(told: Any, word: str, steps: int) -> None:
    """Say how it ended, and go without an orderly end: it is not what these tests are about, and takes a second."""
    told.put((word, steps))
    told.close()
    told.join_thread()
    os._exit(0)


def _live(ledger: SqlLedger, life: Life, patience: float) -> str:
    began = time.monotonic()
    while time.monotonic() - began < patience:
        if life.room_for is not None and time.monotonic() - began > life.room_for:
            limit_files(None)
        if not ledger.leading():
            return "lease"
        with suppress(Unavailable):
            backlog = ledger.backlog()
            if backlog.events == backlog.commands == 0:
                return "done"
        time.sleep(0.05)
    return "late"


@contextmanager
def limited(room: int | None) -> Iterator[None]:
    """No file of this process grows beyond ``room`` bytes: what a full disk is to a database."""
    limit_files(room)
    try:
        yield
    finally:
        limit_files(None)


def limit_files(room: int | None) -> None:
    """Set, or with None lift, the limit."""
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY if room is None else room, resource.RLIM_INFINITY)
    )


SMALL = """/ai-provision

git_repo: "https://github.com/myorg/supermarket-inventory"
app_description: "Inventory service, 20 QPS peak, PostgreSQL"
"""


def start_worker(
    world: World, *, die_at_step: int | None = None, patience: float = 60.0, life: Life = PLAIN, **settings: str
) -> tuple[Any, Any]:
    """A worker in a process of its own, and the queue on which it says how it ended."""
    told = PROCESSES.Queue()
    process = PROCESSES.Process(
        target=_work, args=({**world.environment, **settings}, die_at_step, patience, told, life), daemon=True
    )
    process.start()
    world.gate.victim = process.pid
    return process, told


def run_worker(
    world: World, *, die_at_step: int | None = None, patience: float = 60.0, life: Life = PLAIN, **settings: str
) -> int:
    """Run a worker to its end; the number of steps it did. Raises AssertionError unless it ended as it should."""
    process, told = start_worker(world, die_at_step=die_at_step, patience=patience, life=life, **settings)
    process.join(patience + 30)
    assert process.exitcode == 0, f"the worker ended with {process.exitcode}"
    word, steps = told.get(timeout=5)
    assert word == "done", "commands were left undone"
    return int(steps)


def run_until_killed(world: World, *, die_at_step: int | None = None, **settings: str) -> None:
    """Run a worker that has to be killed on its way."""
    process, _told = start_worker(world, die_at_step=die_at_step, **settings)
    process.join(90)
    assert process.exitcode == -signal.SIGKILL, f"the worker was not killed: {process.exitcode}"


def job_ends(world: World) -> list[tuple[str, str | None]]:
    """(kind, code) of every job, oldest first."""
    with open_ledger(world.url, clock=RealClock()) as ledger:
        jobs = ledger.listing(limit=10_000)
    return [(job.published.kind, job.published.code) if job.published else ("open", None) for job in reversed(jobs)]


def shift_stored_times(database: Path, seconds: float) -> int:
    """Move every time in the database, which is what a jump of the clock between two runs looks like; rows changed."""
    changed = 0
    with sqlite3.connect(database) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            for _, column, *_rest in connection.execute(f"PRAGMA table_info('{table}')").fetchall():
                if column.endswith(("_at", "_ms", "_at_epoch_ms")) and isinstance(column, str):
                    unit = 1000 if column.endswith("_ms") or table in {"workflow_status", "operation_outputs"} else 1
                    changed += connection.execute(
                        f"UPDATE '{table}' SET {column} = {column} + ? WHERE typeof({column}) IN ('integer', 'real')",  # noqa: S608
                        (seconds * unit,),
                    ).rowcount
    connection.close()
    return changed


def as_json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True)
