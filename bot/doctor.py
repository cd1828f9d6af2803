"""The doctor: one line for each thing that has to be right, tried for real where that changes nothing.

In: ``Settings``. Out: lines with what was found and, where it is not right, what to do. Never: a value of a secret, a
write to GitHub or a cluster, a database file that was not there before.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bot import app
from bot.doctor_check import Check
from bot.doctor_check import failed as _failed
from bot.doctor_forge import repository
from bot.doctor_state import state
from bot.doctor_tools import answer_of, tools
from bot.edges.clock import RealClock
from bot.edges.github import Api, AppCredentials, Installations, TokenSource, checked_api
from bot.edges.github.operator import OperatorForge
from bot.edges.ledger import open_ledger
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.model.cluster import NOT_CONFIGURED
from bot.model.config import Config, Metrics
from bot.model.evidence import Workload
from bot.model.noun import Noun
from bot.rendering.redaction import Secrets
from bot.settings import Settings

__all__ = ["MODES", "Check", "Mode", "check", "works_together"]

_SQLITE: Final = "sqlite:///"


class Mode(Noun):
    """One way to run the product, and the settings that it cannot do without."""

    name: str
    needs: tuple[str, ...]


_SET_MODEL: Final = "Nothing to do; docs/agents.md says what AI_PROVISION_MODEL adds."
_SET_METRICS: Final = "Set PROMETHEUS_URL to size applications from their own use."
_KEYS: Final = {"google": "GOOGLE_API_KEY", "openai": "OPENAI_API_KEY"}
_CLUSTERS: Final = ("PROXMOX_VE_ENDPOINT", "PROXMOX_VE_API_TOKEN", "KUBECONFIG")
MODES: Final = (
    Mode(
        name="server with a GitHub App",
        needs=("AI_PROVISION_WEBHOOK_SECRET", "AI_PROVISION_GITHUB_APP_ID", "AI_PROVISION_GITHUB_PRIVATE_KEY"),
    ),
    Mode(name="server with a token", needs=("AI_PROVISION_WEBHOOK_SECRET", "GITHUB_TOKEN", "AI_PROVISION_INFRA_REPO")),
    Mode(name="server that polls", needs=("GITHUB_TOKEN", "AI_PROVISION_INFRA_REPO")),
    Mode(name="GitHub Action", needs=("GITHUB_TOKEN",)),
)


def check(settings: Settings, *, config_file: Path | None = None) -> tuple[Check, ...]:
    """Every line. ``config_file``: read in place of the infrastructure repository's own. Raises nothing for what is
    wrong outside: that is what the lines say.
    """
    seen = _Seen()
    return (
        *_tried("config file", _given_config(config_file, seen)),
        *_github(settings, seen),
        *state(seen.config, machines=settings.proxmox_endpoint is not None),
        *_clusters(settings),
        *_tried("model", _model(settings)),
        *_prometheus(settings),
        *tools(answer_of),
        _python(settings),
        _database(settings),
        *_server(settings),
        *_secrets(settings),
    )


@dataclass
class _Seen:
    """The config file, once one was read; ``given``: by the command line, so that the repository's is not read."""

    config: Config | None = None
    given: bool = False


def _given_config(path: Path | None, seen: _Seen) -> Iterator[Check]:
    """Raises Refused(config) for a file that cannot be read."""
    if path is None:
        return
    seen.given = True
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        message, remedy = f"{path.name} cannot be read.", "Name the file that --config means, in UTF-8."
        raise Refused(Refusal(code=Code.CONFIG, message=message, remedy=remedy)) from None
    yield _judged(text, path.name, seen, found=f"{path.name} is valid")


def _judged(text: str | None, name: str, seen: _Seen, *, found: str) -> Check:
    config = read_config(text, yaml=ChildYamlReader(), path=name)
    if isinstance(config, Refusal):
        return _failed("config file", config)
    seen.config = config
    return Check(what="config file", state="ok", found=found)


def _github(settings: Settings, seen: _Seen) -> Iterator[Check]:
    secrets = Secrets(settings.secrets())
    if settings.github_app_id is not None or settings.github_private_key is not None:
        yield from _tried("GitHub App", _app(settings, secrets, seen))
    if settings.github_token is not None:
        yield from _tried("GitHub", _token(settings, settings.github_token, secrets, seen))
    elif settings.github_app_id is None:
        remedy = "Set GITHUB_TOKEN (contents, issues, pull requests: write), or a GitHub App, to open pull requests."
        yield Check(what="GitHub", state="skipped", found="no token", remedy=remedy)


def _tried(what: str, lines: Iterator[Check]) -> Iterator[Check]:
    try:
        yield from lines
    except (Refused, Unavailable) as stop:
        yield _failed(what, stop.refusal)


def _app(settings: Settings, secrets: Secrets, seen: _Seen) -> Iterator[Check]:
    """Half an App is a mistake. A token is minted with the rights of the first command, and used to read. Raises."""
    names = {
        "AI_PROVISION_GITHUB_APP_ID": settings.github_app_id is not None,
        "AI_PROVISION_GITHUB_PRIVATE_KEY": settings.github_private_key is not None,
    }
    for name, there in names.items():
        if not there:
            remedy = f"Set {name} as well, or neither; both stand on the App's page on GitHub."
            yield Check(what="GitHub App", state="failed", found=f"{name} is not set, the other half is", remedy=remedy)
    if settings.github_app_id is None or settings.github_private_key is None:
        return
    clock = RealClock()
    api = Api(
        url=checked_api(settings.github_api_url), clock=clock, write_pause=settings.write_pause, redact=secrets.redact
    )
    credentials = AppCredentials(settings.github_app_id, settings.github_private_key, clock=clock)
    with Installations(credentials, api=api, secrets=secrets) as installations:
        if settings.infra_repo is None:
            yield _installed(settings.github_app_id, installations.repositories())
            return
        source = installations.token_for(settings.infra_repo)
        source.token()
        found = f"App {settings.github_app_id} may write to {settings.infra_repo}: contents, issues, pull requests"
        yield Check(what="GitHub App", state="ok", found=found)
        with _forge(settings, source, secrets) as forge:
            yield from _repository(settings.infra_repo, forge, seen)


def _model(settings: Settings) -> Iterator[Check]:
    """Whether each agent's model could be asked. Nothing is asked: that would cost money. Raises Refused(config)."""
    if not settings.models:
        yield Check(what="model", state="skipped", found="none is set: the rules decide alone", remedy=_SET_MODEL)
        return
    desk = app.build_desk(
        settings, clock=RealClock(), redact=Secrets(settings.secrets()).redact, edge=app.model_edge(settings)
    )
    named = ", ".join(f"{agent} {name}" for agent, name in sorted(settings.models.items()))
    missing = sorted({_KEYS[prefix] for prefix in _prefixes(settings) if _key(settings, prefix) is None})
    if desk.counsel is None or missing:
        remedy = f"Set {' and '.join(missing)}." if missing else ""
        yield Check(what="model", state="failed", found=f"{named}; a key is missing", remedy=remedy)
        return
    yield Check(what="model", state="ok", found=f"{named}; not asked, because that costs")


def _prefixes(settings: Settings) -> set[str]:
    return {name.partition(":")[0].partition("-")[0] for name in settings.models.values()} & _KEYS.keys()


def _key(settings: Settings, prefix: str) -> object:
    """What a provider cannot do without; a server of one's own that speaks OpenAI's protocol may need no key."""
    return settings.google_api_key if prefix == "google" else settings.openai_api_key or settings.openai_base_url


def _prometheus(settings: Settings) -> Iterator[Check]:
    metrics = app.build_desk(
        settings.without_models(),
        clock=RealClock(),
        redact=Secrets(settings.secrets()).redact,
    ).metrics
    if metrics is None:
        yield Check(what="Prometheus", state="skipped", found="no measured use", remedy=_SET_METRICS)
        return
    asked = (Workload(namespace="default", name="ai-provision-check"),)
    found = metrics.observe(asked, window=3600.0, names=Metrics()).findings
    unread = [finding for finding in found if finding.rule == "metrics-unread"]
    if unread:
        yield Check(what="Prometheus", state="failed", found=unread[0].message, remedy=unread[0].remedy)
    else:
        yield Check(what="Prometheus", state="ok", found="answers range queries")


def _installed(app_id: str, repositories: tuple[str, ...]) -> Check:
    if repositories:
        return Check(
            what="GitHub App", state="ok", found=f"App {app_id} is installed on {len(repositories)} repositories"
        )
    remedy = "Install it on the repositories where people may command: the App's page on GitHub, Install App."
    return Check(what="GitHub App", state="failed", found=f"App {app_id} is installed nowhere", remedy=remedy)


def _token(settings: Settings, token: SecretStr, secrets: Secrets, seen: _Seen) -> Iterator[Check]:
    """What the token may read, and what GitHub says that it may write. Raises Refused or Unavailable."""
    repo = settings.infra_repo
    if repo is None:
        checked_api(settings.github_api_url)
        remedy = "Set AI_PROVISION_INFRA_REPO to owner/name; without it the thread's own repository is used."
        yield Check(what="GitHub", state="skipped", found="no infrastructure repository set", remedy=remedy)
        return
    with _forge(settings, token, secrets) as forge:
        rights = forge.rights(repo)
        yield Check(what="GitHub", state="ok", found=f"{repo} is visible to GITHUB_TOKEN")
        yield _rights(repo, rights)
        yield from _repository(repo, forge, seen)


def _forge(settings: Settings, token: SecretStr | TokenSource, secrets: Secrets) -> OperatorForge:
    return OperatorForge(
        api_url=settings.github_api_url,
        token=token,
        clock=RealClock(),
        write_pause=settings.write_pause,
        redact=secrets.redact,
    )


def _repository(repo: str, forge: OperatorForge, seen: _Seen) -> Iterator[Check]:
    """The config file, unless the command line gave one, and the settings that the pipeline relies on. Raises."""
    if not seen.given:
        text = forge.file(repo, CONFIG_PATH)
        known = (
            f"{CONFIG_PATH} of {repo} is valid" if text is not None else f"{repo} has no {CONFIG_PATH}: defaults hold"
        )
        yield _judged(text, CONFIG_PATH, seen, found=known)
    yield from _tried("repository settings", repository(repo, forge.line, config=seen.config))


def _rights(repo: str, rights: frozenset[str] | None) -> Check:
    """What GitHub says of the account; a fine-grained token may hold less, which only the first write shows."""
    what = "GitHub rights"
    if rights is None:
        remedy = "Nothing to do if the token was given contents, issues and pull requests: write."
        return Check(what=what, state="skipped", found="GitHub does not say what this token may do", remedy=remedy)
    if "push" not in rights:
        found = f"the token's account may not write to {repo}"
        remedy = f"Give it write permission on {repo}: contents, issues and pull requests."
        return Check(what=what, state="failed", found=found, remedy=remedy)
    if "admin" in rights:
        found = f"the token's account administers {repo}, which is more than is needed"
        return Check(what=what, state="ok", found=found, remedy="Use an account or an App with write permission only.")
    return Check(what=what, state="ok", found=f"the token's account may write to {repo}")


def _clusters(settings: Settings) -> Iterator[Check]:
    try:
        read = app.build_inventory(settings).read()
    except (Refused, Unavailable) as stop:
        yield _failed("clusters", stop.refusal)
        return
    if read.nodes:
        yield Check(what="clusters", state="ok", found=f"{len(read.nodes)} nodes read")
    for gap in read.missing:
        yield Check(
            what=f"{gap.system}: {gap.what}",
            state="skipped" if gap.code == NOT_CONFIGURED else "failed",
            found=f"{gap.code}: {gap.reason}",
            remedy=gap.remedy,
        )


def _python(settings: Settings) -> Check:
    """The durable queue on SQLite needs a newer SQLite under newer Pythons."""
    python, library = ".".join(map(str, sys.version_info[:3])), sqlite3.sqlite_version
    found = f"Python {python}, SQLite {library}"
    bad = works_together(sys.version_info[:2], sqlite3.sqlite_version_info) is False
    if bad and settings.database_url.startswith(_SQLITE):
        remedy = (
            "Use Python 3.11, or a Python that brings SQLite 3.42 or newer, or Postgres by AI_PROVISION_DATABASE_URL."
        )
        return Check(what="Python", state="failed", found=f"{found}: the durable queue does not start", remedy=remedy)
    return Check(what="Python", state="ok", found=found)


def works_together(python: tuple[int, ...], library: tuple[int, ...]) -> bool:
    """Whether the durable queue runs on SQLite under this Python."""
    return python < (3, 12) or library >= (3, 42)


def _database(settings: Settings) -> Check:
    """Opened as every start opens it (which brings its tables up to date); a file that is not there is not made."""
    url = settings.database_url
    path = Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None
    if path is not None and not path.exists():
        folder = path.parent
        if folder.is_dir() and os.access(folder, os.W_OK):
            return Check(what="database", state="ok", found=f"{path.name} is made by the first start in {folder}")
        remedy = "Make the folder and let this user write there, or name another by AI_PROVISION_DATABASE_URL."
        return Check(what="database", state="failed", found=f"{folder} is no folder to write to", remedy=remedy)
    try:
        open_ledger(url, clock=RealClock()).close()
    except (Refused, Unavailable) as stop:
        return _failed("database", stop.refusal)
    return Check(what="database", state="ok", found="it opens")


def _server(settings: Settings) -> Iterator[Check]:
    if settings.webhook_secret is None:
        remedy = "Set AI_PROVISION_WEBHOOK_SECRET to receive webhooks."
        yield Check(what="webhook secret", state="skipped", found="not set", remedy=remedy)
    else:
        yield Check(what="webhook secret", state="ok", found="set")
    if settings.api_token is None:
        remedy = "Set AI_PROVISION_API_TOKEN to look at /jobs and /audit; without it they stay shut."
        yield Check(what="API token", state="skipped", found="not set", remedy=remedy)
    else:
        yield Check(what="API token", state="ok", found="set")


def _secrets(settings: Settings) -> Iterator[Check]:
    """Every setting that a mode needs, as set or not set; no value. One complete mode is enough."""
    given = _given(settings)
    for mode in MODES:
        missing = [name for name in mode.needs if not given[name]]
        found = ", ".join(f"{name} {'set' if given[name] else 'not set'}" for name in mode.needs)
        remedy = f"For this mode set {', '.join(missing)}." if missing else ""
        yield Check(what=f"mode: {mode.name}", state="skipped" if missing else "ok", found=found, remedy=remedy)
    missing = [name for name in _CLUSTERS if not given[name]]
    found = ", ".join(f"{name} {'set' if given[name] else 'not set'}" for name in _CLUSTERS)
    remedy = "Without a cluster a plan says: capacity unverified." if missing else ""
    yield Check(what="every mode: clusters", state="skipped" if missing else "ok", found=found, remedy=remedy)


def _given(settings: Settings) -> dict[str, bool]:
    return {
        "AI_PROVISION_WEBHOOK_SECRET": settings.webhook_secret is not None,
        "AI_PROVISION_GITHUB_APP_ID": settings.github_app_id is not None,
        "AI_PROVISION_GITHUB_PRIVATE_KEY": settings.github_private_key is not None,
        "GITHUB_TOKEN": settings.github_token is not None,
        "AI_PROVISION_INFRA_REPO": settings.infra_repo is not None,
        "PROXMOX_VE_ENDPOINT": settings.proxmox_endpoint is not None,
        "PROXMOX_VE_API_TOKEN": settings.proxmox_token is not None,
        "KUBECONFIG": settings.kubeconfig is not None,
    }
