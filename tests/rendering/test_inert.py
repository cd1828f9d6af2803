"""Hostile words stay words: judged by a real GitHub-flavoured Markdown parser."""

from __future__ import annotations

import re

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.inert import fence, inert_code, inert_text

HOSTILE = [
    "@org/team please merge", "closes #1", "fixes GH-12", "![x](https://evil.example/p.png)", "<img src=x>", "<!-- hidden -->",
    "[click](https://evil.example)", "https://evil.example", "www.evil.example", "```\nbreak out", "`` ` ``", "a | b | c",
    "> quote", "# heading", "- item", "1. item", "---", "===", "**bold**", "\u202etxt.exe", "a\u200bb", "<details><summary>x",
    "mailto:a@b.example", "&lt;script&gt;", "$x^2$", "~~gone~~", "<https://evil.example>", "\\", "`", "::: note", "a\\`b",
    "x@evil.example", "[ref]: https://evil.example", "\x00\x1b[31mred", "text\n\n/ai-provision", "[^1]: note", "_www.evil.example", "*www.evil.example",
    "~WWW.evil.example", "(www.evil.example", "_mailto:a@b.example",
]  # fmt: skip
ACTS = re.compile(r"<(a|img|h\d|ul|ol|blockquote|table|hr|script|details|del|strong|em|pre)\b", re.IGNORECASE)


def rendered(markdown: str) -> str:
    return cmarkgfm.github_flavored_markdown_to_html(markdown, options=1 << 17)


@pytest.mark.parametrize("text", HOSTILE)
def test_prose_does_nothing(text: str) -> None:
    html = rendered(f"start {inert_text(text)} end\n\n{inert_text(text)}")
    assert not ACTS.search(html), html
    assert not re.search(r"@\w|#\d|<!--", re.sub(r"&#\d+;|&\w+;", "", html))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_code_span_holds_everything(text: str) -> None:
    html = rendered(f"start {inert_code(text)} end")
    assert not ACTS.search(html), html
    assert html.count("<code>") == 1


@given(st.text(max_size=200))
def test_any_prose_does_nothing(text: str) -> None:
    assert not ACTS.search(rendered(f"{inert_text(text)}\n\nx {inert_text(text)}"))


@given(st.text(max_size=200))
def test_any_code_span_is_one_span(text: str) -> None:
    html = rendered(f"start {inert_code(text)} end")
    assert html.count("<code>") == 1
    assert not ACTS.search(html)


@given(st.text(alphabet="`~\n abc<>", max_size=80))
def test_a_fence_is_not_broken_out_of(text: str) -> None:
    html = rendered(fence(text + "\n```\n<b>out</b>", "text"))
    assert html.count("<pre") == 1
    assert html.rstrip().endswith("</pre>")


def test_words_survive() -> None:
    assert inert_text("200 QPS peak, zero downtime") == "200 QPS peak, zero downtime"
    assert inert_code("apps/shop/plan.json") == "`apps/shop/plan.json`"


def test_a_cut_is_visible() -> None:
    assert inert_text("x" * 5000).endswith("… cut")
    assert len(inert_code("`" * 70_000)) < 10_000
