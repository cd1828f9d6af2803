"""The first half of the belt: a command becomes a reviewed plan with its files; nothing is written anywhere.

    Provision ─▶ Tree ─▶ profile + demand ─▶ snapshot ─▶ plan ─▶ files ─▶ findings ─(repair)─▶ Preview

In: a command and the house. Out: ``Preview`` or the ``Refusal`` that stopped it. Never: a write outside this process.
"""

from __future__ import annotations

from typing import Literal

from bot.agents.collector import Collected, collect
from bot.agents.planner import first_plan
from bot.agents.reviewer import Context, Reviewed, review
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.house import House
from bot.model.cluster import ClusterSnapshot
from bot.model.command import Provision, RepoTarget
from bot.model.config import Config
from bot.model.document import Document, Request
from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.tree import Tree
from bot.ports import Progress

WhenUnreachable = Literal["go-on", "refuse", "draft"]


class Preview(Noun):
    """The plan, its files, and everything a reviewer wants to see."""

    document: Document
    collected: Collected
    snapshot: ClusterSnapshot
    reviewed: Reviewed
    draft: bool = False


def preview(
    command: Provision, house: House, *, config: Config, when_unreachable: WhenUnreachable, progress: Progress
) -> Preview | Refusal:
    """Read, plan, render, check. A mistake of the user or an outage comes back as a value."""
    try:
        return _belt(command, house, config=config, when_unreachable=when_unreachable, progress=progress)
    except (Refused, Unavailable) as stop:
        return stop.refusal


def _belt(
    command: Provision, house: House, *, config: Config, when_unreachable: WhenUnreachable, progress: Progress
) -> Preview | Refusal:
    progress("Reading the repository")
    tree = house.repos.read(command.target)
    collected = collect(command, tree)
    if isinstance(collected, Refusal):
        return collected
    progress("Reading the clusters")
    snapshot = _readings(house, when_unreachable)
    if isinstance(snapshot, Refusal):
        return snapshot
    progress("Sizing and placing")
    plan = first_plan(collected, snapshot, config=config, repo_owner=_owner(command), commit=tree.commit)
    if isinstance(plan, Refusal):
        return plan
    progress("Rendering and checking the files")
    context = Context(request=_request(command, tree), collected=collected, snapshot=snapshot, config=config)
    reviewed = review(plan, context, toolbox=house.toolbox)
    if isinstance(reviewed, Refusal):
        return reviewed
    return _preview(context, reviewed, tree, when_unreachable)


def _readings(house: House, when_unreachable: WhenUnreachable) -> ClusterSnapshot | Refusal:
    """The snapshot; a configured system that gave nothing is a refusal, or a stated gap where the caller goes on."""
    snapshot = house.inventory.read()
    if when_unreachable != "refuse" or not snapshot.down:
        return snapshot
    gap = snapshot.down[0]
    return Refusal(code=Code(gap.code), message=gap.reason, remedy=gap.remedy)


def _owner(command: Provision) -> str | None:
    return command.target.owner if isinstance(command.target, RepoTarget) else None


def _request(command: Provision, tree: Tree) -> Request:
    return Request(
        git_repo=command.target.url, app_description=command.app_description, ref=tree.ref, commit=tree.commit
    )


def _preview(context: Context, reviewed: Reviewed, tree: Tree, when_unreachable: WhenUnreachable) -> Preview:
    plan = reviewed.plan
    draft = plan.confidence.draft or (when_unreachable == "draft" and not plan.capacity_verified)
    return Preview(
        document=document(context, reviewed, extra=_unread_findings(tree)),
        collected=context.collected,
        snapshot=context.snapshot,
        reviewed=reviewed,
        draft=draft,
    )


def _unread_findings(tree: Tree) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            rule="read-limits",
            severity="note",
            path=item.path,
            message=f"could not read {item.path}: {item.reason}",
            remedy="Check the file if it should have a say; the rest was read.",
        )
        for item in tree.unread
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
        files=reviewed.changes.files,
    )
