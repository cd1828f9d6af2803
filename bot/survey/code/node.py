"""JavaScript and TypeScript: package, framework, routes, ports, stores, variables of one area.

In: an area. Out: ``Clues``. Never: an install, a framework that is listed and not imported (front ends excepted: their
tools import them).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.model.profile import Dependency, DependencyKind, EnvName, Evidence, Health
from bot.survey.clues import Claim, Clues, Kind, PortClaim
from bot.survey.code.binding import bind
from bot.survey.code.calls import Call, calls_by_path
from bot.survey.code.choices import Use, dependencies_of
from bot.survey.code.facts import calls_of, env_name, evidence, health_of, looks_needed, merged_env
from bot.survey.code.guards import asks_whether_set, emptiness, optional_use
from bot.survey.code.names import CONVENTION_PORTS, FRAMEWORKS, NODE_FRAMEWORKS, node_package
from bot.survey.code.nodefiles import Script, scripts_of
from bot.survey.code.nodelisten import Heard, node_listening
from bot.survey.code.nodepackages import NodePackage, node_package_of
from bot.survey.code.noderoutes import node_routes
from bot.survey.code.processes import words_of
from bot.survey.code.scripts import egress_of, literals_of, store_hosts
from bot.survey.code.sources import Area
from bot.survey.code.stores import NODE_ORMS, NODE_STORES, RELATIONAL_OR_FILE, SQL_DRIVERS, url_store
from bot.survey.code.tokens import Code
from bot.survey.code.values import Book, config_values, is_config, is_env_name
from bot.survey.commands import memory_floor

_FRONT = frozenset({"react", "vue", "angular", "svelte", "vite"})
_BY_TOOL = frozenset({"nextjs", "nuxt", "remix"})
_CONSUMES = frozenset({"consume", "assertQueue", "subscribe", "run"})
_DIALECT_KEYS = frozenset({"dialect", "type", "client", "provider", "adapter"})
_MIGRATIONS = {
    "prisma": "prisma",
    "@prisma/client": "prisma",
    "knex": "knex",
    "typeorm": "typeorm",
    "sequelize-cli": "sequelize",
    "db-migrate": "db-migrate",
    "drizzle-kit": "drizzle",
}


@dataclass(frozen=True)
class NodeArea:
    """The scanned files of an area, with its package."""

    area: Area
    package: NodePackage | None
    scripts: tuple[Script, ...]
    book: Book
    calls: tuple[Call, ...]

    def modules(self) -> dict[str, Evidence]:
        """Imported npm packages with the first place."""
        found: dict[str, Evidence] = {}
        for script in self.scripts:
            for module, line in script.modules.items():
                if not module.startswith("."):
                    found.setdefault(
                        node_package(module), evidence(script.code.path, line, f'import "{node_package(module)}"')
                    )
        return found


def read_node(area: Area) -> Clues | None:
    """Clues of the JavaScript of an area; None without a package file of its own and without Node code."""
    package = node_package_of(area)
    scripts = scripts_of(area)
    if not scripts and not area.named("package.json"):
        return None
    book, calls = bind((script.code for script in scripts), by_folder=False)
    book.config.update(config_values(source.text for source in area.others if is_config(source.path)))
    return _clues(NodeArea(area, package, scripts, book, calls))


def _clues(node: NodeArea) -> Clues:
    modules = node.modules()
    heard = node_listening(node.book, node.calls)
    frameworks = _frameworks(node, modules, heard)
    listens = _listens(frameworks, heard, node)
    endpoints = node_routes(node.book, node.scripts, node.calls) if listens else ()
    env = _env(node, heard)
    front = _is_front(frameworks, heard)
    return Clues(
        area=node.area.root,
        detector="node",
        names=_names(node.package),
        languages=(_language(node),),
        versions=_versions(node.package),
        frameworks=frameworks,
        ports=_ports(frameworks, heard),
        listens=None if front else listens,
        health=(*health_of(endpoints), *_grpc_health(node)),
        endpoints=endpoints,
        dependencies=_stores(node, modules),
        calls=() if front else calls_of(env),
        env=env,
        start_command=_start(node.package),
        memory_floor=memory_floor(" ".join(node.package.scripts.values())) if node.package else None,
        kind=_kind(node, listens=listens, front=front),
        migrations=_migrations(node.package),
        egress=() if front else egress_of(script.code for script in node.scripts),
        hosts=store_hosts(literals_of(script.code for script in node.scripts)),
    )


def _names(package: NodePackage | None) -> tuple[Claim, ...]:
    if package is None or not package.name:
        return ()
    name = package.name.rpartition("/")[2]
    return (Claim(value=name, seen="code", weight=5, evidence=evidence(package.path, 1, name)),)


def _language(node: NodeArea) -> Claim:
    paths = [script.code.path for script in node.scripts if ".config." not in script.code.path]
    typed = [path for path in paths if path.endswith((".ts", ".tsx", ".mts", ".cts"))]
    name = "typescript" if len(typed) * 2 > len(paths) else "javascript"
    own = node.package is not None and node.package.path.startswith(node.area.root)
    path = node.package.path if own and node.package else (paths[0] if paths else node.area.root)
    weight = (20 if own and paths else 8) + min(len(paths), 10)
    return Claim(value=name, seen="code", weight=weight, evidence=evidence(path, 1, name))


def _versions(package: NodePackage | None) -> tuple[Claim, ...]:
    if package is None or package.version is None:
        return ()
    return (Claim(value=package.version, seen="code", weight=10, evidence=evidence(package.path, None, "engines")),)


def _frameworks(node: NodeArea, modules: dict[str, Evidence], heard: tuple[Heard, ...]) -> tuple[Claim, ...]:
    listed = node.package.dependencies if node.package else {}
    tools = node.package.development if node.package else {}
    best: dict[str, Claim] = {}
    for package, name in NODE_FRAMEWORKS.items():
        seen = modules.get(package)
        if (
            seen is None
            and (name in _FRONT | _BY_TOOL)
            and node.package is not None
            and (package in listed or package in tools)
        ):
            seen = node.package.seen(package)
        if seen is None or (name == "grpc" and not _serves_grpc(node, heard)):
            continue
        known = not listed or package in listed or package in tools
        weight = FRAMEWORKS[name].rank if known else FRAMEWORKS[name].rank // 2
        if name not in best or best[name].weight < weight:
            best[name] = Claim(value=name, seen="code", weight=weight, evidence=seen)
    if not best.keys() - _FRONT:
        best.update(_plain(modules, heard))
    return tuple(sorted(best.values(), key=lambda claim: (-claim.weight, claim.value)))


def _serves_grpc(node: NodeArea, heard: tuple[Heard, ...]) -> bool:
    return any(item.protocol == "grpc" for item in heard) or any(
        call.chain == ("grpc", "Server") for call in node.calls
    )


def _plain(modules: dict[str, Evidence], heard: tuple[Heard, ...]) -> dict[str, Claim]:
    """Node's own http module, or a queue's consumer, when no framework is there."""
    found: dict[str, Claim] = {}
    for module, name in (("http", "node-http"), ("https", "node-http"), ("amqplib", "amqp"), ("kafkajs", "kafka")):
        if module in modules and (bool(heard) == (name == "node-http")):
            found.setdefault(
                name, Claim(value=name, seen="code", weight=FRAMEWORKS[name].rank, evidence=modules[module])
            )
    return found


def _is_front(frameworks: tuple[Claim, ...], heard: tuple[Heard, ...]) -> bool:
    return bool(frameworks) and not heard and all(claim.value in _FRONT for claim in frameworks)


def _listens(frameworks: tuple[Claim, ...], heard: tuple[Heard, ...], node: NodeArea) -> bool | None:
    if heard or any(claim.value in CONVENTION_PORTS for claim in frameworks):
        return True
    roles = {FRAMEWORKS[claim.value].role for claim in frameworks}
    if "worker" in roles and "server" not in roles and any(call.name in _CONSUMES | {"Worker"} for call in node.calls):
        return False
    return None


def _ports(frameworks: tuple[Claim, ...], heard: tuple[Heard, ...]) -> tuple[PortClaim, ...]:
    claims: dict[int, PortClaim] = {}
    for item in heard:
        if item.claim is not None:
            claims.setdefault(item.claim.port, item.claim)
    if claims or heard or not frameworks or frameworks[0].value not in CONVENTION_PORTS:
        return tuple(claims.values())
    first = frameworks[0]
    port = CONVENTION_PORTS[first.value]
    return (
        PortClaim(port=port, protocol="http", name="http", seen="convention", from_env="PORT", evidence=first.evidence),
    )


def _grpc_health(node: NodeArea) -> tuple[Health, ...]:
    for call in node.calls:
        words = call.words() if call.name == "addService" else ()
        names = (
            {call.code.text(at).lower() for at in range(call.open, min(call.end, call.open + 12))}
            if call.name == "addService"
            else set()
        )
        if any("health" in word.lower() for word in words) or any("health" in name for name in names):
            return (Health(kind="grpc", evidence=evidence(call.code.path, call.line, "addService health")),)
    return ()


def _stores(node: NodeArea, modules: dict[str, Evidence]) -> tuple[Dependency, ...]:
    uses: list[Use] = []
    by_path = calls_by_path(node.calls)
    for script in node.scripts:
        uses += _clients(script, by_path.get(script.code.path, []))
        uses += _texts(script.code, modules)
    uses += _prisma(node.area)
    if NODE_ORMS & modules.keys() and not {use.kind for use in uses} & RELATIONAL_OR_FILE:
        uses += _by_driver(node, modules)
    return dependencies_of(uses, _named(node.package))


def _clients(script: Script, own: Iterable[Call]) -> list[Use]:
    """Calls on what a client library gives: ``new Pool()``, ``redis.createClient()``, ``mongoose.connect()``."""
    names = {local: kind for local, module in script.imports.items() if (kind := NODE_STORES.get(node_package(module)))}
    found = []
    absent = {kind: asks_whether_set(script.code, kind) for kind in set(names.values())}
    for call in own:
        kind = names.get(call.chain[0])
        if kind is not None and call.name not in {"ObjectId", "ObjectID", "Schema", "model"}:
            seen = evidence(script.code.path, call.line, ".".join(call.chain))
            found.append(Use(kind, seen, optional=absent[kind] or optional_use(call.code, call.open)))
    return found[:20]


def _texts(code: Code, modules: dict[str, Evidence]) -> list[Use]:
    """``dialect: "postgres"`` beside an ORM; connection URLs beside a client."""
    found = []
    known = {NODE_STORES[module] for module in modules if module in NODE_STORES}
    orm = bool(NODE_ORMS & modules.keys())
    for index, token in enumerate(code.tokens):
        if token.kind != "string":
            continue
        kind: DependencyKind | None = None
        if orm and code.text(index - 1) == ":" and code.text(index - 2) in _DIALECT_KEYS:
            kind = SQL_DRIVERS.get(token.text)
        elif "://" in token.text[:20]:
            kind = url_store(token.text[:40])
            kind = kind if kind in known or (orm and kind in RELATIONAL_OR_FILE) else None
        if kind is not None:
            found.append(
                Use(kind, evidence(code.path, token.line, f"{kind} address"), optional=optional_use(code, index))
            )
    return found[:20]


def _prisma(area: Area) -> list[Use]:
    """The datasource of schema.prisma."""
    for source in area.named("schema.prisma"):
        for number, line in enumerate(source.text.splitlines()[:400], 1):
            key, sign, value = line.partition("=")
            kind = SQL_DRIVERS.get(value.strip().strip('"')) if sign and key.strip() == "provider" else None
            if kind is not None:
                return [Use(kind, evidence(source.path, number, f'provider = "{kind}"'))]
    return []


def _by_driver(node: NodeArea, modules: dict[str, Evidence]) -> list[Use]:
    listed = node.package.dependencies if node.package else {}
    drivers = {kind for name, kind in NODE_STORES.items() if name in listed and kind in RELATIONAL_OR_FILE}
    place = next((modules[name] for name in sorted(NODE_ORMS) if name in modules), None)
    return [Use(kind, place) for kind in drivers] if place is not None and len(drivers) == 1 else []


def _named(package: NodePackage | None) -> dict[DependencyKind, Evidence]:
    found: dict[DependencyKind, Evidence] = {}
    for name in package.dependencies if package else ():
        kind = NODE_STORES.get(name)
        if kind is not None and package is not None:
            found.setdefault(kind, package.seen(name))
    return found


def _env(node: NodeArea, heard: tuple[Heard, ...]) -> tuple[EnvName, ...]:
    """``process.env.X`` and ``process.env["X"]``; required without a default where a process cannot do without."""
    bare_ports = {item.env for item in heard if item.claim is None and item.env}
    found: list[EnvName] = []
    for script in node.scripts:
        code = script.code
        for index, token in enumerate(code.tokens):
            if token.text != "env" or code.text(index - 1) != "." or code.text(index - 2) not in {"process", "meta"}:
                continue
            name = code.text(index + 2) if code.text(index + 1) == "." else code.literal(index + 2)
            if name and is_env_name(name) and code.text(index + 3) != "=":
                required = name in bare_ports or _required(code, index, name)
                found.append(env_name(name, evidence(code.path, token.line, f"env {name}"), required=required))
    return merged_env(found)


def _required(code: Code, index: int, name: str) -> bool:
    end = index + (3 if code.text(index + 1) == "." else 4)
    if code.text(end) in {"||", "??", "===", "!==", "==", "!=", "?", "&&"} or optional_use(code, index):
        return False
    if code.text(index - 3) in {"!", "(", "&&", "||"} and code.text(index - 4) in {"if", "("}:
        return False
    variable = code.text(index - 4) if code.text(index - 3) == "=" else ""
    loud = emptiness(code, end, variable) if variable else None
    return looks_needed(name) if loud is None else loud


def _start(package: NodePackage | None) -> tuple[str, ...] | None:
    if package is None:
        return None
    if "start" in package.scripts:
        words = words_of(package.scripts["start"])
        return words if words[:1] == ("node",) else ("npm", "start")
    return None


def _kind(node: NodeArea, *, listens: bool | None, front: bool) -> Kind | None:
    if front:
        return "static"
    if listens is False:
        return "worker"
    pages: Iterable[str] = ("express.static", "res.render", "reply.view")
    shown = any(".".join(call.chain[-2:]) in pages or call.name == "sendFile" for call in node.calls)
    by_tool = any(module in {"next", "nuxt"} for script in node.scripts for module in script.modules)
    if listens:
        return "web" if shown or by_tool else "api"
    return None


def _migrations(package: NodePackage | None) -> tuple[Claim, ...]:
    found: dict[str, Claim] = {}
    for name, tool in _MIGRATIONS.items():
        if package is not None and (name in package.dependencies or name in package.development):
            found.setdefault(tool, Claim(value=tool, seen="code", weight=5, evidence=package.seen(name)))
    return tuple(found.values())
