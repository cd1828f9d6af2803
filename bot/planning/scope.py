"""Where the application runs: environment, namespace, cluster.

In: demand and config. Out: ``Scope``, or a ``Refusal`` (``name``, ``policy``). Never: ``default`` or a
system namespace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from bot.errors import Code, Refusal
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.planning.naming import belongs_to_the_cluster, shown
from bot.planning.record import Notes

_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_PRODUCTION: Final = frozenset({"production", "prod", "live"})
_CONFIG: Final = "defaults of .ai-provision.yaml"
_UNSTATED: Final = "configuration, defaults"


@dataclass(frozen=True)
class Scope:
    """The place of the application. ``production`` makes N+1 a hard constraint."""

    app: str
    environment: str
    namespace: str
    cluster: str | None
    notes: Notes

    @property
    def production(self) -> bool:
        """True for the environments in which the loss of one node must be survivable."""
        return self.environment.lower() in _PRODUCTION


def settle_scope(app: str, demand: Demand, *, config: Config) -> Scope | Refusal:
    """The description's word first, then the config file, then a default that is said aloud."""
    environment, environment_note = _first(
        "environment",
        demand.environment,
        config.defaults.environment,
        default="production",
        why_default="nobody named an environment, and production is the careful choice",
    )
    namespace, namespace_note = _first(
        "namespace",
        demand.namespace,
        config.defaults.namespace,
        default=app,
        why_default="the default namespace is the application's own name",
    )
    refusal = _namespace_refusal(namespace, config)
    if refusal is not None:
        return refusal
    return Scope(
        app=app,
        environment=environment,
        namespace=namespace,
        cluster=demand.cluster or config.defaults.cluster,
        notes=Notes(decisions=(environment_note, namespace_note)),
    )


def _first(
    path: str, asked: str | None, configured: str | None, *, default: str, why_default: str
) -> tuple[str, Decision]:
    if asked is not None:
        return asked, _said(path, asked, why="the description names it", source="app_description")
    if configured is not None:
        return configured, _said(path, configured, why="the config file sets it", source=_CONFIG)
    by_rule = Decision(path=path, value=default, origin="rule", why=why_default, source=_UNSTATED, tag="P")
    return default, by_rule


def _said(path: str, value: str, *, why: str, source: str) -> Decision:
    return Decision(path=path, value=value, origin="user", why=why, source=source, tag="user")


def _namespace_refusal(namespace: str, config: Config) -> Refusal | None:
    if _LABEL.fullmatch(namespace) is None:
        return Refusal(
            code=Code.NAME,
            message=f"{shown(namespace)} is no namespace: 1 to 63 lower-case letters, digits and '-', "
            "beginning and ending with a letter or digit.",
            remedy="Name another namespace in the description.",
        )
    if belongs_to_the_cluster(namespace):
        return Refusal(
            code=Code.POLICY,
            message=f"Namespace {namespace} belongs to the cluster; applications never go there.",
            remedy="Name a namespace of your own, or none: the application's name is the default.",
        )
    allowed = config.limits.namespaces
    if allowed and not any(fnmatchcase(namespace, pattern) for pattern in allowed):
        return Refusal(
            code=Code.POLICY,
            message=f"Namespace {namespace} is not allowed here: limits.namespaces permits {', '.join(allowed)}.",
            remedy="Name an allowed namespace in the description, or change limits.namespaces in .ai-provision.yaml.",
        )
    return None
