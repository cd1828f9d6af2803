"""The port ``bot.deploy.Terraform`` in memory: what is wanted, what is, and the ways an apply can end.

In: ``wanted`` (address to value), which a test sets as a stack's files would. Out: plans and a state with lineage and
serial. Never: a process, a file of a state. Held to the contract of ``tests/edges/test_terraform_contract.py``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.stack import Action, Planned, StateId, TerraformPlan

Fault = Literal["", "locked", "backend-down", "unsaved", "halfway"]


@dataclass
class FakeTerraform:
    """``fault`` is met by the next call that can meet it, and stays until a test takes it away.

    ``halfway``: the first change succeeds and the second fails. ``log`` holds ``(verb, folder name)``.
    """

    wanted: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    serial: int = 0
    lineage: str | None = None
    fault: Fault = ""
    log: list[tuple[str, str]] = field(default_factory=list)
    reboots: frozenset[str] = frozenset()
    kept: dict[Path, tuple[TerraformPlan, dict[str, str]]] = field(default_factory=dict)
    unsaved: dict[Path, Path] = field(default_factory=dict)

    def plan(self, folder: Path, *, destroy: bool = False) -> TerraformPlan:
        """See the port."""
        self.log.append(("plan", folder.name))
        self._open(folder)
        goal = {} if destroy else dict(self.wanted)
        actions = tuple(self._planned(address, goal) for address in sorted({*goal, *self.state}))
        told = [[each.address, each.action, goal.get(each.address)] for each in actions if each.action != "no-op"]
        plan = TerraformPlan(
            digest=hashlib.sha256(json.dumps(told).encode()).hexdigest(),
            state=self._id(),
            actions=actions,
            text="\n".join(f"  # {each.address}: {each.action}" for each in actions),
        )
        self.kept[folder] = (plan, goal)
        return plan

    def apply(self, folder: Path) -> None:
        """See the port."""
        self.log.append(("apply", folder.name))
        self._open(folder)
        kept = self.kept.pop(folder, None)
        if kept is None:
            raise _refused("No plan is kept; a plan is good for one apply.", "Plan again, then apply.")
        plan, goal = kept
        if plan.state != self._id():
            raise _refused("The plan is stale: the state was changed.", "Plan again, then apply the new plan.")
        changes = [each for each in plan.actions if each.action not in {"no-op", "read"}]
        done = changes[:1] if self.fault == "halfway" else changes
        self._change(done, goal)
        self._end(folder, [each.address for each in done])

    def unsaved_state(self, folder: Path) -> Path | None:
        """See the port."""
        return self.unsaved.get(folder)

    def _open(self, folder: Path) -> None:
        if folder in self.unsaved:
            raise _refused("The state could not be saved: errored.tfstate.", "terraform state push errored.tfstate")
        if self.fault == "locked":
            raise _refused("The state is locked by ada@laptop (lock `1`).", "Wait, or `terraform force-unlock 1`.")
        if self.fault == "backend-down":
            raise Unavailable(Code.CONFIG, "The state backend does not answer.", remedy="Run this again later.")

    def _planned(self, address: str, goal: dict[str, str]) -> Planned:
        action: Action = "no-op"
        if address not in self.state:
            action = "create"
        elif address not in goal:
            action = "delete"
        elif goal[address] != self.state[address]:
            action = "update"
        because = ("input",) if action == "update" else ()
        return Planned(
            address=address, action=action, because=because, reboots=bool(because) and address in self.reboots
        )

    def _change(self, changes: list[Planned], goal: dict[str, str]) -> None:
        if not changes:
            return
        self.serial += 1
        self.lineage = self.lineage or "11111111-2222-3333-4444-555555555555"
        for each in changes:
            if each.action == "delete":
                del self.state[each.address]
            else:
                self.state[each.address] = goal[each.address]

    def _end(self, folder: Path, done: list[str]) -> None:
        named = ", ".join(f"`{address}`" for address in done)
        if self.fault == "unsaved":
            self.unsaved[folder] = folder / "errored.tfstate"
            raise _refused("The state could not be saved: errored.tfstate.", "terraform state push errored.tfstate")
        if self.fault == "halfway":
            raise _refused(f"The apply failed halfway. Done: {named}.", "Run this again: it goes on from there.")

    def _id(self) -> StateId:
        return StateId(lineage=self.lineage, serial=self.serial) if self.lineage else StateId()


def _refused(message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=Code.CONFLICT, message=message, remedy=remedy))
