"""What Python code listens on.

In: parsed files of one area. Out: port claims and what serves them. Never: a port that no expression or documented
default gives.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from bot.model.profile import Evidence
from bot.survey.clues import PortClaim
from bot.survey.code.facts import evidence
from bot.survey.code.pysource import Place, PyFile, dotted
from bot.survey.code.pyvalues import PyBook, argument, optional_place, py_worth
from bot.survey.code.values import Worth

Protocol = Literal["http", "grpc", "tcp", "udp"]


@dataclass(frozen=True)
class Runner:
    """A call that listens: which argument holds the port, and the documented default."""

    module: str
    position: int
    default: int | None
    protocol: Protocol = "http"
    name: str = ""


_RUNNERS: dict[str, tuple[Runner, ...]] = {
    "run": (
        Runner("uvicorn", 2, 8000), Runner("hypercorn", 9, None), Runner("flask_socketio", 2, 5000),
        Runner("sanic", 1, 8000), Runner("quart", 1, 5000), Runner("bottle", 2, 8080), Runner("flask", 1, 5000),
    ),
    "run_app": (Runner("aiohttp", 9, 8080),),
    "Config": (Runner("uvicorn", 2, 8000),),
    "serve": (Runner("waitress", 9, 8080), Runner("websockets", 2, None)),
    "listen": (Runner("tornado", 0, None),),
    "bind": (Runner("tornado", 0, None), Runner("socket", 0, None, "tcp")),
    "launch": (Runner("gradio", 9, 7860),),
    "start_server": (Runner("asyncio", 2, None, "tcp"),),
    "WSGIServer": (Runner("gevent", 0, None), Runner("wsgiref", 0, None)),
    "make_server": (Runner("wsgiref", 1, None),),
    "run_simple": (Runner("werkzeug", 1, None),),
    "HTTPServer": (Runner("http.server", 0, None),),
    "ThreadingHTTPServer": (Runner("http.server", 0, None),),
    "TCPSite": (Runner("aiohttp", 2, 8080),),
    "add_insecure_port": (Runner("grpc", 0, None, "grpc"),),
    "add_secure_port": (Runner("grpc", 0, None, "grpc"),),
    "start_http_server": (Runner("prometheus_client", 0, None, "http", "metrics"),),
}  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """One listening call. ``main``: under ``if __name__ == "__main__"``; ``optional``: only when a setting is given."""

    claim: PortClaim | None
    seen: Evidence
    protocol: Protocol
    main: bool
    optional: bool


def py_listening(book: PyBook) -> tuple[Heard, ...]:
    """All listening calls of the area."""
    found = []
    for file in book.files:
        for call, place in file.calls:
            runner = _runner(book, file, call)
            if runner is not None:
                found.append(_heard(book, file, call, place, runner=runner))
    return tuple(found)


def _runner(book: PyBook, file: PyFile, call: ast.Call) -> Runner | None:
    chain = dotted(call.func)
    if not chain:
        return None
    for runner in _RUNNERS.get(chain[-1], ()):
        if file.imported(runner.module) is None and not (runner.module == "flask" and _makes_app(book, file, chain)):
            continue
        if (
            chain[0] in file.imports
            and not file.imports[chain[0]][0].startswith((runner.module, "."))
            and not _own(book, file, chain)
        ):
            continue
        if chain[-1] == "run" and len(chain) == 1 and runner.module != "bottle":
            continue
        return runner
    return None


def _own(book: PyBook, file: PyFile, chain: tuple[str, ...]) -> bool:
    """True for a name that is imported from another file of the area: ``from app import app``."""
    module = file.imports[chain[0]][0].split(".")[0]
    return any(
        other.path.endswith((f"/{module}.py", f"/{module}/__init__.py")) or other.path == f"{module}.py"
        for other in book.files
    )


def _makes_app(book: PyBook, file: PyFile, chain: tuple[str, ...]) -> bool:
    """``from app import app`` or ``app = create_app()``, then ``app.run()``: another file makes the Flask app."""
    if (
        len(chain) != 2
        or chain[0] not in {*file.imports, *file.names}
        or chain[0] in {"subprocess", "asyncio", "uvicorn"}
    ):
        return False
    foreign = chain[0] in file.imports and not _own(book, file, chain)
    return not foreign and any(other.imported("flask") for other in book.files)


def _heard(book: PyBook, file: PyFile, call: ast.Call, place: Place, *, runner: Runner) -> Heard:
    value = _port_value(book, file, call, runner)
    port = value.port or (None if value.text or value.env else runner.default)
    seen = evidence(file.path, call.lineno, ".".join(dotted(call.func)) + (f" :{port}" if port else ""))
    claim = None
    if port is not None:
        name = runner.name or runner.protocol
        claim = PortClaim(
            port=port, protocol=runner.protocol, name=name, seen="code", from_env=value.env, evidence=seen
        )
    return Heard(claim, seen, runner.protocol, place.main, optional_place(book, file, place))


def _port_value(book: PyBook, file: PyFile, call: ast.Call, runner: Runner) -> Worth:
    node = argument(call, runner.position, "port", "server_port", "bind", "address", "addr")
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        node = node.elts[1]
    return py_worth(book, file, node)
