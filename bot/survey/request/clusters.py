"""A subject and its phrases become a wish for a whole Kubernetes cluster.

In: ``Subject``, ``Facts``, the words of its part. Out: ``ClusterWish`` with a decision for every number. Never: an even
number of control planes, machines below kubeadm's least size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.model.decision import Origin
from bot.model.demand import Phrase
from bot.model.quantity import GIB, Bytes
from bot.model.wishes import ClusterWish, MachineWish
from bot.survey.request.facts import Facts, Report, decided, doubt, interfaces, written
from bot.survey.request.machines import state
from bot.survey.request.names import own_name
from bot.survey.request.presets import HA_CONTROL_PLANES, PRESETS, Preset
from bot.survey.request.rule import refuse

_COMPILED: Final = tuple((preset, re.compile(preset.pattern, re.IGNORECASE)) for preset in PRESETS if preset.pattern)
_PURPOSE: Final = re.compile(r"\bfor (?P<what>[^,.;]{1,40})", re.IGNORECASE)
_LEAST_CORES: Final = 2
_LEAST_MEMORY: Final = 2 * GIB
_MOST_CONTROL_PLANES: Final = 7
_NODE_FIELDS: Final = (
    "source",
    "data_disks",
    "node",
    "datastore",
    "pool",
    "tags",
    "firewall",
    "ports",
    "backup",
    "replicate",
    "gpu",
)
_STATED: Final = ("control_planes", "workers", "cores", "memory", "disk", "version", "cni", "pod_cidr", "addons")
_SHOWN_AS: Final = {"name": "name", "nodes": "workers", "ha": "control_planes", "without": "addons"} | {
    one: one for one in _STATED
}
_USER: Final = "the request says so"


@dataclass(frozen=True)
class _Number:
    """A number of a cluster, who decided it and why."""

    value: int
    origin: Origin
    why: str
    source: str


def recognised_preset(words: str, tail: str, *, ha: bool) -> Preset:
    """The kind of cluster: by the words before the noun, then by what it is for, then ``HA``, then the general one."""
    purpose = _PURPOSE.search(tail)
    for text in (words, purpose["what"] if purpose else ""):
        for preset, pattern in _COMPILED:
            if preset.id != "high-availability" and pattern.search(text):
                return preset
    wanted = "high-availability" if ha else "general"
    return next(preset for preset in PRESETS if preset.id == wanted)


def cluster_wish(preset: Preset, facts: Facts, report: Report) -> ClusterWish:
    """One wish. Raises ``Refused`` (policy, name) for what no cluster can have."""
    _drop(facts)
    name = own_name(facts.get("name"), count=_longest(facts)) if facts.get("name") else preset.name
    path = f"clusters.{name}"
    numbers = _numbers(path, preset, facts, report)
    wish = ClusterWish(
        name=name, preset=preset.id, control_planes=numbers["control_planes"].value, workers=numbers["workers"].value,
        cores=numbers["cores"].value, memory=Bytes(numbers["memory"].value), disk=facts.get("disk"),
        version=facts.get("version"), cni=facts.get("cni"), pod_cidr=facts.get("pod_cidr"),
        addons=_addons(preset, facts), node_wish=_node_wish(name, facts),
    )  # fmt: skip
    _record(path, wish, numbers, facts, report)
    return wish


def _addons(preset: Preset, facts: Facts) -> tuple[str, ...]:
    denied = facts.get("without") or ()
    return tuple(one for one in dict.fromkeys((*preset.addons, *(facts.get("addons") or ()))) if one not in denied)


def _longest(facts: Facts) -> int:
    """Machines get the cluster's name and a number behind it; two digits are kept free."""
    return 99 if facts.get("name") else 1


def _drop(facts: Facts) -> None:
    facts.drop("connections", "concurrent users size a database, not a cluster")
    facts.drop("template_name", "a VM's template is named by its id")
    if facts.get("kind") == "container":
        raise refuse(
            "a Kubernetes cluster is not built on LXC containers.", "Name a VM's template, a cloud image, or nothing."
        )


def _numbers(path: str, preset: Preset, facts: Facts, report: Report) -> dict[str, _Number]:
    control = _odd(path, _control_planes(preset, facts), report)
    return {
        "control_planes": control,
        "workers": _workers(path, preset, facts, control, report),
        "cores": _least(_stated("cores", facts) or _of(preset, preset.cores), _LEAST_CORES, "cores"),
        "memory": _least(_stated("memory", facts) or _of(preset, preset.gib * GIB), _LEAST_MEMORY, "bytes of memory"),
    }


def _of(preset: Preset, value: int) -> _Number:
    return _Number(value, "rule", preset.why, f"preset {preset.id}")


def _stated(field: str, facts: Facts) -> _Number | None:
    value = facts.get(field)
    return (
        None
        if value is None
        else _Number(value, "user", facts.notes.get(field) or _USER, f"the request: {facts.phrases[field]}")
    )


def _control_planes(preset: Preset, facts: Facts) -> _Number:
    stated = _stated("control_planes", facts)
    if stated is not None:
        return stated
    if facts.get("ha"):
        why = "three control planes keep etcd's quorum when one is lost"
        return _Number(HA_CONTROL_PLANES, "user", why, f"the request: {facts.phrases['ha']}")
    return _of(preset, preset.control_planes)


def _odd(path: str, number: _Number, report: Report) -> _Number:
    if number.value > _MOST_CONTROL_PLANES:
        raise refuse(
            f"{number.value} control planes are too many: etcd slows down beyond 7 members.",
            "Say 1, 3, 5 or 7 control planes.",
        )
    if number.value % 2 == 1:
        return number
    more, less = number.value + 1, number.value - 1
    question = f"{number.value} control planes: how many? etcd wants an odd number; an even one bears no more losses."
    report.unsure.append(
        doubt(
            f"{path}.control_planes",
            question,
            assumed=f"{more} control planes",
            answer=f"{more} control planes",
            others=(f"{more} control planes", f"{less} control planes"),
        )
    )
    return _Number(more, "rule", f"{number.value} were asked for; etcd wants an odd number", number.source)


def _workers(path: str, preset: Preset, facts: Facts, control: _Number, report: Report) -> _Number:
    stated, nodes = _stated("workers", facts), _stated("nodes", facts)
    if nodes is None:
        return stated or _of(preset, preset.workers)
    if nodes.value < control.value:
        raise refuse(
            f"{nodes.value} machines cannot hold {control.value} control planes.",
            f"Say at least {control.value} nodes, or fewer control planes.",
        )
    rest = nodes.value - control.value
    if stated is not None and stated.value != rest:
        question = f"{nodes.value} nodes and {stated.value} workers: which one counts?"
        report.unsure.append(
            doubt(f"{path}.workers", question, assumed=f"{stated.value} workers", answer=f"{stated.value} workers")
        )
        return stated
    return _Number(rest, "user", f"{nodes.value} machines, {control.value} of them control planes", nodes.source)


def _least(number: _Number, least: int, what: str) -> _Number:
    if number.value < least:
        size = written(Bytes(least)) if what.startswith("bytes") else least
        raise refuse(
            f"a Kubernetes machine needs at least {size} {what.removeprefix('bytes of ')} (kubeadm's rule).",
            f"Ask for {size} or more for each machine.",
        )
    return number


def _node_wish(name: str, facts: Facts) -> MachineWish | None:
    values = {field: facts.get(field) for field in _NODE_FIELDS if facts.get(field) is not None}
    nics = interfaces(facts.get("nics") or ())
    return MachineWish(name=name, role="kubernetes-worker", nics=nics, **values) if values or nics else None


def _record(path: str, wish: ClusterWish, numbers: dict[str, _Number], facts: Facts, report: Report) -> None:
    for field in _STATED:
        if field not in numbers and getattr(wish, field) in (None, ()):
            continue
        number = numbers.get(field) or _stated_text(field, wish, facts)
        report.decisions.append(decided(path, wish, field, origin=number.origin, why=number.why, source=number.source))
    _phrases(path, wish, facts, report)
    if wish.node_wish is not None:
        state(f"{path}.node_wish", wish.node_wish, facts, report)


def _stated_text(field: str, wish: ClusterWish, facts: Facts) -> _Number:
    names = [name for name in (field, "without" if field == "addons" else field) if name in facts.phrases]
    if not names:
        return _Number(0, "rule", "the preset brings them", f"preset {wish.preset}")
    words = ", ".join(dict.fromkeys(facts.phrases[name] for name in names))
    return _Number(0, "user", facts.notes.get(names[0]) or _USER, f"the request: {words}")


def _phrases(path: str, wish: ClusterWish, facts: Facts, report: Report) -> None:
    for field, words in facts.phrases.items():
        if field in _SHOWN_AS:
            name, note = _SHOWN_AS[field], facts.notes.get(field, "")
            report.phrases.append(
                Phrase(text=words, field=f"{path}.{name}", value=written(getattr(wish, name)), note=note)
            )
