"""A cluster that stands, asked for again: what may change in place, and what is refused.

In: the wish and the cluster as it is merged. Out: refusals (``conflict``) and findings. Never: another network plugin,
pod network or API address for pods that run, a version that kubeadm cannot upgrade to.

Source: kubernetes.io, version skew policy: control planes are upgraded one minor release at a time, never back.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal
from bot.model.config import Kubernetes
from bot.model.plan import ClusterPlan
from bot.model.wishes import ClusterWish
from bot.planning.infrastructure.holders import networks_in
from bot.planning.infrastructure.shapes import Shape
from bot.planning.naming import shown
from bot.planning.record import Notes, note, warn

_ANEW: Final = "Leave it out of the request; or build a second cluster of another name and move the workloads."


def change_refused(wish: ClusterWish, before: ClusterPlan) -> Refusal | None:
    """Another plugin or pod network would cut off every pod that runs."""
    if wish.cni is not None and wish.cni != before.cni:
        what = f"runs {before.cni}, and {wish.cni} is asked for: a network plugin is not exchanged"
        return _conflict(before.name, what)
    if wish.pod_cidr is not None and networks_in([wish.pod_cidr]) != networks_in([before.pod_cidr]):
        asked = shown(wish.pod_cidr)
        return _conflict(before.name, f"has pods in {before.pod_cidr}, and {asked} is asked for: they cannot be moved")
    return None


def version_refused(wish: ClusterWish, before: ClusterPlan) -> Refusal | None:
    """Back, or more than one minor release at a time."""
    if wish.version is None or not parts(wish.version) or not parts(before.version):
        return None
    asked, has = parts(wish.version), parts(before.version)
    if asked[:2] == has[:2] and (len(asked) < 3 or asked >= has):
        return None
    if asked[0] == has[0] and asked[1] == has[1] + 1:
        return None
    back = asked < has
    reason = "Kubernetes is never taken back" if back else "control planes are upgraded one minor release at a time"
    following = f"{has[0]}.{has[1] + 1}"
    return Refusal(
        code=Code.CONFLICT,
        message=f"Cluster {before.name} runs {before.version}, and {shown(wish.version)} is asked for: {reason}.",
        remedy=f"Ask for {following} at most, and leave the version out to keep {before.version}.",
    )


def parts(version: str) -> tuple[int, ...]:
    """``1.34.3`` as numbers; empty for text that is no version."""
    texts = version.strip().removeprefix("v").split(".")
    return tuple(map(int, texts)) if len(texts) in {2, 3} and all(text.isdecimal() for text in texts) else ()


def raised(has: str, asked: str) -> str:
    """The version asked for; one without a patch release, of the minor that runs already, is what runs."""
    return has if len(parts(asked)) == 2 and parts(asked) == parts(has)[:2] else asked


def about_change(before: ClusterPlan, *, version: str, settings: Kubernetes) -> Notes:
    """An upgrade is said aloud; so is a configuration that names what the cluster does not follow."""
    notes = Notes()
    if version != before.version:
        notes += warn(
            "cluster-upgraded",
            f"Cluster {before.name} is upgraded from {before.version} to {version}: its machines are drained and "
            "restarted one after the other.",
            remedy="Take a snapshot of etcd first, and see that no workload uses what the release removes.",
        )
    wanted = (("version", settings.version, before.version), ("cni", settings.cni, before.cni))
    other = [f"{what} {new} ({old} runs)" for what, new, old in wanted if new is not None and new != old]
    if other and version == before.version:
        notes += note(
            "cluster-keeps-its-own",
            f"Cluster {before.name} was made before: {', '.join(other)} of .ai-provision.yaml is for new clusters.",
            remedy="Name a version in the request to upgrade the cluster.",
        )
    return notes


def about_members(before: ClusterPlan, made: ClusterPlan, wanted: Shape) -> Notes:
    """Workers that leave have to be drained; control planes do not leave."""
    notes = Notes()
    if made.workers < before.workers:
        gone = ", ".join(f"{made.name}-worker-{number}" for number in range(made.workers + 1, before.workers + 1))
        notes += warn(
            "workers-removed",
            f"Cluster {made.name} shrinks from {before.workers} workers to {made.workers}: {gone} are destroyed.",
            remedy="Before the apply, drain each (kubectl drain <node> --ignore-daemonsets --delete-emptydir-data) and "
            "delete it (kubectl delete node <node>).",
        )
    if wanted.control_planes < made.control_planes:
        notes += warn(
            "control-planes-kept",
            f"Cluster {made.name} keeps its {made.control_planes} control planes, and {wanted.control_planes} were "
            "asked for: each is a member of etcd, and the cluster loses its state when most of them go.",
            remedy="Remove members of etcd by hand, one at a time, or build a smaller cluster of another name.",
        )
    return notes


def _conflict(name: str, what: str) -> Refusal:
    return Refusal(code=Code.CONFLICT, message=f"Cluster {name} {what}.", remedy=_ANEW)
