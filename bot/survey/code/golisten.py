"""What a Go program listens on.

In: the program's files, bindings and calls. Out: ``Listening``. Never: a port that no expression gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.model.profile import Evidence
from bot.survey.clues import PortClaim
from bot.survey.code.calls import Call, Span, calls_by_path, split
from bot.survey.code.facts import evidence
from bot.survey.code.gomod import Unit
from bot.survey.code.guards import function_name
from bot.survey.code.names import go_framework
from bot.survey.code.tokens import Code
from bot.survey.code.values import Book, Worth, expression_end, worth

GRPC = "google.golang.org/grpc"
_NET_HTTP = "net/http"
_RUNS: dict[str, frozenset[str]] = {
    "gin": frozenset({"Run", "RunTLS"}),
    "echo": frozenset({"Start", "StartTLS", "StartAutoTLS", "StartServer"}),
    "fiber": frozenset({"Listen", "ListenTLS"}),
    "iris": frozenset({"Run", "Listen"}),
    "negroni": frozenset({"Run"}),
    "beego": frozenset({"Run"}),
    "fasthttp": frozenset({"ListenAndServe", "ListenAndServeTLS"}),
}
_DEFAULT_PORTS = {"gin": 8080, "negroni": 8080, "beego": 8080}
_SERVES = frozenset({"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS"})


@dataclass(frozen=True)
class Address:
    """One listening call or server literal, not yet evaluated."""

    code: Code
    span: Span | None
    index: int
    name: str
    protocol: Literal["http", "grpc", "tcp"]
    default: int | None = None


@dataclass(frozen=True)
class Listening:
    """``seen``: the program listens at all. ``served``: net/http or grpc, with the call that serves it."""

    seen: bool
    ports: tuple[PortClaim, ...]
    served: Mapping[str, Evidence]


def go_listening(units: tuple[Unit, ...], book: Book, calls: tuple[Call, ...]) -> Listening:
    """Listening calls of net/http, net and the frameworks, with the ports that their addresses give."""
    by_path = {unit.code.path: unit for unit in units}
    by_file = calls_by_path(calls)
    grpc = {unit.code.path: call for unit in units if (call := _grpc_call(unit, by_file)) is not None}
    grpc_folders = {unit.folder for unit in units if unit.code.path in grpc}
    found: list[Address] = []
    for call in calls:
        unit = by_path[call.code.path]
        address = _called(unit, call, grpc=unit.folder in grpc_folders)
        if address is not None:
            found.append(address)
    for unit in units:
        found += _literals(unit)
    served = _served(grpc, found)
    return Listening(bool(found), _claims(book, found), served)


def _grpc_call(unit: Unit, by_file: Mapping[str, list[Call]]) -> Call | None:
    alias = unit.alias(GRPC)
    if alias is None:
        return None
    return next((call for call in by_file.get(unit.code.path, []) if call.chain == (alias, "NewServer")), None)


def _called(unit: Unit, call: Call, *, grpc: bool) -> Address | None:
    """The address of a listening call, or None for any other call."""
    args = call.args()
    http = unit.alias(_NET_HTTP)
    if http is not None and call.chain[0] == http and call.name in _SERVES:
        span = args[0] if call.name.startswith("Listen") and args else None
        return Address(call.code, span, call.open, call.name, "http")
    if unit.alias("net") is not None and call.chain == (unit.alias("net"), "Listen") and len(args) == 2:
        return Address(call.code, args[1], call.open, "Listen", "grpc" if grpc else "tcp")
    if http is not None and call.name in {"ListenAndServe", "ListenAndServeTLS"} and call.on not in unit.imports:
        return Address(call.code, None, call.open, call.name, "http")
    return _framework_run(unit, call, args)


def _framework_run(unit: Unit, call: Call, args: tuple[Span, ...]) -> Address | None:
    for path in unit.paths():
        name = go_framework(path)
        if name is None or call.name not in _RUNS.get(name, frozenset()) or len(call.chain) < 2:
            continue
        if call.on in unit.imports and unit.imports[call.on][0] != path:
            continue
        return Address(
            call.code,
            args[0] if args else None,
            call.open,
            call.name,
            "http",
            None if args else _DEFAULT_PORTS.get(name),
        )
    return None


def _literals(unit: Unit) -> list[Address]:
    """``http.Server{Addr: ...}``."""
    http, code = unit.alias(_NET_HTTP), unit.code
    if http is None:
        return []
    found = []
    for index, token in enumerate(code.tokens):
        if token.text == "{" and code.text(index - 1) == "Server" and code.text(index - 3) == http:
            for begin, end in split(code, (index + 1, max(code.match[index], index + 1)), ",")[:20]:
                if code.text(begin) == "Addr" and code.text(begin + 1) == ":":
                    found.append(Address(code, (begin + 2, end), index, "http.Server", "http"))
    return found


def _served(grpc: Mapping[str, Call], found: list[Address]) -> dict[str, Evidence]:
    served: dict[str, Evidence] = {}
    for path, call in grpc.items():
        served.setdefault("grpc", evidence(path, call.line, "grpc.NewServer"))
    for address in found:
        if address.protocol == "http":
            served.setdefault("net/http", evidence(address.code.path, address.code.line(address.index), address.name))
    return served


def _claims(book: Book, found: list[Address]) -> tuple[PortClaim, ...]:
    claims: dict[int, PortClaim] = {}
    for address in found:
        value = worth(book, address.code, address.span) if address.span is not None else Worth()
        port = value.port or address.default
        if port is None or port in claims:
            continue
        claims[port] = _claim(address, value, port)
    return tuple(claims.values())


def _claim(address: Address, value: Worth, port: int) -> PortClaim:
    label = _label(address, value)
    debug = "pprof" in label or "debug" in label
    name = next((word for word in ("metrics", "admin", "grpc") if word.rstrip("s") in label), "")
    from_env = value.env or ("PORT" if address.default is not None else None)
    return PortClaim(
        port=port,
        protocol=address.protocol,
        name="debug" if debug else name or address.protocol,
        seen="code",
        debug=debug,
        from_env=from_env,
        evidence=evidence(address.code.path, address.code.line(address.index), f"{address.name} :{port}"),
    )


def _label(address: Address, value: Worth) -> str:
    """Words around an address that tell what it is for."""
    words = [function_name(address.code, address.index), value.env or ""]
    if address.span is not None:
        end = min(address.span[1], expression_end(address.code, address.span[0]))
        words += [address.code.text(index) for index in range(address.span[0], min(end, address.span[0] + 20))]
    return " ".join(words).lower()
