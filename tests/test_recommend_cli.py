"""``ai-provision recommend``: a table for people, one document for programs, a patch for kubectl."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from bot.cli import cli
from tests.model.test_standard import EXAMPLES, FOLDER, GENERATION, RECOMMENDATION

PAYLOAD = str(EXAMPLES / "payload.json")


def run(*arguments: str, given: str | bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["recommend", *arguments], input=given)
    return result.exit_code, result.stdout, result.stderr


def test_people_see_the_numbers_what_is_left_out_and_why() -> None:
    code, out, err = run("-f", PAYLOAD)
    assert (code, err) == (0, "")
    for words in (
        "order-service",
        "450m",
        "384Mi",
        "900m",
        "2 to 7 at 60 % CPU",
        "left out",
        "Fits",
        "Why",
        "sizing step 5",
    ):
        assert words in out


@pytest.mark.parametrize(
    "payload",
    [RECOMMENDATION, GENERATION, {"recommendation": RECOMMENDATION, "generation": GENERATION,
                                  "recommendation_answer_always_holds": ["replicas"]}],
    ids=["recommendation", "generation", "document"],
)  # fmt: skip
def test_the_payloads_of_the_standard_from_standard_input(payload: dict[str, object]) -> None:
    code, out, _ = run("-f", "-", "--format", "json", given=json.dumps(payload))
    document = json.loads(out)
    jsonschema.Draft202012Validator(json.loads((FOLDER / "recommendation-v1.json").read_text())).validate(document)
    assert code == 0
    assert {"replicas", "requests", "limits", "autoscaler", "reasons", "confidence", "marked"} <= set(document)
    assert all(document[part][what] for part in ("requests", "limits") for what in ("cpu", "memory"))


def test_the_patch_and_nothing_else() -> None:
    code, out, err = run("-f", PAYLOAD, "--patch")
    assert (code, out, err) == (0, (EXAMPLES / "patch.yaml").read_text(), "")


@pytest.mark.parametrize("options", [("--patch", "--complete"), ("--complete",)])
def test_the_complete_patch(options: tuple[str, ...]) -> None:
    code, out, _ = run("-f", PAYLOAD, *options)
    spec = yaml.safe_load(out)["spec"]
    limits = spec["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert (code, spec["replicas"], limits) == (0, 2, {"cpu": "900m", "memory": "384Mi"})


def test_programs_get_the_patch_in_one_document() -> None:
    _, out, _ = run("-f", PAYLOAD, "--patch", "--format", "json")
    assert json.loads(out) == {"schema_version": 1, "patch": (EXAMPLES / "patch.yaml").read_text()}


@pytest.mark.parametrize(
    ("given", "code", "exit_code"),
    [
        ('{"app_metadata": {"nam": "x"}}', "syntax", 2),
        ('{"app_metadata": {"name": "null"}}', "name", 2),
        ('{"app_metadata": {"expected_qps": 1e12}}', "policy", 3),
        (" " * (1024 * 1024 + 1), "size", 2),
        ("", "syntax", 2),
        (b"\xff", "syntax", 2),
    ],
    ids=["key", "name", "load", "size", "empty", "bytes"],
)
def test_a_refusal_has_a_code_and_an_exit(given: str | bytes, code: str, exit_code: int) -> None:
    ended, out, err = run("-f", "-", "--format", "json", given=given)
    assert (ended, json.loads(out)["error"]["code"], err) == (exit_code, code, "")


@pytest.mark.parametrize("name", ["absent.json", ".", "/dev/zero", "", "a\0b"])
def test_a_file_that_cannot_be_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended, out, err = run("-f", name)
    assert (ended, out) == (2, "")
    assert "could not be read" in err
    assert "-f a file with a payload" in " ".join(err.split())


def test_without_a_file_it_is_wrong_use() -> None:
    ended, out, _ = run("--format", "json")
    assert ended == 2
    assert out == "" or json.loads(out)["error"]["code"] == "syntax"


def test_terminal_escapes_of_a_payload_stay_text() -> None:
    hostile = {"app_metadata": {"name": "x", "oom_tolerance": "\x1b[31m[bold]red"}}
    _, out, _ = run("-f", "-", given=json.dumps(hostile))
    assert "\x1b" not in out
