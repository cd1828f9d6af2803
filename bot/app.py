"""The only place that builds real edges and hands them down.

In: ``Settings``. Out: a ``House`` for planning, an ``Office`` for publishing. Never: a decision about a plan.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from bot.capacity.combine import combine
from bot.desks import Records, build_desk
from bot.edges.checkpoints import has_records
from bot.edges.clock import RealClock
from bot.edges.git import GitRepos, Remote, private_remote, public_remote
from bot.edges.github import GitHubForge, is_plain_loopback
from bot.edges.kubernetes import KubernetesInventory
from bot.edges.ledger import open_ledger
from bot.edges.proxmox import ProxmoxInventory
from bot.edges.terraform import TerraformToolbox
from bot.edges.yaml_reader import ChildYamlReader, RememberingYamlReader
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.house import House, Office
from bot.flow.past import past_of
from bot.flow.steps import Straight
from bot.model.cluster import NOT_CONFIGURED, WHOLE_SYSTEM, ClusterSnapshot, Missing, System
from bot.model.command import RepoTarget
from bot.model.config import Config
from bot.model.evidence import Past
from bot.model.finding import Finding
from bot.ports import Inventory
from bot.rendering.redaction import redactor
from bot.settings import Settings
from bot.survey.selection import select

__all__ = [
    "NO_INFRA_REPO",
    "NO_TOKEN",
    "House",
    "LiveInventory",
    "Office",
    "SnapshotInventory",
    "build_desk",
    "build_house",
    "build_inventory",
    "build_office",
    "locator",
    "model_edge",
    "open_forge",
    "open_records",
    "reading_by",
    "recalling",
]


@dataclass(frozen=True)
class SnapshotInventory:
    """An inventory that was written down before."""

    snapshot: ClusterSnapshot

    def read(self) -> ClusterSnapshot:
        """The same every time."""
        return self.snapshot


@dataclass(frozen=True, kw_only=True)
class LiveInventory:
    """Proxmox and Kubernetes together; what is not configured stands in ``missing``.

    An outage of one becomes a gap too, so that the other is not lost; the flow decides whether it may go on.
    ``unset`` says why a system that somebody began to configure is not read.
    """

    proxmox: Inventory | None
    kubernetes: Inventory | None
    unset: Mapping[System, str] = field(default_factory=dict)

    def read(self) -> ClusterSnapshot:
        """Both readings. Never raises for a system that does not answer: see ``ClusterSnapshot.down``."""
        sources: tuple[tuple[System, Inventory | None], ...] = (
            ("proxmox", self.proxmox),
            ("kubernetes", self.kubernetes),
        )
        return combine([self._part(system, source) for system, source in sources])

    def _part(self, system: System, source: Inventory | None) -> ClusterSnapshot:
        if source is None:
            return ClusterSnapshot(missing=(_not_configured(system, self.unset.get(system)),))
        try:
            return source.read()
        except (Refused, Unavailable) as stop:
            return ClusterSnapshot(missing=(_gap(system, stop.refusal),))


def _not_configured(system: System, why: str | None) -> Missing:
    how = "PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN" if system == "proxmox" else "KUBECONFIG"
    return Missing(
        system=system,
        what=WHOLE_SYSTEM,
        code=NOT_CONFIGURED,
        reason=why or f"no {'Proxmox VE' if system == 'proxmox' else 'Kubernetes'} cluster is configured",
        remedy=f"Set {how}, or give a snapshot file.",
    )


def _gap(system: System, refusal: Refusal) -> Missing:
    return Missing(system=system, what=WHOLE_SYSTEM, code=refusal.code, reason=refusal.message, remedy=refusal.remedy)


def build_inventory(settings: Settings) -> Inventory:
    """The live clusters, as far as they are configured. Raises nothing: work begins with ``read``."""
    token = settings.proxmox_reader
    proxmox = (
        ProxmoxInventory(
            endpoint=settings.proxmox_endpoint, token=token, clock=RealClock(), verify=not settings.proxmox_insecure
        )
        if settings.proxmox_endpoint and token
        else None
    )
    kubernetes = None
    if settings.kubeconfig and _has_content(Path(settings.kubeconfig)):
        kubernetes = KubernetesInventory(settings.kubeconfig, clock=RealClock())
    return LiveInventory(proxmox=proxmox, kubernetes=kubernetes, unset=_half_configured(settings))


def _half_configured(settings: Settings) -> dict[System, str]:
    """What somebody began to configure and did not finish, so that it is not taken for absent."""
    halves: dict[System, str] = {}
    if settings.proxmox_endpoint and not settings.proxmox_token:
        halves["proxmox"] = "PROXMOX_VE_ENDPOINT is set, but PROXMOX_VE_API_TOKEN is not"
    elif settings.proxmox_token and not settings.proxmox_endpoint:
        halves["proxmox"] = "PROXMOX_VE_API_TOKEN is set, but PROXMOX_VE_ENDPOINT is not"
    if settings.kubeconfig and not Path(settings.kubeconfig).is_file():
        halves["kubernetes"] = "KUBECONFIG does not name one existing file"
    return halves


def _has_content(kubeconfig: Path) -> bool:
    """An absent or empty KUBECONFIG means: not configured."""
    return kubeconfig.is_file() and kubeconfig.stat().st_size > 0


def build_house(
    settings: Settings,
    *,
    inventory: Inventory,
    records: Records | None = None,
    redact: Callable[[str], str] | None = None,
) -> House:
    """What a plan stands on; ``records`` keep lessons and what was spent. Raises Refused(config)."""
    yaml, clock = RememberingYamlReader(ChildYamlReader()), RealClock()
    return House(
        repos=GitRepos(select=select, yaml=yaml, locate=_locator(settings)),
        inventory=inventory,
        toolbox=TerraformToolbox(),
        yaml=yaml,
        clock=clock,
        desk=build_desk(
            settings,
            clock=clock,
            redact=redact or redactor(settings.secrets()),
            edge=model_edge(settings),
            records=records,
        ),
    )


def model_edge(settings: Settings) -> Any | None:
    """The module that speaks to models, None while none is set. Raises Refused(config) where it is not installed."""
    if not settings.models and not settings.embedding_model:
        return None
    try:
        return importlib.import_module(MODEL_EDGE)
    except ModuleNotFoundError as missing:
        raise Refused(_NO_EXTRA) from missing


def locator(forge: GitHubForge) -> Callable[[RepoTarget], Remote]:
    """Where an application's repository is read from: as the forge's credential sees it, else publicly and pinned."""

    def locate(target: RepoTarget) -> Remote:
        place = forge.place(target)
        return public_remote(target) if place is None else private_remote(place.url, place.authorization)

    return locate


@contextmanager
def open_records(settings: Settings) -> Iterator[Records | None]:
    """The records of a server, for a single process beside it; None where there are none, or they cannot be used."""
    with ExitStack() as stack:
        records: Records | None = None
        if has_records(settings.database_url):
            with suppress(Refused, Unavailable):
                records = stack.enter_context(open_ledger(settings.database_url, clock=RealClock(), upgrade=False))
        yield records


def recalling(settings: Settings, house: House, *, config: Config, records: Records | None) -> House:
    """The house whose desk recalls what was merged before, where an infrastructure repository and a token are set.

    What cannot be read is a note in the plan: a single process goes on without memory.
    """
    repo, token = settings.infra_repo, settings.github_token
    if repo is None or token is None:
        return house

    def recall(app: str) -> Past:
        try:
            with _forge(settings, token) as forge:
                return past_of(app, forge=forge, infra_repo=repo, config=config, lessons=records, yaml=house.yaml)
        except (Refused, Unavailable) as stop:
            return Past(findings=(_forgotten(stop.refusal),))

    return replace(house, desk=replace(house.desk, recall=recall))


def _forgotten(refusal: Refusal) -> Finding:
    return Finding(
        rule="memory-unread",
        severity="note",
        message=f"What was merged before was not read: {refusal.message}",
        remedy=refusal.remedy,
    )


def _locator(settings: Settings) -> Callable[[RepoTarget], Remote]:
    """The same for one process without an office: by the token where there is one."""
    token = settings.github_token
    if token is None and not is_plain_loopback(settings.github_api_url):
        return public_remote

    def locate(target: RepoTarget) -> Remote:
        if token is None:
            raise Refused(NO_TOKEN)
        with _forge(settings, token) as forge:
            return locator(forge)(target)

    return locate


def reading_by(house: House, forge: GitHubForge) -> House:
    """The house, with repositories read by this forge's credential."""
    return replace(house, repos=GitRepos(select=select, yaml=house.yaml, locate=locator(forge)))


def build_office(settings: Settings, *, house: House) -> Office | Refusal:
    """A house with GitHub by a plain token, for one process, or what is missing for it.

    Raises Refused(config) for an unusable GITHUB_API_URL.
    """
    if settings.github_token is None:
        return NO_TOKEN
    return Office(
        house=house,
        forge=_forge(settings, settings.github_token),
        steps=Straight(clock=house.clock),
        infra_repo=settings.infra_repo,
        git_hosts=settings.allowed_git_hosts,
    )


MODEL_EDGE: Final = "bot.edges.model"
"""Loaded by name when a model is set: it takes one to two seconds, and not every installation has it."""
_NO_EXTRA: Final = Refusal(
    code=Code.CONFIG,
    message="A model is set, but the packages that speak to models are not installed.",
    remedy="Install the extra: pip install 'ai-provision[model]'. Or unset AI_PROVISION_MODEL.",
)

NO_TOKEN: Final = Refusal(
    code=Code.GITHUB_AUTH,
    message="No GitHub token is set.",
    remedy="Set GITHUB_TOKEN to a token with contents, issues and pull requests: write.",
)


NO_INFRA_REPO: Final = Refusal(
    code=Code.CONFIG,
    message="No infrastructure repository is set.",
    remedy="Set AI_PROVISION_INFRA_REPO to owner/name, the repository that receives the pull request.",
)


@contextmanager
def open_forge(settings: Settings) -> Iterator[GitHubForge]:
    """GitHub by a plain token. Raises Refused(github-auth) without one, Refused(config) for an unusable address."""
    if settings.github_token is None:
        raise Refused(NO_TOKEN)
    with _forge(settings, settings.github_token) as forge:
        yield forge


def _forge(settings: Settings, token: SecretStr) -> GitHubForge:
    return GitHubForge(
        api_url=settings.github_api_url,
        token=token,
        clock=RealClock(),
        write_pause=settings.write_pause,
        redact=redactor(settings.secrets()),
    )
