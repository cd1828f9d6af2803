"""The table of phrases, in the order in which they are tried, and the page that documents it.

In: the rules by subject. Out: ``RULES`` and ``description_page()``. Never: a rule without an example.
"""

from __future__ import annotations

from typing import Final

from bot.survey.description.data import DATA, SPECIAL, STATE
from bot.survey.description.rule import PhraseRule
from bot.survey.description.service_level import SERVICE_LEVEL, TIER
from bot.survey.description.stack import DEPENDENCIES, STACK
from bot.survey.description.workload import WORKLOAD

_EARLY: Final = (
    "reads-per-request",
    "writes-per-request",
    "no-data-loss",
    "mix",
    "data-growth",
    "payload",
    "growth",
    "geo",
)

_ALL: Final = (*SERVICE_LEVEL, *WORKLOAD, *DATA, *STATE, *SPECIAL, *TIER, *DEPENDENCIES, *STACK)
_LATE: Final = (
    "needs-something",
    "static",
    "batch",
    "registered-users",
    "rows",
    "bare-critical",
    "production-environment",
)

RULES: Final[tuple[PhraseRule, ...]] = tuple(sorted(_ALL, key=lambda rule: (rule.id not in _EARLY, rule.id in _LATE)))
"""Rules whose phrase contains another rule's come first, those with the widest words last; else the order above."""


def description_page() -> str:
    """The text of ``docs/description.md``."""
    lines = [_INTRODUCTION]
    for category in dict.fromkeys(rule.category for rule in _ALL):
        lines += [
            f"\n## {category[0].upper()}{category[1:]}\n",
            "| for example | changes | note |",
            "| --- | --- | --- |",
        ]
        lines += [_row(rule) for rule in _ALL if rule.category == category]
    return "\n".join(lines) + "\n"


def _row(rule: PhraseRule) -> str:
    examples = ", ".join(f"`{example.replace('`', '')}`" for example in rule.examples)
    return f"| {examples} | {f'`{rule.field}`' if rule.field else 'understood, not acted on'} | {rule.note} |"


_INTRODUCTION: Final = f"""# What the description may say

Free text in English; order, case and punctuation do not matter. Every phrase below changes a named value of the demand, or is
listed in the pull request as "understood, not acted on". A number that no phrase takes is shown as "not understood"; nothing is
dropped. "No Redis", "without Kafka" and "not needed" are honoured. When two phrases speak about one value, the higher load, the
lower latency and the stricter tier win.

The table has {len(_ALL)} rows and is made from the code (`bot/survey/description/`); each example is a test."""
