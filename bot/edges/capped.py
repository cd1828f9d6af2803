"""An answer has to be whole in time: urllib3's own limits are for one read, and a byte a second keeps them for hours.

In: a pool manager of urllib3 and seconds. Out: the same manager, whose answers, headers included, end by then with a
time-out; the same as an adapter of requests. Never: a thread, a limit on the time to connect (that one is urllib3's).

The one module that edges share: it knows no outside party.
"""

from __future__ import annotations

import io
import time
from functools import partial
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager


class _InTime(io.RawIOBase):
    """A stream that ends at a moment of the monotonic clock."""

    def __init__(self, stream: io.RawIOBase, *, until: float) -> None:
        self._stream = stream
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._until:
            raise TimeoutError("timed out")
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Answer(HTTPResponse):
    """The standard library's answer, on such a stream."""

    def __init__(self, sock: Any, *arguments: Any, seconds: float, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        self.fp = io.BufferedReader(_InTime(self.fp.detach(), until=time.monotonic() + seconds))


def cap(manager: PoolManager, *, seconds: float) -> None:
    """Give every answer of this manager so many seconds, from the end of the request to its last byte."""
    answer: dict[str, Any] = {"response_class": staticmethod(partial(_Answer, seconds=seconds))}
    manager.pool_classes_by_scheme = {
        "http": _capped(HTTPConnectionPool, answer),
        "https": _capped(HTTPSConnectionPool, answer),
    }


def _capped(pool: type[HTTPConnectionPool], answer: dict[str, Any]) -> type[HTTPConnectionPool]:
    connection = type("CappedConnection", (pool.ConnectionCls,), answer)
    return type("CappedPool", (pool,), {"ConnectionCls": connection})


class CappedAdapter(HTTPAdapter):
    """requests' adapter, each answer whole within so many ``seconds``, also through a proxy of the environment."""

    def __init__(self, *, seconds: float, pool: int) -> None:
        self._seconds = seconds
        super().__init__(pool_connections=1, pool_maxsize=pool, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """See requests."""
        super().init_poolmanager(*arguments, **more)
        cap(self.poolmanager, seconds=self._seconds)

    def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
        """See requests."""
        manager = super().proxy_manager_for(proxy, **more)
        cap(manager, seconds=self._seconds)
        return manager
