"""What the plan costs per month, from the prices of the config file alone.

In: services, machines, prices, budget. Out: ``Cost``, or a ``Refusal`` (``policy``) over budget. Never: a reference
price in place of yours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.errors import Code, Refusal
from bot.model.config import Config, Prices
from bot.model.decision import Decision
from bot.model.plan import Cost, CostLine, Machine, ServicePlan
from bot.planning.record import Notes

HOURS: Final = 730
_NOTE: Final = "from `prices` of .ai-provision.yaml, at the planned replicas; 730 hours a month"


def cost_of(
    services: Sequence[ServicePlan], machines: Sequence[Machine], *, config: Config
) -> tuple[Cost, Notes] | Refusal:
    """``(vCPU * price + GiB * price) * 730`` per pod and machine, disks per GiB and month."""
    prices = config.prices
    if prices is None:
        return Cost(priced=False), Notes()
    lines = tuple(_service(plan, prices) for plan in services) + tuple(_machine(each, prices) for each in machines)
    monthly = round(sum(line.monthly for line in lines), 2)
    if config.budget is not None and config.budget.monthly is not None and monthly > config.budget.monthly:
        return _over_budget(monthly, config.budget.monthly, currency=prices.currency)
    decision = Decision(
        path="cost.monthly",
        value=monthly,
        origin="rule",
        why="the sum of all lines",
        tag="user",
        source="prices of .ai-provision.yaml",
        formula=" + ".join(f"{line.monthly:.2f}" for line in lines) or "0",
    )
    cost = Cost(priced=True, currency=prices.currency, monthly=monthly, lines=lines, note=_NOTE)
    return cost, Notes(decisions=(decision,))


def _service(plan: ServicePlan, prices: Prices) -> CostLine:
    gib = plan.storage.size.gib if plan.storage is not None else 0.0
    return _line(
        plan.name,
        plan.replicas,
        cores=plan.requests.cpu.cores,
        memory=plan.requests.memory.gib,
        disk=gib,
        prices=prices,
    )


def _machine(machine: Machine, prices: Prices) -> CostLine:
    disk = machine.disk.gib + sum(disk.size.gib for disk in machine.data_disks)
    return _line(machine.name, 1, cores=machine.cores, memory=machine.memory.gib, disk=disk, prices=prices)


def _line(name: str, count: int, *, cores: float, memory: float, disk: float, prices: Prices) -> CostLine:
    hourly = cores * prices.vcpu_hour + memory * prices.gib_hour
    monthly = count * (hourly * HOURS + disk * prices.storage_gib_month)
    formula = (
        f"{count} * (({cores:g} vCPU * {prices.vcpu_hour:g} + {memory:g} GiB * {prices.gib_hour:g}) * {HOURS} h + "
        f"{disk:g} GiB * {prices.storage_gib_month:g})"
    )
    return CostLine(name=name, monthly=round(monthly, 2), formula=formula)


def _over_budget(monthly: float, budget: float, *, currency: str) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"The plan costs {monthly:.2f} {currency} a month; budget.monthly permits {budget:.2f}.",
        remedy="State a lower load or tier, or raise budget.monthly in .ai-provision.yaml.",
    )
