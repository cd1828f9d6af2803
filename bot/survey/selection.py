"""Which files of a repository the survey reads.

In: all paths, and the part that the command named. Out: at most 3,000 paths, the most telling first. Never: contents,
other people's code, tests, generated files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from bot.survey.places import BUILT_FOLDERS, IGNORED_FOLDERS, SIDE_FOLDERS, TEST_FOLDERS, base_of, folder_of, within

MAX_FILES: Final = 3_000
MAX_SOURCES: Final = 1_200
MAX_OTHER_YAML: Final = 800

_BUILD, _PACKAGE, _DEPLOY, _SMALL, _SOURCE, _YAML, _KEY = range(7)
_OUTSIDE: Final = 100
_ASIDE: Final = 1_000

_PACKAGES: Final = frozenset(
    {
        "go.mod", "go.work", "package.json", "pyproject.toml", "setup.py", "setup.cfg", "pipfile", "requirements.txt",
        "pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "cargo.toml",
        "composer.json", "gemfile", "mix.exs", "deno.json", "nest-cli.json", "pnpm-workspace.yaml", "angular.json",
        "libs.versions.toml", "environment.yml", "gopkg.toml",
    }
)  # fmt: skip
_SMALL_FILES: Final = frozenset(
    {
        "procfile", "readme", "readme.md", "readme.rst", "readme.txt", ".dockerignore", ".python-version", ".nvmrc",
        ".node-version", ".tool-versions", "runtime.txt", ".go-version", "nginx.conf", "default.conf",
        "default.conf.template", "uwsgi.ini", "gunicorn.conf.py", "application.properties", "bootstrap.yml",
        "application.yml", "application.yaml", "alembic.ini", "manage.py", "schema.prisma", "startup.sh",
        "entrypoint.sh", "docker-entrypoint.sh", "start.sh", "run.sh", ".gitmodules", "appsettings.json",
    }
)  # fmt: skip
_KEY_FILES: Final = frozenset(
    {".npmrc", ".pypirc", ".netrc", ".pgpass", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "credentials"}
)
_KEY_ENDS: Final = (".pem", ".key", ".p8")
_SOURCE_ENDS: Final = frozenset({"go", "py", "js", "mjs", "cjs", "jsx", "ts", "tsx"})
_NOT_IMAGES: Final = frozenset(
    {"md", "go", "py", "js", "ts", "txt", "sh", "rb", "java", "html", "rst", "json", "png", "svg", "dockerignore"}
)
_NEVER_NAMED: Final = frozenset(
    {"lock", "go", "js", "ts", "rb", "java", "kt", "cs", "php", "rs", "c", "h", "html", "css", "png", "svg"}
)
_MUTE_ENDS: Final = _NEVER_NAMED - _SOURCE_ENDS
_PROJECT_ENDS: Final = frozenset({"csproj", "fsproj", "vbproj"})
_SERVED_FOLDERS: Final = frozenset({"static", "public", "assets"})
_DOCKERFILE: Final = re.compile(r"(?:dockerfile|containerfile)(?:[._-].{1,60})?|.{1,80}\.(?:dockerfile|containerfile)")
_COMPOSE: Final = re.compile(r"(?:docker-)?(?:compose|stack)(?:[._-].{1,60})?\.ya?ml|.{1,60}\.compose\.ya?ml")
_ENV_SAMPLE: Final = re.compile(r"\.?env(?:[._-].{1,40})?|.{1,40}\.env(?:[._-](?:sample|example|template|dist))?")
_REQUIREMENTS: Final = re.compile(r"requirements[._-].{1,40}\.txt")
_SCRIPT_ENDS: Final = ("js", "jsx", "ts", "tsx")
_TEST_SOURCE_ENDS: Final = (
    "_test.go", ".pb.go", ".pb.gw.go", "_test.py", "_pb2.py", "_pb2_grpc.py", ".d.ts", ".min.js", ".config.js",
    ".config.ts",
    *(f"{sign}{kind}.{end}" for sign in "._" for kind in ("test", "spec") for end in _SCRIPT_ENDS),
    *(f".stories.{end}" for end in _SCRIPT_ENDS),
)  # fmt: skip
_DEPLOY_FOLDERS: Final = frozenset(
    {
        "base", "bases", "chart", "charts", "cluster", "deploy", "deployment", "deployments", "helm", "helm-chart",
        "helm_deploy", "infra", "k8s", "kube", "kubernetes", "kubernetes-manifests", "k8s-specifications", "kustomize",
        "manifest", "manifests", "nais", ".nais", "openshift", "overlays",
    }
)  # fmt: skip
_DEPLOY_FILES: Final = frozenset(
    {
        "skaffold.yaml", "skaffold.yml", "kustomization.yaml", "kustomization.yml", "chart.yaml", "values.yaml",
        "values.yml", "manifest.yml", "naiserator.yaml", "nais.yaml", "app.yaml", "score.yaml", "fly.toml",
        "render.yaml", "project.toml",
    }
)  # fmt: skip
_NO_MANIFESTS: Final = frozenset({"mkdocs.yml", "openapi.yaml", "swagger.yaml"})
_NOT_DEPLOY: Final = frozenset(
    {".github", ".gitlab", ".circleci", "crd", "crds", ".gitea", ".forgejo", "i18n", "locales"}
)
_FIRST_SOURCES: Final = re.compile(
    r"(?:main|app|server|index|wsgi|asgi|routes?|router|routing|urls|api|http|handlers?|controllers?|settings|config|cmd"
    r"|root|serve|program|worker|__main__|views|db|database|store|cache)\.[a-z]{2,3}"
)


class _Folder(NamedTuple):
    """What a folder says about the files in it; asked once per folder, because repositories have many files in few."""

    distance: int
    inside: bool
    sources: bool
    deploy: bool | None


_Ranked = dict[int, list[tuple[int, str]]]


def select(paths: Sequence[str], part: str) -> tuple[str, ...]:
    """The survey set, most valuable first, at most 3,000 paths. Deterministic: the order of ``paths`` does not matter.

    With a ``part``, files below it come first; of the rest of the repository only what could speak about the part
    stays (compose, manifests, skaffold, Dockerfiles, package files of the folders above).
    """
    ranked = _ranked(paths, part)
    charts = tuple(
        path[: -len("Chart.yaml")] + "templates/" for _, path in ranked[_DEPLOY] if path.endswith("Chart.yaml")
    )
    if charts:  # templates are never rendered, so there is nothing to read in them
        ranked[_DEPLOY] = [item for item in ranked[_DEPLOY] if not item[1].startswith(charts)]
    sources = _nearest_sources(ranked, part)
    first = [path for kind in (_BUILD, _PACKAGE, _DEPLOY, _SMALL) for _, path in sorted(ranked[kind])]
    last = [path for kind in (_YAML, _KEY) for _, path in sorted(ranked[kind])[:MAX_OTHER_YAML]]
    room = MAX_FILES - min(len(sources), MAX_SOURCES)
    return (*first[:room], *sources[:MAX_SOURCES], *last)[:MAX_FILES]


def _ranked(paths: Sequence[str], part: str) -> _Ranked:
    ranked: _Ranked = {kind: [] for kind in range(7)}
    folders: dict[str, _Folder | None] = {}
    for path in paths:
        if path.rpartition(".")[2] in _MUTE_ENDS:  # most files of most repositories, so they are asked nothing else
            continue
        name, _, base = path.rpartition("/")
        lower = base.lower()
        kind = _named_kind(lower, lower.rpartition(".")[2])
        if kind is None:
            continue
        if name not in folders:
            folders[name] = _folder(name, part)
        folder = folders[name]
        if folder is None or len(path) > 1_000 or "\n" in path:
            continue
        kind = _placed_kind(kind, lower, folder)
        if kind is not None and (folder.inside or _speaks_about(name, part, kind)):
            ranked[kind].append((folder.distance, path))
    return ranked


def _folder(name: str, part: str) -> _Folder | None:
    parts = name.split("/") if name else []
    if not IGNORED_FOLDERS.isdisjoint(parts):
        return None
    lower = frozenset(name.lower().split("/"))
    inside = within(name, part)
    aside = not SIDE_FOLDERS.isdisjoint(lower)
    tested = not TEST_FOLDERS.isdisjoint(lower)
    nothing = tested or not _NOT_DEPLOY.isdisjoint(lower)
    return _Folder(
        distance=len(parts) + (0 if inside else _OUTSIDE) + (_ASIDE if aside else 0),
        inside=inside,
        sources=not tested and BUILT_FOLDERS.isdisjoint(lower) and _SERVED_FOLDERS.isdisjoint(lower),
        deploy=None if nothing else not _DEPLOY_FOLDERS.isdisjoint(lower),
    )


def _named_kind(base: str, end: str) -> int | None:
    """The kind by the name alone; of sources and YAML the folder has to approve."""
    if end in _SOURCE_ENDS:
        return _source_kind(base)
    if end in {"yaml", "yml"}:
        return _yaml_kind(base)
    return None if end in _NEVER_NAMED else _other_kind(base, end)


def _other_kind(base: str, end: str) -> int | None:
    """Most names mean nothing, so a plain word is asked before a pattern."""
    if "erfile" in base and is_dockerfile_name(base):
        return _BUILD
    if base in _PACKAGES or end in _PROJECT_ENDS or (base.startswith("req") and _REQUIREMENTS.fullmatch(base)):
        return _PACKAGE
    if base in _SMALL_FILES or end == "proto" or ("env" in base and _ENV_SAMPLE.fullmatch(base)):
        return _SMALL
    if base in _DEPLOY_FILES:
        return _DEPLOY
    return _KEY if base in _KEY_FILES or base.endswith(_KEY_ENDS) else None


def _source_kind(base: str) -> int | None:
    """Tests, type declarations, generated and minified sources are none."""
    if base == "setup.py":
        return _PACKAGE
    test = base == "conftest.py" or (base.startswith("test_") and base.endswith(".py"))
    return None if test or base.endswith(_TEST_SOURCE_ENDS) else _SOURCE


def _yaml_kind(base: str) -> int:
    if is_compose_name(base):
        return _BUILD
    if base in _PACKAGES:
        return _PACKAGE
    return _SMALL if base.startswith(("application", "bootstrap")) else _YAML


def _placed_kind(kind: int, base: str, folder: _Folder) -> int | None:
    """What is left of a kind in its folder."""
    if kind == _SOURCE:
        return kind if folder.sources else None
    if kind != _YAML:
        return kind
    if folder.deploy is None:
        return None
    if folder.deploy or base in _DEPLOY_FILES:
        return _DEPLOY
    return None if base.startswith(".") or base in _NO_MANIFESTS else _YAML


def is_dockerfile_name(base: str) -> bool:
    """True for the base name of a Dockerfile in any case: ``Dockerfile``, ``Dockerfile.x``, ``x.Dockerfile``."""
    lower = base.lower()
    return _DOCKERFILE.fullmatch(lower) is not None and lower.rpartition(".")[2] not in _NOT_IMAGES


def is_compose_name(base: str) -> bool:
    """True for the base name of a compose file."""
    return _COMPOSE.fullmatch(base.lower()) is not None


def _speaks_about(folder: str, part: str, kind: int) -> bool:
    """What may say something about the part from outside it: files of the folders above, orchestration in a folder for
    it at the top, and what builds or names the part's neighbours.
    """
    if within(part, folder):
        return kind in {_BUILD, _DEPLOY, _YAML, _PACKAGE}
    top, name = folder.partition("/")[0].lower(), base_of(part)
    if kind in {_DEPLOY, _YAML}:
        return top in _DEPLOY_FOLDERS or name in folder.split("/")
    return kind == _BUILD and (top in _DEPLOY_FOLDERS | {"docker"} or folder_of(folder) == folder_of(part))


def _nearest_sources(ranked: _Ranked, part: str) -> list[str]:
    """Sources by how far below their service they lie; entry points and routes first."""
    areas = {folder_of(path) for kind in (_BUILD, _PACKAGE) for _, path in ranked[kind]}
    areas.add(part)
    below: dict[str, int] = {}
    ordered: list[tuple[int, str]] = []
    for distance, path in ranked[_SOURCE]:
        folder, _, base = path.rpartition("/")
        if folder not in below:
            below[folder] = 4 * _levels_below(folder, areas)
        named = _FIRST_SOURCES.fullmatch(base.lower()) is not None
        ordered.append((below[folder] + (0 if named else 2) + (_ASIDE if distance >= _ASIDE else 0), path))
    return [path for _, path in sorted(ordered)]


def _levels_below(folder: str, areas: set[str]) -> int:
    levels = 0
    while folder and folder not in areas:
        folder = folder_of(folder)
        levels += 1
    return levels
