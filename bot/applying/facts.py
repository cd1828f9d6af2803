"""The run of CI as its environment describes it: which commit, which event, which pull request.

In: the environment and the event's payload. Out: ``Run`` and the base to compare with, or a ``Refusal``. Never: a
pull request of a fork, a fact of the payload that reaches a command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bot.applying.bench import Run
from bot.errors import Code, Refusal
from bot.model.noun import Noun

_REPO: Final = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
_PAYLOAD: Final = 4 * 1024**2


class Proposed(Noun):
    """A pull request that CI plans: its head, and the tip of the branch that it goes into."""

    run: Run
    base: str


def applied_run(environment: Mapping[str, str], *, head: str, only: tuple[str, ...]) -> Run | Refusal:
    """The run that applies: what is checked out has to be the commit that the event names."""
    repo, commit = environment.get("GITHUB_REPOSITORY", ""), environment.get("GITHUB_SHA", "")
    if not _REPO.fullmatch(repo) or not _COMMIT.fullmatch(commit):
        return _outside("GITHUB_REPOSITORY and GITHUB_SHA are not both set")
    if head != commit:
        return _outside(f"the checkout is at {head[:12]}, the event is about {commit[:12]}")
    return Run(
        repo=repo,
        commit=commit,
        event=environment.get("GITHUB_EVENT_NAME", ""),
        ref=environment.get("GITHUB_REF", ""),
        url=_url(environment, repo),
        only=only,
    )


def proposed_run(environment: Mapping[str, str], *, only: tuple[str, ...]) -> Proposed | Refusal:
    """The pull request of the event. ``policy`` for a fork's: its files are planned with nobody's credentials."""
    repo = environment.get("GITHUB_REPOSITORY", "")
    pull = _payload(environment).get("pull_request")
    if not _REPO.fullmatch(repo) or not isinstance(pull, dict):
        return _outside("the event is not one of a pull request")
    head, base, number = _end(pull, "head"), _end(pull, "base"), pull.get("number")
    if head is None or base is None or not isinstance(number, int):
        return _outside("the event's pull request is incomplete")
    if head[1] != base[1]:
        return Refusal(
            code=Code.POLICY,
            message="The pull request comes from a fork, so it is not planned: its files are not ours.",
            remedy="Bring the change into a branch of this repository.",
        )
    run = Run(repo=repo, commit=head[0], event="pull_request", url=_url(environment, repo), pull=number, only=only)
    return Proposed(run=run, base=base[0])


def local_run(*, repo: str | None, head: str, only: tuple[str, ...]) -> Run:
    """A run of a person on a laptop: nobody is asked who reviewed."""
    return Run(repo=repo or "local/local", commit=head, local=True, only=only)


def _end(pull: dict[str, Any], name: str) -> tuple[str, int] | None:
    """Commit and repository id of one side."""
    end = pull.get(name)
    sha = end.get("sha") if isinstance(end, dict) else None
    place = end.get("repo") if isinstance(end, dict) else None
    number = place.get("id") if isinstance(place, dict) else None
    if not isinstance(sha, str) or not _COMMIT.fullmatch(sha) or not isinstance(number, int):
        return None
    return sha, number


def _payload(environment: Mapping[str, str]) -> dict[str, Any]:
    path = environment.get("GITHUB_EVENT_PATH")
    try:
        raw = Path(path).read_bytes()[:_PAYLOAD] if path else b""
        told = json.loads(raw)
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _url(environment: Mapping[str, str], repo: str) -> str | None:
    server, run = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_RUN_ID", "")
    return f"{server}/{repo}/actions/runs/{run}" if server.startswith("http") and run.isdigit() else None


def _outside(why: str) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"This is no run that can be served: {why}.",
        remedy="Use the workflows that `ai-provision init` adds; on your own machine pass --local.",
    )
