"""Which cases of a long test are for every day (``make test``); the others carry the mark ``long`` (``make test-long``).

In: cases, or the examples of a property. Out: parameters, settings. Never: a case that neither target runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

Test = TypeVar("Test", bound=Callable[..., None])


def every_day(cases: Iterable[Any], *, one_in: int, ids: Iterable[str] | None = None) -> list[Any]:
    """Parameters of all cases: the first of each ``one_in`` is for every day, the others are long.

    A case of several values is a tuple. ``ids`` name the cases.
    """
    chosen = [case if isinstance(case, tuple) else (case,) for case in cases]
    names = [None] * len(chosen) if ids is None else list(ids)
    return [
        pytest.param(*case, id=name, marks=[pytest.mark.long] * (at % one_in > 0))
        for at, (case, name) in enumerate(zip(chosen, names, strict=True))
    ]


def searched(most: int, **how: Any) -> Callable[[Test], Test]:
    """Settings of a property: ``most`` examples where tests take long, a fifth of them every day."""
    here = most if settings.get_current_profile_name() == "thorough" else -(-most // 5)

    def decorated(test: Test) -> Test:
        return pytest.mark.thorough(settings(**{"deadline": None, **how}, max_examples=here)(test))

    return decorated
