"""The config file: every default, every key, and a sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Refusal
from bot.flow.config_file import read_config
from bot.model.config import Config

EXAMPLE = Path(__file__).parents[2] / "examples" / "ai-provision.yaml"


def read(text: str | None) -> Config | Refusal:
    return read_config(text, yaml=ChildYamlReader())


@pytest.mark.parametrize(
    "text", [None, "", "# only a comment\n", "version: 1\n"], ids=["none", "empty", "comment", "version"]
)
def test_no_file_means_every_default(text: str | None) -> None:
    assert read(text) == Config()


def test_the_example_is_valid() -> None:
    config = read(EXAMPLE.read_text())
    assert isinstance(config, Config)
    assert config.prices is not None
    assert config.defaults.template_id == 9000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("limit: {}", "unknown key `limit`, did you mean `limits`?"),
        ("defaults: {namespce: shop}", "unknown key `defaults.namespce`, did you mean `namespace`?"),
        ("prices: {curency: EUR}", "did you mean `currency`?"),
        ("delivery: helm", "`delivery`"),
        ("defaults: {vlan: 5000}", "`defaults.vlan`"),
        ("defaults: {vlan: '30'}", "`defaults.vlan`"),
        ("defaults: {namespace: 'Not A Name'}", "`defaults.namespace`"),
        ("- a list", "config"),
        ("a: b\n---\nc: d", "2 YAML documents"),
        ("a: [", "could not be read"),
        ("a: !!python/object/apply:os.system ['true']", "could not be read"),
    ],
    ids=[
        "key", "nested-key", "optional-block", "choice", "range", "type", "name", "list", "documents", "syntax",
        "object",
    ],
)  # fmt: skip
def test_every_mistake_is_named(text: str, says: str) -> None:
    refusal = read(text)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "config"
    assert says in refusal.message or says == "config"
    assert ".ai-provision.yaml" in refusal.remedy
