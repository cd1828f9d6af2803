"""One step of a workflow that plans, applies, reverts or reconciles: secrets become files, results a summary.

In: the environment of ``.github/actions/deliver``. Out: an exit code, outputs, a summary. Never: a secret in an
argument, in the log or in a file that outlives the step; a variable that could change what is run.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, get_args

from pydantic import ValidationError

from bot import delivering
from bot.ci_runner import note, write_output, write_summary
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.delivered import Delivered
from bot.rendering.apply_report import outcome_comment, plan_comment
from bot.rendering.redaction import redactor
from bot.settings import Settings, read_settings

_LINE: Final = re.compile(r"(?P<name>(?:AWS_|TF_HTTP_|PG|KUBE_)[A-Z0-9_]{1,60})=(?P<value>[^\x00-\x1f]{0,4000})")
_SHORTEST: Final = 4
"""Characters below which a value is no secret that could be masked."""


def main(environment: Mapping[str, str]) -> int:
    """Run the step; its exit code."""
    verb = environment.get("DELIVER_VERB", "")
    if verb not in get_args(delivering.Mode):
        return _ended(_wrong(f"{verb[:40]!r} is no verb of this action"), Path(), redact=str)
    with tempfile.TemporaryDirectory(prefix="ai-provision-", dir=environment.get("RUNNER_TEMP")) as folder:
        try:
            mine = _environment(environment, Path(folder))
            settings = read_settings(mine)
        except (Refused, ValidationError) as error:
            refusal = error.refusal if isinstance(error, Refused) else _wrong(_setting(error))
            return _ended(refusal, _summary(environment), redact=str)
        with _set(mine):
            return _delivered(verb, settings, mine)


def _delivered(verb: str, settings: Settings, environment: Mapping[str, str]) -> int:
    order = delivering.ApplyOrder.model_validate({"mode": verb})
    redact = redactor((*settings.secrets(), *_values(environment)))
    try:
        done = delivering.deliver(order, settings, environment, progress=_progress)
    except (Refused, Unavailable) as stop:
        done = stop.refusal
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
    mine = {name: value for name, value in given.items() if not name.startswith("DELIVER_")}
    for name, variable in (("KUBECONFIG", "KUBECONFIG"), ("SSH_KEY", "ANSIBLE_PRIVATE_KEY_FILE")):
        text = given.get(f"DELIVER_{name}", "")
        if text:
            path = folder / name.lower()
            path.touch(mode=0o600)
            path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
            mine[variable] = str(path)
    return mine | _state(given.get("DELIVER_STATE_ENVIRONMENT", ""))


def _state(text: str) -> dict[str, str]:
    """Variables of a state's backend, by their lines; each value is masked in the log of the run."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None:
            raise Refused(_wrong("a line of state-environment is no AWS_…, TF_HTTP_…, PG… or KUBE_… variable"))
        found[match["name"]] = match["value"]
        if len(match["value"]) >= _SHORTEST:
            sys.stdout.write(f"::add-mask::{match['value']}\n")
    return found


def _values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The secret values that settings do not know."""
    secret = ("AWS_SECRET", "AWS_SESSION", "TF_HTTP_PASSWORD", "PG_CONN", "PGPASSWORD", "KUBE_TOKEN")
    names = [name for name in environment if name.startswith(secret)]
    names += [name for name in environment if name.startswith("TF_VAR_") and name.endswith("token")]
    return tuple(environment[name] for name in names if len(environment[name]) >= _SHORTEST)


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


def _wrong(why: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"The step cannot begin: {why}.",
        remedy="docs/applying.md shows the caller with every input.",
    )
