"""The long-running verbs: the server with its worker, more workers, and what an operator does with their records.

In: ``Settings``. Out: a process that serves until it is stopped, or a ``Refusal``. Never: a heavy import (the worker is
a process of its own, so that planning never delays an answer to GitHub); a start without a webhook secret.
"""

from __future__ import annotations

import importlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.logs import configure_logs
from bot.meters import Meters
from bot.model.job import AuditEntry
from bot.model.recommendation import Recommendation
from bot.runtime import unfit
from bot.settings import Settings
from bot.web import tune_process, web_app

WORKSHOP: Final = (sys.executable, "-m", "bot.workshop")
_GRACE: Final = 10
"""Seconds that open connections get after a signal."""
_DRAIN: Final = 45.0
"""Seconds that the worker gets to finish, or to halt at its next step; then it is killed."""
_RESTART: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a worker that died is started again."""
_ADVISING: Final = "bot.advising"
"""Loaded with the first recommendation: the rules would lengthen the start by half."""
_LOG: Final = structlog.get_logger("ai_provision.service")


def serve(settings: Settings, *, host: str | None, port: int | None, poll: bool) -> Refusal | None:
    """Run the server and one worker until a signal comes."""
    refusal = _incomplete(settings, poll=poll) or unfit(settings.database_url)
    if refusal is not None:
        return refusal
    configure_logs(settings)
    try:
        with ExitStack() as stack:
            ledger = stack.enter_context(open_ledger(settings.database_url, clock=RealClock()))
            worker = _Worker((*WORKSHOP, "--attached", *(["--poll"] if poll else [])), os.environ)
            stack.callback(worker.stop)
            worker.start()
            app = web_app(
                ledger, secrets=_keys(settings), meters=Meters(), api_token=_token(settings), recommend=recommend
            )
            tune_process()
            return _listen(app, host or settings.host, port or settings.port)
    except (Refused, Unavailable) as stop:
        return stop.refusal


def _incomplete(settings: Settings, *, poll: bool) -> Refusal | None:
    """What the server would fail for later, said before it starts."""
    is_app = settings.github_app_id is not None and settings.github_private_key is not None
    if settings.github_token is None and not is_app:
        return _missing(
            Code.GITHUB_AUTH,
            "No GitHub credential is set.",
            "Set AI_PROVISION_GITHUB_APP_ID and AI_PROVISION_GITHUB_PRIVATE_KEY, or GITHUB_TOKEN.",
        )
    if settings.webhook_secret is None and not poll:
        return _missing(
            Code.CONFIG,
            "No webhook secret is set, so every delivery could be forged.",
            "Set AI_PROVISION_WEBHOOK_SECRET to the secret of the GitHub webhook, or read GitHub with --poll.",
        )
    if poll and settings.infra_repo is None and not is_app:
        return _missing(
            Code.CONFIG,
            "With a plain token --poll has to know which repository to read.",
            "Set AI_PROVISION_INFRA_REPO to owner/name, or use a GitHub App.",
        )
    return None


def _missing(code: Code, message: str, remedy: str) -> Refusal:
    return Refusal(code=code, message=message, remedy=remedy)


def worker(_settings: Settings) -> Refusal | None:
    """Become a worker: this process is replaced, so that signals reach it."""
    os.execv(sys.executable, WORKSHOP)  # noqa: S606 - our own interpreter and module, no shell


def backup(settings: Settings, path: Path) -> Refusal | None:
    """A consistent copy of the SQLite file while everything runs."""
    try:
        with open_ledger(settings.database_url, clock=RealClock()) as ledger:
            ledger.backup(str(path))
    except (Refused, Unavailable) as stop:
        return stop.refusal
    return None


def audit(settings: Settings, *, actor: str | None, repo: str | None, limit: int) -> tuple[AuditEntry, ...] | Refusal:
    """Who asked what and what was decided, newest first."""
    try:
        with open_ledger(settings.database_url, clock=RealClock()) as ledger:
            return ledger.entries(limit=limit, actor=actor, repo=repo)
    except (Refused, Unavailable) as stop:
        return stop.refusal


def _keys(settings: Settings) -> list[str]:
    """The webhook secrets. Without one (polling) a key that nobody knows: every webhook is refused."""
    given = (settings.webhook_secret, settings.webhook_secret_previous)
    return [secret.get_secret_value() for secret in given if secret is not None] or [secrets.token_hex(32)]


def _token(settings: Settings) -> str | None:
    return settings.api_token.get_secret_value() if settings.api_token else None


def recommend(raw: bytes) -> Recommendation | Refusal:
    """The answer to one payload, for a thread of the web server."""
    answer: Recommendation | Refusal = importlib.import_module(_ADVISING).advise(raw)
    return answer


class _Worker:
    """The worker process, started again when it dies; it ends by itself when this process is gone.

    Its standard input is a pipe that nobody writes to: the kernel closes it with this process, however that ends.
    """

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = dict(environment)
        self._halt = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker", daemon=True)

    def start(self) -> None:
        """Start it, and keep it running."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to finish, wait, and end it when it does not."""
        self._halt.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=_DRAIN)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(timeout=_DRAIN)

    def _keep(self) -> None:
        deaths = 0
        while not self._halt.is_set():
            began = time.monotonic()
            with subprocess.Popen(self._command, env=self._environment, stdin=subprocess.PIPE) as process:
                self._process = process
                if self._halt.is_set():
                    process.terminate()
                code = process.wait()
            if self._halt.is_set():
                return
            deaths = 0 if time.monotonic() - began > 60 else deaths + 1
            pause = _RESTART[min(deaths, len(_RESTART)) - 1] if deaths else _RESTART[0]
            _LOG.error("the worker ended", code=code, again_in=pause)
            self._halt.wait(pause)


def _listen(app: ASGIApp, host: str, port: int) -> Refusal | None:
    """Serve until SIGINT or SIGTERM, then come back, so that the worker is stopped in order.

    uvicorn raises the signal once more after its shutdown; with the handler set here it does not end the process.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            ws="none",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
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
