"""Markdown and HTML as sections: headings, parts, no secrets, no hang."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flow.citing import LONGEST as LONGEST_ID
from bot.flow.citing import short_id
from bot.flow.html_text import text_of_html
from bot.flow.sections import LONGEST, MOST, sections

ANY = st.text(st.characters(exclude_categories=()))


def pairs(markdown: str) -> list[tuple[str, str]]:
    return [(one.title, one.text) for one in sections(markdown, title="file.md")]


def test_each_heading_begins_a_section() -> None:
    markdown = "intro\nmore\n\n# One #\ntext\n\n\nlast\n## Two\n\n### Three\nend"
    assert pairs(markdown) == [("file.md", "intro more"), ("One", "text last"), ("Three", "end")]


def test_a_heading_in_a_code_block_is_code() -> None:
    assert pairs("# A\n```sh\n# comment\n````x\n~~~\n```\n# B\nb") == [
        ("A", "```sh # comment ````x ~~~ ```"),
        ("B", "b"),
    ]


def test_a_long_section_is_several_parts_and_no_word_is_lost() -> None:
    words = " ".join(f"word{number}" for number in range(500))
    found = pairs(f"# A\n{words}\n\nshort")
    assert {title for title, _ in found} == {"A"}
    assert max(len(text) for _, text in found) <= LONGEST
    assert " ".join(text for _, text in found) == f"{words} short"


def test_a_section_with_a_secret_is_left_out() -> None:
    assert pairs("# A\nfine\n# B\npassword: hunter2hunter2\n# C\nfine") == [("A", "fine"), ("C", "fine")]
    assert pairs("# api_key=hunter2hunter2\nfine") == []


def test_there_is_an_end_to_it() -> None:
    assert len(pairs("# A\nx\n" * 5_000)) == MOST


@given(ANY)
def test_any_text_is_sections(text: str) -> None:
    for title, part in pairs(text):
        assert title
        assert 0 < len(part) <= LONGEST


@given(ANY, ANY)
def test_source_ids_are_short_stable_and_never_made_one(one: str, other: str) -> None:
    first, second = short_id(f"rule:{one}"), short_id(f"rule:{other}")
    assert len(first) <= LONGEST_ID
    assert first == short_id(f"rule:{one}")
    assert (first == second) == (one == other)


def test_html_is_its_words() -> None:
    text, title = text_of_html(
        "<!DOCTYPE html><head><title> A  page </title><style>p{}</style></head><h1>One <b>two</b></h1>"
        "<p>a<i>b</i> c &lt; d &amp; e</p><!-- gone <b> --><script>if (a<b) x('</p>')</script>"
        "<table><tr><td>1</td><td>2</td></tr></table><p># no heading</p><template>t</template>5 < 6"
    )
    assert title == "A page"
    assert [line for line in text.splitlines() if line.strip()] == [
        "# One two",
        "ab c < d & e",
        " 1 2",
        "\\# no heading",
        "5 < 6",
    ]


@given(ANY)
def test_any_html_is_text(html: str) -> None:
    text_of_html(html)


TAGS = [
    "<", ">", "<!--", "-->", "<!", "<?", "</", "<script>", "</script", "<a", " x='", '"', "=", "&", "&#", "]]>", "x",
    "<![CDATA[", " p", "title", "<title>", "</h1>", "<h2>", "/>", "<textarea>", "\0",
]  # fmt: skip


@given(st.lists(st.sampled_from(TAGS)))
def test_any_pieces_of_html_are_text(pieces: list[str]) -> None:
    text_of_html("".join(pieces))


@pytest.mark.parametrize(
    "html",
    ["<!--", "<", "<a ", "</", "<a x='", "<!", "<?", "<script>", "<![CDATA[>", "<![>", "&", "&#", "<a x='>", "<svg>"],
)
def test_no_page_takes_long(html: str) -> None:
    began = time.monotonic()
    text_of_html((html * 1_000_000)[:1_000_000])
    assert time.monotonic() - began < 20, "minutes where the parser is quadratic"
