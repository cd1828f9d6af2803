"""The text of a pull request that proposes Dockerfiles to an application's repository.

In: the services, their files, what could not be proposed. Out: ``PullText``. Never: a repository's word outside an
escaper, a claim that the image was built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.errors import Refusal
from bot.model.changes import RenderedFile
from bot.model.profile import Service
from bot.ports import PullText
from bot.rendering.inert import inert_code, inert_text
from bot.rendering.markdown import bullets, joined

_HOW: Final = (
    "Written from a fixed template and the facts that the survey found: language and its version, package manager, "
    "port, start command. Nothing was built and nothing of the repository was run, so build it once before merging:"
)
_LOOK: Final = (
    "What to look at: the version of the base image, the start command, files that the program needs at run time and "
    "that `.dockerignore` leaves out. The image runs as a numeric user without rights; a folder that it writes to has "
    "to be a volume."
)


def dockerfile_pull(
    services: Sequence[Service], files: Sequence[RenderedFile], *, left: Sequence[Refusal] = (), asked_by: str
) -> PullText:
    """Title and body. ``left``: why other services of the same plan got none. ``asked_by``: ``myorg/infra#7``."""
    names = ", ".join(inert_code(service.name, 60) for service in services)
    body = joined(
        [
            f"**ai-provision**: no Dockerfile was found for {names}; asked for in {inert_text(asked_by, 200)}.",
            bullets(_line(file) for file in files),
            _HOW,
            bullets(_build(service) for service in services),
            _LOOK,
            bullets(f"Not proposed: {inert_text(refusal.message, 300)}" for refusal in left),
        ]
    )
    title = f"Add a Dockerfile for {services[0].name}" if len(services) == 1 else "Add Dockerfiles"
    return PullText(title=title, body=body)


def _line(file: RenderedFile) -> str:
    what = "keeps credentials, history and local builds out" if file.path.endswith(".dockerignore") else "new"
    return f"{inert_code(file.path, 200)}: {what}"


def _build(service: Service) -> str:
    return inert_code(f"docker build --tag {service.name} {service.path or '.'}", 200)
