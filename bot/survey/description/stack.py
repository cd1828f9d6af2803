"""Phrases of the tech stack: languages, frameworks, runtimes, and names that hold digits.

In: nothing. Out: ``STACK``, ``NAMES`` and ``PARTS``. Never: a product that only shares letters with another word.
"""

from __future__ import annotations

from typing import Final

from bot.survey.description.numbers import NUM
from bot.survey.description.rule import PhraseRule, sets

VERSION: Final = r"(?:[ -]?v?(?>\d{1,3}(?:\.\d{1,3}){0,2}(?:\.x|\+)?)(?![\w%/]|[.,:]\d|-\d|\s?(?:%|[kmgtp]i?b\b|[kmgt]i\b|k\b|m\b|million|thousand|qps|rps|tps|rpm|req|ms\b|s\b|sec|min|x\b|to\b|replicas?|pods?|instances?|copies|nodes?|concurrent|simultaneous|users?|people|staff|rows|cores?|v?cpus?|workers?|per\b|tables|topics|[a-z]{1,12}\s?(?:/|per)\s?(?:s|sec|second|min|minute|h|hour|day)\b)))?"
"""A version behind a product's name; a number with a unit is none."""

_LANGUAGES: Final = (
    ("go", r"(?-i:\bGo\b)(?![ -]live)|\bgolang\b|\bgo(?=/[a-z])", ("Go 1.22", "golang")),
    ("python", r"\bpython\b", ("Python 3.12",)),
    ("javascript", r"\bjavascript\b|\bnode\.?js\b|(?<!-)(?-i:\bNode)(?= ?\d|/)", ("Node.js 20", "JavaScript")),
    ("typescript", r"\btypescript\b", ("TypeScript",)),
    ("java", r"\b(?:open)?(?:java|jdk)\b", ("Java 21",)),
    ("kotlin", r"\bkotlin\b", ("Kotlin",)),
    ("scala", r"\bscala\b", ("Scala",)),
    ("csharp", r"(?<!\w)c#|(?<!asp)(?<!\w)\.net(?: core| framework)?\b|\bdotnet\b", ("C#", ".NET 8")),
    ("cpp", r"\bc\+\+", ("C++",)),
    ("php", r"\bphp\b", ("PHP 8.3",)),
    ("ruby", r"\bruby\b(?! on rails)", ("Ruby",)),
    ("rust", r"\brust\b", ("Rust",)),
    ("elixir", r"\belixir\b", ("Elixir",)),
)
_FRAMEWORKS: Final = (
    ("gin", r"\bgin\b", ("Go/Gin API",)),
    ("fiber", r"(?-i:\bFiber\b)|\bgofiber\b|/fiber\b", ("Fiber",)),
    ("echo", r"\becho (?:framework|server)\b|/echo\b", ("Echo framework",)),
    ("chi", r"(?-i:\bChi\b)|\bgo-chi\b|/chi\b", ("go-chi",)),
    ("fastapi", r"\bfast ?api\b", ("FastAPI",)),
    ("flask", r"\bflask\b", ("Flask",)),
    ("django", r"\bdjango\b", ("Django 5",)),
    (
        "express",
        r"(?-i:\bExpress\b)(?!\s(?:delivery|shipping|lane|checkout))|\bexpress\.?js\b|/express\b",
        ("Express",),
    ),
    ("fastify", r"\bfastify\b", ("Fastify",)),
    ("koa", r"\bkoa(?:\.?js)?\b", ("Koa",)),
    ("nestjs", r"\bnest\.?js\b", ("NestJS",)),
    ("nextjs", r"\bnext\.?js\b", ("Next.js",)),
    ("nuxt", r"\bnuxt(?:\.?js)?\b", ("Nuxt",)),
    ("react", r"\breact(?:\.?js)?\b(?!\s(?:to|on|when|native)\b)", ("React frontend",)),
    ("vue", r"\bvue(?:\.?js)?\b", ("Vue",)),
    ("angular", r"\bangular(?:\.?js)?\b", ("Angular", "AngularJS")),
    ("svelte", r"\bsvelte(?:kit)?\b", ("Svelte",)),
    ("spring-boot", r"\bspring(?:[ -]?boot|(?=\s(?:mvc|web|api|service|application)\b))", ("Spring Boot 3",)),
    ("quarkus", r"\bquarkus\b", ("Quarkus",)),
    ("micronaut", r"\bmicronaut\b", ("Micronaut",)),
    ("ktor", r"\bktor\b", ("Ktor",)),
    ("rails", r"\b(?:ruby on )?rails\b", ("Ruby on Rails",)),
    ("sinatra", r"\bsinatra\b", ("Sinatra",)),
    ("laravel", r"\blaravel\b", ("Laravel",)),
    ("symfony", r"\bsymfony\b", ("Symfony",)),
    ("phoenix", r"(?-i:\bPhoenix\b)|/phoenix\b", ("Phoenix",)),
    ("actix-web", r"\bactix(?:-web)?\b", ("Actix",)),
    ("axum", r"\baxum\b", ("axum",)),
    ("aspnet", r"\basp\.? ?net(?: core)?(?: mvc)?\b", ("ASP.NET Core",)),
)

STACK: Final = (
    *(
        PhraseRule(
            id=f"framework-{name}", category="tech stack", field="frameworks", pattern=f"(?:{pattern}){VERSION}",
            examples=examples, changes=sets(frameworks=(name,)),
        )
        for name, pattern, examples in _FRAMEWORKS
    ),
    *(
        PhraseRule(
            id=f"language-{name}", category="tech stack", field="languages", pattern=f"(?:{pattern}){VERSION}",
            examples=examples, changes=sets(languages=(name,)),
        )
        for name, pattern, examples in _LANGUAGES
    ),
)  # fmt: skip

NAMES: Final = (
    PhraseRule(
        id="named-with-digits", category="tech stack", field=None,
        pattern=r"\b(?:(?:tls|ssl|http|oauth|openapi|ubuntu|debian|alpine|rhel|windows(?: server)?|kubernetes|k8s|nginx|terraform|proxmox(?: ve)?|react native|angular material|spring cloud|apache|helm)"
        r"[ /-]?v?(?>\d{1,4}(?:\.\d{1,3}){0,2})(?![\w%]|[.,]\d|\s?(?:qps|rps|tps|req|ms\b|[kmgt]i?b\b|users|replicas?|pods?|nodes?|instances?|concurrent|requests))|k[38]s|ipv[46]|oauth2|h2c?|utf-?8|sha-?(?:1|256|512)|ec2|route ?53|b2[bc]|x86[-_]64|arm64|amd64|log4j|i18n|l10n|a11y|mp[34]|web3|p2p|pm2)\b",
        examples=("HTTP/2", "Ubuntu 22.04", "IPv6"), note="a name; no value depends on it", negatable=False,
    ),
    PhraseRule(
        id="port", category="tech stack", field=None, pattern=r"\b(?:listens? on |on )?(?:tcp |http |https )?ports?(?: is|:|=)?\s?\d{2,5}(?![\w.,]\d|%)\b",
        examples=("port 8080", "listens on port 3000"), note="ports are read from the repository", negatable=False,
    ),
)  # fmt: skip

PARTS: Final = (
    PhraseRule(
        id="server", category="tech stack", field=None,
        pattern=r"\b(?:nginx|apache(?: httpd)?|iis|caddy|envoy|haproxy|traefik|gunicorn|uvicorn|uwsgi|puma|tomcat|jetty|php-fpm)\b",
        examples=("nginx", "gunicorn"), note="the server is read from the repository's images and commands", negatable=False,
    ),
    PhraseRule(
        id="worker-count", category="tech stack", field=None,
        pattern=rf"{NUM}\s?(?:gunicorn |uvicorn |puma |worker |os )?(?:workers|processes|threads|jvms?|goroutines)\b",
        examples=("four workers", "one JVM", "8 threads"), note="processes of a pod are read from the repository's start command",
        negatable=False,
    ),
    PhraseRule(
        id="part", category="tech stack", field=None,
        pattern=r"\b(?:front[- ]?end|back[- ]?end|web ?(?:shop|site|app(?:lication)?|service|server)|rest(?:ful)?(?: api)?|api(?: gateway)?|micro-?services?|graphql|grpc|worker)s?\b",
        examples=("React frontend", "REST API", "gRPC"), note="the repository shows which parts there are", negatable=False,
    ),
)  # fmt: skip
