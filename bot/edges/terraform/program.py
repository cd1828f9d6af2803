"""The terraform program in one folder: plan, keep the plan, apply exactly that.

In: a folder with ``*.tf`` files. Out: a ``TerraformPlan``. Never: an apply without a kept plan, ``init -upgrade``,
``force-unlock``, ``-lock=false``; a plan file that outlives its apply; an ``errored.tfstate`` that is deleted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.edges.terraform.environment import environment
from bot.edges.terraform.failures import Failed, trouble, unsaved
from bot.edges.terraform.limits import ERRORED, PLAN_FILE, TerraformLimits
from bot.edges.terraform.process import Ran, Runner
from bot.edges.terraform.reading import digest, planned, state_of
from bot.edges.terraform.wording import shown
from bot.errors import Code, Refusal, Refused
from bot.model.stack import StateId, TerraformPlan

_LOCK_FILE: Final = ".terraform.lock.hcl"
_OLDEST: Final = (1, 5)
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
_GET_IT: Final = (
    "Install terraform 1.5 or newer (developer.hashicorp.com/terraform/install; in a workflow the action "
    "hashicorp/setup-terraform), so that `terraform version` answers."
)


def named(folder: Path) -> str:
    """A stack's folder as people know it: ``apps/shop/terraform``; of another folder its name."""
    return "/".join(folder.parts[-3:]) if folder.name == "terraform" else folder.name


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class TerraformProgram:
    """``bot.deploy.Terraform``.

    ``binary`` is a name searched on ``ours["PATH"]``, or a path. ``redact`` takes secret values out of every text that
    leaves. ``asked`` answers True when a run has to stop (a signal to this process does the same, in the main thread).
    """

    redact: Callable[[str], str]
    binary: str = "terraform"
    limits: TerraformLimits = field(default_factory=TerraformLimits)
    ours: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    asked: Callable[[], bool] = _never
    name: Callable[[Path], str] = named

    def plan(self, folder: Path, *, destroy: bool = False) -> TerraformPlan:
        """See ``bot.deploy.Terraform``. Refused(conflict) while an unsaved state lies in the folder."""
        self._saved(folder)
        self._known_version(folder)
        kept = folder / PLAN_FILE
        kept.unlink(missing_ok=True)
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        readonly = ("-lockfile=readonly",) if (folder / _LOCK_FILE).is_file() else ()
        self._run(folder, "init", "-input=false", "-no-color", *readonly, seconds=self.limits.init)
        goal = ("-destroy",) if destroy else ()
        try:
            self._run(folder, "plan", f"-out={PLAN_FILE}", *goal, *self._common(), seconds=self.limits.plan)
            return self._read(folder)
        except BaseException:
            kept.unlink(missing_ok=True)
            raise

    def apply(self, folder: Path) -> None:
        """See ``bot.deploy.Terraform``. Afterwards the plan is gone, whatever happened."""
        self._saved(folder)
        kept = folder / PLAN_FILE
        if not kept.is_file():
            raise Refused(
                Refusal(
                    code=Code.CONFLICT,
                    message=f"No plan of {self.name(folder)} is kept; a plan is good for one apply.",
                    remedy="Plan again, then apply.",
                )
            )
        try:
            before = state_of(kept)
            ran = self._run(folder, "apply", *self._common(), PLAN_FILE, seconds=self.limits.apply, harmless=False)
        finally:
            kept.unlink(missing_ok=True)
        self._arrived(folder, before, ran)

    def unsaved_state(self, folder: Path) -> Path | None:
        """See ``bot.deploy.Terraform``."""
        path = folder / ERRORED
        return path if path.is_file() else None

    def _common(self) -> tuple[str, ...]:
        limits = self.limits
        return ("-input=false", "-no-color", f"-lock-timeout={limits.lock}s", f"-parallelism={limits.parallelism}")

    def _read(self, folder: Path) -> TerraformPlan:
        limits = self.limits
        told = self._run(folder, "show", "-json", PLAN_FILE, seconds=limits.read, output=limits.json_output)
        text = self._run(folder, "show", "-no-color", PLAN_FILE, seconds=limits.read)
        document: Mapping[str, Any] = json.loads(told.out)
        diff, cut = shown(text.out, most=limits.shown, redact=self.redact)
        return TerraformPlan(
            digest=digest(document),
            state=state_of(folder / PLAN_FILE),
            actions=planned(document),
            text=diff,
            text_cut=cut,
        )

    def _arrived(self, folder: Path, before: StateId, ran: Ran) -> None:
        """A backend may say that it saved and have nothing: then the next plan would make everything twice."""
        if not re.search(r"(?:Creation|Modifications|Destruction) complete", ran.out):
            return
        pulled = self._run(
            folder, "state", "pull", seconds=self.limits.read, output=self.limits.json_output, after="apply"
        ).out
        found = json.loads(pulled) if pulled.strip() else {}
        newer = found.get("lineage") != before.lineage or found.get("serial", -1) > (before.serial or 0)
        if found.get("lineage") and newer:
            return
        place = self.name(folder)
        raise Refused(
            Refusal(
                code=Code.CONFLICT,
                message=f"The apply of {place} was done, and the state backend took the new state and lost it. "
                "What was made exists, and no state knows of it.",
                remedy="Do not apply again: everything would be made twice. Mend the state backend, look for the "
                "newest version in its history, else take each resource over with "
                f"`terraform -chdir={place} import ADDRESS ID`.",
            )
        )

    def _saved(self, folder: Path) -> None:
        if self.unsaved_state(folder) is not None:
            raise unsaved(self._failed(folder, Ran(1, "", ""), "plan"))

    def _known_version(self, folder: Path) -> None:
        out = self._run(folder, "version", seconds=self.limits.read).out
        found = _VERSION.search(out)
        if found is None or (int(found[1]), int(found[2])) < _OLDEST:
            told = f"version {found[0]}" if found else "of a version that it does not tell"
            raise Refused(
                Refusal(
                    code=Code.CONFIG, message=f"The terraform of this machine is {told}; 1.5 is needed.", remedy=_GET_IT
                )
            )

    def _run(
        self,
        folder: Path,
        *arguments: str,
        seconds: float,
        output: int | None = None,
        harmless: bool = True,
        after: str | None = None,
    ) -> Ran:
        most = self.limits.output if output is None else output
        try:
            ran = self._runner().run(folder, *arguments, seconds=seconds, output=most, harmless=harmless)
        except OSError as error:
            raise Refused(_missing(f"could not be started ({error.strerror})")) from None
        if ran.code != 0 or (ran.stopped and harmless):
            raise trouble(self._failed(folder, ran, after or arguments[0]))
        return ran

    def _failed(self, folder: Path, ran: Ran, step: str) -> Failed:
        return Failed(ran, step, self.name(folder), self.unsaved_state(folder) is not None, self.redact)

    def _runner(self) -> Runner:
        seen = environment(self.ours)
        program = shutil.which(self.binary, path=seen["PATH"])
        if program is None:
            raise Refused(_missing("is not installed on this machine"))
        return Runner(program=program, environment=seen, limits=self.limits, asked=self.asked)


def _missing(what: str) -> Refusal:
    return Refusal(code=Code.CONFIG, message=f"terraform {what}, so nothing can be planned or applied.", remedy=_GET_IT)
