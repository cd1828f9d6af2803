"""Python: packages, framework, routes, ports, stores, variables of one area.

In: an area. Out: ``Clues``. Never: execution, a framework that is listed and not imported.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from bot.model.profile import EnvName, Evidence, Health
from bot.survey.clues import Claim, Clues, Kind, PortClaim
from bot.survey.code.facts import calls_of, env_name, evidence, health_of, looks_needed, merged_env
from bot.survey.code.names import FRAMEWORKS, PYTHON_FRAMEWORKS
from bot.survey.code.processes import Started, started_by
from bot.survey.code.pylisten import Heard, py_listening
from bot.survey.code.pypackages import listed, package_files, python_version
from bot.survey.code.pyroutes import py_routes
from bot.survey.code.pysource import PyFile, dotted, parse
from bot.survey.code.pystores import py_stores, py_volumes
from bot.survey.code.pyvalues import PyBook, book_of, env_read, optional_place
from bot.survey.code.scripts import egress_hosts, store_hosts
from bot.survey.code.sources import Area
from bot.survey.code.values import is_env_name

_CONSUMES = frozenset({"start_consuming", "basic_consume", "KafkaConsumer", "AIOKafkaConsumer", "consume"})
_PAGES = frozenset({"render_template", "render_template_string", "TemplateResponse", "StaticFiles"})
_MAX_PARSED = 3 * 1024 * 1024


@dataclass(frozen=True)
class PyArea:
    """The parsed files of an area with what was listed and what could not be parsed."""

    area: Area
    book: PyBook
    listed: dict[str, Evidence]
    unparsed: tuple[str, ...]


def read_python(area: Area) -> Clues | None:
    """Clues of the Python code of an area; None without Python files."""
    sources = area.ending(".py")
    if not sources:
        return None
    files: list[PyFile] = []
    unparsed: list[str] = []
    total = 0
    for source in sources:
        total += len(source.text)
        file = parse(source) if total <= _MAX_PARSED else None
        if file is None:
            unparsed.append(source.path)
        else:
            files.append(file)
    return _clues(PyArea(area, book_of(tuple(files)), listed(area), tuple(unparsed)))


def _clues(py: PyArea) -> Clues:
    frameworks = _frameworks(py)
    heard = py_listening(py.book)
    started = started_by(py.area)
    listens = _listens(frameworks, heard, started)
    endpoints = py_routes(py.book) if listens is not False else ()
    env = _env(py)
    version = python_version(py.area)
    return Clues(
        area=py.area.root,
        detector="python",
        languages=(_language(py),),
        versions=(Claim(value=version[0], seen="code", weight=10, evidence=version[1]),) if version else (),
        frameworks=frameworks,
        ports=_ports(heard, started),
        listens=listens,
        health=(*health_of(endpoints), *_grpc_health(py)),
        endpoints=endpoints,
        dependencies=py_stores(py.book, py.listed),
        calls=calls_of(env),
        env=env,
        volumes=py_volumes(py.book),
        start_command=started.command,
        workers=started.workers,
        kind=_kind(py, listens=listens),
        migrations=_migrations(py),
        egress=egress_hosts(text for file in py.book.files for text, _ in file.strings),
        hosts=store_hosts((text, file.path, line) for file in py.book.files for text, line in file.strings),
        notes=tuple(f"{path}: not read as Python (syntax or nesting)" for path in py.unparsed[:5]),
    )


def _language(py: PyArea) -> Claim:
    files = package_files(py.area)
    own = [source for source in files if source.path.startswith(py.area.root)]
    path = own[0].path if own else py.area.ending(".py")[0].path
    weight = (20 if own else 10) + min(len(py.book.files), 10)
    return Claim(value="python", seen="code", weight=weight, evidence=evidence(path, 1, "python"))


def _frameworks(py: PyArea) -> tuple[Claim, ...]:
    """Frameworks that are imported; listed as well where a package file lists anything."""
    best: dict[str, Claim] = {}
    for module, (name, dists) in PYTHON_FRAMEWORKS.items():
        for file in py.book.files:
            line = file.imported(module)
            if line is not None:
                known = not py.listed or any(dist in py.listed for dist in dists)
                weight = FRAMEWORKS[name].rank if known else FRAMEWORKS[name].rank // 2
                claim = Claim(
                    value=name, seen="code", weight=weight, evidence=evidence(file.path, line, f"import {module}")
                )
                best[name] = max(best.get(name, claim), claim, key=lambda item: item.weight)
                break
    grpc = _grpc_server(py)
    if grpc is not None:
        best["grpc"] = Claim(value="grpc", seen="code", weight=FRAMEWORKS["grpc"].rank, evidence=grpc)
    consumer = _consumer(py)
    if consumer is not None:
        best.setdefault(consumer.value, consumer)
    if "fastapi" in best:
        best.pop("starlette", None)
    return tuple(sorted(best.values(), key=lambda claim: (-claim.weight, claim.value)))


def _grpc_server(py: PyArea) -> Evidence | None:
    for file in py.book.files:
        if file.imported("grpc") is None:
            continue
        for call, _ in file.calls:
            if dotted(call.func) in {("grpc", "server"), ("grpc", "aio", "server"), ("aio", "server")}:
                return evidence(file.path, call.lineno, ".".join(dotted(call.func)))
    return None


def _consumer(py: PyArea) -> Claim | None:
    for file in py.book.files:
        name = "amqp" if file.imported("pika") or file.imported("aio_pika") else ""
        name = name or (
            "kafka" if file.imported("kafka") or file.imported("confluent_kafka") or file.imported("aiokafka") else ""
        )
        call = next(
            (call for call, _ in file.calls if dotted(call.func)[-1:] and dotted(call.func)[-1] in _CONSUMES), None
        )
        if name and call is not None:
            seen = evidence(file.path, call.lineno, dotted(call.func)[-1])
            return Claim(value=name, seen="code", weight=FRAMEWORKS[name].rank, evidence=seen)
    return None


def _listens(frameworks: tuple[Claim, ...], heard: tuple[Heard, ...], started: Started) -> bool | None:
    roles = {FRAMEWORKS[claim.value].role for claim in frameworks}
    if "server" in roles or started.ports or any(not item.optional for item in heard):
        return True
    if roles & {"worker", "load"} and not heard:
        return False
    return None


def _ports(heard: tuple[Heard, ...], started: Started) -> tuple[PortClaim, ...]:
    """A start command's port first; then ports of code, the ones under ``__main__`` only when no server starts it."""
    claims: dict[int, PortClaim] = {claim.port: claim for claim in started.ports}
    for item in heard:
        hidden = item.optional or (item.main and bool(started.ports))
        if item.claim is not None and not hidden:
            claims.setdefault(item.claim.port, item.claim)
    return tuple(claims.values())


def _grpc_health(py: PyArea) -> tuple[Health, ...]:
    for file in py.book.files:
        for call, place in file.calls:
            if dotted(call.func)[-1:] == ("add_HealthServicer_to_server",) and not optional_place(py.book, file, place):
                return (Health(kind="grpc", evidence=evidence(file.path, call.lineno, "add_HealthServicer_to_server")),)
    return ()


def _env(py: PyArea) -> tuple[EnvName, ...]:
    found: list[EnvName] = []
    for file in py.book.files:
        strict = {id(value): name for name, values in file.names.items() for value in values}
        for node, place in (*file.calls, *file.subscripts):
            read = env_read(node)
            if read is None or not is_env_name(read[0]):
                continue
            name, default, must = read
            optional = optional_place(py.book, file, place) or bool(
                place.caught & {"KeyError", "Exception", "LookupError"}
            )
            if strict.get(id(node), "") in file.strict:
                required = True
            elif must:
                required = not optional and isinstance(node, ast.Call | ast.Subscript) and not _stored(node)
            else:
                required = default is None and not optional and id(node) not in file.compared and looks_needed(name)
            if not (isinstance(node, ast.Subscript) and _stored(node)):
                found.append(env_name(name, evidence(file.path, node.lineno, f"env {name}"), required=required))
        found += _settings(file)
    return merged_env(found)


def _stored(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)


def _settings(file: PyFile) -> list[EnvName]:
    """Fields of a pydantic ``BaseSettings`` class."""
    found = []
    for owner in file.classes:
        if not any(dotted(base)[-1:] == ("BaseSettings",) for base in owner.bases):
            continue
        for step in owner.body:
            if (
                isinstance(step, ast.AnnAssign)
                and isinstance(step.target, ast.Name)
                and step.target.id != "model_config"
            ):
                name = step.target.id.upper()
                if is_env_name(name):
                    found.append(
                        env_name(name, evidence(file.path, step.lineno, f"env {name}"), required=step.value is None)
                    )
    return found


def _kind(py: PyArea, *, listens: bool | None) -> Kind | None:
    if listens is False:
        return "worker"
    called = {dotted(call.func)[-1] for file in py.book.files for call, _ in file.calls if dotted(call.func)}
    django_pages = any(file.imported("django.shortcuts") for file in py.book.files) and "render" in called
    if listens and (called & _PAGES or django_pages):
        return "web"
    return "api" if listens else None


def _migrations(py: PyArea) -> tuple[Claim, ...]:
    found: dict[str, Claim] = {}
    for tool, dist in (
        ("alembic", "alembic"),
        ("flask-migrate", "flask-migrate"),
        ("django", "django"),
        ("aerich", "aerich"),
    ):
        if dist in py.listed:
            found[tool] = Claim(value=tool, seen="code", weight=5, evidence=py.listed[dist])
    return tuple(found.values())
