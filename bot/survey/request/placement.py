"""Phrases of network, place and protection.

In: nothing. Out: ``NETWORK``, ``PLACEMENT`` and ``PROTECTION``. Never: an address or VLAN that cannot exist.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from bot.errors import Code
from bot.survey.request.rule import RequestRule, refuse, shown

_NAME: Final = r"(?!(?:with|and|for|the|a|an|of|in|on|is|space|pool|node|disk|disks|to|at)\b)[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?"
_IPV4: Final = r"\d{1,3}(?:\.\d{1,3}){3}"
_TAG: Final = r"(?!(?:and|with|ha|dhcp|replicated|backup|firewall|on|in|from)\b)[a-z_][a-z0-9_+.-]{0,38}[a-z0-9_]|[a-z]"
_PORT: Final = r"(?:\d{1,9}|https?|ssh|postgres(?:ql)?|mysql|dns|smtp)(?:/tcp)?"
_PORTS: Final = (
    rf"{_PORT}\b(?:(?:\s?,\s?(?:and )?|\s?/\s?| and | or |\s?&\s?|\s){_PORT}\b(?!\s?(?:v?cpu|cores?|[kmgt]i?b)))*"
)
_SERVICES: Final = {
    "http": 80,
    "https": 443,
    "ssh": 22,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "dns": 53,
    "smtp": 25,
}
_QUOTE: Final = r"[\"'`]?"


def _interface(found: re.Match[str]) -> Mapping[str, Any]:
    try:
        return {"nics": ({"address": str(ipaddress.IPv4Interface(found["a"]))},)}
    except ValueError:
        raise refuse(
            f"{shown(found['a'])} is no IPv4 address with a prefix.", "Write, for example, 10.30.0.60/24.", Code.SYNTAX
        ) from None


def _gateway(found: re.Match[str]) -> Mapping[str, Any]:
    try:
        return {"nics": ({"gateway": str(ipaddress.IPv4Address(found["g"]))},)}
    except ValueError:
        raise refuse(
            f"{shown(found['g'])} is no IPv4 address.", "Write, for example, 10.30.0.1.", Code.SYNTAX
        ) from None


def _vlan(found: re.Match[str]) -> Mapping[str, Any]:
    tag = int(found["v"])
    if not 1 <= tag <= 4094:
        raise refuse(f"VLAN {tag} cannot exist.", "Say a VLAN from 1 to 4094 (IEEE 802.1Q).")
    return {"nics": ({"vlan": tag},)}


def _ports(found: re.Match[str]) -> Mapping[str, Any]:
    listed = found["p"] or found.groupdict().get("q") or ""
    words = re.findall(r"[a-z]+|\d+", listed.lower().replace("/tcp", ""))
    ports = tuple(_SERVICES.get(word) or int(word) for word in words if word in _SERVICES or word.isdigit())
    for port in ports:
        if not 1 <= port <= 65_535:
            raise refuse(f"port {port} cannot exist.", "Say ports from 1 to 65535.")
    return {"firewall": True, "ports": tuple(dict.fromkeys(ports))}


def _tags(found: re.Match[str]) -> Mapping[str, Any]:
    return {"tags": tuple(tag.lower() for tag in re.split(r"\s?[,;]\s?| and ", found["t"].strip()) if tag)}


NETWORK: Final = (
    RequestRule(
        id="name-server", about="network", field=None, pattern=rf"\b(?:dns|name ?servers?|resolvers?)(?: servers?)?(?:\s?[:=]\s?|\s){_IPV4}\b", examples=("DNS 10.0.0.53",),
        note="name servers come from the node or the configuration",
    ),
    RequestRule(
        id="pod-network", about="cluster", field="pod_cidr",
        pattern=rf"\b(?:pod|cluster)[- ]?(?:networks?|cidr|subnet|range|network cidr)(?: of|\s?[:=]| is)?\s(?P<a>{_IPV4}/\d{{1,3}})", examples=("pod network 10.42.0.0/16",),
        changes=lambda found: {"pod_cidr": _network(found["a"])},
    ),
    RequestRule(
        id="second-interface", about="network", field="nics",
        pattern=r"\b(?:(?:a|an|and|with|the) )*(?P<k>second|2nd|third|3rd|fourth|4th|additional|another|extra|separate|first|1st) (?:network )?(?:nic|interface|network card|network adapter|network)\b",
        examples=("second NIC on vmbr2",), changes=lambda found: {"nics": ({"another": found["k"].lower() not in {"first", "1st"}},)},
    ),
    RequestRule(
        id="bridge", about="network", field="nics", pattern=r"\b(?:(?:on|in|to|at|using|via|with) )?(?:the )?(?:network )?(?:bridge )?[:=]?\s?(?P<b>vmbr\d{1,4})\b",
        examples=("on vmbr1",), changes=lambda found: {"nics": ({"bridge": found["b"].lower()},)},
    ),
    RequestRule(
        id="vlan", about="network", field="nics", pattern=r"\b(?:(?:with|in|on|and|using) )?(?:the )?vlan(?: id| tag)?(?:\s?[#:=]\s?|\s|-)?(?P<v>\d{1,9})\b", examples=("VLAN 30", "with VLAN 30"), changes=_vlan,
    ),
    RequestRule(
        id="gateway", about="network", field="nics", pattern=rf"\b(?:(?:with|and|via) )?(?:the )?(?:default )?(?:gateway|gw)(?:\s?[:=]| is| at)?\s(?P<g>{_IPV4})\b", examples=("gateway 10.30.0.1",), changes=_gateway,
    ),
    RequestRule(
        id="address", about="network", field="nics",
        pattern=rf"\b(?:(?:with|at|on|and|having) )?(?:an? |the )?(?:(?:static|fixed) )?(?:ip(?:v4)?(?: address)?|address)?(?:\s?[:=]| is)?\s?(?<![\w.])(?P<a>{_IPV4}/\d{{1,3}})(?![\w/])", examples=("static IP 10.30.0.60/24", "10.30.0.60/24"), changes=_interface,
    ),
    RequestRule(
        id="bare-address", about="network", field=None, pattern=rf"\b(?:(?:static|fixed) )?(?:ip(?:v4)?(?: address)?|address)(?:\s?[:=]| is)?\s{_IPV4}\b(?!/)", examples=("IP 10.30.0.60",),
        note="an address needs its prefix: write 10.30.0.60/24",
    ),
    RequestRule(
        id="dhcp", about="network", field="nics", pattern=r"\b(?:(?:with|via|by|using|over|from) )?(?:an? )?(?:dhcp|dynamic)(?: (?:ip|address|lease))?\b", examples=("dhcp", "address by DHCP"),
        changes=lambda _found: {"nics": ({"address": "dhcp"},)}, negatable=True,
    ),
    RequestRule(
        id="static", about="network", field=None, pattern=r"\b(?:(?:with|and) )?(?:an? )?(?:static|fixed) (?:ips?|address(?:es)?)\b", examples=("static IP",),
        note="an address that is not stated is the next free one of the configured range",
    ),
)  # fmt: skip


def _network(text: str) -> str:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        raise refuse(f"{shown(text)} is no IPv4 network.", "Write, for example, 10.42.0.0/16.", Code.SYNTAX) from None
    if not 8 <= network.prefixlen <= 22:
        raise refuse(
            f"a pod network of /{network.prefixlen} does not hold a cluster's pods.", "Say a network from /8 to /22."
        )
    return str(network)


PLACEMENT: Final = (
    RequestRule(
        id="node", about="placement", field="node",
        pattern=rf"\bon (?:the )?(?:proxmox |pve )?(?:node|host|hypervisor) {_QUOTE}(?P<n>{_NAME}){_QUOTE}|\b(?:node|host)\s?[:=]\s?{_QUOTE}(?P<m>{_NAME}){_QUOTE}|\bon (?P<o>pve-?[0-9][a-z0-9-]{{0,30}})\b",
        examples=("on node pve2", "on pve2", "node: pve2"), changes=lambda found: {"node": (found["n"] or found["m"] or found["o"]).lower()},
    ),
    RequestRule(
        id="storage", about="placement", field="datastore",
        pattern=rf"\b(?:on|in|to|using) (?:the )?(?:storage|datastore) {_QUOTE}(?P<n>{_NAME}){_QUOTE}|\b(?:storage|datastore)\s?[:=]\s?{_QUOTE}(?P<m>(?!\d){_NAME}){_QUOTE}|\b(?:on|using) (?:the )?(?P<o>(?!(?:the|a|local|shared|fast)\b)[a-z][a-z0-9._-]{{0,38}}) (?:storage|datastore)\b|\b(?:on|using) (?P<p>local-(?:zfs|lvm)|cephfs|ceph)\b",
        examples=("on storage ceph", "storage: local-zfs", "on local-lvm"), changes=lambda found: {"datastore": next(value for value in found.groupdict().values() if value)},
    ),
    RequestRule(
        id="pool", about="placement", field="pool", pattern=rf"\b(?:(?:in|into|to) )?(?:the )?(?:resource )?pool(?:\s?[:=]\s?|\s(?:named |called )?){_QUOTE}(?P<n>{_NAME}){_QUOTE}|\b(?:in|into) (?:the )?{_QUOTE}(?P<m>{_NAME}){_QUOTE} (?:resource )?pool\b",
        examples=("in pool prod", "pool: prod"), changes=lambda found: {"pool": found["n"] or found["m"]},
    ),
    RequestRule(
        id="tags", about="placement", field="tags",
        pattern=rf"\b(?:(?:with|and) )?(?:the )?(?:tags?\s?(?:[:=]|\s)\s?|tagged (?:as |with )?)(?P<t>(?:{_TAG})(?:(?:\s?[,;]\s?| and )(?:{_TAG})(?=\s?[,;.]|\s(?:and|with)\b|\s?$))*)",
        examples=("tags: web, blue", "tagged web"), changes=_tags,
    ),
)  # fmt: skip

PROTECTION: Final = (
    RequestRule(
        id="firewall", about="protection", field="firewall",
        pattern=rf"\b(?:(?:with|and|behind) )?(?:an? |the )?firewall(?:ed|s)?(?:\s?[:,]\s?|\s)(?:(?:that|which|it|rules?|and|should|to|only|is)\s)*(?:(?:allow(?:s|ing)?|open(?:s|ing|ed)?|permit(?:s|ting)?|let(?:s|ting)? in|for|with|on|accept(?:s|ing)?)\s)(?:only )?(?:tcp )?(?:traffic (?:on|to) )?(?:ports? )?(?P<p>{_PORTS})"
        rf"|\b(?:open(?:ing)?|allow(?:ing)?|expos(?:e|ing)|permit(?:ting)?) (?:only )?(?:the )?(?:tcp )?ports? (?P<q>{_PORTS})",
        examples=("firewall allowing 80 and 443", "open ports 80, 443"), changes=_ports, note="SSH is always let in",
    ),
    RequestRule(
        id="plain-firewall", about="protection", field="firewall", pattern=r"\b(?:(?:with|and) )?(?:an? |the )?firewall(?:ed)?\b", examples=("with a firewall", "firewalled"),
        changes=lambda _found: {"firewall": True}, negatable=True, denied={"firewall": False},
    ),
    RequestRule(
        id="backup", about="protection", field="backup",
        pattern=r"\b(?:(?:with|and) )?(?:an? )?(?:(?:daily|nightly|hourly|weekly|regular|automatic) )?(?:back-?ups?(?: jobs?)?|backed up)\b(?: (?:daily|nightly|hourly|weekly|every (?:day|night|hour|week)))?",
        examples=("daily backup", "backed up nightly"), changes=lambda _found: {"backup": True}, negatable=True, denied={"backup": False}, note="nightly; the job's time stands in the plan",
    ),
    RequestRule(
        id="replicated", about="protection", field="replicate", pattern=r"\b(?:(?:with|and) )?(?:storage )?replicat(?:ed|ion|es?)\b", examples=("replicated", "with storage replication"),
        changes=lambda _found: {"replicate": True}, negatable=True, denied={"replicate": False}, note="Proxmox VE storage replication to another node",
    ),
    RequestRule(
        id="balanced", about="protection", field="balanced", pattern=r"\b(?:(?:with|and|plus|using|behind) )?load[- ]?balanc(?:ing|ed)\b", examples=("with load balancing", "load-balanced"),
        changes=lambda _found: {"balanced": True}, negatable=True, note="two web machines at least, and a balancer before them (two in production or with HA)",
    ),
    RequestRule(
        id="ha", about="protection", field="ha", pattern=r"\b(?:(?:with|and|in) )?(?:ha|high(?:ly)?[- ]availab(?:ility|le))\b(?: mode)?", examples=("with HA", "high availability"),
        changes=lambda _found: {"ha": True}, negatable=True, denied={"ha": False}, note="machines: Proxmox VE HA; clusters: 3 control planes",
    ),
)  # fmt: skip
