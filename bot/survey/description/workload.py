"""Phrases of workload: rates and users.

In: nothing. Out: ``WORKLOAD``. Never: a rate from a number that no unit names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bot.survey.description.numbers import ABOUT, NUM, SCALE, quantity, rate
from bot.survey.description.rule import NOTHING, Changes, Found, PhraseRule, first

_MOST: Final = 1e9
_UNIT: Final = r"(?:qps|rps|tps|r/s|rp/s)"
_CALLS: Final = r"(?:requests?|reqs?|quer(?:y|ies)|calls?|hits?|transactions?|ops|page ?(?:views?|loads?)|orders?|messages?|events?|votes?|checkouts?|payments?|jobs?|uploads?|downloads?|logins?|searches|lookups?|invocations?|bookings?|purchases?|tasks?|records?|samples?|notifications?|e?mails?)"
_ADJECTIVES: Final = r"(?:(?:http|https|api|web|rest|user|client|incoming|inbound|customer|search|read|peak|max|maximum|average|avg|mean|sustained|total|concurrent)\s){0,3}"
_PER: Final = r"\s?(?:/|per|an?|each|every)\s?"
_SECOND: Final = r"s(?:ec(?:ond)?s?)?\b"
_BEFORE: Final = r"(?:\b(?:(?:peak(?:s|ing)?|spik(?:es?|ing)|bursts?|average|avg\.?|mean|typical(?:ly)?|normal(?:ly)?|usual(?:ly)?|sustained|baseline|steady)\s)(?:(?:load|traffic|rate|throughput|day|hour)s?\s)?(?:(?:of|at|to|is|with|up to|reach(?:es|ing)?)\s){0,2}|\b(?:load|traffic|throughput|rate)(?: of|:| is)?\s)?"
_AFTER: Final = r"(?:\s\(?(?:(?:at|in|during|on|under)\s)?(?:the\s)?(?:peaks?(?: load| times?| hours?)?|average|avg|mean|sustained|max(?:imum)?|normally|typically|usually|baseline|burst)\b\)?)?"
_MEAN: Final = re.compile(
    r"\b(?:average|avg|mean|typical(?:ly)?|normal(?:ly)?|usual(?:ly)?|sustained|baseline|steady)\b", re.IGNORECASE
)
_SPIKE: Final = re.compile(r"\b(?:spik|burst)", re.IGNORECASE)
_PEAK: Final = re.compile(r"\b(?:peak\w*|spik\w+|bursts?|max(?:imum)?)\b", re.IGNORECASE)
_WHICH: Final = r"(?:peak|max|maximum|average|avg|mean)"
_THING: Final = r"(?:users?|shoppers?|visitors?|viewers?|clients?|sessions?|customers?|players?|connections?|buyers?|guests?|people|staff|employees|devices)"


def _rates(seconds: int, *, average: bool) -> Callable[[Found], Changes]:
    """Without a word about it, rates per second and minute are peaks, longer ones averages."""

    def changes(found: Found) -> Changes:
        value = rate(found["n"]) / seconds
        mean = bool(_MEAN.search(found[0])) or (average and not _PEAK.search(found[0]))
        if not 0 < value <= _MOST:
            return NOTHING
        rates = {"qps_average" if mean else "qps_peak": value}
        return rates | {"shape": "spike"} if _SPIKE.search(found[0]) else rates

    return changes


def _per(name: str, unit: str, seconds: int, *, examples: tuple[str, ...], average: bool = False) -> PhraseRule:
    return PhraseRule(
        id=f"rate-per-{name}", category="workload and scale", field="qps_average" if average else "qps_peak",
        pattern=rf"{_BEFORE}{quantity('n')}\s?{_ADJECTIVES}{unit}{_AFTER}", examples=examples,
        changes=_rates(seconds, average=average), negatable=False,
    )  # fmt: skip


def _pair(found: Found) -> Changes:
    """Two rates in one phrase, one of them without a unit."""
    read = {}
    for value, word in ((found["a"], found["k1"]), (found["b"], found["k2"])):
        read["qps_average" if word.lower() in {"average", "avg", "mean"} else "qps_peak"] = rate(value)
    if len(read) != 2 or not all(0 < value <= _MOST for value in read.values()):
        return NOTHING
    return {"qps_peak": read["qps_peak"], "qps_average": read["qps_average"]}


def _users(found: Found) -> Changes:
    people = rate(first(found, "n", "m", "o", "p"))
    return {"users": int(people)} if 0 < people <= _MOST else NOTHING


def _one(name: str) -> str:
    return rf"(?P<{name}>{NUM}{SCALE})"


WORKLOAD: Final = (
    PhraseRule(
        id="operations-per-second", category="data and storage", field=None,
        pattern=rf"{ABOUT}{NUM}{SCALE}\s?(?:(?:db|database|sql|redis|disk|random)\s)?(?:(?:reads?|writes?|inserts?|updates?|upserts?)(?: ops)?{_PER}{_SECOND}|iops\b)",
        examples=("5000 reads/s", "3000 IOPS"), negatable=False,
        note='operations of a store, not requests: say "N queries per request" beside the rate of requests',
    ),
    PhraseRule(
        id="peak-and-average", category="workload and scale", field="qps_peak",
        pattern=rf"\b(?P<k1>{_WHICH})(?: of|:| is)?\s{_one('a')}\s?(?:/|,|and|;|\|)\s?(?P<k2>{_WHICH})(?: of|:| is)?\s{_one('b')}\s?(?:{_UNIT}\b|{_CALLS}{_PER}{_SECOND})",
        examples=("average 500 / peak 2000 rps", "peak 2000, average 500 requests per second"), changes=_pair, negatable=False,
    ),
    PhraseRule(
        id="rate-then-bare-rate", category="workload and scale", field="qps_peak",
        pattern=rf"{_one('a')}\s?(?:{_UNIT}|{_CALLS}{_PER}{_SECOND})\s(?:on |at |in )?(?P<k1>{_WHICH})\s?(?:/|,|and|;|with|\|)\s?{_one('b')}\s(?:on |at |in )?(?P<k2>{_WHICH})\b(?!\s(?:users?|concurrent))",
        examples=("500 QPS average and 2000 peak",), negatable=False,
        changes=_pair,
    ),
    _per(
        "second", rf"(?:{_UNIT}\b|{_CALLS}{_PER}{_SECOND})", 1,
        examples=("2000 QPS peak", "2k rps", "2,000 QPS", "2.000 req/s", "1000-2000 qps", "peak of 300 requests per second", "2000 HTTP requests per second"),
    ),
    _per("minute", rf"(?:rpm\b|{_CALLS}{_PER}min(?:ute)?s?\b)", 60, examples=("120k rpm", "600 requests per minute", "90 orders a minute")),
    _per("hour", rf"{_CALLS}{_PER}h(?:(?:ou)?rs?)?\b", 3600, examples=("36,000 requests per hour", "500 orders/h"), average=True),
    _per(
        "day", rf"(?:(?:daily )?{_CALLS}{_PER}day\b|daily {_CALLS}\b|{_CALLS} daily\b)", 86_400,
        examples=("1 million requests a day", "86400 requests/day", "172,800 daily requests"), average=True,
    ),
    _per(
        "month", rf"(?:{_CALLS}{_PER}mo(?:nth)?\b|monthly {_CALLS}\b|{_CALLS} monthly\b)", 2_592_000,
        examples=("50 million requests per month",), average=True,
    ),
    PhraseRule(
        id="rate-named-first", category="workload and scale", field="qps_peak",
        pattern=rf"(?:(?:expected|target|peak|max|maximum|average|avg|mean)[\s_])?(?<![A-Za-z])(?:qps|rps|tps|requests (?:per|/) ?second|requests/s(?:ec)?|req/s)(?:[\s_](?:peak|max|average|avg))?(?:\s?(?:=|:)\s?|\s(?:of|is|at|up to|about|around)\s|\s){quantity('n')}(?!\s?(?:%|ms\b|[kmgt]i?b\b|users?|concurrent|replicas?|pods?|nodes?)|\w)",
        examples=("QPS: 2000", "expected_qps: 500", "RPS of 2000"), changes=_rates(1, average=False), negatable=False,
    ),
    PhraseRule(
        id="concurrent-users", category="workload and scale", field="users",
        pattern=rf"{quantity('n')}\s?(?:concurrent(?:ly)?|simultaneous(?:ly)?|parallel|ccu)\b(?:\s(?:active |online )?{_THING}\b)?"
        rf"|{quantity('m')}\s?{_THING}\s(?:at (?:once|a time|the same time|any (?:time|moment))|concurrently|simultaneously|online|in parallel|\(concurrent\))"
        rf"|\b(?:concurrent|simultaneous|parallel) {_THING}(?: count)?(?:\s?[:=]\s?|\s(?:of|is|up to|about)?\s?){quantity('o')}(?!\s?(?:%|ms\b|[kmgt]i?b\b|qps|rps))"
        rf"|\bconcurrency(?: of|:|=| is)?\s{quantity('p')}",
        examples=("50 concurrent users", "10 concurrent shoppers", "5k users at the same time", "concurrency of 200", "concurrent users: 50"),
        changes=_users, negatable=False,
    ),
    PhraseRule(
        id="registered-users", category="workload and scale", field=None,
        pattern=rf"{ABOUT}{NUM}{SCALE}\+?\s?(?:(?:registered|daily|weekly|monthly|active|total|paying|internal|unique)\s){{0,2}}(?:{_THING}|accounts?|dau|mau|wau|subscribers?|readers|members|students|patients|caseworkers)\b(?:\s(?:an?|per|each)\s(?:day|week|month))?",
        examples=("5k DAU", "2000 users", "100,000 registered customers", "200 staff"), negatable=False,
        note='people, but not how many at once: say "N concurrent users" or a rate',
    ),
    PhraseRule(
        id="vague-load", category="workload and scale", field=None,
        pattern=r"\b(?:low|small|little|light|moderate|medium|high|heavy|huge|demo|benchmark|large)(?:[ -](?:demo|user|web))?[ -](?:traffic|load|volume|throughput)\b|\bthousands of (?:requests|users|people|customers)(?: per second)?\b|\bhundreds of (?:requests|users|people|customers)(?: per second)?\b",
        examples=("low traffic", "demo load", "thousands of requests per second"), note='no number: say "N QPS peak" or "N concurrent users"',
    ),
)  # fmt: skip
