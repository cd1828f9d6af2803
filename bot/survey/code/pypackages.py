"""The distributions that Python package files list, and the wished version.

In: texts of requirements files, pyproject.toml, Pipfile, setup.cfg, setup.py. Out: normalised names with file and line.
Never: execution of setup.py, an index address with its credentials.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from bot.model.profile import Evidence
from bot.survey.code.facts import evidence
from bot.survey.code.sources import Area, Source

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]{0,80})")
_QUOTED = re.compile(
    r"""["']([A-Za-z0-9][A-Za-z0-9._-]{0,80})\s*(?:\[[^\]"'\n]{0,80}\])?\s*(?:[<>=!~;@ ][^"'\n]{0,120})?["']"""
)
_INSTALL = re.compile(r"install_requires\s*=")
_PYTHON = re.compile(r"(3\.\d{1,2})")
_FILES = ("pyproject.toml", "Pipfile", "setup.cfg", "setup.py")


def normal(name: str) -> str:
    """A distribution name in its normal form: lower case, single hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_requirements(path: str) -> bool:
    """True for requirements.txt, requirements-prod.txt, requirements/base.txt and requirements.in."""
    name = path.rpartition("/")[2]
    folder = path.rpartition("/")[0].rpartition("/")[2]
    named = name.startswith("requirements") or folder in {"requirements", "reqs"}
    developer = any(word in name for word in ("dev", "test", "lint", "doc"))
    return named and name.endswith((".txt", ".in")) and not developer


def package_files(area: Area) -> tuple[Source, ...]:
    """The Python package files of the area, else the nearest above."""
    own = tuple(source for source in area.others if is_requirements(source.path) or source.name in _FILES)
    setup = tuple(source for source in area.sources if source.name == "setup.py")
    return own + setup or tuple(source for source in area.above if source.name in {*_FILES, "requirements.txt"})[:3]


def listed(area: Area) -> dict[str, Evidence]:
    """Distributions by normal name."""
    found: dict[str, Evidence] = {}
    for source in package_files(area):
        for name, line in _names(source):
            found.setdefault(normal(name), evidence(source.path, line, normal(name)))
    return found


def _names(source: Source) -> list[tuple[str, int | None]]:
    if source.name in {"pyproject.toml", "Pipfile"}:
        return _from_toml(source)
    if source.name == "setup.py":
        return _from_setup_py(source)
    if source.name == "setup.cfg":
        return _from_setup_cfg(source)
    return _from_requirements(source)


def _from_requirements(source: Source) -> list[tuple[str, int | None]]:
    found: list[tuple[str, int | None]] = []
    for number, line in enumerate(source.text.splitlines(), 1):
        match = _NAME.match(line[:300])
        if match and not line.lstrip().startswith(("#", "-")) and "://" not in line.split("@")[0]:
            found.append((match[1], number))
    return found


def _from_setup_cfg(source: Source) -> list[tuple[str, int | None]]:
    found: list[tuple[str, int | None]] = []
    inside = False
    for number, line in enumerate(source.text.splitlines(), 1):
        if line[:1].strip():
            inside = line.replace(" ", "").startswith("install_requires=")
        elif inside and (match := _NAME.match(line[:300])):
            found.append((match[1], number))
    return found


def _from_setup_py(source: Source) -> list[tuple[str, int | None]]:
    start = _INSTALL.search(source.text)
    if start is None:
        return []
    part = source.text[start.end() : start.end() + 6_000].split("]")[0]
    first = source.text.count("\n", 0, start.end()) + 1
    return [(match[1], first + part.count("\n", 0, match.start())) for match in _QUOTED.finditer(part)]


def _from_toml(source: Source) -> list[tuple[str, int | None]]:
    data = toml(source.text)
    names: list[str] = []
    for item in _list(_table(data, "project"), "dependencies"):
        match = _NAME.match(item[:300]) if isinstance(item, str) else None
        names += [match[1]] if match else []
    names += [name for name in _table(data, "tool", "poetry", "dependencies") if name != "python"]
    names += list(_table(data, "packages"))
    lines = source.text.splitlines()
    return [(name, _line_of(lines, name)) for name in names[:400]]


def _line_of(lines: list[str], name: str) -> int | None:
    return next((number for number, line in enumerate(lines, 1) if name in line), None)


def toml(text: str) -> dict[str, Any]:
    """A TOML table; empty for anything that is none."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return {}


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value[:400] if isinstance(value, list) else []


def python_version(area: Area) -> tuple[str, Evidence] | None:
    """``requires-python``, poetry's ``python``, Pipfile, ``.python-version`` or ``runtime.txt``."""
    for source in (*area.named(".python-version", "runtime.txt"), *package_files(area)):
        if source.name in {".python-version", "runtime.txt"}:
            wish: Any = source.text[:40]
        elif source.name in {"pyproject.toml", "Pipfile"}:
            data = toml(source.text)
            wish = _table(data, "project").get("requires-python") or _table(data, "tool", "poetry", "dependencies").get(
                "python"
            )
            wish = wish or _table(data, "requires").get("python_version")
        else:
            continue
        match = _PYTHON.search(wish[:80]) if isinstance(wish, str) else None
        if match:
            return match[1], evidence(source.path, None, f"python {match[1]}")
    return None
