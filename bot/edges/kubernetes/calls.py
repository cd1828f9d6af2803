"""Lists of a Kubernetes API server: paged, bounded, retried, with every failure typed.

In: a client and a source. Out: rows as plain data. Never: the client's own models (one odd field would cost the whole
list), hidden retries, redirects, more than a bounded answer, the server's words in a message.

Retries: refused and timeouts twice, 429 twice and never sooner than told, 5xx three times, broken JSON once, 410 begins
the list again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import urllib3.exceptions
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.cluster import Missing
from bot.model.quantity import MIB
from bot.ports import Clock

Row = dict[str, Any]
PAGE: Final = 500
MAX_PAGES: Final = 400
MAX_ANSWER: Final = 64 * MIB
RETRIES: Final = 2
RETRIES_5XX: Final = 3
RETRIES_BROKEN: Final = 1
RELISTS: Final = 2
_CHUNK: Final = 1 << 16
_RETRY_AFTER: Final = 60.0


@dataclass(frozen=True)
class Source:
    """One list (or document) of the API: how people name it, and the client's function for it."""

    resource: str
    group: str
    call: Callable[[ApiClient], Callable[..., Any]]
    verb: str = "list"
    selector: str | None = None

    @property
    def full_name(self) -> str:
        """As RBAC writes it: ``deployments.apps``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


class Trouble(Exception):
    """One list gave nothing usable; the others may."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.reason)
        self.missing = missing

    def fatal(self) -> NoReturn:
        """No capacity is known without it. Raises Refused (kubernetes-auth) or Unavailable."""
        gap = self.missing
        message = f"The Kubernetes API server gave no list of {gap.what}: {gap.reason}."
        if gap.code == Code.KUBERNETES_AUTH:
            raise Refused(Refusal(code=Code.KUBERNETES_AUTH, message=message, remedy=gap.remedy)) from self
        raise Unavailable(Code.CAPACITY, message, remedy=gap.remedy, retry_after=_RETRY_AFTER) from self


class _Again(Exception):
    """Worth so many ``retries``, each after ``wait`` seconds."""

    def __init__(self, reason: str, *, retries: int = RETRIES, wait: float = 0.5) -> None:
        super().__init__(reason)
        self.retries = retries
        self.wait = wait

    def given_up(self, source: Source) -> Trouble | Unavailable:
        """What it comes to when it did not help: this list is unknown."""
        return Trouble(_gap(source, str(self)))


class _Silent(_Again):
    """No answer at all: the next list would fare no better."""

    def given_up(self, source: Source) -> Trouble | Unavailable:
        del source
        return Unavailable(
            Code.CAPACITY,
            f"The Kubernetes API server could not be reached: {self}.",
            remedy="Check the server address of the kubeconfig and the network, then run the command again.",
            retry_after=_RETRY_AFTER,
        )


class _Throttled(_Again):
    """429: the next list would come sooner than the server asked for."""

    def given_up(self, source: Source) -> Trouble | Unavailable:
        del source
        return Unavailable(
            Code.CAPACITY,
            f"The Kubernetes API server asks to wait {self.wait:.0f} s (429).",
            remedy="Run the command again later; if it stays, look at the API server's priority and fairness settings.",
            retry_after=max(_RETRY_AFTER, self.wait),
        )


class _Expired(Exception):
    """410: the list has to begin again."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """One client until one deadline (seconds of the clock)."""

    api: ApiClient
    clock: Clock
    deadline: float
    timeout: float

    def document(self, source: Source) -> Row:
        """One JSON object. Raises Trouble, Refused (kubernetes-auth, tls) or Unavailable."""
        return self._patient(source, {})

    def rows(self, source: Source) -> list[Row]:
        """All items of a list. Raises Trouble, Refused (kubernetes-auth, tls) or Unavailable."""
        for _ in range(RELISTS + 1):
            try:
                return self._pages(source)
            except _Expired:
                continue
        raise Trouble(_gap(source, "the list expired again and again while it was read"))

    def _pages(self, source: Source) -> list[Row]:
        rows: list[Row] = []
        question: dict[str, Any] = {"limit": PAGE}
        if source.selector:
            question["field_selector"] = source.selector
        for _ in range(MAX_PAGES):
            answer = self._patient(source, question)
            items = answer.get("items")
            if not isinstance(items, list):
                raise Trouble(_gap(source, "the answer is no list"))
            rows.extend(item for item in items if isinstance(item, dict))
            meta = answer.get("metadata")
            token = meta.get("continue") if isinstance(meta, dict) else None
            if not token or not isinstance(token, str):
                return rows
            question["_continue"] = token
        raise Trouble(_gap(source, f"the list has more than {MAX_PAGES * PAGE:,} entries"))

    def _patient(self, source: Source, question: dict[str, Any]) -> Row:
        tries = 0
        while True:
            try:
                return self._once(source, question)
            except _Again as again:
                tries += 1
                if tries > again.retries or self._left() <= again.wait:
                    raise again.given_up(source) from again
                self.clock.sleep(again.wait)

    def _left(self) -> float:
        return self.deadline - self.clock.now().timestamp()

    def _once(self, source: Source, question: dict[str, Any]) -> Row:
        read = max(0.1, min(self.timeout, self._left()))
        try:
            response = source.call(self.api)(
                **question, _preload_content=False, _request_timeout=(min(5.0, read), read)
            )
            return _object(self._body(response))
        except ApiException as error:
            raise _verdict(source, error) from error
        except urllib3.exceptions.SSLError as error:
            raise Refused(_tls()) from error
        except urllib3.exceptions.HTTPError as error:
            raise _silence(error) from error

    def _body(self, response: Any) -> bytes:
        body = bytearray()
        try:
            while chunk := response.read(_CHUNK):
                body += chunk
                if len(body) > MAX_ANSWER or self._left() < 0:
                    raise _Again("the answer is too long or too slow", retries=0)
        finally:
            response.close()
        return bytes(body)


def _object(body: bytes) -> Row:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Again("the answer is not JSON", retries=RETRIES_BROKEN) from error
    if not isinstance(value, dict):
        raise _Again("the answer is not a JSON object", retries=RETRIES_BROKEN)
    return value


def _verdict(source: Source, error: ApiException) -> Exception:
    status = int(error.status or 0)
    if status in _FINAL:
        return Refused(_FINAL[status]())
    if status == 410:
        return _Expired()
    if status == 429:
        return _Throttled("the API server asks to wait", wait=_told(error))
    if status >= 500:
        return _Again(f"the API server answered {status}", retries=RETRIES_5XX)
    if status == 403:
        return Trouble(_denied(source))
    return Trouble(_gap(source, "the API server does not serve it" if status == 404 else f"the answer was {status}"))


def _silence(error: urllib3.exceptions.HTTPError) -> Exception:
    reason = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    if isinstance(reason, urllib3.exceptions.SSLError):
        return Refused(_tls())
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return _Silent("no connection")
    if isinstance(reason, urllib3.exceptions.TimeoutError):
        return _Silent("no answer in time")
    return _Silent("the connection broke")


def _told(error: ApiException) -> float:
    value = str((error.headers or {}).get("Retry-After", "1"))
    return float(value) if value.isascii() and value.isdigit() else 1.0


def _gap(source: Source, reason: str) -> Missing:
    return Missing(
        system="kubernetes",
        what=source.full_name,
        code=Code.CAPACITY,
        reason=reason,
        remedy=f"Run kubectl get {source.full_name} --all-namespaces with the same kubeconfig and look at its answer.",
    )


def _denied(source: Source) -> Missing:
    return Missing(
        system="kubernetes",
        what=source.full_name,
        code=Code.KUBERNETES_AUTH,
        reason=f"the user of the kubeconfig may not {source.verb} {source.full_name} in all namespaces",
        remedy=f"kubectl create clusterrole ai-provision-{source.resource} --verb={source.verb} "
        f"--resource={source.full_name}, and bind it to that user with a ClusterRoleBinding.",
    )


def _unauthorised() -> Refusal:
    return Refusal(
        code=Code.KUBERNETES_AUTH,
        message="The Kubernetes API server does not accept the credential of the kubeconfig (401).",
        remedy="Renew the token or certificate in the kubeconfig; kubectl get nodes with the same file has to work.",
    )


def _tls() -> Refusal:
    return Refusal(
        code=Code.TLS,
        message="The TLS certificate of the Kubernetes API server could not be verified.",
        remedy="Put the cluster's authority into certificate-authority-data of the kubeconfig; "
        "verification is not switched off by the bot.",
    )


_FINAL: Final[dict[int, Callable[[], Refusal]]] = {0: _tls, 401: _unauthorised}
