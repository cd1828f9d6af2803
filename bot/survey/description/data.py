"""Phrases of state, data, storage and special requirements.

In: nothing. Out: ``STATE``, ``DATA`` and ``SPECIAL``. Never: a disk size from a number without a unit.
"""

from __future__ import annotations

from typing import Final

from bot.model.quantity import Bytes
from bot.survey.description.rule import NUM, SCALE, SIZE, UP_TO, Changes, Found, PhraseRule, number, sets, size

_MONTHS: Final = {"day": 30.0, "week": 30 / 7, "month": 1.0, "year": 1 / 12}


def _growth(found: Found) -> Changes:
    return {"data_growth_per_month": Bytes(round(size(found["n"]) * _MONTHS[found["per"].lower()]))}


def _mix(found: Found) -> Changes:
    reads = number(found["r"]) if found["r"] else 100 - number(found["w"])
    return {"read_write_mix": f"{reads:g}/{100 - reads:g}"}


STATE: Final = (
    PhraseRule(
        id="stateless", category="statefulness", field="stateful", pattern=r"\bstate-?less\b", examples=("stateless",),
        changes=sets(stateful=False),
    ),
    PhraseRule(
        id="stateful", category="statefulness", field="stateful",
        pattern=r"\bstate-?ful\b|\bkeeps (?:local )?state\b|\bpersistent (?:volume|disk|storage)s?\b|\bstores? (?:its )?(?:data|files|uploads) (?:on disk|locally)\b|\blocal (?:files|state)\b",
        examples=("stateful", "persistent volume"), changes=sets(stateful=True),
    ),
    PhraseRule(
        id="affinity", category="special requirements", field="session_affinity",
        pattern=r"\bsession (?:affinity|stickiness|persistence)\b|\bsticky sessions?\b", examples=("session affinity", "sticky sessions"),
        changes=sets(session_affinity=True),
    ),
    PhraseRule(
        id="websocket", category="statefulness", field="websocket",
        pattern=r"\bweb ?sockets?\b|\blong[- ]lived connections?\b|\bserver[- ]sent events\b|\bsocket\.io\b",
        examples=("WebSockets", "long-lived connections"), changes=sets(websocket=True),
    ),
)  # fmt: skip

DATA: Final = (
    PhraseRule(
        id="data-growth", category="data and storage", field="data_growth_per_month",
        pattern=rf"(?:grow(?:s|ing|th)?(?: of| by)?\s|adding\s|plus\s|\+)?{UP_TO}(?P<n>{NUM}{SIZE})\s?(?:/|per|a|an|each|every)\s?(?P<per>day|week|month|year)\b(?: growth)?",
        examples=("grows 10 GB per month", "1 GB a day"), changes=_growth,
    ),
    PhraseRule(
        id="memory", category="data and storage", field="memory_hint",
        pattern=rf"{UP_TO}(?P<n>{NUM}{SIZE})\s?(?:of )?(?:ram|memory|heap)\b|\b(?:ram|memory|heap)(?: of|:)?\s(?P<m>{NUM}{SIZE})",
        examples=("16GB RAM", "512 MiB memory"), changes=lambda found: {"memory_hint": size(found["n"] or found["m"], memory=True)},
    ),
    PhraseRule(
        id="payload", category="data and storage", field="payload",
        pattern=rf"{UP_TO}(?P<n>{NUM}{SIZE})\s?(?:per |average |avg |a )?(?:payloads?|bod(?:y|ies)|requests?|images?|uploads?|responses?|objects?|messages?|files?|documents?|photos?)\b",
        examples=("2 MB uploads", "4 KB payload"), changes=lambda found: {"payload": size(found["n"])},
    ),
    PhraseRule(
        id="data", category="data and storage", field="data",
        pattern=rf"{UP_TO}(?P<n>{NUM}{SIZE})(?:\s?(?:of )?(?:data(?:base|set)?|db|storage|disk|volume|ssd|in the database))?",
        examples=("50 GB", "1.5TB of data", "200 GiB database"), changes=lambda found: {"data": size(found["n"])},
    ),
    PhraseRule(
        id="rows", category="data and storage", field=None,
        pattern=rf"{UP_TO}{NUM}{SCALE}\+?\s?(?:rows?|records?|products?|items?|documents?|entries|skus?|articles?|files|stores|shops|tables?|tenants?|regions?|services|back ?ends)\b",
        examples=("10 million products", "500k rows"), note="a count without a size: say how many GB it is",
    ),
    PhraseRule(
        id="mix", category="data and storage", field="read_write_mix",
        pattern=rf"(?P<r>{NUM})\s?%\s?reads?(?:(?:\s?(?:/|,|and)\s?){NUM}\s?%\s?writes?)?|(?P<w>{NUM})\s?%\s?writes?",
        examples=("90 % reads", "80% reads / 20% writes"), changes=_mix,
    ),
    PhraseRule(
        id="reads-per-request", category="data and storage", field="reads_per_request",
        pattern=rf"(?P<n>{NUM})\s?(?:db |database |sql )?(?:reads|queries|selects) per request\b",
        examples=("20 queries per request",), changes=lambda found: {"reads_per_request": number(found["n"])},
    ),
    PhraseRule(
        id="writes-per-request", category="data and storage", field="writes_per_request",
        pattern=rf"(?P<n>{NUM})\s?(?:db |database |sql )?(?:writes|inserts|updates) per request\b",
        examples=("2 writes per request",), changes=lambda found: {"writes_per_request": number(found["n"])},
    ),
    PhraseRule(
        id="read-heavy", category="data and storage", field=None, pattern=r"\b(?:read|write)[- ](?:heavy|mostly|intensive)\b",
        examples=("read-heavy", "write-intensive"), note='no number: say "90 % reads" or "N queries per request"',
    ),
    PhraseRule(
        id="retention", category="data and storage", field=None,
        pattern=rf"\b(?:retention|keep(?:s|ing)?|stored?)(?: data| it| logs)?(?: of| for|:)?\s{NUM}\s?(?:days?|weeks?|months?|years?)\b|\b{NUM}\s?(?:days?|weeks?|months?|years?) (?:of )?retention\b",
        examples=("retention of 30 days", "90 days retention"), note="retention is not planned in this version: say how many GB it comes to",
    ),
    PhraseRule(
        id="backup", category="data and storage", field="backup",
        pattern=r"\b(?:daily |nightly |hourly |weekly )?back-?ups?\b|\bpoint[- ]in[- ]time recovery\b", examples=("daily backups",),
        changes=sets(backup=True),
    ),
)  # fmt: skip

SPECIAL: Final = (
    PhraseRule(
        id="strong-consistency", category="special requirements", field="strong_consistency",
        pattern=r"\bstrong(?:ly)?[- ]consisten(?:t|cy)\b|(?-i:\bACID\b)|\blineari[sz]ab(?:le|ility)\b|\bseriali[sz]ab(?:le|ility)\b|\bstrict(?:ly)? consisten(?:t|cy)\b|\btransactional(?: consistency| integrity)?\b",
        examples=("strong consistency", "ACID", "strongly consistent"), changes=sets(strong_consistency=True),
    ),
    PhraseRule(
        id="eventual-consistency", category="special requirements", field=None, pattern=r"\beventual(?:ly)?[- ]consisten(?:t|cy)\b",
        examples=("eventual consistency",), note="nothing has to be added for it",
    ),
    PhraseRule(
        id="no-data-loss", category="special requirements", field="no_data_loss",
        pattern=r"\b(?:zero|no|without|0)[- ](?:any )?data[- ]loss\b|\brpo(?: of|:| is|=)?\s?(?:0|zero)\b|\b(?:must|may) (?:not|never) lose (?:any )?data\b|\bnever loses? (?:any )?data\b|\bdurable writes\b",
        examples=("no data loss", "RPO 0", "must not lose data"), changes=sets(no_data_loss=True), negatable=False,
    ),
    PhraseRule(
        id="failover", category="special requirements", field="failover",
        pattern=r"\b(?:automatic )?fail-?over\b|\bhot[- ]standby\b|\bstandby\b", examples=("automatic failover", "hot standby"),
        changes=sets(failover=True),
    ),
    PhraseRule(
        id="gdpr", category="special requirements", field="gdpr",
        pattern=r"\b(?:gdpr|dsgvo|personal data|data (?:must stay|stays) in the eu|eu data residency)\b", examples=("GDPR", "personal data"),
        changes=sets(gdpr=True),
    ),
    PhraseRule(
        id="compliance", category="special requirements", field=None, pattern=r"\b(?:hipaa|pci(?:[- ]dss)?|iso ?27001|soc ?2|fips)\b",
        examples=("PCI-DSS",), note="shown to the reviewer; no file changes for it",
    ),
    PhraseRule(
        id="geo", category="special requirements", field="geo_redundancy",
        pattern=r"\bgeo[- ]?(?:redundan(?:t|cy)|replicat(?:ed|ion)|distributed)\b|\bmulti[- ]?(?:region|dc|site|datacenter)\b|\b(?:two|2|three|3) (?:data ?cent(?:er|re)s|regions|sites|zones)\b|\bdisaster recovery\b",
        examples=("geo-redundant", "multi-region"), changes=sets(geo_redundancy=True),
    ),
    PhraseRule(
        id="public", category="special requirements", field="public",
        pattern=r"\b(?:public(?:ly)?(?: (?:available|reachable|accessible|facing|api|site|website))?(?: (?:over|via|by) https?)?|internet[- ]facing|over https|exposed to the internet)\b",
        examples=("public over HTTPS", "internet-facing"), changes=sets(public=True),
    ),
    PhraseRule(
        id="internal", category="special requirements", field="public",
        pattern=r"\b(?:internal(?:ly)?(?: only| use| tool| service)?|intranet|vpn only|private network|not public)\b",
        examples=("internal only", "intranet"), changes=sets(public=False),
    ),
    PhraseRule(
        id="load-balancer", category="special requirements", field="load_balanced", pattern=r"\bload[- ]?balanc(?:ed|er|ing)\b",
        examples=("load balancing",), changes=sets(load_balanced=True),
    ),
    PhraseRule(
        id="gpu", category="special requirements", field="gpu", pattern=r"\b(?:gpus?|cuda|nvidia)\b", examples=("GPU",),
        changes=sets(gpu=True),
    ),
    PhraseRule(
        id="encryption", category="special requirements", field=None,
        pattern=r"\bencrypt(?:ed|ion)(?: at rest| in transit)?\b|\btls(?: 1\.[23])?\b|\bmtls\b", examples=("encryption at rest", "TLS"),
        note="not planned in this version",
    ),
    PhraseRule(
        id="observability", category="special requirements", field=None,
        pattern=r"\b(?:monitor(?:ed|ing)|metrics|prometheus|grafana|alert(?:s|ing)|tracing|logging)\b", examples=("monitoring",),
        note="not planned in this version",
    ),
    PhraseRule(
        id="frugal", category="special requirements", field=None, pattern=r"\b(?:low[- ]cost|cheap|cost[- ]sensitive|small budget|as small as possible)\b",
        examples=("low-cost",), note="sizes follow the load; set a budget in .ai-provision.yaml",
    ),
)  # fmt: skip
