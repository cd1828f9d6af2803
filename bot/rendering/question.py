"""The one question of a command, as a comment: what is unclear, what each answer leads to, and a command to copy.

In: an ``Inquiry``. Out: Markdown. Never: untrusted text outside an escape or a fence, a second question.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from bot.model.inquiry import Choice, Inquiry
from bot.model.plan import Cost, Exceeded, Machine, Plan, ServicePlan
from bot.rendering.inert import fence, inert_code, inert_text
from bot.rendering.markdown import joined

LONGEST: Final = 4_000
"""Characters of a description that are read."""
_SHOWN: Final = 4
_NAMES: Final = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "mssql": "SQL Server"}
_HEADS: Final = {
    "reading": "**ai-provision** has one question before it opens anything.",
    "budget": "**ai-provision** needs a confirmation before it opens anything.",
}


def question(inquiry: Inquiry, *, job: str) -> str:
    """The whole comment."""
    choices = [_choice(number, choice) for number, choice in enumerate(inquiry.choices, 1)]
    return joined(
        [
            _HEADS[inquiry.kind],
            f"**{inert_text(inquiry.question)}**",
            inert_text(inquiry.why),
            *choices,
            "To answer, copy one of the commands into a new comment. Nothing was opened or changed.",
            f"<sub>job {inert_code(job)}</sub>",
        ]
    )


def _choice(number: int, choice: Choice) -> str:
    head = f"**{number}.** {inert_text(choice.label)}: {inert_text(choice.effect)}"
    if choice.command:
        return f"{head}\n\n{fence(choice.command, 'text')}"
    if not choice.answer:
        return head
    return f"{head}\n\nShorten the description, and add {inert_code(choice.answer)} to it."


def provision_command(git_repo: str, app_description: str) -> str:
    """The command as it is typed; whatever the description holds, it is read back as the same text."""
    words = app_description.replace("\\", "\\\\").replace('"', '\\"')
    return f'/ai-provision\n\ngit_repo: "{git_repo}"\napp_description: "{words}"'


def product(word: str) -> str:
    """A relational database as its makers write it; every other word as it is."""
    return _NAMES.get(word, word)


def effect_of(plan: Plan, *, only: Collection[str], placed: bool = False) -> str:
    """A plan in one line: ``3 pods x 850m, 128Mi; PostgreSQL machine 8 vCPU / 32 GiB``.

    ``only`` are the services that differ between the answers; ``placed``: say where it goes.
    """
    several = len(plan.services) > 1
    pods = [_pods(service, named=several) for service in plan.services if service.name in only]
    rest = len(pods) - _SHOWN
    parts = [*pods[:_SHOWN], *([f"{rest} more workloads"] if rest > 0 else []), *_machines(plan), *_expected(plan)]
    if placed:
        parts.append(f"namespace {plan.namespace}, cluster {plan.cluster or 'not named'}")
    if plan.cost.monthly is not None:
        parts.append(f"{plan.cost.monthly:.2f} {plan.cost.currency} a month")
    return "; ".join(parts)


def _pods(service: ServicePlan, *, named: bool) -> str:
    count = f"{service.replicas} pod{'s' if service.replicas != 1 else ''}"
    kept = f" with {service.storage.size} of their own" if service.storage is not None else ""
    size = f"{count} x {service.requests.cpu}, {service.requests.memory}{kept}"
    return f"{service.name} {size}" if named else size


def _machines(plan: Plan) -> list[str]:
    groups: dict[tuple[str, int, float], int] = {}
    for machine in plan.machines:
        what = (_called(machine), machine.cores, machine.memory.gib)
        groups[what] = groups.get(what, 0) + 1
    return [
        f"{f'{count} ' if count > 1 else ''}{name} machine{'s' if count > 1 else ''} {cores} vCPU / {memory:g} GiB"
        for (name, cores, memory), count in groups.items()
    ]


def _called(machine: Machine) -> str:
    return product(machine.serves or machine.role)


def _expected(plan: Plan) -> list[str]:
    paths = [decision.path.split(".") for decision in plan.decisions if decision.value == "expected"]
    kinds = [path[1] for path in paths if len(path) == 2 and path[0] == "dependencies"]
    return [f"{product(kind)} is expected to exist" for kind in kinds if kind in _NAMES]


def over_budget(cost: Cost) -> str:
    """Which budgets a plan passes, one sentence each; empty when it passes none. The command line says the same."""
    money = cost.currency or ""
    return " ".join(_passed(one, money) for one in cost.exceeded)


def _passed(one: Exceeded, money: str) -> str:
    what = "The plan costs" if one.scope == "application" else f"With this plan, namespace {one.name} costs"
    whose = f"the budget of {one.name}" if one.scope == "application" else "its budget"
    return f"{what} {one.total:.2f} {money} a month; {whose} is {one.limit:.2f} {money}."
