"""The wheel: it holds what the product reads at run time, no tests, and plans from another folder without the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fakes.house import EXAMPLES

ROOT = Path(__file__).parents[1]
WHERE = "import bot; from bot.rendering.templates import template_root; print(bot.__file__, template_root(), sep='\\n')"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the pinned build backend alone; no network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(unpacked: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python that sees the unpacked wheel first, neither the folder it starts in nor anybody's settings."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-P", "-s", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, text=True, timeout=120)


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_template_and_example(wheel: Path) -> None:
    held = names(wheel)
    for source, packaged in ((ROOT / "templates", "bot/_templates"), (EXAMPLES, "bot/_examples")):
        wanted = {f"{packaged}/{path.relative_to(source)}" for path in source.rglob("*") if path.is_file()}
        assert wanted
        assert wanted <= held, wanted - held


@pytest.mark.parametrize(
    "path",
    ["bot/emulators/proxmox/schema-9.json", "bot/checks/schema/bpg-proxmox-0.111.1.json", "bot/py.typed"],
)
def test_the_wheel_holds_the_data_that_the_code_reads(path: str, wheel: Path) -> None:
    assert path in names(wheel)


def test_the_wheel_holds_the_package_and_its_licence_alone(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bot"}
    assert any(name.endswith("/licenses/LICENSE") for name in names(wheel))
    assert not [name for name in names(wheel) if "/test_" in name or name.endswith((".pyc", ".lock"))]


def test_the_unpacked_wheel_finds_itself_and_its_templates(unpacked: Path, tmp_path: Path) -> None:
    done = python(unpacked, tmp_path, "-c", WHERE)
    assert done.stdout.splitlines() == [str(unpacked / "bot" / "__init__.py"), str(unpacked / "bot" / "_templates")]


@pytest.mark.long
def test_the_unpacked_wheel_plans(unpacked: Path, tmp_path: Path) -> None:
    example = unpacked / "bot" / "_examples" / "supermarket-inventory"
    options = ("--git-repo", str(example), "--app-description", "200 QPS", "--format", "json")
    done = python(unpacked, tmp_path, "-m", "bot", "plan", *options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {service["name"] for service in document["profile"]["services"]} == {"api", "web"}
    assert [file["path"] for file in document["files"] if file["path"].endswith("/README.md")]
    assert list(tmp_path.iterdir()) == []
