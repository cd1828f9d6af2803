"""The open pull request that a later command means, and the plan that lies in it.

    order ─▶ the bot's open pull requests ─▶ this thread's own one ─▶ its plan.json ─▶ OpenPlan

In: an order and the office. Out: ``OpenPlan``, or a ``Refusal`` that names what was found instead. Never: a guess among
several, trust in ``plan.json``: people may have edited it.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.house import Office
from bot.flow.order import pull_key
from bot.model.document import Document, Remembered
from bot.model.noun import Noun
from bot.model.order import Order
from bot.model.outcome import OpenPull

LARGEST: Final = 1_000_000
"""Characters of a ``plan.json`` that is read."""
_BRANCH: Final = re.compile(r"ai-provision/(?P<app>[a-z][-a-z0-9]{0,62})-[0-9a-f]{8}(?:-\d{1,3})?", re.ASCII)


class OpenPlan(Noun):
    """An open pull request of the bot with the plan that it proposes."""

    pull: OpenPull
    plan: Remembered


_FOUND: Final[TypeAdapter[OpenPlan | Refusal]] = TypeAdapter(OpenPlan | Refusal)


def open_plan(order: Order, office: Office) -> OpenPlan | Refusal:
    """The thread's own pull request: it is the thread itself, or the one that was asked for in the thread.

    Raises Broken (a defect), Cancelled.
    """
    try:
        return office.steps.run("open-plan", lambda: _found(order, office), _FOUND)
    except (Refused, Unavailable) as stop:
        return stop.refusal


def infra_repo_of(order: Order, office: Office) -> str:
    """``owner/name`` of the infrastructure repository."""
    return office.infra_repo or order.thread.full_name


def app_of(branch: str) -> str | None:
    """The application of one of the bot's branches."""
    match = _BRANCH.fullmatch(branch)
    return match["app"] if match else None


def _found(order: Order, office: Office) -> OpenPlan | Refusal:
    pulls = _meant(order, office)
    if len(pulls) != 1:
        return _several(pulls) if pulls else _NONE
    [pull] = pulls
    app = app_of(pull.branch) or ""
    repo = infra_repo_of(order, office)
    found = (office.forge.file(repo, path, ref=pull.branch) for path in plan_paths(app))
    text = next((each for each in found if each is not None), None)
    plan = read_plan(text, app=app)
    return _about(plan, pull) if isinstance(plan, Refusal) else OpenPlan(pull=pull, plan=plan)


def _meant(order: Order, office: Office) -> tuple[OpenPull, ...]:
    repo, thread = infra_repo_of(order, office), order.thread
    ours = [pull for pull in office.forge.open_pulls(repo) if app_of(pull.branch) is not None]
    itself = tuple(pull for pull in ours if repo.lower() == thread.full_name.lower() and pull.number == thread.number)
    return itself or tuple(pull for pull in ours if pull.key == _key(pull, repo, order))


def _key(pull: OpenPull, repo: str, order: Order) -> str:
    return pull_key(app_of(pull.branch) or "", infra_repo=repo, thread=order.thread)


def plan_path(app: str) -> str:
    """Where the plan of an application lies."""
    return f"apps/{app}/plan.json"


def plan_paths(app: str) -> tuple[str, ...]:
    """Where the plan of an application or of a cluster may lie."""
    return (plan_path(app), f"clusters/{app}/plan.json")


def read_plan(text: str | None, *, app: str) -> Remembered | Refusal:
    """What the ``plan.json`` of an application says, or why it says nothing."""
    path = plan_path(app)
    if text is None:
        return _unusable(f"The pull request holds no {path}.")
    if len(text) > LARGEST:
        return _unusable(f"{path} has {len(text):,} characters; at most {LARGEST:,} are read.")
    try:
        plan = Remembered.of(Document.model_validate_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))[:100] or "the document"
        return _unusable(f"{path} is not as the bot wrote it: {where}: {first['msg'][:200]}.")
    return plan if plan.app == app else _unusable(f"{path} is the plan of another application.")


def _unusable(message: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=message,
        remedy="Undo the edit of plan.json, or give /ai-provision again with both fields: it writes the file anew.",
    )


def _about(refusal: Refusal, pull: OpenPull) -> Refusal:
    return refusal.model_copy(update={"link": pull.url})


def _several(pulls: tuple[OpenPull, ...]) -> Refusal:
    named = ", ".join(f"{app_of(pull.branch)} in pull request {pull.number}" for pull in pulls)
    return Refusal(
        code=Code.SYNTAX,
        message=f"Several open pull requests were asked for in this thread: {named}.",
        remedy="Write the command as a comment in the pull request that is meant.",
        link=pulls[-1].url,
    )


_NONE: Final = Refusal(
    code=Code.SYNTAX,
    message="No open pull request of the bot was asked for in this thread.",
    remedy="Give /ai-provision with its two fields first, or write the command in the pull request that is meant.",
)
