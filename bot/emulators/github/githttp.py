"""Git's smart HTTP over the emulator's bare repositories.

In: git's own requests with basic credentials. Out: what ``git upload-pack`` and ``git receive-pack`` say. Never: a
repository that the caller may not see, a push without write access.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import threading
from collections.abc import Callable, Mapping
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot.emulators.github import gitstore, landing, pushes
from bot.emulators.github.site import Outgoing, Site
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
    """``POST /{owner}/{name}.git/git-upload-pack``."""
    service: Service = "git-upload-pack"
    repo = _allowed(site, request, service)
    if isinstance(repo, Response):
        return repo
    said = await _pipe(repo, service, request, await _body(request), advertise_only=False)
    return Response(said, media_type=f"application/x-{service}-result", headers=_NO_CACHE)


async def _body(request: Request) -> bytes:
    body = await request.body()
    return gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body


class Pushes:
    """``POST /{owner}/{name}.git/git-receive-pack``: a push with GitHub's refusals and the webhooks that follow."""

    def __init__(self, site: Site, lock: threading.RLock, send: Callable[[], None]) -> None:
        self._site = site
        self._lock = lock
        self._send = send

    async def serve(self, request: Request) -> Response:
        """One push."""
        service: Service = "git-receive-pack"
        repo = _allowed(self._site, request, service)
        token, _ = _token(self._site, request)
        if isinstance(repo, Response) or token is None:
            return repo if isinstance(repo, Response) else _login("Authentication required.")
        body = await _body(request)
        said = await run_in_threadpool(self._refusal, repo, token, body)
        if said is None:
            said = await self._take(repo, token, request, body)
        return Response(said, media_type=f"application/x-{service}-result", headers=_NO_CACHE)

    def _refusal(self, repo: Repository, token: Token, body: bytes) -> bytes | None:
        asked, abilities, pack = pushes.commands(body)
        refused = pushes.refusals(self._site, repo, token, asked, pack)
        return pushes.answer(asked, refused, abilities) if refused else None

    async def _take(self, repo: Repository, token: Token, request: Request, body: bytes) -> bytes:
        before = await run_in_threadpool(gitstore.branches, repo.path)
        said = await _pipe(repo, "git-receive-pack", request, body, advertise_only=False)
        base = str(request.base_url).rstrip("/")
        await run_in_threadpool(self._note, repo, token, before, base)
        await run_in_threadpool(self._send)
        return said

    def _note(self, repo: Repository, token: Token, before: Mapping[str, str], base: str) -> None:
        """Pull requests and webhooks of the branches that moved."""
        with self._lock:
            after = gitstore.branches(repo.path)
            for name in sorted({*before, *after}):
                old, new = before.get(name, ""), after.get(name, "")
                if old == new:
                    continue
                found = landing.moved(self._site, repo, name, before=old, after=new, who=token.account, base=base)
                self._site.outbox += [Outgoing(repo, event, payload) for event, payload in found]


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
    if not writer or not at_least(site.role(repo, token), "write"):
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
