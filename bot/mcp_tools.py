"""The tools that other people's agents may use, without the protocol: typed calls on the read-only half of the belt.

In: typed arguments. Out: JSON, or a ``Refusal``. Never: a write (no forge is built, no model is asked, so nothing is
spent either), a name or an address of a cluster, a folder outside the one where the server was started.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from bot import app
from bot.agents.desk import EMPTY
from bot.capacity.anonymise import anonymise
from bot.errors import Code, Refusal
from bot.flow.house import House
from bot.flow.preview import Preview, preview
from bot.flow.steps import Straight
from bot.handlers.provision import parse_request
from bot.model.cluster import ClusterSnapshot
from bot.model.command import FolderTarget, Provision, RepoTarget
from bot.model.config import Config
from bot.model.document import ClusterView, Remembered
from bot.model.noun import JsonValue, Noun
from bot.model.tree import Tree
from bot.ports import Inventory, Repos
from bot.rendering.explanation import explanation
from bot.rendering.topics import found, nearest
from bot.settings import Settings
from bot.survey.survey import survey

GitRepo = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_048,
        description="https address of a repository on an allowed host, perhaps with /tree/<ref>/<folder>, or a folder "
        "below the one where this server was started.",
        examples=["https://github.com/myorg/supermarket-inventory", "services/cart"],
    ),
]
Description = Annotated[
    str,
    Field(
        min_length=1,
        max_length=8_000,
        description="What the application has to bear, in plain words.",
        examples=["2000 QPS peak, p99 under 100 ms, zero downtime, PostgreSQL"],
    ),
]


class Nothing(Noun):
    """No arguments."""


class SurveyCall(Noun):
    """Arguments of ``survey``."""

    git_repo: GitRepo


class CheckCall(Noun):
    """Arguments of ``check``."""

    git_repo: GitRepo
    app_description: Description


class PlanCall(CheckCall):
    """Arguments of ``plan``."""

    files: Annotated[bool, Field(description="With the content of the generated files.")] = False


class ExplainCall(CheckCall):
    """Arguments of ``explain``."""

    about: Annotated[
        str | None,
        Field(
            max_length=200,
            description="A value by its path or a part of it, or a generated file; without it, every number.",
            examples=["services.api.requests.cpu", "replicas"],
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ToolBench:
    """The tools themselves. ``root`` is the only folder whose content may be read; relative paths begin there."""

    settings: Settings
    root: Path
    inventory: Inventory

    def survey(self, call: SurveyCall) -> JsonValue | Refusal:
        """What the application is."""
        command = self._command(call.git_repo, "survey")
        if isinstance(command, Refusal):
            return command
        return _dumped(survey(self._house(self.inventory).repos.read(command.target)))

    def snapshot(self, _call: Nothing) -> JsonValue | Refusal:
        """What the clusters hold now, without their names."""
        taken = self.inventory.read()
        return _dumped(ClusterView.of(anonymise(taken)))

    def plan(self, call: PlanCall) -> JsonValue | Refusal:
        """The document of a plan."""
        planned = self._planned(call)
        if isinstance(planned, Refusal):
            return planned
        document = planned.document
        if not call.files:
            named = tuple(file.model_copy(update={"content": ""}) for file in document.files)
            document = document.model_copy(update={"files": named})
        return _dumped(document)

    def explain(self, call: ExplainCall) -> JsonValue | Refusal:
        """Why a number is what it is."""
        planned = self._planned(call)
        if isinstance(planned, Refusal):
            return planned
        plan = Remembered.of(planned.document)
        decisions = found(plan, call.about) if call.about else plan.decisions
        if decisions is None:
            return _no_such_value(plan, call.about or "")
        text = explanation(
            plan, decisions, about=call.about or None, pull_url="a plan without pull request", job="none"
        )
        return {"text": text}

    def check(self, call: CheckCall) -> JsonValue | Refusal:
        """What the checks say of a plan."""
        planned = self._planned(call)
        if isinstance(planned, Refusal):
            return planned
        shown: list[JsonValue] = [finding.model_dump(mode="json") for finding in planned.document.findings]
        return {"app": planned.document.plan.app, "rounds": len(planned.reviewed.rounds), "findings": shown}

    def _planned(self, call: CheckCall) -> Preview | Refusal:
        command = self._command(call.git_repo, call.app_description)
        if isinstance(command, Refusal):
            return command
        house = self._house(_Nameless(self.inventory))
        return preview(
            command,
            house,
            steps=Straight(clock=house.clock),
            config=Config(),
            when_unreachable="go-on",
            progress=lambda _step: None,
        )

    def _command(self, git_repo: str, description: str) -> Provision | Refusal:
        command = parse_request(git_repo, description, hosts=self.settings.allowed_git_hosts, folders=True)
        if isinstance(command, Refusal) or not isinstance(command.target, FolderTarget):
            return command
        inside = _confined(command.target.folder, self.root)
        return inside if isinstance(inside, Refusal) else command.model_copy(update={"target": inside})

    def _house(self, inventory: Inventory) -> House:
        """Without a model, whose money a caller would spend whom nobody counts; without measured use and remembered
        plans, which hold the names of other applications.
        """
        house = app.build_house(self.settings.without_models(), inventory=inventory)
        return replace(house, repos=_Below(house.repos, self.root), desk=EMPTY)


@dataclass(frozen=True)
class _Below:
    """Repositories as before, and folders by their path below the root: where that lies is nobody's business."""

    repos: Repos
    root: Path

    def read(self, target: RepoTarget | FolderTarget) -> Tree:
        """See ``bot.ports.Repos``."""
        if isinstance(target, FolderTarget):
            target = FolderTarget(folder=str(self.root / target.folder))
        return self.repos.read(target)


@dataclass(frozen=True)
class _Nameless:
    """An inventory whose names and addresses stay here."""

    inside: Inventory

    def read(self) -> ClusterSnapshot:
        """The shape of the clusters: a plan against it comes out the same."""
        return anonymise(self.inside.read())


def _confined(folder: str, root: Path) -> FolderTarget | Refusal:
    """The folder relative to the root, every link followed first. Outside and absent are refused in the same words."""
    try:
        inside = (root / folder).resolve(strict=True).relative_to(root.resolve(strict=True))
    except (OSError, ValueError, RuntimeError):
        return _OUTSIDE
    return FolderTarget(folder=str(inside))


_OUTSIDE: Final = Refusal(
    code=Code.REPO_URL,
    message="git_repo names no folder below the one where this server was started.",
    remedy="Give an https address, or a folder inside; start the server in the folder that agents may read.",
)


def _no_such_value(plan: Remembered, about: str) -> Refusal:
    names = nearest(plan, about)
    near = f"the nearest names are {', '.join(names)}" if names else "without a name, every value is listed"
    return Refusal(
        code=Code.SYNTAX,
        message="No value or file of this plan is called so.",
        remedy=f"Name a value by its path or a part of it, or a file; {near}.",
    )


def _dumped(noun: Noun) -> JsonValue:
    shown: JsonValue = noun.model_dump(mode="json", by_alias=True)
    return shown


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the table of tools. ``local``: it reads nothing but the configured clusters."""

    name: str
    title: str
    description: str
    arguments: type[Noun]
    run: Callable[[ToolBench, Any], JsonValue | Refusal]
    local: bool = False


TOOLS: Final = (
    Entry(
        name="survey",
        title="Survey a repository",
        description="Reads a repository and answers what it is: services, ports, endpoints, dependencies, health, "
        "start commands, each with file and line. Nothing of it is executed.",
        arguments=SurveyCall,
        run=ToolBench.survey,
    ),
    Entry(
        name="snapshot",
        title="What the clusters hold",
        description="Nodes and stores of the configured clusters with capacity and use. Names and addresses are "
        "replaced. What could not be read stands in missing.",
        arguments=Nothing,
        run=ToolBench.snapshot,
        local=True,
    ),
    Entry(
        name="plan",
        title="Plan a deployment",
        description="Sizes and places the application and answers the whole plan: replicas, requests, limits, "
        "autoscaler, machines, cost, every decision with formula and source. Opens nothing and writes nothing. Names "
        "of the cluster are replaced, so the files are for reading.",
        arguments=PlanCall,
        run=ToolBench.plan,
    ),
    Entry(
        name="explain",
        title="Explain a number",
        description="Why a number of the plan is what it is: formula, inputs, source, what was not taken.",
        arguments=ExplainCall,
        run=ToolBench.explain,
    ),
    Entry(
        name="check",
        title="Check a plan",
        description="What policy, schema and capacity checks say of the plan and its files: rule, severity, remedy.",
        arguments=CheckCall,
        run=ToolBench.check,
    ),
)
