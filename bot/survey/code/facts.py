"""Small makers of facts: evidence, environment names, health from routes, calls from addresses.

In: what a reader saw. Out: nouns of ``bot.model.profile`` and ``bot.survey.clues``. Never: the value of a variable or a
line of a file as it stands: excerpts are put together from names and paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.model.profile import Endpoint, EnvName, Evidence, Health

_EXCERPT = 120
_PRINTABLE = re.compile(r"[^\x20-\x7e]")
_CREDENTIALS = re.compile(r"://[^/@\s]{0,200}@")

_SECRET_WORDS = frozenset(
    {"PASSWORD", "PASSWD", "PASS", "PWD", "TOKEN", "SECRET", "SECRETS", "KEY", "APIKEY", "CREDENTIAL", "CREDENTIALS",
     "DSN", "PASSPHRASE", "SALT", "PEM", "CONNECTIONSTRING"}
)  # fmt: skip
_NO_SECRET_ENDS = frozenset(
    {"TTL", "EXPIRY", "EXPIRES", "EXPIRATION", "TIMEOUT", "LENGTH", "SIZE", "FILE", "PATH", "DIR", "NAME", "PREFIX",
     "HEADER", "ALGORITHM", "ENABLED", "ISSUER", "COUNT", "LIMIT", "LIFETIME", "AGE", "URL", "HOST", "MINUTES", "HOURS",
     "SECONDS", "DAYS", "AUDIENCE", "TYPE", "VERSION"}
)  # fmt: skip
_PUBLIC = frozenset({"PUBLIC", "PUBLISHABLE"})
_STORE_WORDS = frozenset(
    {"REDIS", "MONGO", "MONGODB", "POSTGRES", "POSTGRESQL", "PG", "PGHOST", "DB", "DATABASE", "MYSQL", "MARIADB",
     "AMQP", "RABBIT", "RABBITMQ", "KAFKA", "NATS", "ELASTIC", "ELASTICSEARCH", "OPENSEARCH", "MEMCACHE", "MEMCACHED",
     "S3", "MINIO", "CONSUL", "ETCD", "CASSANDRA", "SQL", "CACHE", "BROKER", "QUEUE", "CELERY", "SMTP", "MAIL",
     "VALKEY", "SPANNER", "ALLOYDB", "STORAGE", "BUCKET"}
)  # fmt: skip
_TELEMETRY = frozenset(
    {"OTEL", "JAEGER", "ZIPKIN", "COLLECTOR", "SENTRY", "STATSD", "DATADOG", "DD", "TRACING", "TRACE", "PROMETHEUS",
     "PUSHGATEWAY", "NEWRELIC", "INSTANA", "LOKI", "METRICS"}
)  # fmt: skip
_OWN_WORDS = frozenset(
    {"LISTEN", "BIND", "SERVICE", "BASE", "PUBLIC", "ROOT", "SITE", "APP", "SERVER", "CALLBACK", "REDIRECT", "WEBHOOK",
     "PROXY", "HTTP", "HTTPS", "LOCAL", "EXTERNAL", "SELF", "GRPC", "API", "ALLOWED", "NEXTAUTH", "CORS",
     "ISSUER", "DOCS",
     "LOGIN", "LOGOUT", "STATIC", "ASSET", "ASSETS", "CDN", "IMAGE", "LOGO", "HOSTNAME"}
)  # fmt: skip
_ADDRESS = re.compile(r"(?P<name>[A-Z0-9_]+?)_(?:BASE_URL|ADDR|ADDRESS|URL|URI|HOST|ENDPOINT)")
_LIVE = ("healthz", "_healthz", "livez", "live", "liveness", "health", "_health", "alive", "healthcheck",
         "health-check", "health_check", "heartbeat", "ping")  # fmt: skip
_READY = ("readyz", "ready", "readiness", "_ready", "readycheck")


def evidence(path: str, line: int | None, excerpt: str = "") -> Evidence:
    """Evidence with a short, printable excerpt that holds no credentials."""
    clean = _PRINTABLE.sub(" ", _CREDENTIALS.sub("://***@", excerpt[: _EXCERPT * 4]))
    return Evidence(path=path, line=line, excerpt=clean[:_EXCERPT])


def is_secret(name: str) -> bool:
    """True for a variable whose name says that its value is a secret, or a URL that usually carries one."""
    words = [word for word in name.upper().split("_") if word]
    if not words or _PUBLIC.intersection(words):
        return False
    if name.upper().endswith(("ACCESS_KEY_ID", "CONNECTION_STRING")):
        return True
    if words[-1] in {"URL", "URI"}:
        return bool(_STORE_WORDS.intersection(words))
    return words[-1] not in _NO_SECRET_ENDS and bool(_SECRET_WORDS.intersection(words))


def looks_needed(name: str) -> bool:
    """True for a variable without default that a process can hardly run without: a store, a peer or a secret."""
    words = set(name.split("_"))
    if words & _TELEMETRY:
        return False
    return is_secret(name) or slug(name) is not None or (bool(words & _STORE_WORDS) and name.endswith(("HOST", "ADDR")))


def env_name(name: str, seen: Evidence, *, required: bool) -> EnvName:
    """The name of a variable; telemetry is never required."""
    needed = required and not _TELEMETRY.intersection(name.split("_"))
    return EnvName(name=name[:100], required=needed, secret=is_secret(name), evidence=seen)


def merged_env(found: Iterable[EnvName]) -> tuple[EnvName, ...]:
    """One entry per name, sorted; required when one place requires it."""
    best: dict[str, EnvName] = {}
    for item in found:
        known = best.get(item.name)
        if known is None or (item.required and not known.required):
            best[item.name] = item
    return tuple(best[name] for name in sorted(best))


def slug(name: str) -> str | None:
    """The service that a variable addresses: ``CART_SERVICE_ADDR`` gives ``cart-service``; None for stores, telemetry
    and the process's own address.
    """
    match = _ADDRESS.fullmatch(name[:100])
    if match is None:
        return None
    words = [word for word in match["name"].split("_") if word]
    if not words or _STORE_WORDS.intersection(words) or _TELEMETRY.intersection(words):
        return None
    return None if all(word in _OWN_WORDS for word in words) else "-".join(words).lower()


def calls_of(env: Iterable[EnvName]) -> tuple[str, ...]:
    """Slugs of the services that variables address."""
    return tuple(sorted({found for item in env if (found := slug(item.name)) is not None}))


def health_of(endpoints: Iterable[Endpoint]) -> tuple[Health, ...]:
    """Health checks among routes that answer GET: the most usual live name first, with the ready route beside it."""
    routes = [route for route in endpoints if route.method in {"GET", "ANY"} and not set("{:<*") & set(route.path)]
    live = _best(routes, _LIVE)
    ready = _best(routes, _READY)
    chosen = live or ready
    if chosen is None:
        return ()
    ready_path = ready.path if ready else None
    return (Health(kind="http", path=chosen.path, ready_path=ready_path, evidence=chosen.evidence),)


def _best(routes: list[Endpoint], names: tuple[str, ...]) -> Endpoint | None:
    """The route whose last segment stands first in ``names``; the shorter path on a tie."""
    ranked = [
        (names.index(last), route.path.count("/"), route.path, route)
        for route in routes
        if (last := route.path.rstrip("/").rpartition("/")[2]) in names
    ]
    return min(ranked, key=lambda item: item[:3])[3] if ranked else None


def unique_routes(found: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """One entry per method and path, in path order."""
    best: dict[tuple[str, str], Endpoint] = {}
    for route in found:
        best.setdefault((route.path, route.method), route)
    return tuple(best[key] for key in sorted(best))[:500]


def route_path(*parts: str) -> str | None:
    """Prefixes and path joined with single slashes; None when it is no path."""
    text = "/".join(segment for part in parts for segment in part.split("/") if segment)
    ends = parts[-1].endswith("/") and len(parts[-1]) > 1
    path = "/" + text + ("/" if ends and text else "")
    return path if len(path) <= 300 and path.isprintable() and " " not in path else None
