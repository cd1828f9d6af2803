"""The verbs of the command line, without the typing: each takes settings and gives a noun or a refusal.

In: parsed options and ``Settings``. Out: nouns. Never: printing, a question, an exit.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bot import app
from bot.capacity.anonymise import anonymise
from bot.errors import Code, Refusal
from bot.flow.config_file import read_config
from bot.flow.preview import Preview, WhenUnreachable, preview
from bot.flow.provision import host_refusal, publish
from bot.flow.steps import Straight
from bot.handlers.fields import checked_description
from bot.handlers.provision import parse_request
from bot.model.cluster import ClusterSnapshot
from bot.model.command import FolderTarget, Provision, RepoTarget
from bot.model.config import Config
from bot.model.document import Document
from bot.model.noun import Noun
from bot.model.outcome import PullRequest
from bot.model.plan import Cost
from bot.ports import Inventory, Progress
from bot.rendering.question import over_budget
from bot.settings import Settings
from bot.survey.request.page import EXAMPLES

EXAMPLE: Final = "ai-provision plan --git-repo https://github.com/org/repo --app-description '200 QPS peak, PostgreSQL'"
NO_INFRA_REPO: Final = app.NO_INFRA_REPO
_SNAPSHOT_CAP: Final = 64 * 1024**2
_CONFIG_CAP: Final = 1024**2


class PlanOrder(Noun):
    """What the command line asked for. ``folders``: a folder of this computer may be named instead of an address."""

    text: str | None = None
    git_repo: str | None = None
    app_description: str | None = None
    cluster: str = "live"
    config: str | None = None
    folders: bool = True


def plan(
    order: PlanOrder,
    settings: Settings,
    *,
    progress: Progress,
    config: Config | None = None,
    when_unreachable: WhenUnreachable = "go-on",
) -> Preview | Refusal:
    """The first half of the belt for one order. ``config`` stands in for the file that the order may name."""
    command = understood(order, settings)
    if isinstance(command, Refusal):
        return command
    inventory = _inventory(order, settings)
    if isinstance(inventory, Refusal):
        return inventory
    with app.open_records(settings) as records:
        house = app.build_house(settings, inventory=inventory, records=records)
        rules = config or _config(order, house)
        if isinstance(rules, Refusal):
            return rules
        unlisted = host_refusal(command, rules)
        if unlisted is not None:
            return unlisted
        house, steps = app.recalling(settings, house, config=rules, records=records), Straight(clock=house.clock)
        return preview(command, house, steps=steps, config=rules, when_unreachable=when_unreachable, progress=progress)


def understood(order: PlanOrder, settings: Settings) -> Provision | Refusal:
    """The two fields, or what is missing."""
    if order.text is not None:
        return _wished(order, settings)
    for name, value in (("--git-repo", order.git_repo), ("--app-description", order.app_description)):
        if not value:
            return Refusal(code=Code.SYNTAX, message=f"{name} is missing.", remedy=f"Example: {EXAMPLE}")
    return parse_request(
        order.git_repo or "", order.app_description or "", hosts=settings.allowed_git_hosts, folders=order.folders
    )


def _wished(order: PlanOrder, settings: Settings) -> Provision | Refusal:
    """A request for machines or a cluster: it is about the infrastructure repository itself."""
    text = order.text or ""
    problem = checked_description(text)
    if problem is not None or order.git_repo or order.app_description:
        return Refusal(
            code=Code.SYNTAX,
            message=f"The request was not understood: {problem or 'TEXT stands alone, without --git-repo'}.",
            remedy=f'Example: ai-provision preview "{EXAMPLES[0]}"',
        )
    owner, slash, name = (settings.infra_repo or "").partition("/")
    host = next(iter(settings.allowed_git_hosts), "github.com")
    target = RepoTarget(host=host, owner=owner, name=name) if slash else FolderTarget(folder=".")
    return Provision(target=target, app_description=text.strip(), wants="machines")


def _inventory(order: PlanOrder, settings: Settings) -> Inventory | Refusal:
    if order.cluster == "live":
        return app.build_inventory(settings)
    if not order.cluster:
        return _unreadable("", "no file is named")
    read = read_snapshot(Path(order.cluster))
    return read if isinstance(read, Refusal) else app.SnapshotInventory(read)


def read_snapshot(path: Path) -> ClusterSnapshot | Refusal:
    """A snapshot file as ``snapshot --out`` wrote it."""
    raw = content_of(path, cap=_SNAPSHOT_CAP)
    if isinstance(raw, str):
        return _unreadable(str(path), raw)
    try:
        return ClusterSnapshot.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return _unreadable(str(path), f"{where}: {first['msg']}" if where else first["msg"])


def content_of(path: Path, *, cap: int) -> bytes | str:
    """The bytes of a regular file, or why there are none. Devices and pipes never end, so they are not opened."""
    try:
        if path.exists() and not path.is_file():
            return "it is not a file"
        return path.read_bytes() if path.stat().st_size <= cap else f"it is larger than {cap // 1024**2} MiB"
    except OSError as error:
        return error.strerror or "it cannot be opened"
    except ValueError:
        return "its name is not a path"


def _unreadable(path: str, reason: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"The snapshot file {path or 'of --cluster'} could not be read: {reason}.",
        remedy="--cluster takes live, or a file that `ai-provision snapshot --out FILE` wrote.",
    )


def config_of(order: PlanOrder, settings: Settings) -> Config | Refusal:
    """The config file that the order names. Raises Refused(config) for unusable settings."""
    nothing = app.SnapshotInventory(ClusterSnapshot())
    return _config(order, app.build_house(settings.without_models(), inventory=nothing))


def _config(order: PlanOrder, house: app.House) -> Config | Refusal:
    if order.config is None:
        return Config()
    raw = content_of(Path(order.config), cap=_CONFIG_CAP) if order.config else "no file is named"
    if isinstance(raw, str):
        return _bad_config(order.config, raw)
    try:
        return read_config(raw.decode(), yaml=house.yaml, path=order.config)
    except UnicodeDecodeError:
        return _bad_config(order.config, "it is not UTF-8 text")


def _bad_config(path: str, reason: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"The config file {path or 'of --config'} could not be read: {reason}.",
        remedy="Give the path of an .ai-provision.yaml file.",
    )


def open_pull(
    planned: Preview,
    order: PlanOrder,
    settings: Settings,
    *,
    progress: Progress,
    config: Config | None = None,
    confirmed: bool = False,
) -> PullRequest | Refusal:
    """Open or update the pull request of a finished preview. ``confirmed``: a passed budget is known and meant."""
    unfit = _unfit(planned, understood(order, settings), confirmed=confirmed)
    if unfit is not None:
        return unfit
    office = app.build_office(
        settings,
        house=app.build_house(settings.without_models(), inventory=app.SnapshotInventory(planned.snapshot)),
    )
    if isinstance(office, Refusal):
        return office
    if office.infra_repo is None:
        return NO_INFRA_REPO
    rules = config or _config(order, office.house)
    if isinstance(rules, Refusal):
        return rules
    progress(f"Opening the pull request in {office.infra_repo}")
    return publish(planned, office, config=rules, order=None)


def _unfit(planned: Preview, command: Provision | Refusal, *, confirmed: bool) -> Refusal | None:
    """Why nothing can be opened for this command."""
    if isinstance(command, Refusal):
        return command
    if isinstance(command.target, FolderTarget) and command.wants == "machines":
        return NO_INFRA_REPO
    if isinstance(command.target, FolderTarget):
        return Refusal(
            code=Code.REPO_URL,
            message="A pull request needs the repository's https address; a folder is for plan.",
            remedy="Give --git-repo https://github.com/owner/name, or use plan.",
        )
    cost = planned.document.plan.cost
    return _over_budget(cost) if cost.exceeded and not confirmed else None


def _over_budget(cost: Cost) -> Refusal:
    most = math.ceil(max(each.total for each in cost.exceeded))
    return Refusal(
        code=Code.POLICY,
        message=over_budget(cost),
        remedy=f"Confirm with --yes, or end the description with [budget={most}]; or state a lower load.",
    )


def snapshot(settings: Settings, *, anonymised: bool) -> ClusterSnapshot | Refusal:
    """What the clusters hold now. Nothing configured is a refusal: an empty file would mislead."""
    if settings.proxmox_endpoint is None and settings.kubeconfig is None:
        return Refusal(
            code=Code.CONFIG,
            message="No cluster is configured.",
            remedy="Set PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN, or KUBECONFIG.",
        )
    taken = app.build_inventory(settings).read()
    if not taken.nodes and taken.down:
        gap = taken.down[0]
        return Refusal(code=Code(gap.code), message=f"No cluster was read: {gap.reason}", remedy=gap.remedy)
    return anonymise(taken) if anonymised else taken


def write_files(document: Document, folder: Path) -> Refusal | None:
    """Each generated file below ``folder``, and nothing else."""
    for file in document.files:
        problem = write_text(folder / file.path, file.content)
        if problem is not None:
            return problem
    return None


def write_text(path: Path, text: str) -> Refusal | None:
    """One file, its folders made as needed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        return Refusal(
            code=Code.SYNTAX,
            message=f"{path} could not be written: {error.strerror}.",
            remedy="Give --out a place where you may write.",
        )
    return None
