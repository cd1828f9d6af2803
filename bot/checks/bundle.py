"""The change set as every check sees it: parsed once, with a line for every place.

In: rendered files and the plan they were made from. Out: manifests, Terraform blocks and values, and what did not
parse. Never: a finding (each check makes its own), a value that a file does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import hcl2
import yaml
from lark.exceptions import LarkError

from bot.model.changes import ChangeSet, RenderedFile
from bot.model.config import Config
from bot.model.finding import Finding, Severity
from bot.model.plan import Plan

Json = dict[str, Any]
KUBERNETES: Final = "/kubernetes/"
TERRAFORM: Final = "/terraform/"
ANSIBLE: Final = "/ansible/"
DELIVERY: Final = "/delivery/"


@dataclass(frozen=True, kw_only=True)
class Unparsed:
    """A file that its parser refused."""

    path: str
    line: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One YAML document. ``lines`` maps ``/spec/replicas`` to its 1-based line; the root is the empty string."""

    path: str
    value: Json
    lines: dict[str, int] = field(repr=False)

    @property
    def kind(self) -> str:
        """The kind, or the empty string."""
        return str(self.value.get("kind", ""))

    @property
    def name(self) -> str:
        """The object's name, or the empty string."""
        described = self.value.get("metadata")
        return str(described.get("name", "")) if isinstance(described, dict) else ""

    @property
    def spec(self) -> Json:
        """``spec``, empty when it is no mapping."""
        return mapping(self.value.get("spec"))

    def line(self, *pointer: str | int) -> int | None:
        """The line of a place, or of its nearest parent."""
        for length in range(len(pointer), -1, -1):
            found = self.lines.get("".join(f"/{part}" for part in pointer[:length]))
            if found is not None:
                return found
        return None

    def finding(
        self, rule: str, message: str, remedy: str, *, at: tuple[str | int, ...] = (), severity: Severity = "block"
    ) -> Finding:
        """A finding at a place of this document."""
        return Finding(
            rule=rule, severity=severity, path=self.path, line=self.line(*at), message=message, remedy=remedy
        )


@dataclass(frozen=True, kw_only=True)
class HclFile:
    """One parsed ``.tf`` file, as python-hcl2 shows it: strings keep their quotes, expressions stand in ``${…}``."""

    path: str
    text: str = field(repr=False)
    value: Json

    def line_of(self, fragment: str) -> int | None:
        """The first line that holds a fragment; the parser keeps no places."""
        lines = self.text.splitlines()
        return next((number for number, line in enumerate(lines, 1) if fragment in line), None)

    def blocks(self, kind: str) -> Iterator[Json]:
        """The bodies of the top-level blocks of one kind."""
        yield from (mapping(body) for body in sequence(self.value.get(kind)))

    def resources(self) -> Iterator[tuple[str, str, Json]]:
        """Type, name and body of every resource."""
        for labelled in self.blocks("resource"):
            for kind, named in labelled.items():
                for name, body in mapping(named).items():
                    if not name.startswith("__"):
                        yield kind.strip('"'), name.strip('"'), mapping(body)

    def finding(self, rule: str, message: str, remedy: str, *, near: str = "", severity: Severity = "block") -> Finding:
        """A finding at the first line that holds ``near``."""
        line = self.line_of(near) if near else None
        return Finding(rule=rule, severity=severity, path=self.path, line=line, message=message, remedy=remedy)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Everything that a check may look at."""

    changes: ChangeSet
    plan: Plan
    config: Config
    manifests: tuple[Manifest, ...]
    terraform: tuple[HclFile, ...]
    data: dict[str, Any]
    unparsed: tuple[Unparsed, ...]

    def of_kind(self, *kinds: str) -> tuple[Manifest, ...]:
        """The manifests of some kinds."""
        return tuple(manifest for manifest in self.manifests if manifest.kind in kinds)

    @property
    def without_playbooks(self) -> Bundle:
        """The same without Ansible's files, whose YAML holds templates on purpose."""
        kept = tuple(file for file in self.changes.files if ANSIBLE not in file.path)
        return replace(self, changes=self.changes.model_copy(update={"files": kept}))

    @property
    def workloads(self) -> tuple[Manifest, ...]:
        """Deployments and StatefulSets."""
        return self.of_kind("Deployment", "StatefulSet")


def mapping(value: object) -> Json:
    """A mapping, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """A list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def read_bundle(changes: ChangeSet, *, plan: Plan, config: Config) -> Bundle:
    """Parse every file once. What does not parse stands in ``unparsed``."""
    parsed = [_parse(file) for file in changes.files]
    return Bundle(
        changes=changes,
        plan=plan,
        config=config,
        manifests=tuple(item for item in parsed if isinstance(item, Manifest)),
        terraform=tuple(item for item in parsed if isinstance(item, HclFile)),
        data={item.path: item.value for item in parsed if isinstance(item, _Data)},
        unparsed=tuple(item for item in parsed if isinstance(item, Unparsed)),
    )


@dataclass(frozen=True, kw_only=True)
class _Data:
    path: str
    value: Any


def _parse(file: RenderedFile) -> Manifest | HclFile | _Data | Unparsed | None:
    if file.path.endswith((".yaml", ".yml")):
        other = ANSIBLE in file.path or DELIVERY in file.path
        return _parse_playbook(file) if other else _parse_yaml(file)
    if file.path.endswith(".tf"):
        return _parse_hcl(file)
    if file.path.endswith(".json"):
        return _parse_json(file)
    return None


def _parse_yaml(file: RenderedFile) -> Manifest | Unparsed:
    loaded = _loaded(file)
    if isinstance(loaded, Unparsed):
        return loaded
    node, value = loaded
    if node is None or not isinstance(value, dict):
        return Unparsed(path=file.path, line=1, reason="no mapping at the top")
    return Manifest(path=file.path, value=value, lines=dict(_lines(node, "")))


def _parse_playbook(file: RenderedFile) -> _Data | Unparsed:
    """Ansible's files are no objects of Kubernetes, and a playbook is a list."""
    loaded = _loaded(file)
    return loaded if isinstance(loaded, Unparsed) else _Data(path=file.path, value=loaded[1])


def _loaded(file: RenderedFile) -> tuple[yaml.Node | None, Any] | Unparsed:
    try:
        node = yaml.compose(file.content, Loader=yaml.CSafeLoader)
        return node, yaml.load(file.content, Loader=yaml.CSafeLoader)  # CSafeLoader is the safe loader in C
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return Unparsed(path=file.path, line=mark.line + 1 if mark else None, reason=error.problem or "not YAML")
    except (yaml.YAMLError, ValueError, RecursionError):  # PyYAML lets the last two out for dates, numbers and depth
        return Unparsed(path=file.path, line=None, reason="not one YAML document of plain values")


def _lines(node: yaml.Node, pointer: str) -> Iterator[tuple[str, int]]:
    yield pointer, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, f"{pointer}/{key.value}")
            yield f"{pointer}/{key.value}", key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, f"{pointer}/{index}")


def _parse_hcl(file: RenderedFile) -> HclFile | Unparsed:
    try:
        return HclFile(path=file.path, text=file.content, value=_hcl(file.content))
    except LarkError as error:
        line = getattr(error, "line", None)
        return Unparsed(path=file.path, line=line if isinstance(line, int) and line > 0 else None, reason="not HCL")


@lru_cache(maxsize=64)
def _hcl(text: str) -> Json:
    """Parsed once for all review rounds, because the grammar is slow and ``.tf`` files hold no values that change."""
    return mapping(hcl2.loads(text))


def _parse_json(file: RenderedFile) -> _Data | Unparsed:
    try:
        return _Data(path=file.path, value=json.loads(file.content))
    except json.JSONDecodeError as error:
        return Unparsed(path=file.path, line=error.lineno, reason=error.msg)
    except (ValueError, RecursionError):
        return Unparsed(path=file.path, line=None, reason="numbers or depth beyond any plan")
