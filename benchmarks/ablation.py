"""What the agents' models and the knowledge change: ``python -m benchmarks.ablation [--write FILE]``.

The same briefs planned by the rules alone, with hostile models, with a scripted one that behaves, with and without
retrieval.

In: the example, generated repositories. Out: Markdown, printed or put at the end of a page. Never: a real model, the
network, a figure that differs from run to run.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.ablation_briefs import CROWDED, EXAMPLES, Brief, briefs
from benchmarks.ablation_figures import MODEL_ROUNDS, Figures, Plans, figures
from benchmarks.ablation_models import Answer, Scripted, greedy, nonsense, pushing, sensible, stingy
from benchmarks.ablation_page import MARK, halves, joined
from bot.agents.desk import Desk
from bot.agents.reviewer import ROUNDS
from bot.app import SnapshotInventory
from bot.edges.clock import RealClock
from bot.edges.git import GitRepos
from bot.edges.library import FtsLibrary
from bot.edges.yaml_reader import ChildYamlReader, RememberingYamlReader
from bot.errors import Refusal
from bot.flow.house import House
from bot.flow.preview import Preview, preview
from bot.flow.steps import Straight
from bot.model.changes import ChangeSet
from bot.model.cluster import ClusterSnapshot, Node, Quota
from bot.model.command import FolderTarget, Provision
from bot.model.config import Config, Defaults
from bot.model.finding import Finding
from bot.model.quantity import Bytes, MilliCpu, Resources
from bot.survey.selection import select

_POD_QUOTA: Final = 12


@dataclass(frozen=True)
class Arrangement:
    """Who may speak. ``answer`` is what a scripted model says, None without a model."""

    title: str
    answer: Answer | None = None
    retrieval: bool = True

    @property
    def desk(self) -> Desk:
        """For every brief the same."""
        counsel = Scripted(self.answer) if self.answer is not None else None
        return Desk(counsel=counsel, library=FtsLibrary() if self.retrieval else None)


ARRANGEMENTS: Final = (
    Arrangement("rules, no retrieval", retrieval=False),
    Arrangement("rules", retrieval=True),
    Arrangement("hostile: most", greedy),
    Arrangement("hostile: least", stingy),
    Arrangement("hostile: inputs", pushing),
    Arrangement("hostile: nonsense", nonsense),
    Arrangement("hostile: most, no retrieval", greedy, retrieval=False),
    Arrangement("scripted, behaves", sensible),
    Arrangement("scripted, no retrieval", sensible, retrieval=False),
)


def main() -> None:
    """Print the section."""
    print(section())


def _command() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument(
        "--write", type=Path, help="put the section at the end of this page in place of the earlier one"
    )
    page: Path | None = parser.parse_args().write
    if page is None:
        main()
        return
    above, _ = halves(page.read_text(encoding="utf-8") if page.exists() else "")
    page.write_text(joined(above, section()), encoding="utf-8", newline="\n")


def section() -> str:
    """The section of the quality page."""
    with tempfile.TemporaryDirectory(prefix="ablation-") as folder:
        asked = briefs(Path(folder))
        made = {arrangement.title: _plans(arrangement, asked) for arrangement in ARRANGEMENTS}
    ruled = made[ARRANGEMENTS[0].title]
    return _text(len(asked), {title: figures(plans, ruled) for title, plans in made.items()})


def _plans(arrangement: Arrangement, asked: Sequence[Brief]) -> Plans:
    house = _house(arrangement.desk)
    found = {brief.name: _planned(brief, house) for brief in asked}
    return {name: plan for name, plan in found.items() if isinstance(plan, Preview)}


def _planned(brief: Brief, house: House) -> Preview | Refusal:
    return preview(
        Provision(target=FolderTarget(folder=str(brief.folder)), app_description=brief.description),
        house,
        steps=Straight(clock=house.clock),
        config=Config(defaults=Defaults(registry="ghcr.io/myorg", template_id=9000, bridge="vmbr0")),
        when_unreachable="refuse",
        progress=lambda _: None,
    )


class _NoPrograms:
    """No program of this computer judges, so that every computer prints the same."""

    def judge(self, changes: ChangeSet) -> tuple[Finding, ...]:
        del changes
        return ()


def _house(desk: Desk) -> House:
    yaml = RememberingYamlReader(ChildYamlReader())
    return House(
        repos=GitRepos(select=select, yaml=yaml),
        inventory=SnapshotInventory(_roomy()),
        toolbox=_NoPrograms(),
        yaml=yaml,
        clock=RealClock(),
        desk=desk,
    )


def _roomy() -> ClusterSnapshot:
    """The example cluster, enlarged so that room limits nothing, with a quota on one namespace."""
    found = ClusterSnapshot.model_validate_json((EXAMPLES / "cluster-snapshot.json").read_bytes())
    facts = found.kubernetes
    if facts is None:
        raise ValueError("the example snapshot holds no Kubernetes cluster")
    quota = Quota(namespace=CROWDED, name="team", hard={"pods": str(_POD_QUOTA)}, used={"pods": "0"})
    more = {"nodes": tuple(map(_larger, found.nodes)), "kubernetes": facts.model_copy(update={"quotas": (quota,)})}
    return found.model_copy(update=more)


def _larger(node: Node) -> Node:
    size = node.capacity
    larger = Resources(cpu=MilliCpu(8 * size.cpu), memory=Bytes(16 * size.memory), disk=size.disk)
    return node.model_copy(update={"capacity": larger})


_HEAD: Final = """\
{mark}

Written by `python -m benchmarks.ablation`; do not edit by hand. {count} briefs: the example application, and
{generated} generated repositories (ten frameworks with PostgreSQL, two loads, every third in a namespace with a quota),
planned in one run by every arrangement, against the example cluster enlarged so that room limits nothing.

**No live model was asked.** The hostile models are scripts that ask for the most, for the least, for the most of the
sizing's inputs alone, and for nonsense, and repeat Markdown that would act. The one that behaves asks for a quarter
more memory wherever it can cite a source: it is a test of the plumbing and claims nothing about quality, its own or any
model's.

"""


def _text(count: int, found: Mapping[str, Figures]) -> str:
    heads = ["", *found]
    rows = [f"| {name} | {' | '.join(cell(each) for each in found.values())} |" for name, cell in _ROWS]
    table = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *rows]
    return _HEAD.format(mark=MARK, count=count, generated=count - 1) + "\n".join([*table, "", _FOOT])


_ROWS: Final[tuple[tuple[str, Callable[[Figures], str]], ...]] = (
    ("plans", lambda each: str(each.plans)),
    ("manifests and Terraform byte for byte as by the rules", lambda each: f"{each.same_files} of {each.plans}"),
    ("numbers moved", lambda each: f"{len(each.factors)} of {each.numbers}"),
    ("share moved", lambda each: f"{len(each.factors) / each.numbers:.0%}" if each.numbers else "-"),
    ("median factor of what moved", lambda each: "-" if each.typical is None else f"{each.typical:.2f}"),
    ("least and greatest factor", lambda each: _ends(each.factors)),
    ("beyond half or double", lambda each: str(each.beyond)),
    ("proposals of numbers taken", lambda each: str(each.taken)),
    ("proposals of numbers held to a limit", lambda each: str(each.held)),
    ("proposals of numbers dropped", lambda each: str(each.dropped)),
    ("facts proposed, asked and never applied", lambda each: str(each.facts)),
    ("answers without a usable form", lambda each: str(each.faults)),
    ("review rounds, all", lambda each: str(sum(each.rounds))),
    (f"most rounds of one plan (limit {ROUNDS})", lambda each: str(max(each.rounds, default=0))),
    (f"rounds of the model (limit {MODEL_ROUNDS} a plan)", lambda each: str(each.by_model)),
    ("… of them kept", lambda each: str(each.kept)),
    ("pieces of knowledge retrieved", lambda each: str(each.pieces)),
    ("… of them cited", lambda each: str(each.cited)),
)


def _ends(factors: Sequence[float]) -> str:
    return f"{min(factors):.2f}, {max(factors):.2f}" if factors else "-"


_FOOT: Final = """\
"Numbers" are pods, both bounds of the autoscaler, CPU and memory of every service, cores and memory of every machine.
A proposal beyond a limit is held to the limit. Retrieval moves no number by itself; but a model's number needs a source
that it was shown, so without retrieval and without metrics nothing of what the planner's model says is taken.
"""

if __name__ == "__main__":
    _command()
