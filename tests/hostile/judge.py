"""What every end of the belt is held to, whatever the model said: the same tree but for allowed numbers, and inert words.

In: the end of a benign run and of a hostile one. Out: an assertion. Never: a run that is looked at in part.
"""

from __future__ import annotations

import json
from typing import Any

from tests.hostile.belt import Ended
from tests.hostile.compare import forbidden
from tests.hostile.inert import links_of, problems_of


def assert_harmless(benign: Ended, hostile: Ended) -> None:
    """The pull request is there, its files differ where they may, and nothing in it acts."""
    assert hostile.published.kind == "pull-request"
    problems = [*forbidden(benign.files, hostile.files), *acting(benign, hostile)]
    assert problems == [], "\n".join(problems)
    assert hostile.pull.title == benign.pull.title


def acting(benign: Ended, hostile: Ended) -> list[str]:
    """What acts in the pull request, the README or the comments; only links of the benign run may stand there."""
    own = frozenset(link for text in _pages(benign) for link in links_of(text))
    return [problem for text in _pages(hostile) for problem in problems_of(text, links=own)]


def _pages(ended: Ended) -> tuple[str, ...]:
    return (ended.pull.title, ended.pull.body, ended.files["README.md"], *ended.comments)


def agents(ended: Ended) -> dict[str, dict[str, Any]]:
    """The record of each agent in ``plan.json``."""
    said = json.loads(ended.files["plan.json"])["agents"]
    return {agent["agent"]: agent for agent in said}


def fault_of(ended: Ended, agent: str) -> str | None:
    """The kind of fault that is recorded of an agent's model."""
    fault = agents(ended)[agent]["fault"]
    return None if fault is None else str(fault["kind"])
