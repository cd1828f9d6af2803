"""Records the reading of the example cluster: a cassette of its HTTP and the snapshot that it gives.

In: the emulator with ``examples/proxmox-api.json``. Out: ``tests/edges/cassettes/proxmox.yaml`` and
``tests/edges/golden/proxmox-snapshot.json``. Never: a token in a cassette.

    python -m tests.tools.record_proxmox
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import vcr

from bot.edges.proxmox import ProxmoxInventory
from tests.edges.proxmox_kit import TOKEN, emulator, served
from tests.fakes.clock import StoppedClock

CASSETTE = Path(__file__).parents[1] / "edges" / "cassettes" / "proxmox.yaml"
GOLDEN = Path(__file__).parents[1] / "edges" / "golden" / "proxmox-snapshot.json"
PLACE = "127.0.0.1:8006"


def _same_place(request: Any) -> Any:
    request.uri = urlunsplit(urlsplit(request.uri)._replace(netloc=PLACE))
    return request


def _timeless(response: dict[str, Any]) -> dict[str, Any]:
    for name in ("date", "server"):
        response["headers"].pop(name, None)
    return response


def recorder(mode: str) -> vcr.VCR:
    """``none`` replays and refuses any other call, ``all`` records."""
    return vcr.VCR(
        record_mode=mode,
        match_on=["method", "path", "query"],
        filter_headers=["authorization", "user-agent", "accept-encoding", "connection"],
        before_record_request=_same_place,
        before_record_response=_timeless,
    )


def snapshot_text(url: str, *, workers: int = 1) -> str:
    """The snapshot at a stopped clock, as JSON. One worker: the recorder is not made for threads."""
    found = ProxmoxInventory(endpoint=url, token=TOKEN, clock=StoppedClock(), workers=workers).read()
    return found.model_dump_json(indent=1) + "\n"


if __name__ == "__main__":
    CASSETTE.unlink(missing_ok=True)
    with served(emulator().app) as address, recorder("all").use_cassette(str(CASSETTE)):
        GOLDEN.write_text(snapshot_text(address), encoding="utf-8")
