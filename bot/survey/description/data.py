"""Phrases of state, data and storage.

In: nothing. Out: ``SIZES``, ``MIX`` and ``STATE``. Never: a disk size from a number without a unit.
"""

from __future__ import annotations

from typing import Final

from bot.model.quantity import Bytes
from bot.survey.description.numbers import ABOUT, HIGH, NUM, SCALE, SIZE, measure, percent, size
from bot.survey.description.rule import NOTHING, Changes, Found, PhraseRule, first, sets

_MONTHS: Final = {
    "day": 30.0, "daily": 30.0, "week": 30 / 7, "weekly": 30 / 7, "month": 1.0, "monthly": 1.0, "year": 1 / 12,
    "yearly": 1 / 12, "annually": 1 / 12,
}  # fmt: skip
_MOST: Final = 2**59
_SIZED: Final = rf"{NUM}{SIZE}"
_RANGE: Final = rf"(?:{NUM}(?:{SIZE})?\s?(?:-|to)\s?)?"
_BODIES: Final = r"(?:payloads?|bod(?:y|ies)|requests?|images?|uploads?|downloads?|responses?|objects?|messages?|files?|documents?|photos?|videos?|attachments?|records?|events?|pages?)"


def _size(field: str, text: str, *, memory: bool = False, factor: float = 1.0) -> Changes:
    amount = round(size(text, memory=memory) * factor)
    return {field: Bytes(amount)} if 0 < amount <= _MOST else NOTHING


def _growth(found: Found) -> Changes:
    return _size("data_growth_per_month", found["n"], factor=_MONTHS[first(found, "per", "per2").lower()])


def _mix(found: Found) -> Changes:
    reads = 100 - percent(found["w"]) if found["w"] is not None else percent(first(found, "r", "a", "b"))
    return {"read_write_mix": f"{reads:g}/{100 - reads:g}"} if 0 <= reads <= 100 else NOTHING


def _count(field: str, found: Found) -> Changes:
    count = measure(found["n"])
    return {field: count} if 0 <= count <= 10_000 else NOTHING


MIX: Final = (
    PhraseRule(
        id="mix", category="data and storage", field="read_write_mix",
        pattern=rf"(?P<r>{NUM})\s?(?:%|percent)\s?reads?\b(?:(?:\s?(?:/|,|and)?\s?){NUM}\s?(?:%|percent)\s?writes?\b)?|(?P<w>{NUM})\s?(?:%|percent)\s?writes?\b(?:(?:\s?(?:/|,|and)?\s?){NUM}\s?(?:%|percent)\s?reads?\b)?"
        r"|\bread[-/ ](?:to[- ])?writes?(?: ratio| mix| split)?(?: of| is|:|=)?\s(?P<a>\d{1,2})\s?[/:]\s?\d{1,2}(?![\d.,]\d)|(?<![\w./])(?P<b>\d{1,2})\s?[/:]\s?\d{1,2}\sreads?\s?[-/ ](?:to )?writes?\b",
        examples=("90 % reads", "80% reads / 20% writes", "read/write ratio 80/20"), changes=_mix, negatable=False,
    ),
    PhraseRule(
        id="reads-per-request", category="data and storage", field="reads_per_request",
        pattern=rf"{ABOUT}(?P<n>{NUM})\s?(?:db |database |sql )?(?:reads?|quer(?:y|ies)|selects?) (?:per|an?|each|/) ?request\b", examples=("20 queries per request",),
        changes=lambda found: _count("reads_per_request", found), negatable=False,
    ),
    PhraseRule(
        id="writes-per-request", category="data and storage", field="writes_per_request",
        pattern=rf"{ABOUT}(?P<n>{NUM})\s?(?:db |database |sql )?(?:writes?|inserts?|updates?) (?:per|an?|each|/) ?request\b", examples=("2 writes per request",),
        changes=lambda found: _count("writes_per_request", found), negatable=False,
    ),
    PhraseRule(
        id="read-heavy", category="data and storage", field=None, pattern=r"\b(?:read|write)[- ](?:heavy|mostly|intensive|dominated|only)\b",
        examples=("read-heavy", "write-intensive"), note='no number: say "90 % reads" or "N queries per request"',
    ),
)  # fmt: skip

SIZES: Final = (
    PhraseRule(
        id="bandwidth", category="data and storage", field=None,
        pattern=rf"{ABOUT}{NUM}\s?(?:[kmgt]?bit/s|[kmgt]bits?(?: ?/ ?s| per second)?|[kmgt]bps|[kmgt]i?b\s?(?:/|per)\s?s(?:ec(?:ond)?)?)\b", examples=("1 Gbit/s", "100 MB/s"),
        note="network and disk bandwidth are not planned in this version", negatable=False,
    ),
    PhraseRule(
        id="data-growth", category="data and storage", field="data_growth_per_month",
        pattern=rf"(?:\b(?:grow(?:s|ing|th)?(?: of| by| rate of|:)?|adding|adds|plus|ingests?|writes)\s|\+ ?)?{ABOUT}(?P<n>{_SIZED})(?:\s(?:of )?(?:new )?data)?(?:\s?(?:/|per|an?|each|every)\s?(?P<per>day|week|month|year)\b|\s(?P<per2>daily|weekly|monthly|yearly|annually)\b)(?: growth)?",
        examples=("grows 10 GB per month", "1 GB a day", "10 GB/month growth"), changes=_growth, negatable=False,
    ),
    PhraseRule(
        id="memory", category="data and storage", field="memory_hint",
        pattern=rf"{ABOUT}(?P<n>{_SIZED})\s?(?:of )?(?:main )?(?:ram|memory|mem|heap)\b(?: cap| limit| size)?|\b(?:ram|memory|heap)(?: cap| limit| size| usage| footprint| request)?(?: of|:|=| is)?\s(?P<m>{_SIZED})",
        examples=("16GB RAM", "512 MiB memory", "heap cap 768 MB"), negatable=False,
        changes=lambda found: _size("memory_hint", first(found, "n", "m"), memory=True), note="counted in binary: 1 GB is 1 GiB",
    ),
    PhraseRule(
        id="payload", category="data and storage", field="payload",
        pattern=rf"{ABOUT}(?P<n>{_SIZED})\s?(?:(?:per|average|avg|an?|each|/)\s?)?{_BODIES}\b|\b{_BODIES}(?: sizes?)?(?: of| up to|:|=| is| are| about| around| average| at most){{0,2}}\s(?P<m>{_SIZED})(?: each| on average)?",
        examples=("2 MB uploads", "payload 5 KB", "responses of 20 kB", "5 KB per request"), changes=lambda found: _size("payload", first(found, "n", "m")), negatable=False,
    ),
    PhraseRule(
        id="data", category="data and storage", field="data",
        pattern=rf"{ABOUT}{_RANGE}(?P<n>{HIGH}{SIZE})(?!\s?(?:of )?(?:gpu )?vram)(?:\s?(?:of )?(?:(?:relational|historical|customer|user|product|existing)\s)?(?:data(?:base|set)?|db|storage|disk(?: space)?|volume|ssd|images|files|documents|in the database)\b)?",
        examples=("50 GB", "1.5TB of data", "200 GiB database"), changes=lambda found: _size("data", found["n"]), negatable=False,
    ),
    PhraseRule(
        id="rows", category="data and storage", field=None,
        pattern=rf"{ABOUT}{NUM}{SCALE}\+?\s?(?:(?!and\b|with\b|concurrent\b)[a-z]{{1,12}}\s)?(?:rows?|records?|products?|items?|documents?|entries|skus?|articles?|files|stores|shops|branches|tables?|tenants?|endpoints|routes|topics|partitions|orders?|photos|images|videos|databases|schemas|countries|locations|warehouses|teams)\b(?!\s?(?:/|per|an?)\s)",
        examples=("10 million products", "500k rows"), note="a count without a size or a rate: say how many GB or requests it comes to", negatable=False,
    ),
    PhraseRule(
        id="retention", category="data and storage", field=None,
        pattern=rf"\b(?:retention(?: time| period)?|keep(?:s|ing)?|kept|stored?|retain(?:ed|s)?)(?: data| it| logs| backups| for|:| of| is){{0,3}}\s{NUM}\s?(?:days?|weeks?|months?|years?)\b|{NUM}[\s-](?:days?|weeks?|months?|years?)(?: of| data| log){{0,2}} retention\b",
        examples=("retention of 30 days", "90 days retention"), note="retention is not planned in this version: say how many GB it comes to", negatable=False,
    ),
)  # fmt: skip

STATE: Final = (
    PhraseRule(
        id="stateless", category="statefulness", field="stateful", pattern=r"\bstate-?less\b", examples=("stateless",), changes=sets(stateful=False),
    ),
    PhraseRule(
        id="stateful", category="statefulness", field="stateful",
        pattern=r"\bstate-?ful\b|\bkeeps (?:local )?state\b|\b(?:persistent|local) (?:volume|disk|storage)s?\b|\bon a volume\b|\bstores? (?:its )?(?:data|files|uploads) (?:on disk|locally)\b|\blocal (?:files|state)\b",
        examples=("stateful", "persistent volume"), changes=sets(stateful=True),
    ),
    PhraseRule(
        id="backup", category="data and storage", field="backup",
        pattern=rf"\b(?:(?:daily|nightly|hourly|weekly|regular|automatic)\s)?(?:back-?ups?|snapshots?)\b(?:\s(?:every (?:{NUM} )?(?:hours?|days?|nights?|weeks?|minutes)|daily|nightly|hourly|weekly)\b)?|\bpoint[- ]in[- ]time[- ]recovery\b|(?-i:\bPITR\b)",
        examples=("daily backups", "point-in-time recovery"), changes=sets(backup=True),
    ),
)  # fmt: skip
