"""Phrases of service level, performance, criticality and tier.

In: nothing. Out: ``SERVICE_LEVEL`` and ``TIER``. Never: a tier that nobody named.
"""

from __future__ import annotations

import re
from typing import Final

from bot.survey.description.rule import NUM, Changes, Found, PhraseRule, number, sets

_BOUND: Final = r"(?:\s?(?:latency|response times?|is|of|under|below|within|less than|at most|max(?:imum)?\.?|not over|no more than|<=?|=|:|\u2264|~|must be|should be|stay|stays|should stay)){0,4}\s?"
_TIME: Final = rf"(?P<n>{NUM})\s?(?P<u>ms|msec|milliseconds?|s|sec|seconds?)\b"
_NINES: Final = {
    "two": 99.0,
    "three": 99.9,
    "four": 99.99,
    "five": 99.999,
    "2": 99.0,
    "3": 99.9,
    "4": 99.99,
    "5": 99.999,
}
_TIERS: Final = {
    "low": "dev", "none": "dev", "development": "dev", "dev": "dev", "test": "dev", "medium": "standard",
    "normal": "standard", "standard": "standard", "production": "standard", "moderate": "standard", "high": "high",
    "very high": "critical", "critical": "critical", "highest": "critical", "mission": "critical",
}  # fmt: skip
_PERCENTILE: Final = re.compile(
    r"p(\d{2}(?:[.,]\d{1,2})?)|(\d{2}(?:[.,]\d{1,2})?)(?:th|st|nd|rd)?[- ]?percentile", re.IGNORECASE
)


def _latency(found: Found) -> Changes:
    factor = 1 if found["u"].lower().startswith("m") else 1000
    changes: dict[str, object] = {"latency_ms": number(found["n"]) * factor}
    percentile = _PERCENTILE.search(found[0])
    if percentile:
        changes["latency_percentile"] = float((percentile[1] or percentile[2]).replace(",", "."))
    return changes


def _latency_of(found: Found) -> Changes:
    if found["n"] is not None:
        return _latency(found)
    factor = 1 if found["u2"].lower().startswith("m") else 1000
    return {"latency_ms": number(found["n2"]) * factor}


def _tier(found: Found) -> Changes:
    return {"criticality": _TIERS.get(" ".join((found["t"] or "").lower().split()), "standard")}


SERVICE_LEVEL: Final = (
    PhraseRule(
        id="latency-percentile", category="SLAs and performance", field="latency_ms",
        pattern=rf"(?:\bp\d{{2}}(?:[.,]\d{{1,2}})?|\b\d{{2}}(?:[.,]\d{{1,2}})?(?:th|st|nd|rd)?[- ]?percentile){_BOUND}{_TIME}",
        examples=("p99 under 50 ms", "p95 latency < 200ms", "99th percentile below 1 s"), changes=_latency,
    ),
    PhraseRule(
        id="latency-then-percentile", category="SLAs and performance", field="latency_ms",
        pattern=rf"{_TIME}\s?(?:at |for |latency at |latency )?(?:the )?(?:p\d{{2}}(?:[.,]\d{{1,2}})?|\d{{2}}(?:[.,]\d{{1,2}})?(?:th|st|nd|rd)?[- ]?percentile)",
        examples=("200 ms p95", "50ms at p99"), changes=_latency,
    ),
    PhraseRule(
        id="latency", category="SLAs and performance", field="latency_ms",
        pattern=rf"(?:latency|response times?|answers?|respond(?:s|ing)?|replies|sla|slo|round ?trip)(?:\s\w{{1,12}}){{0,2}}?{_BOUND}{_TIME}|(?:under|below|within|less than|<=?|\u2264)\s?{_TIME.replace('?P<n>', '?P<n2>').replace('?P<u>', '?P<u2>')}(?:\s(?:latency|response times?))?",
        examples=("latency < 200ms", "response time below 1.5 s", "under 100 ms latency"),
        changes=_latency_of,
    ),
    PhraseRule(
        id="latency-after", category="SLAs and performance", field="latency_ms",
        pattern=rf"{_TIME}\s(?:latency|response times?|sla|slo)", examples=("100 ms latency", "2 seconds response time"),
        changes=_latency,
    ),
    PhraseRule(
        id="sub-second", category="SLAs and performance", field="latency_ms", pattern=r"\bsub[- ]second\b",
        examples=("sub-second answers",), changes=sets(latency_ms=1000.0),
    ),
    PhraseRule(
        id="sub-time", category="SLAs and performance", field="latency_ms", pattern=rf"\bsub[- ]?{_TIME}",
        examples=("sub-100ms",), changes=_latency,
    ),
    PhraseRule(
        id="fast", category="SLAs and performance", field=None, pattern=r"\b(?:low[- ]latency|high[- ]performance|very fast|real[- ]time|high throughput)\b",
        examples=("low latency",), note='no number: say "p95 under N ms" or a rate',
    ),
    PhraseRule(
        id="availability", category="SLAs and performance", field="availability_percent",
        pattern=rf"(?:availability|uptime|sla|slo)(?: of|:| is)?\s(?P<n>{NUM})\s?%|(?P<m>9\d(?:[.,]\d{{1,4}})?)\s?(?:%|percent)(?:\s(?:availability|uptime|available|up|sla|slo))?",
        examples=("99.9 %", "99.95% uptime", "availability of 99,9 %"),
        changes=lambda found: {"availability_percent": number(found["n"] or found["m"])},
    ),
    PhraseRule(
        id="nines", category="SLAs and performance", field="availability_percent",
        pattern=r"\b(?P<n>two|three|four|five|[2-5])[- ]nines?\b", examples=("three nines", "4 nines"),
        changes=lambda found: {"availability_percent": _NINES[found["n"].lower()]},
    ),
    PhraseRule(
        id="zero-downtime", category="SLAs and performance", field="zero_downtime",
        pattern=r"\b(?:zero|no|without|0)[- ]?(?:any )?down[- ]?time\b|\bdowntime[- ]free\b|\buninterrupted\b|\brolling updates?\b",
        examples=("zero downtime", "no downtime", "without downtime"), changes=sets(zero_downtime=True), negatable=False,
    ),
    PhraseRule(
        id="high-availability", category="SLAs and performance", field="criticality",
        pattern=r"\b(?:high(?:ly)?[- ]availab(?:le|ility)|(?-i:HA)|fault[- ]toleran(?:t|ce)|redundant|always on)\b",
        examples=("high availability", "HA"), changes=sets(criticality="high"),
    ),
    PhraseRule(
        id="around-the-clock", category="SLAs and performance", field=None, pattern=r"\b24\s?[/x]\s?7\b|\baround the clock\b",
        examples=("24/7",), note='every service runs around the clock; say "zero downtime" for updates without a gap',
    ),
    PhraseRule(
        id="recovery", category="SLAs and performance", field=None,
        pattern=rf"\b(?:rpo|rto)(?: of|:| is|=)?\s?(?:<=?\s?)?(?!0\b|zero\b)(?P<n>{NUM})\s?(?:s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)?\b",
        examples=("RPO 5 minutes", "RTO 1h"), note='recovery objectives are not planned in this version; zero loss is: "no data loss"',
    ),
)  # fmt: skip


TIER: Final = (
    PhraseRule(
        id="critical", category="criticality and tier", field="criticality",
        pattern=r"\b(?:mission|production|business|safety|life)[- ]critical\b|\b(?:highly|very|extremely|absolutely) critical\b|\btier[- ]?(?:0|1|one)\b",
        examples=("production-critical", "mission critical", "tier 1"), changes=sets(criticality="critical"),
    ),
    PhraseRule(
        id="criticality", category="criticality and tier", field="criticality",
        pattern=r"\bcriticality(?: is|:|=| of)?\s?(?P<t>very high|[a-z]{2,20})|\b(?P<t2>very high|high|medium|normal|low|standard|moderate)[- ](?:criticality|importance)\b",
        examples=("criticality: high", "low criticality", "criticality: banana"),
        changes=lambda found: _tier(found) if found["t"] else {"criticality": _TIERS[found["t2"].lower()]},
    ),
    PhraseRule(
        id="tier-number", category="criticality and tier", field="criticality", pattern=r"\btier[- ]?(?:2|3|two|three)\b",
        examples=("tier 2",), changes=sets(criticality="standard"),
    ),
    PhraseRule(
        id="hobby", category="criticality and tier", field="criticality",
        pattern=r"\b(?:best[- ]effort|hobby(?: project)?|prototype|proof of concept|poc|playground|experiment(?:al)?|toy|low priority|demo only)\b",
        examples=("best effort", "a prototype"), changes=sets(criticality="dev"),
    ),
    PhraseRule(
        id="bare-critical", category="criticality and tier", field="criticality", pattern=r"\bcritical(?: service| system)?\b",
        examples=("critical service",), changes=sets(criticality="critical"),
    ),
    PhraseRule(
        id="dev-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:dev(?:elopment)?)(?: (?:environment|env|stage|system|instance|cluster))?\b(?! team)|\b(?:environment|env)\s?[:=]?\s?dev(?:elopment)?\b",
        examples=("dev environment", "development"), changes=sets(environment="development", criticality="dev"),
    ),
    PhraseRule(
        id="staging-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:staging|pre-?prod(?:uction)?|uat)(?: (?:environment|env|stage|system))?\b|\b(?:environment|env)\s?[:=]\s?stag(?:e|ing)\b",
        examples=("staging",), changes=sets(environment="staging"),
    ),
    PhraseRule(
        id="test-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:test(?:ing)?|qa|sandbox)[- ](?:environment|env|stage|system|cluster)\b|\b(?:environment|env)\s?[:=]\s?(?:test|qa|sandbox)\b",
        examples=("test environment", "env: qa"), changes=sets(environment="test", criticality="dev"),
    ),
    PhraseRule(
        id="production-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:environment|env)\s?[:=]?\s?(?:prod|production)\b|\b(?:prod|production)(?: (?:environment|env|use|system|grade|ready|workload))?\b",
        examples=("production", "env: prod"), changes=sets(environment="production", criticality="standard"),
    ),
    PhraseRule(
        id="namespace", category="criticality and tier", field="namespace",
        pattern=r"\bnamespace\s?(?:is |called |named |[:=]\s?)?[\"'`]?(?!(?:is|called|named|per|for|and|with|of|in|on|isolation|the|a|should|must)\b)(?P<n>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)[\"'`]?|\b(?:in|into|to) (?:the )?[\"'`]?(?!(?:own|same|default|a|its|this|that|new)\b)(?P<m>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)[\"'`]? namespace\b",
        examples=("namespace shop", "in namespace `shop`", "into the shop namespace"),
        changes=lambda found: {"namespace": (found["n"] or found["m"]).lower()},
    ),
    PhraseRule(
        id="cluster", category="criticality and tier", field="cluster",
        pattern=r"\bcluster\s?(?:called |named |[:=]\s?)[\"'`]?(?P<n>[a-z0-9][a-z0-9.-]{0,61}[a-z0-9])[\"'`]?|\b(?:on|to|in) (?:the )?cluster [\"'`]?(?!(?:with|of|for|and|in|on|that|which)\b)(?P<m>[a-z0-9][a-z0-9.-]{0,61}[a-z0-9])[\"'`]?|\b(?:on|to) (?:the )?[\"'`]?(?P<o>[a-z]+-?[a-z0-9-]*\d)[\"'`]? cluster\b",
        examples=("cluster: home", "on cluster prod-1", "on the prod-1 cluster"),
        changes=lambda found: {"cluster": (found["n"] or found["m"] or found["o"]).lower()},
    ),
)  # fmt: skip
