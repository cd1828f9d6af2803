"""Our web server alone: ``python -m benchmarks.peers.ours SOCKET DATABASE_URL``, the secret in ``WEBHOOK_SECRET``."""

from __future__ import annotations

import os
import socket
import sys

import uvicorn

from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.meters import Meters
from bot.web import tune_process, web_app


def main() -> None:
    listening = socket.socket(fileno=int(sys.argv[1]))
    ledger = open_ledger(sys.argv[2], clock=RealClock())
    try:
        asgi = web_app(ledger, secrets=[os.environ["WEBHOOK_SECRET"]], meters=Meters(), api_token=None)
        tune_process()
        config = uvicorn.Config(
            asgi, loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning", server_header=False
        )
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        ledger.close()


if __name__ == "__main__":
    main()
