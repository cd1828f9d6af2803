"""terraform judges the form of what we render, and its absence is said aloud."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.edges.clock import RealClock
from bot.edges.terraform import TerraformToolbox
from bot.model.changes import ChangeSet, RenderedFile

GOOD = 'resource "terraform_data" "a" {\n  input = 1\n}\n'
UGLY = 'resource "terraform_data" "a" {\ninput=1\n}\n'
BROKEN = 'resource "terraform_data" {{{\n'
HERE = shutil.which("terraform")


def changes(**files: str) -> ChangeSet:
    rendered = (RenderedFile(path=f"apps/x/terraform/{name}.tf", content=text) for name, text in files.items())
    return ChangeSet(root="apps/x", files=tuple(sorted(rendered, key=lambda file: file.path)))


def imitation(folder: Path, script: str) -> TerraformToolbox:
    """A program that ends as terraform does, for machines without it and for its failures."""
    program = folder / "terraform"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return TerraformToolbox(path=str(folder), seconds=0.5)


def test_a_missing_terraform_is_a_note_that_names_what_was_skipped(tmp_path: Path) -> None:
    (finding,) = TerraformToolbox(path=str(tmp_path)).judge(changes(main=GOOD, other=GOOD))
    assert (finding.rule, finding.severity) == ("terraform-missing", "note")
    assert "2 Terraform files" in finding.message


def test_nothing_to_judge_starts_nothing(tmp_path: Path) -> None:
    terraform = imitation(tmp_path, f"touch {tmp_path}/started")
    plain = ChangeSet(root="apps/x", files=(RenderedFile(path="apps/x/README.md", content="x"),))
    assert terraform.judge(plain) == ()
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("script", "rules"),
    [
        pytest.param("exit 0", [], id="clean"),
        pytest.param("echo files/apps/x/terraform/main.tf; exit 3", [("terraform-fmt", "warn")], id="unformatted"),
        pytest.param(
            "echo 'on files/apps/x/terraform/main.tf line 1: x' >&2; exit 2",
            [("terraform-syntax", "block")],
            id="broken",
        ),
        pytest.param("echo odd >&2; exit 9", [("terraform-syntax", "block")], id="unknown-exit"),
        pytest.param("sleep 5", [("terraform-slow", "note")], id="slow"),
    ],
)
def test_every_end_of_terraform_has_a_finding(tmp_path: Path, script: str, rules: list[tuple[str, str]]) -> None:
    found = imitation(tmp_path, script).judge(changes(main=UGLY))
    assert [(finding.rule, finding.severity) for finding in found] == rules


def test_terraform_sees_its_own_configuration_and_an_empty_home(tmp_path: Path) -> None:
    imitation(tmp_path, f"env > {tmp_path}/seen").judge(changes(main=GOOD))
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert seen["TF_CLI_CONFIG_FILE"].startswith(seen["HOME"])
    assert not Path(seen["HOME"]).exists()
    assert "TF_TOKEN" not in "".join(seen)


@pytest.mark.parametrize(
    ("text", "rules"),
    [(GOOD, []), (UGLY, ["terraform-fmt"]), (BROKEN, ["terraform-syntax"])],
    ids=["good", "ugly", "broken"],
)
def test_the_real_terraform_agrees_where_there_is_one(text: str, rules: list[str]) -> None:
    found = TerraformToolbox().judge(changes(main=text, other=GOOD))
    assert [finding.rule for finding in found] == (rules if HERE else ["terraform-missing"])
    assert all(finding.path == "apps/x/terraform/main.tf" for finding in found if HERE)


def test_the_clock_is_utc_and_now() -> None:
    clock = RealClock()
    clock.sleep(-1)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC
