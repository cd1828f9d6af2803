"""What people see in a terminal: tables of the plan, a pull request with its diff, a refusal with its remedy.

In: nouns. Out: text on a Rich console. Never: terminal escape sequences from untrusted text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from bot.errors import Refusal
from bot.model.cluster import Missing
from bot.model.document import Document
from bot.model.outcome import PullRequest
from bot.model.plan import Machine, NodeChange, ServicePlan


def show_refusal(console: Console, refusal: Refusal) -> None:
    """Code, one sentence, what to do; on lines that are not folded, so that a command in them can be copied."""
    console.print(f"[bold red]{refusal.code}[/]: {clean(refusal.message)}", soft_wrap=True)
    console.print(f"[bold]What to do:[/] {clean(refusal.remedy)}", soft_wrap=True)
    if refusal.example:
        console.print(clean(refusal.example), soft_wrap=True)


def show_plan(console: Console, document: Document, *, files: bool = True) -> None:
    """The plan on one screen or two."""
    plan, request = document.plan, document.request
    commit = f" at {request.commit[:12]}" if request.commit else ""
    console.print(
        f"[bold]{clean(plan.app)}[/]  environment {clean(plan.environment or 'not stated')}, namespace "
        f"{clean(plan.namespace)}, cluster {clean(plan.cluster or 'not named')}"
    )
    console.print(f"[dim]{clean(request.git_repo)}{commit}[/]")
    show_table(console, "Workloads", _WORKLOAD_HEAD, map(_workload, plan.services))
    show_table(console, "Machines", _MACHINE_HEAD, map(_machine, plan.machines))
    show_table(console, "Capacity, before → after", _CAPACITY_HEAD, map(_capacity, plan.capacity))
    _show_judgement(console, document)
    show_missing(console, document.cluster.missing)
    if files:
        console.print(f"[bold]Files[/] ({len(document.files)})")
        for file in document.files:
            console.print(f"  {clean(file.path)}")


_WORKLOAD_HEAD = ("workload", "kind", "replicas", "request", "limit", "peak", "p95")
_MACHINE_HEAD = ("machine", "role", "node", "cores", "memory", "disks", "VMID", "address")
_CAPACITY_HEAD = ("node", "CPU", "memory", "plannable")


def _workload(service: ServicePlan) -> list[str]:
    hpa = service.hpa
    cpu = "no" if service.limits.cpu is None else str(service.limits.cpu)
    return [
        service.name,
        service.kind,
        f"{hpa.min} to {hpa.max} at {hpa.target_cpu_percent} %" if hpa else str(service.replicas),
        f"{service.requests.cpu} / {service.requests.memory}",
        f"{cpu} / {service.limits.memory}",
        f"{service.qps:g}/s" if service.qps is not None else "not stated",
        f"{service.latency_p95_ms:.1f} ms" if service.latency_p95_ms is not None else "—",
    ]


def _machine(machine: Machine) -> list[str]:
    disks = [machine.disk.gib, *(disk.size.gib for disk in machine.data_disks)]
    return [
        machine.name,
        machine.role,
        machine.node,
        str(machine.cores),
        f"{machine.memory.gib:.0f} GiB",
        " + ".join(f"{size:.0f}" for size in disks) + " GiB",
        str(machine.vm_id),
        machine.address,
    ]


def _capacity(change: NodeChange) -> list[str]:
    before, after, limit = change.before, change.after, change.limit
    return [
        change.node,
        f"{before.cpu.cores:g} → {after.cpu.cores:g}",
        f"{before.memory.gib:.1f} → {after.memory.gib:.1f} GiB",
        f"{limit.cpu.cores:g} cores, {limit.memory.gib:.1f} GiB",
    ]


def _show_judgement(console: Console, document: Document) -> None:
    plan = document.plan
    cost = plan.cost
    money = f"{cost.monthly:.2f} {cost.currency} per month" if cost.priced and cost.monthly is not None else cost.note
    console.print(f"[bold]Cost[/] {clean(money)}")
    console.print(
        f"[bold]Confidence[/] {plan.confidence.value:.3f} "
        f"(busy cores {plan.confidence.low_cores:.2f} to {plan.confidence.high_cores:.2f}, 80 %)"
    )
    for service in plan.services:
        if service.image.build_first:
            console.print(f"[yellow]Build first[/] {clean(service.image.build_first)}")
    for doubt in document.profile.unsure:
        console.print(f"[yellow]Unsure[/] {clean(doubt.question)} Assumed: {clean(doubt.assumed)}.")
    for finding in document.findings:
        if finding.severity != "note" and finding.rule != "image-build-first":
            console.print(f"[yellow]{clean(finding.rule)}[/] {clean(finding.message)} {clean(finding.remedy)}")
    for text in document.demand.unknown_numbers:
        console.print(f"[yellow]Number not understood[/] {clean(text)}")


def show_missing(console: Console, missing: Sequence[Missing]) -> None:
    """What was not read."""
    for gap in missing:
        console.print(f"[yellow]Not read[/] {gap.system}: {clean(gap.what)} ({clean(gap.code)}). {clean(gap.remedy)}")


def show_pull(console: Console, pull: PullRequest, *, title: str, body: str, diff: str) -> None:
    """The pull request's text, then its diff."""
    text = Markdown(plain(body), hyperlinks=False)
    console.print(Panel(text, title=f"Pull request #{pull.number}: {clean(title)}", subtitle=pull.url))
    console.print(Syntax(plain(diff), "diff", word_wrap=True, background_color="default"))


def show_table(console: Console, title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table, or nothing without rows."""
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(clean(cell) for cell in row))
    if table.row_count:
        console.print(table)


def clean(text: str) -> str:
    """Text as data: no Rich markup, no control characters."""
    return escape(plain(text))


def plain(text: str) -> str:
    """Text without control characters other than line breaks and tabs."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
