"""The real bpg/proxmox 0.111.1 under the real terraform against the emulator: every kind of resource, every trap.

Rows of the suite: A01 and A04 in part, and each trap of ``knowledge/proxmox.md`` §4.2 that the provider shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.emulators.proxmox import Fault
from bot.emulators.proxmox.presets import ha_grants
from tests.edges.proxmox_kit import TOKEN_ID
from tests.realparts.provider_hcl import imported, machine
from tests.realparts.provider_scenarios import IGNORED, SCENARIOS, Scenario, available, guarded
from tests.realparts.provider_scene import APPLY, SECRET, emulator, facts, grants, workspace


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_apply_refresh_change_destroy(name: str, tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    scenario: Scenario = SCENARIOS[name]
    pve = emulator(grants(*scenario.grants, major=scenario.major), version=scenario.version, state=scenario.state())
    before = facts(pve)
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(scenario.first)
        applied = work.apply()
        assert applied.code == 0, applied.text
        assert facts(pve) != before
        same = work.plan()
        assert same.code == 0, same.text
        if scenario.second is not None:
            work.write(scenario.second)
            changed = work.apply()
            assert changed.code == 0, changed.text
            assert "0 destroyed" in changed.text
            same = work.plan()
            assert same.code == 0, same.text
        gone = work.destroy()
        assert gone.code == 0, gone.text
    assert facts(pve) == before


def test_a_plan_without_state_asks_proxmox_nothing(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    pve = emulator(grants())
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(machine(vm_id=101, node="pve9"))
        assert work.plan().code == 2
    assert pve.calls == []


def test_parallel_clones_need_retries(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    pve = emulator(grants())
    pve.site.clone_locks = True
    pve.site.tasks.durations["qmclone"] = 1.5
    both = machine("one", vm_id=501) + machine("two", vm_id=502, address="10.20.0.151/24")
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(both.replace("retries = 3", "retries = 1"))
        failed = work.apply("-parallelism=2")
        assert failed.code == 1
        assert "got timeout" in failed.text
        work.write(both)
        assert work.destroy().code == 0
        again = work.apply("-parallelism=2")
        assert again.code == 0, again.text
    assert sum(call == "POST /nodes/pve1/qemu/9000/clone" for call in pve.calls) == 5


def test_an_agent_that_is_not_there_costs_the_whole_timeout(
    tmp_path: Path, needs_provider: Path, needs_terraform: Path
) -> None:
    pve = emulator(grants())
    pve.site.agents.discard(9000)
    waiting = machine().replace('timeout = "30s"', 'timeout = "3s"')
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(waiting)
        said = work.apply()
    asked = sum(call.endswith("agent/network-get-interfaces") for call in pve.calls)
    assert asked >= 2
    assert "timeout while waiting for the QEMU agent" in said.text


def test_a_taken_number_is_found_at_apply_only(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    pve = emulator(grants())
    before = facts(pve)
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(machine(vm_id=101).replace("retries = 3", "retries = 1"))
        assert work.plan().code == 2
        said = work.apply()
        assert said.code == 1
        assert "already exists" in said.text
    assert facts(pve) == before


def test_a_move_by_high_availability_is_no_change_when_ignored(
    tmp_path: Path, needs_provider: Path, needs_terraform: Path
) -> None:
    pve = emulator(grants(*ha_grants()))
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(available())
        assert work.apply().code == 0
        pve.move(500, "pve2")
        same = work.plan()
        assert same.code == 0, same.text
        work.write(available().replace(IGNORED, ""))
        assert work.plan().code == 2


def test_existing_firewall_rules_stop_the_apply(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    pve = emulator(grants())
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(machine())
        assert work.apply().code == 0
        pve.state["nodes/pve1/qemu/500/firewall/rules"] = [{"type": "in", "action": "ACCEPT", "enable": 1}]
        work.write(guarded())
        said = work.apply()
    assert said.code == 1
    assert "Existing rules detected" in " ".join(said.text.split())


def test_a_failed_task_is_a_failed_apply(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    pve = emulator(grants())
    pve.inject(Fault("/status/start$", "task", message="start failed: QEMU exited with code 1"))
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(machine())
        said = work.apply()
    assert said.code == 1
    assert "QEMU exited with code 1" in " ".join(said.text.split())


def test_a_disk_without_room_is_a_failed_apply(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    pve = emulator(grants())
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(machine(size=9000))
        said = work.apply()
    assert said.code == 1
    assert "no space left on storage 'nas'" in " ".join(said.text.split())


def test_a_downloaded_image_is_not_deleted_without_allocate(
    tmp_path: Path, needs_provider: Path, needs_terraform: Path
) -> None:
    """The apply role may download an image, but not delete it: that takes Datastore.Allocate on its store."""
    pve = emulator(grants())
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(imported())
        assert work.apply().code == 0
        said = work.destroy()
    assert said.code == 1
    assert "/storage/nas, Datastore.Allocate" in " ".join(said.text.split())


def test_the_survey_token_applies_nothing(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    state = SCENARIOS["clone"].state()
    user = TOKEN_ID.partition("!")[0]
    state["access/users"].append({"userid": APPLY.partition("!")[0], "tokens": [{"tokenid": "ci", "privsep": 1}]})
    for row in list(state["access/acl"]):
        who = APPLY.partition("!")[0] if row["ugid"] == user else APPLY
        state["access/acl"].append(row | {"ugid": who})
    pve = emulator((), state=state)
    assert pve.tokens[APPLY] == SECRET
    before = facts(pve)
    with workspace(pve, tmp_path, needs_provider, needs_terraform) as work:
        work.begin(machine())
        said = work.apply()
    assert said.code == 1
    assert "Permission check failed" in " ".join(said.text.split())
    assert facts(pve) == before
