"""Guests: what they are promised, where their disks lie, which addresses they use.

In: the guest rows of ``/cluster/resources``, each guest's configuration, the guest agent. Out: ``Guest`` nouns. Never:
more than 500 agent calls, a guest dropped because one call of its own failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from bot.edges.proxmox import fields
from bot.edges.proxmox.fields import Row
from bot.edges.proxmox.trouble import Bounded, Mute, Outage, Silent, Trouble
from bot.edges.proxmox.visit import Visit
from bot.model.cluster import Guest
from bot.model.quantity import MIB, Bytes

MAX_CONFIGS: Final = 5_000
MAX_ADDRESSED: Final = 500
_MAX_ADDRESSES: Final = 32
_MAX_TAGS: Final = 32
_MAX_CORES: Final = 4_096
_DEFAULT_MEMORY: Final = Bytes(512 * MIB)
_DISK: Final = re.compile(r"(?:scsi|virtio|sata|ide|efidisk|tpmstate|mp)\d{1,3}|rootfs", re.ASCII)
_NET: Final = re.compile(r"net\d{1,2}", re.ASCII)
_IPCONFIG: Final = re.compile(r"ipconfig\d{1,2}", re.ASCII)
_HOSTPCI: Final = re.compile(r"hostpci\d{1,2}", re.ASCII)
_KINDS: Final[dict[str, Literal["vm", "container"]]] = {"qemu": "vm", "lxc": "container"}
_AGENT: Final = ("agent", "network-get-interfaces")


@dataclass(frozen=True)
class _Heard:
    """What one guest's own calls gave."""

    row: Row
    config: Mapping[str, Any] | None = None
    addresses: frozenset[str] = frozenset()
    config_trouble: Trouble | None = None
    address_trouble: Trouble | None = None
    asked: bool | None = None


def read(
    visit: Visit, *, resources: Sequence[Row], online: Sequence[str], sids: frozenset[str] | None, by_agent: bool
) -> tuple[Guest, ...]:
    """All guests that the token may see. ``by_agent``: the right to ask guest agents is there.

    A guest whose configuration could not be read counts as started at boot, so that its room is not given away.
    """
    rows = sorted((row for row in resources if _is_guest(row)), key=_vm_id)
    running = [_vm_id(row) for row in rows if row.get("status") == "running"]
    asked = frozenset(running[:MAX_ADDRESSED])
    _note_bounds(visit, rows=len(rows), running=len(running))
    hear = partial(_hear, visit, online=frozenset(online), asked=asked, by_agent=by_agent)
    heard = visit.calls.each(hear, rows[:MAX_CONFIGS]) + [_Heard(row) for row in rows[MAX_CONFIGS:]]
    _note_failures(visit, heard)
    return tuple(_guest(one, sids) for one in heard)


def _is_guest(row: Row) -> bool:
    number = fields.whole(row.get("vmid"))
    return fields.text(row.get("type")) in _KINDS and number is not None and fields.name(row.get("node")) is not None


def _vm_id(row: Row) -> int:
    return fields.whole(row.get("vmid")) or 0


def _note_bounds(visit: Visit, *, rows: int, running: int) -> None:
    if rows > MAX_CONFIGS:
        visit.note("configuration of guests", Bounded(f"only the first {MAX_CONFIGS} of {rows} were read"))
    if running > MAX_ADDRESSED:
        visit.note(
            "addresses of guests", Bounded(f"only the first {MAX_ADDRESSED} of {running} running ones were asked")
        )


def _note_failures(visit: Visit, heard: Sequence[_Heard]) -> None:
    configs = [(_vm_id(one.row), one.config_trouble) for one in heard if one.config_trouble is not None]
    addresses = [(_vm_id(one.row), one.address_trouble) for one in heard if one.address_trouble is not None]
    visit.note_guests("configuration", configs)
    visit.note_guests("addresses", addresses)
    mute = [one for one in heard if one.row.get("status") == "running" and one.config is not None]
    unknown = Mute("neither a guest agent nor the configuration names one")
    visit.note_guests("addresses", [(_vm_id(one.row), unknown) for one in mute if _is_mute(one)])


def _is_mute(heard: _Heard) -> bool:
    """A running guest that nobody could ask, and whose configuration names no address."""
    return heard.asked is False and not heard.addresses


def _hear(visit: Visit, row: Row, *, online: frozenset[str], asked: frozenset[int], by_agent: bool) -> _Heard:
    node, kind, number = str(row["node"]), str(row["type"]), str(_vm_id(row))
    if node not in online or node in visit.dark:
        return _Heard(row, config_trouble=Outage("their node does not answer"))
    try:
        answer = visit.calls.get("nodes", node, kind, number, "config", needs=f"VM.Audit on /vms/{number}", patience=1)
        config = fields.table(answer)
    except Trouble as trouble:
        if isinstance(trouble, Silent | Outage):
            visit.darken(node, trouble)
        return _Heard(row, config_trouble=trouble)
    static = _static(config)
    if _vm_id(row) not in asked:
        return _Heard(row, config=config, addresses=static)
    if kind == "qemu" and not (by_agent and _has_agent(config)):
        return _Heard(row, config=config, addresses=static, asked=not by_agent)
    try:
        return _Heard(row, config=config, addresses=static | _live(visit, node, kind, number), asked=True)
    except Trouble as trouble:
        return _Heard(row, config=config, addresses=static, address_trouble=trouble, asked=True)


def _live(visit: Visit, node: str, kind: str, number: str) -> frozenset[str]:
    """Addresses by guest agent or container interface. Raises Trouble."""
    ask = partial(visit.calls.get, "nodes", patience=0)
    if kind == "lxc":
        rows = fields.rows(ask(node, kind, number, "interfaces", needs=f"VM.Audit on /vms/{number}"))
        found = [row.get(key) for row in rows for key in ("inet", "inet6")]
    else:
        answer = ask(node, kind, number, *_AGENT, needs=f"VM.GuestAgent.Audit on /vms/{number}")
        rows = fields.rows(fields.table(answer).get("result", []))
        lists = (row.get("ip-addresses") for row in rows)
        parts = [part for one in lists if isinstance(one, list) for part in one]
        found = [part.get("ip-address") for part in parts if isinstance(part, dict)]
    return _addresses(found)


def _addresses(values: Sequence[Any]) -> frozenset[str]:
    found: list[str] = []
    for value in values:
        one = fields.address(value)
        if one is not None and one not in found:
            found.append(one)
    return frozenset(found[:_MAX_ADDRESSES])


def _static(config: Mapping[str, Any]) -> frozenset[str]:
    """Addresses of cloud-init (``ipconfigN``) and of a container's own networks (``netN``)."""
    settings = [fields.properties(config[key]) for key in config if _IPCONFIG.fullmatch(key) or _NET.fullmatch(key)]
    return _addresses([one.get(key) for one in settings for key in ("ip", "ip6")])


def _has_agent(config: Mapping[str, Any]) -> bool:
    settings = fields.properties(config.get("agent"))
    return settings.get("enabled", settings.get("", "0")) == "1"


def _guest(heard: _Heard, sids: frozenset[str] | None) -> Guest:
    row, config = heard.row, heard.config or {}
    kind = _KINDS[str(row["type"])]
    return Guest(
        vm_id=_vm_id(row),
        name=fields.text(row.get("name")) or str(_vm_id(row)),
        kind=kind,
        node=str(row["node"]),
        status=fields.text(row.get("status"), 32) or "unknown",
        template=fields.flag(row.get("template")) or fields.flag(config.get("template")),
        cores=_cores(row, config),
        memory=_memory(row, heard.config),
        memory_used=_memory_used(row),
        balloon=fields.mebibytes(config.get("balloon")),
        disk=_disk(row, config),
        on_boot=fields.flag(config.get("onboot")) if heard.config is not None else True,
        ha=_guarded(row, sids),
        agent=_has_agent(config) if heard.config is not None and kind == "vm" else None,
        pool=fields.optional_text(row.get("pool")),
        tags=tuple(fields.text(tag) for tag in fields.names(row.get("tags"))[:_MAX_TAGS]),
        addresses=fields.in_order(set(heard.addresses)),
        bridges=_bridges(config),
        vlans=_vlans(config),
        lock=fields.optional_text(row.get("lock") or config.get("lock"), 32),
        datastores=_datastores(config),
        pci=tuple(sorted(_pci(config))),
    )


def _cores(row: Row, config: Mapping[str, Any]) -> int:
    """Cores times sockets; a container without a limit may use what ``/cluster/resources`` says."""
    shown = fields.whole(row.get("maxcpu")) or 1
    cores = fields.whole(config.get("cores"))
    limit = fields.number(config.get("cpulimit"))
    if row["type"] == "lxc" and cores is None and limit:
        return max(1, min(_MAX_CORES, -(-int(limit * 1000) // 1000)))
    product = (cores or (1 if row["type"] == "qemu" else shown)) * (fields.whole(config.get("sockets")) or 1)
    return max(1, min(_MAX_CORES, product if config else shown))


def _memory(row: Row, config: Mapping[str, Any] | None) -> Bytes:
    shown = fields.size(row.get("maxmem"))
    configured = fields.mebibytes(config.get("memory")) if config is not None else None
    return configured or shown or _DEFAULT_MEMORY


def _memory_used(row: Row) -> Bytes | None:
    """What the host gives the guest now: ``memhost`` since 9, ``mem`` before."""
    if row.get("status") == "stopped":
        return None
    return fields.size(row.get("memhost")) or fields.size(row.get("mem"))


def _disks(config: Mapping[str, Any]) -> list[dict[str, str]]:
    parsed = [fields.properties(config[key]) for key in sorted(config) if _DISK.fullmatch(key)]
    return [one for one in parsed if one.get("media") != "cdrom" and ":" in (one.get("") or one.get("file", ""))]


def _disk(row: Row, config: Mapping[str, Any]) -> Bytes:
    sizes = [_disk_size(one.get("size", "")) for one in _disks(config)]
    return Bytes(sum(sizes)) if any(sizes) else fields.size(row.get("maxdisk")) or Bytes(0)


def _disk_size(value: str) -> int:
    try:
        return Bytes.parse_proxmox(value)
    except ValueError:
        return 0


def _datastores(config: Mapping[str, Any]) -> tuple[str, ...]:
    stores = {(one.get("") or one.get("file", "")).partition(":")[0] for one in _disks(config)}
    return tuple(sorted(store for store in stores if fields.name(store) is not None))


def _nets(config: Mapping[str, Any]) -> list[dict[str, str]]:
    return [fields.properties(config[key]) for key in sorted(config) if _NET.fullmatch(key)]


def _bridges(config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({net["bridge"] for net in _nets(config) if net.get("bridge")}))


def _vlans(config: Mapping[str, Any]) -> tuple[int, ...]:
    tags = {fields.whole(net.get("tag")) for net in _nets(config)}
    return tuple(sorted(tag for tag in tags if tag is not None and 1 <= tag <= 4094))


def _pci(config: Mapping[str, Any]) -> set[str]:
    settings = [fields.properties(config[key]) for key in config if _HOSTPCI.fullmatch(key)]
    return {one.get("mapping") or one.get("host") or one.get("", "") for one in settings} - {""}


def _guarded(row: Row, sids: frozenset[str] | None) -> bool:
    if sids is None:
        return bool(fields.text(row.get("hastate"))) and row.get("hastate") != "ignored"
    prefix = "vm" if row["type"] == "qemu" else "ct"
    return f"{prefix}:{_vm_id(row)}" in sids
