"""Phrases of service level and performance: latency, availability, downtime, recovery.

In: nothing. Out: ``SERVICE_LEVEL`` and ``CONTINUITY``. Never: a target from a time that bounds something else.
"""

from __future__ import annotations

import re
from typing import Final

from bot.survey.description.numbers import HIGH, NUM, measure, percent
from bot.survey.description.rule import NOTHING, Changes, Found, PhraseRule, first, sets

_DAY_MS: Final = 86_400_000.0
_BOUND: Final = r"(?:\s?(?:latency|latencies|response times?|is|are|be|of|in|at|under|below|within|less than|lower than|faster than|at most|max(?:imum)?\.?|not over|no more than|not more than|not exceed(?:ing)?|<=?|=|:|\u2264|~|must|should|has to|stays?|remains?|target|goal|budget|sla|slo|about|around|up to)(?![a-z])){0,6}\s?"
_UNITS: Final = r"(?:ms|msec|milliseconds?|s|secs?|seconds?)\b(?!\s?(?:apart|interval))"


def _time(number: str, unit: str) -> str:
    return rf"(?:{NUM}\s?(?:ms)?\s?(?:-|to)\s?)?(?P<{number}>{HIGH})\s?(?P<{unit}>{_UNITS})"


_TIME: Final = _time("n", "u")
_HIGH_PERCENT: Final = r"9\d(?:[.,]\d{1,3})?"
_P: Final = rf"(?:\bt?p\s?{_HIGH_PERCENT}|\b{_HIGH_PERCENT}(?:th|st|nd|rd)?[- ]?percentile)"
_LOW_P: Final = r"(?:\bp\s?[1-8]\d|\b[1-8]\d(?:th|st|nd|rd)?[- ]?percentile|\bmedian|\bmean|\baverage)"
_PERCENTILE: Final = re.compile(
    rf"p\s?({_HIGH_PERCENT})|({_HIGH_PERCENT})(?:th|st|nd|rd)?[- ]?percentile|({_HIGH_PERCENT})\s?(?:%|percent)",
    re.IGNORECASE,
)
_SPEED: Final = r"(?:latency|latencies|response times?|answers?|respon(?:se|ds?|ding|ses)|repl(?:y|ies)|served|sla|slo|round[- ]?trips?|page loads?|loads?)"
_NINES: Final = {"two": 99.0, "three": 99.9, "four": 99.99, "five": 99.999, "2": 99.0, "3": 99.9, "4": 99.99, "5": 99.999}  # fmt: skip
_PERCENT: Final = r"\s?(?:%|percent)"


def _latency(found: Found) -> Changes:
    groups = found.groupdict()
    number, unit = (groups["n"], groups["u"]) if groups["n"] else (groups["n2"], groups["u2"])
    value = measure(number) * (1 if unit.lower().startswith("m") else 1000)
    if not 0 < value <= _DAY_MS:
        return NOTHING
    asked = _PERCENTILE.search(found[0])
    percentile = percent(next(part for part in asked.groups() if part)) if asked else None
    return {"latency_ms": value, "latency_percentile": percentile}


def _availability(found: Found) -> Changes:
    share = percent(first(found, "n", "m", "o"))
    return {"availability_percent": share} if 0 < share < 100 else NOTHING


SERVICE_LEVEL: Final = (
    PhraseRule(
        id="latency-low-percentile", category="SLAs and performance", field=None,
        pattern=rf"{_LOW_P}{_BOUND}{_TIME}|{_time('n2', 'u2')}\s(?:at |for )?(?:the )?{_LOW_P}",
        examples=("p50 under 20 ms", "median 20 ms"), note="the plan holds the 95th percentile: say p95 or p99", negatable=False,
    ),
    PhraseRule(
        id="latency-percentile", category="SLAs and performance", field="latency_ms",
        pattern=rf"{_P}\)?{_BOUND}{_TIME}", examples=("p99 under 50 ms", "p95 latency < 200ms", "99th percentile below 1 s"),
        changes=_latency, negatable=False,
    ),
    PhraseRule(
        id="latency-share", category="SLAs and performance", field="latency_ms",
        pattern=rf"\b{_HIGH_PERCENT}{_PERCENT} (?:of )?(?:all |the )?(?:requests|responses|calls|answers|queries|pages)\b{_BOUND}(?:(?:answered|served|complete[ds]?|done|respond(?:ed)?)\b{_BOUND})?{_TIME}",
        examples=("95% of requests under 200 ms",), changes=_latency, negatable=False,
    ),
    PhraseRule(
        id="latency-then-percentile", category="SLAs and performance", field="latency_ms",
        pattern=rf"(?:{_SPEED}{_BOUND})?{_TIME}\s?\(?(?:latency |response time |at |for |@ ?){{0,2}}(?:the )?(?:{_P}|{_HIGH_PERCENT}{_PERCENT} of (?:all )?(?:the )?(?:requests|responses|calls|users))\)?",
        examples=("200 ms p95", "50ms at p99", "latency SLO: 100 ms (p95)"), changes=_latency, negatable=False,
    ),
    PhraseRule(
        id="other-time", category="SLAs and performance", field=None,
        pattern=rf"\b(?:time-?outs?|ttl|intervals?|grace(?: period)?|warm-?up|cold starts?|start(?:s|up)?(?:[ -]?time)?|boots?|cach(?:ed|es)(?: for)?|poll(?:s|ed|ing)?|refresh(?:es|ed)?|recover(?:s|y)?|restarts?|restor(?:es?|ed)|fail(?:s)?[ -]?over|scal(?:es?|ing)(?: up| out)?|deploy(?:s|ment)?|heartbeats?|retr(?:y|ies)|lasts?|takes?|runs? for)(?:\s?(?:of|is|in|after|within|under|below|takes|up to|about|every|less than|:|=|<)){{0,3}}\s?{NUM}\s?(?:ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)\b|{NUM}[ -]?(?:ms|s|secs?|seconds?|mins?|minutes?) (?:time-?out|interval|ttl|cold start|startup|heartbeat)\b",
        examples=("timeout 30 s", "starts in 20 seconds"), note="a time, but no response time of the service", negatable=False,
    ),
    PhraseRule(
        id="latency", category="SLAs and performance", field="latency_ms",
        pattern=rf"\b{_SPEED}(?:\s(?!in\b|of\b|under\b|below\b|within\b)[a-z]{{1,12}}){{0,2}}{_BOUND}{_TIME}|(?:\b(?:under|below|within|less than|faster than|in under|at most)|<=?|\u2264)\s?{_time('n2', 'u2')}(?:\s(?:latency|response times?))?",
        examples=("latency < 200ms", "response time below 1.5 s", "under 100 ms latency"), changes=_latency, negatable=False,
    ),
    PhraseRule(
        id="latency-field", category="SLAs and performance", field="latency_ms",
        pattern=rf"\b(?:sla[_ ])?latency[_ ]?\(?(?P<u>ms|milliseconds)\)?\s?[:=]\s?(?P<n>{NUM})", examples=("sla_latency_ms: 100",), changes=_latency, negatable=False,
    ),
    PhraseRule(
        id="latency-after", category="SLAs and performance", field="latency_ms",
        pattern=rf"{_TIME}\s(?:max(?:imum)? |target )?(?:latency|response times?|sla|slo|round[- ]?trip)\b", examples=("100 ms latency", "2 seconds response time"),
        changes=_latency, negatable=False,
    ),
    PhraseRule(
        id="sub-time", category="SLAs and performance", field="latency_ms",
        pattern=rf"\bsub[- ]?(?P<n>\d{{1,5}})\s?-?(?P<u>{_UNITS})(?: latency| response times?)?", examples=("sub-100ms",), changes=_latency, negatable=False,
    ),
    PhraseRule(
        id="sub-second", category="SLAs and performance", field="latency_ms",
        pattern=r"\bsub[- ]?second\b(?: latency| response times?| answers)?|\b(?:under|within|less than|below) (?:a|one) second\b",
        examples=("sub-second answers", "within a second"), changes=sets(latency_ms=1000.0, latency_percentile=None),
    ),
    PhraseRule(
        id="fast", category="SLAs and performance", field=None,
        pattern=r"\b(?:(?:ultra[- ])?low[- ]latency|latency[- ](?:critical|sensitive)|(?:performance|time)[- ]critical|high[- ]performance|very fast|real[- ]time|high[- ]throughput|snappy|responsive)\b",
        examples=("low latency", "real-time"), note='no number: say "p95 under N ms" or a rate',
    ),
    PhraseRule(
        id="always-up", category="SLAs and performance", field="zero_downtime", pattern=rf"(?<![\d.,])100{_PERCENT} (?:availability|uptime|available)\b",
        examples=("100 % uptime",), changes=sets(zero_downtime=True),
    ),
    PhraseRule(
        id="other-share", category="SLAs and performance", field=None,
        pattern=rf"\b(?:error rate|errors?|cache hit (?:rate|ratio)|hit (?:rate|ratio)|(?:cpu|memory|disk)(?: utili[sz]ation| usage| load)?|utili[sz]ation|test coverage|coverage|discount)(?: of| is| at|:|=| below| under| above| <| >)?\s{NUM}{_PERCENT}|{NUM}{_PERCENT} (?:errors?|error rate|cache hits?|hit (?:rate|ratio)|cpu|memory|utili[sz]ation|coverage|discount|cached)\b",
        examples=("error rate below 0.1 %", "cache hit rate 90%"), note="a share, but no availability; nothing is sized by it", negatable=False,
    ),
    PhraseRule(
        id="availability", category="SLAs and performance", field="availability_percent",
        pattern=rf"\b(?:availability|uptime|available|sla|slo)(?: target| goal)?(?: of|:| is|=|,)?\s(?:at least |>=? ?|\u2265 ?)?(?:(?P<n>{NUM}){_PERCENT}|(?P<o>9\d[.,]\d{{1,4}})(?![\w%]))|(?<![\w.,])(?P<m>(?:9\d(?:[.,]\d{{1,4}})?(?={_PERCENT} (?:availab|uptime|up\b|sla|slo))|99(?:[.,]\d{{1,4}})?)){_PERCENT}(?!\s(?:of|reads?|writes?))(?:\s(?:availability|uptime|available|up|sla|slo)\b)?",
        examples=("99.9 %", "99.95% uptime", "availability of 99,9 %", "uptime 99.99"), changes=_availability, negatable=False,
    ),
    PhraseRule(
        id="nines", category="SLAs and performance", field="availability_percent",
        pattern=r"\b(?P<n>two|three|four|five|[2-5])[- ](?:nines?|9'?s)\b(?: (?:of )?(?:availability|uptime))?", examples=("three nines", "4 nines"),
        changes=lambda found: {"availability_percent": _NINES[found["n"].lower()]},
    ),
)  # fmt: skip

CONTINUITY: Final = (
    PhraseRule(
        id="downtime-allowed", category="SLAs and performance", field=None,
        pattern=r"\b(?:(?:short|some|brief|planned|little|nightly|occasional)\s)?(?:down[- ]?time|outages?|interruptions?)(?: windows?)? (?:is |are )?(?:acceptable|ok|okay|fine|allowed|tolerable|tolerated|possible|no problem)\b|\b(?:tolerates?|allows?|accepts?) (?:short |some |brief )?(?:down[- ]?time|outages)\b|\bmaintenance windows?\b",
        examples=("short downtime is acceptable", "maintenance window"), note="updates are without a gap wherever more than one pod runs", negatable=False,
    ),
    PhraseRule(
        id="zero-downtime", category="SLAs and performance", field="zero_downtime",
        pattern=r"\b(?:zero|no|without|0|near[- ]zero)[- ]?(?:any )?(?:down[- ]?time|interruptions?|outages?)\b(?: deployments?| updates?| rollouts?)?|\b(?:no|without|zero) service interruptions?\b|\bdowntime[- ]free\b|\buninterrupted\b|\brolling (?:updates?|deployments?)\b|\bnever (?:be )?(?:down|offline)\b",
        examples=("zero downtime", "no downtime", "without downtime"), changes=sets(zero_downtime=True),
    ),
    PhraseRule(
        id="high-availability", category="SLAs and performance", field="criticality",
        pattern=r"\b(?:high(?:ly)?[- ]availab(?:le|ility)|(?-i:HA)|fault[- ]toleran(?:t|ce)|redundan(?:t|cy|tly)|always[- ](?:on|available)|resilien(?:t|ce))\b(?: setup| cluster| mode)?",
        examples=("high availability", "HA"), changes=sets(criticality="high", failover=True),
    ),
    PhraseRule(
        id="node-loss", category="SLAs and performance", field="failover",
        pattern=r"\b(?:survives?|tolerates?|withstands?)(?: the)? (?:loss|failure|outage|crash) of (?:an?|one|any|a single|two) (?:node|host|machine|server|pod|zone|replica)s?\b|\bno single point of failure\b|\bn\+1\b",
        examples=("survives the loss of one node", "no single point of failure"), changes=sets(failover=True, criticality="high"),
    ),
    PhraseRule(
        id="around-the-clock", category="SLAs and performance", field=None, pattern=r"(?<!\w)24\s?[/x]\s?7\b|\baround the clock\b|\b24 hours(?: a day)?\b",
        examples=("24/7",), note='every service runs around the clock; say "zero downtime" for updates without a gap',
    ),
    PhraseRule(
        id="recovery", category="SLAs and performance", field=None,
        pattern=rf"\b(?:rpo|rto)(?: of|:| is|=| under| below| within)?\s?(?:<=? ?|\u2264 ?)?(?!0\b(?![.,]\d)|zero\b){NUM}\s?(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)?\b",
        examples=("RPO 5 minutes", "RTO 1h"), note='recovery objectives are not planned in this version; zero loss is: "no data loss"', negatable=False,
    ),
)  # fmt: skip
