"""Go: module, framework, routes, ports, stores, variables of the programs in one area.

In: a tree and an area. Out: ``Clues``. Never: a build, a framework that is only imported for its client.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.model.profile import Endpoint, Evidence, Health
from bot.model.tree import Tree
from bot.survey.clues import Claim, Clues, Kind
from bot.survey.code.binding import bind, composite_flags, settle
from bot.survey.code.calls import Call
from bot.survey.code.facts import calls_of, evidence, health_of
from bot.survey.code.goenv import go_env
from bot.survey.code.golisten import Listening, go_listening
from bot.survey.code.gomod import Module, Unit, folder_of, module_of, program
from bot.survey.code.goroutes import go_routes
from bot.survey.code.gostores import go_stores, go_volumes
from bot.survey.code.names import FRAMEWORKS, go_framework
from bot.survey.code.scripts import egress_of, literals_of, store_hosts
from bot.survey.code.sources import Area
from bot.survey.code.values import Book, config_values, is_config

GRPC = "google.golang.org/grpc"
_WORKERS = (
    ("github.com/streadway/amqp", "amqp"),
    ("github.com/rabbitmq/amqp091-go", "amqp"),
    ("github.com/segmentio/kafka-go", "kafka"),
    ("github.com/IBM/sarama", "kafka"),
    ("github.com/Shopify/sarama", "kafka"),
    ("github.com/twmb/franz-go", "kafka"),
    ("github.com/confluentinc/confluent-kafka-go", "kafka"),
    ("github.com/nats-io/nats.go", "nats"),
)
_CONSUMES = frozenset({"Consume", "ConsumeWithContext", "ConsumePartition", "ReadMessage", "FetchMessage",
                       "PollFetches", "Subscribe", "QueueSubscribe", "SubscribeTopics",
     "QueueSubscribeSync"})  # fmt: skip
_SERVERISH = re.compile(r"(?:http|server|rpc|web|api|rest|gateway|router|socket)", re.IGNORECASE)
_MIGRATIONS = (("github.com/golang-migrate/migrate", "golang-migrate"), ("github.com/pressly/goose", "goose"),
               ("ariga.io/atlas", "atlas"), ("github.com/rubenv/sql-migrate", "sql-migrate"))  # fmt: skip


@dataclass(frozen=True)
class GoProgram:
    """The files that run together, with everything known about their names."""

    area: Area
    module: Module | None
    units: tuple[Unit, ...]
    book: Book
    calls: tuple[Call, ...]


def read_go(tree: Tree, area: Area) -> Clues | None:
    """Clues of the Go code of an area; None without Go files."""
    module = module_of(area)
    if not area.ending(".go"):
        return None
    units = program(tree, area, module)
    if not units:
        return None
    return _clues(_bound(tree, area, module, units))


def _bound(tree: Tree, area: Area, module: Module | None, units: tuple[Unit, ...]) -> GoProgram:
    book, calls = bind((unit.code for unit in units), by_folder=True)
    for unit in units:
        composite_flags(book, unit.code)
        if module is not None:
            settle(
                book,
                {
                    name: folder
                    for name, (path, _) in unit.imports.items()
                    if (folder := folder_of(path, module)) is not None
                },
            )
    book.config.update(config_values(_configs(tree, area, module)))
    return GoProgram(area, module, units, book, calls)


def _configs(tree: Tree, area: Area, module: Module | None) -> list[str]:
    folders = {area.root, module.folder if module else area.root}
    found = []
    for folder in sorted(folders):
        prefix = folder + "/" if folder else ""
        names = [path for path in tree.texts if path.startswith(prefix) and path.count("/") <= prefix.count("/") + 1]
        found += [tree.texts[path] for path in sorted(names) if is_config(path)][:10]
    return found


def _clues(go: GoProgram) -> Clues:
    endpoints = go_routes(go.book, go.calls, _aliases(go.units))
    listening = go_listening(go.units, go.book, go.calls)
    frameworks = _frameworks(go, listening)
    working = _working(go)
    listens = _listens(go, listening, working=working is not None)
    if working is not None and not listening.seen:
        frameworks = (working, *frameworks)
    stores = go_stores(go.units, go.book, go.calls, go.module)
    env = go_env(go.units, go.calls)
    return Clues(
        area=go.area.root,
        detector="go",
        languages=(_language(go),),
        versions=_versions(go.module),
        frameworks=frameworks,
        ports=listening.ports,
        listens=listens,
        health=_health(go, endpoints),
        endpoints=endpoints if listens is not False else (),
        dependencies=stores,
        calls=calls_of(env),
        env=env,
        volumes=go_volumes(go.calls),
        kind=_kind(go, endpoints, listens=listens),
        migrations=_migrations(go),
        egress=egress_of(unit.code for unit in go.units),
        hosts=store_hosts(literals_of(unit.code for unit in go.units)),
        notes=_notes(go),
    )


def _aliases(units: Iterable[Unit]) -> dict[str, frozenset[str]]:
    return {unit.code.path: frozenset(unit.imports) for unit in units}


def _language(go: GoProgram) -> Claim:
    if go.module is not None:
        seen = evidence(go.module.path, 1, f"module {go.module.name}")
        return Claim(value="go", seen="code", weight=20 + min(len(go.units), 10), evidence=seen)
    path = go.units[0].code.path
    return Claim(value="go", seen="code", weight=10 + min(len(go.units), 10), evidence=evidence(path, 1, "package"))


def _versions(module: Module | None) -> tuple[Claim, ...]:
    if module is None or module.version is None:
        return ()
    seen = evidence(module.path, module.version_line, f"go {module.version}")
    return (Claim(value=module.version[:20], seen="code", weight=10, evidence=seen),)


def _frameworks(go: GoProgram, listening: Listening) -> tuple[Claim, ...]:
    """Frameworks that are imported and, where a go.mod lists anything, required; gRPC and net/http only when served."""
    found: dict[str, Claim] = {}
    for unit in go.units:
        for path, line in unit.paths().items():
            name = go_framework(path)
            if name is not None:
                weight = FRAMEWORKS[name].rank if _required(go.module, path) else FRAMEWORKS[name].rank // 2
                _claim(found, name, weight, evidence(unit.code.path, line, f'import "{path}"'))
    for name, seen in listening.served.items():
        _claim(found, name, FRAMEWORKS[name].rank, seen)
    return tuple(sorted(found.values(), key=lambda claim: (-claim.weight, claim.value)))


def _claim(found: dict[str, Claim], name: str, weight: int, seen: Evidence) -> None:
    known = found.get(name)
    if known is None or known.weight < weight:
        found[name] = Claim(value=name, seen="code", weight=weight, evidence=seen)


def _required(module: Module | None, path: str) -> bool:
    if module is None or not module.requires:
        return True
    return any(path == name or path.startswith(name + "/") for name in module.requires)


def _working(go: GoProgram) -> Claim | None:
    """A consumer of a queue: the import of its client and a consuming call."""
    for unit in go.units:
        for path, line in unit.paths().items():
            name = next(
                (worker for prefix, worker in _WORKERS if path == prefix or path.startswith(prefix + "/")), None
            )
            if name is not None and any(call.name in _CONSUMES for call in go.calls):
                seen = evidence(unit.code.path, line, f'import "{path}"')
                return Claim(value=name, seen="code", weight=FRAMEWORKS[name].rank, evidence=seen)
    return None


def _listens(go: GoProgram, listening: Listening, *, working: bool) -> bool | None:
    """True with a listening call; False for a program that only consumes, or imports nothing that serves."""
    if listening.seen:
        return True
    if not any(unit.package == "main" for unit in go.units):
        return None
    if working:
        return False
    foreign = {path for unit in go.units for path in unit.paths() if not _own(go.module, path)}
    return None if any(_SERVERISH.search(path) or path == "net" for path in foreign) else False


def _own(module: Module | None, path: str) -> bool:
    return module is not None and bool(module.name) and path.startswith(module.name)


def _health(go: GoProgram, endpoints: tuple[Endpoint, ...]) -> tuple[Health, ...]:
    """HTTP health routes, then the gRPC health service where it is registered."""
    found = list(health_of(endpoints))
    for call in go.calls:
        if call.name == "RegisterHealthServer" and call.on:
            seen = evidence(call.code.path, call.line, f"{call.on}.RegisterHealthServer")
            found.append(Health(kind="grpc", evidence=seen))
            break
    return tuple(found)


def _kind(go: GoProgram, endpoints: tuple[Endpoint, ...], *, listens: bool | None) -> Kind | None:
    if listens is False:
        return "worker"
    pages = any(path == "html/template" for unit in go.units for path in unit.paths())
    if pages and endpoints:
        return "web"
    return "api" if listens else None


def _migrations(go: GoProgram) -> tuple[Claim, ...]:
    found: dict[str, Claim] = {}
    for unit in go.units:
        for path, line in unit.paths().items():
            tool = next((name for prefix, name in _MIGRATIONS if path == prefix or path.startswith(prefix + "/")), None)
            if tool is not None:
                seen = evidence(unit.code.path, line, f'import "{path}"')
                found.setdefault(tool, Claim(value=tool, seen="code", weight=10, evidence=seen))
    return tuple(found.values())


def _notes(go: GoProgram) -> tuple[str, ...]:
    """Several programs in one area are named, so that somebody can choose."""
    mains = sorted({unit.folder for unit in go.units if unit.package == "main"})
    if len(mains) > 1:
        return (f"{go.area.root or 'the root'} holds {len(mains)} Go programs: {', '.join(mains[:20])}",)
    return ()
