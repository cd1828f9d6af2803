"""The ``# --- Application Metadata ---`` block: valid, partial, contradicting, hostile."""

from __future__ import annotations

import pytest

from bot.survey.header import read_header
from bot.survey.survey import survey
from tests.survey.trees import tree_of

FULL = """# syntax=docker/dockerfile:1
# --- Application Metadata ---
# name:       order-service
# language:   Go
# framework:  Gin
# expected_qps: 500
# sla_latency_ms: 100
# criticality: production
# --------------------------------
FROM golang:1
"""
GO = {
    "go.mod": "module x\n\nrequire github.com/gin-gonic/gin v1.9.0\n",
    "main.go": 'package main\n\nimport "github.com/gin-gonic/gin"\n\nfunc main() {\n\tr := gin.Default()\n\tr.Run(":8080")\n}\n',
}


def test_all_fields() -> None:
    found = read_header("Dockerfile", FULL)
    assert found is not None
    assert found.notes == ()
    assert found.header.model_dump(exclude={"evidence"}) == {
        "name": "order-service", "language": "Go", "framework": "Gin", "expected_qps": 500.0, "sla_latency_ms": 100.0,
        "criticality": "production",
    }  # fmt: skip
    assert (found.header.evidence.path, found.header.evidence.line) == ("Dockerfile", 2)


def test_it_names_the_application_and_fills_what_code_does_not_say() -> None:
    profile = survey(tree_of({"Dockerfile": FULL.replace("golang:1", "scratch")}))
    (service,) = profile.services
    assert (profile.name, service.language, service.framework) == ("order-service", "go", "gin")


def test_the_block_ends_at_the_first_other_line() -> None:
    text = "# --- Application Metadata ---\n# name: a\n#\n# language: Go\nFROM a"
    found = read_header("Dockerfile", text)
    assert found is not None
    assert (found.header.name, found.header.language) == ("a", None)


def test_code_that_contradicts_it_wins_with_a_warning() -> None:
    text = FULL.replace("Go\n", "Rust\n").replace("Gin", "Axum")
    profile = survey(tree_of({"Dockerfile": text, **GO}))
    (service,) = profile.services
    assert service.language == "go"
    assert [note for note in profile.notes if note.startswith("warning: the metadata header says Rust")]
    assert [note for note in profile.notes if note.startswith("warning: the metadata header says Axum")]


def test_code_that_agrees_gives_no_warning() -> None:
    assert not [note for note in survey(tree_of({"Dockerfile": FULL, **GO})).notes if "warning" in note]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        pytest.param("# name: ../../etc/passwd${x}", "name", id="path"),
        pytest.param("# name: `id`", "name", id="shell"),
        pytest.param("# name: ---", "name", id="nothing-left"),
        pytest.param("# expected_qps: 1e308", "expected_qps", id="exponent"),
        pytest.param("# expected_qps: nan", "expected_qps", id="nan"),
        pytest.param("# expected_qps: -5", "expected_qps", id="negative"),
        pytest.param("# expected_qps: 99999999999", "expected_qps", id="too-large"),
        pytest.param("# sla_latency_ms: 0", "sla_latency_ms", id="zero"),
        pytest.param("# criticality: [x](https://evil.example)", "criticality", id="markdown"),
        pytest.param("# language: " + "x" * 200, "language", id="too-long"),
        pytest.param("# privileged: true", "privileged", id="unknown-key"),
        pytest.param("# language:", "language", id="empty"),
    ],
)
def test_a_hostile_value_is_left_out_with_a_note(line: str, word: str) -> None:
    found = read_header("Dockerfile", f"# --- Application Metadata ---\n{line}\nFROM a")
    assert found is not None
    assert found.header.model_dump(exclude={"evidence"}, exclude_none=True) == {}
    (note,) = found.notes
    assert word in note


def test_a_line_that_never_ends_is_no_field() -> None:
    assert read_header("D", "# --- Application Metadata ---\n# name: " + "a " * 100_000 + "\n# language: Go") is None


@pytest.mark.parametrize(
    "text", ["", "FROM a", "# Application Metadata\n# name: a", "# --- application metadata ---\nFROM a"]
)
def test_no_block(text: str) -> None:
    assert read_header("Dockerfile", text) is None
