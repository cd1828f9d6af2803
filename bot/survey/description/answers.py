"""Answers in square brackets inside a description: ``[qps=500]`` beats every other reading.

In: the text. Out: the text without them, the answers, and what was not understood. Never: a value repaired, one dropped
without a word about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.model.demand import Phrase, Settled
from bot.model.profile import RELATIONAL

_BRACKET: Final = re.compile(
    r"\[ {0,3}(?P<key>[A-Za-z][A-Za-z0-9_-]{0,30}) {0,3}= {0,3}(?P<value>[^\[\]]{0,80}?) {0,3}\]", re.ASCII
)
BOTH: Final = "both"
"""The answer that keeps every reading of the database."""
_PLACE: Final = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"


@dataclass(frozen=True, kw_only=True)
class AnswerRule:
    """One key: the form of its value, what it settles, and the ``Demand`` field that a reviewer sees it under."""

    key: str
    field: str
    pattern: str
    wants: str
    example: str
    settles: str

    def takes(self, value: str) -> bool:
        """Whether the value has the right form; a number is above zero."""
        return re.fullmatch(self.pattern, value, re.ASCII) is not None and re.fullmatch(r"[0.]+", value) is None


def _one_of(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in words)


ANSWERS: Final[tuple[AnswerRule, ...]] = (
    AnswerRule(
        key="qps", field="qps_peak", pattern=r"[0-9]{1,9}(?:\.[0-9]{1,3})?", example="500",
        wants="a number of requests per second above 0", settles="the peak, in place of the description's and every header's",
    ),
    AnswerRule(
        key="latency_ms", field="latency_ms", pattern=r"[0-9]{1,7}(?:\.[0-9]{1,3})?", example="100",
        wants="a number of milliseconds above 0", settles="the latency target, in place of the description's and every header's",
    ),
    AnswerRule(
        key="criticality", field="criticality", pattern=_one_of(("dev", "standard", "high", "critical")), example="high",
        wants="dev, standard, high or critical", settles="the tier; zero downtime and an availability still raise it",
    ),
    AnswerRule(
        key="database", field="dependencies", pattern=_one_of((*sorted(RELATIONAL), BOTH)), example="mysql",
        wants=f"one of {', '.join(sorted(RELATIONAL))}, or {BOTH}",
        settles="the one relational database that is used; both: what the description names and what the code uses",
    ),
    AnswerRule(
        key="state", field="stateful", pattern="stateless|stateful", example="stateless",
        wants="stateless or stateful", settles="whether services keep files of their own that must outlive a pod",
    ),
    AnswerRule(
        key="namespace", field="namespace", pattern=_PLACE, example="shop",
        wants="a namespace: lower-case letters, digits and '-'", settles="the namespace",
    ),
    AnswerRule(
        key="cluster", field="cluster", pattern=r"[a-z0-9][a-z0-9._-]{0,62}", example="prod-1",
        wants="the name of a cluster", settles="the cluster",
    ),
    AnswerRule(
        key="budget", field="settled", pattern=r"[0-9]{1,12}(?:\.[0-9]{1,2})?", example="300",
        wants="an amount per month above 0", settles="a plan of at most this much per month is opened, whatever budget it passes",
    ),
    AnswerRule(
        key="dockerfile", field="settled", pattern="propose", example="propose",
        wants="the word propose", settles="a missing Dockerfile is proposed in a pull request of its own",
    ),
)  # fmt: skip
BY_KEY: Final[Mapping[str, AnswerRule]] = {rule.key: rule for rule in ANSWERS}


@dataclass(frozen=True)
class Taken:
    """A description without its answers. ``replaced`` are answers that a later one of the same key overrides."""

    text: str
    settled: tuple[Settled, ...] = ()
    replaced: tuple[Settled, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """What a reviewer sees of the answers."""
        return tuple(Phrase(text=one.written, field=BY_KEY[one.key].field, value=one.value) for one in self.settled)

    @property
    def not_acted_on(self) -> tuple[Phrase, ...]:
        """Answers that were given twice."""
        note = "a later answer replaces it"
        return tuple(Phrase(text=one.written, field=None, value=one.value, note=note) for one in self.replaced)


def take_answers(text: str) -> Taken:
    """Find every ``[key=value]``; where it stood, a clause ends. Time grows linearly with the text."""
    found, wrong = list[Settled](), list[str]()
    for match in _BRACKET.finditer(text):
        answer = read_answer(match["key"], match["value"])
        if answer is None:
            wrong.append(match[0])
        else:
            found.append(answer)
    last = {answer.key: answer for answer in found}
    kept = tuple(answer for answer in dict.fromkeys(found) if last[answer.key] == answer)
    replaced = tuple(answer for answer in dict.fromkeys(found) if last[answer.key] != answer)
    return Taken(_BRACKET.sub(" ; ", text), kept, replaced, tuple(wrong))


def read_answer(key: str, value: str) -> Settled | None:
    """A key and a value in any case as an answer; None when the key is unknown or the value has another form."""
    rule = BY_KEY.get(key.lower().replace("-", "_"))
    if rule is None or not rule.takes(value.lower()):
        return None
    return Settled.model_validate({"key": rule.key, "value": value.lower()})


def problem_with_answer(bracket: str) -> str | None:
    """What is wrong with a bracket that was not understood; None for a text that is none."""
    match = _BRACKET.fullmatch(bracket)
    if match is None:
        return None
    rule = BY_KEY.get(match["key"].lower().replace("-", "_"))
    if rule is None:
        return f"the keys are {', '.join(BY_KEY)}"
    return f"{rule.key} wants {rule.wants}"


def answers_section() -> str:
    """The part of ``docs/description.md`` about answers."""
    rows = [f"| `[{rule.key}={rule.example}]` | {rule.wants} | {rule.settles} |" for rule in ANSWERS]
    return "\n".join([_INTRODUCTION, "", "| answer | value | settles |", "| --- | --- | --- |", *rows])


_INTRODUCTION: Final = """## Answers in square brackets

When the description, the code and a Dockerfile's header disagree and the plans would differ much, the bot asks once
before it opens anything. The answer is a word in square brackets, anywhere in the description; it beats every other
reading, and what is settled is never asked again. Of two answers with one key the later one counts. A bracket that is
no answer changes nothing and is shown in the pull request."""
