"""The notes on numbers that a model or an earlier correction wanted and the plan does not hold.

In: what was wanted and why it does not stand. Out: one folded finding. Never: text of a model unquoted.
"""

from __future__ import annotations

from bot.planning.naming import shown
from bot.planning.record import Notes, note

_REMEDY = "Nothing to do: the plan holds without it. /ai-refine fixes a number that you want."


def model_dropped(what: str, why: str) -> Notes:
    """``what`` as a key, perhaps with a service and a value; ``why`` is a whole sentence of ours."""
    return note("model-proposal-dropped", f"A model's proposal for {shown(what)} was dropped. {why}", remedy=_REMEDY)


def correction_dropped(what: str, why: str) -> Notes:
    """The same for a number that a person changed in an earlier pull request."""
    return note("correction-dropped", f"An earlier correction of {shown(what)} was not applied. {why}", remedy=_REMEDY)
