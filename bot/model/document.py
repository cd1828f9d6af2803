"""The published document of ``plan --format json`` (``schema_version: 1``): the belt's nouns under their public names.

In: request, profile, snapshot, plan, findings, files. Out: one JSON document. Never: clock times of this run.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from bot.model.changes import RenderedFile
from bot.model.cluster import ClusterSnapshot, Missing, Node, Store
from bot.model.consultation import Consultation
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.evidence import Piece
from bot.model.finding import Finding, Verdict
from bot.model.noun import Noun
from bot.model.plan import Placed, Plan, PlanView, ServicePlan
from bot.model.profile import AppProfile
from bot.model.refinement import Refinement


class Request(Noun):
    """What was asked, and the commit that was read. ``ref`` and ``commit`` are None for a folder. ``refinements`` are
    what ``/ai-refine`` changed since.
    """

    git_repo: str
    app_description: str
    ref: str | None = None
    commit: str | None = None
    refinements: tuple[Refinement, ...] = ()


class ClusterView(Noun):
    """What the plan says about the clusters."""

    taken_at: AwareDatetime | None = None
    nodes: tuple[Node, ...] = ()
    stores: tuple[Store, ...] = ()
    missing: tuple[Missing, ...] = ()

    @classmethod
    def of(cls, snapshot: ClusterSnapshot) -> ClusterView:
        """The published part of a snapshot."""
        return cls(taken_at=snapshot.taken_at, nodes=snapshot.nodes, stores=snapshot.stores, missing=snapshot.missing)


class Document(Noun):
    """One JSON document. ``agents`` says who decided, ``rounds`` what the reviewer did, ``retrieved`` which
    knowledge was at hand.
    """

    schema_version: Literal[1] = 1
    request: Request
    demand: Demand
    profile: AppProfile
    cluster: ClusterView
    plan: PlanView
    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = ()
    agents: tuple[Consultation, ...] = ()
    rounds: tuple[Verdict, ...] = ()
    retrieved: tuple[Piece, ...] = ()
    files: tuple[RenderedFile, ...] = ()

    @classmethod
    def of(
        cls,
        plan: Plan,
        snapshot: ClusterSnapshot,
        *,
        request: Request,
        demand: Demand,
        profile: AppProfile,
        findings: tuple[Finding, ...],
        files: tuple[RenderedFile, ...] = (),
        agents: tuple[Consultation, ...] = (),
        rounds: tuple[Verdict, ...] = (),
        retrieved: tuple[Piece, ...] = (),
    ) -> Document:
        """The document of a plan; ``findings`` follow those of the plan itself."""
        return cls(
            request=request,
            demand=demand,
            profile=profile,
            cluster=ClusterView.of(snapshot),
            plan=PlanView.model_validate({name: getattr(plan, name) for name in PlanView.model_fields}),
            decisions=plan.decisions,
            findings=(*plan.findings, *findings),
            agents=agents,
            rounds=rounds,
            retrieved=retrieved,
            files=files,
        )


class Remembered(Noun):
    """What a later command reads of the ``plan.json`` of an open pull request."""

    app: str
    request: Request
    services: tuple[ServicePlan, ...] = ()
    placement: tuple[Placed, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @classmethod
    def of(cls, document: Document) -> Remembered:
        """The part of a document that explains and repeats the plan."""
        plan = document.plan
        return cls(
            app=plan.app,
            request=document.request,
            services=plan.services,
            placement=plan.placement,
            decisions=document.decisions,
        )


class ErrorBody(Noun):
    """A refusal for machines."""

    code: str
    message: str
    remedy: str


class ErrorDocument(Noun):
    """What stdout holds after a refusal with ``--format json``."""

    schema_version: Literal[1] = 1
    error: ErrorBody
