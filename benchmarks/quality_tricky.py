"""The awkward places of the corpus: what is expected in words, and what the product answered.

In: a ``Tricky`` row. Out: ``Looked``. Never: a judgement without a rule that is written here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.quality_reading import borrowed, plan
from benchmarks.quality_truth import Tricky
from bot.errors import Refusal
from bot.flow.preview import Preview
from bot.model.profile import AppProfile

DESCRIPTION: Final = "small demo traffic"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One awkward place, looked at."""

    case: Tricky
    got: str
    ok: bool


def look(case: Tricky, clones: Path) -> Looked:
    """The product's answer for the folder of the case. Raises MissingCloneError."""
    name = case.path.rpartition("/")[2]
    is_file = name.lower().startswith("dockerfile") or name.endswith((".yml", ".yaml"))
    part = case.path.rpartition("/")[0] if is_file else case.path.strip("/")
    if part == "." or case.kind.startswith("submodule") or part == "docker":
        part = ""
    with borrowed(clones, case.repo, commit=case.commit) as repository:
        answer = plan(repository, case.repo, part=part, description=DESCRIPTION)
    if isinstance(answer, Refusal):
        return Looked(case=case, got=f"refused ({answer.code}): {answer.message}", ok=_refusal_is_right(case))
    profile = answer.document.profile
    return Looked(case=case, got=_said(answer), ok=any(rule(profile) for text, rule in RULES if case.kind == text))


def _refusal_is_right(case: Tricky) -> bool:
    return case.expect.startswith("refuse")


def _said(answer: Preview) -> str:
    profile = answer.document.profile
    listed = [f"{item.name} ({_ports(item.ports)})" for item in profile.services]
    shown = ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
    said = [f"{len(listed)} service{'s' if len(listed) != 1 else ''}: {shown}"]
    said += [doubt.question for doubt in profile.unsure[:1]]
    said += [note for note in profile.notes if note.startswith(("submodule", "symbolic"))][:1]
    unread = [finding.message for finding in answer.document.findings if finding.rule == "read-limits"]
    said += [f"{len(unread)} not read, first {unread[0].removeprefix('could not read ')}"] if unread else []
    return "; ".join(said)


def _ports(ports: tuple[object, ...]) -> str:
    return "/".join(str(getattr(port, "port", port)) for port in ports) or "no port"


def _names(profile: AppProfile) -> set[str]:
    return {item.name for item in profile.services}


def _asks(profile: AppProfile, *words: str) -> bool:
    return any(word in doubt.question.lower() for doubt in profile.unsure for word in words)


def _kinds(profile: AppProfile) -> set[str]:
    return {need.kind for item in profile.services for need in item.dependencies if need.in_use}


def _ports_of(profile: AppProfile) -> set[int]:
    return {port.port for item in profile.services for port in item.ports}


RULES: Final[tuple[tuple[str, Callable[[AppProfile], bool]], ...]] = (
    (
        "monorepo, 12 service Dockerfiles + a debug one",
        lambda profile: (
            len(profile.services) in {11, 12}
            and not any("debug" in (item.dockerfile or "") for item in profile.services)
        ),
    ),
    (
        "ARG in FROM",
        lambda profile: (
            [item.base_image for item in profile.services] == ["node:22-alpine"]
            and _ports_of(profile) == {3000}
            and "postgresql" in _kinds(profile)
        ),
    ),
    (
        "ARG in FROM that resolves to the empty string",
        lambda profile: _asks(profile, "build argument") and any(item.windows for item in profile.services),
    ),
    (
        "Dockerfile without EXPOSE and CMD; binaries chosen by manifest",
        lambda profile: {"frontend", "geo"} <= _names(profile) and {5000, 8083} <= _ports_of(profile),
    ),
    ("Dockerfile without EXPOSE", lambda profile: 9898 in _ports_of(profile)),
    (
        "compose only, 20+ services, no app source",
        lambda profile: (
            len(profile.services) >= 10
            and not any(item.dockerfile and "/" not in item.dockerfile for item in profile.services)
        ),
    ),
    ("compose only, many unrelated samples", lambda profile: _asks(profile, "which")),
    (
        "no Dockerfile and no source: Helm chart only",
        lambda profile: any(item.image and item.dockerfile is None for item in profile.services),
    ),
    ("no source, manifests only, with submodule", lambda profile: 8 <= len(profile.services) <= 15),
    ("Windows container", lambda profile: any(item.windows for item in profile.services)),
    (
        "submodule (pinned, not fetched)",
        lambda profile: any(note.startswith("submodule") for note in profile.notes),
    ),
    (
        "Dockerfile is a symlink in the tree",
        lambda profile: (
            [item.dockerfile for item in profile.services] == ["Dockerfile"]
            and "debian" in (profile.services[0].base_image or "")
        ),
    ),
    ("snapshot with missing blobs (full clone fails, partial clone works)", lambda profile: len(profile.services) >= 8),
    (
        "ARG in EXPOSE, one Dockerfile shared by all modules",
        lambda profile: 8081 in _ports_of(profile),
    ),
)
