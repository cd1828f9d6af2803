"""How many requests one busy CPU second serves, by framework: measured rows, language medians, stand-ins.

In: the language, framework and stores of a service. Out: a ``Rate`` with its row, source and tag. Never: a silent
guess; a framework without a row says so and costs confidence.

Source: TechEmpower raw results with CPU readings, rounds started 2020-03-17 (Azure) and 2021-01-13 (Citrine), through
github.com/johnsabr/tfbvis@9ac8065; ``r_db`` is the geometric mean of both machines for one database read.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bot.model.decision import Tag

TECHEMPOWER: Final = "TechEmpower rounds of 2020-21 via johnsabr/tfbvis@9ac8065"
NGINX_SOURCE: Final = "nginx.com performance test, 1 KB over HTTPS: 40,000 requests per core and second"
NGINX_PER_CORE: Final = 40_000.0
JSON_FACTOR: Final = 2.2
"""r_json / r_db: median of 60 framework cells, geometric standard deviation 1.6 [M]."""
FORTUNE_TO_DB: Final = 0.75
"""r_db = fortune / 0.75: language medians were measured on the fortune test [M]."""


@dataclass(frozen=True)
class Rate:
    """Requests per busy CPU second with one database read. ``known`` False costs confidence (unknown framework)."""

    row: str
    r_db: float
    tag: Tag
    source: str
    known: bool


_MEASURED: Final[dict[str, tuple[str, float]]] = {
    "net/http": ("Go net/http + pgx", 10379),
    "gin": ("Go gin", 9480),
    "echo": ("Go echo", 9791),
    "chi": ("Go chi", 9203),
    "fiber": ("Go fiber", 14266),
    "actix-web": ("Rust actix-web (raw pg)", 24744),
    "actix-web-diesel": ("Rust actix + diesel ORM", 14508),
    "drogon": ("C++ drogon", 25900),
    "spring-boot": ("Java Spring Boot MVC/JDBC", 4205),
    "webflux": ("Java Spring WebFlux (pg client)", 4894),
    "quarkus-reactive": ("Java Quarkus (reactive/JDBC entry)", 8647),
    "quarkus": ("Java Quarkus + Hibernate", 4463),
    "micronaut": ("Java Micronaut", 8629),
    "vert.x": ("Java Vert.x-web", 19298),
    "dropwizard": ("Java Dropwizard", 3227),
    "helidon": ("Java Helidon", 7020),
    "play": ("Java Play 2 JPA", 3645),
    "ktor": ("Kotlin Ktor", 5549),
    "akka-http": ("Scala Akka-HTTP", 6539),
    "http4s": ("Scala http4s", 3086),
    "aspnet-platform": (".NET ASP.NET Core platform+ADO", 12496),
    "aspnet-minimal": (".NET ASP.NET Core middleware+EF", 5252),
    "aspnet": (".NET ASP.NET Core MVC+EF", 4095),
    "node-http": ("Node http (raw)", 4373),
    "express": ("Node Express (pg)", 2578),
    "express-mysql": ("Node Express (mysql)", 1919),
    "fastify": ("Node Fastify", 4223),
    "koa": ("Node Koa (pg)", 2349),
    "nestjs": ("Node NestJS (Express)", 1720),
    "nestjs-fastify": ("Node NestJS (Fastify)", 2602),
    "hapi": ("Node hapi (pg)", 837),
    "fastapi": ("Python FastAPI (uvicorn workers)", 2402),
    "starlette": ("Python Starlette", 2880),
    "uvicorn": ("Python uvicorn raw", 3291),
    "sanic": ("Python Sanic", 2987),
    "aiohttp": ("Python aiohttp (ORM)", 1026),
    "django": ("Python Django (gunicorn)", 964),
    "flask": ("Python Flask (gunicorn, ORM)", 647),
    "tornado": ("Python Tornado uvloop", 1072),
    "rails": ("Ruby on Rails (puma)", 504),
    "sinatra": ("Ruby Sinatra+Sequel", 1974),
    "roda": ("Ruby Roda+Sequel", 2998),
    "php-fpm": ("PHP raw FPM", 3946),
    "laravel": ("PHP Laravel FPM", 249),
    "laravel-swoole": ("PHP Laravel Swoole", 964),
    "symfony": ("PHP Symfony FPM", 418),
    "slim": ("PHP Slim", 1300),
    "codeigniter": ("PHP CodeIgniter", 1111),
    "cakephp": ("PHP CakePHP", 362),
    "phoenix": ("Elixir Phoenix", 2252),
}
"""Where two rows fit a bare name (Flask, Quarkus, ASP.NET), the slower row stands: the careful reading."""

_STAND_INS: Final[dict[str, tuple[str, float, str, bool]]] = {
    "gorilla/mux": ("chi", 1.0, "another router on net/http; chi, gin, echo and net/http itself lie within 13 %", True),
    "negroni": ("chi", 1.0, "middleware on net/http; chi, gin, echo and net/http itself lie within 13 %", True),
    "axum": ("actix-web", 0.8, "actix-web x 0.8", False),
    "rocket": ("actix-web", 0.8, "Rocket 0.5 is async: actix-web x 0.8", False),
    "next.js": ("nestjs", 0.2, "server-side rendering: NestJS x 0.1 to 0.3", False),
    "nuxt": ("nestjs", 0.2, "server-side rendering: NestJS x 0.1 to 0.3", False),
}
"""Name, factor and reason for frameworks that were never measured [P]; the last word: does it count as known."""

_ALIASES: Final[dict[str, str]] = {
    "gin-gonic": "gin", "labstack-echo": "echo", "gofiber": "fiber", "go-chi": "chi", "mux": "gorilla/mux",
    "gorilla": "gorilla/mux", "stdlib": "net/http", "std": "net/http", "actix": "actix-web", "spring": "spring-boot",
    "springboot": "spring-boot", "spring-mvc": "spring-boot", "spring-web": "spring-boot", "spring-webflux": "webflux",
    "vertx": "vert.x", "vert.x-web": "vert.x", "akka": "akka-http", "play-framework": "play", "aspnetcore": "aspnet",
    "asp.net": "aspnet", "asp.net-core": "aspnet", "asp.net-core-mvc": "aspnet", "aspnet-core": "aspnet",
    "asp.net-mvc": "aspnet", "express.js": "express", "expressjs": "express", "nest": "nestjs", "nest.js": "nestjs",
    "next": "next.js", "nextjs": "next.js", "nuxt.js": "nuxt", "node": "node-http", "fast-api": "fastapi",
    "ruby-on-rails": "rails", "ror": "rails", "slim-framework": "slim",
    "cake": "cakephp", "minimal-api": "aspnet-minimal",
}  # fmt: skip

_FORTUNE_MEDIANS: Final[dict[str, float]] = {
    "rust": 15_600, "csharp": 4_100, "go": 4_100, "java": 4_900, "kotlin": 2_900, "scala": 1_600, "javascript": 2_100,
    "typescript": 2_200, "elixir": 2_000, "php": 1_500, "ruby": 400, "python": 800,
}  # fmt: skip
"""Language medians, fortune per vCPU [M]; of a range or of two classes the lower end."""

_LANGUAGES: Final[dict[str, str]] = {
    "golang": "go", "node": "javascript", "nodejs": "javascript", "node.js": "javascript", "js": "javascript",
    "ts": "typescript", "c#": "csharp", ".net": "csharp", "dotnet": "csharp", "f#": "csharp", "fsharp": "csharp",
    "erlang": "elixir", "py": "python", "python3": "python", "rb": "ruby", "c++": "cpp", "c": "cpp",
}  # fmt: skip


def language_key(language: str | None) -> str:
    """The language under the name of our tables, or the empty string."""
    key = (language or "").strip().lower()
    return _LANGUAGES.get(key, key)


def framework_key(framework: str | None, language: str | None) -> str:
    """The framework under the name of our tables, or the empty string: versions and companions are dropped."""
    words = re.split(r"[+,(]", (framework or "").strip().lower(), maxsplit=1)[0].strip()
    key = re.sub(r"[\s_]+", "-", re.sub(r"\s+v?\d[\d.x]*$", "", words))
    key = _ALIASES.get(key, key)
    if key in {"http", "standard-library"}:
        return "net/http" if language_key(language) == "go" else "node-http"
    tail = key.rsplit("/", maxsplit=1)[-1]
    return key if key in _MEASURED or key in _STAND_INS else _ALIASES.get(tail, tail)


def rate_of(language: str | None, framework: str | None, *, stores: Collection[str] = ()) -> Rate:
    """The row for a service: measured, stand-in, language median, or the slowest median when nothing is known."""
    key = framework_key(framework, language)
    if key == "express" and {"mysql", "mariadb"} & set(stores):
        key = "express-mysql"
    if key in _MEASURED:
        row, r_db = _MEASURED[key]
        return Rate(row=row, r_db=r_db, tag="M", source=TECHEMPOWER, known=True)
    if key in _STAND_INS:
        return _stand_in(key)
    return _median(language_key(language))


def _stand_in(key: str) -> Rate:
    like, factor, why, known = _STAND_INS[key]
    row, r_db = _MEASURED[like]
    return Rate(row=f"{key}, standing in: {row} ({why})", r_db=r_db * factor, tag="P", source=TECHEMPOWER, known=known)


def _median(language: str) -> Rate:
    fortune = _FORTUNE_MEDIANS.get(language)
    if fortune is None:
        fortune, row = _FORTUNE_MEDIANS["python"], "unknown language: the median of Python full-stack frameworks"
    else:
        row = f"median of {language} frameworks"
    return Rate(
        row=f"{row}, {fortune:g} fortune requests per vCPU and second / {FORTUNE_TO_DB}",
        r_db=fortune / FORTUNE_TO_DB,
        tag="P" if language not in _FORTUNE_MEDIANS else "M",
        source=TECHEMPOWER,
        known=False,
    )
