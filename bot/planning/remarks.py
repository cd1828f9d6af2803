"""What the description asks for and the plan cannot give: said, so that nobody believes it was done.

In: demand, services, machines, kinds of stores in use. Out: findings. Never: a wish dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.model.demand import Demand
from bot.model.finding import Finding
from bot.model.plan import Machine
from bot.model.profile import RELATIONAL
from bot.planning.record import Notes
from bot.planning.service import SizedService

_Wish = tuple[bool, str, str, str]
"""Whether it was asked for, what, what happens instead, what to do."""


def remarks(
    demand: Demand, *, services: Sequence[SizedService], kinds: Sequence[str], machines: Sequence[Machine] = ()
) -> Notes:
    """Notes for wishes beyond this plan, warnings where the plan would mislead without them."""
    wishes = (*_beyond(demand), *_without_load(demand, services), *_without_place(demand, services, machines))
    return Notes(findings=(*_unmet(demand, services, kinds), *_not_planned(wishes)))


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


def _not_planned(wishes: Sequence[_Wish]) -> Iterator[Finding]:
    for wanted, what, instead, remedy in wishes:
        if wanted:
            message = f"Understood, not acted on: {what}; {instead}."
            yield Finding(rule="not-planned", severity="note", message=message, remedy=remedy)


def _beyond(demand: Demand) -> tuple[_Wish, ...]:
    """What this version plans for nobody."""
    return (
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
            demand.shape == "spike",
            "spikes",
            "the autoscaler's bounds follow the stated peak",
            "State the spike's rate.",
        ),
        (
            demand.shape == "steady",
            "a steady load",
            "the autoscaler stays in case it is not",
            "Nothing has to be done.",
        ),
        (
            demand.payload is not None,
            "the payload size",
            "CPU and memory follow the rate alone",
            "Load-test large bodies.",
        ),
        (
            demand.load_balanced,
            "load balancing",
            "every Service spreads its requests over its pods anyway, and nothing outside the cluster is generated",
            "Add an Ingress or a load balancer for users outside the cluster.",
        ),
        (
            demand.public is False,
            "internal use",
            "no Ingress is generated anyway",
            "Nothing has to be done.",
        ),
    )


def _without_load(demand: Demand, services: Sequence[SizedService]) -> tuple[_Wish, ...]:
    """What only changes a load, where no load was stated."""
    idle = all(entry.peak is None for entry in services)
    queries = (demand.reads_per_request, demand.writes_per_request, demand.read_write_mix)
    remedy = "State a peak rate, such as 200 QPS."
    return (
        (idle and demand.growth is not None, "growth", "no load is stated that could grow", remedy),
        (idle and demand.latency_ms is not None, "the latency target", "no load is stated to keep it under", remedy),
        (idle and any(item is not None for item in queries), "the queries of a request", "no load is stated", remedy),
    )


def _without_place(demand: Demand, services: Sequence[SizedService], machines: Sequence[Machine]) -> tuple[_Wish, ...]:
    """What only a database machine or a volume can hold, where the plan has neither."""
    engine = any(machine.serves is not None for machine in machines)
    room = engine or any(entry.plan.storage is not None for entry in services)
    stored = demand.data is not None or demand.data_growth_per_month is not None
    remedy = "Ask for strong consistency or no data loss: then a relational database in use becomes a machine."
    return (
        (stored and not room, "the amount of data", "no database machine or volume is part of this plan", remedy),
        (demand.failover and not engine, "failover", "no database machine is part of this plan", remedy),
    )
