"""A piece of asynchronous work in a thread and an event loop of its own, with an end that nothing can put off.

In: work and seconds. Out: its result, its exception, or TimeoutError in time. Never: the caller's event loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any, TypeVar

T = TypeVar("T")


def in_time(work: Callable[[], Coroutine[Any, Any, T]], *, seconds: float) -> T:
    """Do it within so many seconds. Raises TimeoutError, and whatever the work raises.

    The work is told to stop a little earlier, so that it can put its things away. What cannot be stopped (a name server
    that hangs, a tool that computes) keeps its thread until it ends by itself; nobody waits for it.
    """
    done: Future[T] = Future()

    async def limited() -> T:
        async with asyncio.timeout(seconds - min(0.5, seconds * 0.1)):
            return await work()

    def run() -> None:
        try:
            done.set_result(asyncio.run(limited()))
        except BaseException as failure:  # noqa: BLE001 - handed to the thread that waits, which raises it
            done.set_exception(failure)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="model", daemon=True)
    thread.start()
    try:
        return done.result(timeout=seconds)
    except Late as late:
        raise TimeoutError from late
