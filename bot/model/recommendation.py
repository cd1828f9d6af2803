"""A recommendation: every number that a Deployment needs, with its reason, as data.

In: what the sizing rules decided about one payload of the input standard. Out: an immutable ``Recommendation``.
Never: a number without a reason, a value that our generated files leave out without its mark.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.model.noun import Noun

Pods = Annotated[int, Field(ge=1)]


class Target(Noun):
    """The workload that a patch changes; ``container`` is the one that gets the resources."""

    kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    name: str
    container: str


class Sizes(Noun):
    """CPU and memory of one pod in Kubernetes notation: ``850m``, ``128Mi``."""

    cpu: str
    memory: str


class Autoscaler(Noun):
    """Bounds of a HorizontalPodAutoscaler; ``target_cpu_percent`` of the CPU request."""

    min: Pods
    max: Pods
    target_cpu_percent: Annotated[int, Field(ge=1, le=100)]


class Because(Noun):
    """Why a value is what it is. ``path`` is the value (``requests.cpu``), empty where the reason is about the payload;
    ``source`` names the rule or the part of the payload; ``formula`` holds the numbers.
    """

    path: str = ""
    text: str
    source: str
    formula: str | None = None


class Marked(Noun):
    """A value of the answer that our generated files, and the patch, leave out, with the reason."""

    path: Literal["limits.cpu", "replicas", "autoscaler"]
    why: str


class Recommendation(Noun):
    """The answer to one payload. ``confidence`` is exp(-sigma) of sizing step 14, 0 to 1.

    ``fits`` says whether the pods that the load asks for fit the quota and the nodes of the payload, and what policy
    permits; None where the payload names neither quota nor nodes. ``replicas`` and the autoscaler never pass the quota
    while one pod fits it; ``reasons`` say when they had to be cut.
    """

    schema_version: Literal[1] = 1
    target: Target
    replicas: Pods
    requests: Sizes
    limits: Sizes
    autoscaler: Autoscaler
    confidence: Annotated[float, Field(ge=0, le=1)]
    fits: bool | None = None
    marked: tuple[Marked, ...] = ()
    reasons: tuple[Because, ...] = ()

    def leaves_out(self, path: str) -> bool:
        """True when the generated files hold no such value."""
        return any(mark.path == path for mark in self.marked)
