"""What a bundle does not hold although somebody may expect it, and what a person has to do about it.

In: a scene. Out: findings, shown in the README and in the pull request. Never: silence about something left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bot.model.finding import Finding, Severity
from bot.model.plan import ServicePlan
from bot.rendering.environment import unusable_count
from bot.rendering.identity import ANY_USER, run_as
from bot.rendering.machines import images
from bot.rendering.network import host_block
from bot.rendering.pod import PRE_STOP_SLEEP_SINCE, sleeps_before_stop
from bot.rendering.ports import service_ports
from bot.rendering.probes import probes
from bot.rendering.scene import Scene
from bot.rendering.volumes import data_paths, unmountable_count


def gaps(scene: Scene) -> tuple[Finding, ...]:
    """The gaps of the bundle that ``files.render`` makes; none of them blocks."""
    found = [finding for look in BUNDLE_GAPS for finding in look(scene)]
    found += [finding for planned in scene.plan.services for look in SERVICE_GAPS for finding in look(scene, planned)]
    return tuple(found)


def _gap(rule: str, message: str, remedy: str, severity: Severity = "note") -> Finding:
    return Finding(rule=rule, severity=severity, message=message, remedy=remedy)


def _no_host(scene: Scene) -> Iterator[Finding]:
    if scene.demand.public:
        yield _gap(
            "ingress-left-out",
            "The description asks for public access, but names no host, so no Ingress was made up.",
            "Add an Ingress with your host name and certificate for the Service that users reach.",
            "warn",
        )


def _no_engine(scene: Scene) -> Iterator[Finding]:
    for kind in sorted({machine.serves for machine in scene.plan.machines if machine.serves is not None}):
        names = ", ".join(machine.name for machine in scene.plan.machines if machine.serves == kind)
        yield _gap(
            "engine-not-installed",
            f"Made ready for {kind}, which this version does not install: {names}.",
            "Install the engine from an image or with a playbook; the computed settings are a Terraform output.",
            "warn",
        )


def _unpinned_image(scene: Scene) -> Iterator[Finding]:
    if images(scene.plan.machines, config=scene.config, snapshot=scene.snapshot):
        yield _gap(
            "image-without-checksum",
            "Disk images are downloaded without a checksum, because nobody stated one.",
            "Name a template that the cluster already holds, or add the checksum to the download.",
        )


def _unknown_address(scene: Scene) -> Iterator[Finding]:
    for machine in scene.plan.machines:
        if machine.serves is not None and scene.plan.services and host_block(machine.address) is None:
            yield _gap(
                "address-unknown",
                f"The address of {machine.name} is not known, so the network policy opens its port to every address.",
                "State an address range in .ai-provision.yaml.",
            )


def _no_health(scene: Scene, planned: ServicePlan) -> Iterator[Finding]:
    facts = scene.facts(planned)
    if facts.health is None and service_ports(facts):
        yield _gap(
            "no-health-check",
            f"No health check was found in {planned.name}, so its pods get traffic as soon as they start.",
            "Add a path that answers without asking a database, such as /healthz.",
            "warn" if scene.demand.zero_downtime else "note",
        )
    elif facts.health is not None and not probes(planned, facts):
        yield _gap(
            "health-check-unusable",
            f"The health check of {planned.name} has a path, port or command that a probe cannot use.",
            "State a plain path on a port that the container listens on.",
        )


def _unknown_user(scene: Scene, planned: ServicePlan) -> Iterator[Finding]:
    facts = scene.facts(planned)
    if run_as(facts).guessed and not facts.windows:
        yield _gap(
            "image-user",
            f"The image of {planned.name} runs as root or as a user without a number; its pods run as {ANY_USER}.",
            f"Add USER {ANY_USER} to the Dockerfile and make the files readable for it.",
            "warn",
        )


def _names(scene: Scene, planned: ServicePlan) -> Iterator[Finding]:
    count = unusable_count(scene.facts(planned))
    if count:
        yield _gap(
            "env-name",
            f"{count} names of environment variables in {planned.name} are not valid in Kubernetes and were left out.",
            "Use letters, digits, underscores, dots and hyphens.",
        )


def _paths(scene: Scene, planned: ServicePlan) -> Iterator[Finding]:
    facts = scene.facts(planned)
    count = unmountable_count(facts)
    if count:
        yield _gap(
            "volume-path",
            f"{count} volume paths of {planned.name} cannot be mounted and were left out.",
            "State absolute paths of plain letters and digits.",
        )
    if planned.storage is None and data_paths(facts) and not facts.windows:
        yield _gap(
            "volume-not-kept",
            f"{planned.name} writes to {len(data_paths(facts))} folders that are empty again after every restart.",
            "Say in the description that the service keeps data, and how much.",
            "warn",
        )
    if planned.storage is not None and not data_paths(facts):
        yield _gap(
            "volume-path-unknown",
            f"{planned.name} keeps data, but no path was found; its volume is mounted at /data.",
            "Declare the path with VOLUME in the Dockerfile or in compose.",
            "warn",
        )


def _stop(scene: Scene, planned: ServicePlan) -> Iterator[Finding]:
    wanted = planned.rollout.pre_stop_seconds > 0 and service_ports(scene.facts(planned))
    if wanted and not sleeps_before_stop(scene, planned):
        since = ".".join(map(str, PRE_STOP_SLEEP_SINCE))
        yield _gap(
            "no-pre-stop",
            f"{planned.name} has no pause before it stops: the sleep action needs Kubernetes {since}, which is not "
            "known to run here.",
            "Let the bot read the cluster, or keep serving for some seconds after SIGTERM.",
        )


BUNDLE_GAPS: Final[tuple[Callable[[Scene], Iterator[Finding]], ...]] = (
    _no_host,
    _no_engine,
    _unpinned_image,
    _unknown_address,
)
SERVICE_GAPS: Final[tuple[Callable[[Scene, ServicePlan], Iterator[Finding]], ...]] = (
    _no_health,
    _unknown_user,
    _names,
    _paths,
    _stop,
)
