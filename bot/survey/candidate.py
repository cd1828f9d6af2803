"""A place where a service may be, before its facts are gathered.

In and out: a noun. Never: a vote.
"""

from __future__ import annotations

from bot.model.noun import Noun
from bot.model.profile import Evidence
from bot.survey.compose import ComposeService
from bot.survey.manifests import Workload
from bot.survey.procfile import Process


class Candidate(Noun):
    """A service before its facts are gathered. ``area`` is where its code lies; ``context`` what a build may copy.

    ``process`` is a second process type of the same image: a worker beside the web process.
    """

    name: str
    area: str
    dockerfile: str | None = None
    context: str | None = None
    target: str | None = None
    image: str | None = None
    built: bool = True
    compose: ComposeService | None = None
    workload: Workload | None = None
    process: Process | None = None
    evidence: Evidence
