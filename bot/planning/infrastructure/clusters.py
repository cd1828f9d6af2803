"""The plan of a whole Kubernetes cluster: version, network plugin, networks, endpoint, and why it is the size it is.

In: the shape that found room, its machines, the yard. Out: ``ClusterPlan`` with a record for every value, or a
``Refusal`` (``conflict``, ``config``). Never: pods in a network that nodes or guests use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

from bot.errors import Code, Refusal
from bot.model.decision import Decision, Tag
from bot.model.noun import JsonValue
from bot.model.plan import ClusterPlan, Cni, Machine
from bot.model.quantity import Bytes
from bot.model.wishes import ClusterWish
from bot.planning.infrastructure.again import about_change, about_members, change_refused, raised, version_refused
from bot.planning.infrastructure.ground import Yard
from bot.planning.infrastructure.holders import networks_in
from bot.planning.infrastructure.shapes import Shape, asked_for
from bot.planning.infrastructure.wiring import DHCP
from bot.planning.merged import MERGED
from bot.planning.naming import shown
from bot.planning.record import Notes, warn

VERSION: Final = "1.34.3"
"""First value [P]: the default of kubespray 2.30, the newest release line whose checksums name it; a cluster's version
moves with the collection's, so both are raised together."""
QUORUM: Final = 3
_CONFIG: Final = "kubernetes of .ai-provision.yaml"
_OTHERS: Final = (*(f"10.{second}.0.0/16" for second in range(245, 254)), "172.28.0.0/16", "100.64.0.0/16")


@dataclass(frozen=True)
class Settled:
    """What is true of a cluster before its machines stand. ``notes`` hold a record for each; ``before``: the cluster as
    it is merged.
    """

    version: str
    cni: Cni
    pod_cidr: str
    service_cidr: str
    notes: Notes
    before: ClusterPlan | None = None


def settle(wish: ClusterWish, yard: Yard) -> Settled | Refusal:
    """Version, network plugin and networks: the request, else the config file, else the rule."""
    before = yard.cluster_before(wish.name)
    if before is not None:
        return _settled_again(wish, before, yard)
    service = yard.config.kubernetes.service_cidr
    pods = _pods(wish, yard)
    if isinstance(pods, Refusal):
        return pods
    pod_cidr, pod_note, pod_finding = pods
    version, version_note = _version(wish, yard)
    cni, cni_note = _cni(wish, yard)
    service_note = _said(wish, "service_cidr", service, why="the configured or customary range", source=_CONFIG)
    notes = Notes(decisions=(version_note, cni_note, pod_note, service_note)) + pod_finding
    return Settled(version, cni, pod_cidr, service, notes=notes)


def _settled_again(wish: ClusterWish, before: ClusterPlan, yard: Yard) -> Settled | Refusal:
    """A cluster that stands keeps plugin and networks; its version moves by one minor release at most."""
    refusal = change_refused(wish, before) or version_refused(wish, before)
    if refusal is not None:
        return refusal
    version = before.version if wish.version is None else raised(before.version, wish.version)
    rows = (
        ("cni", before.cni, "a cluster that stands keeps its network plugin"),
        ("pod_cidr", before.pod_cidr, "a cluster that stands keeps its pod network"),
        ("service_cidr", before.service_cidr, "a cluster that stands keeps its service network"),
    )
    records = tuple(_said(wish, what, value, why=why, source=MERGED, tag="read") for what, value, why in rows)
    moved = version != before.version
    why = "the request names it" if moved else "a cluster that stands keeps its version until a request names another"
    tag: Tag = "user" if moved else "read"
    record = _said(wish, "version", version, why=why, source="the request" if moved else MERGED, tag=tag)
    notes = Notes(decisions=(record, *records)) + about_change(before, version=version, settings=yard.config.kubernetes)
    return Settled(version, before.cni, before.pod_cidr, before.service_cidr, notes=notes, before=before)


def _version(wish: ClusterWish, yard: Yard) -> tuple[str, Decision]:
    if wish.version is not None:
        why, source = "the request names it", "the request"
        return wish.version, _said(wish, "version", wish.version, why=why, source=source, tag="user")
    configured = yard.config.kubernetes.version
    if configured is not None:
        return configured, _said(wish, "version", configured, why="the config file sets it", source=_CONFIG, tag="user")
    why = "first value: the version that the pinned collection installs and tests"
    return VERSION, _said(wish, "version", VERSION, why=why, source="kubespray 2.30, kube_version")


def _cni(wish: ClusterWish, yard: Yard) -> tuple[Cni, Decision]:
    if wish.cni is not None:
        return wish.cni, _said(wish, "cni", wish.cni, why="the request names it", source="the request", tag="user")
    configured = yard.config.kubernetes.cni
    if configured is not None:
        return configured, _said(wish, "cni", configured, why="the config file sets it", source=_CONFIG, tag="user")
    if yard.careful:
        why = "calico enforces network policies, which production needs"
        return "calico", _said(wish, "cni", "calico", why=why, source="docs.tigera.io, projectcalico")
    why = "flannel is the smallest; nothing outside production asks for network policies"
    return "flannel", _said(wish, "cni", "flannel", why=why, source="github.com/flannel-io/flannel")


def _pods(wish: ClusterWish, yard: Yard) -> tuple[str, Decision, Notes] | Refusal:
    """The stated range must be free; a configured or customary one gives way to the next free one."""
    text = wish.pod_cidr or yard.config.kubernetes.pod_cidr
    wanted = next(iter(networks_in([text])), None)
    if wanted is None:
        code = Code.SYNTAX if wish.pod_cidr is not None else Code.CONFIG
        message = f"The pod network {shown(text)} is no IPv4 network."
        return Refusal(code=code, message=message, remedy="Write 10.244.0.0/16.")
    used = [*networks_in([yard.config.kubernetes.service_cidr]), *used_networks(yard)]
    overlap = next((network for network in used if network.overlaps(wanted)), None)
    if overlap is None:
        tag: Tag = "user" if wish.pod_cidr is not None else "P"
        source = "the request" if wish.pod_cidr is not None else _CONFIG
        why = "no network of nodes, guests or services overlaps it"
        return str(wanted), _said(wish, "pod_cidr", str(wanted), why=why, source=source, tag=tag), Notes()
    free = next((str(network) for network in networks_in(_OTHERS) if not any(map(network.overlaps, used))), None)
    if wish.pod_cidr is not None or free is None:
        return _overlapping(wanted, overlap, free)
    return _moved(wish, wanted, overlap, free)


def _overlapping(wanted: IPv4Network, overlap: IPv4Network, free: str | None) -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"The pod network {wanted} overlaps {overlap}, which nodes, guests or services use.",
        remedy=f"Name another one, such as {free}." if free else "Name a pod network that nothing uses.",
    )


def _moved(wish: ClusterWish, wanted: IPv4Network, overlap: IPv4Network, free: str) -> tuple[str, Decision, Notes]:
    why = f"{wanted} overlaps {overlap}, which nodes, guests or services use: the next free range"
    finding = warn(
        "pod-network-moved",
        f"Cluster {wish.name}: {why} {free} was taken.",
        remedy="Set kubernetes.pod_cidr in .ai-provision.yaml to a range of your own.",
    )
    return free, _said(wish, "pod_cidr", free, why=why, source="snapshot", tag="read"), finding


def used_networks(yard: Yard) -> list[IPv4Network]:
    """Networks of bridges, subnets and the address range, and the addresses that guests hold."""
    facts = yard.snapshot.proxmox
    texts: list[str | None] = [one.cidr for node in yard.snapshot.of("proxmox") for one in node.bridges]
    if facts is not None:
        texts += [subnet.cidr for subnet in facts.subnets]
        texts += [text.partition("/")[0] for guest in facts.guests for text in guest.addresses]
    texts += _of_range(yard.config.defaults.addresses)
    return networks_in(texts)


def _of_range(text: str | None) -> Iterator[str]:
    for part in (text or "").split(","):
        bare, slash, prefix = part.strip().partition("/")
        yield f"{bare.partition('-')[0].strip()}/{prefix if slash else '24'}"


def cluster_plan(
    shape: Shape, machines: Sequence[Machine], *, settled: Settled, virtual: str | None, reasons: Sequence[str]
) -> tuple[ClusterPlan, Notes]:
    """The cluster as its machines stand. ``reasons``: what made it smaller than asked for."""
    wish, wanted = shape.wish, asked_for(shape.wish)
    ours = [machine for machine in machines if machine.cluster == wish.name]
    endpoint, end_notes = _endpoint(shape, ours, virtual=virtual, before=settled.before)
    changed = shape.written != wanted.written
    why = f"{wish.preset}: {shape.written}"
    if changed:
        why += f" instead of {wanted.written}: {'; '.join(reasons)}"
    made = ClusterPlan(
        name=wish.name,
        control_planes=shape.control_planes,
        workers=shape.workers,
        version=settled.version,
        cni=settled.cni,
        pod_cidr=settled.pod_cidr,
        addons=wish.addons,
        why=why,
        service_cidr=settled.service_cidr,
        cores=shape.cores,
        memory=shape.memory,
        disk=max((machine.disk for machine in ours), default=None),
        asked=wanted.written if changed else None,
        endpoint=endpoint,
    )
    notes = _counts(made, wanted, reasons) + settled.notes + end_notes
    if settled.before is not None:
        notes += about_members(settled.before, made, wanted)
    return made, notes + (_scaled(made, reasons) if changed and _smaller(made, wanted) else Notes()) + _advice(made)


def _counts(made: ClusterPlan, wanted: Shape, reasons: Sequence[str]) -> Notes:
    rows: tuple[tuple[str, JsonValue, JsonValue], ...] = (
        ("control_planes", made.control_planes, wanted.control_planes),
        ("workers", made.workers, wanted.workers),
        ("cores", made.cores, wanted.cores),
        ("memory", made.memory.to_k8s() if made.memory is not None else None, wanted.memory.to_k8s()),
        ("disk", made.disk.to_k8s() if made.disk is not None else None, None),
    )
    return Notes(decisions=tuple(_count(wanted, row, reasons) for row in rows))


def _count(wanted: Shape, row: tuple[str, JsonValue, JsonValue], reasons: Sequence[str]) -> Decision:
    what, value, asked = row
    same = asked is None or value == asked
    reason = wanted.wish.preset if what != "disk" else "the largest system disk of its machines"
    return _said(
        wanted.wish,
        what,
        value,
        why=reason if same else f"{reason} asks for {asked}: {'; '.join(reasons)}",
        source="the request's preset" if same else "headroom",
        tag="P" if same else "read",
        rejected=() if same else (f"{asked}: {'; '.join(reasons)}",),
    )


def _endpoint(
    shape: Shape, machines: Sequence[Machine], *, virtual: str | None, before: ClusterPlan | None
) -> tuple[str | None, Notes]:
    """The virtual address with several control planes, else the first one's own; None while DHCP decides. A cluster
    that stands keeps what its certificates and clients name.
    """
    if before is not None:
        return _endpoint_kept(shape, machines, before)
    first = next((one for one in machines if one.role == "kubernetes-control-plane"), None)
    own = first.address.partition("/")[0] if first is not None and first.address != DHCP else None
    found = virtual.partition("/")[0] if virtual is not None else own
    why = "a virtual address that kube-vip moves between the control planes" if virtual else "the first control plane"
    if found is not None:
        note = _said(shape.wish, "endpoint", found, why=why, source="defaults.addresses of .ai-provision.yaml")
        finding = Notes() if virtual or shape.control_planes == 1 else _no_virtual(shape)
        return found, Notes(decisions=(note,)) + finding
    return None, _no_virtual(shape) if shape.control_planes > 1 else Notes()


def _endpoint_kept(shape: Shape, machines: Sequence[Machine], before: ClusterPlan) -> tuple[str | None, Notes]:
    own = {machine.address.partition("/")[0] for machine in machines}
    alone = shape.control_planes > 1 and (before.endpoint is None or before.endpoint in own)
    notes = _still_alone(shape) if alone else Notes()
    if before.endpoint is None:
        return None, notes
    why = "the address that certificates and clients of the cluster name"
    record = _said(shape.wish, "endpoint", before.endpoint, why=why, source=MERGED, tag="read")
    return before.endpoint, Notes(decisions=(record,)) + notes


def _still_alone(shape: Shape) -> Notes:
    return warn(
        "api-endpoint-not-virtual",
        f"Cluster {shape.wish.name} has {shape.control_planes} control planes, and its clients depend on the first: "
        "the cluster was made without a virtual address, and its certificates do not name one.",
        remedy="Put a load balancer in front of port 6443 and renew the certificates for it.",
    )


def _no_virtual(shape: Shape) -> Notes:
    return warn(
        "api-endpoint-not-virtual",
        f"Cluster {shape.wish.name}: no address range is configured, so its {shape.control_planes} control planes "
        "share no virtual address, and clients depend on one of them.",
        remedy="Set defaults.addresses in .ai-provision.yaml, or put a load balancer in front of port 6443.",
    )


def _smaller(made: ClusterPlan, wanted: Shape) -> bool:
    """False where it only differs because more stays than was asked for."""
    size = (made.cores or 0, made.memory or Bytes(0))
    return made.workers < wanted.workers or size[0] < wanted.cores or size[1] < wanted.memory


def _scaled(made: ClusterPlan, reasons: Sequence[str]) -> Notes:
    return warn(
        "cluster-scaled-down",
        f"Cluster {made.name} was asked for as {made.asked} and is planned as {made.control_planes}+{made.workers} "
        f"{made.cores}/{made.memory.gib if made.memory is not None else 0:g}: {'; '.join(reasons)}.",
        remedy="Free the resource that is named, or add a node, and run the request again.",
    )


def _advice(made: ClusterPlan) -> Notes:
    if made.control_planes >= QUORUM or made.control_planes == 1:
        return Notes()
    return warn(
        "etcd-without-majority",
        f"Cluster {made.name} has {made.control_planes} control planes: losing one of two stops etcd.",
        remedy="Ask for one or three control planes.",
    )


def _said(
    wish: ClusterWish,
    what: str,
    value: JsonValue,
    *,
    why: str,
    source: str,
    tag: Tag = "P",
    rejected: tuple[str, ...] = (),
) -> Decision:
    return Decision(
        path=f"clusters.{wish.name}.{what}",
        value=value,
        origin="user" if tag == "user" else "rule",
        why=why,
        source=source,
        tag=tag,
        rejected=rejected,
    )
