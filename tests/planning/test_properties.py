"""What holds for every demand."""

from __future__ import annotations

import json
import math

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.errors import Refusal
from bot.model.config import Config, Limits
from bot.model.demand import Demand
from bot.model.plan import Plan
from bot.model.profile import Port
from bot.model.quantity import Bytes
from bot.planning.images import Origin
from bot.planning.service import Around, size_service
from tests.daily import searched
from tests.planning.builders import planned, profile, service, snapshot

STACKS = st.sampled_from(
    [
        ("go", "gin"), ("java", "spring-boot"), ("python", "django"), ("python", "fastapi"), ("ruby", "rails"),
        ("javascript", "nestjs"), ("php", "laravel"), ("rust", "axum"), ("elixir", "phoenix"), ("cobol", None),
    ]
)  # fmt: skip
RATES = st.floats(min_value=0.01, max_value=50_000, allow_nan=False)
TIERS = st.sampled_from(["dev", "standard", "high", "critical"])


@st.composite
def demands(draw):
    return Demand(
        qps_peak=draw(st.none() | RATES),
        qps_average=draw(st.none() | RATES),
        users=draw(st.none() | st.integers(0, 10**7)),
        latency_ms=draw(st.none() | st.floats(min_value=1, max_value=5000)),
        zero_downtime=draw(st.booleans()),
        criticality=draw(st.none() | TIERS),
        strong_consistency=draw(st.booleans()),
        no_data_loss=draw(st.booleans()),
        growth=draw(st.none() | st.floats(min_value=0, max_value=2)),
        reads_per_request=draw(st.none() | st.floats(min_value=0, max_value=50)),
        data=draw(st.none() | st.builds(Bytes.of_gib, st.integers(1, 3000))),
        memory_hint=draw(st.none() | st.builds(Bytes.of_mib, st.integers(1, 4000))),
        replicas=draw(st.none() | st.integers(1, 30)),
        websocket=draw(st.booleans()),
    )


def numbers(found: object):
    if isinstance(found, dict):
        for entry in found.values():
            yield from numbers(entry)
    elif isinstance(found, list):
        for entry in found:
            yield from numbers(entry)
    elif isinstance(found, float):
        yield found


@searched(80)
@given(demands(), STACKS, st.booleans())
def test_every_plan_is_sane_and_repeatable(demand, stack, stateful):
    language, framework = stack
    one = profile(service(language=language, framework=framework, stateful=stateful))
    made = planned(demand=demand, profile=one, config=Config(limits=Limits(max_replicas=100_000)))
    assert planned(demand=demand, profile=one, config=Config(limits=Limits(max_replicas=100_000))) == made
    if isinstance(made, Refusal):
        assert made.message
        assert made.remedy
        return
    api = made.services[0]
    assert api.requests.memory <= api.limits.memory
    assert api.limits.cpu is None or api.requests.cpu <= api.limits.cpu
    assert api.requests.cpu >= (500 if language == "java" else 100)
    assert api.limits.memory >= Bytes.of_mib(512 if language == "java" else 128)
    assert api.hpa is None or 1 <= api.hpa.min <= api.replicas <= api.hpa.max
    assert not stateful or api.replicas == 1
    assert all(math.isfinite(number) for number in numbers(json.loads(made.model_dump_json())))
    assert len({machine.vm_id for machine in made.machines}) == len(made.machines)
    assert len({entry.path for entry in made.decisions}) == len(made.decisions)
    assert Plan.model_validate_json(made.model_dump_json(by_alias=True)) == made


AROUND = {"snapshot": snapshot(), "config": Config(limits=Limits(max_replicas=10**9)), "zones": 3}


def sized(rate: float, tier: str, stack: tuple[str, str | None], *, grpc: bool = False):
    ports = (Port(port=1, protocol="grpc", name="grpc"),) if grpc else ()
    demand = Demand(qps_peak=rate, criticality=tier, latency_ms=60_000.0)
    around = Around(demand=demand, origin=Origin("shop", None, None), **AROUND)
    return size_service(service(language=stack[0], framework=stack[1], ports=ports), around=around)


@searched(100)
@given(RATES, RATES, TIERS, STACKS, st.booleans())
def test_more_load_never_means_less_cpu(left, right, tier, stack, grpc):
    less, more = sorted((left, right))
    small, large = sized(less, tier, stack, grpc=grpc), sized(more, tier, stack, grpc=grpc)
    assume(not isinstance(small, Refusal) and not isinstance(large, Refusal))
    assert small.plan.requests.cpu <= large.plan.requests.cpu
    assert small.plan.replicas * small.plan.requests.cpu <= large.plan.replicas * large.plan.requests.cpu
    assert small.plan.replicas <= large.plan.replicas


@searched(100)
@given(RATES, TIERS, STACKS)
def test_the_load_is_carried_when_the_pods_that_may_be_lost_are_lost(rate, tier, stack):
    found = sized(rate, tier, stack)
    f = {"dev": 0, "standard": 1, "high": 1, "critical": 2}[tier]
    left = (found.plan.replicas - f) * found.plan.requests.cpu / 1000
    assert found.busy <= 0.85 * left + 1e-6
