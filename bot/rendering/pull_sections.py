"""The sections of the pull request's text, one function each.

In: the published document. Out: Markdown, empty without facts. Never: untrusted text outside a code span.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.document import Document
from bot.model.plan import NodeChange, Placed, PlanView, ServicePlan
from bot.model.profile import Doubt, Evidence, Service
from bot.model.quantity import Bytes, MilliCpu
from bot.rendering.disruption import Disruption
from bot.rendering.inert import inert_code, inert_text
from bot.rendering.machine_rows import CLUSTER_HEAD, MACHINE_HEAD, cluster_reason, cluster_row, machine_row
from bot.rendering.markdown import bullets, folded, joined, table
from bot.rendering.rows import cost_lines, numbers, replicas


def services_section(plan: PlanView) -> str:
    """One row per workload."""
    rows = [_service_row(service) for service in plan.services]
    head = ["workload", "kind", "replicas", "request", "limit", "disruption budget", "peak", "p95"]
    return "### Workloads\n\n" + table(head, rows) if rows else ""


def _service_row(service: ServicePlan) -> list[str]:
    return [
        f"**{inert_code(service.name)}**",
        service.kind,
        replicas(service),
        f"{service.requests.cpu} CPU, {service.requests.memory}",
        f"{service.limits.cpu if service.limits.cpu is not None else 'no'} CPU, {service.limits.memory}",
        _budget(service),
        f"{service.qps:g}/s" if service.qps is not None else "not stated",
        f"{service.latency_p95_ms:.1f} ms" if service.latency_p95_ms is not None else "—",
    ]


def _budget(service: ServicePlan) -> str:
    pdb = service.pdb
    if pdb is None:
        return "none (one replica)"
    return f"max {pdb.max_unavailable} down" if pdb.max_unavailable is not None else f"min {pdb.min_available} up"


def machines_section(plan: PlanView) -> str:
    """One row per Proxmox guest, and why it stands where it stands."""
    rows = [list(map(_cell, machine_row(machine, plan))) for machine in plan.machines]
    placed = [_placed(item) for item in plan.placement if item.system == "proxmox"]
    return joined(["### Machines", table(MACHINE_HEAD, rows), bullets(placed)]) if rows else ""


def clusters_section(plan: PlanView) -> str:
    """One row per Kubernetes cluster, and why it is as big as it is."""
    rows = [list(map(_cell, cluster_row(cluster))) for cluster in plan.clusters]
    reasons = [inert_text(cluster_reason(cluster)) for cluster in plan.clusters]
    return joined(["### Cluster", table(CLUSTER_HEAD, rows), bullets(reasons)]) if rows else ""


def _cell(text: str) -> str:
    return inert_code(text) if text else ""


def disruption_section(found: Sequence[Disruption]) -> str:
    """What happens to machines that exist, for the top of the text; empty when they run on."""
    if not found:
        return ""
    lines = ["> [!CAUTION]", "> **Machines that exist do not simply run on:**"]
    return "\n".join([*lines, *(f"> - {_disrupted(each)}" for each in found)])


def _disrupted(each: Disruption) -> str:
    what = {"destroy": "is **destroyed**", "recreate": "is **destroyed and made again**", "reboot": "is **restarted**"}
    stops = " It is protected, so Terraform stops before it." if each.blocked else ""
    return f"{inert_code(each.machine)} {what[each.effect]}: {inert_text('; '.join(each.because))}.{stops}"


def _placed(item: Placed) -> str:
    others = f" Alternatives: {', '.join(map(inert_code, item.alternatives))}." if item.alternatives else ""
    rejected = "; ".join(f"{inert_code(no.node)} ({no.constraint}: {inert_text(no.reason)})" for no in item.rejected)
    return f"{inert_code(item.name)} on {inert_code(item.node or 'no node')}: {inert_text(item.why)}.{others}" + (
        f" Rejected: {rejected}." if rejected else ""
    )


def capacity_section(plan: PlanView) -> str:
    """Every touched node before and after."""
    rows = [_capacity_row(change) for change in plan.capacity]
    head = ["node", "CPU before", "CPU after", "memory before", "memory after", "plannable"]
    text = table(head, rows)
    return (
        f"### Capacity before and after\n\n{text}\n\nPromised (configured guests, pod requests) of what can be planned."
        if text
        else ""
    )


def _capacity_row(change: NodeChange) -> list[str]:
    limit = change.limit
    return [
        f"{inert_code(change.node)} ({'Proxmox' if change.system == 'proxmox' else 'Kubernetes'})",
        _cpu(change.before.cpu, limit.cpu),
        _cpu(change.after.cpu, limit.cpu),
        _memory(change.before.memory, limit.memory),
        _memory(change.after.memory, limit.memory),
        f"{limit.cpu.cores:g} cores, {limit.memory.gib:.1f} GiB",
    ]


def _cpu(value: MilliCpu, limit: MilliCpu) -> str:
    return f"{value.cores:g} cores" + (f" ({100 * value / limit:.0f} %)" if limit else "")


def _memory(value: Bytes, limit: Bytes) -> str:
    return f"{value.gib:.1f} GiB" + (f" ({100 * value / limit:.0f} %)" if limit else "")


def cost_section(plan: PlanView) -> str:
    """Money, or why there is none."""
    cost = plan.cost
    if not cost.priced or cost.monthly is None:
        return f"### Cost\n\n{inert_text(cost.note[:1].upper() + cost.note[1:])}"
    total = f"{cost.monthly:.2f} {cost.currency} per month"
    return f"### Cost\n\n**{total}**, from the prices in the config file.\n\n{cost_lines(cost)}"


def questions_section(document: Document) -> str:
    """What is unclear, with what was assumed and an answer to copy."""
    return "### Unsure\n\n" + bullets(map(_doubt, document.profile.unsure)) if document.profile.unsure else ""


def _doubt(doubt: Doubt) -> str:
    who = "**Proposed by the model, not applied**: " if doubt.proposed_by_model else ""
    answers = [] if doubt.proposed_by_model else [f"[{each.settles}]" for each in doubt.candidates]
    how = f" Answers: {', '.join(map(inert_code, answers))}." if answers else ""
    return (
        f"{who}{inert_text(doubt.question)} Assumed: {inert_text(doubt.assumed)}. "
        f"To change it: {inert_code(doubt.answer)}{'.' if how else ''}{how}"
    )


def findings_section(document: Document) -> str:
    """Warnings in the open, notes folded."""
    shown_above = "image-build-first"
    warnings = [
        _finding(f.rule, f.path, f.message, f.remedy)
        for f in document.findings
        if f.severity == "warn" and f.rule != shown_above
    ]
    notes = [_finding(f.rule, f.path, f.message, f.remedy) for f in document.findings if f.severity == "note"]
    return joined(
        [
            "### Findings" if warnings or notes else "",
            bullets(warnings),
            folded(f"{len(notes)} note{'s' if len(notes) != 1 else ''}", bullets(notes)),
        ]
    )


def _finding(rule: str, path: str | None, message: str, remedy: str) -> str:
    where = f" in {inert_code(path)}" if path else ""
    return f"{inert_code(rule)}{where}: {inert_text(message)} {inert_text(remedy)}"


def unread_section(document: Document) -> str:
    """What could not be read of the clusters, and what to do about it."""
    rows = [
        [gap.system, inert_text(gap.what), inert_code(gap.code), inert_text(gap.reason), inert_text(gap.remedy)]
        for gap in document.cluster.missing
    ]
    text = table(["system", "what", "code", "why", "what to do"], rows)
    return f"### Not read\n\n{text}" if text else "### Not read\n\nNothing: every configured cluster answered."


def description_section(document: Document) -> str:
    """How every phrase of the description was read."""
    demand = document.demand
    understood = [[inert_code(p.text), inert_code(p.field or ""), inert_code(p.value)] for p in demand.phrases]
    ignored = [f"{inert_code(p.text)}: {inert_text(p.note or p.value)}" for p in demand.not_acted_on]
    unknown = [f"{inert_code(text)}" for text in demand.unknown_numbers]
    return joined(
        [
            folded("How the description was read", table(["phrase", "changes", "to"], understood)),
            folded(f"Understood, not acted on ({len(ignored)})", bullets(ignored)),
            "**Numbers not understood**\n\n" + bullets(unknown) if unknown else "",
        ]
    )


def survey_section(document: Document) -> str:
    """What the repository showed, with file and line."""
    rows = [row for service in document.profile.services for row in _service_facts(service)]
    text = table(["service", "fact", "value", "seen in"], rows)
    notes = bullets(inert_text(note) for note in document.profile.notes)
    return folded("What the repository shows", joined([text, notes])) if text or notes else ""


def _service_facts(service: Service) -> list[list[str]]:
    name = inert_code(service.name)
    rows = [
        [
            name,
            "technology",
            inert_code(f"{service.language or 'unknown'} / {service.framework or 'unknown'}"),
            _seen(service.evidence),
        ]
    ]
    rows += [[name, "port", inert_code(f"{port.port}/{port.protocol}"), _seen(port.evidence)] for port in service.ports]
    rows += [
        [name, "needs" if need.in_use else "may use", inert_code(need.kind), _seen(need.evidence)]
        for need in service.dependencies
    ]
    if service.health is not None:
        evidence = (service.health.evidence,) if service.health.evidence else ()
        rows.append(
            [name, "health", inert_code(f"{service.health.kind} {service.health.path or ''}".strip()), _seen(evidence)]
        )
    return rows


def _seen(evidence: tuple[Evidence, ...]) -> str:
    places = [f"{item.path}:{item.line}" if item.line else item.path for item in evidence[:3]]
    return ", ".join(map(inert_code, places))


def cluster_section(document: Document) -> str:
    """When the clusters were read."""
    taken = document.cluster.taken_at
    if taken is None:
        return ""
    return f"Capacity was read at {taken:%Y-%m-%d %H:%M:%S} UTC from {len(document.cluster.nodes)} nodes."


def decisions_section(document: Document) -> str:
    """Every number with its formula and source, folded."""
    return folded(f"Every number with its reason ({len(document.decisions)})", numbers(document.decisions))
