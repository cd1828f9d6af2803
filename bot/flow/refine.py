"""One ``/ai-refine`` to its visible end: the same belt with some numbers fixed, and the same pull request.

    admission ─▶ eyes ─▶ "working on it" ─▶ open plan ─▶ preview with the changes ─▶ publish ─▶ "updated #7" ─▶ rocket
                                     │           └── plain words: a model reads them as changes, once
                                     └── refused(code): one comment that says why and what to do ─▶ confused

In: an order, the changes or words, and the office. Out: ``Published``. Never: a repository that the commander may not
read, another branch than the open pull request's. The names and the order of the steps are stored; see
``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.agents.interpreter import Interpreted
from bot.errors import Cancelled, Code, Refusal
from bot.flow.admission import admitted
from bot.flow.answer import react, refuse, say, stopped, turn_away
from bot.flow.ask import ask, asking
from bot.flow.house import Office
from bot.flow.memory import recalling
from bot.flow.open_plan import OpenPlan, infra_repo_of, open_plan
from bot.flow.order import branch_name
from bot.flow.preview import Preview, WhenUnreachable, preview
from bot.flow.provision import as_meant, host_refusal, opened, publish, unreadable
from bot.flow.words import Unread, typed
from bot.model.command import Provision, Refine
from bot.model.config import Config
from bot.model.order import Order
from bot.model.outcome import Published, PullRequest
from bot.model.refinement import Refinement, merged
from bot.ports import Progress
from bot.rendering import status

Reread = Callable[[str, str], Provision | Refusal]
"""Reads ``git_repo`` and ``app_description`` of a ``plan.json`` as strictly as those of a comment."""


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What does not change on the way."""

    order: Order
    office: Office
    config: Config
    reread: Reread
    unread: Unread
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """The open plan, what it was asked with, and the changes."""

    there: OpenPlan
    again: Provision
    read: Interpreted

    @property
    def read_as(self) -> str:
        """What plain words were read as."""
        return self.read.written if self.read.model else ""

    def about(self, refusal: Refusal) -> Refusal:
        """A refusal of what words were read as says so."""
        if not self.read_as:
            return refusal
        return refusal.model_copy(update={"message": f"Your words were read as {self.read_as}. {refusal.message}"})


def refine(
    command: Refine, order: Order, office: Office, *, reread: Reread, unread: Unread, progress: Progress
) -> Published:
    """Run one ``/ai-refine`` to its visible end.

    Raises Broken (a defect), and Refused or Unavailable when GitHub takes no word of ours.
    """
    config = admitted(order, office, holds=True)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    work = _Work(order=order, office=office, config=config, reread=reread, unread=unread, progress=progress)
    try:
        return _served(command, work)
    except Cancelled as stop:
        return stopped(order, stop.by, office)


def _served(command: Refine, work: _Work) -> Published:
    order, office = work.order, work.office
    react(order, office, "eyes")
    say(order, office, status.working(1, job=order.job), step="say-accepted")
    ready = _ready(command, work)
    if isinstance(ready, Refusal):
        return refuse(order, ready, office)
    planned = _planned(ready, work)
    if isinstance(planned, Refusal):
        return refuse(order, ready.about(planned), office)
    if planned.inquiry is not None:
        return ask(order, planned.inquiry, office, efforts=(*ready.read.efforts, *planned.efforts))
    pull = _published(planned, ready, work)
    if isinstance(pull, Refusal):
        return refuse(order, ready.about(pull), office)
    return opened(planned, pull, order, office, efforts=ready.read.efforts, read_as=ready.read_as)


def _ready(command: Refine, work: _Work) -> _Ready | Refusal:
    there = open_plan(work.order, work.office)
    if isinstance(there, Refusal):
        return there
    request = there.plan.request
    again = work.reread(request.git_repo, request.app_description)
    if isinstance(again, Refusal):
        return again.model_copy(update={"example": None, "link": there.pull.url})
    if not there.plan.services and as_meant(again, infra_repo_of(work.order, work.office)).wants == "either":
        return _machines(there)
    barred = host_refusal(again, work.config) or unreadable(again, work.order, work.office)
    if barred is not None:
        return barred
    read = typed(command, there.plan, work.office, unread=work.unread)
    return read if isinstance(read, Refusal) else _Ready(there=there, again=again, read=read)


def _planned(ready: _Ready, work: _Work) -> Preview | Refusal:
    reach: WhenUnreachable = "draft" if work.config.when_unreachable == "draft" else "refuse"
    return preview(
        ready.again,
        recalling(asking(work.office.house, efforts=ready.read.efforts), work.order, work.office, config=work.config),
        steps=work.office.steps,
        config=work.config,
        when_unreachable=reach,
        progress=work.progress,
        refinements=merged(ready.there.plan.request.refinements, refinements_of(ready.read, work.order)),
    )


def _machines(there: OpenPlan) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message="This pull request is a request for machines or a cluster; its numbers stand in its own words.",
        remedy='Give /ai-provision again with other words ("… with 5 workers, 4 cores 8 GB each"); the same pull '
        "request is updated.",
        link=there.pull.url,
    )


def refinements_of(read: Interpreted, order: Order) -> tuple[Refinement, ...]:
    """The changes with the thread that asked for them; of plain words also who read them."""
    asked_in = f"{order.thread.full_name}#{order.thread.number}"
    why = f"plain words, read by {read.model}" if read.model else ""
    refinements = (Refinement.of(change, asked_in=asked_in) for change in read.changes)
    return tuple(refinement.model_copy(update={"why": why}) for refinement in refinements)


def _published(planned: Preview, ready: _Ready, work: _Work) -> PullRequest | Refusal:
    order, app, there = work.order, planned.document.plan.app, ready.there
    branch = branch_name(app, infra_repo=infra_repo_of(order, work.office))
    if app != there.plan.app or not there.pull.branch.startswith(branch):
        return _renamed(app, there)
    say(order, work.office, status.working(3, job=order.job, read_as=ready.read_as), step="say-planned")
    work.progress("Updating the pull request")
    return publish(planned, work.office, config=work.config, order=order, key=there.pull.key)


def _renamed(app: str, there: OpenPlan) -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"The change belongs to the application {app}; pull request {there.pull.number} has another branch.",
        remedy="Close it, and give /ai-provision again.",
        link=there.pull.url,
    )
