"""The one question of a command: said in its thread, and the command ends with it.

In: an order, a preview with its question, the office. Out: ``Published``. Never: a pull request beside a question, a
reaction that looks like an end.
"""

from __future__ import annotations

from dataclasses import replace

from bot.flow.answer import say
from bot.flow.house import House, Office
from bot.model.consultation import Effort, Spent
from bot.model.inquiry import Inquiry
from bot.model.order import Order
from bot.model.outcome import Published
from bot.rendering.question import question


def asking(house: House, *, efforts: tuple[Effort, ...] = ()) -> House:
    """The house for a command of a thread: somebody is there to be asked. ``efforts`` were spent before."""
    spent = Spent()
    for effort in efforts:
        spent = spent.plus(effort.spent)
    desk = replace(house.desk, asking=True, allowance=house.desk.allowance.less(spent))
    return replace(house, desk=desk)


def ask(order: Order, inquiry: Inquiry, office: Office, *, efforts: tuple[Effort, ...] = ()) -> Published:
    """Ask, and end: the answer is a new command."""
    url = say(order, office, question(inquiry, job=order.job), step="say-asked", last=True)
    return Published(kind="asked", comment_url=url, efforts=efforts)
