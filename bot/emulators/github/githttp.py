"""Git's smart HTTP over the emulator's bare repositories.

In: git's own requests with basic credentials. Out: what ``git upload-pack`` and ``git receive-pack`` say. Never: a
repository that the caller may not see, a push without write access.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
from typing import Literal

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.emulators.github import gitstore
from bot.emulators.github.site import Site
from bot.emulators.github.state import Repository, Token, at_least

Service = Literal["git-upload-pack", "git-receive-pack"]


async def advertise(site: Site, request: Request) -> Response:
    """``GET /{owner}/{name}.git/info/refs?service=…``."""
    name = request.query_params.get("service", "")
    if name not in {"git-upload-pack", "git-receive-pack"}:
        return PlainTextResponse("Please upgrade your git client.", 403)
    service: Service = "git-receive-pack" if name == "git-receive-pack" else "git-upload-pack"
    repo = _allowed(site, request, service)
    if isinstance(repo, Response):
        return repo
    said = await _pipe(repo, service, request, b"", advertise_only=True)
    first = f"# service={service}\n".encode()
    protocol = request.headers.get("git-protocol", "")
    head = b"" if "version=2" in protocol and service == "git-upload-pack" else b"%04x%b0000" % (len(first) + 4, first)
    return Response(head + said, media_type=f"application/x-{service}-advertisement", headers=_NO_CACHE)


async def serve(site: Site, request: Request) -> Response:
    """``POST /{owner}/{name}.git/git-upload-pack`` and ``git-receive-pack``."""
    service: Service = "git-receive-pack" if request.url.path.endswith("receive-pack") else "git-upload-pack"
    repo = _allowed(site, request, service)
    if isinstance(repo, Response):
        return repo
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    said = await _pipe(repo, service, request, body, advertise_only=False)
    return Response(said, media_type=f"application/x-{service}-result", headers=_NO_CACHE)


_NO_CACHE = {"cache-control": "no-cache, max-age=0, must-revalidate"}


async def _pipe(repo: Repository, service: Service, request: Request, body: bytes, *, advertise_only: bool) -> bytes:
    protocol = request.headers.get("git-protocol", "")
    extra = {"GIT_PROTOCOL": protocol} if protocol in {"version=1", "version=2"} else {}
    options = ["--stateless-rpc", *(["--advertise-refs"] if advertise_only else [])]
    process = await asyncio.create_subprocess_exec(
        "git",
        service.removeprefix("git-"),
        *options,
        str(repo.path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=gitstore.environment(extra),
    )
    said, _ = await process.communicate(body)
    return said


def _allowed(site: Site, request: Request, service: Service) -> Repository | Response:
    """The repository, or GitHub's refusal."""
    token, wrong = _token(site, request)
    if wrong:
        return _login("Invalid username or token. Password authentication is not supported for Git operations.")
    full_name = f"{request.path_params['owner']}/{request.path_params['name']}"
    repo = site.world.repository(full_name)
    if repo is None or not site.visible(repo, token) or (token and not token.allows("contents", "read")):
        return PlainTextResponse("Repository not found.", 404) if token else _login("Authentication required.")
    if service == "git-upload-pack":
        return repo
    if token is None:
        return _login("Authentication required.")
    writer = token.allows("contents", "write") and site.covers(repo, token)
    if not writer or not at_least(repo.role(token.account.login), "write"):
        return PlainTextResponse(f"Permission to {repo.full_name}.git denied to {token.account.login}.", 403)
    return repo


def _login(message: str) -> Response:
    return PlainTextResponse(message, 401, {"www-authenticate": 'Basic realm="GitHub"'})


def _token(site: Site, request: Request) -> tuple[Token | None, bool]:
    """The token of the basic credentials, and whether credentials were given but wrong."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None, False
    try:
        password = base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None, True
    token = site.token(password)
    return token, token is None or scheme.lower() != "basic"
