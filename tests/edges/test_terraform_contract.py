"""The port ``Terraform``, kept by the real program against a loopback state backend and by the fake alike."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.deploy import Terraform
from bot.edges.terraform import TerraformLimits, TerraformProgram
from bot.errors import Code, Refused, Unavailable
from bot.model.stack import StateId
from tests.fakes.terraform import FakeTerraform
from tests.state_server import StateServer, state_server

needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform on PATH")


@dataclass
class Bench:
    """A program, and how a test changes the world under it."""

    terraform: Terraform
    folder: Path
    want: Callable[[dict[str, str]], None]
    fault: Callable[[str], None]
    exists: Callable[[], list[str]]


def write(folder: Path, wanted: dict[str, str]) -> None:
    blocks = [
        f'resource "terraform_data" "{name[15:]}" {{\n  input = "{value}"\n}}\n' for name, value in wanted.items()
    ]
    (folder / "main.tf").write_text('terraform {\n  backend "http" {}\n}\n' + "".join(blocks))


def fail(server: StateServer, fault: str) -> None:
    server.lock = None
    server.mode = {"": "ok", "locked": "locked", "backend-down": "500", "unsaved": "save-503"}[fault]


def real(folder: Path, server: StateServer) -> Bench:
    program = TerraformProgram(
        redact=str, ours={**os.environ, **server.environment()}, limits=TerraformLimits(lock=0, parallelism=2)
    )
    return Bench(program, folder, lambda it: write(folder, it), lambda it: fail(server, it), server.resources)


def fake(folder: Path) -> Bench:
    it = FakeTerraform()
    return Bench(
        it, folder, lambda wanted: setattr(it, "wanted", wanted), lambda fault: setattr(it, "fault", fault),
        lambda: sorted(it.state),
    )  # fmt: skip


@pytest.fixture(params=[pytest.param("real", marks=needs_terraform), "fake"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "apps" / "shop" / "terraform"
    folder.mkdir(parents=True)
    if request.param == "fake":
        yield fake(folder)
        return
    with state_server() as server:
        yield real(folder, server)


A, B = "terraform_data.a", "terraform_data.b"


def test_a_plan_is_applied_and_the_next_one_is_empty(bench: Bench) -> None:
    bench.want({A: "1", B: "1"})
    first = bench.terraform.plan(bench.folder)
    assert first.state == StateId()
    assert first.counts() == {"create": 2}
    bench.terraform.apply(bench.folder)
    assert bench.exists() == [A, B]
    second = bench.terraform.plan(bench.folder)
    assert second.empty
    assert second.state.lineage is not None
    assert second.state.serial is not None


def test_two_plans_of_one_change_have_one_digest_and_of_another_change_another(bench: Bench) -> None:
    bench.want({A: "1"})
    first, second = bench.terraform.plan(bench.folder), bench.terraform.plan(bench.folder)
    bench.want({A: "2"})
    third = bench.terraform.plan(bench.folder)
    assert first.digest == second.digest
    assert third.digest != first.digest


def test_an_update_names_the_argument_and_a_destroy_deletes(bench: Bench) -> None:
    bench.want({A: "1", B: "1"})
    bench.terraform.plan(bench.folder)
    bench.terraform.apply(bench.folder)
    bench.want({A: "2", B: "1"})
    plan = bench.terraform.plan(bench.folder)
    assert {each.address: (each.action, each.because) for each in plan.actions} == {
        A: ("update", ("input",)), B: ("no-op", ()),
    }  # fmt: skip
    assert bench.terraform.plan(bench.folder, destroy=True).counts() == {"delete": 2}
    bench.terraform.apply(bench.folder)
    assert bench.exists() == []


def test_a_plan_is_good_for_one_apply(bench: Bench) -> None:
    bench.want({A: "1"})
    bench.terraform.plan(bench.folder)
    bench.terraform.apply(bench.folder)
    with pytest.raises(Refused) as told:
        bench.terraform.apply(bench.folder)
    assert told.value.refusal.code is Code.CONFLICT
    assert "Plan again" in told.value.refusal.remedy


def test_a_plan_from_before_another_apply_is_stale(bench: Bench) -> None:
    other = bench.folder.parent / "other"
    other.mkdir()
    bench.want({A: "1"})
    if (bench.folder / "main.tf").exists():
        shutil.copy(bench.folder / "main.tf", other)
    bench.terraform.plan(bench.folder)
    bench.terraform.plan(other)
    bench.terraform.apply(other)
    with pytest.raises(Refused) as told:
        bench.terraform.apply(bench.folder)
    assert "stale" in told.value.refusal.message
    assert "Plan again" in told.value.refusal.remedy


def test_a_held_lock_is_a_conflict_that_says_how_to_go_on(bench: Bench) -> None:
    bench.want({A: "1"})
    bench.fault("locked")
    with pytest.raises(Refused) as told:
        bench.terraform.plan(bench.folder)
    assert told.value.refusal.code is Code.CONFLICT
    assert "force-unlock" in told.value.refusal.remedy


def test_a_backend_that_does_not_answer_is_an_outage(bench: Bench) -> None:
    bench.want({A: "1"})
    bench.fault("backend-down")
    with pytest.raises(Unavailable) as told:
        bench.terraform.plan(bench.folder)
    assert "state backend" in str(told.value)


def test_an_unsaved_state_is_kept_and_stops_every_later_plan(bench: Bench) -> None:
    bench.want({A: "1"})
    bench.terraform.plan(bench.folder)
    assert bench.terraform.unsaved_state(bench.folder) is None
    bench.fault("unsaved")
    with pytest.raises(Refused):
        bench.terraform.apply(bench.folder)
    bench.fault("")
    assert bench.terraform.unsaved_state(bench.folder) == bench.folder / "errored.tfstate"
    with pytest.raises(Refused) as told:
        bench.terraform.plan(bench.folder)
    assert "state push errored.tfstate" in told.value.refusal.remedy
