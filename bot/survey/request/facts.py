"""The phrases of one part of a request, gathered field by field, with the words that each value comes from.

In: ``Said`` values of one subject. Out: ``Facts``. Never: a second value that
overwrites the first one silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.model.decision import Decision, Origin
from bot.model.demand import Phrase
from bot.model.noun import Noun
from bot.model.profile import Candidate, Doubt
from bot.model.quantity import Bytes
from bot.model.wishes import NicWish
from bot.survey.request.rule import Said

_LISTS: Final = frozenset({"data_disks", "nics", "tags", "ports", "addons", "without"})


@dataclass
class Facts:
    """Values by field, the phrase of each, and what changed nothing. Filled while one request is read, then dropped."""

    values: dict[str, Any] = field(default_factory=dict)
    phrases: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    idle: list[Phrase] = field(default_factory=list)

    def get(self, name: str) -> Any:
        """The stated value, or None."""
        return self.values.get(name)

    def drop(self, name: str, note: str) -> None:
        """A stated value that this kind of thing cannot have: shown as not acted on."""
        if name in self.values:
            self.idle.append(Phrase(text=self.phrases[name], field=None, value="", note=note))
            del self.values[name], self.phrases[name]


@dataclass
class Report:
    """What a reading says beside its wishes."""

    decisions: list[Decision] = field(default_factory=list)
    unsure: list[Doubt] = field(default_factory=list)
    phrases: list[Phrase] = field(default_factory=list)
    idle: list[Phrase] = field(default_factory=list)


def gathered(said: Sequence[Said]) -> Facts:
    """The facts of one part. Lists grow; of two values for one field the first counts and the other is shown."""
    facts = Facts()
    for one in said:
        if not one.changes:
            note = "said not to be needed" if one.denied else one.rule.note
            facts.idle.append(Phrase(text=one.text, field=None, value="", note=note))
        for name, value in one.changes.items():
            _add(facts, name, value, one)
    return facts


def _add(facts: Facts, name: str, value: Any, one: Said) -> None:
    old = facts.values.get(name)
    if name in _LISTS:
        facts.values[name] = (*(old or ()), *value)
        facts.phrases[name] = ", ".join(filter(None, (facts.phrases.get(name), one.text)))[:160]
    elif old is None:
        facts.values[name], facts.phrases[name], facts.notes[name] = value, one.text, one.rule.note
    elif old != value:
        note = f"another phrase about {name} came first: {written(old)}"
        facts.idle.append(Phrase(text=one.text, field=None, value=written(value), note=note))


def interfaces(events: Sequence[dict[str, Any]]) -> tuple[NicWish, ...]:
    """Network interfaces in the order of the text: a "second NIC", or a repeated property, begins the next one."""
    cards: list[dict[str, Any]] = [{}]
    for event in events:
        if event.get("another") or any(name in cards[-1] for name in event):
            cards.append({})
        cards[-1].update({name: value for name, value in event.items() if name != "another"})
    return tuple(NicWish(**card) for card in cards if card) if events else ()


def written(value: Any) -> str:
    """A value for a table."""
    if isinstance(value, tuple):
        return ", ".join(written(item) for item in value)
    if isinstance(value, Noun):
        return ", ".join(f"{name} {item}" for name, item in value.model_dump(mode="json").items() if item is not None)
    return value.to_k8s() if isinstance(value, Bytes) else str(value)


def decided(path: str, wish: Noun, name: str, *, origin: Origin, why: str, source: str) -> Decision:
    """The record of one field of a wish."""
    value = wish.model_dump(mode="json")[name]
    return Decision(
        path=f"{path}.{name}",
        value=value,
        origin=origin,
        why=why,
        source=source,
        tag="user" if origin == "user" else "P",
    )


def doubt(path: str, question: str, *, assumed: str, answer: str, others: Sequence[str] = ()) -> Doubt:
    """A question whose answers are words to write into the request."""
    candidates = tuple(Candidate(label=other, settles=other) for other in others)
    return Doubt(path=path, question=question, assumed=assumed, answer=answer, candidates=candidates)
