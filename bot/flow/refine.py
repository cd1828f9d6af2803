"""One ``/ai-refine`` to its visible end: the same belt with some numbers fixed, and the same pull request.

    admission ─▶ eyes ─▶ "working on it" ─▶ open plan ─▶ preview with the changes ─▶ publish ─▶ "updated #7" ─▶ rocket
                                     └── refused(code): one comment that says why and what to do ─▶ confused

In: an order, the changes and the office. Out: ``Published``. Never: a repository that the commander may not read,
another branch than the open pull request's. The names and the order of the steps are stored; see
``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from bot.errors import Cancelled, Code, Refusal
from bot.flow.admission import admitted
from bot.flow.answer import react, refuse, say, stopped, turn_away
from bot.flow.house import Office
from bot.flow.open_plan import OpenPlan, infra_repo_of, open_plan
from bot.flow.order import branch_name
from bot.flow.preview import Preview, WhenUnreachable, preview
from bot.flow.provision import host_refusal, publish, unreadable
from bot.model.command import Provision, Refine
from bot.model.config import Config
from bot.model.order import Order
from bot.model.outcome import Published, PullRequest
from bot.model.refinement import Refinement, merged
from bot.ports import Progress
from bot.rendering import status

Reread = Callable[[str, str], Provision | Refusal]
"""Reads ``git_repo`` and ``app_description`` of a ``plan.json`` as strictly as those of a comment."""
_READABLE: Final[TypeAdapter[Refusal | None]] = TypeAdapter(Refusal | None)


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What does not change on the way."""

    order: Order
    office: Office
    config: Config
    reread: Reread
    progress: Progress


def refine(command: Refine, order: Order, office: Office, *, reread: Reread, progress: Progress) -> Published:
    """Run one ``/ai-refine`` to its visible end.

    Raises Broken (a defect), and Refused or Unavailable when GitHub takes no word of ours.
    """
    config = admitted(order, office, holds=True)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    work = _Work(order=order, office=office, config=config, reread=reread, progress=progress)
    try:
        return _served(command, work)
    except Cancelled as stop:
        return stopped(order, stop.by, office)


def _served(command: Refine, work: _Work) -> Published:
    order, office = work.order, work.office
    react(order, office, "eyes")
    say(order, office, status.working(1, job=order.job), step="say-accepted")
    result = _replan(command, work)
    if isinstance(result, Refusal):
        return refuse(order, result, office)
    planned, pull = result
    url = say(order, office, status.finished(planned.document, pull, job=order.job), step="say-finished", last=True)
    react(order, office, "rocket", last=True)
    return Published(kind="pull-request", pull=pull, comment_url=url)


def _replan(command: Refine, work: _Work) -> tuple[Preview, PullRequest] | Refusal:
    there = open_plan(work.order, work.office)
    if isinstance(there, Refusal):
        return there
    request = there.plan.request
    again = work.reread(request.git_repo, request.app_description)
    if isinstance(again, Refusal):
        return again.model_copy(update={"example": None, "link": there.pull.url})
    barred = host_refusal(again, work.config) or unreadable(again, work.order, work.office)
    if barred is not None:
        return barred
    planned = _planned(again, merged(request.refinements, refinements_of(command, work.order)), work)
    return planned if isinstance(planned, Refusal) else _published(planned, there, work)


def refinements_of(command: Refine, order: Order) -> tuple[Refinement, ...]:
    """The changes with the thread that asked for them."""
    asked_in = f"{order.thread.full_name}#{order.thread.number}"
    return tuple(Refinement.of(change, asked_in=asked_in) for change in command.changes)


def _planned(command: Provision, refinements: tuple[Refinement, ...], work: _Work) -> Preview | Refusal:
    reach: WhenUnreachable = "draft" if work.config.when_unreachable == "draft" else "refuse"
    return preview(
        command,
        work.office.house,
        steps=work.office.steps,
        config=work.config,
        when_unreachable=reach,
        progress=work.progress,
        refinements=refinements,
    )


def _published(planned: Preview, there: OpenPlan, work: _Work) -> tuple[Preview, PullRequest] | Refusal:
    order, app = work.order, planned.document.plan.app
    branch = branch_name(app, infra_repo=infra_repo_of(order, work.office))
    if app != there.plan.app or not there.pull.branch.startswith(branch):
        return _renamed(app, there)
    say(order, work.office, status.working(3, job=order.job), step="say-planned")
    work.progress("Updating the pull request")
    pull = publish(planned, work.office, config=work.config, order=order, key=there.pull.key)
    return pull if isinstance(pull, Refusal) else (planned, pull)


def _renamed(app: str, there: OpenPlan) -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"The change belongs to the application {app}; pull request {there.pull.number} has another branch.",
        remedy="Close it, and give /ai-provision again.",
        link=there.pull.url,
    )
