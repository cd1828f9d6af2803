"""The README of one stack: every number with its reason, and what a person has to do.

In: a scene and the paths of the bundle. Out: Markdown. Never: untrusted text outside an escaper, a clock time.
"""

from __future__ import annotations

from bot.model.finding import Finding
from bot.model.plan import Machine, Placed, ServicePlan
from bot.rendering.environment import PORT_NAME, env_source, from_sources
from bot.rendering.left_out import gaps
from bot.rendering.machine_rows import CLUSTER_HEAD, MACHINE_HEAD, cluster_reason, cluster_row, machine_row
from bot.rendering.markdown import bullets, table
from bot.rendering.ports import container_ports, service_ports
from bot.rendering.rows import cost_lines, numbers, replicas
from bot.rendering.scene import Scene
from bot.rendering.shown import code, words
from bot.rendering.templates import fill
from bot.rendering.terraform import is_guarded, needs_cluster_token, replicates


def readme(scene: Scene, paths: tuple[str, ...]) -> str:
    """The text. ``paths`` are those of the other files, below the application's folder."""
    plan = scene.plan
    shown = {
        "plan": plan,
        "request": scene.request,
        "delivery": scene.config.delivery,
        "first": bullets(_first(scene)),
        "workloads": table(
            ("workload", "kind", "replicas", "request", "limit", "image"), map(_workload, plan.services)
        ),
        "machines": table(MACHINE_HEAD, ([_cell(text) for text in machine_row(one, plan)] for one in plan.machines)),
        "clusters": table(CLUSTER_HEAD, ([_cell(text) for text in cluster_row(one)] for one in plan.clusters)),
        "cluster_reasons": bullets(words(cluster_reason(one)) for one in plan.clusters),
        **_life(scene, paths),
        "placement": bullets(map(_placed, plan.placement)),
        "numbers": numbers(plan.decisions),
        "variables": table(("workload", "name", "comes from", "key", "must exist"), _variables(scene)),
        "secret_names": sorted({row[0] for row in _secrets(scene)}),
        "engine": table(("machine", "setting", "value"), _settings(plan.machines)),
        "traffic": bullets(_traffic(scene)),
        "cost": _cost(scene),
        "files": bullets(code(path) for path in paths),
    }
    return fill("text/app-readme.md.j2", shown)


def _first(scene: Scene) -> list[str]:
    builds = [service.image.build_first for service in scene.plan.services if service.image.build_first]
    found = [*scene.plan.findings, *gaps(scene)]
    return [*map(words, dict.fromkeys(builds)), *map(_finding, found)]


def _finding(finding: Finding) -> str:
    return f"{words(finding.message)} {words(finding.remedy)} ({code(finding.rule)})"


def _workload(planned: ServicePlan) -> tuple[str, ...]:
    cpu = planned.limits.cpu.to_k8s() if planned.limits.cpu is not None else "no limit"
    return (
        code(planned.name),
        planned.kind,
        replicas(planned),
        f"{planned.requests.cpu} CPU, {planned.requests.memory}",
        f"{cpu} CPU, {planned.limits.memory}"
        if planned.limits.cpu is not None
        else f"{planned.limits.memory}, no CPU limit",
        code(planned.image.reference),
    )


def _cell(text: str) -> str:
    return code(text) if text else ""


def _life(scene: Scene, paths: tuple[str, ...]) -> dict[str, object]:
    """What the part about Terraform has to explain."""
    plan, state = scene.plan, scene.config.state
    machines = plan.machines
    return {
        "backend": state.backend if state is not None else None,
        "cluster_token": needs_cluster_token(plan),
        "guarded": is_guarded(plan),
        "replicated": replicates(plan),
        "schedule": plan.backup.schedule if plan.backup is not None else None,
        "backed_up": [machine.name for machine in machines if machine.backup],
        "available": [machine.name for machine in machines if machine.ha and plan.ha != "none"],
        "adopted": [machine.name for machine in machines if machine.adopted],
        "imported": [one.name for one in machines if one.kind == "vm" and one.source.image and not one.adopted],
        "kept": any(machine.data_disks for machine in machines),
        "playbook": any(path.startswith("ansible/") for path in paths),
        "parallelism": scene.config.apply.parallelism,
        "steps": "\n".join(f"{number}. {step}" for number, step in enumerate(_steps(scene, paths), 1)),
    }


def _steps(scene: Scene, paths: tuple[str, ...]) -> list[str]:
    """What a person does with the files, in order."""
    plan = scene.plan
    applied = "Review and merge. Where `ai-provision init` has added the workflows, merging applies it."
    own = f"Without them: `terraform -chdir={plan.root}/terraform init`, `plan`, `apply`."
    playbook = f"Then run the playbook in `{plan.root}/ansible`."
    return [
        *(["Build and push the images named above."] if any(one.image.build_first for one in plan.services) else []),
        *(["Make the Secrets named above."] if _secrets(scene) else []),
        f"{applied} {own}" if plan.machines else applied,
        *([playbook] if any(path.startswith("ansible/") for path in paths) else []),
        *([f"Reach the machines as user `{scene.config.defaults.username}` over SSH."] if plan.machines else []),
    ]


def _placed(placed: Placed) -> str:
    where = f"on {code(placed.node)}" if placed.node else "where the scheduler finds room"
    rejected = "; ".join(f"not {code(item.node)}: {words(item.reason)}" for item in placed.rejected)
    return f"{code(placed.name)} {where}: {words(placed.why)}" + (f" ({rejected})" if rejected else "")


def _secrets(scene: Scene) -> list[tuple[str, str]]:
    """Secret and key, for every variable that comes from one."""
    return [
        (env_source(planned.name), item.name)
        for planned in scene.plan.services
        for item in from_sources(planned, scene.facts(planned), container_ports(scene.facts(planned)))
        if item.secret
    ]


def _variables(scene: Scene) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for planned in scene.plan.services:
        facts = scene.facts(planned)
        ports = container_ports(facts)
        rows += [
            (code(planned.name), code(name), "this bundle", code(value), "set")
            for name, value in sorted(planned.runtime_env.items())
        ]
        if ports and any(item.name == PORT_NAME for item in facts.env):
            rows.append((code(planned.name), code(PORT_NAME), "this bundle", str(ports[0].number), "set"))
        rows += [
            (
                code(planned.name),
                code(item.name),
                f"{'Secret' if item.secret else 'ConfigMap'} {code(env_source(planned.name))}",
                code(item.name),
                "yes" if item.secret and item.required else "no",
            )
            for item in from_sources(planned, facts, ports)
        ]
    return rows


def _settings(machines: tuple[Machine, ...]) -> list[tuple[str, ...]]:
    return [
        (code(machine.name), code(name), code(value))
        for machine in machines
        for name, value in sorted(machine.settings.items())
    ]


def _traffic(scene: Scene) -> list[str]:
    lines = []
    planned_names = {planned.name for planned in scene.plan.services}
    for planned in scene.plan.services:
        facts = scene.facts(planned)
        ports = ", ".join(str(port.number) for port in service_ports(facts)) or "nothing"
        out = [name for name in facts.calls if name in planned_names and name != planned.name]
        out += [need.kind for need in facts.dependencies if need.in_use]
        reached = ", ".join(code(name) for name in dict.fromkeys(out))
        lines.append(f"{code(planned.name)}: in {ports}; out to DNS{', ' + reached if reached else ''}.")
    return lines


def _cost(scene: Scene) -> str:
    cost = scene.plan.cost
    if not cost.priced or cost.monthly is None:
        return words(cost.note[:1].upper() + cost.note[1:]) + "."
    return f"{cost.monthly:.2f} {cost.currency} per month.\n\n{cost_lines(cost)}"
