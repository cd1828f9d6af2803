"""What is remembered of one step: its result, or how it failed, as one line of JSON.

In: the work of a step and the form of its result. Out: a ``Checkpoint``, and the result or the failure again. Never: a
pickle (a database must not be able to run code), a defect that is retried.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from pydantic import JsonValue, TypeAdapter

from bot.errors import Broken, Cancelled, Code, Refusal, Refused, Unavailable
from bot.model.noun import Noun

T = TypeVar("T")
_LOG: Final = structlog.get_logger("ai_provision.step")


class Outage(Noun):
    """An ``Unavailable`` as a value. ``retry_after`` is in seconds."""

    code: Code
    message: str
    remedy: str
    retry_after: float


class Checkpoint(Noun):
    """Exactly one field is set: the result, or what came instead. ``defect`` is the kind of the exception."""

    value: JsonValue = None
    refused: Refusal | None = None
    outage: Outage | None = None
    cancelled: str | None = None
    defect: str | None = None


def attempt(work: Callable[[], T], form: TypeAdapter[T], *, cancelled: Callable[[], str | None]) -> Checkpoint:
    """Do the work once, unless somebody asked to stop. Never raises: one step is where this process meets the world."""
    log = _LOG.bind()
    try:
        by = cancelled()
        return Checkpoint(cancelled=by) if by else Checkpoint(value=form.dump_python(work(), mode="json"))
    except Refused as stop:
        return Checkpoint(refused=stop.refusal)
    except Unavailable as stop:
        outage = Outage(code=stop.code, message=str(stop), remedy=stop.remedy, retry_after=stop.retry_after)
        return Checkpoint(outage=outage)
    except Exception as defect:
        log.exception("defect", kind=type(defect).__name__)
        return Checkpoint(defect=f"{type(defect).__name__}: {defect}"[:500])


def opened(checkpoint: Checkpoint, form: TypeAdapter[T]) -> T:
    """The result. Raises Refused, Unavailable, Cancelled or Broken where the step ended so."""
    if checkpoint.refused is not None:
        raise Refused(checkpoint.refused)
    if checkpoint.outage is not None:
        raise unavailable(checkpoint.outage)
    if checkpoint.cancelled is not None:
        raise Cancelled(checkpoint.cancelled)
    if checkpoint.defect is not None:
        raise Broken(checkpoint.defect)
    return form.validate_json(json.dumps(checkpoint.value))


def unavailable(outage: Outage) -> Unavailable:
    """The exception of an outage."""
    return Unavailable(outage.code, outage.message, remedy=outage.remedy, retry_after=outage.retry_after)
