"""What a Dockerfile says about the image that runs: base, ports, command, user, volumes, names of variables.

In: text that may be hostile, and the stage that compose names. Out: ``ImageFacts``. Never: values of variables (except
ports), a build, a base image pulled; what cannot be resolved is None, and that is said.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Evidence
from bot.model.quantity import Bytes
from bot.survey.commands import memory_floor, shell_form, valid_port
from bot.survey.dockerfile_lines import Instruction, assignments, expand, instructions, words
from bot.survey.variables import hosts_in, port_in

MAX_TEXT: Final = 262_144
MAX_STAGES: Final = 100

_DEVELOPMENT: Final = re.compile(
    r"(?i)(?:.*[-_.])?(?:dev|develop|development|debug|debugger|test|tests|testing|test-?bed|lint|ci|e2e|watch|local)(?:[-_.].*)?"
)
_RELEASE: Final = re.compile(r"(?i)(?:release|final|prod|production|runtime|runner|run|app|deploy|server)")
_PREDEFINED: Final = {
    "BUILDPLATFORM": "linux/amd64", "TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux", "TARGETARCH": "amd64",
    "BUILDOS": "linux", "BUILDARCH": "amd64", "TARGETVARIANT": "", "BUILDVARIANT": "",
}  # fmt: skip


class Fact(Noun):
    """A text with the line that says it."""

    value: str
    line: int


class PortFact(Noun):
    """A port with the line that says it, and the variable that holds it."""

    port: int
    line: int
    udp: bool = False
    variable: str | None = None


class CommandFact(Noun):
    """Words of a command with their line."""

    words: tuple[str, ...]
    line: int


class ImageFacts(Noun):
    """The stage that runs, with what it inherits from the stages below it.

    ``base_image`` is None when it cannot be resolved; ``unresolved`` holds the lines of EXPOSE and FROM that could not.
    """

    path: str
    stage: str | None = None
    from_line: int = 1
    base_image: str | None = None
    bases: tuple[str, ...] = ()
    exposed: tuple[PortFact, ...] = ()
    unresolved: tuple[Fact, ...] = ()
    env: tuple[Fact, ...] = ()
    env_ports: tuple[PortFact, ...] = ()
    entrypoint: CommandFact | None = None
    command: CommandFact | None = None
    health: CommandFact | None = None
    user: str | None = None
    volumes: tuple[Fact, ...] = ()
    copied: tuple[Fact, ...] = ()
    runs: tuple[Fact, ...] = ()
    memory_floor: Bytes | None = None
    hosts: tuple[Fact, ...] = ()

    @property
    def start(self) -> CommandFact | None:
        """ENTRYPOINT and CMD together."""
        if self.entrypoint is None:
            return self.command
        tail = self.command.words if self.command and self.entrypoint.words[:2] != ("/bin/sh", "-c") else ()
        return CommandFact(words=(*self.entrypoint.words, *tail), line=(self.command or self.entrypoint).line)

    def evidence(self, line: int | None = None, excerpt: str = "") -> Evidence:
        """A line of the Dockerfile."""
        return Evidence(path=self.path, line=line, excerpt=excerpt)


class _Stage(Noun):
    name: str
    base: str | None
    raw: str
    line: int
    steps: tuple[Instruction, ...]
    variables: dict[str, str]


def read_dockerfile(path: str, text: str, target: str | None = None) -> ImageFacts | None:
    """The facts of the stage that runs; None when there is no FROM. ``target`` is the stage that compose names."""
    return _read(path, text[:MAX_TEXT], target)


@lru_cache(maxsize=128)  # several detectors ask about the same file
def _read(path: str, text: str, target: str | None) -> ImageFacts | None:
    stages = _stages(instructions(text))
    if not stages:
        return None
    chosen = running_stage(stages, target)
    chain = _chain(stages, chosen)
    facts = _Collected(path).read(chain)
    base = chain[0]
    return facts.model_copy(
        update={
            "stage": chosen.name or None,
            "from_line": chosen.line,
            "base_image": base.base or None,
            "bases": tuple(stage.base for stage in stages if stage.base),
            "unresolved": (*facts.unresolved, *(Fact(value=base.raw, line=base.line) for _ in range(not base.base))),
        }
    )


def is_development_name(name: str) -> bool:
    """True for a stage or file name that says it is not for production."""
    return _DEVELOPMENT.fullmatch(name[:200]) is not None


def running_stage(stages: tuple[_Stage, ...], target: str | None) -> _Stage:
    """The stage that compose names (unless it is one for development), else the last, else release/final/production."""
    named = [stage for stage in stages if target and stage.name == target.lower()]
    if named and not is_development_name(named[-1].name):
        return named[-1]
    last = stages[-1]
    if not is_development_name(last.name):
        return last
    released = [stage for stage in stages if _RELEASE.fullmatch(stage.name)]
    return released[-1] if released else last


def _stages(steps: tuple[Instruction, ...]) -> tuple[_Stage, ...]:
    shared: dict[str, str] = {}
    stages: list[_Stage] = []
    current: list[Instruction] = []
    head: Instruction | None = None
    for step in steps:
        if step.keyword == "FROM":
            if head is not None:
                stages.append(_stage(head, current, shared))
            head, current = step, []
        elif head is not None:
            current.append(step)
        elif step.keyword == "ARG":
            _define(step, shared)
    if head is not None:
        stages.append(_stage(head, current, shared))
    return tuple(stages[-MAX_STAGES:])


def _stage(head: Instruction, steps: list[Instruction], shared: dict[str, str]) -> _Stage:
    parts = [word for word in head.text.split() if not word.startswith("--")]
    named = len(parts) >= 3 and parts[1].lower() == "as"
    raw = parts[0] if parts else ""
    return _Stage(
        name=parts[2].lower()[:200] if named else "",
        base=_image(expand(raw, {**_PREDEFINED, **shared})),
        raw=raw[:200],
        line=head.line,
        steps=tuple(steps),
        variables=dict(shared),
    )


def _image(expanded: str | None) -> str | None:
    """An image name; None when a part of it turned out empty (``servercore:``)."""
    name = (expanded or "").strip("\"'")[:400]
    return None if not name or name.endswith((":", "@", "/")) or name.startswith((":", "/")) else name


def _define(step: Instruction, variables: dict[str, str], shared: dict[str, str] | None = None) -> None:
    """Take an ARG's default; an ARG without one gets the global default, or stays unknown."""
    name, equals, default = step.text.partition("=")
    value = expand(default.strip().strip("\"'"), {**_PREDEFINED, **variables}) if equals else (shared or {}).get(name)
    if value is not None and len(variables) < 500:
        variables[name.strip()] = value


def _chain(stages: tuple[_Stage, ...], chosen: _Stage) -> tuple[_Stage, ...]:
    """The stages that the chosen one is built FROM, the lowest first. A stage sees only those above it."""
    chain = [chosen]
    above = list(stages[: stages.index(chosen)])
    while above:
        base = (chain[0].base or "").lower()
        position = next((at for at in range(len(above) - 1, -1, -1) if above[at].name and above[at].name == base), None)
        if position is None:
            break
        chain.insert(0, above[position])
        above = above[:position]
    return tuple(chain)


class _Collected:
    """Gathers the facts of a chain of stages; later instructions win where only one can hold."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._exposed: dict[tuple[int, bool], PortFact] = {}
        self._unresolved: list[Fact] = []
        self._env: dict[str, Fact] = {}
        self._ports: dict[str, PortFact] = {}
        self._volumes: dict[str, Fact] = {}
        self._copied: list[Fact] = []
        self._runs: list[Fact] = []
        self._commands: dict[str, CommandFact | None] = {}
        self._user: str | None = None
        self._own_command = False
        self._floor: Bytes | None = None
        self._hosts: list[Fact] = []

    def read(self, chain: tuple[_Stage, ...]) -> ImageFacts:
        inherited: dict[str, str] = {}
        for stage in chain:
            # ARG values end with their stage; ENV values travel on.
            variables = {**_PREDEFINED, **inherited}
            self._own_command = False
            for step in stage.steps:
                self._step(step, variables, stage.variables, inherited)
        return ImageFacts(
            path=self._path,
            exposed=tuple(self._exposed.values()),
            unresolved=tuple(self._unresolved[:10]),
            env=tuple(self._env.values()),
            env_ports=tuple(self._ports.values()),
            entrypoint=self._commands.get("ENTRYPOINT"),
            command=self._commands.get("CMD"),
            health=self._commands.get("HEALTHCHECK"),
            user=self._user,
            volumes=tuple(self._volumes.values()),
            copied=tuple(self._copied[:200]),
            runs=tuple(self._runs[:200]),
            memory_floor=self._floor,
            hosts=tuple(self._hosts[:200]),
        )

    def _step(
        self, step: Instruction, variables: dict[str, str], shared: dict[str, str], inherited: dict[str, str]
    ) -> None:
        match step.keyword:
            case "ARG":
                _define(step, variables, shared)
            case "ENV":
                self._set_env(step, variables, inherited)
            case "EXPOSE":
                self._expose(step, variables)
            case "CMD" | "ENTRYPOINT":
                self._start(step)
            case "HEALTHCHECK":
                self._commands["HEALTHCHECK"] = _check(step)
            case "USER":
                self._user = (expand(step.text, variables) or "")[:100] or None
            case "VOLUME":
                self._mount(step, variables)
            case "COPY" | "ADD" if "--from=" not in step.text:
                self._copied.append(Fact(value=step.text[:500], line=step.line))
            case "RUN":
                self._runs.append(Fact(value=step.text[:2_000], line=step.line))
            case _:
                return

    def _set_env(self, step: Instruction, variables: dict[str, str], inherited: dict[str, str]) -> None:
        for name, raw in assignments(step.text):
            if len(self._env) >= 500 or not name.isascii() or len(name) > 100:
                return
            value = expand(raw, variables)
            self._floor = memory_floor(value or "") or self._floor
            self._hosts += [Fact(value=host, line=step.line) for host in hosts_in(name, value or "")]
            self._env[name] = Fact(value=name, line=step.line)
            if value is not None:
                variables[name] = inherited[name] = value
            port = port_in(name, value or "")
            if port:
                self._ports[name] = PortFact(port=port, line=step.line, variable=name)

    def _expose(self, step: Instruction, variables: dict[str, str]) -> None:
        for word in step.text.split()[:50]:
            value = expand(word, variables)
            found = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp))?", (value or "").lower())
            if found is None or not valid_port(int(found[1])):
                self._unresolved.append(Fact(value=f"EXPOSE {word[:100]}", line=step.line))
                continue
            port, udp = int(found[1]), found[3] == "udp"
            variable = re.fullmatch(r"\$\{?([A-Za-z_][A-Za-z0-9_]{0,100})\}?", word)
            self._exposed[port, udp] = PortFact(
                port=port, line=step.line, udp=udp, variable=variable[1] if variable else None
            )

    def _start(self, step: Instruction) -> None:
        parsed = _command(step.text)
        self._commands[step.keyword] = CommandFact(words=parsed, line=step.line) if parsed else None
        if step.keyword == "CMD":
            self._own_command = True
        elif not self._own_command:  # an ENTRYPOINT takes away the CMD of a lower stage
            self._commands.pop("CMD", None)

    def _mount(self, step: Instruction, variables: dict[str, str]) -> None:
        listed = _json_words(step.text)
        for word in (words(step.text) if listed is None else listed)[:20]:
            path = expand(word, variables)
            if path and path.startswith("/") and len(path) <= 300:
                self._volumes[path] = Fact(value=path, line=step.line)


def _command(text: str) -> tuple[str, ...]:
    listed = _json_words(text)
    return shell_form(text) if listed is None else listed


def _json_words(text: str) -> tuple[str, ...] | None:
    if not text.startswith("["):
        return None
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        return None
    return tuple(word[:2_000] for word in listed[:60])


def _check(step: Instruction) -> CommandFact | None:
    rest = step.text
    while rest.startswith("--"):
        rest = rest.partition(" ")[2].strip()
    keyword, _, command = rest.partition(" ")
    if keyword.upper() != "CMD":
        return None
    return CommandFact(words=_command(command.strip()), line=step.line)
