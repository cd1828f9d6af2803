"""What was observed and retrieved for one plan: measured use, troubles, people's corrections, cited knowledge.

In: readings. Out: immutable values, each with the source id under which the pull request cites it. Never: a secret, an
internal address, a zero that stands for "no data".
"""

from __future__ import annotations

from typing import Literal

from bot.model.finding import Finding
from bot.model.noun import Noun
from bot.model.plan import PlanView
from bot.model.quantity import Bytes, MilliCpu
from bot.model.refinement import RefinementKey

PieceKind = Literal["guidance", "rule", "page", "plan", "outcome", "correction", "metrics", "event"]


class Piece(Noun):
    """One retrieved piece of knowledge. ``source_id`` is stable and short (``sizing-7.5``, ``vendor-pg-buffers``,
    ``rule:docs/sizing.md#2``, ``page:3f2a``, ``plan:shop@1a2b3c4``); ``text`` is cut to a few sentences.
    """

    source_id: str
    kind: PieceKind
    title: str
    text: str


class Workload(Noun):
    """A workload whose use is asked for: the namespace and the name of its Deployment or StatefulSet."""

    namespace: str
    name: str


class Observed(Noun):
    """Measured use of one workload over a window, per pod unless said otherwise. None: no data, which is not zero.

    ``points`` are samples with data of the least covered series used; ``age`` and ``window`` in seconds, the age of the
    newest sample; ``span`` the seconds from the oldest to the newest point with data; ``seconds_per_request`` is CPU
    time over requests of the whole workload; ``peak_rate`` its highest requests per second; ``throttled`` the share of
    CPU periods, 0 to 1; ``pods`` the most at one time.
    """

    workload: Workload
    source_id: str
    window: float
    points: int
    age: float | None = None
    span: float | None = None
    cpu_p95: MilliCpu | None = None
    cpu_p98: MilliCpu | None = None
    memory_max: Bytes | None = None
    seconds_per_request: float | None = None
    peak_rate: float | None = None
    pods: int | None = None
    throttled: float | None = None
    restarts: int | None = None


class Neighbour(Noun):
    """A running service that resembles a new one, with the last 24 hours of its use."""

    language: str | None
    framework: str | None
    kind: str
    observed: Observed


class Trouble(Noun):
    """What the cluster itself says of a workload where metrics are missing. ``limit``: the memory limit that killed."""

    workload: Workload
    source_id: str
    kind: Literal["oom-killed", "restarts", "crash-loop", "throttled", "unschedulable"]
    count: int
    limit: Bytes | None = None
    text: str


class Correction(Noun):
    """A number that a person changed in a bot's pull request before merging. ``service`` is the workload's slug."""

    service: str
    key: RefinementKey
    proposed: str
    merged: str
    source_id: str


class Spend(Noun):
    """What another application costs per month, by its own plan; in ``Evidence`` those of the same namespace alone."""

    app: str
    monthly: float
    currency: str
    namespace: str | None = None


class Reserved(Noun):
    """What other open pull requests will take when they are merged: VMIDs and addresses (CIDR or bare)."""

    vm_ids: tuple[int, ...] = ()
    addresses: tuple[str, ...] = ()


class Past(Noun):
    """The memory of one application: what was merged before, and what people changed in it.

    ``before`` is its merged plan, whose machines keep their ids, nodes and addresses.

    ``known`` is False for a new application. ``workloads`` are the ones merged before; ``similar`` are workloads of
    other applications with language, framework and kind (``Neighbour`` is made of them once they are measured).
    """

    known: bool = False
    workloads: tuple[Workload, ...] = ()
    corrections: tuple[Correction, ...] = ()
    pieces: tuple[Piece, ...] = ()
    spends: tuple[Spend, ...] = ()
    similar: tuple[Peer, ...] = ()
    before: PlanView | None = None
    reserved: Reserved = Reserved()
    findings: tuple[Finding, ...] = ()


class Peer(Noun):
    """A workload of another application, as its plan describes it."""

    workload: Workload
    language: str | None = None
    framework: str | None = None
    kind: str = "api"


class Reading(Noun):
    """What one look at the metrics gave; ``findings`` name what did not answer, in the words of the pull request."""

    observed: tuple[Observed, ...] = ()
    findings: tuple[Finding, ...] = ()


class Evidence(Noun):
    """Everything beside repository, description and capacity that a plan may rest on.

    ``pieces`` were retrieved; what moved a number is cited by the ``source`` of its decision. ``reserves`` names the
    monthly cost of the other applications of the namespace.
    """

    observed: tuple[Observed, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    corrections: tuple[Correction, ...] = ()
    spends: tuple[Spend, ...] = ()
    pieces: tuple[Piece, ...] = ()
    before: PlanView | None = None
    reserved: Reserved = Reserved()
    findings: tuple[Finding, ...] = ()


NO_EVIDENCE = Evidence()
Past.model_rebuild()
