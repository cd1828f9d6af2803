"""What the plan costs per month, from the prices of the config file alone.

In: services, machines, prices, budgets. Out: ``Cost`` with the budgets that it passes. Never: a refusal, a reference
price in place of yours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.model.config import Prices
from bot.model.decision import Decision
from bot.model.plan import Cost, CostLine, Machine, ServicePlan
from bot.planning.budget import Purse, against_budgets, unpriced
from bot.planning.record import Notes

HOURS: Final = 730
_NOTE: Final = "from `prices` of .ai-provision.yaml, at the planned replicas; 730 hours a month"


def cost_of(
    services: Sequence[ServicePlan], machines: Sequence[Machine], *, prices: Prices | None, purse: Purse
) -> tuple[Cost, Notes]:
    """``(vCPU * price + GiB * price) * 730`` per pod and machine, disks per GiB and month."""
    if prices is None:
        return Cost(priced=False), unpriced(purse)
    lines = tuple(_service(plan, prices) for plan in services) + tuple(_machine(each, prices) for each in machines)
    monthly = round(sum(line.monthly for line in lines), 2)
    exceeded, notes = against_budgets(monthly, purse, currency=prices.currency)
    decision = Decision(
        path="cost.monthly",
        value=monthly,
        origin="rule",
        why="the sum of all lines",
        tag="user",
        source="prices of .ai-provision.yaml",
        formula=" + ".join(f"{line.monthly:.2f}" for line in lines) or "0",
    )
    cost = Cost(priced=True, currency=prices.currency, monthly=monthly, lines=lines, note=_NOTE, exceeded=exceeded)
    return cost, Notes(decisions=(decision,)) + notes


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
