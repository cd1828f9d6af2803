"""What a Dockerfile of ours needs to know of a service, and where each fact comes from.

In: a surveyed service, and the texts of a few well-known files beside its code. Out: ``BuildFacts``, or a ``Refusal``
that names what is missing. Never: a text of the repository that was not checked letter by letter.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from typing import Final, Literal

from bot.errors import Code, Refusal
from bot.model.noun import Noun
from bot.model.profile import RELATIONAL, Service
from bot.rendering.data_text import without_secrets

Ecosystem = Literal["go", "python", "node", "static", "java-maven", "java-gradle", "dotnet", "ruby", "php", "rust"]
Texts = Mapping[str, str | None]
"""Contents by their path in the repository; None for a file that is not there."""

_LANGUAGES: Final[Mapping[str, Ecosystem]] = {
    "go": "go",
    "python": "python",
    "javascript": "node",
    "typescript": "node",
    "csharp": "dotnet",
    "ruby": "ruby",
    "php": "php",
    "rust": "rust",
    "html": "static",
}
_JVM: Final = frozenset({"java", "kotlin", "scala"})
_WANTED: Final[Mapping[Ecosystem, tuple[str, ...]]] = {
    "go": ("go.mod",),
    "python": ("requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", ".python-version"),
    "node": ("package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", ".nvmrc", ".node-version"),
    "static": ("package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", ".nvmrc", ".node-version"),
    "java-maven": ("pom.xml",),
    "java-gradle": ("build.gradle", "build.gradle.kts"),
    "dotnet": (),
    "ruby": ("Gemfile", ".ruby-version"),
    "php": ("composer.json",),
    "rust": ("Cargo.toml", "Cargo.lock", "rust-toolchain"),
}
"""Files that say how a service is built."""
_DEFAULTS: Final[Mapping[Ecosystem, str]] = {
    "go": "1.24",
    "python": "3.12",
    "node": "22",
    "static": "22",
    "java-maven": "21",
    "java-gradle": "21",
    "dotnet": "8.0",
    "ruby": "3.3",
    "php": "8.3",
    "rust": "1.84",
}
"""Versions that are taken where nobody states one."""
_JAVA_VERSION: Final = (
    r"<(?:java\.version|maven\.compiler\.release)>\s*(11|17|21|25)\s*<|"
    r"(?:JavaLanguageVersion\.of\(|(?:source|target)Compatibility\s*=\s*['\"]?(?:JavaVersion\.VERSION_)?)(11|17|21|25)\b"
)
_STATED: Final[Mapping[Ecosystem, str]] = {
    "go": r"(?m)^go (1\.[0-9]{1,2})",
    "python": r"\A(3\.[0-9]{1,2})\b",
    "node": r"\Av?([0-9]{2})\b|\"engines\"\s*:\s*\{[^}]{0,200}?\"node\"\s*:\s*\"[\^~>=v ]{0,4}([0-9]{2})\b",
    "static": r"\Av?([0-9]{2})\b",
    "java-maven": _JAVA_VERSION,
    "java-gradle": _JAVA_VERSION,
    "dotnet": r"<TargetFramework>net([0-9]{1,2}\.0)<",
    "ruby": r"(?:\A(?:ruby-)?|(?m:^)ruby ['\"])([2-4]\.[0-9])\b",
    "php": r"\"php\"\s*:\s*\"[\^~>= ]{0,4}([78]\.[0-9])\b",
    "rust": r"(?:\A|rust-version\s*=\s*\")(1\.[0-9]{1,3})\b",
}
"""How a version is stated in those files."""
_RUNNABLE_JARS: Final = frozenset({"spring-boot", "webflux", "micronaut", "ktor", "vertx", "dropwizard", "quarkus"})
_OWN_PORT: Final[Mapping[Ecosystem, int]] = {"static": 8080, "php": 8080, "dotnet": 8080, "ruby": 3000}
"""Where the server is of our choosing, so is its port."""
_EXTENSIONS: Final[Mapping[str, str]] = {
    "postgresql": "pdo_pgsql",
    "mysql": "pdo_mysql",
    "mariadb": "pdo_mysql",
    "redis": "redis",
    "valkey": "redis",
    "memcached": "memcached",
    "mongodb": "mongodb",
    "rabbitmq": "amqp",
}
_WORD: Final = re.compile(r"[A-Za-z0-9_./:@=,+%-]{1,200}", re.ASCII)
_PROJECT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}", re.ASCII)
_PATH: Final = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,60}/){0,20}[A-Za-z0-9_][A-Za-z0-9._-]{0,60}", re.ASCII)
_PORT_WORD: Final = re.compile(r"\$(?:PORT\b|\{PORT(?::-[0-9]{1,5})?\})")
_WORDS: Final = 30
REMEDY: Final = "Write the Dockerfile by hand, or give the command without [dockerfile=propose]."


class BuildFacts(Noun):
    """Everything a template shows. ``start`` is empty where the template knows the command itself.

    ``native``: the runtime image needs the libraries of database clients. ``port`` None: it answers no requests.
    """

    ecosystem: Ecosystem
    version: str
    manager: str = "none"
    port: int | None = None
    port_from_env: bool = False
    start: tuple[str, ...] = ()
    native: bool = False
    quarkus: bool = False
    locked: bool = False
    project: str = ""
    public: bool = False
    extensions: str = ""


def wanted_files(service: Service) -> tuple[str, ...]:
    """Paths of the files that say how this service is built; they may be absent."""
    found = ecosystem_of(service)
    if found is None:
        return ()
    names = [posixpath.join(service.path, name) for name in _WANTED[found]]
    return (*names, *([project] if (project := _project_path(service)) else []))


def ecosystem_of(service: Service) -> Ecosystem | None:
    """The template that fits, or None."""
    if service.kind == "static":
        return "static"
    if service.language in _JVM:
        names = {posixpath.basename(path) for path in _own_paths(service)}
        return "java-maven" if "pom.xml" in names else "java-gradle" if _has_gradle(names) else None
    return _LANGUAGES.get(service.language or "")


def build_facts(service: Service, texts: Texts) -> BuildFacts | Refusal:
    """The facts, or what is missing."""
    ecosystem = ecosystem_of(service)
    if ecosystem is None:
        return missing(service, f"its ecosystem: {service.language or 'no language'} has no template")
    there = {*_own_paths(service), *(path for path, text in texts.items() if text is not None)}
    names = {posixpath.basename(path) for path in there if posixpath.dirname(path) == service.path}
    port = _port(service, ecosystem)
    start = _start(service, ecosystem, port)
    lacking = _lacking(service, ecosystem, names, port, start)
    if lacking:
        return missing(service, lacking)
    stores = {need.kind for need in service.dependencies if need.in_use}
    return BuildFacts(
        ecosystem=ecosystem,
        version=_version(ecosystem, texts),
        manager=_manager(ecosystem, names),
        port=port,
        port_from_env=any(name.name == "PORT" for name in service.env),
        start=start or (),
        native="sqlite" in stores if ecosystem == "go" else bool(stores & RELATIONAL),
        quarkus=service.framework == "quarkus",
        locked="Cargo.lock" in names,
        project=posixpath.basename(_project_path(service) or "").removesuffix(".csproj"),
        public=service.framework in {"laravel", "symfony", "slim", "codeigniter"},
        extensions=" ".join(sorted({_EXTENSIONS[kind] for kind in stores if kind in _EXTENSIONS})),
    )


def missing(service: Service, what: str) -> Refusal:
    """``syntax``: the command asks for something that cannot be made of these facts."""
    return Refusal(
        code=Code.SYNTAX,
        message=f"No Dockerfile can be proposed for {_shown(service.name)}; what is missing: {what}.",
        remedy=REMEDY,
    )


def _shown(text: str) -> str:
    return text[:60] if _PROJECT.fullmatch(text) else "a service"


def _own_paths(service: Service) -> set[str]:
    return {place.path for place in (*service.evidence, *(seen for port in service.ports for seen in port.evidence))}


def _has_gradle(names: set[str]) -> bool:
    return bool(names & {"build.gradle", "build.gradle.kts"})


def _project_path(service: Service) -> str | None:
    """The one project file of a .NET service, when its name is plain."""
    found = {path for path in _own_paths(service) if path.endswith(".csproj")}
    plain = [path for path in found if posixpath.dirname(path) == service.path]
    stem = posixpath.basename(plain[0]).removesuffix(".csproj") if len(plain) == 1 else ""
    return plain[0] if _PROJECT.fullmatch(stem) else None


def _port(service: Service, ecosystem: Ecosystem) -> int | None:
    named = next((port.port for port in service.ports if port.protocol != "udp"), None)
    if named is not None:
        return named
    serves = ecosystem in {"static", "php"} or service.framework in {"aspnet", "grpc", "rails", "sinatra", "roda"}
    return _OWN_PORT.get(ecosystem) if serves else None


def _start(service: Service, ecosystem: Ecosystem, port: int | None) -> tuple[str, ...] | None:
    """The words of the command that starts it; None when nobody says it, or not in plain words."""
    if ecosystem in {"python", "node", "ruby"}:
        return _stated_start(service, port) or _script(service, ecosystem) or _rails(service, port)
    return ()


def _stated_start(service: Service, port: int | None) -> tuple[str, ...] | None:
    words = list(service.start_command or ())
    if words[:2] in (["/bin/sh", "-c"], ["sh", "-c"]) and len(words) == 3:
        try:
            words = shlex.split(words[2])
        except ValueError:
            return None
    if port is not None:
        words = [_PORT_WORD.sub(str(port), word) for word in words]
    plain = all(_WORD.fullmatch(word) and without_secrets(word) == word for word in words)
    return tuple(words) if words and plain and len(words) <= _WORDS else None


def _script(service: Service, ecosystem: Ecosystem) -> tuple[str, ...] | None:
    """The file that listens, where nothing stated is there to be run."""
    if service.start_command:
        return None
    program, endings = ("node", (".js", ".mjs", ".cjs")) if ecosystem == "node" else ("python", (".py",))
    for place in (seen for port in service.ports for seen in port.evidence):
        path = posixpath.relpath(place.path, service.path or ".")
        if path.endswith(endings) and _PATH.fullmatch(path):
            return (program, path)
    return None


def _rails(service: Service, port: int | None) -> tuple[str, ...] | None:
    if service.framework != "rails" or service.start_command or port is None:
        return None
    return ("bundle", "exec", "rails", "server", "-b", "0.0.0.0", "-p", str(port))  # noqa: S104 - inside a container


def _lacking(
    service: Service, ecosystem: Ecosystem, names: set[str], port: int | None, start: tuple[str, ...] | None
) -> str:
    """What is not known, in words; empty when nothing is."""
    lacking = []
    manifest = _manifest(ecosystem, names)
    if manifest:
        lacking.append(f"{manifest} in its folder")
    if start is None:
        lacking.append("a start command in plain words")
    if port is None and service.kind in {"web", "api", "static"}:
        lacking.append("the port it listens on")
    if ecosystem.startswith("java") and service.framework not in _RUNNABLE_JARS:
        lacking.append("a framework that builds one runnable jar")
    if ecosystem == "dotnet" and _project_path(service) is None:
        lacking.append("one project file with a plain name in its folder")
    return ", ".join(lacking)


def _manifest(ecosystem: Ecosystem, names: set[str]) -> str:
    """The file without which nothing can be built, when it is not there."""
    needed = {
        "go": ("go.mod",),
        "python": ("requirements.txt", "pyproject.toml"),
        "node": ("package.json",),
        "ruby": ("Gemfile",),
        "php": ("composer.json",),
        "rust": ("Cargo.toml",),
        "java-maven": ("pom.xml",),
        "java-gradle": ("build.gradle", "build.gradle.kts"),
    }.get(ecosystem, ())
    return " or ".join(needed) if needed and not names & set(needed) else ""


def _manager(ecosystem: Ecosystem, names: set[str]) -> str:
    if ecosystem == "python":
        found = (("uv.lock", "uv"), ("poetry.lock", "poetry"), ("requirements.txt", "pip"), ("pyproject.toml", "own"))
    elif ecosystem in {"node", "static"}:
        found = (
            ("pnpm-lock.yaml", "pnpm"),
            ("yarn.lock", "yarn"),
            ("package-lock.json", "npm"),
            ("package.json", "unlocked"),
        )
    else:
        return "none"
    return next((manager for name, manager in found if name in names), "none")


def _version(ecosystem: Ecosystem, texts: Texts) -> str:
    pattern = re.compile(_STATED[ecosystem])
    for path in sorted(texts, key=lambda path: (not posixpath.basename(path).startswith("."), path)):
        match = pattern.search((texts[path] or "")[:100_000])
        if match is not None:
            return next(group for group in match.groups() if group)
    return _DEFAULTS[ecosystem]
