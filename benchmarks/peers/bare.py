"""A bare FastAPI application that checks the signature and forgets: ``python -m benchmarks.peers.bare SOCKET``."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import sys

import uvicorn
from fastapi import FastAPI, Request, Response

_KEY = os.environ.get("WEBHOOK_SECRET", "").encode()
app = FastAPI()


@app.post("/webhooks/github")
async def webhook(request: Request) -> Response:
    expected = "sha256=" + hmac.new(_KEY, await request.body(), hashlib.sha256).hexdigest()
    given = request.headers.get("x-hub-signature-256", "")
    return Response(status_code=202 if hmac.compare_digest(expected, given) else 401)


@app.get("/readyz")
async def readyz() -> Response:
    return Response()


def main() -> None:
    listening = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
