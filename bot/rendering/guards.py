"""Names that become paths, objects and machines: checked once, before anything is rendered.

In: a plan. Out: nothing, or ``Refused`` with the rule in words. Never: a name that is silently changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from bot.errors import Code, Refusal, Refused
from bot.model.plan import Plan

LONGEST_NAME: Final = 52
"""A StatefulSet adds a hash of up to 11 characters to its name in a label of at most 63."""

_NAME: Final = re.compile(r"[a-z](?:[-a-z0-9]{0,50}[a-z0-9])?", re.ASCII)
_NAMESPACE: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_RULE: Final = (
    f"Use 1 to {LONGEST_NAME} lower-case letters, digits and hyphens, beginning with a letter and ending with a letter "
    "or digit (DNS-1035)."
)
_SYSTEM: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def guard(plan: Plan) -> None:
    """Raise Refused(name) for a name that Kubernetes, Proxmox VE or a path could misread, Refused(policy) for a system
    namespace.
    """
    _guard_name("application", plan.app)
    _guard_all("workload", (service.name for service in plan.services))
    _guard_all("machine", (machine.name for machine in plan.machines))
    _guard_all("cluster", (cluster.name for cluster in plan.clusters))
    if not _NAMESPACE.fullmatch(plan.namespace):
        raise Refused(_bad("namespace", plan.namespace))
    if plan.namespace in _SYSTEM or plan.namespace.startswith("kube-"):
        raise Refused(
            Refusal(
                code=Code.POLICY,
                message=f"The namespace {plan.namespace} belongs to Kubernetes itself.",
                remedy="Name another namespace, or none: the application's own name is the default.",
            )
        )


def _guard_all(what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        _guard_name(what, name)
        if count > 1:
            message = f"{count} {what}s share the name {name}."
            raise Refused(Refusal(code=Code.NAME, message=message, remedy=f"Give each {what} its own name. {_RULE}"))


def _guard_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Refused(_bad(what, name))


def _bad(what: str, name: str) -> Refusal:
    return Refusal(code=Code.NAME, message=f"{name[:60]!a} is no {what} name.", remedy=_RULE)
