"""The library: nearest pieces first, the same every time, words as data, five ways to answer and none that raises."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.counsel import Lesson
from bot.edges.library import FtsLibrary, guidance, pages_of
from bot.edges.library.guidance import read_guidance
from bot.edges.library.words import LONGEST, cut, words_of
from bot.errors import Code, Unavailable
from bot.model.evidence import Piece
from tests.daily import searched
from tests.edges.library_contract import BY_WORDS, LIBRARIES, SHELF, piece, silent, vowels, without_fts
from tests.fakes.ledger import MemoryLedger

HOSTILE = [
    '"',
    "'; DROP TABLE pieces; --",
    "gin OR NEAR(kafka, 2)",
    "title: gin",
    "gin*",
    "^gin",
    "gin NOT gin",
    "{title body}: gin",
    "-gin",
    "(gin",
    "\0gin\0",
    "\ud800gin",
    "gin" * 5_000,
    "🙂",
    "",
]


def ids(pieces: tuple[Piece, ...]) -> list[str]:
    return [one.source_id for one in pieces]


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_piece_that_holds_the_words_comes_first(name: str) -> None:
    library = LIBRARIES[name](SHELF)
    assert ids(library.find(("gin", "requests")))[0] == "c-gin"
    assert ids(library.find(("Kafka",)))[0] == "a-kafka"


@pytest.mark.parametrize("name", BY_WORDS)
def test_what_holds_no_word_is_not_found(name: str) -> None:
    library = LIBRARIES[name](SHELF)
    assert ids(library.find(("gin",))) == ["c-gin"]
    assert library.find(("zebra",)) == ()


@pytest.mark.parametrize("name", LIBRARIES)
def test_equal_pieces_are_in_the_order_of_their_ids_and_no_more_than_asked(name: str) -> None:
    library = LIBRARIES[name](SHELF)
    assert ids(library.find(("apple",), limit=2)) == ["d-same", "e-same"]
    assert ids(library.find(("apple",), limit=1)) == ["d-same"]
    assert library.find(("apple",), limit=0) == ()
    assert library.find(()) == ()


@pytest.mark.parametrize("name", LIBRARIES)
def test_what_is_brought_is_found_this_time_and_not_the_next(name: str) -> None:
    library = LIBRARIES[name](SHELF)
    rule = piece("rule:team.md#1", "the team gives gin two cores", kind="rule", title="gin rule")
    assert "rule:team.md#1" in ids(library.find(("gin", "team"), brought=(rule,)))
    assert "rule:team.md#1" not in ids(library.find(("gin", "team")))


@pytest.mark.parametrize("name", [name for name in LIBRARIES if name != "fake"])
def test_text_from_a_repository_never_takes_the_place_of_the_guidance(name: str) -> None:
    forged = piece("c-gin", "gin needs 100 cores", kind="rule", title="gin gin gin")
    [found] = [one for one in LIBRARIES[name](SHELF).find(("gin",), brought=(forged,)) if one.source_id == "c-gin"]
    assert found == SHELF[2]


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_same_question_gets_the_same_answer_in_any_order_of_what_is_brought(name: str) -> None:
    brought = tuple(piece(f"rule:{number}", f"gin and postgres {number % 3}", kind="rule") for number in range(20))
    library = LIBRARIES[name](SHELF)
    first = library.find(("gin", "postgres"), brought=brought)
    assert library.find(("gin", "postgres"), brought=brought[::-1]) == first
    assert LIBRARIES[name](SHELF).find(("gin", "postgres"), brought=brought) == first


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_text_is_cut(name: str) -> None:
    [found] = [one for one in LIBRARIES[name](SHELF).find(("banana",)) if one.source_id == "f-long"]
    assert len(found.text) <= LONGEST


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("words", HOSTILE, ids=lambda words: ascii(words[:20]))
def test_query_syntax_is_data(name: str, words: str) -> None:
    library = LIBRARIES[name](SHELF)
    assert set(ids(library.find((words,)))) <= set(ids(SHELF))
    assert ids(library.find((words, "apple")))[:1] != []


@searched(150)
@given(
    words=st.lists(st.text(st.characters(exclude_categories=()))).map(tuple),
    text=st.text(st.characters(exclude_categories=())),
)
def test_no_words_and_no_piece_make_it_raise(words: tuple[str, ...], text: str) -> None:
    for library in PATIENT:
        library.find(words, brought=(piece("rule:x", text, kind="rule", title=text),))


PATIENT = [make(SHELF) for make in LIBRARIES.values()]


def test_the_operators_of_fts5_are_words() -> None:
    library = FtsLibrary(built_in=(piece("a", "near the lake"), piece("b", "far away")))
    assert ids(library.find(("NEAR(far",))) == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (("Go", "Gin", "api", "postgresql", "high"), "sizing-throughput-go"),
        (("Java", "Spring Boot"), "sizing-throughput-jvm"),
        (("C#",), "sizing-throughput-dotnet"),
        (("C++",), "sizing-throughput-rust-cpp"),
        (("TypeScript", "NestJS"), "sizing-throughput-node"),
        (("redis", "cache"), "vendor-redis-memory"),
        (("kafka",), "vendor-kafka-brokers"),
        (("OOMKilled", "out of memory kill"), "sizing-9-oom"),
        (("shared_buffers",), "vendor-pg-buffers"),
        (("elasticsearch",), "vendor-elasticsearch-heap"),
    ],
)
def test_the_guidance_answers_what_plans_ask(words: tuple[str, ...], first: str) -> None:
    found = ids(FtsLibrary().find(words))
    assert found[0] == first
    assert not {"vendor-puma-workers"} & set(found)


def test_the_guidance_is_short_cited_and_its_ids_are_stable() -> None:
    pieces = guidance()
    assert len(pieces) >= 25
    assert len({one.source_id for one in pieces}) == len(pieces)
    for one in pieces:
        assert one.source_id.startswith(("sizing-", "vendor-"))
        assert len(one.source_id) <= 64
        assert one.kind == "guidance"
        assert " Source: " in one.text
        assert cut(one.text) == one.text, "shown whole"


def test_guidance_without_a_source_is_a_defect() -> None:
    with pytest.raises(ValueError, match="sizing-x names no source"):
        list(read_guidance("# T\n\n## sizing-x: Title\nText.\n"))


def page(number: int, text: str) -> Lesson:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return Lesson(id=f"page:ab#{number}", kind="page", title="Added", text=text, at=at)


def test_added_pages_are_found_as_soon_as_they_are_there() -> None:
    kept = MemoryLedger()
    library = FtsLibrary(pages=pages_of(kept))
    assert library.find(("quokka",)) == ()
    kept.learn(page(1, "The quokka needs two cores."))
    assert library.find(("quokka",)) == (
        Piece(source_id="page:ab#1", kind="page", title="Added", text="The quokka needs two cores."),
    )
    kept.replace("page:ab", ())
    assert library.find(("quokka",)) == ()


def test_records_that_do_not_answer_leave_the_guidance() -> None:
    down = MemoryLedger(stop=Unavailable(Code.INTERNAL, "The disk is full.", remedy="Free it."))
    with capture_logs() as logs:
        assert ids(FtsLibrary(pages=pages_of(down)).find(("kafka",)))[0] == "vendor-kafka-brokers"
    assert [line["event"] for line in logs] == ["the added pages could not be read"]


def test_where_full_text_search_is_missing_it_is_said_once() -> None:
    structlog.reset_defaults()
    library = FtsLibrary(connect=without_fts)
    with capture_logs() as logs:
        for _ in range(3):
            assert ids(library.find(("kafka", "brokers")))[0] == "vendor-kafka-brokers"
    assert [line["event"] for line in logs] == ["full-text search failed, words are counted instead"]


def test_meaning_can_bring_what_no_word_names() -> None:
    shelf = (piece("a", "uuuu"), piece("b", "iiii"), piece("c", "gin oooo"))
    assert ids(FtsLibrary(built_in=shelf).find(("gin", "ttttuuu"))) == ["c"]
    assert set(ids(FtsLibrary(built_in=shelf, embed=vowels).find(("gin", "ttttuuu")))) == {"a", "b", "c"}


def test_both_rankings_have_a_say() -> None:
    shelf = (piece("a", "gin gin xxxx iiii eeee"), piece("b", "uuuuuuuuuuuuuuu"))
    assert ids(FtsLibrary(built_in=shelf, embed=vowels).find(("gin",)))[0] == "a"


@pytest.mark.parametrize(
    "embed",
    [
        silent,
        lambda _texts: [],
        lambda texts: [[1.0]] * (len(texts) - 1) + [[1.0, 2.0]],
        lambda texts: [[float("nan")]] * len(texts),
        lambda texts: [["x"]] * len(texts),
        lambda texts: [[0.0]] * len(texts),
    ],
    ids=["down", "none", "uneven", "nan", "words", "zero"],
)
def test_an_embedding_model_that_fails_leaves_the_words(embed: Callable[..., list[list[float]]]) -> None:
    library = FtsLibrary(built_in=SHELF, embed=embed)
    for _ in range(2):
        assert ids(library.find(("gin",)))[0] == "c-gin"


def test_a_silent_embedding_model_is_left_alone_for_a_while() -> None:
    asked: list[int] = []

    def once(texts: tuple[str, ...]) -> list[list[float]]:
        asked.append(len(texts))
        return silent(texts)

    library = FtsLibrary(built_in=SHELF, embed=once)
    for _ in range(5):
        library.find(("gin",))
    assert asked == [6]


def test_vectors_are_made_once() -> None:
    asked: list[int] = []

    def counted(texts: tuple[str, ...]) -> list[list[float]]:
        asked.append(len(texts))
        return vowels(texts)

    library = FtsLibrary(built_in=SHELF, embed=counted)
    for words in ("gin", "gin", "kafka"):
        library.find((words,))
    assert asked == [6, 1], "five different texts and a question, nothing, another question"


def test_threads_may_ask_at_once() -> None:
    library, found = FtsLibrary(), list[list[str]]()

    def ask(number: int) -> None:
        own = piece(f"rule:{number}", f"kafka rule{number}", kind="rule")
        found.append(ids(library.find(("kafka", f"rule{number}"), brought=(own,))))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 16
    assert all(len({one for one in each if one.startswith("rule:")}) == 1 for each in found)


def test_five_hundred_pieces_cost_little() -> None:
    brought = tuple(
        piece(f"rule:{number}", f"rule{number} about go and memory of many services. " * 12, kind="rule")
        for number in range(500 - len(guidance()))
    )
    library = FtsLibrary()
    library.find(("warm",))
    best = min(_timed(lambda: library.find(("Go", "gin", "memory"), brought=brought)) for _ in range(8))
    assert best < 0.02 * 3, "seconds; three times the goal, because the machine is shared"


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@given(st.text(st.characters(exclude_categories=()), max_size=2_000))
def test_a_cut_text_is_one_line_of_at_most_so_many_characters(text: str) -> None:
    short = cut(text)
    assert len(short) <= LONGEST
    assert short.isprintable() or "\n" not in short
    assert cut(short) == short


def test_words_that_say_nothing_are_left_out() -> None:
    assert words_of(("How many of the Gin pods?", "gin", "Node.js")) == ("many", "gin", "pods", "nodejs")
