"""What became of a merge: applied, failed, returned or abandoned, with what exists now.

In: what each part of an apply gave. Out: an immutable ``Outcome``. Never: a secret, an internal stack trace.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from bot.model.noun import Noun
from bot.model.quantity import Bytes, MilliCpu

StepName = Literal[
    "gate", "preflight", "terraform-plan", "parity", "terraform-apply", "ssh", "playbook", "kubeconfig", "nodes-ready",
    "namespace", "manifests", "rollout", "return", "destroy", "report",
]  # fmt: skip


class Done(Noun):
    """One part of an apply. ``detail`` is one sentence for people. Seconds."""

    name: StepName
    state: Literal["done", "failed", "skipped"]
    seconds: float = 0.0
    detail: str = ""


class Reached(Noun):
    """A machine as it was found after the apply. ``seconds`` until SSH answered, None when it did not."""

    name: str
    vm_id: int
    node: str
    address: str | None = None
    user: str | None = None
    key: str | None = None
    seconds: float | None = None
    asked: str = ""
    exists: str = ""


class WorkloadRef(Noun):
    """A workload of a namespace."""

    kind: Literal["Deployment", "StatefulSet"]
    name: str
    namespace: str


class Rollout(Noun):
    """How a workload came up. ``returned``: to the previous revision, because the deadline passed."""

    workload: WorkloadRef
    state: Literal["complete", "failed", "returned"]
    ready: int
    wanted: int
    seconds: float
    why: str = ""


class Url(Noun):
    """Where the application is reached. ``tls``: what is known of its certificate."""

    host: str
    path: str = "/"
    tls: Literal["ready", "waiting", "none", "unknown"] = "unknown"


class Built(Noun):
    """A Kubernetes cluster that was built: Ready nodes of all, and where its kubeconfig lies."""

    name: str
    ready: int
    wanted: int
    version: str | None = None
    secret: str | None = None


class Use(Noun):
    """Ten minutes of one workload after its rollout, against its requests. None: no data, which is not zero."""

    workload: WorkloadRef
    restarts: int | None = None
    oom_kills: int | None = None
    throttled: float | None = None
    cpu: MilliCpu | None = None
    cpu_request: MilliCpu | None = None
    memory: Bytes | None = None
    memory_request: Bytes | None = None
    ready: int | None = None
    wanted: int | None = None


class Afterwards(Noun):
    """What was seen ten minutes after the rollout. ``healthy`` None: nothing could be read."""

    at: AwareDatetime
    healthy: bool | None
    uses: tuple[Use, ...] = ()
    notes: tuple[str, ...] = ()


class Outcome(Noun):
    """The end of one stack's apply.

    ``returned``: manifests went back to the previous revision. ``abandoned``: nothing was begun (a gate, the preflight,
    a pull request that was closed). ``code``, ``message``, ``remedy``: why not, and the exact next step. ``thread`` is
    where the command was given (``owner/name#7``). ``planned`` are the workloads with their requests.
    """

    kind: Literal["applied", "failed", "returned", "abandoned", "destroyed"]
    root: str
    app: str
    environment: str | None = None
    commit: str
    pull: int | None = None
    thread: str | None = None
    run_url: str | None = None
    at: AwareDatetime
    seconds: float = 0.0
    steps: tuple[Done, ...] = ()
    machines: tuple[Reached, ...] = ()
    clusters: tuple[Built, ...] = ()
    rollouts: tuple[Rollout, ...] = ()
    urls: tuple[Url, ...] = ()
    namespace: str | None = None
    planned: tuple[Use, ...] = ()
    revert_url: str | None = None
    state_kept: str | None = None
    code: str | None = None
    message: str = ""
    remedy: str = ""
    after: Afterwards | None = None
