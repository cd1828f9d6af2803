"""The fault matrix: ten ways to fail of each system but the model (``test_models.py``), the whole belt from the comment
to its one visible end.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.daily import every_day
from tests.fakes.house import INFRA
from tests.faults.__main__ import DOCUMENT
from tests.faults.advisers import APP
from tests.faults.judge import clean, judge, judge_plan
from tests.faults.matrix import CELLS, DRAFTS, HEALED, PART_CALLS, PARTS, SECONDS, Cell, Part, markdown
from tests.faults.proxy import MODES, Mode
from tests.faults.scene import ADVISERS, SYSTEMS, System, World, scene

pytestmark = pytest.mark.usefixtures("nothing_stays", "log")
OWN_PODS = f"pods?fieldSelector=metadata.namespace%3D{APP}"


@pytest.mark.parametrize(
    "cell",
    every_day(
        (cell for cell in CELLS if cell.system != "model"),
        one_in=5,
        ids=(cell.id for cell in CELLS if cell.system != "model"),
    ),
)
def test_cell(cell: Cell, healthy: World, tmp_path: Path, log: list[str], request: pytest.FixtureRequest) -> None:
    observed: list[str] = request.getfixturevalue("observed")
    if cell.gap:
        request.applymarker(pytest.mark.xfail(reason=cell.gap, raises=AssertionError))
    with scene(healthy, tmp_path, **{cell.system: {"mode": cell.mode}}) as one:
        end = one.command()
    observed.append(one.observed(cell.id, end, cell.system))
    if cell.mode != "refused":
        assert one.lines[cell.system].connections >= 1
    if cell.system == "prometheus":
        judge_plan(cell, one, end, log, ruled=healthy.ruled)
        assert [call for call in one.lines["kubernetes"].calls if OWN_PODS in call], "the cluster's own words instead"
    else:
        judge(cell, one, end, log)


def test_a_name_that_does_not_resolve(healthy: World, tmp_path: Path) -> None:
    def nowhere(_host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with scene(healthy, tmp_path, resolve=nowhere) as one:
        end = one.command()
        assert (end.kind, end.code) == ("refused", "repo-unreachable")
        assert one.clock.slept == [0.5, 1.0]
        assert one.branches() == ["main"]
        [said] = one.said()
        clean(said)


def test_every_system_meets_every_fault() -> None:
    assert len(MODES) == 10
    systems = (*SYSTEMS, *ADVISERS)
    assert {(cell.system, cell.mode) for cell in CELLS} >= {(system, mode) for system in systems for mode in MODES}


def test_without_a_fault_there_is_a_pull_request(healthy: World, tmp_path: Path) -> None:
    with scene(healthy, tmp_path) as one:
        end = one.command()
        assert end.kind == "pull-request"
        assert all(line.calls for line in one.lines.values())
        clean(one.shown(), own=one.lines["github"].url)


def test_what_prometheus_measured_moves_numbers_and_is_cited(healthy: World, tmp_path: Path) -> None:
    with scene(healthy, tmp_path, prometheus={}) as one:
        end = one.command()
        assert end.kind == "pull-request"
        [pull] = one.github.pulls(INFRA)
        assert f"prometheus:{APP}/api" in pull.body
        assert "metrics-" not in pull.body
        assert one.proposed() != healthy.ruled
        assert not [call for call in one.lines["kubernetes"].calls if OWN_PODS in call]
        clean(one.shown(), own=one.lines["github"].url)


@pytest.mark.parametrize(
    ("part", "mode"),
    every_day(
        ((part, mode) for part in PARTS for mode in part.modes),
        one_in=4,
        ids=(f"{part.what}-{mode}" for part in PARTS for mode in part.modes),
    ),
)
def test_a_part_that_fails_is_named(part: Part, mode: Mode, healthy: World, tmp_path: Path) -> None:
    with scene(healthy, tmp_path, **{part.system: {"mode": mode, "only": part.only}}) as one:
        end = one.command()
        assert end.kind == "pull-request", end
        [pull] = one.github.pulls(INFRA)
        [said] = one.said()
        code = f"{part.system}-auth" if mode == "403" else "capacity"
        assert f"Not read of {part.system}: {part.what} (`{code}`)" in said
        assert part.what in pull.body
        assert pull.pull is not None
        assert not pull.pull.draft
        assert 1 <= sum(part.only in call for call in one.lines[part.system].calls) <= PART_CALLS
        clean(one.shown(), own=one.lines["github"].url)


@pytest.mark.parametrize(("system", "mode"), every_day(DRAFTS, one_in=3))
def test_a_silent_cluster_may_give_a_draft(system: System, mode: Mode, healthy: World, tmp_path: Path) -> None:
    with scene(healthy, tmp_path, config="\nwhen_unreachable: draft\n", **{system: {"mode": mode}}) as one:
        end = one.command()
        assert end.kind == "pull-request", end
        [pull] = one.github.pulls(INFRA)
        assert pull.pull is not None
        assert pull.pull.draft
        assert "Capacity unverified" in pull.body
        assert {"proxmox": "Proxmox VE", "kubernetes": "Kubernetes"}[system] in _unread(pull.body)
        [said] = one.said()
        assert "capacity unverified" in said
        clean(one.shown(), own=one.lines["github"].url)


def _unread(body: str) -> str:
    """The part of a pull request that says what was not read."""
    found = re.search(r"### Not read(.*?)(?=\n### |\Z)", body, re.DOTALL)
    assert found is not None, body
    return found[1]


@pytest.mark.parametrize("mode", every_day(HEALED, one_in=3))
def test_github_fails_in_the_middle_and_heals(mode: Mode, healthy: World, tmp_path: Path) -> None:
    facts: dict[str, Any] = {"mode": mode, "beyond": "/reactions"}
    with scene(healthy, tmp_path, github=facts) as one:
        end = one.command()
        kind = {"wrong-schema": "Broken", "credential": "Refused"}.get(mode, "Unavailable")
        assert (end.kind, end.published) == (kind, None)
        if mode == "429":
            assert one.clock.slept == pytest.approx([60.0] * 5, abs=0.1)
            assert getattr(end.raised, "retry_after", None) == 60.0
        assert (one.said(), one.branches()) == ([], ["main"])
        one.lines["github"].heal()
        assert one.command().kind == "pull-request"
        assert mode != "500" or one.command().kind == "pull-request"
        assert len(one.github.pulls(INFRA)) == len(one.said()) == 1
        assert len(one.branches()) == 2


def test_a_command_ends_though_nobody_answers(healthy: World, tmp_path: Path) -> None:
    """W09 for the worker: with GitHub, git, Proxmox VE and Kubernetes all silent, and with all but GitHub silent."""
    bad = {system: {"mode": "timeout"} for system in SYSTEMS}
    with scene(healthy, tmp_path / "all", **bad) as one:
        end = one.command()
        assert (end.kind, end.code) == ("Unavailable", "rate")
        assert end.seconds < SECONDS
    del bad["github"]
    with scene(healthy, tmp_path / "three", **bad) as one:
        end = one.command()
        assert (end.kind, end.code) == ("refused", "repo-timeout")
        assert end.seconds < SECONDS


def test_the_document_is_the_matrix() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == markdown(), "run python -m tests.faults"
