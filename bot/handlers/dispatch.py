"""From a delivery to its visible end: parse, look the command up, run it.

In: a delivery and the office. Out: ``Published``, or None when the text was no command. Never: a write for prose.
"""

from __future__ import annotations

from bot.errors import Code, Refusal
from bot.flow.house import Office
from bot.flow.order import Order, Request, digest
from bot.flow.provision import admitted, provision, refuse, turn_away
from bot.handlers.grammar import parse_comment
from bot.handlers.table import help_text
from bot.model.command import Delivery, Help, Later, Provision
from bot.model.outcome import Published
from bot.ports import Progress


def handle(delivery: Delivery, office: Office, *, progress: Progress) -> Published | None:
    """Run the command of a delivery. Raises Broken (a defect) only."""
    command = parse_comment(delivery.body, hosts=office.git_hosts)
    if command is None or delivery.actor.login == office.login:
        return None
    order = order_of(delivery)
    match command:
        case Provision():
            return provision(Request(order=order, command=command), office, progress=progress)
        case Help():
            return _answer(order, office, help_text())
        case Later(name=name):
            return _gate(order, office, _not_yet(name))
        case Refusal():
            return _gate(order, office, command)


def order_of(delivery: Delivery) -> Order:
    """The order of a delivery: its keys depend on the comment alone."""
    return Order(
        thread=delivery.thread,
        actor=delivery.actor,
        comment_id=delivery.comment_id,
        at=delivery.created_at,
        body_digest=digest(delivery.body),
    )


def _gate(order: Order, office: Office, refusal: Refusal) -> Published:
    """Refuse, but only to somebody who may command; a stranger hears ``forbidden`` first."""
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    return refuse(order, refusal, office)


def _answer(order: Order, office: Office, body: str) -> Published:
    config = admitted(order, office)
    if isinstance(config, Refusal):
        return turn_away(order, config, office)
    url = office.forge.say(order.thread, marker=order.job, body=body)
    office.forge.react(order.thread, order.comment_id, "rocket")
    return Published(kind="answered", comment_url=url)


def _not_yet(name: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"/{name.lstrip('/')} is known, but this version cannot run it yet.",
        remedy="Comment /ai-provision with its two fields, or /ai-help for what works today.",
    )
