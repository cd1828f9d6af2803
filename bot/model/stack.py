"""A stack: one folder of the infrastructure repository that a merge brings to life, and what is about to happen to it.

In: facts of git, of Terraform, of the clusters. Out: immutable values. Never: a secret, the text of a state file.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AwareDatetime

from bot.model.noun import Noun

REMOVED: Final = "removed.json"
"""The file that stays of a folder which /ai-destroy takes away: without it a vanished folder destroys no machine."""


class Stack(Noun):
    """A folder such as ``apps/shop`` or ``clusters/dev``, at one commit.

    ``change``: ``removed`` when only its tombstone (``REMOVED``) is left, or nothing. ``data``: the tombstone names
    data disks too. ``base``: the commit before, whose files describe what exists.
    """

    root: str
    name: str
    commit: str
    base: str | None = None
    change: Literal["added", "changed", "removed", "unchanged"] = "changed"
    terraform: bool = False
    manifests: bool = False
    playbook: bool = False
    tombstone: bool = False
    data: bool = False

    @property
    def queue(self) -> str:
        """The name under which one apply at a time runs: one state, one queue."""
        return self.root.replace("/", "-")


class StateId(Noun):
    """Which state a plan was made against: Terraform's lineage and serial; both None for a state that is empty."""

    lineage: str | None = None
    serial: int | None = None


Action = Literal["create", "update", "delete", "replace", "read", "no-op", "import"]


class Planned(Noun):
    """What Terraform will do to one resource. ``because``: the arguments that force a replacement or change in place.

    ``reboots``: an argument changes that a running guest takes only after a restart.
    """

    address: str
    action: Action
    because: tuple[str, ...] = ()
    reboots: bool = False
    name: str | None = None


class TerraformPlan(Noun):
    """A plan that was made and not yet applied. ``digest`` is of the normalised planned changes, sensitive values left
    out, so that two plans of the same change are equal; ``text`` is Terraform's own diff, masked.
    """

    digest: str
    state: StateId = StateId()
    actions: tuple[Planned, ...] = ()
    text: str = ""
    text_cut: bool = False

    @property
    def empty(self) -> bool:
        """Nothing to do."""
        return all(each.action in {"no-op", "read"} for each in self.actions)

    def counts(self) -> dict[str, int]:
        """How many resources each action concerns; ``no-op`` and ``read`` are left out."""
        told = [each.action for each in self.actions if each.action not in {"no-op", "read"}]
        return {action: told.count(action) for action in dict.fromkeys(told)}


class PlanRecord(Noun):
    """The plan that reviewers saw, kept unseen in the plan comment; good for one apply.

    ``config_digest`` is of the stack's files; ``actions`` are ``address action`` of what changes. ``used_by`` names the
    commit that was applied with it.
    """

    root: str
    head: str
    base: str
    config_digest: str
    state: StateId
    plan_digest: str
    actions: tuple[str, ...] = ()
    used_by: str | None = None


CheckName = Literal[
    "vm-id", "node-online", "quorum", "memory", "cpu", "n-plus-one", "storage-space", "storage-content", "bridge",
    "vlan", "template", "pool", "address", "privileges", "hardware", "name", "kubernetes-room", "quota",
]  # fmt: skip


class Check(Noun):
    """One test of the preflight. ``unknown``: what it needs was not read; that blocks an apply as a failure does."""

    name: CheckName
    state: Literal["passed", "failed", "unknown", "skipped"]
    about: str
    reason: str
    remedy: str = ""


class Preflight(Noun):
    """All tests of one stack against fresh readings. ``taken_at`` is the snapshot's own."""

    root: str
    taken_at: AwareDatetime | None = None
    checks: tuple[Check, ...] = ()

    @property
    def stopping(self) -> tuple[Check, ...]:
        """What keeps an apply from beginning."""
        return tuple(check for check in self.checks if check.state in {"failed", "unknown"})


class StackPlan(Noun):
    """What the pull request shows of one stack: what would happen, and whether there is room for it now.

    ``manifests`` is what a server-side apply would change. ``code``, ``message``, ``remedy``: why there is no plan.
    """

    stack: Stack
    preflight: Preflight | None = None
    terraform: TerraformPlan | None = None
    manifests: str | None = None
    skipped: tuple[str, ...] = ()
    code: str | None = None
    message: str = ""
    remedy: str = ""

    @property
    def ready(self) -> bool:
        """Whether an apply could begin now."""
        return self.code is None and (self.preflight is None or not self.preflight.stopping)
