"""From a delivery to its visible end: parse, then the command's row of the table.

In: a delivery and the office. Out: ``Published``, or None when the text was no command. Never: a write for prose.
"""

from __future__ import annotations

from bot.errors import Refusal
from bot.flow.house import Office
from bot.flow.order import Order, digest
from bot.flow.provision import refuse_admitted
from bot.handlers.command import Counter
from bot.handlers.grammar import parse_comment
from bot.handlers.table import COMMANDS, run
from bot.model.command import Delivery
from bot.model.outcome import Published
from bot.ports import Progress


def handle(delivery: Delivery, office: Office, *, progress: Progress) -> Published | None:
    """Run the command of a delivery. Raises Broken (a defect) only."""
    command = parse_comment(delivery.body, hosts=office.git_hosts)
    if command is None or delivery.actor.login == office.login:
        return None
    order = order_of(delivery)
    if isinstance(command, Refusal):
        return refuse_admitted(order, command, office)
    return run(command, Counter(order=order, office=office, progress=progress, specs=COMMANDS))


def order_of(delivery: Delivery) -> Order:
    """The order of a delivery: its keys depend on the comment alone."""
    return Order(
        thread=delivery.thread,
        actor=delivery.actor,
        comment_id=delivery.comment_id,
        at=delivery.created_at,
        body_digest=digest(delivery.body),
    )
