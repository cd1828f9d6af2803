"""The pull request's text: where it goes, what it is, what it takes, why, and what was not known.

In: the published document. Out: ``PullText``. Never: untrusted text outside a code span, a value without its reason.
"""

from __future__ import annotations

from bot.model.config import Config
from bot.model.consultation import Effort
from bot.model.document import Document
from bot.model.plan import PlanView
from bot.ports import PullText
from bot.rendering.agents_section import agents_section
from bot.rendering.disruption import disruptions
from bot.rendering.inert import inert_code, inert_text
from bot.rendering.markdown import joined
from bot.rendering.pull_sections import (
    capacity_section,
    cluster_section,
    clusters_section,
    cost_section,
    decisions_section,
    description_section,
    disruption_section,
    findings_section,
    machines_section,
    questions_section,
    services_section,
    survey_section,
    unread_section,
)


def pull_text(
    document: Document,
    *,
    config: Config,
    draft: bool,
    rounds: int,
    asked_by: str | None = None,
    efforts: tuple[Effort, ...] = (),
    before: PlanView | None = None,
) -> PullText:
    """Title and body. ``asked_by`` is a thread such as ``myorg/infra#7``; ``rounds`` counts the review rounds;
    ``efforts`` are what models cost, shown here and in no file; ``before`` is the plan on the default branch, whose
    machines exist: what happens to them stands at the top.
    """
    plan = document.plan
    body = joined(
        [
            disruption_section(disruptions(before, plan)),
            _head(document, asked_by),
            _warnings(document),
            clusters_section(plan),
            services_section(plan),
            machines_section(plan),
            capacity_section(plan),
            cost_section(plan),
            _confidence(document),
            questions_section(document),
            findings_section(document),
            unread_section(document),
            description_section(document),
            survey_section(document),
            cluster_section(document),
            decisions_section(document),
            agents_section(document, efforts),
            _next(document, config, rounds),
        ]
    )
    title = f"ai-provision: {plan.app}" + (f" ({plan.environment})" if plan.environment else "")
    return PullText(title=title, body=body, draft=draft)


def _head(document: Document, asked_by: str | None) -> str:
    plan, request = document.plan, document.request
    commit = f" at {inert_code(request.commit[:12])}" if request.commit else ""
    source = f"Source: {inert_code(request.git_repo)}{commit}" if request.git_repo and plan.services else ""
    asked = f"asked in {asked_by}" if asked_by else ""
    origin = " · ".join(filter(None, (source, asked)))
    lines = [
        " · ".join(f"**{name}** {inert_code(value)}" for name, value in _places(plan)),
        "",
        *((origin[:1].upper() + origin[1:], "") if origin else ()),
        f"> {inert_text(request.app_description)}",
    ]
    return "\n".join(lines)


def _places(plan: PlanView) -> list[tuple[str, str]]:
    environment = ("environment", plan.environment or "not stated")
    if not plan.services:
        return [("Cluster" if plan.clusters else "Machines", plan.app), environment]
    return [
        ("Application", plan.app),
        environment,
        ("namespace", plan.namespace),
        ("cluster", plan.cluster or "not named"),
    ]


def _warnings(document: Document) -> str:
    plan = document.plan
    lines = []
    if not plan.capacity_verified:
        lines.append("**Capacity unverified**: at least one cluster was not read, see *Not read* below.")
    builds = [service.image.build_first for service in plan.services if service.image.build_first]
    lines += [f"**Build first**: {inert_text(sentence)}" for sentence in builds]
    lines += [
        f"**{finding.rule}**: {inert_text(finding.message)}"
        for finding in document.findings
        if finding.severity == "block"
    ]
    return "> [!IMPORTANT]\n" + "\n".join(f"> - {line}" for line in lines) if lines else ""


def _confidence(document: Document) -> str:
    confidence = document.plan.confidence
    text = (
        f"### Confidence\n\n**{confidence.value:.3f}** · 80 % interval of busy cores at peak: "
        f"{confidence.low_cores:.2f} to {confidence.high_cores:.2f}. {inert_text(confidence.why)}"
    )
    if confidence.draft:
        text += "\n\nBelow the configured bound, so this is a draft: run a load test before merging."
    return text


def _next(document: Document, config: Config, rounds: int) -> str:
    root = document.plan.root
    readme, data = inert_code(f"{root}/README.md"), inert_code(f"{root}/plan.json")
    build = any(service.image.build_first for service in document.plan.services)
    again, change = inert_code("/ai-provision"), inert_code("/ai-refine replicas=5 memory=1Gi")
    steps = [
        *(["Build and push the images named above."] if build else []),
        f"Check the numbers: {readme} explains each of them, {data} holds the same facts as data.",
        *_apply_steps(document, config),
        f"To change a number, comment {change}; for other facts, {again} with a more exact description."
        if document.plan.services
        else f"To change something, comment {again} with a more exact description.",
    ]
    numbered = "\n".join(f"{index}. {step}" for index, step in enumerate(steps, 1))
    plural = "s" if rounds != 1 else ""
    return f"### Next\n\n{numbered}\n\nThe files passed {rounds} review round{plural} without a blocking finding."


def _apply_steps(document: Document, config: Config) -> list[str]:
    plan, steps = document.plan, []
    if plan.machines:
        workflows = f"where {inert_code('ai-provision init')} has added the workflows"
        steps.append(f"Merging it applies it {workflows}. {_by_hand(plan)}")
    if plan.clusters:
        steps.append(f"The playbook in {inert_code(f'{plan.root}/ansible')} makes the cluster of the machines.")
    if plan.services:
        how = {
            "kubectl": inert_code(f"kubectl apply --server-side -k {plan.root}/kubernetes"),
            "argocd": "Argo CD syncs the folder.",
            "flux": "Flux reconciles the folder.",
        }
        steps.append(f"Then, in namespace {inert_code(plan.namespace)}: {how[config.delivery]}")
    return steps


def _by_hand(plan: PlanView) -> str:
    terraform = f"terraform -chdir={plan.root}/terraform"
    return f"By hand: {inert_code(f'{terraform} init && {terraform} plan')}."
