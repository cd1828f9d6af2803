"""How long and how much: the limits of one playbook.

In: numbers. Out: an immutable value. Never: a default that depends on the machine.
"""

from __future__ import annotations

from bot.model.noun import Noun
from bot.model.quantity import MIB


class AnsibleLimits(Noun):
    """Seconds, unless the name says otherwise.

    ``collections`` is for fetching them, ``playbook`` for a whole cluster (kubespray takes 15 to 40 minutes for a few
    nodes); ``patience`` is from SIGINT to SIGTERM, ``ending`` from there to SIGKILL. ``output`` is in bytes, ``shown``
    in characters.
    """

    collections: float = 600.0
    playbook: float = 5400.0
    patience: float = 20.0
    ending: float = 10.0
    output: int = 8 * MIB
    shown: int = 600
