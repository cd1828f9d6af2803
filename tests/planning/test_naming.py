from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import Code, Refusal
from bot.planning.naming import LONGEST, app_slug, service_slug

HOSTILE = {
    "terraform-interpolation": '${file("/etc/passwd")}',
    "terraform-escape": '$${file("x")}',
    "closing-quote-brace": 'a"}',
    "terraform-directive": "%{ if true }",
    "directive-start": "%{",
    "newline-inside": "a\nb",
    "newline-at-end": "abc\n",
    "carriage-return": "a\rb",
    "heredoc-end": "x\nEOT\n",
    "300-characters": "a" * 300,
    "41-characters": "a" * 41,
    "dots": "..",
    "dot": ".",
    "path": "../x",
    "slash": "a/b",
    "backslash": "a\\b",
    "leading-hyphen": "-x",
    "option": "--force",
    "trailing-hyphen": "x-",
    "emoji": "shop🛒",
    "fullwidth": "ｓｈｏｐ",
    "cyrillic": "shорp",
    "combining": "cafe\u0301",
    "zero-width": "sh\u200bop",
    "right-to-left": "shop\u202e",
    "null": "null",
    "true": "true",
    "Yes": "Yes",
    "off": "off",
    "nan": "NaN",
    "digits": "123",
    "arabic-digits": "١٢٣",
    "empty": "",
    "blank": "   ",
    "tab": "a\tb",
    "nul-byte": "a\x00b",
    "jinja": "{{ 7*7 }}",
    "shell": "a;id",
    "command": "$(id)",
    "markdown": "[a](b)",
    "at": "@org",
    "default": "default",
    "kube-system": "kube-system",
    "Kube_Public": "Kube_Public",
    "kubernetes": "kubernetes",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=f"G01-{name}") for name, text in HOSTILE.items()])
def test_hostile_names_are_refused_with_the_rule(text):
    refusal = app_slug(text)

    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.NAME
    assert "1 to 40 characters" in refusal.message
    assert "\n" not in refusal.message
    assert refusal.message.isascii() or "…" in refusal.message


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        pytest.param("supermarket-inventory", "supermarket-inventory", id="G01-plain"),
        pytest.param("Supermarket_Inventory", "supermarket-inventory", id="G01-upper-case"),
        pytest.param("node.js sample", "node-js-sample", id="G01-separators"),
        pytest.param("2048-game", "app-2048-game", id="G01-leading-digit"),
        pytest.param("1e5", "app-1e5", id="G01-yaml-float"),
        pytest.param("0x1f", "app-0x1f", id="G01-yaml-hex"),
        pytest.param("a" * 40, "a" * 40, id="G01-40-characters"),
    ],
)
def test_honest_names_become_a_slug(text, slug):
    assert app_slug(text) == slug


def test_a_service_may_be_called_like_a_part_of_the_cluster_but_not_like_a_yaml_word():
    assert service_slug("default") == "default"
    assert isinstance(service_slug("null"), Refusal)


@settings(deadline=None)
@given(st.text(max_size=60))
@example("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
@example("a-" * 20)
def test_a_slug_is_a_dns_label_and_a_yaml_string_and_stays_itself(text):
    slug = app_slug(text)

    if isinstance(slug, Refusal):
        return
    assert re.fullmatch(r"[a-z](?:[-a-z0-9]*[a-z0-9])?", slug)
    assert len(slug) <= LONGEST
    loaded: Any = yaml.safe_load(slug)
    assert loaded == slug
    assert app_slug(slug) == slug
