"""The whole belt for one command: permission, reading, planning, pull request, and one visible end.

    permission ─▶ eyes ─▶ "working on it" ─▶ preview ─▶ publish ─▶ "opened #7" ─▶ rocket
                                     └── refused(code): one comment that says why and what to do ─▶ confused

In: an order and the office. Out: ``Published``. Never: a write before the permission was asked, a second comment.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.flow.house import Office
from bot.flow.order import Order, Request, branch_name, pull_key
from bot.flow.preview import Preview, WhenUnreachable, preview
from bot.model.command import Provision, RepoTarget
from bot.model.config import Commands, Config
from bot.model.outcome import Published, PullRequest
from bot.ports import Permission, Progress
from bot.rendering import status
from bot.rendering.pull_request import pull_text

_RANK: Final[dict[Permission, int]] = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}


def provision(request: Request, office: Office, *, progress: Progress) -> Published:
    """Run one ``/ai-provision`` to its visible end. Raises Broken (a defect) only."""
    config = admitted(request.order, office)
    if isinstance(config, Refusal):
        return turn_away(request.order, config, office)
    office.forge.react(request.order.thread, request.order.comment_id, "eyes")
    _say(request.order, office, status.working(1, job=request.order.job))
    result = _plan_and_publish(request, office, config=config, progress=progress)
    if isinstance(result, Refusal):
        return refuse(request.order, result, office)
    planned, pull = result
    url = _say(request.order, office, status.finished(planned.document, pull, job=request.order.job))
    office.forge.react(request.order.thread, request.order.comment_id, "rocket")
    return Published(kind="pull-request", pull=pull, comment_url=url)


def admitted(order: Order, office: Office) -> Config | Refusal:
    """The config when the actor may command, else ``forbidden`` with the needed and the present permission."""
    infra_repo = office.infra_repo or order.thread.full_name
    try:
        present = office.forge.permission(order.thread, order.actor.login)
        config = read_config(office.forge.file(infra_repo, CONFIG_PATH), yaml=office.house.yaml)
    except (Refused, Unavailable) as stop:
        return stop.refusal
    rules = config.commands if isinstance(config, Config) else Commands()
    listed = not rules.users or order.actor.login in rules.users
    if _RANK[present] < _RANK[rules.minimum_permission] or not listed:
        return _forbidden(rules, present, listed=listed)
    return config


def _forbidden(rules: Commands, present: Permission, *, listed: bool) -> Refusal:
    needed = rules.minimum_permission
    why = "" if listed else f" and to be listed under commands.users in {CONFIG_PATH}"
    return Refusal(
        code=Code.FORBIDDEN,
        message=f"This command needs the permission {needed} on this repository{why}; you have {present}.",
        remedy=f"Ask a maintainer to give the command, or to grant {needed}.",
        silent=not rules.reply_to_strangers,
    )


def turn_away(order: Order, refusal: Refusal, office: Office) -> Published:
    """Answer once, without a reaction: nothing was accepted. Silence where the config asks for it."""
    if refusal.silent:
        return Published(kind="refused", code=refusal.code)
    url = _say(order, office, status.refused(refusal, job=order.job))
    return Published(kind="refused", code=refusal.code, comment_url=url)


def refuse(order: Order, refusal: Refusal, office: Office) -> Published:
    """End an accepted command without a pull request."""
    published = turn_away(order, refusal, office)
    office.forge.react(order.thread, order.comment_id, "confused")
    return published


def refuse_admitted(order: Order, refusal: Refusal, office: Office) -> Published:
    """Refuse, but only to somebody who may command; a stranger hears ``forbidden`` first."""
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    return refuse(order, refusal, office)


def _say(order: Order, office: Office, body: str) -> str:
    return office.forge.say(order.thread, marker=order.job, body=body)


def _plan_and_publish(
    request: Request, office: Office, *, config: Config, progress: Progress
) -> tuple[Preview, PullRequest] | Refusal:
    unlisted = host_refusal(request.command, config)
    if unlisted is not None:
        return unlisted
    reach: WhenUnreachable = "draft" if config.when_unreachable == "draft" else "refuse"
    planned = preview(request.command, office.house, config=config, when_unreachable=reach, progress=progress)
    if isinstance(planned, Refusal):
        return planned
    _say(request.order, office, status.working(3, job=request.order.job))
    progress("Opening the pull request")
    pull = publish(planned, office, config=config, order=request.order)
    return pull if isinstance(pull, Refusal) else (planned, pull)


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


def publish(planned: Preview, office: Office, *, config: Config, order: Order | None) -> PullRequest | Refusal:
    """One branch, one commit, one pull request; ``order`` is None on the command line."""
    infra_repo = office.infra_repo or (order.thread.full_name if order else "")
    thread = order.thread if order else None
    app = planned.document.plan.app
    text = pull_text(
        planned.document,
        config=config,
        draft=planned.draft,
        rounds=len(planned.reviewed.rounds),
        asked_by=f"{thread.full_name}#{thread.number}" if thread else None,
    )
    try:
        return office.forge.publish(
            infra_repo,
            branch=branch_name(app, infra_repo=infra_repo),
            marker=pull_key(app, infra_repo=infra_repo, thread=thread),
            changes=planned.reviewed.changes,
            text=text,
            message=f"Provision {app}\n\n{planned.document.request.git_repo}",
            when=order.at if order else office.house.clock.now(),
        )
    except (Refused, Unavailable) as stop:
        return stop.refusal
