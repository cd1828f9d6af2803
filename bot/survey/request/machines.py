"""A subject and its phrases become a wish for machines.

In: ``Subject``, ``Facts``. Out: ``MachineWish`` values, with a decision for each stated field. Never: a size that
nobody stated; the planner sizes what is None.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from bot.errors import Code
from bot.model.demand import Phrase
from bot.model.plan import Source
from bot.model.wishes import MachineRole, MachineWish
from bot.survey.request.facts import Facts, Report, decided, doubt, interfaces
from bot.survey.request.names import own_name
from bot.survey.request.rule import refuse, shown
from bot.survey.request.sizes import whole
from bot.survey.request.subjects import Subject

MOST_MACHINES: Final = 100
_STEMS: Final[dict[MachineRole, str]] = {
    "server": "server",
    "web": "web",
    "load-balancer": "lb",
    "database": "db",
    "development": "dev",
}
_FIELDS: Final = (
    "cores", "memory", "disk", "data_disks", "node", "datastore", "pool", "tags", "ha", "firewall", "ports", "backup",
    "replicate", "gpu", "connections",
)  # fmt: skip
_OF_CLUSTERS: Final = ("workers", "control_planes", "nodes", "version", "cni", "pod_cidr", "addons", "without")
_USER: Final = "the request says so"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the whole request says: whether balancing is asked for, and whether one machine's loss must not matter."""

    balanced: bool = False
    lasting: bool = False
    why_lasting: str = ""


def machine_wish(
    subject: Subject, facts: Facts, setting: Setting, report: Report, *, others: Sequence[MachineWish] = ()
) -> MachineWish:
    """One wish, named unlike ``others``. Raises ``Refused`` for a count, name or source that cannot be."""
    for name in _OF_CLUSTERS:
        facts.drop(name, "this belongs to a Kubernetes cluster, and these are machines")
    count, origin, why = _count(subject, setting)
    name = _name(subject, facts, count, others)
    kind: Literal["vm", "container"] = "container" if subject.container or facts.get("kind") == "container" else "vm"
    wish = MachineWish(
        name=name, role=subject.role, kind=kind, count=count, engine=subject.engine,
        source=_source(subject, facts, kind, report), nics=interfaces(facts.get("nics") or ()),
        **{field: facts.get(field) for field in _FIELDS if facts.get(field) is not None},
    )  # fmt: skip
    path = f"machines.{name}"
    source = f"the request: {subject.counted or subject.words}"
    report.decisions.append(decided(path, wish, "count", origin=origin, why=why, source=source))
    state(path, wish, facts, report)
    return wish


def state(path: str, wish: MachineWish, facts: Facts, report: Report) -> None:
    """A decision and a phrase for each field that words set."""
    for field, words in facts.phrases.items():
        if field not in MachineWish.model_fields or field in {"name", "kind"} or getattr(wish, field) in (None, ()):
            continue
        why = facts.notes.get(field) or _USER
        record = decided(path, wish, field, origin="user", why=why, source=f"the request: {words}")
        report.decisions.append(record)
        report.phrases.append(
            Phrase(text=words, field=record.path, value=_value(record.value), note=facts.notes.get(field, ""))
        )
    if "name" in facts.phrases:
        report.phrases.append(Phrase(text=facts.phrases["name"], field=f"{path}.name", value=wish.name))


def balancer_for(web: MachineWish, setting: Setting, report: Report) -> MachineWish:
    """The load balancer that "with load balancing" asks for: beside the web machines, in their networks."""
    count = 2 if setting.lasting else 1
    why = f"two, because {setting.why_lasting}" if setting.lasting else "one balancer; say `HA` for two"
    nics = tuple(nic.model_copy(update={"address": None}) for nic in web.nics)
    wish = MachineWish(
        name="lb" if count > 1 else "lb-1", role="load-balancer", kind=web.kind, count=count, source=web.source,
        nics=nics, datastore=web.datastore, pool=web.pool, tags=web.tags, ha=web.ha, backup=web.backup,
    )  # fmt: skip
    record = decided(
        f"machines.{wish.name}", wish, "count", origin="rule", why=why, source="the request: load balancing"
    )
    report.decisions.append(record)
    return wish


def _count(subject: Subject, setting: Setting) -> tuple[int, Any, str]:
    if subject.counted is not None:
        return whole(subject.counted, least=1, most=MOST_MACHINES, what="machines"), "user", _USER
    if subject.role == "web" and setting.balanced:
        return 2, "rule", "balancing needs at least two machines behind it; say `3 web servers` for more"
    if subject.role == "load-balancer" and setting.lasting:
        return 2, "rule", f"two, because {setting.why_lasting}"
    return 1, "rule", "no number was stated"


def _name(subject: Subject, facts: Facts, count: int, others: Sequence[MachineWish]) -> str:
    if facts.get("name"):
        return own_name(facts.get("name"), count=count)
    taken = {name for other in others for name in numbered(other)}
    stems = (f"{_STEMS[subject.role]}{letter and f'-{letter}'}" for letter in ("", *string.ascii_lowercase[1:]))
    stem = next(stem for stem in stems if not any(f"{stem}-{number}" in taken for number in range(1, count + 1)))
    return f"{stem}-1" if count == 1 else stem


def _source(subject: Subject, facts: Facts, kind: str, report: Report) -> Source | None:
    source: Source | None = facts.get("source")
    template = facts.get("template_name")
    if source is None and template is not None and kind == "container":
        facts.phrases["source"] = facts.phrases["template_name"]
        facts.values["source"] = source = Source(ct_template=template)
    elif template is not None:
        _ask_for_template(template, facts, report, known=source is not None)
    if source is None:
        return None
    if kind == "container" and (source.image or source.iso_image):
        raise refuse(
            f"a container cannot be made from {shown(source.image or source.iso_image or '')}: that is for VMs.",
            "Name a container template, such as `from debian-12 template`, or ask for a VM.",
        )
    if source.ct_template and subject.container is False:
        raise refuse(
            f"a VM cannot be made from the container template {shown(source.ct_template)}.",
            "Ask for an LXC container, or name a VM's template.",
        )
    return source


def _ask_for_template(template: str, facts: Facts, report: Report, *, known: bool) -> None:
    facts.drop("template_name", "a VM's template is named by its id")
    if not known:
        report.unsure.append(
            doubt(
                "request.template",
                f"Which id has the template {shown(template)}?",
                assumed="the template that the configuration names",
                answer="template 9000",
            )
        )


def checked_names(wishes: list[MachineWish]) -> list[MachineWish]:
    """The same wishes; raises ``Refused`` (name) where two machines would have one name."""
    names = [name for wish in wishes for name in numbered(wish)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refuse(
            f"two machines would be named {shown(twice)}.",
            "Give each kind a name: `two web servers named front`.",
            Code.NAME,
        )
    return wishes


def numbered(wish: MachineWish) -> list[str]:
    """The names of a wish's machines: alone its own, else numbered from 1."""
    return [wish.name] if wish.count == 1 else [f"{wish.name}-{number}" for number in range(1, wish.count + 1)]


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items() if item is not None)
    if isinstance(value, list):
        return "; ".join(_value(item) for item in value)
    return str(value)
