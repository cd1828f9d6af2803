"""Phrases of criticality, environment and place.

In: nothing. Out: ``TIER``, ``ENVIRONMENT`` and ``PLACE``. Never: a tier that nobody named.
"""

from __future__ import annotations

from typing import Final

from bot.survey.description.rule import NOTHING, Changes, Found, PhraseRule, first, sets

_TIERS: Final = {
    "low": "dev", "none": "dev", "development": "dev", "dev": "dev", "test": "dev", "lowest": "dev", "very low": "dev",
    "medium": "standard", "normal": "standard", "standard": "standard", "production": "standard", "moderate": "standard",
    "prod": "standard", "high": "high", "very high": "critical", "critical": "critical", "highest": "critical",
    "production-critical": "critical", "mission-critical": "critical", "business-critical": "critical",
}  # fmt: skip
_ENVIRONMENTS: Final = {
    "prod": "production", "production": "production", "live": "production", "dev": "development", "devel": "development",
    "development": "development", "stage": "staging", "staging": "staging", "test": "test", "testing": "test", "qa": "test",
    "sandbox": "test",
}  # fmt: skip
_IMPLIED: Final = {"production": "standard", "development": "dev", "test": "dev"}
_QUOTE: Final = r"[\"'`]?"
_NAME: Final = r"[a-z0-9./_-]{1,64}"
_NO_NAME: Final = r"(?!(?:is|called|named|per|for|and|with|of|in|on|at|or|to|isolation|quotas?|level|the|a|should|must|that|which|will|by|limits?|names?)\b)"
_NO_CLUSTER: Final = r"(?!(?:the|own|same|default|an?|its|this|that|new|our|whole|kubernetes|k[38]s|redis|kafka|mongodb?|postgres(?:ql)?|elasticsearch|etcd|proxmox|existing|local|shared|single|target|right|prod|production|dev|development|staging|stage|test|qa|[a-z0-9]{1,6}-node)(?![\w-]))"


def _tier(found: Found) -> Changes:
    word = " ".join(first(found, "t", "t2").lower().split())
    return {"criticality": _TIERS.get(word, "standard")}


def _environment(found: Found) -> Changes:
    name = _ENVIRONMENTS.get(found["e"].lower(), found["e"].lower().strip("._/-"))
    if not name:
        return NOTHING
    implied = _IMPLIED.get(name)
    return {"environment": name} if implied is None else {"environment": name, "criticality": implied}


def _place(found: Found, field: str) -> Changes:
    """The name as written: one that breaks the rules of names is refused by the plan, not repaired here."""
    name = next(value for value in found.groupdict().values() if value is not None).lower().rstrip(".")
    return {field: name} if name.strip("./_-") else NOTHING


PLACE: Final = (
    PhraseRule(
        id="namespace", category="criticality and tier", field="namespace",
        pattern=rf"\b(?:(?:in|into|to|use|using) )?(?:the )?(?:kubernetes |k8s )?namespaces?(?:\s(?:is|called|named)\s|\s?[:=]\s?|\s){_QUOTE}{_NO_NAME}(?P<n>{_NAME}){_QUOTE}|\b(?:in|into|to) (?:the )?{_QUOTE}(?!(?:the|own|same|an?|its|this|that|new|kubernetes|k8s|separate|dedicated|their|our|single|isolated)\b)(?P<m>{_NAME}){_QUOTE} namespace\b",
        examples=("namespace shop", "in namespace `shop`", "into the shop namespace"), changes=lambda found: _place(found, "namespace"), negatable=False,
    ),
    PhraseRule(
        id="cluster", category="criticality and tier", field="cluster",
        pattern=rf"(?:[,;]\s?|^\s)cluster {_QUOTE}{_NO_NAME}(?P<p>{_NAME}){_QUOTE}(?=\s?(?:[,;.]|$))|\bcluster(?:\s(?:is|called|named)\s|\s?[:=]\s?){_QUOTE}{_NO_NAME}(?P<n>{_NAME}){_QUOTE}|\b(?:on|to|in|into) (?:the )?(?:kubernetes |k8s |proxmox )?cluster {_QUOTE}{_NO_NAME}(?P<m>{_NAME}){_QUOTE}|\b(?:on|to|into) (?:the )?{_QUOTE}{_NO_CLUSTER}(?P<o>[a-z0-9][a-z0-9._-]{{0,62}}){_QUOTE} (?:kubernetes |k8s |proxmox )?cluster\b",
        examples=("cluster: home", "on cluster prod-1", "on the prod-1 cluster"), changes=lambda found: _place(found, "cluster"), negatable=False,
    ),
    PhraseRule(
        id="environment", category="criticality and tier", field="environment",
        pattern=rf"\b(?:environment|env|stage)\s?[:=]\s?{_QUOTE}(?P<e>[a-z0-9._-]{{1,40}}){_QUOTE}", examples=("environment: staging", "env=prod"),
        changes=_environment, negatable=False,
    ),
)  # fmt: skip

TIER: Final = (
    PhraseRule(
        id="architecture-tier", category="criticality and tier", field=None, pattern=r"\b(?:(?:two|three|multi|n|2|3)[- ]tier(?:ed)?)\b",
        examples=("3-tier",), note="an architecture, not a service tier",
    ),
    PhraseRule(
        id="critical", category="criticality and tier", field="criticality",
        pattern=r"\b(?:mission|production|prod|business|safety|life)[- ]critical\b|\b(?:highly|very|extremely|absolutely|most) critical\b|\btier[- ]?(?:0|1|zero|one)\b(?![.,]\d)",
        examples=("production-critical", "mission critical", "tier 1"), changes=sets(criticality="critical"),
    ),
    PhraseRule(
        id="criticality", category="criticality and tier", field="criticality",
        pattern=r"\bcriticality(?: level)?(?:\sis\s|\s?[:=]\s?|\s(?!of\b|and\b|for\b))(?P<t>very high|very low|(?:production|mission|business)[- ]critical|[a-z]{2,20})\b|\b(?P<t2>very high|very low|high|medium|normal|low|standard|moderate|production|critical)[- ](?:criticality|importance|priority)\b",
        examples=("criticality: high", "low criticality", "criticality: banana"), changes=_tier, negatable=False,
        note="low is dev; medium, normal and production are standard; an unknown word is standard",
    ),
    PhraseRule(
        id="tier-number", category="criticality and tier", field="criticality", pattern=r"\btier[- ]?(?:2|3|two|three)\b(?![.,]\d)",
        examples=("tier 2",), changes=sets(criticality="standard"),
    ),
    PhraseRule(
        id="hobby", category="criticality and tier", field="criticality",
        pattern=r"\b(?:best[- ]effort|hobby(?: project)?|prototype|proof of concept|(?-i:PoC|POC)|playground|experiment(?:al)?|toy(?: project| app)|demo (?:only|app(?:lication)?|service|system))\b",
        examples=("best effort", "a prototype"), changes=sets(criticality="dev"),
    ),
    PhraseRule(
        id="bare-critical", category="criticality and tier", field="criticality",
        pattern=r"(?<!\w)(?<!path-)(?<!performance-)(?<!latency-)(?<!time-)(?<!cost-)critical\b(?! path| section| css)(?: (?:service|system|application|app)\b)?",
        examples=("critical service",), changes=sets(criticality="critical"),
    ),
)  # fmt: skip

ENVIRONMENT: Final = (
    PhraseRule(
        id="dev-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:in |for )?dev(?:elopment)?[- ](?:environment|env|stage|system|instance|cluster|use|only)\b|\b(?:in|for|to) (?:the )?(?:dev|development)(?=\s?(?:[,.;)]|$))|(?:^\s|[,;(]\s?)(?:dev|development)(?=\s?(?:[,.;)]|$))",
        examples=("dev environment", "development"), changes=sets(environment="development", criticality="dev"),
    ),
    PhraseRule(
        id="staging-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:staging|pre-?prod(?:uction)?|(?-i:UAT))(?: (?:environment|env|stage|system|cluster))?\b", examples=("staging",), changes=sets(environment="staging"),
    ),
    PhraseRule(
        id="test-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:test(?:ing)?|qa|sandbox|integration)[- ](?:environment|env|stage|system|cluster)\b|(?-i:\bQA\b)",
        examples=("test environment", "QA"), changes=sets(environment="test", criticality="dev"),
    ),
    PhraseRule(
        id="production-environment", category="criticality and tier", field="environment",
        pattern=r"\b(?:in |for )?(?:prod|production)\b(?!\s(?:line|lines|planning|company|data|orders?)\b)(?:[- ](?:environment|env|use|system|cluster|grade|ready|workload|service))?\b|\blive (?:environment|system)\b",
        examples=("production", "in production"), changes=sets(environment="production", criticality="standard"),
    ),
)  # fmt: skip
