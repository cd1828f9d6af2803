"""``plan.json``: the plan as data, which the next run reads as its memory.

In: a scene. Out: JSON text of the published document without file contents. Never: a clock time or duration of the run.
"""

from __future__ import annotations

from bot.model.document import Document
from bot.rendering.data_text import json_text
from bot.rendering.left_out import gaps
from bot.rendering.scene import Scene


def plan_json(scene: Scene) -> str:
    """The document with sorted keys; ``files`` stays empty because the files lie beside it."""
    document = Document.of(
        scene.plan,
        scene.snapshot,
        request=scene.request,
        demand=scene.demand,
        profile=scene.profile,
        findings=gaps(scene),
        agents=scene.agents,
        rounds=scene.rounds,
        retrieved=scene.retrieved,
    )
    return json_text(document.model_dump(mode="json", by_alias=True))
