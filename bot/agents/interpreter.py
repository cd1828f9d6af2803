"""Plain words of ``/ai-refine``: a model reads them, typed keys come out, each number follows from the words.

In: the words, the open plan, the desk. Out: ``Interpreted``, or a ``Refusal``. Never: a word of the model or of the
person anywhere but in a key's value, a service that the plan does not have, a number that nobody meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from bot.agents.consult import consult
from bot.agents.desk import Desk
from bot.agents.payload import Told, asked
from bot.agents.scrub import Scrubber
from bot.agents.wording import follows
from bot.errors import Code, Refusal
from bot.model.command import Change
from bot.model.consultation import Effort, InterpreterAnswer, Recorded, Scalar, WantedChange
from bot.model.document import Remembered
from bot.model.noun import JsonValue, Noun
from bot.model.plan import ServicePlan
from bot.model.refinement import EXAMPLES, RefinementKey, problem_with
from bot.planning.naming import shown

KEYS: Final[tuple[RefinementKey, ...]] = get_args(RefinementKey)
_FORM: Final = "Write key=value words, such as api.memory=1Gi for one service or memory=1Gi for all."
_EXAMPLE: Final = "/ai-refine replicas=5 memory=1Gi"
_NO_NUMBER: Final[Sequence[None]] = (None,)


class Interpreted(Noun):
    """The words as typed changes. ``model`` read them, empty for changes that were typed as such; ``answers`` and
    ``efforts`` are what it said and cost.
    """

    changes: tuple[Change, ...]
    model: str = ""
    answers: tuple[Recorded, ...] = ()
    efforts: tuple[Effort, ...] = ()

    @property
    def written(self) -> str:
        """``replicas=5 memory=1Gi``, as it is typed."""
        return " ".join(map(_written, self.changes))


def interpret(words: str, plan: Remembered, desk: Desk) -> Interpreted | Refusal:
    """Ask the interpreter's model once. Returns ``llm-invalid`` when it gives nothing that can be used, ``syntax`` when
    the words do not say what to change.
    """
    question = asked("interpreter", Told(description=words, rule=_rule(plan)), Scrubber())
    heard = consult("interpreter", question, InterpreterAnswer, desk=desk)
    if heard.answer is None:
        fault = heard.consultation.fault
        return _unread(fault.message if fault is not None else "No model reads plain words.")
    if not heard.answer.changes or heard.answer.unclear is not None:
        return _unclear()
    changes = _changes(heard.answer.changes, words, plan)
    if isinstance(changes, Refusal):
        return changes
    model = heard.consultation.model or ""
    return Interpreted(changes=changes, model=model, answers=heard.answers, efforts=heard.efforts)


def _rule(plan: Remembered) -> dict[str, JsonValue]:
    """What the model sees: the task, the keys, and the present numbers of the plan."""
    task = (
        "The description is what a person wants changed in the plan. Say which keys get which values. "
        "Give a service only when the words mean one; leave out what they do not mention; "
        "say unclear instead of guessing."
    )
    return {
        "task": task,
        "keys": {key: f"for example {EXAMPLES[key]}" for key in KEYS},
        "services": [{"service": service.name, **_present(service)} for service in plan.services],
    }


def _present(service: ServicePlan) -> dict[str, str]:
    """The numbers of one service by their keys; what it does not have is left out."""
    hpa, storage, limits = service.hpa, service.storage, service.limits
    numbers: dict[str, str | None] = {
        "replicas": str(service.replicas),
        "min": None if hpa is None else str(hpa.min),
        "max": None if hpa is None else str(hpa.max),
        "target": None if hpa is None else str(hpa.target_cpu_percent),
        "cpu": service.requests.cpu.to_k8s(),
        "memory": service.requests.memory.to_k8s(),
        "cpu_limit": None if limits.cpu is None else limits.cpu.to_k8s(),
        "memory_limit": limits.memory.to_k8s(),
        "storage": None if storage is None else storage.size.to_k8s(),
    }
    return {key: value for key, value in numbers.items() if value is not None}


def _changes(wanted: Sequence[WantedChange], words: str, plan: Remembered) -> tuple[Change, ...] | Refusal:
    found: dict[tuple[str | None, str], Change] = {}
    for one in wanted:
        change = _change(one, words, plan)
        if isinstance(change, Refusal):
            return change
        before = found.setdefault((change.service, change.key), change)
        if before != change:
            return _unread(f"The model read two values of {change.key} in the words.")
    return tuple(found.values())


def _change(wanted: WantedChange, words: str, plan: Remembered) -> Change | Refusal:
    """One typed change within the limits, or why it is none."""
    service = wanted.service
    meant = [one for one in plan.services if service in {None, one.name}]
    if not meant:
        names = ", ".join(one.name for one in plan.services)
        return _unread(f"The model read a service {shown(service or '')} in the words; the plan has {names}.")
    value = _typed(wanted.value)
    problem = "has no value" if value is None else problem_with(wanted.key, value)
    if value is None or problem is not None:
        return _unread(f"The model read a {wanted.key} in the words that {problem}.")
    present = [now for one in meant if (now := _present(one).get(wanted.key)) is not None]
    if not all(follows(words, key=wanted.key, value=value, present=now) for now in present or _NO_NUMBER):
        return _unread(f"The model read {wanted.key}={value}, which the words do not say and which is far from now.")
    return Change(key=wanted.key, value=value, service=service)


def _typed(value: Scalar) -> str | None:
    """A scalar of a model as it would be typed."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _written(change: Change) -> str:
    name = f"{change.service}.{change.key}" if change.service else change.key
    return f"{name}={change.value}"


def _unread(why: str) -> Refusal:
    return Refusal(
        code=Code.LLM_INVALID, message=f"The plain words were not applied: {why}", remedy=_FORM, example=_EXAMPLE
    )


def _unclear() -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message="The words do not say which number is to become what, so nothing was changed. "
        f"The numbers that can be changed are {', '.join(KEYS)}.",
        remedy=_FORM,
        example=_EXAMPLE,
    )
