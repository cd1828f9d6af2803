"""Phrases of workload and scale: rates, users, shape, replicas.

In: nothing. Out: ``WORKLOAD``. Never: a rate from a number that no unit names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bot.survey.description.rule import (
    COUNT,
    NUM,
    SCALE,
    UP_TO,
    Changes,
    Found,
    PhraseRule,
    counted,
    last_number,
    number,
    sets,
)

_RANGE: Final = rf"(?:{NUM}{SCALE}\s?(?:-|\u2013|to|\.\.)\s?)?{NUM}{SCALE}\+?\s?"
_CALLS: Final = r"(?:requests?|reqs?|queries|calls|hits|transactions|operations|ops|page ?views|orders|messages|events|writes|reads|votes|checkouts|payments|jobs|uploads|inserts|sessions|items)"
_PER: Final = r"\s?(?:/|per|a|an|each|every)\s?"
_BEFORE: Final = rf"(?:(?:peaks?|spikes?|bursts?)(?: load)?(?: of| at| to)?\s|average(?: load)?(?: of)?\s|avg\.?\s|mean(?: of)?\s|typically\s|sustained\s)?{UP_TO}"
_AFTER: Final = r"(?:\s(?:at )?(?:peak|in peaks?|on average|average|avg|mean|sustained|max(?:imum)?)\b)?"
_MEAN: Final = re.compile(r"\b(?:average|avg|mean|typically|sustained)\b", re.IGNORECASE)


def _rate(seconds: int, *, average: bool = False) -> Callable[[Found], Changes]:
    def changes(found: Found) -> Changes:
        rate = last_number(found["n"], grouped_dots=True) / seconds
        name = "qps_average" if average or _MEAN.search(found[0]) else "qps_peak"
        return {name: rate}

    return changes


def _rule(name: str, unit: str, seconds: int, *, examples: tuple[str, ...], average: bool = False) -> PhraseRule:
    return PhraseRule(
        id=f"rate-per-{name}",
        category="workload and scale",
        pattern=rf"{_BEFORE}(?P<n>{_RANGE})(?:{unit}){_AFTER}",
        field="qps_average" if average else "qps_peak",
        examples=examples,
        changes=_rate(seconds, average=average),
    )


WORKLOAD: Final = (
    _rule(
        "second", rf"(?:qps|rps|tps|r/s|iops\b(?!)|{_CALLS}{_PER}s(?:ec(?:ond)?s?)?)\b", 1,
        examples=("2000 QPS peak", "2k rps", "2,000 QPS", "2.000 req/s", "1000-2000 qps", "peak of 300 requests per second"),
    ),
    _rule(
        "minute", rf"(?:rpm|{_CALLS}{_PER}min(?:ute)?)\b", 60,
        examples=("120k rpm", "600 requests per minute", "90 orders a minute"),
    ),
    _rule("hour", rf"{_CALLS}{_PER}h(?:our)?\b", 3600, examples=("36,000 requests per hour",), average=True),
    _rule(
        "day", rf"(?:(?:daily )?{_CALLS}{_PER}day|daily {_CALLS})\b", 86_400,
        examples=("1 million requests a day", "86400 requests/day", "172,800 daily requests"), average=True,
    ),
    PhraseRule(
        id="concurrent-users", category="workload and scale", field="users",
        pattern=rf"{UP_TO}(?P<n>{_RANGE})(?:(?:concurrent|simultaneous|parallel|active)\s(?:active\s)?(?:users?|shoppers?|visitors?|clients?|sessions?|customers?|players?|connections?)|(?:users?|shoppers?|visitors?|clients?|customers?|players?)\s(?:at (?:once|the same time)|concurrently|simultaneously|online|in parallel))\b",
        examples=("50 concurrent users", "10 concurrent shoppers", "5k users at the same time"),
        changes=lambda found: {"users": int(last_number(found["n"], grouped_dots=True))},
    ),
    PhraseRule(
        id="registered-users", category="workload and scale", field=None,
        pattern=rf"{UP_TO}{_RANGE}(?:registered\s|daily\s(?:active\s)?|monthly\s(?:active\s)?|total\s)?(?:users?|customers?|accounts?|dau|mau|subscribers?|employees|people|staff|viewers?|readers|visitors?(?:\s(?:a|per) (?:day|month))?)\b",
        examples=("5k DAU", "2000 users", "100,000 registered customers"),
        note='people, but not how many at once: say "N concurrent users" or a rate',
    ),
    PhraseRule(
        id="replicas", category="workload and scale", field="replicas",
        pattern=rf"(?:\b(?:{NUM}|{COUNT})\s(?:to|-)\s)?\b(?P<n>{NUM}|{COUNT})\s?(?:[a-z]+(?:-[a-z]+)?\s)?(?:replicas?|instances|pods|copies)\b",
        examples=("3 replicas", "4 pods", "three front-end replicas", "two to four replicas"), changes=lambda found: {"replicas": int(counted(found["n"]))},
    ),
    PhraseRule(
        id="growth", category="workload and scale", field="growth",
        pattern=rf"(?:grow(?:s|ing|th)?(?: of| by| rate of)?\s)(?P<n>{NUM})\s?%(?:\s?(?:/|per|a|each)\s?year|\s(?:yearly|annually))?|(?P<m>{NUM})\s?%\s(?:yearly |annual )?growth(?:\s(?:per|a) year)?",
        examples=("growing by 20 % a year", "30% growth"),
        changes=lambda found: {"growth": number(found["n"] or found["m"]) / 100},
    ),
    PhraseRule(
        id="doubling", category="workload and scale", field="growth", pattern=r"doubl(?:es|ing) (?:every|each|per) year",
        examples=("doubling every year",), changes=sets(growth=1.0),
    ),
    PhraseRule(
        id="schedule", category="workload and scale", field="schedule",
        pattern=r"(?P<when>(?:nightly|daily|hourly|weekly|monthly|every (?:night|day|hour|week|month|\d{1,3} (?:minutes|hours)))(?:\s(?:at )?\d{1,2}(?::\d{2}|\s?[ap]m)(?:\sutc)?)?)\s?(?=batch|job|run|import|export|report|task|at\b|$|[,.;])(?:batch|jobs?|runs?|import|export|reports?|tasks?)?",
        examples=("nightly batch", "every night at 02:00", "hourly job"),
        changes=lambda found: {"shape": "batch", "schedule": found["when"].lower()},
    ),
    PhraseRule(
        id="batch", category="workload and scale", field="shape", pattern=r"\b(?:batch(?:[ -](?:job|processing|workload))?s?|cron ?jobs?|offline processing|background jobs?)\b",
        examples=("batch processing", "cron job"), changes=sets(shape="batch"),
    ),
    PhraseRule(
        id="spikes", category="workload and scale", field="shape",
        pattern=r"\b(?:spik(?:es?|y)|burst(?:s|y)?|black friday|cyber monday|flash sales?|seasonal(?: peaks?)?|traffic surges?|sudden load)\b",
        examples=("Black Friday spikes", "bursty traffic"), changes=sets(shape="spike"),
    ),
    PhraseRule(
        id="steady", category="workload and scale", field="shape", pattern=r"\b(?:steady|constant|even|uniform|predictable) (?:load|traffic|rate)\b",
        examples=("steady load",), changes=sets(shape="steady"),
    ),
    PhraseRule(
        id="autoscaling", category="workload and scale", field=None, pattern=r"\b(?:auto[- ]?scal(?:e|es|ing|ed)|hpa|elastic(?:ally)? scal(?:e|es|ing))\b",
        examples=("autoscaling",), note="every replicated service with a stated load gets an autoscaler anyway",
    ),
)  # fmt: skip
