"""The README of one application: every number with its reason, and what a person has to do.

In: a scene and the paths of the bundle. Out: Markdown. Never: untrusted text outside an escaper, a clock time.
"""

from __future__ import annotations

from bot.model.finding import Finding
from bot.model.plan import Machine, Placed, ServicePlan
from bot.rendering.environment import PORT_NAME, env_source, from_sources
from bot.rendering.left_out import gaps
from bot.rendering.markdown import bullets, table
from bot.rendering.ports import container_ports, service_ports
from bot.rendering.rows import cost_lines, numbers, replicas
from bot.rendering.scene import Scene
from bot.rendering.shown import code, words
from bot.rendering.templates import fill


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
        "machines": table(
            ("machine", "for", "node", "cores", "memory", "disks", "VMID", "address"), map(_machine, plan.machines)
        ),
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


def _machine(machine: Machine) -> tuple[str, ...]:
    disks = [f"{machine.disk.to_proxmox_gib()} GiB"]
    disks += [f"{disk.size.to_proxmox_gib()} GiB for data on {code(disk.datastore)}" for disk in machine.data_disks]
    return (
        code(machine.name),
        words(machine.role),
        code(machine.node),
        str(machine.cores),
        f"{machine.memory.to_proxmox_mib()} MiB",
        ", ".join(disks),
        str(machine.vm_id),
        code(machine.address),
    )


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
