"""Who may command, and whether this command still stands: asked before anything is done, answered once.

    permission ─▶ config ─▶ still as written? ─▶ quota ─▶ the thread is free ─▶ Config

In: an order and the office. Out: the ``Config`` of the infrastructure repository, or the ``Refusal``. Never: a clone, a
reaction, a word of the answer before the permission is known; a guess where GitHub does not say.
"""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from bot.errors import Code, Refusal, Refused
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.flow.house import Books, Office
from bot.model.config import Commands, Config
from bot.model.job import AuditEntry, Job
from bot.model.order import Order
from bot.ports import Permission, Standing

COMMAND_SECONDS: Final = 3600.0
"""A command that is older, by GitHub's own clock, is asked for again: what it was meant for may be gone."""
_RANK: Final[dict[Permission, int]] = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}
_ADMISSION: Final[TypeAdapter[Config | Refusal]] = TypeAdapter(Config | Refusal)


def admitted(order: Order, office: Office, *, holds: bool = False) -> Config | Refusal:
    """The config when the actor may command now. ``holds``: the command takes its thread until it ends.

    Raises Broken (a defect), and Unavailable when GitHub stays away beyond the patience of the steps.
    """
    try:
        return office.steps.run("admission", lambda: _admission(order, office, holds=holds), _ADMISSION)
    except Refused as stop:
        return stop.refusal


def _admission(order: Order, office: Office, *, holds: bool) -> Config | Refusal:
    answer = _asked(order, office, holds=holds)
    if office.books is not None:
        decision = answer.code if isinstance(answer, Refusal) else "admitted"
        office.books.audit.note(_entry(order, office, "admission", decision))
    return answer


def _asked(order: Order, office: Office, *, holds: bool) -> Config | Refusal:
    config = _permitted(order, office)
    if isinstance(config, Refusal):
        return config
    refusal = _stale(order, office.forge.standing(order.thread, order.comment_id))
    if refusal is None and office.books is not None:
        refusal = _over_quota(order, office.books, config.commands) or _held(order, office, office.books, holds=holds)
    return refusal or config


def _permitted(order: Order, office: Office) -> Config | Refusal:
    present = office.forge.permission(order.thread, order.actor.login)
    config = read_config(
        office.forge.file(office.infra_repo or order.thread.full_name, CONFIG_PATH), yaml=office.house.yaml
    )
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


def _stale(order: Order, standing: Standing) -> Refusal | None:
    if standing.body_digest is None:
        return _repeat("The command was deleted before it was run.", silent=True)
    if standing.body_digest != order.body_digest:
        return _repeat("The command was changed after it was written; only the words that were sent count.")
    if (standing.now - order.at).total_seconds() > COMMAND_SECONDS:
        return _repeat("The command is more than an hour old.")
    if standing.closed:
        return _repeat("This thread is closed.", remedy="Open it again, or give the command in an open one.")
    if standing.fork:
        return Refusal(
            code=Code.FORBIDDEN,
            message="Commands on pull requests from forks are not run: whoever owns the fork can change it meanwhile.",
            remedy="Give the command in an issue of this repository.",
        )
    return None


def _repeat(message: str, *, remedy: str = "Give it again in a new comment.", silent: bool = False) -> Refusal:
    return Refusal(code=Code.STALE_COMMENT, message=message, remedy=remedy, silent=silent)


def _over_quota(order: Order, books: Books, rules: Commands) -> Refusal | None:
    for seconds, allowed, span in ((60.0, rules.per_minute, "minute"), (3600.0, rules.per_hour, "hour")):
        if books.jobs.given(order.actor.login, seconds=seconds) > allowed:
            return Refusal(
                code=Code.QUOTA,
                message=f"More than {allowed} commands in one {span} from one person.",
                remedy=f"Wait a {span}, then give it again; commands.per_{span} in {CONFIG_PATH} sets the number.",
            )
    return None


def _held(order: Order, office: Office, books: Books, *, holds: bool) -> Refusal | None:
    holder = books.jobs.admit(order.key) if holds else None
    if holder is None:
        return None
    return Refusal(
        code=Code.BUSY,
        message=f"{holder.name} of {holder.order.actor.login} is still running in this thread.",
        remedy="Wait for its end, or comment /ai-cancel; then give the command again.",
        link=command_url(holder, office),
    )


def command_url(job: Job, office: Office) -> str:
    """Where a command was given."""
    thread, comment = job.order.thread, job.order.comment_id
    anchor = f"#issuecomment-{comment}" if comment is not None else ""
    return f"https://{office.forge.web_host()}/{thread.full_name}/issues/{thread.number}{anchor}"


def record(order: Order, office: Office, action: str, decision: str, *, detail: str = "") -> None:
    """One line for the audit, where there are books."""
    if office.books is not None:
        office.books.audit.note(_entry(order, office, action, decision, detail=detail))


def _entry(order: Order, office: Office, action: str, decision: str, *, detail: str = "") -> AuditEntry:
    return AuditEntry(
        at=office.house.clock.now(),
        job=order.key,
        actor=order.actor.login,
        repo=order.thread.full_name,
        thread=order.thread.number,
        action=action,
        decision=decision,
        detail=detail,
    )
