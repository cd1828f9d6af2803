"""What one command has collected by the time it is planned.

In: nouns of earlier arrows. Out: one frozen value for planner and reviewer. Never: a port.
"""

from __future__ import annotations

from bot.agents.collector import Collected
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.document import Request
from bot.model.evidence import NO_EVIDENCE, Evidence
from bot.model.noun import Noun


class Context(Noun):
    """What does not change between rounds."""

    request: Request
    collected: Collected
    snapshot: ClusterSnapshot
    config: Config
    evidence: Evidence = NO_EVIDENCE
