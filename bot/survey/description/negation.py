"""Whether a phrase was asked for or denied: "no Redis", "without Redis or Kafka", "GPU not needed", "instead of MySQL".

In: the text around a phrase. Out: True when the phrase is denied. Never: a look further than its own clause.
"""

from __future__ import annotations

import re
from typing import Final

_REACH: Final = 80
_NOT: Final = r"(?:no|not|without|never|non|neither|nor|avoid(?:s|ing)?|instead of|rather than|except|excluding|free of|replac(?:es|ing)|(?:migrat|mov)(?:es?|ed|ing) (?:away )?(?:from|off)|(?:is|are|do|does|did|wo|ca|need|must|should)n['\u2019]?t|cannot)"
_EMPHASIS: Final = r"(?!\s(?:only|just|more|less|later|over|under|below|longer than|exceeding)\b)"
_FILLER: Final = r"(?:an?|any|the|needs?|needed|needing|for|of|to|requires?|required|uses?|used|using|has|have|having|be|been|is|are|run|running|on|in|longer|wants?|depends?|rely|relying|external|managed|local|own|real|extra|additional|separate|dedicated|strict|full|very|really|yet|itself|highly|particularly|much)"
_ITEM: Final = r"[a-z][\w.+#-]{0,19}(?:\s(?:cache|queue|database|broker))?"
_BEFORE: Final = re.compile(
    rf"\b(?P<no>{_NOT})\b{_EMPHASIS}(?:[\s-]{_FILLER}\b){{0,4}}"
    rf"(?P<list>(?:[\s-]{_ITEM}(?:,\s(?:or|nor)|,|\s(?:or|nor|and)|/)){{0,5}}[\s-]?(?:(?:any|an?|the)\s)?)$",
    re.IGNORECASE,
)
_MORE_ITEMS: Final = re.compile(rf"(?:,\s{_ITEM}){{0,5}},?\s(?:or|nor)\s", re.IGNORECASE)
_AFTER: Final = re.compile(
    r"\s?(?:(?:service|support|cache|database|backend|cluster)\s)?(?:(?:is|are|was|were|be)\s)?"
    r"(?:(?:not|no longer)\s(?:really\s|strictly\s|yet\s)?|(?:isn|aren|don|doesn)['\u2019]?t\s)"
    r"(?:be\s)?(?:needed|required|necessary|important|wanted|used|expected|necessarily)\b"
    r"|\s?(?:(?:is|are)\s)?(?:unnecessary|not a (?:must|requirement))\b",
    re.IGNORECASE,
)
_CLAUSE_END: Final = re.compile(
    r"[.;:!?()\[\]\u241f](?:\s|$)|\b(?:but|with|however|while|although|plus)\b", re.IGNORECASE
)
OWN_NEGATION: Final = re.compile(r"\b(?:no|not|never|zero|without|cannot|non)\b", re.IGNORECASE)
"""Phrases that hold their own "no" ("no downtime"): it must not reach the phrase after them."""


def is_denied(text: str, start: int, end: int) -> bool:
    """True when the words around ``text[start:end]`` say that it is not wanted."""
    before, after = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    clause = before[max((end_of.end() for end_of in _CLAUSE_END.finditer(before)), default=0) :]
    return _denied_before(clause, after) or _AFTER.match(after) is not None


def _denied_before(clause: str, after: str) -> bool:
    found = _BEFORE.search(clause)
    if found is None:
        return False
    joined = found["list"].lower()
    if " and" in joined:
        return found["no"].lower() != "no"
    if "," in joined and " or" not in joined and " nor" not in joined:
        return _MORE_ITEMS.match(after) is not None
    return True
