"""Which files of a tree belong to one area, within caps.

In: a ``Tree`` and a folder. Out: ``Area``: source files, package files and config texts. Never: tests, vendored or
generated code, files of a nested package, more than the caps.
"""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import basename, dirname

from bot.model.tree import Tree

MAX_FILES = 400
MAX_TOTAL = 4 * 1024 * 1024
MAX_FILE = 256 * 1024

GO, PYTHON, NODE = ".go", ".py", (".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte")
_SOURCE = (GO, PYTHON, *NODE)
PACKAGE_FILES = frozenset(
    {
        "go.mod", "package.json", "pyproject.toml", "requirements.txt", "Pipfile", "setup.py", "setup.cfg", "pom.xml",
        "build.gradle", "build.gradle.kts", "Gemfile", "composer.json", "Cargo.toml", "mix.exs",
    }
)  # fmt: skip
_SKIPPED_FOLDERS = frozenset(
    {
        "vendor", "node_modules", "test", "tests", "__tests__", "testing", "testdata", "fixtures", "spec", "specs",
        "e2e", "cypress", "mocks", "__mocks__", "dist", "build", "out", "coverage", "docs", "doc", "third_party",
        "site-packages", "venv", "__pycache__", "bower_components", "storybook", "benchmark", "benchmarks",
    }
)  # fmt: skip
_BROWSER_FOLDERS = frozenset({"static", "public", "assets", "wwwroot", "views", "templates"})
_GENERATED = (".pb.go", ".gen.go", "_pb2.py", "_pb2_grpc.py", ".min.js", ".d.ts", "_pb.js", "bindata.go")
_TEST_ENDS = ("_test.go", "_test.py", ".test.js", ".test.ts", ".test.tsx", ".test.jsx", ".spec.js", ".spec.ts",
              ".spec.tsx", ".stories.tsx", ".stories.js", ".cy.js", ".cy.ts")  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One text of the tree."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return basename(self.path)

    @property
    def folder(self) -> str:
        """The folder it lies in."""
        return dirname(self.path)


@dataclass(frozen=True)
class Area:
    """One folder with what belongs to it. ``others`` are texts that are no source: package files, configs, scripts.

    ``above`` holds the package files of the folders above, nearest first: a part of a module has none of its own.
    """

    root: str
    sources: tuple[Source, ...]
    others: tuple[Source, ...]
    above: tuple[Source, ...]
    notes: tuple[str, ...] = ()

    def ending(self, *ends: str) -> tuple[Source, ...]:
        """The source files with one of these endings."""
        return tuple(source for source in self.sources if source.path.endswith(ends))

    def named(self, *names: str) -> tuple[Source, ...]:
        """The other files with one of these names, the ones nearest to the area's root first."""
        found = [source for source in self.others if source.name in names]
        return tuple(sorted(found, key=lambda source: (source.path.count("/"), source.path)))


def inside(path: str, folder: str) -> bool:
    """True when ``path`` lies in ``folder`` (the empty string is the root)."""
    return not folder or path.startswith(folder + "/")


def relative(path: str, folder: str) -> str:
    """``path`` seen from ``folder``."""
    return path[len(folder) + 1 :] if folder else path


def is_package_file(path: str) -> bool:
    """True for a file that makes its folder a package of its own."""
    name = basename(path)
    return name in PACKAGE_FILES or name.endswith((".csproj", ".fsproj")) or name.startswith("requirements.")


def area_of(tree: Tree, area: str) -> Area:
    """Select the files of ``area``; what is cut or left to a nested package is said in ``notes``."""
    root = area.strip("/")
    mine = sorted(path for path in tree.texts if inside(path, root) and not skipped(relative(path, root)))
    nested, notes = _nested(mine, root)
    own = [path for path in mine if not any(inside(path, folder) for folder in nested)]
    sources, cut = _within_caps(tree, [path for path in own if _is_source(path, root)])
    others = tuple(Source(path, tree.texts[path][:MAX_FILE]) for path in own if not path.endswith(_SOURCE))[:MAX_FILES]
    return Area(root, sources, others, _above(tree, root), (*notes, *cut))


def skipped(path: str) -> bool:
    """True for tests, vendored, generated and hidden files; ``path`` is relative to the area."""
    folders = path.split("/")[:-1]
    name = basename(path)
    if any(folder in _SKIPPED_FOLDERS or folder.startswith((".", "_")) for folder in folders):
        return True
    return (
        name.endswith((*_GENERATED, *_TEST_ENDS))
        or name.startswith(("test_", "mock_", "mock."))
        or name == "conftest.py"
    )


def _is_source(path: str, root: str) -> bool:
    if path.endswith(NODE):
        return not _BROWSER_FOLDERS.intersection(relative(path, root).split("/")[:-1])
    return path.endswith(_SOURCE)


def _nested(paths: list[str], root: str) -> tuple[set[str], tuple[str, ...]]:
    """Folders below ``root`` that are packages of their own, and so not part of this area."""
    homes = {dirname(path) for path in paths if is_package_file(path)}
    below = {home for home in homes if home != root and basename(home) not in {"requirements", "reqs"}}
    direct = [path for path in paths if dirname(path) == root and path.endswith(_SOURCE)]
    if root in homes or direct:
        return below, ()
    tops = {home for home in below if not any(home != other and inside(home, other) for other in below)}
    if len(tops) <= 1:
        return below - tops, ()
    apart = {path[: path.find("/", len(root) + 1)] for path in paths if "/" in relative(path, root)}
    return apart, (f"{root or 'the root'}: {len(tops)} packages below it are read as areas of their own",)


def _within_caps(tree: Tree, paths: list[str]) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    paths.sort(key=lambda path: (path.count("/"), path))
    taken: list[Source] = []
    total = 0
    for path in paths:
        text = tree.texts[path]
        if len(taken) >= MAX_FILES or total + len(text) > MAX_TOTAL:
            return tuple(taken), (f"read {len(taken)} of {len(paths)} source files (limit)",)
        if len(text) <= MAX_FILE:
            taken.append(Source(path, text))
            total += len(text)
    return tuple(taken), ()


def _above(tree: Tree, root: str) -> tuple[Source, ...]:
    """Package files of the folders above ``root``, nearest first."""
    found: list[Source] = []
    folder = root
    while folder:
        folder = dirname(folder)
        prefix = folder + "/" if folder else ""
        names = sorted(PACKAGE_FILES)
        found += [Source(prefix + name, tree.texts[prefix + name]) for name in names if prefix + name in tree.texts]
    return tuple(found)
