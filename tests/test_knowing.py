"""``ai-provision knowledge``: a page or a file becomes sections that plans can cite, and never a secret."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from bot import knowing
from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.edges.library import FtsLibrary, pages_of
from bot.edges.page import LARGEST, FetchedPage
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.knowing import KnownPage
from bot.settings import Settings

URL = "https://docs.example.org/guide.html"
HTML = """<!DOCTYPE html><title>Sizing of quokkas</title><script>var password = "hunter2hunter2"</script>
<h1>Quokka</h1><p>A quokka needs <b>two cores</b> &amp; 1 GiB.</p><h2>Memory</h2><ul><li>one<li>two</ul>"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path / 'ledger.sqlite'}")


def html(text: str = HTML, media: str = "text/html") -> knowing.Read:
    return lambda url: FetchedPage(url=url, media=media, text=text)


def known(page: KnownPage | Refusal) -> KnownPage:
    assert isinstance(page, KnownPage), page
    return page


def refused(page: object) -> Refusal:
    assert isinstance(page, Refusal)
    return page


def texts(settings: Settings) -> list[tuple[str, str, str]]:
    with open_ledger(settings.database_url, clock=RealClock()) as ledger:
        return sorted((one.id, one.title, one.text) for one in ledger.lessons(kind="page"))


def test_a_page_is_kept_in_sections_and_found_by_the_library(settings: Settings) -> None:
    page = known(knowing.add(settings, URL, read=html()))
    assert (page.title, page.source, page.sections) == ("Sizing of quokkas", URL, 2)
    assert texts(settings) == [
        (f"{page.id}#1", "Quokka", "A quokka needs two cores & 1 GiB."),
        (f"{page.id}#2", "Memory", "- one - two"),
    ]
    with open_ledger(settings.database_url, clock=RealClock()) as ledger:
        [found] = FtsLibrary(pages=pages_of(ledger)).find(("quokka",))
    assert (found.source_id, found.kind) == (f"{page.id}#1", "page")


def test_the_same_page_again_replaces_it(settings: Settings) -> None:
    first = known(knowing.add(settings, URL, read=html()))
    again = known(knowing.add(settings, URL, read=html("<h1>New</h1>only one")))
    assert again.id == first.id
    assert [text for _, _, text in texts(settings)] == ["only one"]


def test_pages_are_listed_and_removed(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "rules.md"
    file.write_text("# Our rules\n\nAlways three replicas.\n\n## Memory\n\nAt least 256Mi.\n", encoding="utf-8")
    page, own = known(knowing.add(settings, URL, read=html())), known(knowing.add(settings, str(file)))
    listed = knowing.listing(settings)
    assert not isinstance(listed, Refusal)
    assert {one.id: one.sections for one in listed} == {page.id: 2, own.id: 2}
    assert own.title == "Our rules"
    assert known(knowing.remove(settings, page.id)).id == page.id
    assert knowing.listing(settings) == (own,)
    for id_ in (page.id, "page:%", f"{own.id}#1", ""):
        assert refused(knowing.remove(settings, id_)).code is Code.SYNTAX
    assert knowing.listing(settings) == (own,)


@pytest.mark.parametrize(
    "line",
    [
        "token ghp_0123456789012345678901234567890123456789",
        "DB_PASSWORD=hunter2hunter2",
        "postgres://ada:hunter2hunter2@db/shop",
        "-----BEGIN RSA PRIVATE KEY-----",
        "x" * 5_000 + " AKIA0123456789ABCDEF",
    ],
)
@pytest.mark.parametrize("media", ["text/html", "text/markdown"])
def test_p08_a_page_with_a_secret_is_refused_without_it(settings: Settings, line: str, media: str) -> None:
    refusal = refused(knowing.add(settings, URL, read=html(f"fine\n\n{line}\n\nfine", media)))
    assert "secret" in refusal.message
    assert not {"hunter2", "AKIA", "ghp_"} & {word[:7] for word in f"{refusal}".replace("'", " ").split()}
    assert texts(settings) == []


def test_an_address_with_a_secret_is_not_even_asked_for(settings: Settings) -> None:
    def never(_url: str) -> FetchedPage:
        raise AssertionError("read")

    refusal = refused(knowing.add(settings, f"{URL}?access_token=hunter2hunter2", read=never))
    assert "hunter2" not in f"{refusal}"


@pytest.mark.parametrize(
    "stop", [Refused(Refusal(code=Code.TLS, message="m", remedy="r")), Unavailable(Code.INTERNAL, "m", remedy="r")]
)
def test_what_cannot_be_read_is_a_value(settings: Settings, stop: Exception) -> None:
    def fail(_url: str) -> FetchedPage:
        raise stop

    assert refused(knowing.add(settings, URL, read=fail)).message == "m"


@pytest.mark.parametrize(
    "url", ["http://docs.example.org/", "file:///etc/passwd", "https://127.0.0.1/", "https://localhost/x"]
)
def test_the_real_reader_refuses_what_is_not_public(settings: Settings, url: str) -> None:
    assert refused(knowing.add(settings, url)).code is Code.SYNTAX
    assert texts(settings) == []


@pytest.mark.parametrize("text", ["", "   \n\n", "<script>only()</script>", "<!-- a -->"])
def test_a_page_without_words_is_refused(settings: Settings, text: str) -> None:
    assert "no text" in refused(knowing.add(settings, URL, read=html(text))).message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", b"%PDF", "by its name"),
        ("a.md", b"\xff\xfe\x00", "UTF-8"),
        ("a.md", b"nul \0 byte", "UTF-8"),
        ("a.md", b"x" * (LARGEST + 1), "larger"),
    ],
)
def test_a_file_that_cannot_be_used(settings: Settings, tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert words in refused(knowing.add(settings, str(tmp_path / name))).message


@pytest.mark.parametrize("name", ["absent.md", "folder.md", "pipe.md", "nul\0.md"])
def test_a_path_that_is_no_file(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    assert "cannot be read" in refused(knowing.add(settings, str(tmp_path / name))).message


def test_text_of_every_kind_can_be_kept(settings: Settings) -> None:
    page = known(knowing.add(settings, URL, read=html("# A\x00B\x1b[31m\n\nC\ud800D \u202e 🙂\r\nE", "text/markdown")))
    assert texts(settings) == [(f"{page.id}#1", "A B [31m", "C D \u202e 🙂 E")]


def test_a_database_that_cannot_be_opened_is_a_value(tmp_path: Path) -> None:
    wrong = Settings(database_url=f"sqlite:///{tmp_path}")
    for answer in (knowing.add(wrong, URL, read=html()), knowing.listing(wrong), knowing.remove(wrong, "page:0")):
        assert refused(answer).code is Code.CONFIG


def test_the_database_holds_what_was_added_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    knowing.add(settings, URL, read=html())
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        rows = connection.execute("SELECT kind, repo, app, data FROM aip_lessons").fetchall()
    assert set(rows) == {("page", None, None, f'{{"source": "{URL}", "title": "Sizing of quokkas"}}')}
