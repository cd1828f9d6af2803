"""Tasks as a provider polls them.

In: a UPID. Out: status, log. Never: somebody else's task without Sys.Audit on its node.
"""

from __future__ import annotations

from bot.emulators.proxmox.action import Action
from bot.emulators.proxmox.answers import Json
from bot.emulators.proxmox.tasks import Task


def _task(action: Action) -> Task:
    task = action.site.tasks.find(action.word("upid"))
    if task.user.partition("!")[0] != action.auth.partition("!")[0]:
        action.need(f"/nodes/{task.node}", "Sys.Audit")
    return task


def status(action: Action) -> Json:
    """``GET tasks/{upid}/status``."""
    return _task(action).row()


def log(action: Action) -> Json:
    """``GET tasks/{upid}/log``."""
    return [{"n": number, "t": line} for number, line in enumerate(_task(action).log, start=1)]


def cancel(action: Action) -> Json:
    """``DELETE tasks/{upid}``: a running task stops and what it began is put right."""
    task = _task(action)
    if task.exitstatus is None:
        task.undo()
        task.exitstatus = "unexpected status"
        task.log.append("TASK ERROR: received interrupt")
    return None
