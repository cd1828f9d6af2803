"""``plan.json``: the plan as data, which the next run reads as its memory.

In: a scene. Out: JSON text of the published document without file contents. Never: a clock time or duration of the run.
"""

from __future__ import annotations

from bot.model.document import ClusterView, Document, PlanView
from bot.rendering.data_text import json_text
from bot.rendering.left_out import gaps
from bot.rendering.scene import Scene


def plan_json(scene: Scene) -> str:
    """The document with sorted keys; ``files`` stays empty because the files lie beside it."""
    return json_text(_document(scene).model_dump(mode="json", by_alias=True))


def _document(scene: Scene) -> Document:
    plan, snapshot = scene.plan, scene.snapshot
    view = PlanView(
        app=plan.app,
        environment=plan.environment,
        namespace=plan.namespace,
        cluster=plan.cluster,
        services=plan.services,
        machines=plan.machines,
        clusters=plan.clusters,
        placement=plan.placement,
        capacity=plan.capacity,
        cost=plan.cost,
        confidence=plan.confidence,
        capacity_verified=plan.capacity_verified,
    )
    cluster = ClusterView(
        taken_at=snapshot.taken_at, nodes=snapshot.nodes, stores=snapshot.stores, missing=snapshot.missing
    )
    return Document(
        request=scene.request,
        demand=scene.demand,
        profile=scene.profile,
        cluster=cluster,
        plan=view,
        decisions=plan.decisions,
        findings=(*plan.findings, *gaps(scene)),
    )
