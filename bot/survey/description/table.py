"""The table of phrases, in the order in which they are tried, and the page that documents it.

In: the rules by subject. Out: ``RULES`` and ``description_page()``. Never: a rule without an example.
"""

from __future__ import annotations

from typing import Final

from bot.survey.description.answers import answers_section
from bot.survey.description.data import MIX, SIZES, STATE
from bot.survey.description.dependencies import DEPENDENCIES, UNNAMED
from bot.survey.description.rule import PhraseRule
from bot.survey.description.service_level import CONTINUITY, SERVICE_LEVEL
from bot.survey.description.shape import SHAPE
from bot.survey.description.special import SPECIAL
from bot.survey.description.stack import NAMES, PARTS, STACK
from bot.survey.description.tier import ENVIRONMENT, PLACE, TIER
from bot.survey.description.workload import WORKLOAD

RULES: Final[tuple[PhraseRule, ...]] = (
    *PLACE, *STACK, *DEPENDENCIES, *NAMES, *MIX, *SERVICE_LEVEL, *WORKLOAD, *SIZES, *STATE, *SPECIAL, *CONTINUITY,
    *SHAPE, *TIER, *ENVIRONMENT, *UNNAMED, *PARTS,
)  # fmt: skip
"""Names first, with their versions; then numbers with units; then words; the widest words last."""

_ORDER: Final = (
    "workload and scale", "SLAs and performance", "criticality and tier", "tech stack", "statefulness", "data and storage",
    "dependencies", "special requirements",
)  # fmt: skip


def description_page() -> str:
    """The text of ``docs/description.md``."""
    lines = [_INTRODUCTION]
    for category in _ORDER:
        lines += [
            f"\n## {category[0].upper()}{category[1:]}\n",
            "| for example | changes | note |",
            "| --- | --- | --- |",
        ]
        lines += [_row(rule) for rule in RULES if rule.category == category]
    lines += ["", answers_section()]
    return "\n".join(lines) + "\n"


def _row(rule: PhraseRule) -> str:
    examples = ", ".join(f"`{example.replace('`', '')}`" for example in rule.examples)
    return f"| {examples} | {f'`{rule.field}`' if rule.field else 'understood, not acted on'} | {rule.note} |"


_INTRODUCTION: Final = f"""# What the description may say

Free text in English; order, case and punctuation do not matter. Every phrase below changes a named value of the demand, or is
listed in the pull request as "understood, not acted on". A number that no phrase takes is shown as "not understood"; nothing is
dropped. "No Redis", "without Redis or Kafka", "instead of MySQL" and "not needed" are honoured. When two phrases speak about
one value, the higher load, the lower latency and the stricter tier win, and the other phrase is listed as not acted on.

Rates per second and minute are peaks unless the text says average; longer ones are averages unless it says peak. Of a range the
higher end counts (of replicas the lower: how many run at least). "2.000 req/s" means two thousand, "1.500 s" one and a half.
Disk sizes are decimal (50 GB) unless written binary (50 GiB); memory is always binary.

The table has {len(RULES)} rows and is made from the code (`bot/survey/description/`); each example is a test."""
