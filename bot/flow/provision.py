"""The whole belt for one command: permission, reading, planning, pull request, and one visible end.

    admission ─▶ eyes ─▶ "working on it" ─▶ preview ─▶ publish ─▶ "opened #7" ─▶ rocket
                                     │           └── one question with answers to copy; nothing is opened
                                     └── refused(code): one comment that says why and what to do ─▶ confused

In: an order and the office. Out: ``Published``. Never: a write before the permission was asked, a second comment. Every
arrow that touches the world is one step; their names and order are part of what is stored, so a change to them needs
the care that ``docs/architecture.md`` describes.
"""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from bot.errors import Cancelled, Code, Refusal, Refused, Unavailable
from bot.flow.admission import admitted
from bot.flow.answer import react, refuse, say, stopped, turn_away
from bot.flow.ask import ask, asking
from bot.flow.config_file import CONFIG_PATH
from bot.flow.dockerfile import asked, propose
from bot.flow.house import Office
from bot.flow.memory import learn, recalling
from bot.flow.open_plan import infra_repo_of
from bot.flow.order import Request, branch_name, pull_key
from bot.flow.preview import Preview, WhenUnreachable, preview
from bot.model.command import Provision, RepoTarget
from bot.model.config import Config
from bot.model.consultation import Effort
from bot.model.order import Order
from bot.model.outcome import OpenPull, Published, PullRequest
from bot.ports import Progress
from bot.rendering import status
from bot.rendering.pull_request import pull_text

_PULLS: Final[TypeAdapter[tuple[OpenPull, ...]]] = TypeAdapter(tuple[OpenPull, ...])
_PULL: Final[TypeAdapter[PullRequest]] = TypeAdapter(PullRequest)
_READABLE: Final[TypeAdapter[Refusal | None]] = TypeAdapter(Refusal | None)


def provision(request: Request, office: Office, *, progress: Progress) -> Published:
    """Run one ``/ai-provision`` to its visible end.

    Raises Broken (a defect), and Refused or Unavailable when GitHub takes no word of ours.
    """
    order = request.order
    config = admitted(order, office, holds=True)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    try:
        return _served(request, office, config=config, progress=progress)
    except Cancelled as stop:
        return stopped(order, stop.by, office)


def _served(request: Request, office: Office, *, config: Config, progress: Progress) -> Published:
    order = request.order
    react(order, office, "eyes")
    say(order, office, status.working(1, job=order.job), step="say-accepted")
    planned = _planned(request, office, config=config, progress=progress)
    if isinstance(planned, Refusal):
        return refuse(order, planned, office)
    if planned.inquiry is not None:
        return ask(order, planned.inquiry, office, efforts=planned.efforts)
    say(order, office, status.working(3, job=order.job), step="say-planned")
    progress("Opening the pull request")
    pull = publish(planned, office, config=config, order=order)
    if isinstance(pull, Refusal):
        return refuse(order, pull, office)
    proposed = propose(planned, request.command, order, office, config=config) if asked(planned) else None
    return opened(planned, pull, order, office, proposed=proposed)


def opened(
    planned: Preview,
    pull: PullRequest,
    order: Order,
    office: Office,
    *,
    efforts: tuple[Effort, ...] = (),
    read_as: str = "",
    proposed: PullRequest | Refusal | None = None,
) -> Published:
    """Say that the pull request is open. ``efforts`` were spent before the plan; ``read_as``: how words were read;
    ``proposed``: what became of the Dockerfile that was asked for.
    """
    spent = (*efforts, *planned.efforts)
    text = status.finished(planned.document, pull, job=order.job, efforts=spent, read_as=read_as, proposed=proposed)
    url = say(order, office, text, step="say-finished", last=True)
    react(order, office, "rocket", last=True)
    return Published(kind="pull-request", pull=pull, comment_url=url, efforts=spent)


def _planned(request: Request, office: Office, *, config: Config, progress: Progress) -> Preview | Refusal:
    command = as_meant(request.command, infra_repo_of(request.order, office))
    barred = host_refusal(command, config) or unreadable(command, request.order, office)
    if barred is not None:
        return barred
    reach: WhenUnreachable = "draft" if config.when_unreachable == "draft" else "refuse"
    return preview(
        command,
        recalling(asking(office.house), request.order, office, config=config),
        steps=office.steps,
        config=config,
        when_unreachable=reach,
        progress=progress,
    )


def as_meant(command: Provision, infra_repo: str) -> Provision:
    """A request that names the infrastructure repository itself asks for machines or a cluster."""
    target = command.target
    if (
        not isinstance(target, RepoTarget)
        or target.tree
        or f"{target.owner}/{target.name}".lower() != infra_repo.lower()
    ):
        return command
    return command.model_copy(update={"wants": "either"})


def host_refusal(command: Provision, config: Config) -> Refusal | None:
    """``repo-host`` when the config file does not list the host of ``git_repo``."""
    target = command.target
    if config.git_hosts is None or not isinstance(target, RepoTarget) or target.host in config.git_hosts:
        return None
    return Refusal(
        code=Code.REPO_HOST,
        message=f"The host {target.host} is not listed under git_hosts in {CONFIG_PATH}.",
        remedy=f"Name a repository on {', '.join(config.git_hosts) or 'a listed host'}, or have the host added.",
    )


def unreadable(command: Provision, order: Order, office: Office) -> Refusal | None:
    """A private repository is read only for somebody who may read it."""
    target, login = command.target, order.actor.login
    if not isinstance(target, RepoTarget):
        return None
    try:
        return office.steps.run("may-read", lambda: office.forge.readable(target, login), _READABLE)
    except (Refused, Unavailable) as stop:
        return stop.refusal


def publish(
    planned: Preview, office: Office, *, config: Config, order: Order | None, key: str | None = None
) -> PullRequest | Refusal:
    """One branch, one commit, one pull request; ``order`` is None on the command line.

    What was open before is remembered first, so that an attempt that was cut off behind its write still says "opened".
    ``key`` is the key of an open pull request that is changed from another thread than the one that owns it.
    """
    infra_repo = office.infra_repo or (order.thread.full_name if order else "")
    thread = order.thread if order else None
    app = planned.document.plan.app
    text = pull_text(
        planned.document,
        config=config,
        draft=planned.draft,
        rounds=sum(each.kept for each in planned.reviewed.rounds),
        asked_by=f"{thread.full_name}#{thread.number}" if thread else None,
        efforts=planned.efforts,
        before=planned.reviewed.evidence.before,
    )
    when = order.at if order else office.house.clock.now()

    def write() -> PullRequest:
        pull = office.forge.publish(
            infra_repo,
            branch=branch_name(app, infra_repo=infra_repo),
            marker=key or pull_key(app, infra_repo=infra_repo, thread=thread),
            changes=planned.reviewed.changes,
            text=text,
            message=f"Provision {app}\n\n{planned.document.request.git_repo}",
            when=when,
        )
        learn(planned, office, infra_repo=infra_repo, at=when)
        return pull

    try:
        before = office.steps.run("open-pulls", lambda: office.forge.open_pulls(infra_repo), _PULLS)
        pull = office.steps.run("publish", write, _PULL)
    except (Refused, Unavailable) as stop:
        return stop.refusal
    return pull.model_copy(update={"created": pull.number not in {known.number for known in before}})
