"""Runs git in one bare folder against one address of the infrastructure repository.

In: argument lists. Out: what git printed, or a typed failure. Never: the token in an argument, an address or a file (it
travels in the environment alone), a prompt, a redirect, another protocol, anybody's git configuration.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from git.cmd import Git

from bot.edges.github.tokens import TokenSource, git_header
from bot.errors import Broken, Code, Refusal, Refused
from bot.loopback import is_loopback

TIMEOUT = 120.0
"""Seconds for one git command."""

_AUTH = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|Permission to |Write access to repository not granted"
    r"|returned error: 40[13]|HTTP 40[13]|Repository not found|returned error: 404|repository '[^']*' not found"
)
_EXPIRED = re.compile(r"Authentication failed|could not read (?:Username|Password)|returned error: 401|HTTP 401")
_TLS = re.compile(r"certificate|SSL", re.IGNORECASE)
_RULES = re.compile(r"protected branch|GH0\d\d|hook declined|refusing to allow", re.IGNORECASE)
_REJECTED = re.compile(r"HTTP 4(?!08|29)\d\d")
_TRANSIENT = re.compile(
    r"Timeout: the command|Could not resolve host|Failed to connect|Couldn't connect|returned error: (?:429|5\d\d)"
    r"|early EOF|unexpected disconnect|Connection (?:reset|timed out|refused)|hung up|Empty reply"
    r"|RPC failed|Operation too slow|transfer closed|HTTP 5\d\d"
)


class Transient(Exception):
    """The line or the server failed; the same command may work in a moment."""


class Stale(Exception):
    """The branch moved between our look and our push."""


@dataclass(frozen=True)
class Printed:
    """What one command printed."""

    status: int
    out: str
    err: str


class Repository:
    """A bare folder whose remote ``infra`` is the infrastructure repository."""

    def __init__(self, folder: Path, *, url: str, tokens: TokenSource, redact: Callable[[str], str]) -> None:
        self._git = Git(str(folder))
        self._url = url
        self._tokens = tokens
        self._redact = redact

    def local(self, *arguments: str, stdin: bytes | None = None) -> str:
        """A command that must work. Raises Broken."""
        printed = self._execute(arguments, stdin)
        if printed.status:
            raise Broken(f"git {arguments[0]} failed: {self._said(printed)}")
        return printed.out

    def remote(self, *arguments: str) -> str:
        """A command that talks to GitHub. Raises Refused (github-auth, tls), Transient, Stale or Broken."""
        printed = self._execute(arguments, None)
        if printed.status and _EXPIRED.search(printed.err) and self._tokens.renew():
            printed = self._execute(arguments, None)
        if printed.status:
            raise self._failure(arguments[0], printed)
        return printed.out

    def _execute(self, arguments: Sequence[str], stdin: bytes | None) -> Printed:
        with tempfile.TemporaryFile() as stream:
            stream.write(stdin or b"")
            stream.seek(0)
            status, out, err = self._git.execute(
                ["git", *arguments],
                istream=stream,
                env=self._environment(),
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=TIMEOUT,
            )
        return Printed(status, out.decode("utf-8", "replace"), str(err))

    def _environment(self) -> dict[str, str]:
        plain = urlsplit(self._url).scheme
        settings = [
            ("remote.infra.url", self._url),
            (f"http.{self._url}.extraHeader", git_header(self._tokens)),
            ("http.followRedirects", "false"),
            ("http.lowSpeedLimit", "1000"),
            ("http.lowSpeedTime", "30"),
            ("credential.helper", ""),
            ("core.hooksPath", os.devnull),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            *([("http.proxy", "")] if is_loopback(urlsplit(self._url).hostname) else []),
        ]
        numbered = enumerate(settings)
        pairs = {f"GIT_CONFIG_{part}_{n}": pair[i] for n, pair in numbered for i, part in enumerate(("KEY", "VALUE"))}
        return {
            **pairs,
            "GIT_CONFIG_COUNT": str(len(settings)),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": plain,
            "GIT_TRACE": "0",
            "GIT_TRACE_CURL": "0",
            "GIT_CURL_VERBOSE": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }

    def _failure(self, verb: str, printed: Printed) -> Exception:
        said = printed.out + printed.err
        if "stale info" in said or "fetch first" in said or "reference already exists" in said:
            return Stale(verb)
        if _RULES.search(said):
            return _refused(Code.GITHUB_AUTH, "The repository's rules refuse the bot's branch.", _RULES_REMEDY)
        if _AUTH.search(said):
            return _refused(
                Code.GITHUB_AUTH, "The credential may not write to the infrastructure repository.", _AUTH_REMEDY
            )
        if _TRANSIENT.search(said) and not _REJECTED.search(said):
            return Transient(f"git {verb}: {self._said(printed)}")
        if _TLS.search(said):
            return _refused(Code.TLS, "The TLS certificate of the git host could not be verified.", _TLS_REMEDY)
        return Broken(f"git {verb} failed: {self._said(printed)}")

    def _said(self, printed: Printed) -> str:
        return self._redact(" ".join((printed.err or printed.out).split()))[-300:]


_RULES_REMEDY = "Allow the App or token to push branches named `ai-provision/**`."
_AUTH_REMEDY = "Give the App or token `contents: write` on the infrastructure repository."
_TLS_REMEDY = "Name your authority's certificate in `GIT_SSL_CAINFO`; verification is never turned off."


def _refused(code: Code, message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=code, message=message, remedy=remedy))
