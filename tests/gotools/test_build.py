"""The builder of the Go parts: once per hash, whole or not at all, and plain words on a machine without Go.

The Go of these tests is a shell script that counts its calls; the real one builds in `make test-real`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gotools import build

FAKE_GO = """#!/bin/sh
case "$*" in
  "env GOVERSION") if [ -n "$TOO_OLD" ]; then echo "go.mod requires go >= 1.99" >&2; exit 1; fi; echo go1.99.0; exit 0 ;;
  "env GOOS GOARCH") printf 'linux\\namd64\\n'; exit 0 ;;
esac
echo "$*" >> "$CALLS"
if [ -n "$BROKEN" ]; then echo "no such package" >&2; exit 1; fi
while [ "$1" != "-o" ]; do shift; done
echo program > "$2"
"""


@dataclass(frozen=True)
class Checkout:
    """A copy of the builder with its modules, and a PATH of its own."""

    root: Path

    def run(self, *names: str, **environment: str) -> tuple[int, str]:
        path = str(self.root / "bin")
        done = subprocess.run(
            [sys.executable, str(self.gotools / "build.py"), *names],
            env={"PATH": path, "CALLS": str(self.root / "calls"), "HOME": str(self.root), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def gotools(self) -> Path:
        return self.root / "tests" / "gotools"

    @property
    def calls(self) -> list[str]:
        file = self.root / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.root / ".cache" / "gotools").iterdir() if path.is_dir())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    skip = shutil.ignore_patterns("__pycache__", "test_*")
    shutil.copytree(build.HERE, tmp_path / "tests" / "gotools", ignore=skip)
    made = tmp_path / "bin"
    made.mkdir()
    (made / "go").write_text(FAKE_GO)
    (made / "go").chmod(0o755)
    return Checkout(tmp_path)


def test_a_part_is_built_once(checkout: Checkout) -> None:
    status, told = checkout.run("act")
    assert (status, "act: built in" in told) == (0, True)
    program = checkout.root / ".cache" / "gotools" / checkout.kept[0] / "act"
    assert checkout.run("act") == (0, f"act: already built, {program}\n")
    assert len(checkout.calls) == 1


def test_a_changed_module_is_built_anew_and_the_old_build_goes(checkout: Checkout) -> None:
    checkout.run("act", "kwok")
    before = checkout.kept
    module = checkout.gotools / "act" / "go.sum"
    module.write_text(module.read_text() + "\n")
    checkout.run("act")
    assert len(checkout.calls) == 3
    assert [name.split("-")[0] for name in checkout.kept] == ["act", "kwok"]
    assert checkout.kept[0] != before[0]
    assert checkout.kept[1] == before[1]


def test_a_build_that_was_cut_off_is_done_again(checkout: Checkout) -> None:
    checkout.run("act")
    (checkout.root / ".cache" / "gotools" / checkout.kept[0] / build.STAMP).unlink()
    assert checkout.run("act")[0] == 0
    assert len(checkout.calls) == 2


def test_a_failed_build_is_told_with_the_words_of_go_and_leaves_no_part(checkout: Checkout) -> None:
    status, told = checkout.run("act", BROKEN="1")
    assert status == 1
    assert "no such package" in told
    assert not any(name.startswith("act-") for name in checkout.kept)


def test_without_go_every_part_is_skipped_by_name(checkout: Checkout) -> None:
    (checkout.root / "bin" / "go").unlink()
    status, told = checkout.run()
    assert status == 0
    lines = told.splitlines()
    assert [line.split(": skipped, needs Go 1.2")[0] for line in lines] == list(build.BY_NAME)
    assert all("there is no go on the PATH" in line for line in lines)


def test_a_go_that_is_too_old_is_told_in_its_own_words(checkout: Checkout) -> None:
    status, told = checkout.run("act", TOO_OLD="1")
    assert (status, "go.mod requires go >= 1.99" in told) == (0, True)


def test_an_unknown_part_is_named_beside_those_there_are(checkout: Checkout) -> None:
    status, told = checkout.run("helm")
    assert (status, told) == (2, f"no part named helm; there are: {', '.join(build.BY_NAME)}\n")


def test_the_provider_lies_in_the_layout_of_a_mirror_with_its_configuration(checkout: Checkout) -> None:
    checkout.run("provider")
    home = checkout.root / ".cache" / "gotools" / checkout.kept[0]
    below = "mirror/registry.terraform.io/bpg/proxmox/0.111.1/linux_amd64/terraform-provider-proxmox_v0.111.1"
    assert (home / below).is_file()
    assert f'path    = "{home}/mirror"' in (home / build.RC).read_text()
    assert 'exclude = ["registry.terraform.io/bpg/proxmox"]' in (home / build.RC).read_text()


def test_a_moved_checkout_gets_its_configuration_written_again(checkout: Checkout) -> None:
    checkout.run("provider")
    rc = checkout.root / ".cache" / "gotools" / checkout.kept[0] / build.RC
    rc.write_text("written elsewhere")
    checkout.run("provider")
    assert f"{rc.parent}/mirror" in rc.read_text()
    assert len(checkout.calls) == 1


@pytest.mark.parametrize(
    ("part", "pinned"),
    [
        ("provider", f"github.com/bpg/terraform-provider-proxmox v{build.PROVIDER_VERSION}"),
        ("control-plane", f"k8s.io/kubernetes v{build.KUBERNETES_VERSION}"),
    ],
)
def test_the_version_told_to_the_program_is_the_one_pinned(part: str, pinned: str) -> None:
    assert pinned in (build.BY_NAME[part].module / "go.mod").read_text()
