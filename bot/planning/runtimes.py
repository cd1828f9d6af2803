"""Runtime families and their memory: what a process holds idle, per worker and per request in flight.

In: language, framework, base image. Out: a ``Runtime`` row. Never: a measurement; all rows are priors until
measurements of your own replace them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bot.model.profile import Service
from bot.planning.throughput import framework_key, language_key

Workers = Literal["one", "sync", "async", "per-core", "children"]


@dataclass(frozen=True)
class Runtime:
    """Memory in MiB: ``base + workers * per_worker + in_flight * per_request``. ``jvm`` uses its own ladder."""

    name: str
    base: float
    per_worker: float
    per_request: float
    workers: Workers = "one"
    jvm: bool = False


_PUMA_THREADS: Final = 3
GO: Final = Runtime("Go", 24, 0, 0.2)
RUST: Final = Runtime("Rust", 12, 0, 0.8)
DOTNET: Final = Runtime(".NET", 120, 0, 0.3)
NODE: Final = Runtime("Node", 60, 0, 0.5)
NEST: Final = Runtime("Node (NestJS)", 140, 0, 0.5)
PYTHON_ASYNC: Final = Runtime("Python (async)", 0, 70, 0.5, "async")
PYTHON_SYNC: Final = Runtime("Python (sync workers)", 0, 70, 0.5, "sync")
DJANGO: Final = Runtime("Python (Django)", 0, 110, 0.5, "sync")
RUBY: Final = Runtime("Ruby (Puma)", 117, 150 + 10 * _PUMA_THREADS, 0, "per-core")
PHP: Final = Runtime("PHP-FPM", 70, 45, 0, "children")
PHP_CMS: Final = Runtime("PHP-FPM (CMS)", 70, 128, 0, "children")
BEAM: Final = Runtime("BEAM", 100, 0, 0.3)
JVM: Final = Runtime("JVM", 256, 0, 1, jvm=True)
NGINX: Final = Runtime("nginx", 50, 0, 0)
UNKNOWN: Final = Runtime("unknown runtime, sized like .NET", 120, 0, 0.5)

_BY_LANGUAGE: Final[dict[str, Runtime]] = {
    "go": GO, "rust": RUST, "cpp": RUST, "csharp": DOTNET, "javascript": NODE, "typescript": NODE,
    "python": PYTHON_SYNC,
    "java": JVM, "kotlin": JVM, "scala": JVM, "groovy": JVM, "clojure": JVM, "ruby": RUBY, "php": PHP, "elixir": BEAM,
    "nginx": NGINX, "html": NGINX,
}  # fmt: skip

_BY_FRAMEWORK: Final[dict[str, Runtime]] = {
    "django": DJANGO, "nestjs": NEST, "nestjs-fastify": NEST, "wordpress": PHP_CMS, "drupal": PHP_CMS,
    "fastapi": PYTHON_ASYNC, "starlette": PYTHON_ASYNC, "sanic": PYTHON_ASYNC, "aiohttp": PYTHON_ASYNC,
    "tornado": PYTHON_ASYNC, "uvicorn": PYTHON_ASYNC, "quart": PYTHON_ASYNC, "litestar": PYTHON_ASYNC,
}  # fmt: skip

_STATIC_SERVERS: Final = ("nginx", "caddy", "httpd", "apache", "traefik")


def runtime_of(service: Service) -> Runtime:
    """The row for a service: static servers first, then framework, then language."""
    if is_static(service):
        return NGINX
    framework = _BY_FRAMEWORK.get(framework_key(service.framework, service.language))
    return framework or _BY_LANGUAGE.get(language_key(service.language), UNKNOWN)


def is_static(service: Service) -> bool:
    """True for a front end of files: the survey says so, or a web server image runs it without routes of its own."""
    if service.kind == "static" or language_key(service.language) in {"nginx", "html"}:
        return True
    if language_key(service.language) not in {"", "javascript", "typescript"}:
        return False
    image = (service.base_image or "").rsplit("/", maxsplit=1)[-1]
    return service.kind == "web" and not service.endpoints and image.startswith(_STATIC_SERVERS)
