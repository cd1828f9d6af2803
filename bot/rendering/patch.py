"""A recommendation as a strategic-merge patch, for ``kubectl patch --type strategic --patch-file``.

In: a ``Recommendation``. Out: one YAML document by the serialiser. Never: a value that our generated files leave out,
unless it was asked for; a name or a quantity pasted into text.
"""

from __future__ import annotations

from bot.model.recommendation import Recommendation
from bot.rendering.data_text import yaml_text

_USUAL = "Strategic-merge patch. Left out on purpose: {left}; the JSON answer holds the values and says why."
_NOTHING_LEFT = "Strategic-merge patch with every recommended value."
_COMPLETE = "Strategic-merge patch with every number, also those that generated files leave out: {left}."


def patch_text(answer: Recommendation, *, complete: bool = False) -> str:
    """The patch. ``complete`` adds what the generated files leave out: a CPU limit, ``replicas`` beside an autoscaler.

    The autoscaler is an object of its own, so that no patch of a Deployment can hold its bounds.
    """
    spec: dict[str, object] = {}
    if complete or not answer.leaves_out("replicas"):
        spec["replicas"] = answer.replicas
    spec["template"] = {"spec": {"containers": [_container(answer, complete=complete)]}}
    patch = {
        "apiVersion": "apps/v1",
        "kind": answer.target.kind,
        "metadata": {"name": answer.target.name},
        "spec": spec,
    }
    return yaml_text(patch, comment=_comment(answer, complete=complete))


def _container(answer: Recommendation, *, complete: bool) -> dict[str, object]:
    limits = {"memory": answer.limits.memory}
    if complete or not answer.leaves_out("limits.cpu"):
        limits = {"cpu": answer.limits.cpu, **limits}
    requests = {"cpu": answer.requests.cpu, "memory": answer.requests.memory}
    return {"name": answer.target.container, "resources": {"requests": requests, "limits": limits}}


def _comment(answer: Recommendation, *, complete: bool) -> str:
    left = ", ".join(mark.path for mark in answer.marked if mark.path != "autoscaler")
    if not left:
        return _NOTHING_LEFT
    return (_COMPLETE if complete else _USUAL).format(left=left)
