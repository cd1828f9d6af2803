"""Phrases of dependencies: databases, caches, queues, other people's services.

In: nothing. Out: ``DEPENDENCIES`` and ``UNNAMED``. Never: a product for a word that only names a kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.model.demand import Wanted
from bot.model.profile import DependencyKind
from bot.survey.description.numbers import NUM
from bot.survey.description.rule import Changes, Found, PhraseRule
from bot.survey.description.stack import VERSION

_STORES: Final[tuple[tuple[DependencyKind, str, tuple[str, ...]], ...]] = (
    ("postgresql", r"\b(?:postgres(?:ql|s)?|postgre ?sql|pgsql|psql|timescale(?:db)?|postgis)\b", ("PostgreSQL 15", "Postgres")),
    ("mysql", r"\bmysql\b", ("MySQL 8",)),
    ("mariadb", r"\bmaria ?db\b", ("MariaDB",)),
    ("mssql", r"\b(?:ms[ -]?sql|(?:microsoft )?sql server)\b", ("SQL Server",)),
    ("mongodb", r"\bmongo(?: ?db)?\b", ("MongoDB",)),
    ("redis", r"\bredis\b", ("Redis cache", "Redis cluster")),
    ("valkey", r"\bvalkey\b", ("Valkey",)),
    ("memcached", r"\bmemcached?\b", ("memcached",)),
    ("rabbitmq", r"\b(?:rabbit[ -]?mq|amqp)\b", ("RabbitMQ",)),
    ("kafka", r"\b(?:apache )?kafka\b", ("Kafka",)),
    ("nats", r"(?-i:\bNATS\b)|\bnats(?= (?:jetstream|server|queue|streaming)\b)", ("NATS",)),
    ("elasticsearch", r"\belastic ?search\b", ("Elasticsearch",)),
    ("opensearch", r"\bopen ?search\b", ("OpenSearch",)),
    ("sqlite", r"\bsqlite3?\b", ("SQLite",)),
    ("minio", r"\bminio\b", ("MinIO",)),
    ("s3", r"\b(?:s3|object stor(?:e|age)|blob stor(?:e|age))(?: buckets?)?\b", ("S3 bucket", "object storage")),
    ("consul", r"\bconsul\b", ("Consul",)),
    ("etcd", r"\betcd\b", ("etcd",)),
    ("cassandra", r"\b(?:cassandra|scylla(?:db)?)\b", ("Cassandra",)),
    ("spanner", r"\b(?:cloud )?spanner\b", ("Spanner",)),
    ("smtp", r"\b(?:smtp|mail ?server)\b", ("SMTP",)),
)  # fmt: skip


def _wants(kind: DependencyKind) -> Callable[[Found], Changes]:
    return lambda found: {"dependencies": (Wanted(kind=kind, phrase=found[0].strip()),)}


DEPENDENCIES: Final = tuple(
    PhraseRule(
        id=f"needs-{kind}", category="dependencies", field="dependencies",
        pattern=f"(?:{pattern}){VERSION}(?:\\s(?:cache|cluster|queue|broker|primary|database|db)\\b)?", examples=examples, changes=_wants(kind),
    )
    for kind, pattern, examples in _STORES
)  # fmt: skip

UNNAMED: Final = (
    PhraseRule(
        id="needs-something", category="dependencies", field=None,
        pattern=r"\b(?:message (?:queue|broker|bus)|queue|cache|(?:relational |sql |nosql |document |graph )?database|rdbms|db|search engine)s?\b",
        examples=("a message queue", "database"), note="which product? The repository or the description has to name it",
    ),
    PhraseRule(
        id="needs-other", category="dependencies", field=None,
        pattern=rf"\b(?:cockroach ?db|click ?house|influx ?db|dynamo ?db|couch(?:base| ?db)|neo4j|zookeeper|pulsar|active ?mq|oracle(?: database| db)?|db2|solr|hsqldb|keycloak|ldap|active directory|eureka|temporal|airflow){VERSION}(?:\s(?:login|cluster|server|database)\b)?|\bvault (?:server|cluster)\b",
        examples=("ClickHouse", "Keycloak"), note="no machine is planned for it in this version",
    ),
    PhraseRule(
        id="calls-others", category="dependencies", field=None,
        pattern=r"\b(?:calls|fans out to|proxies to|talks to)\s(?:(?:an?|the|\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|several|many|other)\s)?(?:(?:outside|external|internal|grpc|http|rest)\s){0,2}(?:back[- ]?ends?|(?:micro)?services?|apis?|payment gateway|payment provider)\b"
        rf"|{NUM}\s(?:(?:grpc|http|rest|other|external)\s){{0,2}}(?:back[- ]?ends?|(?:micro)?services|upstreams)\b"
        r"|\b(?:external|outside|third[- ]party) (?:apis?|services?)\b|\bpayment (?:provider|gateway)\b",
        examples=("calls seven back ends", "six services", "external API"), note="the repository shows what it calls",
    ),
)  # fmt: skip
