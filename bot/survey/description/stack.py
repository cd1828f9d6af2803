"""Phrases of the tech stack and of dependencies: languages, frameworks, databases, caches, queues.

In: nothing. Out: ``STACK`` and ``DEPENDENCIES``. Never: a product that only shares letters with another word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bot.model.demand import Wanted
from bot.model.profile import DependencyKind
from bot.survey.description.rule import Changes, Found, PhraseRule, sets

_VERSION: Final = r"(?:[ -]?v?\d{1,3}(?:\.\d{1,3}){0,2}(?!\d|\s?(?:%|[kmgt]i?b\b|qps|rps|ms\b|replicas|instances|concurrent|users|rows)))?"

_LANGUAGES: Final = (
    ("go", r"(?:(?-i:\bGo\b)(?! live)|\bgolang\b)", ("Go 1.22", "golang")),
    ("python", r"\bpython\b", ("Python 3.12",)),
    ("javascript", r"\b(?:javascript|node\.?js|(?<!-)(?-i:Node)(?= ?\d|/))\b", ("Node.js 20", "JavaScript")),
    ("typescript", r"\btypescript\b", ("TypeScript",)),
    ("java", r"\bjava\b", ("Java 21",)),
    ("kotlin", r"\bkotlin\b", ("Kotlin",)),
    ("scala", r"\bscala\b(?! ?bility)", ("Scala",)),
    ("csharp", r"(?:\bc#|\.net(?: core)?\b|\bdotnet\b)", ("C#", ".NET 8")),
    ("php", r"\bphp\b", ("PHP 8.3",)),
    ("ruby", r"\bruby\b(?! on rails)", ("Ruby",)),
    ("rust", r"\brust\b", ("Rust",)),
    ("elixir", r"\belixir\b", ("Elixir",)),
)
_FRAMEWORKS: Final = (
    ("gin", r"\bgin\b", ("Go/Gin API",)),
    ("fiber", r"\bfiber\b", ("Fiber",)),
    ("echo", r"\becho (?:framework|api|server)\b|/echo\b", ("Echo framework",)),
    ("chi", r"(?-i:\bChi\b)|\bgo-chi\b|/chi\b", ("go-chi",)),
    ("fastapi", r"\bfast ?api\b", ("FastAPI",)),
    ("flask", r"\bflask\b", ("Flask",)),
    ("django", r"\bdjango\b", ("Django 5",)),
    ("express", r"(?-i:\bExpress\b)|\bexpress\.?js\b|/express\b", ("Express",)),
    ("fastify", r"\bfastify\b", ("Fastify",)),
    ("koa", r"\bkoa\b", ("Koa",)),
    ("nestjs", r"\bnest\.?js\b", ("NestJS",)),
    ("next", r"\bnext\.?js\b", ("Next.js",)),
    ("react", r"\breact(?:\.?js)?\b(?! to)", ("React frontend",)),
    ("vue", r"\bvue(?:\.?js)?\b", ("Vue",)),
    ("angular", r"\bangular\b", ("Angular",)),
    ("spring-boot", r"\bspring(?:[ -]?boot)?\b", ("Spring Boot 3",)),
    ("quarkus", r"\bquarkus\b", ("Quarkus",)),
    ("rails", r"\b(?:ruby on )?rails\b", ("Ruby on Rails",)),
    ("laravel", r"\blaravel\b", ("Laravel",)),
    ("symfony", r"\bsymfony\b", ("Symfony",)),
    ("asp.net", r"\basp\.net(?: core)?\b", ("ASP.NET Core",)),
    ("grpc", r"\bgrpc\b", ("gRPC",)),
    ("nginx", r"\bnginx\b", ("nginx",)),
)
_STORES: Final[tuple[tuple[DependencyKind, str, tuple[str, ...]], ...]] = (
    ("postgresql", r"\b(?:postgres(?:ql)?|pgsql)\b", ("PostgreSQL 15", "Postgres")),
    ("mysql", r"\bmysql\b", ("MySQL 8",)),
    ("mariadb", r"\bmariadb\b", ("MariaDB",)),
    ("mssql", r"\b(?:ms ?sql|sql server)\b", ("SQL Server",)),
    ("mongodb", r"\bmongo(?:db)?\b", ("MongoDB",)),
    ("redis", r"\bredis(?: (?:cache|cluster|queue))?\b", ("Redis cache",)),
    ("valkey", r"\bvalkey\b", ("Valkey",)),
    ("memcached", r"\bmemcached?\b", ("memcached",)),
    ("rabbitmq", r"\b(?:rabbit ?mq|amqp)\b", ("RabbitMQ",)),
    ("kafka", r"\b(?:apache )?kafka\b", ("Kafka",)),
    ("nats", r"\bnats\b", ("NATS",)),
    ("elasticsearch", r"\belastic ?search\b", ("Elasticsearch",)),
    ("opensearch", r"\bopen ?search\b", ("OpenSearch",)),
    ("sqlite", r"\bsqlite\b", ("SQLite",)),
    ("minio", r"\bminio\b", ("MinIO",)),
    ("s3", r"\b(?:s3|object stor(?:e|age)|blob storage)(?: bucket)?\b", ("S3 bucket", "object storage")),
    ("consul", r"\bconsul\b", ("Consul",)),
    ("etcd", r"\betcd\b", ("etcd",)),
    ("cassandra", r"\bcassandra\b", ("Cassandra",)),
    ("spanner", r"\bspanner\b", ("Spanner",)),
    ("smtp", r"\b(?:smtp|mail ?server)\b", ("SMTP",)),
)


def _wants(kind: DependencyKind) -> Callable[[Found], Changes]:
    return lambda found: {"dependencies": (Wanted(kind=kind, phrase=found[0].strip()),)}


STACK: Final = (
    *(
        PhraseRule(
            id=f"framework-{name}", category="tech stack", field="frameworks", pattern=pattern + _VERSION,
            examples=examples, changes=sets(frameworks=(name,)),
        )
        for name, pattern, examples in _FRAMEWORKS
    ),
    *(
        PhraseRule(
            id=f"language-{name}", category="tech stack", field="languages", pattern=pattern + _VERSION,
            examples=examples, changes=sets(languages=(name,)),
        )
        for name, pattern, examples in _LANGUAGES
    ),
    PhraseRule(
        id="static", category="tech stack", field=None, pattern=r"\b(?:front[- ]?end|back[- ]?end|web ?(?:shop|site|app(?:lication)?)|rest(?:ful)?(?: api)?|api|micro-?services?|graphql)\b",
        examples=("React frontend", "REST API"), note="the repository shows which services there are", negatable=False,
    ),
)  # fmt: skip

DEPENDENCIES: Final = (
    *(
        PhraseRule(
            id=f"needs-{kind}", category="dependencies", field="dependencies", pattern=pattern + _VERSION,
            examples=examples,
            changes=_wants(kind),
        )
        for kind, pattern, examples in _STORES
    ),
    PhraseRule(
        id="needs-something", category="dependencies", field=None,
        pattern=r"\b(?:message (?:queue|broker)|queue|cache|relational database|sql database|database|db)s?\b",
        examples=("a message queue", "database"), note="which product? The repository or the description has to name it",
    ),
    PhraseRule(
        id="calls-others", category="dependencies", field=None,
        pattern=r"\bcalls (?:\w{1,12} )?(?:grpc )?(?:back ?ends?|services|apis)\b|\bexternal (?:api|service)s?\b|\bpayment provider\b",
        examples=("calls seven back ends", "external API"), note="the repository shows what it calls",
    ),
)  # fmt: skip
