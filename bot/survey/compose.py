"""What compose files say: what is built, what is only run, who needs whom.

In: parsed compose files. Out: ``ComposeService``s without the values of their variables. Never: a file that a compose
file names outside the tree, a variable of this process's environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Declared, EnvName, Evidence, Health, Volume
from bot.model.quantity import Bytes, MilliCpu
from bot.model.tree import Tree
from bot.survey.clues import PortClaim
from bot.survey.commands import is_development, read_check, shell_form, valid_port
from bot.survey.dockerfile import is_development_name
from bot.survey.dockerfile_lines import expand, words
from bot.survey.env_sample import pairs_of
from bot.survey.links import Pointing, port_claim, read_variables
from bot.survey.places import base_of, folder_of, is_aside, join
from bot.survey.selection import is_compose_name
from bot.survey.yaml_view import View, roots

MAX_SERVICES: Final = 200

_SIZE: Final = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,3})?)\s?(?P<unit>[bBkKmMgG]?)[iI]?[bB]?")
_PORTS: Final = re.compile(r"(?:.*:)?(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?(?:/(?P<protocol>tcp|udp))?")
_PLAIN: Final = re.compile(r"(?:docker-)?compose\.ya?ml")
_PRODUCTION: Final = re.compile(r".*(?:prod|production|release|deploy|stack).*")
_SCRATCH: Final = re.compile(
    r".*/(?:node_modules|\.cache|tmp|\.npm|vendor|target|\.next|\.venv)(?:/.*)?|/tmp(?:/.*)?|/proc.*|/sys.*|/etc/.*|/dev/.*"
)


class ComposeService(Noun):
    """One entry of ``services``. ``image`` is None when a variable in it has no default, ``image_text`` is raw."""

    name: str
    file: str
    builds: bool = False
    context: str | None = None
    dockerfile: str | None = None
    target: str | None = None
    image: str | None = None
    image_text: str | None = None
    ports: tuple[PortClaim, ...] = ()
    env: tuple[EnvName, ...] = ()
    hosts: tuple[Pointing, ...] = ()
    needs: tuple[Pointing, ...] = ()
    health: Health | None = None
    volumes: tuple[Volume, ...] = ()
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    declared: Declared | None = None
    memory_floor: Bytes | None = None
    optional: bool = False
    evidence: Evidence


class Stack(Noun):
    """The compose file that counts in a folder, and its services in their order."""

    folder: str
    file: str
    services: tuple[ComposeService, ...]


def read_stacks(tree: Tree) -> tuple[Stack, ...]:
    """One stack for each folder with a compose file, the highest folder first."""
    by_folder: dict[str, list[str]] = {}
    for path in sorted(tree.yaml):
        if is_compose_name(base_of(path)):
            by_folder.setdefault(folder_of(path), []).append(path)
    stacks = [_stack(tree, folder, min(files, key=_rank)) for folder, files in sorted(by_folder.items())]
    return tuple(sorted((stack for stack in stacks if stack.services), key=lambda stack: _stack_rank(stack.folder)))


def _stack_rank(folder: str) -> tuple[bool, int, str]:
    return is_aside(folder + "/x"), folder.count("/") + bool(folder), folder


def _rank(path: str) -> tuple[int, str]:
    """The plain file first, then one for production, then any other, one for developers last."""
    base = base_of(path).lower()
    stem = base.rpartition(".")[0].replace("docker-compose", "").replace("compose", "")
    if _PLAIN.fullmatch(base):
        return 0, base
    if _PRODUCTION.fullmatch(stem):
        return 1, base
    return (3 if is_development_name(stem.strip("._-") or "x") or "override" in stem else 2), base


def _stack(tree: Tree, folder: str, file: str) -> Stack:
    return Stack(folder=folder, file=file, services=tuple(_services(tree, folder, file))[:MAX_SERVICES])


def _services(tree: Tree, folder: str, file: str) -> Iterator[ComposeService]:
    beside = _beside(tree, folder)
    for root in roots(file, tree.yaml[file]):
        # The first version of the format had the services at the top.
        services = root["services"] if root.has("services") else root
        for name, view in services.items():
            if isinstance(view.value, dict) and (view.has("image") or view.has("build") or root.has("services")):
                yield _service(tree, folder, name, view, beside)


def _beside(tree: Tree, folder: str) -> dict[str, str]:
    """The ``.env`` that compose reads by itself: used for image names and paths, never kept."""
    path = f"{folder}/.env" if folder else ".env"
    return {name: value for name, value, _ in pairs_of(path, tree.texts.get(path, "")) if value}


def _service(tree: Tree, folder: str, name: str, view: View, beside: dict[str, str]) -> ComposeService:
    variables = read_variables([*_env_files(tree, folder, view), *_environment(view["environment"])])
    command, entrypoint = _words(view["command"]), _words(view["entrypoint"])
    context, dockerfile = _build(folder, view["build"], beside)
    image = view["image"].text
    return ComposeService(
        name=name[:200],
        file=view.path,
        builds=view.has("build"),
        context=context,
        dockerfile=dockerfile,
        target=view.at("build", "target").text,
        image=expand(image, beside) if image else None,
        image_text=image,
        ports=(*variables.ports, *_ports(view, beside)),
        env=variables.env,
        hosts=variables.hosts,
        memory_floor=variables.memory_floor,
        needs=tuple(_needs(view)),
        health=_health(view["healthcheck"]),
        volumes=tuple(_volumes(view["volumes"])),
        command=None if command and is_development(command) else command,
        entrypoint=None if entrypoint and is_development(entrypoint) else entrypoint,
        declared=_declared(view),
        optional=bool(list(view["profiles"].each())),
        evidence=view.evidence(f"services: {name[:80]}"),
    )


def _build(folder: str, view: View, beside: dict[str, str]) -> tuple[str | None, str | None]:
    """Context and Dockerfile as repository paths; None where they are outside or unresolved."""
    text = (
        view.text
        if view.text is not None
        else (view["context"].text or ("." if isinstance(view.value, dict) else None))
    )
    resolved = expand(text, beside) if text else None
    context = join(folder, resolved) if resolved is not None else None
    named = view["dockerfile"].text
    file = expand(named, beside) if named else "Dockerfile"
    return context, join(context, file) if context is not None and file else None


def _environment(view: View) -> Iterator[tuple[str, str | None, Evidence]]:
    for name, value in view.items():
        yield name, _plain(value), value.evidence(name[:100])
    for item in view.each():
        name, equals, value_text = (item.text or "").partition("=")
        yield name, (expand(value_text, {}) or "") if equals else None, item.evidence(name[:100])


def _plain(view: View) -> str | None:
    """A value with its ``${VAR:-default}`` resolved; empty when a variable has no default."""
    if isinstance(view.value, bool):
        return "true" if view.value else "false"
    return None if view.text is None else (expand(view.text, {}) or "")


def _env_files(tree: Tree, folder: str, view: View) -> Iterator[tuple[str, str | None, Evidence]]:
    listed = view["env_file"]
    named = [listed.text] if listed.text else [item.text or item["path"].text for item in listed.each()]
    for name in named[:20]:
        path = join(folder, name) if name else None
        if path is not None and path in tree.texts:
            yield from pairs_of(path, tree.texts[path])


def _words(view: View) -> tuple[str, ...] | None:
    if view.text is not None:
        return words(_unescaped(view.text)) or None
    listed = tuple(_unescaped(item.text or "") for item in view.each())
    return listed[:60] or None


def _unescaped(text: str) -> str:
    """Compose writes a dollar that the shell is to see as two."""
    return text.replace("$$", "$")


def _ports(view: View, beside: dict[str, str]) -> Iterator[PortClaim]:
    for key in ("ports", "expose"):
        for item in view[key].each():
            text = item["target"].text or item.text
            yield from _port_claims(expand(text, beside) if text else None, item)


def _port_claims(text: str | None, item: View) -> Iterator[PortClaim]:
    """The container side of ``8080:80``, ``127.0.0.1:9229:9229``, ``3000-3002:3000-3002``, ``53:53/udp``."""
    found = _PORTS.fullmatch(text[:200]) if text else None
    if found is None:
        return
    first = int(found["first"])
    last = int(found["last"] or first)
    for port in range(first, min(last, first + 9) + 1):
        if valid_port(port):
            claim = port_claim(port, item.evidence(f"port {port}"), seen="compose", name=item["name"].text or "")
            udp = (found["protocol"] or item["protocol"].text) == "udp"
            yield claim.model_copy(update={"protocol": "udp"}) if udp else claim


def _needs(view: View) -> Iterator[Pointing]:
    for key in ("depends_on", "links"):
        names = [(name, item) for name, item in view[key].items()]
        names += [(item.text or "", item) for item in view[key].each()]
        for name, item in names:
            target = name.partition(":")[0][:200]
            yield Pointing(host=target, evidence=item.evidence(f"{key}: {target[:80]}"))


def _health(view: View) -> Health | None:
    test = view["test"]
    listed = [_unescaped(item.text or "") for item in test.each()]
    if view["disable"].value is True or (listed and listed[0] == "NONE"):
        return None
    command = (
        shell_form(_unescaped(test.text))
        if test.text
        else tuple(listed[1:] if listed[:1] in (["CMD"], ["CMD-SHELL"]) else listed)
    )
    return read_check(command, test.evidence("healthcheck")) if command else None


def _volumes(view: View) -> Iterator[Volume]:
    for item in view.each():
        path = _mounted(item)
        if path and path.startswith("/") and not _SCRATCH.fullmatch(path) and len(path) <= 300:
            yield Volume(path=path, evidence=item.evidence(f"volume at {path}"))


def _mounted(item: View) -> str | None:
    """Where a named or anonymous volume is mounted; a bind mount of a host path is the developer's, not the app's."""
    if isinstance(item.value, dict):
        return item["target"].text if item["type"].text == "volume" and item["read_only"].value is not True else None
    source, colon, rest = (item.text or "").partition(":")
    if not colon:
        return source
    target, _, mode = rest.partition(":")
    named = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}", source) is not None
    return target if named and "ro" not in mode.split(",") else None


def _declared(view: View) -> Declared | None:
    limits, reserved = view.at("deploy", "resources", "limits"), view.at("deploy", "resources", "reservations")
    seen = [
        place
        for place in (limits, reserved, view["mem_limit"], view["cpus"], view["deploy"]["replicas"])
        if place.value
    ]
    if not seen:
        return None
    return Declared(
        replicas=_count(view["deploy"]["replicas"].number),
        cpu_request=cores(reserved["cpus"].text),
        cpu_limit=cores(limits["cpus"].text or view["cpus"].text),
        memory_request=size(reserved["memory"].text or view["mem_reservation"].text),
        memory_limit=size(limits["memory"].text or view["mem_limit"].text),
        evidence=seen[0].evidence("resources"),
    )


def _count(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= 10_000 else None


def cores(text: str | None) -> MilliCpu | None:
    """``0.5`` cores; None for anything that is no plain number up to 1,024."""
    if not text or not re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,6})?", text):
        return None
    return MilliCpu.of_cores(float(text)) if float(text) <= 1_024 else None


def size(text: str | None) -> Bytes | None:
    """``512m`` as compose counts it: powers of 1,024; None for anything else."""
    found = _SIZE.fullmatch(text[:40]) if text else None
    if found is None:
        return None
    power = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3}[found["unit"].lower()]
    return Bytes(int(float(found["number"]) * 1024**power))
