"""Names the language and framework of services that are not written in Go, Python or JavaScript.

In: package files of a folder. Out: claims with file and line. Never: ports, routes, dependencies of those languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.model.profile import Evidence
from bot.model.tree import Tree
from bot.survey.clues import Claim, Clues
from bot.survey.places import base_of, folder_of, is_aside, is_below, is_ignored

WEIGHT: Final = 50

_PACKAGES: Final[dict[str, str]] = {
    "pom.xml": "java",
    "build.gradle": "java",
    "build.gradle.kts": "java",
    "cargo.toml": "rust",
    "composer.json": "php",
    "gemfile": "ruby",
    "mix.exs": "elixir",
}
_FRAMEWORKS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "java": (
        ("spring-boot", "spring-boot"), ("org.springframework.boot", "spring-boot"), ("quarkus", "quarkus"),
        ("micronaut", "micronaut"), ("io.ktor", "ktor"), ("grpc-netty", "grpc-netty"), ("dropwizard", "dropwizard"),
        ("vertx", "vert.x"), ("spark-core", "spark"), ("javalin", "javalin"),
    ),
    "rust": (("actix-web", "actix-web"), ("axum", "axum"), ("rocket", "rocket"), ("warp", "warp"), ("tonic", "tonic")),
    "php": (
        ("symfony", "symfony"), ("laravel", "laravel"), ("slim/slim", "slim"), ("silex", "silex"),
        ("cakephp", "cakephp"), ("yiisoft", "yii"),
    ),
    "ruby": (("rails", "rails"), ("sinatra", "sinatra"), ("hanami", "hanami"), ("sidekiq", "sidekiq")),
    "elixir": ((":phoenix", "phoenix"),),
    "csharp": (
        ("grpc.aspnetcore", "aspnet core grpc"), ("microsoft.net.sdk.web", "aspnet core"),
        ("microsoft.aspnet", "aspnet core"), ("microsoft.net.sdk.worker", ".net worker"),
    ),
}  # fmt: skip
_PROJECTS: Final = (".csproj", ".fsproj", ".vbproj")


def read_other_languages(tree: Tree, area: str) -> Clues:
    """The language of the package file nearest to the folder, when it is one that code reading does not know."""
    languages: list[Claim] = []
    frameworks: list[Claim] = []
    for path in sorted(_package_files(tree, area), key=lambda path: (is_aside(path), path.count("/"), path))[:20]:
        text = tree.texts[path][:200_000]
        language = _language(path, text)
        if language is None:
            continue
        weight = WEIGHT - path.count("/") - (20 if is_aside(path) else 0)
        languages.append(_claim(language, weight, path, 1))
        frameworks += _frameworks(language, text, path, weight)
    return Clues(area=area, detector="packages", languages=tuple(languages), frameworks=tuple(frameworks[:10]))


def _package_files(tree: Tree, area: str) -> Iterator[str]:
    for path in tree.texts:
        base = base_of(path).lower()
        if (base in _PACKAGES or base.endswith(_PROJECTS)) and is_below(path, area) and not is_ignored(path):
            yield path


def _language(path: str, text: str) -> str | None:
    base = base_of(path).lower()
    if base.endswith(_PROJECTS):
        return "csharp"
    language = _PACKAGES.get(base)
    if language == "java" and re.search(r"kotlin\(\"jvm\"\)|org\.jetbrains\.kotlin|kotlin-maven-plugin", text):
        return "kotlin"
    return language


def _frameworks(language: str, text: str, path: str, weight: int) -> Iterator[Claim]:
    lower = text.lower()
    for needle, name in _FRAMEWORKS.get("java" if language == "kotlin" else language, ()):
        position = lower.find(needle)
        if position >= 0:
            yield _claim(name, weight, path, text.count("\n", 0, position) + 1)
            return


def _claim(value: str, weight: int, path: str, line: int) -> Claim:
    return Claim(value=value, seen="convention", weight=weight, evidence=Evidence(path=path, line=line))


def package_folders(tree: Tree) -> tuple[str, ...]:
    """Folders that hold a package file of any language, aside and ignored ones left out."""
    names = _PACKAGES.keys() | {"go.mod", "package.json", "pyproject.toml", "requirements.txt", "setup.py", "pipfile"}
    found = {
        folder_of(path)
        for path in tree.texts
        if (base_of(path).lower() in names or base_of(path).lower().endswith(_PROJECTS))
        and not is_aside(path)
        and not is_ignored(path)
    }
    return tuple(sorted(found, key=lambda folder: (folder.count("/") + bool(folder), folder)))
