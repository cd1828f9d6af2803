"""One ``/ai-destroy`` to its visible end: a pull request that takes an application or a cluster away.

    admission ─▶ eyes ─▶ "working on it" ─▶ plan.json of the default branch ─▶ publish ─▶ "opened #9" ─▶ rocket

In: an order, a name, whether the data goes too. Out: ``Published``. Never: anything destroyed here (the merge does).
The names and the order of the steps are stored; see ``docs/architecture.md``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bot.errors import Cancelled, Code, Refusal, Refused, Unavailable
from bot.flow.admission import admitted
from bot.flow.answer import react, refuse, say, stopped, turn_away
from bot.flow.house import Office
from bot.flow.open_plan import LARGEST, infra_repo_of
from bot.flow.removal import FOLDERS, removal_of
from bot.model.command import Destroy
from bot.model.config import Config
from bot.model.document import Document
from bot.model.order import Order, digest
from bot.model.outcome import Published, PullRequest
from bot.model.removal import Removal
from bot.model.stack import REMOVED
from bot.ports import Forge
from bot.rendering import status
from bot.rendering.removal import removal_finished, removal_text

_REMOVAL: Final[TypeAdapter[Removal | Refusal]] = TypeAdapter(Removal | Refusal)
_PULL: Final[TypeAdapter[PullRequest]] = TypeAdapter(PullRequest)


def destroy(command: Destroy, order: Order, office: Office) -> Published:
    """Run one ``/ai-destroy``.

    Raises Broken (a defect), and Refused or Unavailable when GitHub takes no word of ours.
    """
    config = admitted(order, office, holds=True)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    try:
        return _served(command, order, office, config=config)
    except Cancelled as stop:
        return stopped(order, stop.by, office)


def _served(command: Destroy, order: Order, office: Office, *, config: Config) -> Published:
    react(order, office, "eyes")
    say(order, office, status.working(1, job=order.job), step="say-accepted")
    repo = infra_repo_of(order, office)
    try:
        removal = office.steps.run("read-stack", lambda: removal_in(office.forge, repo, command, config), _REMOVAL)
        if isinstance(removal, Refusal):
            return refuse(order, removal, office)
        asked_by = f"{order.thread.full_name}#{order.thread.number}"
        pull = office.steps.run(
            "publish", lambda: publish_removal(removal, office.forge, repo, asked_by=asked_by, when=order.at), _PULL
        )
    except (Refused, Unavailable) as stop:
        return refuse(order, stop.refusal, office)
    url = say(order, office, removal_finished(removal, pull, job=order.job), step="say-finished", last=True)
    react(order, office, "rocket", last=True)
    return Published(kind="pull-request", pull=pull, comment_url=url)


def removal_in(forge: Forge, repo: str, command: Destroy, config: Config) -> Removal | Refusal:
    """What to take away, as the default branch describes it. Raises Refused or Unavailable of the forge."""
    for folder in FOLDERS:
        root = f"{folder}/{command.app}"
        text = forge.file(repo, f"{root}/plan.json")
        if text is not None:
            document = _document(text, root)
            if isinstance(document, Refusal):
                return document
            return removal_of(document, data=command.data, config=config)
        if forge.file(repo, f"{root}/{REMOVED}") is not None:
            return _gone(command.app)
    return _unknown(command.app, repo)


def publish_removal(removal: Removal, forge: Forge, repo: str, *, asked_by: str | None, when: datetime) -> PullRequest:
    """One pull request. Raises Refused or Unavailable of the forge."""
    app = removal.document.plan.app
    return forge.publish(
        repo,
        branch=f"ai-provision/destroy-{app}-{digest(repo, 'destroy', app)[:8]}",
        marker=digest(repo, "destroy", app, asked_by or "command-line")[:12],
        changes=removal.changes,
        text=removal_text(removal, asked_by=asked_by),
        message=f"Take {app} away",
        when=when,
    )


def _document(text: str, root: str) -> Document | Refusal:
    try:
        document = Document.model_validate_json(text) if len(text) <= LARGEST else None
    except ValidationError:
        document = None
    if document is None or document.plan.root != root:
        return Refusal(
            code=Code.CONFLICT,
            message=f"{root}/plan.json is not as the bot wrote it, so nobody can tell what runs.",
            remedy="Undo the edit of plan.json, then give the command again.",
        )
    return document


def _gone(app: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"{app} was taken away before.",
        remedy="Its pull request tells what was destroyed and what stays.",
    )


def _unknown(app: str, repo: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"{repo} holds neither apps/{app} nor clusters/{app} on its default branch.",
        remedy="Name a folder below apps/ or clusters/. A pull request that is not merged is simply closed.",
    )
