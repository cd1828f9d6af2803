"""Phrases of special requirements: consistency, loss, failover, law, place of the users, devices.

In: nothing. Out: ``SPECIAL``. Never: a promise that the plan cannot keep without a note.
"""

from __future__ import annotations

from typing import Final

from bot.survey.description.rule import PhraseRule, sets

SPECIAL: Final = (
    PhraseRule(
        id="eventual-consistency", category="special requirements", field=None, pattern=r"\beventual(?:ly)?[- ]consisten(?:t|cy)\b",
        examples=("eventual consistency",), note="nothing has to be added for it",
    ),
    PhraseRule(
        id="strong-consistency", category="special requirements", field="strong_consistency",
        pattern=r"\b(?:strong|strict|immediate)(?:ly)?[- ]consisten(?:t|cy)\b|(?-i:\bACID\b)(?: transactions?| compliant| compliance| guarantees?)?|\blineari[sz]ab(?:le|ility)\b|\bseriali[sz]ab(?:le|ility)\b|\btransactional\b(?!\s(?:e-?)?mails?)(?: consistency| integrity)?|\bread[- ](?:after|your)[- ]writes?(?: consistency)?\b|\bconsistent (?:reads|writes)\b",
        examples=("strong consistency", "ACID", "strongly consistent"), changes=sets(strong_consistency=True),
    ),
    PhraseRule(
        id="loss-allowed", category="special requirements", field=None,
        pattern=r"\b(?:losing (?:\w{1,12}\s){1,3}(?:on (?:\w{1,12}\s){1,4})?|(?:some |little )?data[- ]loss )(?:is |are )?(?:acceptable|ok|okay|fine|allowed|tolerable|no problem)\b|\b(?:may|can) lose data\b",
        examples=("losing a cart is acceptable", "data loss is acceptable"), note="nothing is added against loss", negatable=False,
    ),
    PhraseRule(
        id="no-data-loss", category="special requirements", field="no_data_loss",
        pattern=r"\b(?:zero|no|without|0)[- ](?:any )?(?:data[- ]loss|loss of data|lost (?:data|orders?|writes?|messages?))\b|\bwithout losing (?:any |a |an )?\w{1,12}\b|\brpo(?: of|:| is|=)?\s?(?:0|zero)\b(?![.,]\d)(?:\s?(?:s|seconds|minutes))?|\b(?:must|may|can|should|do(?:es)?)(?: not|n?'t| never|not) (?:ever )?los(?:e|es|ing) (?:any |an? |the |single )?\w{1,12}\b|\bnever los(?:es?|ing) (?:any |an? |the )?\w{1,12}\b|\bdurab(?:le|ility)(?: writes)?\b|\bsynchronous replication\b|\bloss[- ]?less\b",
        examples=("no data loss", "RPO 0", "must not lose an order"), changes=sets(no_data_loss=True),
    ),
    PhraseRule(
        id="affinity", category="special requirements", field="session_affinity",
        pattern=r"\bsession[- ](?:affinity|stickiness|persistence)\b|\bsticky(?:[- ]sessions?)?\b", examples=("session affinity", "sticky sessions"),
        changes=sets(session_affinity=True),
    ),
    PhraseRule(
        id="websocket", category="statefulness", field="websocket",
        pattern=r"\bweb ?sockets?\b|\blong[- ]lived connections?\b|\bserver[- ]sent events\b|(?-i:\bSSE\b)|\bsocket\.io\b",
        examples=("WebSockets", "long-lived connections"), changes=sets(websocket=True),
    ),
    PhraseRule(
        id="geo", category="special requirements", field="geo_redundancy",
        pattern=r"\bgeo(?:graphic(?:al(?:ly)?)?)?[- ]?(?:redundan(?:t|cy)|replicat(?:ed|ion)|distributed)\b|\b(?:multi|cross)[- ]?(?:region(?:al)?|dc|site|data ?cent(?:er|re))\b|\b(?:two|2|three|3|multiple|several) (?:data ?cent(?:er|re)s|regions|sites)\b|\bdisaster recovery\b|\b(?:second|another) (?:data ?cent(?:er|re)|region|site)\b",
        examples=("geo-redundant", "multi-region"), changes=sets(geo_redundancy=True),
    ),
    PhraseRule(
        id="zones", category="special requirements", field=None,
        pattern=r"\bmulti[- ]?(?:az|zone)\b|\b(?:across|over|in) (?:two|2|three|3|multiple|several|all|different) (?:availability )?zones\b|\bavailability zones?\b",
        examples=("multi-AZ", "across three zones"), note="pods are spread over the zones that the cluster has",
    ),
    PhraseRule(
        id="failover", category="special requirements", field="failover",
        pattern=r"\b(?:automatic |fast )?fail[- ]?over\b|\b(?:hot|warm|cold)?[- ]?standby\b|\bself[- ]healing\b", examples=("automatic failover", "hot standby"),
        changes=sets(failover=True),
    ),
    PhraseRule(
        id="gdpr", category="special requirements", field="gdpr",
        pattern=r"\b(?:gdpr|dsgvo|personal(?:ly identifiable)? (?:data|information)|(?-i:PII)|data (?:must stay|stays|residency) in (?:the )?eu|eu data residency|eu[- ]only)\b(?:[- ](?:compliant|compliance))?",
        examples=("GDPR", "personal data"), changes=sets(gdpr=True),
    ),
    PhraseRule(
        id="compliance", category="special requirements", field=None,
        pattern=r"\b(?:hipaa|pci(?:[- ]?dss)?(?: \d(?:\.\d)?)?|iso[ -]?\d{4,5}|soc ?[12](?: type (?:1|2|i{1,2}))?|fips(?: ?140(?:-[23])?)?|nis ?2|dora)\b(?:[- ](?:compliant|compliance))?",
        examples=("PCI-DSS", "ISO 27001"), note="shown to the reviewer; no file changes for it",
    ),
    PhraseRule(
        id="no-inbound", category="special requirements", field="public",
        pattern=r"\bno (?:inbound|user|incoming|external|public)(?: http)? (?:traffic|access|requests)\b|\bno inbound(?: http)?\b|\bno ingress\b|\bnot exposed\b|\bnot public\b|\bnon-public\b",
        examples=("no inbound traffic", "not public"), changes=sets(public=False), negatable=False,
    ),
    PhraseRule(
        id="public", category="special requirements", field="public",
        pattern=r"\b(?:public(?:ly)?\b(?! (?:cloud|holidays?|sector|keys?|transport|health|schools?|authorit(?:y|ies)|administration|registry|image))(?: (?:available|reachable|accessible|facing|api|site|website|internet|endpoint))?(?: (?:over|via|by) https?)?|(?:internet|customer|user)[- ]facing|over https|(?:exposed|open|reachable|available|accessible) (?:to|from|on|over|via) the (?:public )?internet)\b",
        examples=("public over HTTPS", "internet-facing"), changes=sets(public=True), denied={"public": False},
    ),
    PhraseRule(
        id="internal", category="special requirements", field="public",
        pattern=r"\b(?:(?:cluster-)?internal(?:ly)?(?: only| use| tool| service| api| users?)?|intranet(?: only)?|(?:only )?(?:behind|over|via) (?:an? |the )?vpn|vpn only|private (?:network|api|service|only|access)|only for (?:employees|staff|internal users))\b",
        examples=("internal only", "intranet"), changes=sets(public=False),
    ),
    PhraseRule(
        id="load-balancer", category="special requirements", field="load_balanced", pattern=r"\b(?:behind (?:an? |the )?)?load[- ]?balanc(?:ed|ers?|ing)\b",
        examples=("load balancing",), changes=sets(load_balanced=True),
    ),
    PhraseRule(
        id="gpu", category="special requirements", field="gpu", pattern=r"(?:\b(?:one|two|four|eight|\d{1,2}) (?:x )?)?\b(?:nvidia (?:[a-z]\d{1,4} )?)?gpus?\b|\bcuda\b|\bnvidia(?: [a-z]\d{1,4})?\b",
        examples=("GPU",), changes=sets(gpu=True),
    ),
    PhraseRule(
        id="encryption", category="special requirements", field=None,
        pattern=r"\bencrypt(?:ed|ion)(?: at rest| in transit)?\b|\bm?tls\b|\bhttps\b", examples=("encryption at rest", "TLS"), note="not planned in this version",
    ),
    PhraseRule(
        id="login", category="special requirements", field=None, pattern=r"\b(?:sso|single sign[- ]on|oauth|oidc|openid(?: connect)?|saml|2fa|mfa)\b",
        examples=("SSO",), note="the application's own affair; no file changes for it",
    ),
    PhraseRule(
        id="observability", category="special requirements", field=None,
        pattern=r"\b(?:monitor(?:ed|ing)|metrics|prometheus(?: metrics)?|grafana|alert(?:s|ing)|tracing|opentelemetry|logging)\b", examples=("monitoring",),
        note="not planned in this version",
    ),
    PhraseRule(
        id="frugal", category="special requirements", field=None, pattern=r"\b(?:low[- ]cost|cheap(?:ly)?|cost[- ](?:sensitive|critical|efficient|optimi[sz]ed)|small budget|as small as possible)\b",
        examples=("low-cost",), note="sizes follow the load; set a budget in .ai-provision.yaml",
    ),
)  # fmt: skip
