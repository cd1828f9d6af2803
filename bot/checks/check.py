"""All checks of a bundle, in one closed table; schema validity is only the first of them.

In: a change set, the plan it was made from, the config file. Out: findings, in the order of the table. Never: a repair,
an exception for a bad file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bot.checks import objects, pods, terraform_policy, terraform_state
from bot.checks.bundle import Bundle, read_bundle
from bot.checks.determinism import determinism
from bot.checks.kubernetes_schema import kubernetes_schema, kustomization
from bot.checks.paths import paths
from bot.checks.secrets import secrets
from bot.checks.syntax import syntax, unambiguous_yaml
from bot.checks.terraform_schema import terraform_schema
from bot.checks.text_inert import text_inert
from bot.model.changes import ChangeSet
from bot.model.config import Config
from bot.model.finding import Finding
from bot.model.plan import Plan


def _unambiguous_manifests(bundle: Bundle) -> Iterator[Finding]:
    """Ansible reads its own files, with one parser, and means the templates in them."""
    yield from unambiguous_yaml(bundle.without_playbooks)


CHECKS: Final[tuple[Callable[[Bundle], Iterator[Finding]], ...]] = (
    syntax,
    _unambiguous_manifests,
    paths,
    kubernetes_schema,
    kustomization,
    objects.kinds,
    objects.names,
    objects.namespaces,
    objects.replicas,
    objects.autoscalers,
    objects.budgets,
    objects.selectors,
    objects.services,
    objects.companions,
    pods.privileges,
    pods.restricted,
    pods.images,
    pods.variables,
    pods.quantities,
    pods.ports_and_probes,
    terraform_schema,
    terraform_policy.forbidden,
    terraform_policy.provider,
    terraform_policy.second_token,
    terraform_policy.machines,
    terraform_state.state,
    terraform_state.adoption,
    secrets,
    text_inert,
    determinism,
)


def check(changes: ChangeSet, *, plan: Plan, config: Config) -> tuple[Finding, ...]:
    """Every finding of every check. ``block`` means that the pull request must not open with these files."""
    bundle = read_bundle(changes, plan=plan, config=config)
    return tuple(finding for judge in CHECKS for finding in judge(bundle))
