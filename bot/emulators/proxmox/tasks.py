"""Worker tasks: what a UPID names, when it ends and how.

In: work to do when the time has come. Out: a UPID at once, its status on every poll. Never: a thread, a clock of its
own: the work is done by the first call that comes after the task's time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.emulators.proxmox.answers import ApiError, Row

Work = Callable[[], None]
_FIRST_PROCESS: Final = 0x1000


def nothing() -> None:
    """The work of a task that only takes its time."""


@dataclass
class Task:
    """One worker. ``ends`` in seconds of the clock; ``exitstatus`` is set when it has ended."""

    upid: str
    node: str
    kind: str
    about: str
    user: str
    process: int
    started: float
    ends: float
    work: Work
    undo: Work
    doom: str | None = None
    exitstatus: str | None = None
    log: list[str] = field(default_factory=list)

    def row(self) -> Row:
        """The answer of ``GET /nodes/{node}/tasks/{upid}/status``."""
        owner, _, token = self.user.partition("!")
        found: Row = {
            "upid": self.upid, "node": self.node, "pid": self.process, "pstart": self.process, "type": self.kind,
            "id": self.about, "user": owner, "starttime": int(self.started),
            "status": "running" if self.exitstatus is None else "stopped",
        }  # fmt: skip
        found |= {"tokenid": token} if token else {}
        return found if self.exitstatus is None else found | {"exitstatus": self.exitstatus}


@dataclass
class Tasks:
    """Every task of a cluster. ``seconds`` is how long one takes, ``durations`` the same by kind (``qmclone``)."""

    clock: Callable[[], float]
    seconds: float = 0.003
    durations: dict[str, float] = field(default_factory=dict)
    known: dict[str, Task] = field(default_factory=dict)
    active: list[Task] = field(default_factory=list)
    doom: str | None = None
    """The error with which the next task ends instead of doing its work."""
    started: int = 0

    def start(
        self, node: str, kind: str, about: str, user: str, work: Work, *, undo: Work = nothing, endless: bool = False
    ) -> str:
        """Begin a task and return its UPID; ``undo`` puts right what was begun when the work fails."""
        self.started += 1
        now, process = self.clock(), _FIRST_PROCESS + self.started
        upid = f"UPID:{node}:{process:08X}:{process:08X}:{int(now):08X}:{kind}:{about}:{user}:"
        ends = math.inf if endless else now + self.durations.get(kind, self.seconds)
        self.known[upid] = Task(upid, node, kind, about, user, process, now, ends, work, undo, self.doom)
        self.active.append(self.known[upid])
        self.doom = None
        return upid

    def later(self, seconds: float, work: Work) -> None:
        """Do something after a while without a UPID that anybody is told."""
        self.started += 1
        now = self.clock()
        self.active.append(Task("", "", "", "", "", 0, now, now + seconds, work, nothing))

    def settle(self) -> int:
        """Do the work of every task whose time has come, in order of its time; returns how many ended."""
        now = self.clock()
        due = [task for task in self.active if task.ends <= now]
        for task in sorted(due, key=lambda one: one.ends):
            _finish(task)
        self.active = [task for task in self.active if task.exitstatus is None]
        return len(due)

    def running(self, kind: str, about: str) -> bool:
        """True while a task of this kind works on this object."""
        return any(task.exitstatus is None and (task.kind, task.about) == (kind, about) for task in self.active)

    def find(self, upid: str) -> Task:
        """The task of a UPID. Raises ApiError(500) as Proxmox VE does for one that it does not know."""
        if upid not in self.known:
            raise ApiError(500, f"no such task '{upid}'")
        return self.known[upid]

    def idle(self) -> bool:
        """True when nothing works."""
        return not self.active

    def counts(self) -> Mapping[str, int]:
        """How many tasks of each kind were started."""
        kinds = [task.kind for task in self.known.values()]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def _finish(task: Task) -> None:
    problem = task.doom
    try:
        if problem is None:
            task.work()
    except ApiError as error:
        problem = str(error)
    if problem is not None:
        task.undo()
    task.exitstatus = problem or "OK"
    task.log.append("TASK OK" if problem is None else f"TASK ERROR: {problem}")
