"""What a new machine starts from and joins: template or image, bridge.

In: config and snapshot. Out: ``Ground``, or a ``Refusal`` (``capacity``). Never: a template that nobody can see, used
without saying so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Guest
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.plan import Source
from bot.planning.record import Notes, warn

UNREAD_TEMPLATE: Final = 9000
UNREAD_BRIDGE: Final = "vmbr0"


@dataclass(frozen=True)
class Ground:
    """The source of the system disk, the template behind it when it was seen, and the bridge to join."""

    source: Source
    template: Guest | None
    bridge: str | None
    notes: Notes


def ground_for(config: Config, snapshot: ClusterSnapshot) -> Ground | Refusal:
    """The config's template or image, else the snapshot's template: with an agent before others, lowest id first."""
    source, why, tag = _configured(config), "the config file names it", "user"
    template = _by_id(config.defaults.template_id, snapshot)
    if source is None:
        template = best_template(snapshot)
        if template is not None:
            source, why = Source(template_id=template.vm_id), "a template of the cluster, agent first, lowest id first"
            tag = "read"
        elif snapshot.of("proxmox"):
            return _no_template()
        else:
            source, why, tag = Source(template_id=UNREAD_TEMPLATE), "a customary id, because no cluster was read", "P"
    bridge, bridge_note = bridge_for(config, snapshot)
    shown = str(source.template_id) if source.template_id is not None else source.image
    decision = Decision(
        path="machines.source",
        value=shown,
        origin="user" if tag == "user" else "rule",
        why=why,
        source="defaults of .ai-provision.yaml" if tag == "user" else "snapshot",
        tag="user" if tag == "user" else "read" if tag == "read" else "P",
    )
    notes = Notes(decisions=(decision, bridge_note)) + (_placeholder() if tag == "P" else Notes())
    return Ground(source, template=template, bridge=bridge, notes=notes)


def _configured(config: Config) -> Source | None:
    if config.defaults.template_id is not None:
        return Source(template_id=config.defaults.template_id)
    return Source(image=config.defaults.image) if config.defaults.image is not None else None


def templates_of(snapshot: ClusterSnapshot) -> list[Guest]:
    """The VM templates that are visible."""
    facts = snapshot.proxmox
    return [guest for guest in facts.guests if guest.template and guest.kind == "vm"] if facts is not None else []


def _by_id(vm_id: int | None, snapshot: ClusterSnapshot) -> Guest | None:
    return next((guest for guest in templates_of(snapshot) if guest.vm_id == vm_id), None)


def best_template(snapshot: ClusterSnapshot) -> Guest | None:
    """With an agent before others, lowest id first."""
    return min(templates_of(snapshot), key=lambda guest: (guest.agent is not True, guest.vm_id), default=None)


def bridge_for(config: Config, snapshot: ClusterSnapshot) -> tuple[str | None, Decision]:
    """The configured bridge, else the active one that most nodes have; the customary name where nothing was read."""
    if config.defaults.bridge is not None:
        name: str | None = config.defaults.bridge
        why, source = "the config file names it", "defaults of .ai-provision.yaml"
    else:
        name, source = _commonest_bridge(snapshot), "snapshot"
        why = "the active bridge that most nodes have" if snapshot.of("proxmox") else "Proxmox VE's first bridge"
    configured = config.defaults.bridge is not None
    decision = Decision(
        path="machines.bridge",
        value=name,
        origin="user" if configured else "rule",
        why=why,
        source=source,
        tag="user" if configured else "read" if snapshot.of("proxmox") else "P",
    )
    return name, decision


def _commonest_bridge(snapshot: ClusterSnapshot) -> str | None:
    nodes = snapshot.of("proxmox")
    if not nodes:
        return UNREAD_BRIDGE
    seen = Counter(bridge.name for node in nodes if node.state == "ready" for bridge in node.bridges if bridge.active)
    return min(seen, key=lambda name: (-seen[name], name), default=None)


def _no_template() -> Refusal:
    return Refusal(
        code=Code.CAPACITY,
        message="A machine is needed, and no template is visible on the Proxmox cluster; an empty list may also mean "
        "that the token may not see it.",
        remedy="Set defaults.template_id or defaults.image in .ai-provision.yaml, or grant VM.Audit on the template.",
    )


def _placeholder() -> Notes:
    return warn(
        "template-unverified",
        f"Template {UNREAD_TEMPLATE} is a placeholder: no Proxmox cluster was read and none is configured.",
        remedy="Set defaults.template_id in .ai-provision.yaml, or run again with PROXMOX_VE_ENDPOINT set.",
    )
