"""From a comment to running machines and a finished rollout, without human waiting: ``make e2e``.

In: how many runs. Out: a table of each run's parts, the median, the last thread as text. Never: a network beyond
loopback; a timed test (this prints, it does not judge).

GitHub and Proxmox VE are the product's own emulators; Kubernetes' control plane, terraform with its provider, git and
kubectl are real. People's parts (review, merge) take no time here and are told apart.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.realparts import parts
from tests.realparts.control_plane import ControlPlane
from tests.realparts.pipeline import INFRA, Pipeline, kubernetes_nodes, pipeline

RUNS: Final = 3
GOAL: Final = 30.0
"""Seconds, median, command to running machine and rollout."""
_COMMAND: Final = """/ai-provision

git_repo: "https://github.com/{repo}"
app_description: "Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency, React frontend + Go/Gin API + PostgreSQL backend"
"""  # noqa: E501 - the entry standard's example, as people paste it


@dataclass(frozen=True)
class Timed:
    """Seconds of one run: comment to pull request, the plan of CI, the apply of CI."""

    pull: float
    plan: float
    apply: float

    @property
    def total(self) -> float:
        """All of it; people's minutes are not in it."""
        return self.pull + self.plan + self.apply


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and say 0; 1 when a run did not end in machines and a rollout, 2 without the real parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.e2e", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args(arguments)
    console = Console()
    missing = parts.why_not("provider", "control-plane", "kwok", "kubectl", "terraform")
    if missing is not None:
        console.print(f"make e2e {missing}")
        return 2
    with ControlPlane() as cluster:
        cluster.add_nodes(kubernetes_nodes(), occupied=False)
        cluster.add_volumes(4, "20Gi")
        rows = [_run(number, cluster, console) for number in range(1, given.runs + 1)]
    if any(row is None for row in rows):
        return 1
    _show(console, [row for row in rows if row is not None])
    return 0


def _run(number: int, cluster: ControlPlane, console: Console) -> Timed | None:
    """One fresh GitHub and Proxmox VE, one namespace of its own."""
    with pipeline(cluster=cluster, app=f"inventory-{number}") as belt:
        began = time.monotonic()
        thread, end = belt.command(_COMMAND.format(repo=belt.application))
        pulled = time.monotonic() - began
        if end.pull is None:
            console.print(f"run {number}: no pull request: {end.code}")
            return None
        plan = belt.plan(end.pull.number)
        apply = belt.deliver("apply", belt.merge(end.pull.number))
        if apply.code != 0:
            console.print(apply.out, markup=False)
            return None
        _tell(belt, number, thread, end.pull.number, console)
        return Timed(pulled, plan.seconds, apply.seconds)


def _tell(belt: Pipeline, number: int, thread: int, pull: int, console: Console) -> None:
    """What stands in the thread and on the pull request."""
    [outcome] = belt.outcomes(pull)
    machines = ", ".join(f"{each.name} at {each.address} ({each.exists})" for each in outcome.machines)
    rollouts = ", ".join(f"{each.workload.name} {each.ready}/{each.wanted}" for each in outcome.rollouts)
    console.print(f"run {number}: {outcome.kind}: {machines}; {rollouts}", markup=False)
    last = belt.github.comments(INFRA, thread)[-1].body
    console.print(last, markup=False)


def _show(console: Console, rows: list[Timed]) -> None:
    table = Table("run", "comment → pull request", "plan in CI", "merge → applied", "all")
    for number, row in enumerate(rows, 1):
        table.add_row(str(number), *(f"{value:.1f} s" for value in (row.pull, row.plan, row.apply, row.total)))
    middle = statistics.median(row.total for row in rows)
    table.add_row("p50", *("" for _ in range(3)), f"{middle:.1f} s")
    console.print(table)
    told = "met" if middle <= GOAL else "not met"
    console.print(f"Goal: at most {GOAL:.0f} s without people's waiting, {told} here.")


if __name__ == "__main__":
    sys.exit(main())
