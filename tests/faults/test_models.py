"""The fault matrix's column of the model, and each provider's failures: every one ends in a plan by the rules.

In a file of its own, because the edge behind it takes two seconds to load.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.daily import every_day
from tests.fakes.house import INFRA
from tests.faults.advisers import Provider
from tests.faults.judge import clean, judge_plan, unspoken
from tests.faults.matrix import CELLS, FAILINGS, HASTE, PROVIDERS, SECONDS, Cell, Failing
from tests.faults.scene import End, Scene, World, scene
from tests.faults.voices import ScriptedVoice, voice

SLOW = {"timeout", "drip"}
DAY = 1_000_000


@dataclass(frozen=True)
class Well:
    """One command with a model that is well."""

    one: Scene
    end: End
    model: ScriptedVoice


@pytest.fixture(scope="module")
def warm(healthy: World, tmp_path_factory: pytest.TempPathFactory) -> dict[Provider, Well]:
    """A command for each provider: what its library loads is loaded, and set aside from later collections."""
    found: dict[Provider, Well] = {}
    for provider in PROVIDERS:
        with voice(provider) as model, scene(healthy, tmp_path_factory.mktemp(provider), voice=model) as one:
            found[provider] = Well(one, one.command(), model)
    gc.collect()
    gc.freeze()
    return found


pytestmark = pytest.mark.usefixtures("warm", "nothing_stays", "log")


@pytest.mark.parametrize(
    "cell",
    every_day(
        (cell for cell in CELLS if cell.system == "model"),
        one_in=4,
        ids=(cell.id for cell in CELLS if cell.system == "model"),
    ),
)
def test_cell(cell: Cell, healthy: World, tmp_path: Path, observed: list[str], log: list[str]) -> None:
    seconds = HASTE if cell.mode in SLOW else 40.0
    with (
        voice("openai", seconds=seconds) as model,
        scene(healthy, tmp_path, voice=model, model={"mode": cell.mode}) as one,
    ):
        end = one.command()
    observed.append(one.observed(cell.id, end, "model"))
    if cell.mode != "refused":
        assert one.lines["model"].connections >= 1
    judge_plan(cell, one, end, log, ruled=healthy.ruled)


@pytest.mark.parametrize(
    ("failing", "provider"),
    every_day(
        ((failing, provider) for failing in FAILINGS for provider in PROVIDERS),
        one_in=4,
        ids=(f"{failing.name}-{provider}" for failing in FAILINGS for provider in PROVIDERS),
    ),
)
def test_every_failure_of_every_provider_ends_in_a_plan(
    failing: Failing, provider: Provider, healthy: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    observed, log = (request.getfixturevalue(name) for name in ("observed", "log"))
    said = () if failing.said is None else (failing.said,)
    with (
        voice(provider, *said, seconds=HASTE if failing.mode else 40.0, gone=DAY if failing.budget else 0) as model,
        scene(healthy, tmp_path, voice=model, model={"mode": failing.mode}) as one,
    ):
        end = one.command()
    observed.append(one.observed(f"{provider} {failing.name}", end, "model"))
    assert bool(one.lines["model"].calls) != failing.budget
    judge_plan(failing, one, end, log, ruled=healthy.ruled)
    [pull] = one.github.pulls(INFRA)
    assert f"\\({failing.kind}\\)" in pull.body
    _kept_to_itself(model)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_that_is_well_is_asked_twice(provider: Provider, warm: dict[Provider, Well]) -> None:
    well = warm[provider]
    assert well.end.kind == "pull-request"
    assert [asked.agent for asked in well.model.server.asked] == ["collector", "planner"]
    [pull] = well.one.github.pulls(INFRA)
    assert "llm-invalid" not in pull.body
    _kept_to_itself(well.model)
    clean(well.one.shown(), own=well.one.lines["github"].url)


def _kept_to_itself(model: ScriptedVoice) -> None:
    """What a model is told holds no secret and no address of ours."""
    for asked in model.server.asked:
        unspoken((asked.text,))
        assert "127.0.0.1" not in asked.text
        assert "10.20.30.40" not in asked.text


def test_both_advisers_are_silent_at_once(healthy: World, tmp_path: Path, log: list[str]) -> None:
    silent = {"mode": "timeout"}
    with (
        voice("openai", seconds=HASTE) as model,
        scene(healthy, tmp_path, voice=model, model=silent, prometheus=silent) as one,
    ):
        end = one.command()
    assert end.kind == "pull-request"
    assert end.seconds < SECONDS
    [pull] = one.github.pulls(INFRA)
    assert "`llm-invalid`" in pull.body
    assert "`metrics-unread`" in pull.body
    unspoken(log)
    clean(one.shown(), own=one.lines["github"].url)
