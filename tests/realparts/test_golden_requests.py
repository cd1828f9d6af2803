"""The golden requests from words to real machines and back: every file of the product under the real terraform and provider.

Rows of the suite: A01 and A04 in part. All under the roles that the product prints; ``high-availability`` and ``backup`` with
the second, opt-in token beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import Refused
from tests.realparts.golden_requests import Watch, World, life, made, world
from tests.realparts.golden_table import BESIDE, GOLDEN, ON_8


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory, needs_provider: Path, needs_terraform: Path) -> Iterator[World]:
    """Proxmox VE 9 under the apply role alone."""
    with world(tmp_path_factory.mktemp("nine"), rc=needs_provider, program=needs_terraform, goldens=GOLDEN) as here:
        yield here


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory, needs_provider: Path, needs_terraform: Path) -> Iterator[World]:
    """Proxmox VE 8 under the apply role alone."""
    with world(
        tmp_path_factory.mktemp("eight"), rc=needs_provider, program=needs_terraform,
        goldens={name: GOLDEN[name] for name in ON_8}, version="8.4.5",
    ) as here:  # fmt: skip
        yield here


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_request_lives_and_dies_on_9(nine: World, name: str) -> None:
    life(nine, GOLDEN[name])


@pytest.mark.parametrize("name", ON_8)
def test_a_golden_request_lives_and_dies_on_8(eight: World, name: str) -> None:
    life(eight, GOLDEN[name])


BEYOND = {
    ("high-availability", "9.2.3"): {"proxmox_haresource.guest", "proxmox_harule.apart"},
    ("high-availability", "8.4.5"): {"proxmox_haresource.guest", "proxmox_hagroup.nodes"},
    ("backup", "9.2.3"): {"proxmox_backup_job.machines"},
    ("image", "9.2.3"): {"proxmox_download_file.image", "proxmox_virtual_environment_firewall_options.guest"},
    ("iso", "9.2.3"): set[str](),
}
"""What each makes beside its machines."""


@pytest.mark.parametrize(("name", "version"), BEYOND)
def test_what_stands_beside_machines_lives_and_dies_too(
    name: str, version: str, tmp_path: Path, needs_provider: Path, needs_terraform: Path
) -> None:
    """Each with the rights that its own line of the printed roles names, and no other."""
    goldens = {name: BESIDE[name]}
    with world(tmp_path, rc=needs_provider, program=needs_terraform, goldens=goldens, version=version) as here:
        assert set(life(here, goldens[name]).resources) >= BEYOND[name, version]


def test_high_availability_takes_the_second_token(tmp_path: Path, needs_provider: Path, needs_terraform: Path) -> None:
    """With the apply role alone the machines are made, and their high availability is refused by name."""
    plain = replace(BESIDE["high-availability"], wide=())
    goldens = {"high-availability": plain}
    with world(tmp_path, rc=needs_provider, program=needs_terraform, goldens=goldens) as here:
        folder = here.write(here.asked(plain, plain.words))
        here.program.plan(folder)
        with pytest.raises(Refused) as stop:
            here.program.apply(folder)
    assert "Sys.Console" in stop.value.refusal.message


def test_a_machine_whose_state_was_lost_is_adopted(nine: World) -> None:
    """Neither made twice nor changed: it is imported, and the next plan is empty."""
    golden, before = GOLDEN["development"], nine.facts()
    first = made(nine, golden, Watch())
    standing = nine.facts()
    nine.state.documents.pop(f"/{first.stack}")
    again = nine.asked(golden, golden.words)
    assert [machine.adopted for machine in again.plan.machines] == [True]
    folder = nine.write(again)
    assert nine.program.plan(folder).counts() == {"import": 1}
    nine.program.apply(folder)
    assert nine.program.plan(folder).empty
    assert nine.facts() == standing
    nine.unlock(again, data=True)
    assert nine.program.plan(folder, destroy=True).counts() == {"delete": 1}
    nine.program.apply(folder)
    assert nine.facts() == before
