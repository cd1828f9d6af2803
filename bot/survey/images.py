"""What an image name says: a well-known backing store, a server that listens, a Windows base.

In: image references as people write them. Out: kinds from closed tables. Never: a registry asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bot.model.profile import DependencyKind

_STORES: Final[dict[str, DependencyKind]] = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgis": "postgresql",
    "pgvector": "postgresql",
    "timescaledb": "postgresql",
    "timescaledb-ha": "postgresql",
    "cloudnative-pg": "postgresql",
    "spilo": "postgresql",
    "mysql": "mysql",
    "mysql-server": "mysql",
    "percona": "mysql",
    "percona-server": "mysql",
    "mariadb": "mariadb",
    "mssql": "mssql",
    "mssql-server": "mssql",
    "azure-sql-edge": "mssql",
    "mongo": "mongodb",
    "mongodb": "mongodb",
    "mongodb-community-server": "mongodb",
    "percona-server-mongodb": "mongodb",
    "redis": "redis",
    "redis-stack": "redis",
    "redis-stack-server": "redis",
    "redis-cluster": "redis",
    "keydb": "redis",
    "dragonfly": "redis",
    "valkey": "valkey",
    "memcached": "memcached",
    "rabbitmq": "rabbitmq",
    "kafka": "kafka",
    "cp-kafka": "kafka",
    "cp-server": "kafka",
    "redpanda": "kafka",
    "nats": "nats",
    "nats-streaming": "nats",
    "elasticsearch": "elasticsearch",
    "opensearch": "opensearch",
    "minio": "minio",
    "consul": "consul",
    "etcd": "etcd",
    "cassandra": "cassandra",
    "scylla": "cassandra",
    "localstack": "s3",
    "mailhog": "smtp",
    "mailpit": "smtp",
    "maildev": "smtp",
    "mailcatcher": "smtp",
    "postfix": "smtp",
    "smtp": "smtp",
    "zookeeper": "other",
    "cp-zookeeper": "other",
    "clickhouse": "other",
    "clickhouse-server": "other",
    "cockroach": "other",
    "neo4j": "other",
    "influxdb": "other",
    "couchdb": "other",
    "couchbase": "other",
    "solr": "other",
    "meilisearch": "other",
    "qdrant": "other",
    "weaviate": "other",
    "milvus": "other",
    "chroma": "other",
    "arangodb": "other",
    "rethinkdb": "other",
    "vault": "other",
    "activemq": "other",
    "activemq-artemis": "other",
    "activemq-classic": "other",
    "pulsar": "other",
    "mosquitto": "other",
    "dynamodb-local": "other",
    "temporal": "other",
    "keycloak": "other",
    "openldap": "other",
    "ferretdb": "mongodb",
    "typesense": "other",
    "surrealdb": "other",
    "manticore": "other",
    "sphinx": "other",
    "emqx": "other",
    "oracle-xe": "other",
    "oracle-free": "other",
    "seaweedfs": "s3",
}
_STORE_PORTS: Final[dict[int, DependencyKind]] = {
    5432: "postgresql", 3306: "mysql", 1433: "mssql", 27017: "mongodb", 6379: "redis", 11211: "memcached",
    5672: "rabbitmq", 9092: "kafka", 4222: "nats", 9200: "elasticsearch", 9042: "cassandra", 2379: "etcd",
}  # fmt: skip
_TOOLS: Final = frozenset(
    {
        "adminer", "pgadmin4", "phpmyadmin", "mongo-express", "redis-commander", "redisinsight", "kafka-ui", "kafdrop",
        "prometheus", "grafana", "jaeger", "all-in-one", "zipkin", "loki", "promtail", "tempo", "alertmanager",
        "cadvisor", "opentelemetry-collector", "opentelemetry-collector-contrib", "otel-collector",
        "fluentd", "fluent-bit", "kibana", "logstash", "filebeat", "portainer", "portainer-ce", "watchtower", "traefik",
        "docker-socket-proxy", "haproxy", "envoy", "schema-registry", "cp-schema-registry", "akhq", "dozzle",
        "busybox", "alpine", "curl", "heapster", "kube-state-metrics", "wait-for-it", "dockerize", "certbot",
        "nginx-proxy", "acme-companion", "pgbouncer", "prometheus-operator", "mongo-seed", "flyway", "liquibase",
        "selenium",
        "swagger-ui", "wiremock", "mockserver", "toxiproxy", "locust", "k6", "swarm-visualizer",
        "visualizer", "docker-registry",
    }
)  # fmt: skip
"""Images of tools beside an application: neither a service of it nor something it stores data in."""

_LISTENING: Final[tuple[tuple[re.Pattern[str], tuple[int, ...]], ...]] = (
    (re.compile(r"(?:.*/)?nginx-unprivileged(?::.*)?"), (8080,)),
    (re.compile(r"(?:.*/)?(?:nginx|httpd|openresty|caddy)(?::.*)?"), (80,)),
    (re.compile(r"(?:.*/)?php:[^:]*apache.*"), (80,)),
    (re.compile(r"(?:.*/)?(?:tomcat|jetty)(?::.*)?"), (8080,)),
    (re.compile(r"(?:.*/)?dotnet/framework/(?:aspnet|wcf)(?::.*)?"), (80,)),
    (re.compile(r"(?:.*/)?windows/servercore/iis(?::.*)?"), (80,)),
    (re.compile(r"(?:.*/)?dotnet/aspnet:(?:[89]|[1-9][0-9])\..*"), (8080,)),
    (re.compile(r"(?:.*/)?dotnet/aspnet:[3-7]\..*"), (80,)),
)
"""Images whose own Dockerfile says EXPOSE, so that a child image listens there without saying so."""

_WEB_SERVERS: Final = re.compile(r"(?:.*/)?(?:nginx(?:-unprivileged)?|httpd|openresty|caddy)(?::.*)?")
_WINDOWS: Final = re.compile(
    r"(?i).*(?:nanoserver|windowsservercore|windows/|servercore|dotnet/framework|-windows|ltsc20).*"
)
_REFERENCE: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?/)?[a-z0-9]+(?:[._/-]{1,2}[a-z0-9]+){0,30}"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_LANGUAGES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(rf"(?:.*/)?(?:{names})(?:[:-].*)?"), language)
    for names, language in (
        ("golang|go", "go"),
        ("python|pypy|uv|uwsgi-nginx-flask|tiangolo/.*", "python"),
        ("node|bun|deno", "javascript"),
        (
            "openjdk|eclipse-temurin|amazoncorretto|maven|gradle|tomcat|jetty|java(?:[0-9]{0,2})|sapmachine|jdk|jre",
            "java",
        ),
        ("php|php-fpm|composer", "php"),
        ("ruby|jruby|rails", "ruby"),
        ("rust|cargo-chef", "rust"),
        ("sdk|aspnet|runtime|runtime-deps", "csharp"),
        ("elixir|erlang", "elixir"),
        ("perl", "perl"),
        ("swift", "swift"),
    )
)


def name_of(image: str) -> str:
    """``registry/team/redis:7@sha256:…`` is ``redis``; lower case."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def store_kind(image: str) -> DependencyKind | None:
    """The backing store that an image is, or None. ``bitnami/postgresql`` and ``postgres:15`` are the same kind."""
    if "${" in image and image.endswith("}") and "/" not in image:
        return None
    if "mssql/server" in image:
        return "mssql"
    return _STORES.get(name_of(image))


def store_by_name(image: str, name: str, ports: Iterable[int]) -> DependencyKind | None:
    """The store that an image of somebody's own is, when its name and that of who runs it both end as a store's does:
    ``catalogue-db`` on port 3306, ``user-mysql``.
    """
    ends = {re.split(r"[-_]", text.lower())[-1] for text in (name_of(image), name)}
    kinds = {_STORES.get(end) for end in ends}
    if ends <= {"db", "database"}:
        return next((_STORE_PORTS[port] for port in ports if port in _STORE_PORTS), "other")
    return kinds.pop() if len(kinds) == 1 else None


def is_tool(image: str) -> bool:
    """True for monitoring, admin consoles, proxies and other images beside an application."""
    name = name_of(image)
    return name in _TOOLS or name.endswith(("-exporter", "_exporter"))


def own_ports(image: str) -> tuple[int, ...]:
    """The ports that a well-known base image exposes itself."""
    return next((ports for pattern, ports in _LISTENING if pattern.fullmatch(image[:400])), ())


def is_web_server(image: str) -> bool:
    """True for an image that serves files: nginx, httpd, caddy."""
    return _WEB_SERVERS.fullmatch(image[:400]) is not None


def is_windows(image: str) -> bool:
    """True for a Windows base image."""
    return _WINDOWS.fullmatch(image[:400]) is not None


def language_of(image: str) -> str | None:
    """The language that a base image is made for."""
    return next((language for pattern, language in _LANGUAGES if pattern.fullmatch(image[:400])), None)


def is_reference(image: str) -> bool:
    """True for a reference that a container runtime could pull: a path with a dot or a slash, nothing unresolved."""
    return len(image) <= 500 and _REFERENCE.fullmatch(image) is not None
