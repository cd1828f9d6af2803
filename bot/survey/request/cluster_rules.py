"""Phrases of whole Kubernetes clusters.

In: nothing. Out: ``CLUSTER``, tried before machines are looked for, and ``ADDON_RULES``, looked for in clusters alone.
Never: a network plugin or add-on that is not built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.survey.description.numbers import ABOUT, NUM
from bot.survey.request.presets import ADDONS
from bot.survey.request.rule import RequestRule
from bot.survey.request.sizes import whole

_MACHINES: Final = r"(?: (?:nodes?|vms?|machines?|servers?|hosts?))?"
_MOST: Final = 100


def _counted(field: str, what: str, *, least: int) -> Callable[[re.Match[str]], Mapping[str, Any]]:
    def changes(found: re.Match[str]) -> Mapping[str, Any]:
        text = next(value for value in found.groupdict().values() if value)
        return {field: whole(text, least=least, most=_MOST, what=what)}

    return changes


def _workers(found: re.Match[str]) -> Mapping[str, Any]:
    text = found["n"] or found["m"]
    if text.lower() in {"no", "zero"}:
        return {"workers": 0}
    return {"workers": whole(text, least=0, most=_MOST, what="workers")}


CLUSTER: Final = (
    RequestRule(
        id="control-planes", about="cluster", field="control_planes",
        pattern=rf"{ABOUT}(?P<n>{NUM})[\s-](?:(?:dedicated|separate|ha)\s)?(?:control[- ]?planes?|masters?|controllers?|control nodes?){_MACHINES}\b|\b(?:control[- ]?planes?|masters?){_MACHINES}(?: count)?\s?[:=]\s?(?P<m>{NUM})",
        examples=("3 masters", "three control planes", "control planes: 3"), changes=_counted("control_planes", "control planes", least=1), note="1, 3, 5 or 7: etcd wants an odd number",
    ),
    RequestRule(
        id="workers", about="cluster", field="workers",
        pattern=rf"{ABOUT}(?P<n>{NUM}|zero(?=\s)|no(?=\s))[\s-](?:(?:dedicated|separate)\s)?(?:workers?{_MACHINES}|agents?(?: nodes?)?|compute nodes?|worker nodes?)\b|\bworkers?{_MACHINES}(?: count)?\s?[:=]\s?(?P<m>{NUM})",
        examples=("with 5 workers", "two worker nodes", "workers: 4"), changes=_workers,
    ),
    RequestRule(
        id="nodes", about="cluster", field="nodes",
        pattern=rf"{ABOUT}(?P<n>(?!1[- ]node|one[- ]node){NUM})[\s-]nodes?\b(?! (?:port|pool))|\bnodes\s?[:=]\s?(?P<o>{NUM})",
        examples=("5 node cluster", "3-node", "nodes: 4"), changes=_counted("nodes", "nodes", least=1), note="all machines together, the control planes among them",
    ),
    RequestRule(
        id="version", about="cluster", field="version", pattern=r"\b(?:(?:kubernetes|k8s)(?: version)?|version)(?:\s?[:=])?\s?v?(?P<v>1\.\d{1,2}(?:\.\d{1,2})?)\b(?!\.\d)|\bv(?P<w>1\.[23]\d(?:\.\d{1,2})?)\b",
        examples=("Kubernetes 1.33", "version 1.32.4"), changes=lambda found: {"version": found["v"] or found["w"]},
    ),
    RequestRule(
        id="cni", about="cluster", field="cni", pattern=r"\b(?:(?:with|using|and) )?(?:cni\s?[:=]?\s?)?(?P<c>flannel|calico|cilium)\b(?: (?:as )?(?:cni|network(?:ing)?|network plugin))?",
        examples=("calico", "CNI cilium"), changes=lambda found: {"cni": found["c"].lower()}, negatable=True,
    ),
    RequestRule(
        id="other-cni", about="cluster", field=None, pattern=r"\b(?:weave(?: ?net)?|canal|antrea|kube-router|kube-ovn|multus)\b", examples=("weave",), note="flannel, calico and cilium are built",
    ),
    RequestRule(
        id="distribution", about="cluster", field=None, pattern=r"\b(?:k3s|k0s|rke2?|microk8s|talos(?: linux)?|openshift|okd|minikube|kubespray|kind cluster)\b", examples=("k3s", "RKE2"),
        note="this distribution is not built: the cluster gets plain Kubernetes",
    ),
)  # fmt: skip


def _adds(name: str) -> Callable[[re.Match[str]], Mapping[str, Any]]:
    return lambda _found: {"addons": (name,)}


ADDON_RULES: Final = tuple(
    RequestRule(
        id=f"addon-{name}", about="add-ons", field="addons", examples=examples, changes=_adds(name), negatable=True, denied={"without": (name,)},
        pattern=rf"\b(?:{pattern})\b",
    )
    for name, pattern, examples in ADDONS
)  # fmt: skip
