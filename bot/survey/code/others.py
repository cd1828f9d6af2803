"""Java, Kotlin, Scala, C#, PHP, Ruby, Rust, Elixir: language, framework and named stores from package files alone.

In: an area. Out: ``Clues``, or None when no such package file is there. Never: source text; XML parsers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.model.profile import DependencyKind, Evidence
from bot.survey.clues import Claim, Clues
from bot.survey.code.choices import dependencies_of
from bot.survey.code.facts import evidence
from bot.survey.code.names import FRAMEWORKS
from bot.survey.code.pypackages import toml
from bot.survey.code.sources import Area, Source

_GEM = re.compile(r"""\s*gem\s+["']([A-Za-z0-9_.-]{1,80})["']""")
_ARTIFACT = re.compile(r"<(?:artifactId|groupId)>\s*([A-Za-z0-9_.-]{1,120})\s*</")
_PACKAGE_REF = re.compile(r'(?:Include|Sdk|Update)\s*=\s*"([A-Za-z0-9_.-]{1,120})')
_GRADLE = re.compile(r"""["']([A-Za-z0-9_.-]{1,120}(?::[A-Za-z0-9_.-]{1,120})?)[:"']""")
_MIX = re.compile(r"\{\s*:([a-z0-9_]{1,60})\s*,")

_FRAMEWORKS: tuple[tuple[str, str], ...] = (
    ("spring-boot-starter-webflux", "webflux"),
    ("spring-boot", "spring-boot"),
    ("org.springframework.boot", "spring-boot"),
    ("quarkus", "quarkus"),
    ("io.quarkus", "quarkus"),
    ("micronaut", "micronaut"),
    ("io.micronaut", "micronaut"),
    ("vertx-web", "vertx"),
    ("io.vertx", "vertx"),
    ("dropwizard-core", "dropwizard"),
    ("helidon-webserver", "helidon"),
    ("io.helidon", "helidon"),
    ("ktor-server", "ktor"),
    ("io.ktor", "ktor"),
    ("akka-http", "akka-http"),
    ("http4s", "http4s"),
    ("com.typesafe.play", "play"),
    ("grpc-netty", "grpc"),
    ("io.grpc", "grpc"),
    ("microsoft.net.sdk.web", "aspnet"),
    ("microsoft.aspnetcore", "aspnet"),
    ("microsoft.aspnet.mvc", "aspnet"),
    ("system.web.mvc", "aspnet"),
    ("system.web.http", "aspnet"),
    ("grpc.aspnetcore", "grpc"),
    ("microsoft.net.sdk.worker", "dotnet-worker"),
    ("laravel/framework", "laravel"),
    ("symfony/framework-bundle", "symfony"),
    ("symfony/http-kernel", "symfony"),
    ("slim/slim", "slim"),
    ("codeigniter4/framework", "codeigniter"),
    ("cakephp/cakephp", "cakephp"),
    ("rails", "rails"),
    ("sinatra", "sinatra"),
    ("roda", "roda"),
    ("sidekiq", "sidekiq"),
    ("actix-web", "actix-web"),
    ("axum", "axum"),
    ("rocket", "rocket"),
    ("warp", "warp"),
    ("hyper", "hyper"),
    ("tonic", "grpc"),
    ("phoenix", "phoenix"),
)
_BY_PREFIX = (
    "spring-boot",
    "org.springframework.boot",
    "quarkus",
    "io.quarkus",
    "micronaut",
    "io.micronaut",
    "ktor-server",
    "io.ktor",
    "helidon",
    "io.helidon",
    "io.vertx",
    "http4s",
    "akka-http",
    "microsoft.aspnetcore",
    "com.typesafe.play",
    "dropwizard",
    "io.grpc",
    "grpc-netty",
    "grpc.aspnetcore",
    "vertx-web",
    "microsoft.aspnet.mvc",
)

_GRPC_SERVER = 31
"""``Grpc.AspNetCore`` is a server on top of ASP.NET, so it names the process better than its host does."""

_STORES: dict[str, DependencyKind] = {
    "postgresql": "postgresql",
    "org.postgresql:postgresql": "postgresql",
    "npgsql": "postgresql",
    "pg": "postgresql",
    "tokio-postgres": "postgresql",
    "npgsql.entityframeworkcore.postgresql": "postgresql",
    "postgrex": "postgresql",
    "mysql-connector-j": "mysql",
    "mysql-connector-java": "mysql",
    "mysql2": "mysql",
    "mysqlconnector": "mysql",
    "mysql.data": "mysql",
    "pomelo.entityframeworkcore.mysql": "mysql",
    "mariadb-java-client": "mariadb",
    "mssql-jdbc": "mssql",
    "microsoft.data.sqlclient": "mssql",
    "microsoft.entityframeworkcore.sqlserver": "mssql",
    "sqlite3": "sqlite",
    "rusqlite": "sqlite",
    "microsoft.data.sqlite": "sqlite",
    "sqlite-jdbc": "sqlite",
    "jedis": "redis",
    "lettuce-core": "redis",
    "spring-boot-starter-data-redis": "redis",
    "stackexchange.redis": "redis",
    "microsoft.extensions.caching.stackexchangeredis": "redis",
    "redis": "redis",
    "predis/predis": "redis",
    "spring-boot-starter-data-mongodb": "mongodb",
    "mongodb-driver-sync": "mongodb",
    "mongodb.driver": "mongodb",
    "mongoid": "mongodb",
    "mongodb": "mongodb",
    "mongodb/mongodb": "mongodb",
    "spring-kafka": "kafka",
    "kafka-clients": "kafka",
    "confluent.kafka": "kafka",
    "ruby-kafka": "kafka",
    "rdkafka": "kafka",
    "spring-boot-starter-amqp": "rabbitmq",
    "amqp-client": "rabbitmq",
    "rabbitmq.client": "rabbitmq",
    "bunny": "rabbitmq",
    "lapin": "rabbitmq",
    "php-amqplib/php-amqplib": "rabbitmq",
    "aws-sdk-s3": "s3",
    "awssdk.s3": "s3",
    "google.cloud.spanner.data": "spanner",
    "elasticsearch-java": "elasticsearch",
    "elasticsearch": "elasticsearch",
}
_MIGRATIONS = {
    "flyway-core": "flyway",
    "liquibase-core": "liquibase",
    "rails": "rails",
    "doctrine/migrations": "doctrine",
    "laravel/framework": "laravel",
    "refinery": "refinery",
    "ecto_sql": "ecto",
}


@dataclass(frozen=True)
class Listed:
    """One listed package."""

    name: str
    source: Source
    line: int

    def seen(self) -> Evidence:
        """Evidence of the line."""
        return evidence(self.source.path, self.line, self.name)


def read_others(area: Area) -> Clues | None:
    """Language and framework of the first package file that is understood."""
    for source in sorted(area.others, key=lambda item: (item.path.count("/"), item.path)):
        language = _language(source)
        if language is not None:
            packages = list(_packages(source))
            return _clues(area, source, language, packages)
    return None


def _language(source: Source) -> str | None:
    name = source.name
    known = {
        "pom.xml": "java",
        "build.gradle": "java",
        "build.gradle.kts": "kotlin",
        "Gemfile": "ruby",
        "composer.json": "php",
        "Cargo.toml": "rust",
        "mix.exs": "elixir",
        "build.sbt": "scala",
    }
    if name.endswith((".csproj", ".fsproj")):
        return "csharp"
    if name in {"pom.xml", "build.gradle"} and "kotlin" in source.text:
        return "kotlin"
    return known.get(name)


def _clues(area: Area, source: Source, language: str, packages: list[Listed]) -> Clues:
    frameworks = _frameworks(packages)
    named: dict[DependencyKind, Evidence] = {}
    for package in packages:
        kind = _STORES.get(package.name)
        if kind is not None:
            named.setdefault(kind, package.seen())
    seen = evidence(source.path, 1, source.name)
    return Clues(
        area=area.root,
        detector="packages",
        languages=(Claim(value=language, seen="code", weight=24, evidence=seen),),
        frameworks=frameworks,
        listens=True if frameworks and FRAMEWORKS[frameworks[0].value].role == "server" else None,
        dependencies=dependencies_of((), named),
        migrations=tuple(_migrations(packages)),
    )


def _frameworks(packages: list[Listed]) -> tuple[Claim, ...]:
    best: dict[str, Claim] = {}
    for package in packages:
        name = _framework(package.name)
        if name is not None and name not in best:
            weight = _GRPC_SERVER if package.name.startswith("grpc.aspnetcore") else FRAMEWORKS[name].rank
            best[name] = Claim(value=name, seen="code", weight=weight, evidence=package.seen())
    return tuple(sorted(best.values(), key=lambda claim: (-claim.weight, claim.value)))


def _framework(package: str) -> str | None:
    for prefix, name in _FRAMEWORKS:
        if package == prefix or (prefix in _BY_PREFIX and package.startswith(prefix)):
            return name
    return None


def _migrations(packages: list[Listed]) -> Iterable[Claim]:
    found: dict[str, Claim] = {}
    for package in packages:
        tool = _MIGRATIONS.get(package.name)
        if tool is not None:
            found.setdefault(tool, Claim(value=tool, seen="code", weight=5, evidence=package.seen()))
    return found.values()


def _packages(source: Source) -> Iterator[Listed]:
    if source.name == "composer.json":
        yield from _composer(source)
    elif source.name == "Cargo.toml":
        yield from _cargo(source)
    else:
        yield from _lines(source)


def _lines(source: Source) -> Iterator[Listed]:
    pattern = {"pom.xml": _ARTIFACT, "Gemfile": _GEM, "mix.exs": _MIX}.get(source.name, _GRADLE)
    if source.name.endswith((".csproj", ".fsproj")):
        pattern = _PACKAGE_REF
    for number, line in enumerate(source.text.splitlines()[:5_000], 1):
        for match in pattern.finditer(line[:2_000]):
            whole = match[1].lower()
            for part in dict.fromkeys((whole, *whole.split(":"))):
                yield Listed(part, source, number)


def _composer(source: Source) -> Iterator[Listed]:
    try:
        data = json.loads(source.text)
    except (ValueError, RecursionError):
        return
    wanted = data.get("require") if isinstance(data, dict) else None
    lines = source.text.splitlines()
    for name in list(wanted)[:400] if isinstance(wanted, dict) else []:
        yield Listed(str(name).lower(), source, _line_of(lines, str(name)))


def _cargo(source: Source) -> Iterator[Listed]:
    data = toml(source.text)
    workspace = data.get("workspace")
    tables = [data.get("dependencies"), workspace.get("dependencies") if isinstance(workspace, dict) else None]
    lines = source.text.splitlines()
    for table in tables:
        for name, how in list(table.items())[:400] if isinstance(table, dict) else []:
            if not (isinstance(how, dict) and how.get("optional") is True):
                yield Listed(str(name).lower(), source, _line_of(lines, str(name)))


def _line_of(lines: list[str], name: str) -> int:
    return next((number for number, line in enumerate(lines[:5_000], 1) if name in line), 1)
