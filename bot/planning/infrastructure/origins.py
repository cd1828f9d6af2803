"""What each machine is made of: template, cloud image, ISO image or container template, as the cluster shows them.

In: a machine's wish, config and snapshot. Out: ``Origin``, or a ``Refusal`` (``capacity``). Never: a template that
nobody can see, used without saying so; an agent that the template does not have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from bot.errors import Code, Refusal
from bot.model.cluster import ClusterSnapshot, Guest, Store
from bot.model.config import Config
from bot.model.decision import Tag
from bot.model.plan import Machine, Source
from bot.model.quantity import Bytes
from bot.model.wishes import MachineWish
from bot.planning.naming import shown
from bot.planning.record import Notes, note, warn
from bot.planning.templates import UNREAD_TEMPLATE, best_template

UNREAD_CONTAINER: Final = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"
_FAMILIES: Final = ("debian", "ubuntu", "rockylinux", "almalinux", "alpine")
"""Of container templates that nobody chose among, the first of these; cloud-init ready users know them best [P]."""
_ARM: Final = re.compile(r"arm64|aarch64", re.ASCII)
_URL: Final = ("https://", "http://")


@dataclass(frozen=True)
class Origin:
    """The source, the template behind it, and the nodes that see its volume (None: any)."""

    source: Source
    why: str
    tag: Tag
    template: Guest | None = None
    sources: frozenset[str] | None = None
    notes: Notes = field(default_factory=Notes)

    @property
    def shown(self) -> str | int:
        """The template's id, or the volume."""
        source = self.source
        return source.template_id or source.image or source.iso_image or source.ct_template or ""

    @property
    def agent(self) -> bool:
        """True only when the template's own configuration says that the guest agent runs."""
        return self.template is not None and self.template.agent is True

    @property
    def architecture(self) -> str:
        """Read from the volume's name, as distributions write it."""
        return "aarch64" if _ARM.search(str(self.shown).lower()) else "x86_64"

    @property
    def least_disk(self) -> Bytes:
        """A clone is at least as large as its template."""
        return self.template.disk if self.template is not None else Bytes(0)


def origin_kept(machine: Machine) -> Origin:
    """The source of a machine that stands: another one would make it anew, so nothing is looked up."""
    return Origin(machine.source, "what the machine was made of; another source would make it anew", "read")


def origin_of(wish: MachineWish, *, config: Config, snapshot: ClusterSnapshot) -> Origin | Refusal:
    """The wish's own source, else the config file's, else what the cluster offers."""
    source = wish.source or Source()
    if wish.kind == "container":
        if source.template_id is not None:
            return _cloned(source.template_id, wish, config=config, snapshot=snapshot)
        return _container(source.ct_template, snapshot)
    if source.iso_image is not None:
        return _iso(source.iso_image, wish, snapshot)
    if source.image is not None:
        return _image(source.image, snapshot, why="the request names it", by_user=True)
    if source.template_id is not None:
        return _cloned(source.template_id, wish, config=config, snapshot=snapshot)
    return _unnamed(wish, config=config, snapshot=snapshot)


def _unnamed(wish: MachineWish, *, config: Config, snapshot: ClusterSnapshot) -> Origin | Refusal:
    if config.defaults.template_id is not None:
        return _cloned(config.defaults.template_id, wish, config=config, snapshot=snapshot, by_config=True)
    if config.defaults.image is not None:
        return _image(config.defaults.image, snapshot, why="the config file names it", by_user=True)
    template = best_template(snapshot)
    if template is not None:
        why = "a template of the cluster, agent first, lowest id first"
        return Origin(Source(template_id=template.vm_id), why, "read", template=template)
    if not snapshot.of("proxmox"):
        return _placeholder()
    return Refusal(
        code=Code.CAPACITY,
        message=f"template: {wish.name} needs one, and none is visible on the Proxmox cluster; an empty list may also "
        "mean that the token may not see it.",
        remedy="Name a cloud image in the request or set defaults.image in .ai-provision.yaml, or grant VM.Audit.",
    )


def _placeholder() -> Origin:
    finding = warn(
        "template-unverified",
        f"Template {UNREAD_TEMPLATE} is a placeholder: no Proxmox cluster was read and none is configured.",
        remedy="Set defaults.template_id in .ai-provision.yaml, or run again with PROXMOX_VE_ENDPOINT set.",
    )
    why = "a customary id, because no cluster was read"
    return Origin(Source(template_id=UNREAD_TEMPLATE), why, "P", notes=finding)


def _cloned(
    vm_id: int, wish: MachineWish, *, config: Config, snapshot: ClusterSnapshot, by_config: bool = False
) -> Origin | Refusal:
    """A template by id: seen, or taken on trust without a cluster, or built from a cloud image, or refused."""
    why = "the config file names it" if by_config else "the request names it"
    guests = snapshot.proxmox.guests if snapshot.proxmox is not None else ()
    seen = [guest for guest in guests if guest.template and guest.kind == wish.kind]
    template = next((guest for guest in seen if guest.vm_id == vm_id), None)
    if template is not None or not snapshot.of("proxmox"):
        return Origin(Source(template_id=vm_id), why, "user", template=template)
    if config.defaults.image is not None and wish.kind == "vm":
        return _instead(vm_id, config.defaults.image, snapshot)
    return _no_such_template(vm_id, seen, guests)


def _instead(vm_id: int, image: str, snapshot: ClusterSnapshot) -> Origin | Refusal:
    """Terraform imports the cloud image that defaults.image names."""
    why = f"template {vm_id} does not exist: the cloud image of defaults.image is imported instead"
    made = _image(image, snapshot, why=why, by_user=False)
    if isinstance(made, Refusal):
        return made
    finding = warn(
        "template-missing",
        f"Template {vm_id} is not visible on the cluster; the machine is built from the cloud image {shown(image)}.",
        remedy="Nothing has to be done; name an existing template to clone instead.",
    )
    return Origin(made.source, why, made.tag, sources=made.sources, notes=made.notes + finding)


def _no_such_template(vm_id: int, seen: Sequence[Guest], guests: Sequence[Guest]) -> Refusal:
    """Names the nearest one: by id, the lower of equals."""
    nearest = min(seen, key=lambda guest: (abs(guest.vm_id - vm_id), guest.vm_id), default=None)
    other = next((guest for guest in guests if guest.vm_id == vm_id), None)
    what = f"VMID {vm_id} is {other.name} on {other.node}, and no such template" if other is not None else "not visible"
    near = f" The nearest is {nearest.vm_id} ({nearest.name} on {nearest.node})." if nearest is not None else ""
    return Refusal(
        code=Code.CAPACITY,
        message=f"template: {vm_id} does not exist on the Proxmox cluster ({what}).{near}",
        remedy="Name an existing template, or set defaults.image in .ai-provision.yaml to build from a cloud image.",
    )


def _image(text: str, snapshot: ClusterSnapshot, *, why: str, by_user: bool) -> Origin | Refusal:
    """A cloud image: an address that Terraform downloads, or a volume of content ``import``."""
    tag: Tag = "user" if by_user else "read"
    if text.startswith(_URL) or not snapshot.of("proxmox"):
        return Origin(Source(image=text), why, tag)
    found = _volume(text, "import", snapshot)
    return found if isinstance(found, Refusal) else Origin(Source(image=found[0]), why, tag, sources=found[1])


def _iso(text: str, wish: MachineWish, snapshot: ClusterSnapshot) -> Origin | Refusal:
    finding = warn(
        "iso-installs-by-hand",
        f"{wish.name} starts from an ISO image: an installer waits on its console, and cloud-init sets nothing.",
        remedy="Install it by hand after the apply, or name a template or a cloud image.",
    )
    if not snapshot.of("proxmox"):
        return Origin(Source(iso_image=text), "the request names it", "user", notes=finding)
    found = _volume(text, "iso", snapshot)
    if isinstance(found, Refusal):
        return found
    return Origin(Source(iso_image=found[0]), "the request names it", "user", sources=found[1], notes=finding)


def _container(text: str | None, snapshot: ClusterSnapshot) -> Origin | Refusal:
    if text is not None and text.startswith(_URL):
        return Origin(Source(ct_template=text), "the request names it", "user")
    if not snapshot.of("proxmox"):
        return _unread_container(text)
    found = _volume(text, "vztmpl", snapshot)
    if isinstance(found, Refusal):
        return found
    why = "the newest container template that the stores hold" + (f" for {shown(text)}" if text else "")
    chosen = Notes() if text else note("container-template-chosen", f"{found[0]} was taken.", remedy="Name another.")
    return Origin(Source(ct_template=found[0]), why, "user" if text else "read", sources=found[1], notes=chosen)


def _unread_container(text: str | None) -> Origin:
    name = text or UNREAD_CONTAINER
    finding = warn(
        "template-unverified",
        f"Container template {shown(name)} is unverified: no Proxmox cluster was read.",
        remedy="Run again with PROXMOX_VE_ENDPOINT set.",
    )
    why = "the request names it" if text else "a customary name, because no cluster was read"
    return Origin(Source(ct_template=name), why, "user" if text else "P", notes=finding)


def _volume(text: str | None, content: str, snapshot: ClusterSnapshot) -> tuple[str, frozenset[str]] | Refusal:
    """The newest volume that matches, and the nodes that see it."""
    held = _held(content, snapshot)
    wanted = _plain(text or "")
    names = [name for name in held if name == text] or [name for name in held if wanted in _plain(_file(name))]
    if not names:
        return _no_volume(text, content, sorted(held))
    if text is None:
        family = next((one for one in _FAMILIES if any(_file(name).startswith(one) for name in names)), "")
        names = [name for name in names if _file(name).startswith(family)]
    chosen = max(names, key=lambda name: (_natural(_file(name)), len(held[name]), name))
    return chosen, frozenset(held[chosen])


def _held(content: str, snapshot: ClusterSnapshot) -> dict[str, set[str]]:
    every = {node.name for node in snapshot.of("proxmox")}
    held: dict[str, set[str]] = {}
    for store in snapshot.stores:
        if store.system != "proxmox" or not store.active or content not in store.content:
            continue
        for name in store.volumes:
            if _is(name, content, store):
                held.setdefault(name, set()).update(store.nodes or every)
    return held


def _is(name: str, content: str, store: Store) -> bool:
    return name.startswith(f"{store.name}:{content}/")


def _file(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _plain(text: str) -> str:
    """``Debian 12`` matches ``debian-12-standard_…``."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """12.12 is newer than 12.7."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part)


def _no_volume(text: str | None, content: str, names: Sequence[str]) -> Refusal:
    close = get_close_matches(text or "", names, n=1, cutoff=0.0)
    near = f" The nearest is {close[0]}." if close else ""
    wanted = shown(text) if text else "any"
    return Refusal(
        code=Code.CAPACITY,
        message=f"template: no datastore of the Proxmox cluster holds {wanted} with content {content}.{near}",
        remedy="Name a volume that exists, upload one, or name an address (https://…) to download it from.",
    )
