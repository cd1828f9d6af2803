"""Which Dockerfiles of a repository build what runs, and where the code of each lies.

In: a tree. Out: paths. Never: a Dockerfile for development, a link that leaves the tree.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from bot.model.tree import Tree
from bot.survey.dockerfile import is_development_name
from bot.survey.places import SIDE_FOLDERS, base_of, folder_of, is_ignored, join, parts_of, slug
from bot.survey.selection import is_dockerfile_name

MAX_LINKS: Final = 5

_SOURCE_ENDS: Final = (
    ".go", ".py", ".js", ".ts", ".mjs", ".php", ".rb", ".java", ".kt", ".rs", ".cs", ".conf", ".html", ".template",
)  # fmt: skip

_PLAIN: Final = frozenset({"dockerfile", "containerfile"})
_FLAVOUR: Final = re.compile(
    r"(?:alpine|debian|ubuntu|slim|ubi[0-9]{0,2}|rhel[0-9]?|arm|arm64|armv[67]|arm32v[67]|amd64|x86|s390x|ppc64le|aarch64|riscv64"
    r"|windows.*|nanoserver.*|ltsc.*|distroless|scratch|cuda.*|gpu|cpu|rocm|multi-?arch|multi-?stage|cross|buildx?"
    r"|buildkit|release|prod|production|linux|base|ci-release|j2|template|rootless|fips|musl|glibc)(?:-.*)?"
)
_RELEASE: Final = frozenset({"release", "prod", "production"})
GENERIC_FOLDERS: Final = frozenset(
    {
        ".docker", "application", "build", "cmd", "code", "compose", "container", "containers", "deploy", "deployment",
        "deployments", "dev", "docker", "docker-compose", "dockerfiles", "environment", "image", "images", "infra",
        "infrastructure", "local", "main", "ops", "package", "packaging", "project", "source", "src",
    }
)  # fmt: skip
"""Folder names that do not name a service."""


def is_aside_of(path: str, part: str) -> bool:
    """True below a folder for tests, examples or tools, seen from the part that the command named."""
    inner = path[len(part) + 1 :] if part and path.startswith(part + "/") else path
    return not SIDE_FOLDERS.isdisjoint(parts_of(inner))


def text_of(tree: Tree, path: str) -> str | None:
    """The text of a file, through symbolic links that stay in the tree."""
    target = resolved(tree, path)
    return tree.texts.get(target) if target is not None else None


def resolved(tree: Tree, path: str) -> str | None:
    """Where a path leads inside the tree; None when a link leaves it or goes round in circles."""
    links = {link.path: link.target for link in tree.links if link.kind == "symlink"}
    for _ in range(MAX_LINKS + 1):
        if path not in links:
            return path
        target = links[path]
        step = join(folder_of(path), target) if target else None
        if step is None:
            return None
        path = step
    return None


def exists(tree: Tree, path: str) -> bool:
    """True for a file of the tree, or a link that leads to one."""
    target = resolved(tree, path)
    if target is None:
        return False
    at = bisect_left(tree.paths, target)
    return target in tree.texts or (at < len(tree.paths) and tree.paths[at] == target)


def own_dockerfiles(tree: Tree) -> tuple[str, ...]:
    """The Dockerfiles worth a service, highest folder first: one per folder, unless the names differ."""
    by_folder: dict[str, list[str]] = {}
    unread = {item.path for item in tree.unread}
    links = {link.path for link in tree.links if link.kind == "symlink"}
    for path in sorted(tree.texts.keys() | links | unread):
        if is_dockerfile_name(base_of(path)) and not is_ignored(path) and (path in unread or _readable(tree, path)):
            by_folder.setdefault(folder_of(path), []).append(path)
    several = sum(map(len, by_folder.values())) > 1
    chosen = [path for files in by_folder.values() for path in _of_folder(files) if not (several and _is_base(path))]
    linked = {resolved(tree, path) for path in chosen if path in links}
    folders = {folder_of(path) for path in linked if path is not None and variant_of(path)}
    return tuple(sorted((path for path in chosen if path not in linked and folder_of(path) not in folders), key=_depth))


def _is_base(path: str) -> bool:
    """True for ``apply_base.dockerfile``: an image that others build on."""
    return variant_of(path).endswith("-base") or variant_of(path) == "base"


def _readable(tree: Tree, path: str) -> bool:
    target = resolved(tree, path)
    return target is not None and target in tree.texts


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _of_folder(files: Iterable[str]) -> list[str]:
    named = {path: variant_of(path) for path in files}
    plain = [path for path, variant in named.items() if variant == ""]
    if plain:
        return sorted(plain, key=lambda path: base_of(path) != "Dockerfile")[:1]
    real = {path: variant for path, variant in named.items() if not is_development_name(variant)}
    own = [path for path, variant in real.items() if not _FLAVOUR.fullmatch(variant)]
    flavours = sorted(
        real.keys() - set(own), key=lambda path: (real[path] not in _RELEASE, "windows" in real[path], path)
    )
    return own or flavours[:1]


def variant_of(path: str) -> str:
    """``Dockerfile.api`` and ``api.Dockerfile`` are ``api``; a plain name is the empty string."""
    base = base_of(path).lower()
    if base in _PLAIN:
        return ""
    return slug(re.sub(r"^(?:dockerfile|containerfile)[._-]|[._-]?(?:dockerfile|containerfile)$", "", base))


def name_for(path: str, repository: str) -> str:
    """A service's name from its Dockerfile: the variant, else the nearest telling folder, else the repository."""
    variant = variant_of(path)
    if variant and not _FLAVOUR.fullmatch(variant):
        return variant
    return folder_name(folder_of(path), repository)


def folder_name(folder: str, repository: str) -> str:
    """The slug of the nearest folder with a telling name, else of the repository."""
    for part in reversed(folder.split("/") if folder else []):
        if part.lower() not in GENERIC_FOLDERS and slug(part):
            return slug(part)
    return slug(repository) or "app"


def area_for(tree: Tree, dockerfile: str, context: str | None, packages: frozenset[str]) -> str:
    """Where the code lies: the Dockerfile's folder when it holds code, else its context, else the next folder above
    that does.
    """
    folder = folder_of(dockerfile)
    if folder in packages or context == folder or _has_source(tree, folder):
        return folder
    if context is not None:
        return context
    above = folder
    while above:
        above = folder_of(above)
        if above in packages:
            return above
    return folder


def _has_source(tree: Tree, folder: str) -> bool:
    return any("/" not in path and path.endswith(_SOURCE_ENDS) for path in _inside(tree, folder))


def _inside(tree: Tree, folder: str) -> Iterator[str]:
    """The paths below a folder, relative to it; ``tree.paths`` is sorted, so they stand together."""
    prefix = folder + "/" if folder else ""
    for at in range(bisect_left(tree.paths, prefix), len(tree.paths)):
        if not tree.paths[at].startswith(prefix):
            return
        yield tree.paths[at][len(prefix) :]


def narrowed(tree: Tree, area: str, name: str) -> str:
    """Where several services share one area: the folder below it that bears the service's name and holds code."""
    found = {
        folder_of(path)
        for path in tree.texts
        if path.endswith((".go", ".py", ".js", ".ts")) and slug(base_of(folder_of(path))) == name
    }
    inside = [folder for folder in found if area == "" or folder.startswith(area + "/")]
    return min(
        inside,
        key=lambda folder: (folder.startswith("cmd/") or "/cmd/" in folder, folder.count("/"), folder),
        default=area,
    )


def link_notes(tree: Tree) -> tuple[str, ...]:
    """What was not followed: submodules, and links that leave the repository."""
    notes = [f"submodule {link.path}: not followed" for link in tree.links if link.kind == "submodule"]
    notes += [
        f"symbolic link {link.path} leaves the repository or leads in a circle: not read"
        for link in tree.links
        if link.kind == "symlink" and resolved(tree, link.path) is None
    ]
    return tuple(notes[:20])
