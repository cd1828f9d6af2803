"""One payload becomes one recommendation: the rules of sizing, the samples of the payload, the room it names.

In: ``Payload``, config, a reader for its manifests. Out: ``Recommendation``, always with every number, or a ``Refusal``
(``name``: it could name nothing; ``policy``: no cluster bears that load). Never: a clock, a model, a number without its
reason.

The story: who it is, what it has to bear, what a request costs, how large a pod is and how many, what the samples move,
what the quota and the nodes hold, what our generated files would leave out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from bot.agents.history import history_of
from bot.agents.places import NAMESPACE, Places, places_for, quota_of
from bot.agents.pod_numbers import Basis, Pods, basis_of, sized, with_seen_load
from bot.agents.subject import subject_of
from bot.errors import Refusal
from bot.model.config import Config
from bot.model.quantity import MilliCpu, Resources
from bot.model.recommendation import Autoscaler, Because, Marked, Recommendation, Sizes
from bot.model.standard import DeploymentContext, Payload
from bot.planning.allowances import LIMIT_OVER_REQUEST, allowance_of
from bot.planning.compute import PodCpu
from bot.planning.confidence import Sureness
from bot.planning.quota import Pod
from bot.planning.record import figure
from bot.ports import YamlReader

_DEFAULTS: Final = Config()


def recommend(payload: Payload, *, config: Config = _DEFAULTS, yaml: YamlReader) -> Recommendation | Refusal:
    """The answer to one payload; the same payload gives the same bytes."""
    subject = subject_of(payload, yaml=yaml)
    if isinstance(subject, Refusal):
        return subject
    history = history_of(payload.historical_metrics)
    basis = basis_of(with_seen_load(subject, history), history)
    pods = sized(basis, tolerance=_tolerance(payload), most=config.limits.max_replicas)
    if isinstance(pods, Refusal):
        return pods
    return _answered(basis, pods, context=payload.deployment_context, most=config.limits.max_replicas)


def _tolerance(payload: Payload) -> str:
    return (payload.app_metadata.oom_tolerance if payload.app_metadata is not None else None) or ""


def _answered(basis: Basis, pods: Pods, *, context: DeploymentContext | None, most: int) -> Recommendation:
    """What the quota and policy leave of it, the CPU limit, the marks."""
    limit = MilliCpu(LIMIT_OVER_REQUEST * pods.cpu.milli)
    demanded = allowance_of(quota_of(context), NAMESPACE).cpu_limit_wanted
    pod = Pod(
        basis.subject.name,
        requests=Resources(cpu=MilliCpu(pods.cpu.milli), memory=pods.memory),
        limits=Resources(cpu=limit, memory=pods.memory),
    )
    places = places_for(pod, context=context)
    n, hpa = _within(pods, places, most=most)
    sure = Because(path="confidence", text=basis.sure.why, source="sizing step 14", formula=_sure_formula(basis.sure))
    cut = _cut(pods, n, places=places, most=most)
    return Recommendation(
        target=basis.subject.target,
        replicas=n,
        requests=Sizes(cpu=pod.requests.cpu.to_k8s(), memory=pods.memory.to_k8s()),
        limits=Sizes(cpu=limit.to_k8s(), memory=pods.memory.to_k8s()),
        autoscaler=hpa,
        confidence=round(basis.sure.value, 3),
        fits=False if pods.count.n > most else places.fit(pods.count.n),
        marked=_marks(scaled=pods.scaled, demanded=demanded),
        reasons=(*basis.reasons, *pods.reasons, _limit(pods.cpu, limit, demanded), *places.reasons, *cut, sure),
    )


def _sure_formula(sure: Sureness) -> str:
    return f"exp(-{figure(sure.sigma)}) = {math.exp(-sure.sigma):.3f}"


def _within(pods: Pods, places: Places, *, most: int) -> tuple[int, Autoscaler]:
    """The quota and policy bound the pods, because more are never made; nodes only bound the autoscaler, because a
    cluster may get more of them.
    """
    bound = max(1, min(most, most if places.quota is None else places.quota))
    n, hpa = min(pods.count.n, bound), pods.hpa
    roomy = bound if places.nodes is None else max(n, min(bound, places.nodes))
    highest = max(n, min(hpa.max, roomy))
    return n, Autoscaler(min=min(hpa.min, n), max=highest, target_cpu_percent=hpa.target_cpu_percent)


def _cut(pods: Pods, n: int, *, places: Places, most: int) -> Iterator[Because]:
    """What the load asks for and does not get."""
    if n < pods.count.n:
        by = "limits.max_replicas" if n == most else "the namespace's quota"
        text = f"The load asks for {pods.count.n} pods; {by} permits {n}, which do not bear it."
        yield Because(path="replicas", text=text, source="deployment_context; config")
    if places.quota == 0:
        text = "Not one such pod fits the namespace's quota: the API server will refuse it. Ask for a larger quota."
        yield Because(path="replicas", text=text, source="deployment_context.namespace_quota")
    if places.nodes is not None and places.nodes < n:
        text = f"{n - places.nodes} of {n} pods will wait until the nodes have more room."
        yield Because(path="replicas", text=text, source="deployment_context.node_utilization")


def _limit(cpu: PodCpu, limit: MilliCpu, demanded: str | None) -> Because:
    text = (
        f"Set, because {demanded}." if demanded else "What would be set where a limit is demanded: twice the request."
    )
    formula = f"2c = 2 * {MilliCpu(cpu.milli)} = {limit}"
    return Because(path="limits.cpu", text=text, source="sizing 7.5", formula=formula)


def _marks(*, scaled: bool, demanded: str | None) -> tuple[Marked, ...]:
    marks: list[Marked] = []
    if demanded is None:
        why = "a CPU limit throttles while the node idles; only a quota or a LimitRange makes us set one (sizing 7.5)"
        marks.append(Marked(path="limits.cpu", why=why))
    if scaled:
        why = "the autoscaler owns the number of pods; a second owner would fight it at every deploy (sizing 7.7)"
        marks.append(Marked(path="replicas", why=why))
    else:
        why = "there is nothing to scale: one copy of state, or work that is pulled; both bounds are `replicas`"
        marks.append(Marked(path="autoscaler", why=why))
    return tuple(marks)
