"""What the description asks for and the plan cannot give: said, so that nobody believes it was done.

In: demand, services, machines. Out: findings. Never: a wish dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.model.demand import Demand
from bot.model.finding import Finding
from bot.model.profile import RELATIONAL
from bot.planning.record import Notes
from bot.planning.service import SizedService


def remarks(demand: Demand, *, services: Sequence[SizedService], kinds: Sequence[str]) -> Notes:
    """Notes for wishes beyond this plan, warnings where the plan would mislead without them."""
    return Notes(findings=(*_unmet(demand, services, kinds), *_not_planned(demand)))


def _unmet(demand: Demand, services: Sequence[SizedService], kinds: Sequence[str]) -> Iterator[Finding]:
    if (demand.strong_consistency or demand.no_data_loss) and not RELATIONAL & set(kinds):
        yield Finding(
            rule="consistency-without-database",
            severity="warn",
            message="The description asks for strong consistency or no data loss, and no relational database is in use "
            "or named.",
            remedy="Name the database in the description, or make sure that the store in use gives what is asked for.",
        )
    for entry in services:
        if entry.service.windows:
            yield Finding(
                rule="windows-image",
                severity="warn",
                message=f"The image of service {entry.plan.name} is for Windows; it was planned for Linux nodes.",
                remedy="Build a Linux image, or place the service on Windows nodes by hand.",
            )
    if demand.stateful and services and not any(entry.plan.storage is not None for entry in services):
        yield Finding(
            rule="stateful-without-path",
            severity="warn",
            message="The description says that the application keeps state, and the repository shows no path for it.",
            remedy="Add a VOLUME to the Dockerfile or a volume to the compose file.",
        )
    if demand.stateful is False and any(entry.plan.storage is not None for entry in services):
        yield Finding(
            rule="state-found",
            severity="warn",
            message="The description says stateless, and the repository keeps files: the volume was kept.",
            remedy="Remove the volume from the repository if nothing must outlive the container.",
        )


def _not_planned(demand: Demand) -> Iterator[Finding]:
    wishes = (
        (demand.backup, "backup", "no backup job is generated", "Add the machines to your backup schedule."),
        (demand.gdpr, "GDPR", "no file changes for it", "Choose cluster, storage and backups where the data may lie."),
        (demand.geo_redundancy, "geo-redundancy", "the plan is for one cluster", "Provision a second cluster as well."),
        (
            demand.gpu,
            "GPU",
            "no device is requested; requests are taken as ten times as heavy",
            "Add the device request.",
        ),
        (demand.schedule is not None, "a schedule", "the workload runs all the time", "Scale it by your own schedule."),
        (demand.shape == "batch", "batch work", "it is sized by rate or floor", "Consider a CronJob instead."),
        (
            demand.payload is not None,
            "the payload size",
            "CPU and memory follow the rate alone",
            "Load-test large bodies.",
        ),
    )
    for wanted, what, instead, remedy in wishes:
        if wanted:
            message = f"Understood, not acted on: {what}; {instead}."
            yield Finding(rule="not-planned", severity="note", message=message, remedy=remedy)
