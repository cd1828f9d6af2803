"""A Dockerfile for an application that has none: a pull request of its own in the application's repository.

    asked? ─▶ same forge? ─▶ may this person write there? ─▶ is none there? ─▶ publish ─▶ PullRequest

In: a finished preview, its order, the office. Out: ``PullRequest``, or a ``Refusal``. Never: unless somebody wrote
``[dockerfile=propose]``, for somebody who may not write there, over a file that exists. One step, its name is stored.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.flow.house import Office
from bot.flow.preview import Preview
from bot.model.additions import Additions
from bot.model.changes import RenderedFile
from bot.model.command import Provision, RepoTarget, ThreadRef
from bot.model.config import Config
from bot.model.order import Order, digest
from bot.model.outcome import PullRequest
from bot.model.profile import Service
from bot.rendering.dockerfile import dockerignore, proposed_dockerfile
from bot.rendering.dockerfile_facts import wanted_files
from bot.rendering.dockerfile_pull import dockerfile_pull

STEP: Final = "publish-dockerfile"
_ANSWER: Final[TypeAdapter[PullRequest | Refusal]] = TypeAdapter(PullRequest | Refusal)
_MAY_WRITE: Final = frozenset({"write", "maintain", "admin"})
_MOST: Final = 8
"""Services for which one pull request proposes a Dockerfile."""


def asked(planned: Preview) -> bool:
    """Whether the description says ``[dockerfile=propose]``."""
    return planned.document.demand.answer("dockerfile") == "propose"


def lacking(planned: Preview) -> tuple[Service, ...]:
    """The services for which an image has to be built and nothing says how."""
    return tuple(
        service for service in planned.collected.profile.services if service.dockerfile is None and not service.image
    )


def propose(
    planned: Preview, command: Provision, order: Order, office: Office, *, config: Config
) -> PullRequest | Refusal:
    """Open or update the pull request that adds what is missing. Raises Broken (a defect), Cancelled."""
    target = command.target
    if not asked(planned) or not lacking(planned):
        return _nothing_to_do(planned)
    if not isinstance(target, RepoTarget) or target.host != office.forge.web_host():
        return _elsewhere(office)
    if config.git_hosts is not None and target.host not in config.git_hosts:
        return _elsewhere(office)
    proposal = _Proposal(planned=planned, target=target, order=order, office=office)
    try:
        return office.steps.run(STEP, proposal.publish, _ANSWER)
    except (Refused, Unavailable) as stop:
        return stop.refusal


@dataclass(frozen=True, kw_only=True)
class _Proposal:
    """One proposal on its way; everything here happens inside the one step."""

    planned: Preview
    target: RepoTarget
    order: Order
    office: Office

    @property
    def repo(self) -> str:
        """``owner/name``."""
        return f"{self.target.owner}/{self.target.name}"

    def publish(self) -> PullRequest | Refusal:
        """Look first, then write. Raises Refused and Unavailable of the forge."""
        there = ThreadRef(owner=self.target.owner, repo=self.target.name, number=0)
        present = self.office.forge.permission(there, self.order.actor.login)
        if present not in _MAY_WRITE:
            return _forbidden(present)
        services: list[Service] = []
        files: list[RenderedFile] = []
        left: list[Refusal] = []
        for service in lacking(self.planned)[:_MOST]:
            made = self._made(service)
            if isinstance(made, Refusal):
                left.append(made)
            else:
                services.append(service)
                files.extend(made)
        return self._published(services, files, left) if services else left[0]

    def _made(self, service: Service) -> tuple[RenderedFile, ...] | Refusal:
        """The files of one service, read against the default branch as it is now."""
        texts = {path: self._file(path) for path in wanted_files(service)}
        dockerfile = proposed_dockerfile(service, self.planned.collected.profile, texts=texts)
        if isinstance(dockerfile, Refusal):
            return dockerfile
        if self._file(dockerfile.path) is not None:
            return _exists(service)
        ignored = dockerignore(service)
        return (dockerfile,) if self._file(ignored.path) is not None else (dockerfile, ignored)

    def _file(self, path: str) -> str | None:
        return self.office.forge.file(self.repo, posixpath.normpath(path))

    def _published(self, services: list[Service], files: list[RenderedFile], left: list[Refusal]) -> PullRequest:
        name = services[0].name if len(services) == 1 else self.planned.document.plan.app
        thread = self.order.thread
        asked_by = f"{thread.full_name}#{thread.number}"
        return self.office.forge.publish(
            self.repo,
            branch=f"ai-provision/dockerfile-{name}-{digest(self.repo, 'dockerfile', name)[:8]}",
            marker=digest(self.repo, "dockerfile", name, asked_by)[:12],
            changes=Additions(files=tuple(sorted(files, key=lambda file: file.path))),
            text=dockerfile_pull(services, files, left=left, asked_by=asked_by),
            message=f"Add a Dockerfile for {name}",
            when=self.order.at,
        )


def _nothing_to_do(planned: Preview) -> Refusal:
    why = "every service has a Dockerfile or an image" if asked(planned) else "nobody asked for one"
    return Refusal(
        code=Code.SYNTAX,
        message=f"No Dockerfile is proposed: {why}.",
        remedy="End the description with [dockerfile=propose] where a service has none.",
    )


def _elsewhere(office: Office) -> Refusal:
    return Refusal(
        code=Code.REPO_HOST,
        message="A Dockerfile is proposed only to a repository on the same GitHub as this thread.",
        remedy=f"Name a repository on {office.forge.web_host()}, or write the Dockerfile by hand.",
    )


def _forbidden(present: str) -> Refusal:
    return Refusal(
        code=Code.FORBIDDEN,
        message=f"To have a Dockerfile proposed, you need write on the application's repository; you have {present}.",
        remedy="Ask somebody who may write there to give the command, or give it without [dockerfile=propose].",
    )


def _exists(service: Service) -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"{service.name} has a Dockerfile on the default branch by now.",
        remedy="Give /ai-provision again; it reads the file that is there.",
    )
