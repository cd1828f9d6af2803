"""Step 13: the predicted p95, from M/M/c queueing.

In: CPU per request, busy cores, pods. Out: seconds. Never: a promise; database time is a prior of 2 ms per read.
Source: Erlang C; ln 20 = 3 is the p95 of an exponential service time.
"""

from __future__ import annotations

import math
from typing import Final

DATABASE_SECONDS: Final = 0.002
_MOST_TERMS: Final = 2000


def erlang_c(servers: int, offered: float) -> float:
    """The probability that a request waits: ``servers`` (>= 1) and ``offered`` load in busy servers (< servers).

    Computed through the Erlang B recursion, which neither overflows nor loses digits.
    """
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    utilisation = offered / servers
    return blocked / (1 - utilisation * (1 - blocked))


def waiting(servers: int, utilisation: float) -> float:
    """p95 of the wait in service times: ``max(0, ln(P / 0.05) / (s (1 - rho)))``; infinite at full load."""
    if utilisation >= 1:
        return math.inf
    servers = min(servers, _MOST_TERMS)
    probability = erlang_c(servers, servers * utilisation)
    if probability <= 0.05:
        return 0.0
    return math.log(probability / 0.05) / (servers * (1 - utilisation))


def p95(*, seconds: float, busy: float, cores: float, reads: float) -> float:
    """``3 c_req + c_req w(s, rho) + k t_db`` in seconds. ``cores`` is n * c of all pods together."""
    servers = max(1, math.floor(cores + 1e-9))
    return 3 * seconds + seconds * waiting(servers, busy / cores) + reads * DATABASE_SECONDS


def least_p95(*, seconds: float, reads: float) -> float:
    """The p95 of an idle service: no number of pods goes below it."""
    return 3 * seconds + reads * DATABASE_SECONDS
