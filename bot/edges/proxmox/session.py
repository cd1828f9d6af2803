"""One bounded HTTP exchange with the API, in the shape that proxmoxer's resources expect.

In: a verb and a URL. Out: status, reason and at most 32 MB of JSON text. Never: a redirect followed, a body read past
its caps, an HTML page taken for data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NoReturn

import requests
from proxmoxer.backends.https import ProxmoxHTTPApiTokenAuth

from bot.edges.capped import CappedAdapter
from bot.edges.proxmox.endpoint import Endpoint, Token
from bot.edges.proxmox.trouble import Odd, Outage, refused
from bot.errors import Code, Refused
from bot.ports import Clock

MAX_BODY: Final = 32 * 1024 * 1024
WORKERS: Final = 4
_CHUNK: Final = 64 * 1024
_PIN: Final = (
    "Copy `/etc/pve/pve-root-ca.pem` from a node and name the copy in `REQUESTS_CA_BUNDLE` (for Terraform: "
    "`SSL_CERT_FILE`), or give the node a certificate of a known authority; verification is never switched off for you."
)
_CERTIFICATE: Final = (
    ("expired", "has expired"),
    ("not yet valid", "is not valid yet"),
    ("mismatch", "is for another name than the endpoint's"),
    ("self-signed", "is signed by an authority that this machine does not know"),
    ("self signed", "is signed by an authority that this machine does not know"),
    ("local issuer", "is signed by an authority that this machine does not know"),
)


@dataclass(frozen=True)
class Answer:
    """What came back, wholly read."""

    status_code: int
    reason: str
    content: bytes

    @property
    def text(self) -> str:
        """The body as text; bytes that are none are replaced."""
        return self.content.decode("utf-8", errors="replace")


class BoundedSession:
    """A keep-alive session. ``timeout`` is seconds per connect and per read, ``total`` seconds for one whole answer."""

    def __init__(
        self, endpoint: Endpoint, *, token: Token, verify: bool | str, timeout: float, total: float, clock: Clock
    ) -> None:
        self._timeout = timeout
        self._total = timedelta(seconds=total)
        self._clock = clock
        self._verify = verify
        self._session = requests.Session()
        self._session.trust_env = endpoint.tls
        self._session.auth = ProxmoxHTTPApiTokenAuth(
            token.user, token.name, token.secret, verify_ssl=verify, timeout=timeout
        )
        self._session.headers["Accept"] = "application/json"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, CappedAdapter(seconds=total, pool=WORKERS))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def request(self, method: str, url: str, data: Any = None, params: Any = None) -> Answer:
        """One exchange. Raises Refused(tls, config, proxmox-auth), Outage or Odd."""
        started = self._clock.now()
        try:
            with self._session.request(
                method,
                url,
                params=params,
                data=data,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                verify=self._verify,
            ) as response:
                return _admitted(response, self._body(response, started + self._total))
        except requests.exceptions.SSLError as error:
            raise _tls(error) from None
        except requests.exceptions.RequestException as error:
            if self._clock.now() > started + self._total:
                raise self._slow() from None
            _gone(error)
        except OSError:
            raise refused(
                Code.TLS, "The file that should hold the Proxmox VE authority cannot be read.", _PIN
            ) from None

    def _body(self, response: requests.Response, deadline: Any) -> bytes:
        parts: list[bytes] = []
        size = 0
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > MAX_BODY:
                raise Odd(f"an answer was larger than {MAX_BODY // 1024 // 1024} MB")
            if self._clock.now() > deadline:
                raise self._slow()
            parts.append(chunk)
        return b"".join(parts)

    def _slow(self) -> Outage:
        return Outage(f"an answer took longer than {self._total.total_seconds():.0f} s")


def _admitted(response: requests.Response, body: bytes) -> Answer:
    if 300 <= response.status_code <= 399:
        raise refused(
            Code.CONFIG,
            "The Proxmox VE endpoint redirects to another address, which is not followed.",
            "Set `PROXMOX_VE_ENDPOINT` to the address of a node itself, such as `https://pve1.example.org:8006/`.",
        )
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if response.ok and (kind == "text/html" or body[:512].lstrip().startswith(b"<")):
        raise refused(
            Code.PROXMOX_AUTH,
            "A login page answered where the Proxmox VE API was expected.",
            "Check that `PROXMOX_VE_ENDPOINT` is a node's own address (port 8006) and not a web login in front of it.",
        )
    if response.ok and kind != "application/json":
        raise Odd("an answer was not JSON")
    return Answer(status_code=response.status_code, reason=str(response.reason or ""), content=body)


def _tls(error: requests.exceptions.SSLError) -> Refused:
    text = str(error).lower()
    found = next((words for needle, words in _CERTIFICATE if needle in text), None)
    if found is None:
        return refused(Code.TLS, "The Proxmox VE endpoint did not complete a TLS handshake.", _PIN)
    return refused(Code.TLS, f"The TLS certificate of Proxmox VE {found}.", _PIN)


def _gone(error: requests.exceptions.RequestException) -> NoReturn:
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        raise Odd("an answer ended early", retries=1) from None
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        raise Outage("no answer within the time limit", retries=2) from None
    raise Outage("no connection", retries=2) from None


class StrictJson:
    """proxmoxer's serializer without its leniency: what is no envelope is no data."""

    def loads(self, answer: Answer) -> Any:
        """The value of ``data``. Raises Odd, also for null: null is not an empty list."""
        try:
            envelope = json.loads(answer.content.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Odd("an answer was not complete JSON", retries=1) from None
        if not isinstance(envelope, dict) or "data" not in envelope:
            raise Odd("an answer had no `data`")
        if envelope["data"] is None:
            raise Odd("an answer held null instead of data")
        return envelope["data"]

    def loads_errors(self, answer: Answer) -> str:
        """What an error says: the message, and the texts per parameter."""
        try:
            envelope = json.loads(answer.text)
        except (ValueError, RecursionError):
            return ""
        if not isinstance(envelope, dict):
            return ""
        return f"{envelope.get('message') or ''} {envelope.get('errors') or ''}"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
