"""What a GitHub Actions runner gives a step, and what it takes back: event, outputs, summary, one line of the log.

In: the environment of a step, the end of an event. Out: ``Runner``; files that the runner reads. Never: text of people
that the runner could take for a command or for another output.
"""

from __future__ import annotations

import json
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bot.errors import Code, Refusal
from bot.model.noun import Noun
from bot.model.outcome import PullRequest

EVENT_CAP: Final = 2 * 1024**2
SUMMARY_CAP: Final = 1024**2
"""Bytes that GitHub takes as one step's summary."""
_CUT: Final = "\n\n(cut: the rest did not fit into the summary)\n"
_TITLE: Final = "ai-provision"
_INPUTS: Final = ("GIT_REPO", "APP_DESCRIPTION", "CLUSTER", "CONFIG", "OUT", "OPEN_PULL_REQUEST")


class ActionResult(Noun):
    """What the event led to. ``said`` is one sentence for the log; ``plan`` is a path; ``failed`` ends the step red."""

    end: Literal["nothing", "checked", "planned", "pull-request", "asked", "answered", "refused", "failed", "cancelled"]
    said: str
    code: str = ""
    pull: PullRequest | None = None
    plan: str = ""
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Runner:
    """What a GitHub Actions runner tells a step. ``given`` are the action's own inputs."""

    event: str
    payload: object
    run: str
    output: Path | None
    summary: Path | None
    temporary: Path
    given: Mapping[str, str]
    job_token: bool


def read_runner(environment: Mapping[str, str]) -> Runner | Refusal:
    """The runner's facts, or what is missing."""
    event, path = environment.get("GITHUB_EVENT_NAME"), environment.get("GITHUB_EVENT_PATH")
    if not event or not path:
        return _no_event("GITHUB_EVENT_NAME and GITHUB_EVENT_PATH are not both set")
    try:
        payload = _payload(Path(path))
    except OSError as error:
        return _no_event(f"the event's file could not be read: {error.strerror}")
    except (ValueError, RecursionError):
        return _no_event(f"the event's file holds no JSON of at most {EVENT_CAP // 1024**2} MiB")
    return Runner(
        event=event,
        payload=payload,
        run=environment.get("GITHUB_RUN_ID", ""),
        output=_path(environment, "GITHUB_OUTPUT"),
        summary=_path(environment, "GITHUB_STEP_SUMMARY"),
        temporary=_path(environment, "RUNNER_TEMP") or Path(tempfile.gettempdir()),
        given={name: environment.get(f"INPUT_{name}", "") for name in _INPUTS},
        job_token=environment.get("AI_PROVISION_JOB_TOKEN") == "true",
    )


def _payload(path: Path) -> object:
    """Raises OSError, ValueError or RecursionError."""
    with path.open("rb") as file:
        raw = file.read(EVENT_CAP + 1)
    if len(raw) > EVENT_CAP:
        raise ValueError("too large")
    return json.loads(raw, parse_constant=_refuse_constant)


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _no_event(why: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"No event was read: {why}.",
        remedy="Use it through action.yml in a workflow; docs/github-action.md shows one.",
    )


def outputs(ended: ActionResult | Refusal) -> dict[str, str]:
    """The outputs of ``action.yml`` by name; each is there, empty where there is nothing."""
    if isinstance(ended, Refusal):
        return {"pull-request-url": "", "plan-json": "", "code": ended.code}
    return {"pull-request-url": ended.pull.url if ended.pull else "", "plan-json": ended.plan, "code": ended.code}


def write_output(path: Path | None, name: str, value: str) -> None:
    """One output between two lines that nobody can guess, so that a value cannot add another one."""
    if path is not None:
        delimiter = f"{_TITLE}-{secrets.token_hex(16)}"
        _append(path, f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def write_summary(path: Path | None, text: str) -> None:
    """The text of the run's page, cut where GitHub would drop it all."""
    if path is not None:
        raw = text.encode("utf-8", "replace")
        room = SUMMARY_CAP - len(_CUT.encode())
        _append(path, text if len(raw) <= SUMMARY_CAP else raw[:room].decode("utf-8", "ignore") + _CUT)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(text)


def log_line(ended: ActionResult | Refusal) -> str:
    """The line of the log: a command of the runner that shows a note at the run's page, and nothing else."""
    if isinstance(ended, Refusal):
        return note("error", f"{ended.code}: {ended.message} What to do: {ended.remedy}")
    return note("error" if ended.failed else "notice", ended.said)


def note(kind: Literal["error", "notice"], text: str) -> str:
    """One line of the log that the runner shows at the run's page."""
    return f"::{kind} title={_TITLE}::{_data(text)}"


def _data(text: str) -> str:
    """Text inside a command of the runner: one line, no second command in the old ``##[…]`` form."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return re.sub(r"##(?=\[)", "# #", shown).replace("%", "%25")
