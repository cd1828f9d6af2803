"""H04: any body becomes one that GitHub takes, and the cut is visible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edges.github.bodies import LIMIT, clean, fitted, hidden, key_of, title_of
from bot.errors import Broken
from tests.edges.forge_contract import INFRA, publish
from tests.edges.github_world import EmulatedWorld, emulated

NOTE = "Cut here:"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EmulatedWorld]:
    with emulated(tmp_path) as real:
        yield real


def numbered(length: int) -> str:
    text = "".join(f"line {number}\n" for number in range(length // 6 + 1))
    return text[: length - 3] + "END"


SHAPES = pytest.mark.parametrize("shape", [numbered, lambda n: "x" * (n - 3) + "END"], ids=["lines", "one-line"])


@pytest.mark.parametrize("length", [10, 65_000, 65_535, 65_536, 65_537, 200_000], ids=lambda n: f"H04-{n}")
@SHAPES
def test_every_length_fits_and_is_cut_only_when_it_must(length: int, shape) -> None:
    text = fitted(shape(length))
    assert len(text) < LIMIT
    assert text.endswith("END")
    assert (NOTE in text) == (length >= LIMIT)


@pytest.mark.parametrize("length", [65_535, 65_536, 200_000], ids=lambda n: f"H04-github-{n}")
def test_every_length_is_said_and_proposed(world: EmulatedWorld, length: int) -> None:
    thread, body = world.thread(), numbered(length)
    world.forge.say(thread, marker="key", body=body)
    made = publish(world.forge, body=body)
    for text in (world.comments(thread)[0], world.pull_body(made.number)):
        assert len(text) < LIMIT
        assert "END" in text
        assert NOTE in text


@pytest.mark.parametrize("text", ["a\ud800b", "\udfff", "a\x00b\x1b"], ids=["H04-surrogate", "H04-lone-low", "H04-nul"])
def test_impossible_characters_are_replaced(world: EmulatedWorld, text: str) -> None:
    thread = world.thread()
    world.forge.say(thread, marker="key", body=text + " tail")
    assert "\ufffd" in world.comments(thread)[0]
    assert world.comments(thread)[0].endswith("tail")


@pytest.mark.parametrize("text", ["a\ud800b", "\udfff", "a\x00b\x1b"], ids=["H04-surrogate", "H04-lone-low", "H04-nul"])
def test_impossible_characters_reach_no_pull_request(world: EmulatedWorld, text: str) -> None:
    made = publish(world.forge, title=text + " title", body=text + " tail")
    seen = world.github.issue(INFRA, made.number)
    assert ("\ufffd" in seen.title, "\ufffd" in seen.body) == (True, True)
    assert (seen.title[-5:], " tail" in seen.body) == ("title", True)


FENCES = ["```", "```diff", "~~~~ yaml", "`````", "<details>", "</details>", "<!--", "-->", "text", "", "``", "    ```"]


@given(
    st.lists(st.sampled_from(FENCES), max_size=60),
    st.lists(st.sampled_from(FENCES), max_size=60),
    st.integers(min_value=1_500, max_value=3_000),
)
def test_the_note_is_never_inside_a_fence_or_a_comment(head: list[str], tail: list[str], room: int) -> None:
    body = "\n".join([*head, *(["word " * 20] * 60), *tail])
    text = fitted(body, room=room)
    assert len(text) <= room
    shown = cmarkgfm.github_flavored_markdown_to_html(text)
    before = shown.split(f"<strong>{NOTE}</strong>")
    assert len(before) == 2
    assert before[0].count("<pre") == before[0].count("</pre>")
    assert before[0].rfind("<!--") <= before[0].rfind("-->")


def test_a_fence_of_sixty_thousand_backticks_fits() -> None:
    assert len(fitted("`" * 60_000 + "\n" + "x" * 60_000)) < LIMIT


@given(st.text(st.characters(), max_size=300), st.integers(min_value=1_300, max_value=1_400))
def test_any_text_fits_and_encodes(text: str, room: int) -> None:
    shown = fitted(text * 20, room=room)
    assert len(shown) <= room
    shown.encode()


@given(st.text(st.characters(), max_size=400))
def test_titles_are_one_short_line(text: str) -> None:
    title = title_of(text)
    assert len(title) <= 250
    assert not set(title) & set("\r\n\x00")


def test_clean_keeps_good_text() -> None:
    assert clean("ä 🙂\tb\r\nc") == "ä 🙂\tb\nc"


@pytest.mark.parametrize("key", ["", "a b", "a-->", "a--b", "x" * 201, "<!--"])
def test_a_key_that_could_leave_the_comment_is_a_defect(key: str) -> None:
    with pytest.raises(Broken):
        hidden(key, "status")


def test_markers_are_found_again() -> None:
    assert key_of("x\n\n" + hidden("acme/infra#7.shop", "pull"), "pull") == "acme/infra#7.shop"
    assert key_of(hidden("k", "status"), "pull") is None
