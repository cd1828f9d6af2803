"""Range queries to one Prometheus: bounded in size and time, retried once where that helps, every failure typed.

In: PromQL and a grid of moments. Out: the ``data`` of the answer and its warnings. Never: a redirect followed, more
than 16 MiB, a second retry, the server's words about an error.

Retries (one each): no connection, 429 (as told, at most 5 s), an answer that ended early. Time-outs, 4xx, 5xx, TLS and
answers of another shape are not asked for again.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import requests
import urllib3.exceptions
from requests.auth import AuthBase

from bot.edges.capped import CappedAdapter
from bot.edges.prometheus.address import Address
from bot.edges.prometheus.questions import Grid
from bot.edges.prometheus.trouble import REACH, Trouble, shown
from bot.model.quantity import MIB
from bot.ports import Clock

MAX_ANSWER: Final = 16 * MIB
"""Bytes; some 170 pods at 14 days of 5-minute steps, and about 200 MiB while it is parsed."""
MAX_SERIES: Final = 2_000
_CHUNK: Final = 1 << 16
_CONNECT: Final = 3.0
_PATIENCE: Final = 5.0
_MAX_WARNINGS: Final = 3
_LOOKED_AT: Final = 50
_SMALLER: Final = (
    "Ask your Prometheus for less: a shorter retention of dead pods, or recording rules; see its query log."
)
_RIGHTS: Final = "Check PROMETHEUS_TOKEN: it needs the right to query, and nothing else."
_NO_PROMETHEUS: Final = "Set PROMETHEUS_URL to the address below which /api/v1/query_range answers."
_CERTIFICATE: Final = (
    "Name your authority's certificate in REQUESTS_CA_BUNDLE, or give the server one of a known authority."
)


@dataclass(frozen=True)
class Answer:
    """The rows of a matrix as they came, and the server's warnings made harmless."""

    rows: list[Any]
    warnings: tuple[str, ...] = ()


class Calls:
    """A keep-alive session. Seconds: ``timeout`` per connect and read, ``answer`` for one whole answer, ``budget`` for
    everything: no query begins after it.
    """

    def __init__(
        self,
        address: Address,
        credential: AuthBase,
        *,
        clock: Clock,
        verify: bool | str,
        timeout: float,
        answer: float,
        budget: float,
    ) -> None:
        self._url = address.url
        self._clock = clock
        self._verify = verify
        self._timeout = timeout
        self._answer = answer
        self._deadline = clock.now().timestamp() + budget
        self._jitter = random.SystemRandom()
        self._session = requests.Session()
        self._session.trust_env = address.environment
        self._session.auth = credential
        self._session.headers["Accept"] = "application/json"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, CappedAdapter(seconds=answer, pool=1))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def range(self, query: str, grid: Grid) -> Answer:
        """The matrix of a query. Raises Trouble."""
        form = {
            "query": query,
            "start": str(grid.start),
            "end": str(grid.end),
            "step": str(grid.step),
            "timeout": f"{max(1, int(self._answer))}s",
            "limit": str(MAX_SERIES),
        }
        tries = 0
        while True:
            try:
                return _matrix(self._once(form))
            except Trouble as trouble:
                wait = self._jitter.uniform(0.0, 1.0) if trouble.wait is None else trouble.wait
                if tries >= trouble.retries or wait >= min(_PATIENCE, self._left()):
                    raise
            tries += 1
            self._clock.sleep(wait)

    def _left(self) -> float:
        return self._deadline - self._clock.now().timestamp()

    def _once(self, form: dict[str, str]) -> bytes:
        left = self._left()
        if left <= 0:
            raise Trouble("it took too long to answer")
        limits = (min(_CONNECT, self._timeout, left), min(self._timeout, left))
        try:
            with self._session.post(
                self._url, data=form, timeout=limits, allow_redirects=False, stream=True, verify=self._verify
            ) as response:
                _admit(response)
                return _body(response)
        except requests.exceptions.SSLError:
            raise Trouble("its TLS certificate could not be verified", _CERTIFICATE) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _gone(error) from None
        except OSError:
            raise Trouble("the file that should hold its authority cannot be read", _CERTIFICATE) from None


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_ANSWER:
            raise Trouble(f"an answer was larger than {MAX_ANSWER // MIB} MiB", _SMALLER, fatal=False)
    return bytes(body)


def _admit(response: requests.Response) -> None:
    """Raises Trouble for everything but an answer to the question."""
    status = response.status_code
    if status in {401, 403}:
        raise Trouble(f"it does not accept the credential ({status})", _RIGHTS)
    if status == 429:
        raise Trouble("it asks to wait (429)", retries=1, wait=_told(response))
    if status == 422:
        raise Trouble("it could not execute the query (422)", _SMALLER, fatal=False)
    if status == 503:
        raise Trouble("it stopped the query, or is not ready (503)", _SMALLER, fatal=False)
    if 300 <= status <= 399:
        raise Trouble("it redirects to another address, which is not followed", _NO_PROMETHEUS)
    if status == 400:
        raise Trouble("it did not understand the query (400)", "Check metrics: in .ai-provision.yaml.", fatal=False)
    if status != 200:
        raise Trouble(f"it answered {status}", REACH if status >= 500 else _NO_PROMETHEUS)


def _told(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


def _gone(error: Exception) -> Trouble:
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        return Trouble("no answer came in time")
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return Trouble("an answer ended early", retries=1)
    return Trouble("there is no connection", retries=1)


def _matrix(body: bytes) -> Answer:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        if body[:512].lstrip().startswith(b"<"):
            raise Trouble("a page answered where its API was expected", _NO_PROMETHEUS) from None
        raise Trouble("an answer was not complete JSON", retries=1) from None
    if isinstance(envelope, dict) and envelope.get("status") == "error":
        raise Trouble("it reported an error instead of data", _SMALLER, fatal=False)
    data = envelope.get("data") if isinstance(envelope, dict) else None
    rows = data.get("result") if isinstance(data, dict) and data.get("resultType") == "matrix" else None
    if not isinstance(rows, list):
        raise Trouble("an answer had another shape than that of a range query", _NO_PROMETHEUS)
    if len(rows) > MAX_SERIES:
        raise Trouble(f"an answer had more than {MAX_SERIES:,} series", _SMALLER, fatal=False)
    return Answer(rows, _warnings(envelope))


def _warnings(envelope: dict[str, Any]) -> tuple[str, ...]:
    found = envelope.get("warnings")
    if not isinstance(found, list):
        return ()
    words = dict.fromkeys(filter(None, map(shown, found[:_LOOKED_AT])))
    return tuple(words)[:_MAX_WARNINGS]
