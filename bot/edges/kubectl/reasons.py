"""Why a workload does not come up, in one sentence, from its pods, its controllers' conditions and events.

In: objects of one namespace. Out: a sentence. Never: a call, a log line of a container (it may hold anything).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from bot.edges.kubectl.failures import plain
from bot.edges.kubectl.program import Thing
from bot.edges.kubectl.reading import labels_of, name_of, number, of, rows, selected, table
from bot.model.applied import WorkloadRef

LOOKED_AT: Final = ("pods", "events")
_PULL: Final = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"})
_MOST: Final = 300
_KILLED: Final = 137


def reason(ref: WorkloadRef, found: Iterable[Thing], *, redact: Callable[[str], str]) -> str:
    """The sentence; of several troubles the one that stops the others."""
    objects = list(found)
    thing = of(ref, objects)
    if thing is None:
        return f"{ref.kind} {ref.name} does not exist."
    told = _refused(thing, objects) or _of_pods(_pods(thing, objects), objects) or "no pod was made in time"
    return plain(told, redact=redact, most=_MOST).rstrip(".") + "."


def _pods(thing: Thing, objects: list[Thing]) -> list[Thing]:
    """Its pods that are not Ready, the newest first: they belong to the revision that is coming up."""
    wanted = selected(thing)
    own = [
        each
        for each in objects
        if each.get("kind") == "Pod" and wanted and wanted.items() <= labels_of(each).items() and not _going(each)
    ]
    waiting = [each for each in own if _condition(each, "Ready").get("status") != "True"]
    return sorted(waiting, key=_born, reverse=True)


def _going(thing: Thing) -> bool:
    return "deletionTimestamp" in table(thing.get("metadata"))


def _born(thing: Thing) -> str:
    return str(table(thing.get("metadata")).get("creationTimestamp", ""))


def _condition(thing: Thing, kind: str) -> Thing:
    found = rows(table(thing.get("status")).get("conditions"))
    return next((each for each in found if each.get("type") == kind), {})


def _refused(thing: Thing, objects: list[Thing]) -> str:
    """The API server took no pod of it: a quota, Pod Security, a limit range."""
    condition = _condition(thing, "ReplicaFailure")
    said = str(condition.get("message", "")) if condition.get("status") == "True" else ""
    if not said and thing.get("kind") == "StatefulSet":
        said = _event(thing, objects, "FailedCreate")
    if not said:
        return ""
    kind = "the namespace's quota is full" if "exceeded quota" in said else "its pods are refused"
    return f"{kind}: {said}"


def _event(thing: Thing, objects: list[Thing], why: str) -> str:
    """The newest event of this reason about an object."""
    own = [
        each for each in objects if each.get("kind") == "Event" and each.get("reason") == why and _about(each, thing)
    ]
    newest = max(own, key=_when, default={})
    return str(newest.get("message", ""))


def _about(event: Thing, thing: Thing) -> bool:
    about = table(event.get("involvedObject"))
    uid = table(thing.get("metadata")).get("uid")
    return about.get("uid") == uid if uid and about.get("uid") else about.get("name") == name_of(thing)


def _when(event: Thing) -> str:
    last = event.get("lastTimestamp") or table(event.get("series")).get("lastObservedTime") or event.get("eventTime")
    return str(last or _born(event))


def _of_pods(pods: list[Thing], objects: list[Thing]) -> str:
    told = [said for said in (_of_pod(pod, objects) for pod in pods) if said]
    certain = [said for said in told if "readiness" not in said]
    return (certain or told or [""])[0]


def _of_pod(pod: Thing, objects: list[Thing]) -> str:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        said = scheduled.get("message") or _event(pod, objects, "FailedScheduling")
        return f"no node can take pod {name_of(pod)}: {said}" if said else ""
    status = table(pod.get("status"))
    if status.get("phase") == "Failed":
        return f"pod {name_of(pod)} failed: {status.get('message') or status.get('reason') or 'without a word'}"
    statuses = rows(status.get("initContainerStatuses")) + rows(status.get("containerStatuses"))
    told = next((said for said in map(_of_container, statuses) if said), "")
    return told or _unready(pod, objects, statuses)


def _of_container(status: Thing) -> str:
    waiting = table(table(status.get("state")).get("waiting"))
    why, name = str(waiting.get("reason", "")), status.get("name")
    if why in _PULL:
        return f"the image {status.get('image')} cannot be pulled ({why}): {waiting.get('message', '')}"
    ended = table(table(status.get("lastState")).get("terminated")) or table(
        table(status.get("state")).get("terminated")
    )
    if why == "CrashLoopBackOff" or (ended and number(ended.get("exitCode")) != 0):
        return f"container {name} {_ended(ended)}, {number(status.get('restartCount'))} restarts (CrashLoopBackOff)"
    if why and why not in {"ContainerCreating", "PodInitializing"}:
        return f"container {name} cannot start ({why}): {waiting.get('message', '')}"
    return ""


def _ended(ended: Thing) -> str:
    if ended.get("reason") == "OOMKilled":
        return "was killed because it used more memory than its limit (OOMKilled, exit code 137)"
    code = number(ended.get("exitCode"))
    if not ended:
        return "ends at once"
    return f"ends with exit code {code}" + (" (killed)" if code == _KILLED else "")


def _unready(pod: Thing, objects: list[Thing], statuses: list[Thing]) -> str:
    waiting = [each for each in statuses if table(table(each.get("state")).get("waiting"))]
    mount = _event(pod, objects, "FailedMount") or _event(pod, objects, "FailedAttachVolume")
    if waiting and mount:
        return f"a volume of pod {name_of(pod)} cannot be mounted: {mount}"
    said = _event(pod, objects, "Unhealthy")
    if said:
        return f"pod {name_of(pod)} runs and is not ready: {said}"
    running = [each.get("name") for each in statuses if "running" in table(each.get("state"))]
    if running:
        return f"container {running[0]} runs and its readiness probe does not succeed"
    return f"pod {name_of(pod)} has not started yet; its readiness is unknown"
