"""What people see in a terminal of plans in CI, of applies, of removals.

In: nouns. Out: text on a Rich console. Never: terminal escape sequences from untrusted text.
"""

from __future__ import annotations

from typing import Final

from rich.console import Console

from bot.model.applied import Outcome
from bot.model.delivered import Delivered
from bot.model.removal import Removal
from bot.model.stack import StackPlan
from bot.rendering.apply_report import outcome_sentence
from bot.terminal import clean, show_table

_MARKS: Final = {"done": "[green]ok  [/]", "failed": "[red]FAIL[/]", "skipped": "[yellow]skip[/]"}
_STATES: Final = {
    "passed": "[green]ok  [/]",
    "failed": "[red]FAIL[/]",
    "unknown": "[red]?   [/]",
    "skipped": "[dim]skip[/]",
}


def show_delivered(console: Console, done: Delivered) -> None:
    """Plans, outcomes, and what was said."""
    for plan in done.plans:
        _show_plan(console, plan)
    for outcome in done.outcomes:
        _show_outcome(console, outcome)
    for sentence in done.said:
        console.print(clean(sentence), soft_wrap=True)
    if not (done.plans or done.outcomes or done.said):
        console.print("Nothing to say.")


def _show_plan(console: Console, plan: StackPlan) -> None:
    counts = plan.terraform.counts() if plan.terraform is not None else {}
    told = ", ".join(f"{count} to {action}" for action, count in counts.items()) or "no change of machines"
    console.print(f"[bold]{clean(plan.stack.root)}[/] ({plan.stack.change}): {told}")
    for check in plan.preflight.checks if plan.preflight is not None else ():
        console.print(
            f"  {_STATES[check.state]} {check.name} {clean(check.about)}: {clean(check.reason)}", soft_wrap=True
        )
    for reason in plan.skipped:
        console.print(f"  [yellow]skip[/] {clean(reason)}", soft_wrap=True)
    if plan.terraform is not None and plan.terraform.text:
        console.print(clean(plan.terraform.text), soft_wrap=True)
    if plan.manifests:
        console.print(clean(plan.manifests), soft_wrap=True)
    if plan.code is not None:
        _show_stop(console, plan.code, plan.message, plan.remedy)


def _show_outcome(console: Console, outcome: Outcome) -> None:
    console.print(f"[bold]{clean(outcome.root)}[/] {clean(outcome_sentence(outcome))}", soft_wrap=True)
    for step in outcome.steps:
        detail = f": {clean(step.detail)}" if step.detail else ""
        console.print(f"  {_MARKS[step.state]} {step.name} ({step.seconds:.1f} s){detail}", soft_wrap=True)
    if outcome.machines:
        rows = [[each.name, str(each.vm_id), each.node, each.address or "—", each.exists] for each in outcome.machines]
        show_table(console, "Machines", ("machine", "VMID", "node", "address", "exists"), rows)
    if outcome.code is not None:
        _show_stop(console, outcome.code, outcome.message, outcome.remedy)


def _show_stop(console: Console, code: str, message: str, remedy: str) -> None:
    console.print(f"  [bold red]{clean(code)}[/]: {clean(message)}", soft_wrap=True)
    console.print(f"  [bold]What to do:[/] {clean(remedy)}", soft_wrap=True)


def show_removal(console: Console, removal: Removal) -> None:
    """What goes and what stays."""
    plan = removal.document.plan
    console.print(
        f"[bold]{clean(plan.root)}[/] goes away: {len(plan.services)} workloads, {len(removal.destroyed)} machines"
    )
    for machine in removal.destroyed:
        console.print(f"  destroyed  {clean(machine.name)} (VMID {machine.vm_id} on {clean(machine.node)})")
    for machine in removal.kept:
        console.print(f"  stays      {clean(machine.name)}, it holds data; --data destroys it too")
    for name in removal.claims:
        console.print(f"  {'destroyed' if removal.data else 'stays    '}  the volumes of {clean(name)}")
