"""The first half of the belt: a command becomes a reviewed plan with its files; nothing is written anywhere.

    Provision ─▶ Tree ─▶ profile + demand ─▶ snapshot ─▶ plan ─▶ files ─▶ findings ─(repair)─▶ Preview

In: a command and the house. Out: ``Preview`` or the ``Refusal`` that stopped it. Never: a write outside this process.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import TypeAdapter

from bot.agents.collector import Collected, collect, collect_request, names_no_machine
from bot.agents.context import Context
from bot.agents.judgement import Judging, judge
from bot.agents.reviewer import Reviewed
from bot.capacity.headroom import headroom
from bot.checks.preflight.tests import findings_of, preflight
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.house import House
from bot.model.cluster import ClusterSnapshot
from bot.model.command import Provision, RepoTarget
from bot.model.config import Config
from bot.model.consultation import Effort
from bot.model.document import Document, Request
from bot.model.finding import Finding
from bot.model.inquiry import Inquiry
from bot.model.noun import Noun
from bot.model.refinement import Refinement
from bot.model.tree import Unread
from bot.ports import Progress, Steps

WhenUnreachable = Literal["go-on", "refuse", "draft"]


class Preview(Noun):
    """The plan, its files, and everything a reviewer wants to see."""

    document: Document
    collected: Collected
    snapshot: ClusterSnapshot
    reviewed: Reviewed
    draft: bool = False

    @property
    def inquiry(self) -> Inquiry | None:
        """What to ask before anything is opened."""
        return self.reviewed.inquiry

    @property
    def efforts(self) -> tuple[Effort, ...]:
        """What the agents' models cost."""
        return (*self.collected.efforts, *self.reviewed.efforts)


class Facts(Noun):
    """What one reading of a repository gave: enough to plan, without the text of its files."""

    collected: Collected
    ref: str | None
    commit: str | None
    unread: tuple[Unread, ...] = ()


class _Asked(Noun):
    """The request, and what was changed of its plan since."""

    command: Provision
    refinements: tuple[Refinement, ...] = ()


_FACTS: Final[TypeAdapter[Facts | Refusal]] = TypeAdapter(Facts | Refusal)
_SNAPSHOT: Final[TypeAdapter[ClusterSnapshot]] = TypeAdapter(ClusterSnapshot)
_REVIEWED: Final[TypeAdapter[Reviewed | Refusal]] = TypeAdapter(Reviewed | Refusal)


def preview(
    command: Provision,
    house: House,
    *,
    steps: Steps,
    config: Config,
    when_unreachable: WhenUnreachable,
    progress: Progress,
    refinements: tuple[Refinement, ...] = (),
) -> Preview | Refusal:
    """Read, plan, render, check. A mistake of the user or an outage comes back as a value."""
    asked = _Asked(command=command, refinements=refinements)
    try:
        return _belt(asked, house, steps=steps, config=config, when_unreachable=when_unreachable, progress=progress)
    except (Refused, Unavailable) as stop:
        return stop.refusal


def _belt(
    asked: _Asked,
    house: House,
    *,
    steps: Steps,
    config: Config,
    when_unreachable: WhenUnreachable,
    progress: Progress,
) -> Preview | Refusal:
    progress("Reading the repository")
    facts = steps.run("read-repository", lambda: _facts(asked.command, house), _FACTS)
    if isinstance(facts, Refusal):
        return facts
    progress("Reading the clusters")
    snapshot = steps.run("read-clusters", house.inventory.read, _SNAPSHOT)
    if when_unreachable == "refuse" and snapshot.down:
        return _down(snapshot)
    context = Context(request=_request(asked, facts), collected=facts.collected, snapshot=snapshot, config=config)
    progress("Sizing, placing, rendering, checking")
    reviewed = steps.run("plan", lambda: _reviewed(asked, context, house, commit=facts.commit), _REVIEWED)
    return reviewed if isinstance(reviewed, Refusal) else _preview(context, reviewed, facts, when_unreachable)


def _facts(command: Provision, house: House) -> Facts | Refusal:
    if command.wants != "application":
        request = collect_request(command)
        if not isinstance(request, Refusal):
            return Facts(collected=request, ref=None, commit=None)
        if command.wants == "machines" or not names_no_machine(request):
            return request
        application = _application(command, house)
        return request if isinstance(application, Refusal) else application
    return _application(command, house)


def _application(command: Provision, house: House) -> Facts | Refusal:
    tree = house.repos.read(command.target)
    collected = collect(command, tree, desk=house.desk)
    if isinstance(collected, Refusal):
        return collected
    return Facts(collected=collected, ref=tree.ref, commit=tree.commit, unread=tree.unread)


def _reviewed(asked: _Asked, context: Context, house: House, *, commit: str | None) -> Reviewed | Refusal:
    return judge(
        Judging(
            context=context,
            refinements=asked.refinements,
            repo_owner=_owner(asked.command),
            commit=commit,
            toolbox=house.toolbox,
            desk=house.desk,
        )
    )


def _down(snapshot: ClusterSnapshot) -> Refusal:
    gap = snapshot.down[0]
    return Refusal(code=Code(gap.code), message=gap.reason, remedy=gap.remedy)


def _owner(command: Provision) -> str | None:
    return command.target.owner if isinstance(command.target, RepoTarget) else None


def _request(asked: _Asked, facts: Facts) -> Request:
    return Request(
        git_repo=asked.command.target.url,
        app_description=asked.command.app_description,
        ref=facts.ref,
        commit=facts.commit,
        refinements=asked.refinements,
    )


def _preview(context: Context, reviewed: Reviewed, facts: Facts, when_unreachable: WhenUnreachable) -> Preview:
    plan = reviewed.plan
    draft = plan.confidence.draft or (when_unreachable == "draft" and not plan.capacity_verified)
    return Preview(
        document=document(context, reviewed, extra=(*_unread_findings(facts.unread), *_room(context, reviewed))),
        collected=context.collected,
        snapshot=context.snapshot,
        reviewed=reviewed,
        draft=draft,
    )


def _room(context: Context, reviewed: Reviewed) -> tuple[Finding, ...]:
    """The preflight's second opinion on the plan; what was not read is said elsewhere."""
    rooms = headroom(context.snapshot, context.config)
    before = reviewed.evidence.before
    owned = frozenset(machine.vm_id for machine in before.machines) if before is not None else frozenset()
    tested = preflight(reviewed.plan, snapshot=context.snapshot, headroom=rooms, config=context.config, owned=owned)
    return tuple(finding for finding in findings_of(tested) if finding.severity == "block")


def _unread_findings(unread: tuple[Unread, ...]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            rule="read-limits",
            severity="note",
            path=item.path,
            message=f"could not read {item.path}: {item.reason}",
            remedy="Check the file if it should have a say; the rest was read.",
        )
        for item in unread
    )


def document(context: Context, reviewed: Reviewed, *, extra: tuple[Finding, ...] = ()) -> Document:
    """The published document of a reviewed plan."""
    return Document.of(
        reviewed.plan,
        context.snapshot,
        request=context.request,
        demand=context.collected.demand,
        profile=context.collected.profile,
        findings=(*reviewed.findings, *extra),
        agents=reviewed.consultations,
        rounds=reviewed.rounds,
        retrieved=reviewed.retrieved,
        files=reviewed.changes.files,
    )
