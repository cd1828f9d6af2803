"""Small trees for the tests of the code readers."""

from __future__ import annotations

from bot.model.tree import Tree
from bot.survey.clues import Clues
from bot.survey.code.reading import read_code


def tree_of(files: dict[str, str]) -> Tree:
    return Tree(name="app", ref=None, commit=None, paths=tuple(sorted(files)), texts=files)


def read(files: dict[str, str], area: str = "") -> Clues:
    return read_code(tree_of(files), area)


def routes(clues: Clues) -> list[str]:
    return [f"{route.method} {route.path}" for route in clues.endpoints]


def ports(clues: Clues) -> list[tuple[int, str]]:
    return [(claim.port, claim.protocol) for claim in clues.ports]


def in_use(clues: Clues) -> list[str]:
    return [item.kind for item in clues.dependencies if item.in_use]


def named(clues: Clues) -> list[str]:
    return [item.kind for item in clues.dependencies if not item.in_use]


def framework(clues: Clues) -> str | None:
    return max(clues.frameworks, key=lambda claim: claim.weight).value if clues.frameworks else None


def go(body: str, *imports: str, package: str = "main") -> str:
    lines = "".join(f"\t{item if item.endswith(chr(34)) else chr(34) + item + chr(34)}\n" for item in imports)
    return f"package {package}\n\nimport (\n{lines})\n\n{body}\n"
