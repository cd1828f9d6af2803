"""What a removal leaves in the repository, and what its merge destroys.

In: the plan of what runs. Out: an immutable removal. Never: a data disk that was not named.
"""

from __future__ import annotations

from bot.model.changes import ChangeSet
from bot.model.document import Document
from bot.model.noun import Noun
from bot.model.plan import Machine


class Removal(Noun):
    """The files of the pull request, and what its merge destroys. ``kept`` are machines that hold data and stay;
    ``claims`` are workloads with volumes, which stay without ``data``.
    """

    document: Document
    changes: ChangeSet
    data: bool
    destroyed: tuple[Machine, ...]
    kept: tuple[Machine, ...] = ()
    claims: tuple[str, ...] = ()
