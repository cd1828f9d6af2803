"""The verbs of the command line, without the typing: each takes settings and gives a noun or a refusal.

In: parsed options and ``Settings``. Out: nouns. Never: printing, a question, an exit.
"""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Final, Literal

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from bot import app
from bot.capacity.anonymise import anonymise
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.flow.house import Office
from bot.flow.preview import Preview, preview
from bot.flow.provision import host_refusal, publish
from bot.handlers.desk import Desk
from bot.handlers.provision import parse_request
from bot.model.cluster import NOT_CONFIGURED, ClusterSnapshot
from bot.model.command import FolderTarget, Provision
from bot.model.config import Config
from bot.model.document import Document
from bot.model.noun import Noun
from bot.model.outcome import PullRequest
from bot.ports import Inventory, Progress
from bot.settings import Settings
from bot.web import web_app

EXAMPLE: Final = "ai-provision plan --git-repo https://github.com/org/repo --app-description '200 QPS peak, PostgreSQL'"
APPLY_LATER: Final = Refusal(
    code=Code.SYNTAX,
    message="--apply is not in this version.",
    remedy="Open the pull request without it, review and merge it, then run terraform and kubectl as it says.",
)
_SNAPSHOT_CAP: Final = 64 * 1024**2
_CONFIG_CAP: Final = 1024**2
_GRACE: Final = 10
"""Seconds that open connections get after a signal; accepted commands get those of ``Desk.stop``."""


class PlanOrder(Noun):
    """What the command line asked for."""

    text: str | None = None
    git_repo: str | None = None
    app_description: str | None = None
    cluster: str = "live"
    config: str | None = None


class Check(Noun):
    """One line of the doctor."""

    what: str
    state: Literal["ok", "failed", "skipped"]
    found: str
    remedy: str = ""


def plan(order: PlanOrder, settings: Settings, *, progress: Progress) -> Preview | Refusal:
    """The first half of the belt for one order."""
    command = understood(order, settings)
    if isinstance(command, Refusal):
        return command
    inventory = _inventory(order, settings)
    if isinstance(inventory, Refusal):
        return inventory
    house = app.build_house(settings, inventory=inventory)
    config = _config(order, house)
    if isinstance(config, Refusal):
        return config
    unlisted = host_refusal(command, config)
    if unlisted is not None:
        return unlisted
    return preview(command, house, config=config, when_unreachable="go-on", progress=progress)


def understood(order: PlanOrder, settings: Settings) -> Provision | Refusal:
    """The two fields, or what is missing."""
    if order.text is not None:
        return Refusal(
            code=Code.SYNTAX,
            message="A request for machines or a cluster in plain words is not in this version.",
            remedy=f"Name a repository: {EXAMPLE}",
        )
    for name, value in (("--git-repo", order.git_repo), ("--app-description", order.app_description)):
        if not value:
            return Refusal(code=Code.SYNTAX, message=f"{name} is missing.", remedy=f"Example: {EXAMPLE}")
    return parse_request(
        order.git_repo or "", order.app_description or "", hosts=settings.allowed_git_hosts, folders=True
    )


def _inventory(order: PlanOrder, settings: Settings) -> Inventory | Refusal:
    if order.cluster == "live":
        return app.build_inventory(settings)
    if not order.cluster:
        return _unreadable("", "no file is named")
    read = read_snapshot(Path(order.cluster))
    return read if isinstance(read, Refusal) else app.SnapshotInventory(read)


def read_snapshot(path: Path) -> ClusterSnapshot | Refusal:
    """A snapshot file as ``snapshot --out`` wrote it."""
    raw = _content(path, cap=_SNAPSHOT_CAP)
    if isinstance(raw, str):
        return _unreadable(str(path), raw)
    try:
        return ClusterSnapshot.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return _unreadable(str(path), f"{where}: {first['msg']}" if where else first["msg"])


def _content(path: Path, *, cap: int) -> bytes | str:
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


def _config(order: PlanOrder, house: app.House) -> Config | Refusal:
    if order.config is None:
        return Config()
    raw = _content(Path(order.config), cap=_CONFIG_CAP) if order.config else "no file is named"
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


def open_pull(planned: Preview, order: PlanOrder, settings: Settings, *, progress: Progress) -> PullRequest | Refusal:
    """Open or update the pull request of a finished preview."""
    command = understood(order, settings)
    if isinstance(command, Refusal):
        return command
    if isinstance(command.target, FolderTarget):
        return Refusal(
            code=Code.REPO_URL,
            message="A pull request needs the repository's https address; a folder is for plan.",
            remedy="Give --git-repo https://github.com/owner/name, or use plan.",
        )
    office = app.build_office(
        settings, house=app.build_house(settings, inventory=app.SnapshotInventory(planned.snapshot))
    )
    if isinstance(office, Refusal):
        return office
    if office.infra_repo is None:
        return _no_infra_repo()
    config = _config(order, office.house)
    if isinstance(config, Refusal):
        return config
    progress(f"Opening the pull request in {office.infra_repo}")
    return publish(planned, office, config=config, order=None)


def _no_infra_repo() -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message="No infrastructure repository is set.",
        remedy="Set AI_PROVISION_INFRA_REPO to owner/name, the repository that receives the pull request.",
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


def check(settings: Settings) -> tuple[Check, ...]:
    """The doctor: one line for each thing that has to be right."""
    return (*_check_github(settings), *_check_clusters(settings), *_check_tools(), *_check_server(settings))


def _check_github(settings: Settings) -> tuple[Check, ...]:
    if settings.github_token is None:
        remedy = "Set GITHUB_TOKEN (contents, issues, pull requests: write) to open pull requests."
        return (Check(what="GitHub", state="skipped", found="no token", remedy=remedy),)
    try:
        office = app.build_office(
            settings, house=app.build_house(settings, inventory=app.SnapshotInventory(ClusterSnapshot()))
        )
        if isinstance(office, Refusal):
            return (_failed("GitHub", office),)
        return (_check_infra_repo(office),)
    except (Refused, Unavailable) as stop:
        return (_failed("GitHub", stop.refusal),)


def _check_infra_repo(office: Office) -> Check:
    if office.infra_repo is None:
        remedy = "Set AI_PROVISION_INFRA_REPO to owner/name; without it the thread's own repository is used."
        return Check(what="GitHub", state="skipped", found="no infrastructure repository set", remedy=remedy)
    config = read_config(office.forge.file(office.infra_repo, CONFIG_PATH), yaml=office.house.yaml)
    if isinstance(config, Refusal):
        return _failed("config file", config)
    return Check(what="GitHub", state="ok", found=f"{office.infra_repo} is readable and its config is valid")


def _check_clusters(settings: Settings) -> tuple[Check, ...]:
    try:
        read = app.build_inventory(settings).read()
    except (Refused, Unavailable) as stop:
        return (_failed("clusters", stop.refusal),)
    gaps = tuple(
        Check(
            what=f"{gap.system}: {gap.what}",
            state="skipped" if gap.code == NOT_CONFIGURED else "failed",
            found=f"{gap.code}: {gap.reason}",
            remedy=gap.remedy,
        )
        for gap in read.missing
    )
    nodes = len(read.nodes)
    return (*((Check(what="clusters", state="ok", found=f"{nodes} nodes read"),) if nodes else ()), *gaps)


def _check_tools() -> tuple[Check, ...]:
    skipped = {
        "git": ("failed", "Install git: repositories are read and pull requests are pushed with it."),
        "terraform": ("skipped", "Without it `terraform fmt` is not checked; the provider schema check still runs."),
        "kubectl": ("skipped", "Only needed to apply the manifests by hand."),
    }
    return tuple(
        Check(what=tool, state="ok", found="found")
        if shutil.which(tool)
        else Check(what=tool, state="failed" if state == "failed" else "skipped", found="not found", remedy=remedy)
        for tool, (state, remedy) in skipped.items()
    )


def _check_server(settings: Settings) -> tuple[Check, ...]:
    if settings.webhook_secret is None:
        remedy = "Set AI_PROVISION_WEBHOOK_SECRET to receive webhooks."
        return (Check(what="webhook secret", state="skipped", found="not set", remedy=remedy),)
    return (Check(what="webhook secret", state="ok", found="set"),)


def _failed(what: str, refusal: Refusal) -> Check:
    return Check(what=what, state="failed", found=f"{refusal.code}: {refusal.message}", remedy=refusal.remedy)


def serve(settings: Settings, *, host: str | None, port: int | None) -> Refusal | None:
    """Run the webhook server until it is stopped."""
    if settings.webhook_secret is None:
        return Refusal(
            code=Code.CONFIG,
            message="No webhook secret is set, so every delivery could be forged.",
            remedy="Set AI_PROVISION_WEBHOOK_SECRET to the secret of the GitHub webhook.",
        )
    app.configure_logs(settings)
    house = app.build_house(settings, inventory=app.build_inventory(settings))
    office = app.build_office(settings, house=house)
    if isinstance(office, Refusal):
        return office
    desk = Desk(office)
    desk.start()
    asgi = web_app(desk, secrets=[settings.webhook_secret.get_secret_value()])
    try:
        return _listen(asgi, host or settings.host, port or settings.port)
    finally:
        desk.stop()


def _listen(asgi: FastAPI, host: str, port: int) -> Refusal | None:
    """Serve until SIGINT or SIGTERM, then come back, so that accepted commands are finished.

    uvicorn raises the signal once more after its shutdown; with the handler set here it does not end the process.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            asgi, host=host, port=port, access_log=False, server_header=False, timeout_graceful_shutdown=_GRACE
        )
    )
    before = {stop: signal.signal(stop, server.handle_exit) for stop in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run()
    except SystemExit:
        return Refusal(
            code=Code.CONFIG,
            message=f"The server could not listen on {host}, port {port}; the line above says why.",
            remedy="Give --host and --port (AI_PROVISION_HOST, AI_PROVISION_PORT) an address and a port that are free.",
        )
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)
    return None
