"""Row A04: the state backend, terraform and the machine fail in every way on record. Each time the text says exactly
how to go on, ``errored.tfstate`` is kept, and the backend's log shows that nothing was unlocked by force.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.edges.terraform import ERRORED, PLAN_FILE, TerraformLimits, TerraformProgram
from bot.errors import BotError, Code, Refused, Unavailable
from tests.state_server import SOMEBODY, StateServer, state_server

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform on PATH")

LIMITS = TerraformLimits(lock=0, parallelism=2, patience=30.0)
HEAD = 'terraform {\n  backend "http" {}\n}\n'
A = 'resource "terraform_data" "a" {\n  input = 1\n}\n'
FAILING = (
    'resource "terraform_data" "bad" {\n  depends_on = [terraform_data.a]\n'
    '  provisioner "local-exec" {\n    command = "exit 3"\n  }\n}\n'
)
SLOW = (
    'resource "terraform_data" "slow" {\n  depends_on = [terraform_data.a]\n'
    '  provisioner "local-exec" {\n    command = "echo $PPID > begun; exec sleep 60"\n  }\n}\n'
)


@dataclass
class Bench:
    folder: Path
    server: StateServer
    terraform: TerraformProgram

    def stack(self, *blocks: str) -> None:
        (self.folder / "main.tf").write_text(HEAD + "".join(blocks))

    def planned(self, *blocks: str) -> None:
        self.stack(*blocks)
        self.terraform.plan(self.folder)

    def applied(self, *blocks: str) -> None:
        self.planned(*blocks)
        self.terraform.apply(self.folder)

    def unlocks_and_locks(self) -> tuple[int, int]:
        """How often a lock was given back, and how often one was got: more unlocks than locks is a forced one."""
        taken = sum(1 for method, status in self.server.log if (method, status) == ("LOCK", 200))
        return len(self.server.unlocked_by), taken


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    folder = tmp_path / "apps" / "shop" / "terraform"
    folder.mkdir(parents=True)
    with state_server() as server:
        ours = {**os.environ, **server.environment()}
        yield Bench(folder, server, TerraformProgram(redact=str, ours=ours, limits=LIMITS))


def refusal_of(error: BotError) -> str:
    assert isinstance(error, Refused | Unavailable)
    return f"{error.refusal.message}\n{error.refusal.remedy}"


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_a04_a_held_lock_names_its_holders_id_and_never_our_own_attempt(bench: Bench, verb: str) -> None:
    bench.planned(A)
    bench.server.hold()
    before = bench.unlocks_and_locks()
    with pytest.raises(Refused) as told:
        getattr(bench.terraform, verb)(bench.folder)
    text = refusal_of(told.value)
    assert told.value.refusal.code is Code.CONFLICT
    assert f"terraform -chdir=apps/shop/terraform force-unlock {SOMEBODY['ID']}" in text
    assert "Nothing was changed" in text
    assert "root@" not in text
    assert bench.unlocks_and_locks() == before
    assert bench.server.lock == SOMEBODY
    assert not (bench.folder / PLAN_FILE).exists()


def test_a04_a_lock_of_the_local_backend_names_who_and_since_when(tmp_path: Path) -> None:
    folder = tmp_path / "apps" / "shop" / "terraform"
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text(A + SLOW)
    program = TerraformProgram(redact=str, ours=os.environ, limits=LIMITS)
    program.plan(folder)
    holder = threading.Thread(target=lambda: _quietly(program, folder))
    holder.start()
    pid = _begun(folder)
    try:
        other = tmp_path / "other"
        other.mkdir()
        path = json.dumps(str(folder / "terraform.tfstate"))
        (other / "main.tf").write_text(f'terraform {{\n  backend "local" {{\n    path = {path}\n  }}\n}}\n' + A)
        with pytest.raises(Refused) as told:
            program.plan(other)
    finally:
        os.kill(pid, signal.SIGINT)
        holder.join(timeout=30)
    assert "is locked by " in told.value.refusal.message
    assert " since 20" in told.value.refusal.message
    assert "force-unlock" in told.value.refusal.remedy


def _quietly(program: TerraformProgram, folder: Path) -> None:
    try:
        program.apply(folder)
    except Refused:
        return


def _begun(folder: Path, *, seconds: float = 20.0) -> int:
    """The process id of terraform, once its slow resource has begun."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        text = (folder / "begun").read_text().strip() if (folder / "begun").exists() else ""
        if text:
            return int(text)
        time.sleep(0.02)
    raise AssertionError("the slow resource did not begin")


def test_a04_a_stale_plan_is_not_applied(bench: Bench) -> None:
    bench.applied(A)
    bench.planned(A.replace("1", "2"))
    document = bench.server.document()
    bench.server.state = json.dumps({**document, "serial": document["serial"] + 1}).encode()
    with pytest.raises(Refused) as told:
        bench.terraform.apply(bench.folder)
    text = refusal_of(told.value)
    assert "stale" in text
    assert "Plan again" in text
    assert not (bench.folder / PLAN_FILE).exists()
    assert bench.server.lock is None


def test_a04_a_truncated_state_is_restored_by_a_person_and_never_begun_anew(bench: Bench) -> None:
    bench.applied(A)
    bench.server.mode = "truncated"
    with pytest.raises(Refused) as told:
        bench.terraform.plan(bench.folder)
    text = refusal_of(told.value)
    assert told.value.refusal.code is Code.CONFIG
    assert "cut off" in text
    assert "history" in text
    assert "Do not begin with an empty state" in text


def test_a04_a_state_that_cannot_be_saved_is_kept_and_said(bench: Bench) -> None:
    bench.planned(A)
    bench.server.mode = "save-503"
    with pytest.raises(Refused) as told:
        bench.terraform.apply(bench.folder)
    text = refusal_of(told.value)
    assert "terraform -chdir=apps/shop/terraform state push errored.tfstate" in text
    assert "Done: `terraform_data.a`" in text
    kept = bench.terraform.unsaved_state(bench.folder)
    assert kept == bench.folder / ERRORED
    assert kept.stat().st_mode & 0o077 == 0
    assert "terraform_data" in kept.read_text()
    assert bench.server.url not in text


def test_a04_the_recovery_that_is_named_works(bench: Bench) -> None:
    bench.planned(A)
    bench.server.mode = "save-503"
    with pytest.raises(Refused):
        bench.terraform.apply(bench.folder)
    bench.server.mode = "ok"
    for verb in ("plan", "apply"):
        with pytest.raises(Refused):
            getattr(bench.terraform, verb)(bench.folder)
    assert (bench.folder / ERRORED).exists()
    ours = {**{k: v for k, v in os.environ.items() if k != "TF_CLI_CONFIG_FILE"}, **bench.server.environment()}
    command = ["terraform", f"-chdir={bench.folder}", "state", "push", ERRORED]
    assert subprocess.run(command, env=ours, capture_output=True, check=False).returncode == 0
    (bench.folder / ERRORED).unlink()
    assert bench.terraform.plan(bench.folder).empty


def test_a04_a_state_that_the_backend_forgot_is_noticed(bench: Bench) -> None:
    bench.planned(A)
    bench.server.mode = "no-save"
    with pytest.raises(Refused) as told:
        bench.terraform.apply(bench.folder)
    text = refusal_of(told.value)
    assert "Do not apply again" in text
    assert "import ADDRESS ID" in text


@pytest.mark.parametrize(
    ("mode", "code", "word"), [("500", Code.CONFIG, "does not answer"), ("denied", Code.CONFIG, "refuses")]
)
@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_a04_a_backend_that_fails_changes_nothing(bench: Bench, mode: str, code: Code, word: str, verb: str) -> None:
    bench.planned(A)
    bench.server.mode = mode
    with pytest.raises(BotError) as told:
        getattr(bench.terraform, verb)(bench.folder)
    text = refusal_of(told.value)
    assert isinstance(told.value, Unavailable) is (mode == "500")
    assert word in text
    assert "Nothing was changed" in text
    assert "127.0.0.1" not in text
    assert bench.server.state is None


def test_a04_a_slow_backend_is_waited_for(bench: Bench) -> None:
    bench.server.mode = "slow"
    bench.applied(A)
    assert bench.server.resources() == ["terraform_data.a"]


def test_a04_one_failed_resource_leaves_a_saved_state_and_the_next_run_goes_on(bench: Bench) -> None:
    bench.planned(A, FAILING)
    with pytest.raises(Refused) as told:
        bench.terraform.apply(bench.folder)
    text = refusal_of(told.value)
    assert "Done: `terraform_data.a`" in text
    assert "Begun and not finished: `terraform_data.bad`" in text
    assert "goes on from there" in text
    assert bench.server.lock is None
    bench.stack(A, FAILING.replace("exit 3", "true"))
    plan = bench.terraform.plan(bench.folder)
    assert plan.counts() == {"replace": 1}
    assert any("tainted" in reason for each in plan.actions for reason in each.because)
    bench.terraform.apply(bench.folder)
    assert bench.server.resources() == ["terraform_data.a", "terraform_data.bad"]


DRIVER = """
import os, pathlib, sys
from bot.edges.terraform import TerraformLimits, TerraformProgram
from bot.errors import Refused
program = TerraformProgram(redact=str, limits=TerraformLimits(lock=0, patience=30.0))
try:
    program.apply(pathlib.Path(sys.argv[1]))
except Refused as refused:
    print(refused.refusal.message, refused.refusal.remedy, sep="\\n")
"""


@pytest.fixture
def applying(bench: Bench) -> Iterator[tuple[Bench, subprocess.Popen[str], int]]:
    """A process of ours in the middle of an apply, and the id of its terraform."""
    bench.planned(A, SLOW)
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(bench.folder)],
        env={**os.environ, **bench.server.environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = _begun(bench.folder)
    try:
        yield bench, process, pid
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a04_a_signal_to_us_saves_the_state_and_frees_the_lock(
    applying: tuple[Bench, subprocess.Popen[str], int], number: signal.Signals
) -> None:
    bench, process, _ = applying
    process.send_signal(number)
    process.send_signal(number)
    told, _ = process.communicate(timeout=40)
    assert f"Stopped by {number.name}" in told
    assert "The state is saved and the lock given back" in told
    assert "Done: `terraform_data.a`" in told
    assert "goes on from there" in told
    assert bench.server.lock is None
    assert "terraform_data.a" in bench.server.resources()
    assert not (bench.folder / PLAN_FILE).exists()
    assert len(bench.server.unlocked_by) == bench.unlocks_and_locks()[1]


def test_a04_a_killed_terraform_leaves_its_lock_and_we_say_how_to_go_on(
    applying: tuple[Bench, subprocess.Popen[str], int],
) -> None:
    bench, process, pid = applying
    given_back = len(bench.server.unlocked_by)
    os.kill(pid, signal.SIGKILL)
    told, _ = process.communicate(timeout=40)
    assert "was killed" in told
    assert "Make sure that nobody applies" in told
    assert "force-unlock" in told
    held = bench.server.lock
    assert held is not None
    with pytest.raises(Refused) as again:
        bench.terraform.plan(bench.folder)
    assert f"force-unlock {held['ID']}" in again.value.refusal.remedy
    assert len(bench.server.unlocked_by) == given_back
    assert bench.server.lock == held


def test_a04_when_we_are_killed_terraform_goes_on_saves_and_unlocks(
    applying: tuple[Bench, subprocess.Popen[str], int],
) -> None:
    bench, process, pid = applying
    process.kill()
    process.communicate()
    os.kill(pid, 0)
    os.kill(pid, signal.SIGINT)
    until = time.monotonic() + 30
    while bench.server.lock is not None and time.monotonic() < until:
        time.sleep(0.05)
    assert bench.server.lock is None
    assert "terraform_data.a" in bench.server.resources()


def test_a04_a_time_limit_ends_an_apply_as_an_interrupt_does(bench: Bench) -> None:
    bench.planned(A, SLOW)
    hasty = TerraformProgram(
        redact=str, ours=bench.terraform.ours, limits=LIMITS.model_copy(update={"apply": 4.0, "patience": 30.0})
    )
    with pytest.raises(Refused) as told:
        hasty.apply(bench.folder)
    assert "Stopped by the time limit" in told.value.refusal.message
    assert bench.server.lock is None
    assert "terraform_data.a" in bench.server.resources()


def test_a04_a_request_to_stop_works_beside_the_main_thread(bench: Bench) -> None:
    bench.planned(A, SLOW)
    told: list[str] = []
    wish = threading.Event()
    program = TerraformProgram(redact=str, ours=bench.terraform.ours, limits=LIMITS, asked=wish.is_set)

    def work() -> None:
        try:
            program.apply(bench.folder)
        except Refused as refused:
            told.append(refused.refusal.message)

    thread = threading.Thread(target=work)
    thread.start()
    _begun(bench.folder)
    wish.set()
    thread.join(timeout=40)
    assert "Stopped by a request to stop" in told[0]
    assert bench.server.lock is None
