"""Phrases of scale: replicas, growth, schedules, spikes and batches.

In: nothing. Out: ``SHAPE``. Never: a schedule from a time of day alone.
"""

from __future__ import annotations

from typing import Final

from bot.survey.description.numbers import HIGH, NUM, SCALE, measure, percent
from bot.survey.description.rule import NOTHING, Changes, Found, PhraseRule, first, sets

_PODS: Final = r"(?:replicas?|instances|pods|copies)\b"
_TIME_OF_DAY: Final = r"(?:(?:at|from)\s)?(?:\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]\.?m\b\.?)?|\d{1,2}\s?[ap]\.?m\b\.?|midnight|noon)(?:\s(?:utc|gmt|cet|cest)\b)?"
_OFTEN: Final = rf"(?:nightly|daily|hourly|weekly|monthly|(?:once|twice) (?:an?|per|every) (?:day|week|month|hour|night)|every (?:night|day|hour|week|month|morning|evening|weekend|weekday|minute|sunday|monday|tuesday|wednesday|thursday|friday|saturday|{NUM} (?:minutes|mins?|hours|days)))"
_WORK: Final = r"(?:batch(?: jobs?)?|jobs?|runs?|imports?|exports?|reports?|tasks?|syncs?|processing|etl)"


def _replicas(found: Found) -> Changes:
    """Of a range the lower end: how many run at least; the upper end is the autoscaler's."""
    count = measure(first(found, "low", "n", "m"))
    return {"replicas": int(count)} if 1 <= count <= 1000 and count == int(count) else NOTHING


def _growth(found: Found) -> Changes:
    share = percent(first(found, "n", "m")) / 100
    return {"growth": share} if 0 < share <= 100 else NOTHING


def _factor(found: Found) -> Changes:
    factor = measure(found["n"]) - 1
    return {"growth": factor} if 0 < factor <= 100 else NOTHING


def _schedule(found: Found) -> Changes:
    when = first(found, "when", "cron") + (found.groupdict().get("at") or "")
    return {"schedule": when.strip(" ,").lower(), "shape": "batch"}


SHAPE: Final = (
    PhraseRule(
        id="read-replicas", category="data and storage", field=None,
        pattern=rf"(?:{NUM}\s)?\bread[- ]replicas?\b", examples=("two read replicas",), note="copies of a database are planned from the tier",
    ),
    PhraseRule(
        id="replicas-at-most", category="workload and scale", field=None,
        pattern=rf"\b(?:up to|at most|max\.?|maximum(?: of)?|bursts? to|scal(?:es?|ing) (?:out |up )?to|no more than|not more than)\s{NUM}\s?{_PODS}",
        examples=("up to 10 replicas", "burst to two replicas"), note="the autoscaler's upper bound is computed from the load", negatable=False,
    ),
    PhraseRule(
        id="replicas", category="workload and scale", field="replicas",
        pattern=rf"(?:\b(?:at least|min\.?|minimum(?: of)?)\s)?(?:(?P<low>{NUM})(?:\s?-\s?|\sto\s|\sor\s){HIGH}|(?P<n>{NUM}))\s?(?:(?!read\b|gb\b|concurrent\b)[a-z]{{1,12}}(?:-[a-z]{{1,12}})?\s){{0,2}}{_PODS}|\breplicas?\s?[:=]\s?(?P<m>{NUM})",
        examples=("3 replicas", "4 pods", "three front-end replicas", "two to four replicas", "replicas: 3"), changes=_replicas,
        note="the least number of pods; the autoscaler may run more", negatable=False,
    ),
    PhraseRule(
        id="growth", category="workload and scale", field="growth",
        pattern=rf"\b(?:grow(?:s|ing|th)?|increas(?:es|ing))(?: rate)?(?: of| by|:)?\s(?P<n>{NUM})\s?(?:%|percent)(?:\s?(?:/|per|an?|each|every)\s?year|\s(?:yearly|annually))?(?!\s?(?:/|per|an?|each|every)\s?(?:month|week|day))"
        rf"|(?P<m>{NUM})\s?(?:%|percent)\s(?:yearly |annual |year[- ]on[- ]year )?growth(?:\s(?:per|a|every) year)?(?!\s(?:per|a|every) (?:month|week|day))",
        examples=("growing by 20 % a year", "30% growth"), changes=_growth, negatable=False,
    ),
    PhraseRule(
        id="fast-growth", category="workload and scale", field=None,
        pattern=rf"\b(?:grow(?:s|ing|th)?)(?: rate)?(?: of| by|:)?\s{NUM}\s?(?:%|percent)\s?(?:/|per|an?|each|every)\s?(?:month|week|day)|{NUM}\s?(?:%|percent)\s(?:monthly|weekly|daily) growth|{NUM}\s?(?:%|percent)\sgrowth\s(?:per|a|every) (?:month|week|day)",
        examples=("grows 10 % per month",), note='say the growth until the next review, such as "40 % growth a year"', negatable=False,
    ),
    PhraseRule(
        id="doubling", category="workload and scale", field="growth",
        pattern=r"\bdoubl(?:es|ing|ed?)(?: (?:every|each|per|in a|within a|next) year)\b", examples=("doubling every year",), changes=sets(growth=1.0),
    ),
    PhraseRule(
        id="growth-factor", category="workload and scale", field="growth", pattern=rf"(?P<n>{NUM})\s?x\s(?:yearly |annual )?growth\b", examples=("2x growth",),
        changes=_factor, negatable=False,
    ),
    PhraseRule(
        id="spike-factor", category="workload and scale", field="shape",
        pattern=rf"{NUM}\s?(?:x|times)\s(?:higher |more |the (?:normal|usual|average) )?(?:spikes?|peaks?|bursts?|traffic|load)\b|\b(?:spikes?|peaks?|bursts?)(?: of| to| up to)? {NUM}\s?(?:x|times)\b",
        examples=("5x spikes",), changes=sets(shape="spike"), note="the factor is not used: say the peak as a rate", negatable=False,
    ),
    PhraseRule(
        id="cron", category="workload and scale", field="schedule",
        pattern=r"\b(?:cron(?: job| expression| schedule)?|schedule)(?: is|:|=)?\s[\"'`]?(?P<cron>[\d*][\d*/,-]{0,8}(?:\s[\d*][\d*/,-]{0,8}){3}\s[\w*][\w*/,-]{0,8})[\"'`]?",
        examples=("cron 0 2 * * *",), changes=_schedule,
    ),
    PhraseRule(
        id="schedule", category="workload and scale", field="schedule",
        pattern=rf"\b(?:runs? )?(?P<when>{_OFTEN}(?:\s{_TIME_OF_DAY})?)(?:\s{_WORK}\b(?P<at>\s{_TIME_OF_DAY})?|(?=\s?(?:[,.;)]|$))|(?<=\d)(?![\w:])|(?<=utc)\b)|\bruns (?P<cron>{_TIME_OF_DAY})",
        examples=("nightly batch", "every night at 02:00", "hourly job", "runs at 03:00 UTC", "every 5 minutes"), changes=_schedule,
    ),
    PhraseRule(
        id="business-hours", category="workload and scale", field=None,
        pattern=r"\b(?:(?:business|office|working|opening) hours(?: only)?(?:\s?\(?\d{1,2}(?::\d{2})?\s?(?:-|to)\s?\d{1,2}(?::\d{2})?\)?)?|(?:on )?weekdays(?: only)?|\d{1,2}:\d{2}\s?(?:-|to)\s?\d{1,2}:\d{2})",
        examples=("business hours 8-18", "weekdays only"), note="the workload runs all the time",
    ),
    PhraseRule(
        id="batch", category="workload and scale", field="shape",
        pattern=r"\b(?:batch(?:[ -](?:jobs?|process(?:ing|es)?|workloads?|imports?))?|batches|cron ?jobs?|scheduled jobs?|offline processing|background jobs?|etl)\b",
        examples=("batch processing", "cron job"), changes=sets(shape="batch"),
    ),
    PhraseRule(
        id="spikes", category="workload and scale", field="shape",
        pattern=r"\b(?:black friday|cyber monday|flash sales?|prime day|christmas|seasonal|sudden|marketing campaigns?)(?: traffic| load)?(?: spikes?| peaks?| surges?| rush)?\b|\b(?:traffic|load)? ?(?:spik(?:es?|y|ing)|bursts?|bursty|surges?|rush hours?)\b(?: traffic| load)?|\b(?:highly |very )variable (?:load|traffic)\b",
        examples=("Black Friday spikes", "bursty traffic"), changes=sets(shape="spike"),
    ),
    PhraseRule(
        id="steady", category="workload and scale", field="shape",
        pattern=r"\b(?:steady|constant|even|uniform|predictable|flat)(?:[ -]state)? (?:load|traffic|rate)\b", examples=("steady load",), changes=sets(shape="steady"),
    ),
    PhraseRule(
        id="autoscaling", category="workload and scale", field=None,
        pattern=r"\b(?:auto[- ]?scal(?:e|es|ed|er|ing)|hpa|elastic(?:ally)? scal(?:e|es|ing)|horizontal(?:ly)? scal(?:able|ing|e|es))\b",
        examples=("autoscaling",), note="every replicated service with a stated load gets an autoscaler anyway",
    ),
    PhraseRule(
        id="machine-parts", category="workload and scale", field=None,
        pattern=rf"{NUM}{SCALE}[\s-]?(?:v?cpus?|(?:cpu )?cores?|(?:worker |kubernetes |cluster |redis |proxmox )?nodes?|vms?|machines|servers|hosts)\b",
        examples=("4 vCPU", "six-node", "2 cores"), note="sizes and counts of machines are computed from the load", negatable=False,
    ),
)  # fmt: skip
