"""What JavaScript and TypeScript code listens on.

In: scripts, calls, bindings. Out: port claims. Never: a port that no expression gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.model.profile import Evidence
from bot.survey.clues import PortClaim
from bot.survey.code.calls import Call, Span, split
from bot.survey.code.facts import evidence
from bot.survey.code.guards import optional_use
from bot.survey.code.tokens import Code
from bot.survey.code.values import Book, Worth, worth

_PORT_KEYS = frozenset({"port"})
_OPTION_SERVERS = frozenset({"Server", "WebSocketServer", "server", "serve", "ApolloServer", "startStandaloneServer"})


@dataclass(frozen=True)
class Heard:
    """One listening call; ``claim`` is None when the port is not known here, ``env`` may name its variable."""

    seen: Evidence
    claim: PortClaim | None
    env: str | None
    protocol: Literal["http", "grpc"]


def node_listening(book: Book, calls: tuple[Call, ...]) -> tuple[Heard, ...]:
    """``listen``, gRPC's ``bindAsync``, servers made with a ``port`` option."""
    found = []
    for call in calls:
        heard = _heard(book, call)
        if heard is not None:
            found.append(heard)
    return tuple(found)


def _heard(book: Book, call: Call) -> Heard | None:
    args = call.args()
    if call.name in {"bindAsync", "bind"} and len(args) >= 2 and _grpc_text(book, call, args):
        return _made(call, worth(book, call.code, args[0]), "grpc")
    if call.name == "listen" and len(call.chain) > 1:
        return _listen(book, call, args)
    if call.name in _OPTION_SERVERS and args and call.code.text(args[0][0]) == "{":
        value = _option(book, call.code, args[0])
        return _made(call, value, "http") if value.port or value.env else None
    return None


def _grpc_text(book: Book, call: Call, args: tuple[Span, ...]) -> bool:
    if call.name == "bindAsync":
        return True
    return ":" in (worth(book, call.code, args[0]).text or "") and "Credentials" in {
        call.code.text(at) for at in range(args[1][0], min(args[1][1], args[1][0] + 10))
    } | {"ServerCredentials" if call.code.text(args[1][0] + 2) == "ServerCredentials" else ""}


def _listen(book: Book, call: Call, args: tuple[Span, ...]) -> Heard | None:
    """``app.listen(3000)``, ``app.listen({ port })``; a ``listen(fn)`` of something else is none."""
    if not args:
        return (
            Heard(evidence(call.code.path, call.line, "listen"), None, None, "http")
            if call.on in {"app", "server"}
            else None
        )
    if call.code.text(args[0][0]) == "{":
        return _made(call, _option(book, call.code, args[0]), "http")
    value = worth(book, call.code, args[0])
    if value.port is None and value.env is None:
        plain = call.on.lower() in {"app", "server", "httpserver", "http"} and call.code.text(args[0][0]) not in {
            "(",
            "function",
            "async",
        }
        return _made(call, value, "http") if plain else None
    return _made(call, value, "http")


def _option(book: Book, code: Code, span: Span) -> Worth:
    close = max(code.match[span[0]], span[0] + 1)
    for begin, end in split(code, (span[0] + 1, close), ",")[:20]:
        if code.text(begin) in _PORT_KEYS and code.text(begin + 1) == ":":
            return worth(book, code, (begin + 2, end))
        if code.text(begin) in _PORT_KEYS and end == begin + 1:
            return worth(book, code, (begin, end))
    return Worth()


def _made(call: Call, value: Worth, protocol: Literal["http", "grpc"]) -> Heard:
    port = value.port
    seen = evidence(call.code.path, call.line, f"{call.name} :{port}" if port else call.name)
    if port is None or optional_use(call.code, call.open):
        return Heard(seen, None, value.env, protocol)
    claim = PortClaim(port=port, protocol=protocol, name=protocol, seen="code", from_env=value.env, evidence=seen)
    return Heard(seen, claim, value.env, protocol)
