"""How long one step may take in a process without memory: tries and waits together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import TypeAdapter

from bot.errors import Code, Unavailable
from bot.flow.steps import Straight
from tests.fakes.clock import StoppedClock

TEXT = TypeAdapter(str)


def tries(clock: StoppedClock, *, told: float, patience: float, before: Callable[[], object]) -> int:
    made: list[int] = []

    def work() -> str:
        made.append(1)
        before()
        raise Unavailable(Code.RATE, "GitHub does not answer.", remedy="Wait.", retry_after=told)

    with pytest.raises(Unavailable, match="does not answer"):
        Straight(clock=clock, patience=patience).run("read", work, TEXT)
    return len(made)


def test_waits_end_with_the_patience() -> None:
    clock = StoppedClock()
    assert tries(clock, told=30, patience=120, before=int) == 5
    assert clock.slept == [30] * 4


def test_the_time_of_the_tries_counts() -> None:
    clock = StoppedClock()
    assert tries(clock, told=1, patience=120, before=lambda: clock.sleep(40)) == 3


def test_a_clock_that_is_set_back_does_not_make_it_endless() -> None:
    clock = StoppedClock()
    assert tries(clock, told=30, patience=120, before=lambda: clock.sleep(-3600)) == 5
