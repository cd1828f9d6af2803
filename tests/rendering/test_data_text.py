"""Values as text: the same data after any parser, ASCII, no template action, no secret."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Broken
from bot.rendering.data_text import json_text, without_secrets, yaml_text
from tests.daily import searched

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
MISREAD = (
    "yes", "No", "on", "OFF", "y", "N", "true", "null", "~", "1e3", "0x10", "0o10", "010", "22:22", "1_000", ".5",
    "-1", "+1", ".nan", ".inf", "NaN", "2024-01-01", "a: b", "- a", "a #b", "#a", "a:", "@a", "`a", "%a", "!a", "&a",
    "*a", "|", ">", "'", '"', "", " ", " a", "a ", "\n", "a\nb", "\t", "=", "<<", "?", "---", "...", "\x85", "\u2028",
    "\ufeff", "null", "NULL", "Null", "123", "1.0", "12e03", "0b1",
)  # fmt: skip


@searched(100)
@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_T20_yaml_reads_back_the_same(value: dict[str, object]) -> None:  # noqa: N802  # the row's name
    if "{{" in json.dumps(value, ensure_ascii=False):
        return
    text = yaml_text(value, comment="made")
    assert yaml.safe_load(text) == value
    assert text.isascii()


@searched(100)
@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_json_reads_back_the_same(value: dict[str, object]) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert "{{" not in text


@pytest.mark.parametrize("text", MISREAD, ids=ascii)
def test_T20_what_could_be_misread_is_quoted(text: str) -> None:  # noqa: N802  # the row's name
    line = yaml_text({"a": text}, comment="made").splitlines()[2]
    assert line.startswith('a: "')
    assert yaml.safe_load(line) == {"a": text}


@pytest.mark.parametrize("text", ["api", "850m", "128Mi", "/healthz", "ghcr.io/a/b:1.2", "app.kubernetes.io/name"])
def test_plain_words_stay_plain(text: str) -> None:
    assert yaml_text({"a": text}, comment="made").splitlines()[2] == f"a: {text}"


def test_a_template_action_never_reaches_yaml() -> None:
    with pytest.raises(Broken):
        yaml_text({"a": "x {{ env }}"}, comment="made")


def test_json_hides_a_template_action_and_keeps_the_data() -> None:
    assert json.loads(json_text({"{{a": "{{{ b }}"})) == {"{{a": "{{{ b }}"}


def test_json_has_no_secrets() -> None:
    token = "ghs_" + "A1b2." * 30
    text = json_text({"a": [f"use {token}"], "b": "postgres://u:hunter2hunter2@db/x"})
    assert token not in text
    assert "hunter2" not in text
    assert without_secrets("nothing here") == "nothing here"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_json_does_not_know(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text({"a": value})
