"""Collected facts of the example application with one thing changed: a header, a database, files of its own."""

from __future__ import annotations

from typing import Any

from bot.agents.collector import Collected, collect
from bot.agents.planner import first_plan
from bot.agents.readings import readings, settled
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Refusal
from bot.flow.config_file import read_config
from bot.model.command import FolderTarget, Provision, RepoTarget
from bot.model.config import Config
from bot.model.document import Request
from bot.model.plan import Plan
from bot.model.profile import AppProfile, Dependency, Evidence, Header, Service
from bot.survey.description.reading import read_description
from tests.fakes.house import DESCRIPTION, EXAMPLES, FolderRepos, snapshot

REPO = "https://github.com/myorg/supermarket-inventory"
SEEN = Evidence(path="api/Dockerfile", line=1)


def _config() -> Config:
    config = read_config((EXAMPLES / "ai-provision.yaml").read_text(), yaml=ChildYamlReader())
    assert isinstance(config, Config)
    return config


def _profile() -> AppProfile:
    target = RepoTarget(host="github.com", owner="myorg", name="supermarket-inventory")
    tree = FolderRepos().read(FolderTarget(folder="."))
    collected = collect(Provision(target=target, app_description=DESCRIPTION), tree)
    assert isinstance(collected, Collected)
    return collected.profile


CONFIG, PROFILE, SNAPSHOT = _config(), _profile(), snapshot()


def header(**fields: Any) -> Header:
    """A header that states these fields."""
    return Header.model_validate({**fields, "evidence": SEEN.model_dump()})


def profile(*, used: str = "postgresql", **changes: Any) -> AppProfile:
    """The example's profile: ``used`` is the database of its api, ``changes`` are of that service."""
    changes.setdefault("dependencies", (Dependency.model_validate({"kind": used, "evidence": (SEEN,)}),))
    services = tuple(one.model_copy(update=changes) if one.name == "api" else one for one in PROFILE.services)
    return PROFILE.model_copy(update={"services": services, "unsure": ()})


def collected(description: str, seen: AppProfile) -> Collected:
    """What the collector's rules make of both."""
    demand, settled_profile = settled(read_description(description), seen)
    doubts = readings(demand, settled_profile)
    return Collected(profile=settled_profile.model_copy(update={"unsure": doubts}), demand=demand)


def api(facts: Collected) -> Service:
    """The service that the changes are about."""
    return next(service for service in facts.profile.services if service.name == "api")


def plan_of(facts: Collected) -> Plan | Refusal:
    """The rules' plan on the example's cluster."""
    return first_plan(facts, SNAPSHOT, config=CONFIG, repo_owner="myorg", commit=None)


def request(description: str) -> Request:
    """The request of a comment."""
    return Request(git_repo=REPO, app_description=description)
