"""What the agents may consult beside their rules: a model, knowledge, measured use, the memory of earlier plans.

In: ports. Out: one frozen value, handed down with each command. Never: anything that writes, a credential.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bot.counsel import Counsel, Library, Metrics, Troubles
from bot.model.consultation import Allowance
from bot.model.evidence import Past

Recall = Callable[[str], Past]
"""The memory of an application by its slug. Raises Refused or Unavailable like every reading of the forge."""


def nothing_known(app: str) -> Past:
    """Where nothing outlives the process, or nothing was planned before."""
    del app
    return Past()


@dataclass(frozen=True, kw_only=True)
class Desk:
    """None means: not configured, so the rules answer alone. ``asking``: a person can be asked before anything opens.

    ``allowance`` is what one command may spend on models, all agents together.
    """

    counsel: Counsel | None = None
    library: Library | None = None
    metrics: Metrics | None = None
    troubles: Troubles | None = None
    recall: Recall = nothing_known
    allowance: Allowance = field(default_factory=Allowance)
    asking: bool = False


EMPTY: Final = Desk()
