"""One step of a workflow that plans, applies, reverts or reconciles: secrets become files, results a summary.

In: the environment of ``.github/actions/deliver``. Out: an exit code, outputs, a summary. Never: a secret in an
argument, in the log or in a file that outlives the step; a variable that could change what is run.

A runner ends a cancelled step by SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL. While terraform works, it gets the
first of them (``bot/edges/terraform/process.py``); at any other moment both end the step with its files removed.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, get_args

from pydantic import ValidationError

from bot import delivering
from bot.ci_runner import note, write_output, write_summary
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.delivered import Delivered
from bot.rendering.apply_report import outcome_comment, plan_comment
from bot.rendering.redaction import redactor
from bot.settings import read_settings

_LINE: Final = re.compile(r"(?P<name>(?:AWS_|TF_HTTP_|PG|KUBE_)[A-Z0-9_]{1,60})=(?P<value>[^\x00-\x1f]{0,4000})")
_OTHER_PROGRAMS: Final = frozenset({"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"})
"""Files that may name a program which prints credentials."""
_PUBLIC: Final = frozenset(
    {
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "PGUSER", "PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE",
        "TF_HTTP_USERNAME", "TF_HTTP_ADDRESS", "TF_HTTP_LOCK_METHOD", "TF_HTTP_UNLOCK_METHOD", "KUBE_NAMESPACE",
    }
)  # fmt: skip
"""Variables of a backend that hide nothing; masked, their values would tear holes into every text."""
_OPTIONAL: Final = (
    "PROXMOX_VE_ENDPOINT", "PROXMOX_VE_API_TOKEN", "AI_PROVISION_PROXMOX_SURVEY_TOKEN", "AI_PROVISION_JOIN_COMMAND",
    "TF_VAR_cluster_api_token", "PROMETHEUS_URL",
)  # fmt: skip
"""What the action always sets: empty means that nobody gave it."""
_KEPT_IN_KUBECONFIG: Final = re.compile(
    r"""["']?(?:token|password|client-key-data|client-secret|id-token|refresh-token|access-token)["']?\s*:\s*["']?"""
    r"""(?P<value>[^\s"',}]{4,})"""
)
_SHORTEST: Final = 4
"""Characters below which a value is no secret that could be masked."""
_STOPPED: Final = 130
"""The exit code of a program that was interrupted."""


Deliver = Callable[..., Delivered | Refusal]


def main(environment: Mapping[str, str], *, deliver: Deliver = delivering.deliver) -> int:
    """Run the step; its exit code."""
    verb = environment.get("DELIVER_VERB", "")
    if verb not in get_args(delivering.Mode):
        return _ended(_wrong(f"{verb[:40]!r} is no verb of this action"), _summary(environment), redact=str)
    try:
        with (
            _ending(),
            tempfile.TemporaryDirectory(prefix="ai-provision-", dir=environment.get("RUNNER_TEMP") or None) as folder,
        ):
            return _begun(verb, environment, Path(folder), deliver)
    except KeyboardInterrupt:
        return _cancelled(verb, environment)


def _begun(verb: str, environment: Mapping[str, str], folder: Path, deliver: Deliver) -> int:
    _mask(environment)
    try:
        mine = _environment(environment, folder)
        settings = read_settings(mine).hiding(secrets(environment))
    except (Refused, ValidationError) as error:
        refusal = error.refusal if isinstance(error, Refused) else _wrong(_setting(error))
        return _ended(refusal, _summary(environment), redact=redactor(secrets(environment)))
    redact = redactor(settings.secrets())
    order = delivering.ApplyOrder.model_validate({"mode": verb})
    with _set(mine):
        try:
            done = deliver(order, settings, mine, progress=lambda step: _progress(redact(step)))
        except (Refused, Unavailable) as stop:
            done = stop.refusal
    return _delivered(done, mine, redact=redact)


def _delivered(done: Delivered | Refusal, environment: Mapping[str, str], *, redact: Callable[[str], str]) -> int:
    if isinstance(done, Delivered):
        output = environment.get("GITHUB_OUTPUT")
        returned = any(outcome.kind == "returned" for outcome in done.outcomes)
        write_output(Path(output) if output else None, "returned", "true" if returned else "false")
    return _ended(done, _summary(environment), redact=redact)


def _ended(done: Delivered | Refusal, summary: Path | None, *, redact: Callable[[str], str]) -> int:
    """Say it in the log and on the run's page."""
    if isinstance(done, Refusal):
        sys.stdout.write(note("error", redact(f"{done.code}: {done.message} What to do: {done.remedy}")) + "\n")
        write_summary(summary, redact(f"**{done.code}**: {done.message}\n\n{done.remedy}\n"))
        return done.exit_code
    for outcome in done.outcomes:
        good = outcome.kind in {"applied", "destroyed"}
        sys.stdout.write(
            note("notice" if good else "error", redact(f"{outcome.root}: {outcome.kind}. {outcome.message}")) + "\n"
        )
    for said in done.said:
        sys.stdout.write(note("notice", redact(said)) + "\n")
    text = outcome_comment(done.outcomes, hidden="") if done.outcomes else ""
    text += plan_comment(done.plans, hidden="", run_url=None) if done.plans else ""
    write_summary(summary, redact(text))
    return done.exit_code


def _environment(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The step's environment with its secrets as files. Raises Refused(config)."""
    mine = {
        name: value
        for name, value in given.items()
        if not name.startswith("DELIVER_") and (value or name not in _OPTIONAL)
    }
    for name, variable in (("KUBECONFIG", "KUBECONFIG"), ("SSH_KEY", "ANSIBLE_PRIVATE_KEY_FILE")):
        text = given.get(f"DELIVER_{name}", "")
        if text:
            path = folder / name.lower()
            path.touch(mode=0o600)
            path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
            mine[variable] = str(path)
    return mine | _state(given.get("DELIVER_STATE_ENVIRONMENT", ""))


def _state(text: str) -> dict[str, str]:
    """Variables of a state's backend, by their lines. Raises Refused(config)."""
    found: dict[str, str] = {}
    for line in _lines(text):
        match = _LINE.fullmatch(line)
        if match is None:
            raise Refused(_wrong("a line of state-environment is no AWS_…, TF_HTTP_…, PG… or KUBE_… variable"))
        if match["name"] in _OTHER_PROGRAMS:
            raise Refused(_wrong(f"{match['name']} may name a program; give the credentials themselves"))
        found[match["name"]] = match["value"]
    return found


def _lines(text: str) -> Iterator[str]:
    return filter(None, map(str.strip, text.split("\n")))


def secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The secret values of the step that settings do not know."""
    values = [match["value"] for match in map(_LINE.fullmatch, _lines(environment.get("DELIVER_STATE_ENVIRONMENT", "")))
              if match is not None and match["name"] not in _PUBLIC]  # fmt: skip
    values += [match["value"] for match in _KEPT_IN_KUBECONFIG.finditer(environment.get("DELIVER_KUBECONFIG", ""))]
    values.append(environment.get("DELIVER_SSH_KEY", ""))
    tokens = [value for name, value in environment.items() if name.startswith("TF_VAR_") and name.endswith("token")]
    values += [part for token in tokens for part in (token, token.partition("=")[2])]
    return tuple(value for value in values if len(value) >= _SHORTEST)


def _mask(environment: Mapping[str, str]) -> None:
    """Tell the runner, before anything else is said, which parts of its multi-line secrets are secret by themselves."""
    for value in secrets(environment):
        for line in value.splitlines():
            if len(line) >= _SHORTEST:
                sys.stdout.write(f"::add-mask::{line.replace('%', '%25')}\n")
    sys.stdout.flush()


@contextmanager
def _ending() -> Iterator[None]:
    """SIGTERM ends the step as SIGINT does: through every ``finally``. Signals are the main thread's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _set(environment: Mapping[str, str]) -> Iterator[None]:
    """The process's own environment for the programs that it starts."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _summary(environment: Mapping[str, str]) -> Path | None:
    path = environment.get("GITHUB_STEP_SUMMARY")
    return Path(path) if path else None


def _progress(step: str) -> None:
    sys.stderr.write(f"{step}\n")


def _setting(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"the setting {first['loc'][0]} is wrong: {first['msg']}"


def _cancelled(verb: str, environment: Mapping[str, str]) -> int:
    """What a run that was cancelled says; nothing is lost that is not said on the pull request already."""
    said = f"{verb} was cancelled before its end. What was applied until then stands; run it again from the run's page."
    sys.stdout.write(note("error", said) + "\n")
    write_summary(_summary(environment), f"{said}\n")
    return _STOPPED


def _wrong(why: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"The step cannot begin: {why}.",
        remedy="docs/applying.md shows the caller with every input.",
    )
