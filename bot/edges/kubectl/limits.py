"""How long and how much: the limits of one kubectl program.

In: numbers. Out: an immutable value. Never: a default that depends on the machine.
"""

from __future__ import annotations

from bot.model.noun import Noun
from bot.model.quantity import MIB


class KubectlLimits(Noun):
    """Seconds, unless the name says otherwise.

    ``request`` is one call to the API server, ``call`` one kubectl process, ``write`` an apply or a diff of a whole
    bundle, ``gone`` how long a deleted object may take to go, ``returning`` how long an undo waits for the former
    revision. ``look`` is the pause between two looks at a rollout. ``shown`` is in characters, ``output`` in bytes.
    """

    request: int = 30
    call: float = 60.0
    write: float = 180.0
    gone: int = 120
    returning: float = 60.0
    look: float = 1.0
    ending: float = 5.0
    shown: int = 40_000
    output: int = 32 * MIB
