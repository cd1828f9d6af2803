"""A Dockerfile for a service that has none: several stages, a fixed tag, no root, the metadata header on top.

In: a surveyed service and a few texts of its repository. Out: ``Dockerfile`` and ``.dockerignore``, the same bytes for
the same facts, or a ``Refusal``. Never: a line, a word or a name of the repository that was not checked.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from bot.errors import Refusal
from bot.model.changes import RenderedFile
from bot.model.profile import AppProfile, Service
from bot.rendering.dockerfile_facts import BuildFacts, Ecosystem, Texts, build_facts, missing
from bot.rendering.templates import fill

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_WORDS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./+#@_-]{0,39}", re.ASCII)
_FOLDER: Final = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,19})?", re.ASCII
)
_USERS: Final[Mapping[Ecosystem, str]] = {"static": "101:101", "php": "33:33", "dotnet": "1654:1654"}
_NOBODY_SPECIAL: Final = "10001:10001"
_TITLE: Final = "# --- Application Metadata ---"
_END: Final = "# --------------------------------"

DOCKERIGNORE: Final = """\
.git
.github
.gitignore
.dockerignore
**/Dockerfile*
**/node_modules
**/.venv
**/__pycache__
**/target
**/bin/Debug
**/obj
**/.env
**/.env.*
**/*.pem
**/*.key
**/.aws
**/.ssh
**/*.log
**/.idea
**/.vscode
"""


def proposed_dockerfile(service: Service, profile: AppProfile, *, texts: Texts | None = None) -> RenderedFile | Refusal:
    """The Dockerfile beside the service's code. ``texts``: what ``wanted_files`` names, as far as it was read."""
    if service.dockerfile is not None or service.windows:
        return missing(service, "nothing; it has a Dockerfile" if service.dockerfile else "a Linux image to run on")
    if not _NAME.fullmatch(service.name) or not _FOLDER.fullmatch(service.path) or service not in profile.services:
        return missing(service, "a plain name and folder")
    facts = build_facts(service, texts or {})
    if isinstance(facts, Refusal):
        return facts
    shown = {
        **facts.model_dump(),
        "header": "\n".join(_header(service)),
        "tail": "\n".join(_tail(facts)),
        "root": "/srv/public" if facts.public else "/srv",
    }
    content = fill(f"dockerfile/{facts.ecosystem}.Dockerfile.j2", shown)
    return RenderedFile(path=posixpath.join(service.path, "Dockerfile"), content=content)


def dockerignore(service: Service) -> RenderedFile:
    """What never enters the build: history, dependencies that the build fetches itself, and credentials."""
    return RenderedFile(path=posixpath.join(service.path, ".dockerignore"), content=DOCKERIGNORE)


def _header(service: Service) -> Iterator[str]:
    """The entry standard's header, with what is known and plain."""
    facts = (("name", service.name), ("language", service.language), ("framework", service.framework))
    yield _TITLE
    for key, value in facts:
        if value and _WORDS.fullmatch(value):
            yield f"# {key + ':':<11} {value}"
    yield _END


def _tail(facts: BuildFacts) -> Iterator[str]:
    """Port, user and command of the stage that runs."""
    if facts.port is not None:
        if facts.port_from_env and facts.ecosystem not in {"static", "php", "dotnet"}:
            yield f"ENV PORT={facts.port}"
        yield f"EXPOSE {facts.port}"
    yield f"USER {_USERS.get(facts.ecosystem, _NOBODY_SPECIAL)}"
    yield from _command(facts)


def _command(facts: BuildFacts) -> Iterator[str]:
    """The exec form; the base image of ``static`` and ``php`` brings its own."""
    jar = "/app/quarkus-run.jar" if facts.quarkus else "/app/app.jar"
    words: Mapping[str, tuple[str, ...]] = {
        "go": ("/app",),
        "rust": ("/app",),
        "java-maven": ("java", "-XX:MaxRAMPercentage=75", "-jar", jar),
        "java-gradle": ("java", "-XX:MaxRAMPercentage=75", "-jar", jar),
        "dotnet": ("dotnet", f"{facts.project}.dll"),
    }
    if facts.ecosystem in words:
        yield f"ENTRYPOINT {json.dumps(words[facts.ecosystem])}"
    elif facts.start:
        yield f"CMD {json.dumps(facts.start)}"
