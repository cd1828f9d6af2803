"""What is gathered before planning: measured use, troubles, earlier plans, people's corrections, cited knowledge.

In: the collected facts and the desk. Out: ``Evidence``. Never: a number of its own, a source that failed in silence.
"""

from __future__ import annotations

from bot.agents.collector import Collected
from bot.agents.desk import Desk
from bot.model.config import Config
from bot.model.evidence import NO_EVIDENCE, Evidence


def gather(collected: Collected, *, app: str, namespace: str, config: Config, desk: Desk) -> Evidence:
    """New application: guidance and the last 24 hours of similar services. Known application: its own metrics and
    history, with the cluster's events where metrics are missing.

    Raises Refused or Unavailable when the forge cannot be read.
    """
    del collected, app, namespace, config, desk
    return NO_EVIDENCE
