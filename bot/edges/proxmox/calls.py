"""Calls to the API: retried where that helps, limited in time, every failure typed.

In: path segments and parameters. Out: the value of ``data``. Never: more than three tries, a call after the time for
the whole reading is used up, a call after five in a row got no answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from proxmoxer.core import ProxmoxResource, ResourceException

from bot.edges.proxmox.endpoint import Endpoint
from bot.edges.proxmox.session import BoundedSession, StrictJson
from bot.edges.proxmox.trouble import Denied, Failing, Odd, Outage, Silent, Trouble, refused
from bot.errors import Code, Refused
from bot.ports import Clock

_BASE_SECONDS: Final = 1.0
_CAP_SECONDS: Final = 30.0
_BREAKER: Final = 5
_RIGHT: Final = re.compile(
    r"Permission check failed \((?P<path>/[\w./+@-]{0,200}), (?P<right>[\w.|]{1,200})\)", re.ASCII
)
_TOKEN_TROUBLE: Final = (
    ("no such token", "it does not exist"),
    ("no such user", "its user does not exist"),
    ("invalid token value", "its secret is wrong"),
    ("expired", "it has expired"),
    ("disabled", "its user is disabled"),
    ("no ticket", "the header was not taken for a token"),
)
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Calls:
    """The API of one cluster for one reading. ``budget`` is seconds for everything, ``workers`` calls at once."""

    def __init__(
        self, session: BoundedSession, *, endpoint: Endpoint, clock: Clock, budget: float, workers: int
    ) -> None:
        self._api = ProxmoxResource(base_url=endpoint.base_url, session=session, serializer=StrictJson())
        self._clock = clock
        self._budget = budget
        self._workers = workers
        self._deadline: datetime = clock.now() + timedelta(seconds=budget)
        self._unanswered = 0
        self._jitter = random.SystemRandom()

    def get(self, *path: str, needs: str, patience: int = 2, **params: Any) -> Any:
        """The ``data`` of a GET. ``needs`` is the right to name on a bare 403, ``patience`` the most retries.

        Raises Trouble; Refused(proxmox-auth, tls, config) where no other call would fare better.
        """
        attempt = 0
        while True:
            try:
                return self._once(path, needs, params)
            except Trouble as trouble:
                self._count(trouble, patience)
                if attempt >= min(trouble.retries, patience):
                    raise
            self._clock.sleep(self._jitter.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2**attempt)))
            attempt += 1

    def each(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
        """The same work for many items, a few at a time, results in the order of the items."""
        with ThreadPoolExecutor(max_workers=self._workers, thread_name_prefix="proxmox") as pool:
            return list(pool.map(work, items))

    def _once(self, path: tuple[str, ...], needs: str, params: dict[str, Any]) -> Any:
        if self._unanswered >= _BREAKER:
            raise Outage(f"{_BREAKER} calls in a row got no answer, so no more were made")
        if self._clock.now() > self._deadline:
            raise Outage(f"the {self._budget:.0f} s for reading Proxmox VE were used up")
        try:
            found = self._api.get(*path, **params)
        except ResourceException as error:
            raise _failure(error, path=path, needs=needs) from None
        self._unanswered = 0
        return found

    def _count(self, trouble: Trouble, patience: int) -> None:
        """Calls without patience ask what may hang alone (a store, a guest agent): they say nothing of the API."""
        if not isinstance(trouble, Outage):
            self._unanswered = 0
        elif patience:
            self._unanswered += 1


def _failure(error: Any, *, path: tuple[str, ...], needs: str) -> Trouble | Refused:
    status = int(error.status_code)
    words = f"{error.content} {error.errors or ''}"
    if status == 401:
        return _rejected(words)
    if status == 403:
        return _denied(words, needs)
    if 595 <= status <= 599:
        node = path[1] if path[0] == "nodes" else None
        if node is None:
            return Outage(f"a node did not answer ({status})", retries=2, status=status)
        return Silent(node, status=status)
    if status == 429 or (status >= 500 and status != 501):
        return Failing(f"Proxmox VE answered {status}", retries=2, status=status)
    return Odd(f"Proxmox VE answered {status}", status=status)


def _denied(words: str, needs: str) -> Denied:
    match = _RIGHT.search(words)
    right = f"`{match['right']}` on `{match['path']}`" if match else f"`{needs}`"
    return Denied(f"the right {right} is missing", right=match["right"] if match else needs)


def _rejected(words: str) -> Refused:
    cause = next((cause for needle, cause in _TOKEN_TROUBLE if needle in words.lower()), "401")
    return refused(
        Code.PROXMOX_AUTH,
        f"Proxmox VE does not accept the API token: {cause}.",
        "Check `PROXMOX_VE_API_TOKEN` (`user@realm!id=secret`); `pveum user token list user@realm` shows what exists.",
    )
