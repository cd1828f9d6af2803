"""How long and how much: the limits of one terraform program.

In: numbers. Out: an immutable value. Never: a default that depends on the machine.
"""

from __future__ import annotations

from typing import Final

from bot.model.noun import Noun
from bot.model.quantity import MIB

PLAN_FILE: Final = ".terraform/ai-provision.tfplan"
"""Where the plan waits for its apply, below the stack's folder. ``.terraform/`` is what every repository ignores; the
file holds secret values in the clear, so it is readable by its owner alone and gone after the apply."""

ERRORED: Final = "errored.tfstate"
"""Terraform's own name for a state that it could not save."""


class TerraformLimits(Noun):
    """Seconds, unless the name says otherwise.

    ``lock`` is for a held state lock; ``patience`` is from SIGINT to SIGTERM. Terraform takes a SIGTERM after a SIGINT
    for a second interrupt and leaves at once, its state unsaved: so ``patience`` is long. ``shown`` is in characters,
    ``output`` and ``json_output`` in bytes.
    """

    init: float = 300.0
    plan: float = 900.0
    apply: float = 5400.0
    read: float = 120.0
    lock: int = 60
    parallelism: int = 4
    patience: float = 180.0
    ending: float = 15.0
    shown: int = 40_000
    output: int = 16 * MIB
    json_output: int = 64 * MIB
