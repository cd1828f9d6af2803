"""The harnesses of fuzz/ on their own seeds, so that they keep up with the code; the fuzzer itself is run by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fuzz import run, targets
from fuzz.targets import HARNESSES, Surprise
from tests.running.deployed import ROOT

SEEDS = [path for path in sorted((ROOT / "fuzz" / "seeds").rglob("*")) if path.is_file()]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_seed_is_read_without_surprise(seed: Path) -> None:
    HARNESSES[seed.parent.name](seed.read_bytes())


@pytest.mark.parametrize("name", HARNESSES)
def test_every_harness_has_seeds_and_words_and_stands_the_usual_dirt(name: str) -> None:
    assert len([seed for seed in SEEDS if seed.parent.name == name]) >= 3
    words = (ROOT / "fuzz" / "dictionaries" / f"{name}.txt").read_text().splitlines()
    assert all(re.fullmatch(r'"(?:[^"\\]|\\["\\]|\\x[0-9a-f]{2})+"', word) for word in words)
    for dirt in (b"", b"\x00", b"\xff\xfe", b"{" * 3_000, b"[" * 4_000, b"- " * 2_000, b"\xed\xa0\x80", b"9" * 4_096):
        HARNESSES[name](dirt)


def test_a_broken_promise_is_a_crash() -> None:
    with pytest.raises(Surprise):
        targets._demand(False, "a promise")


def test_the_runner_explains_itself_and_the_fuzzer_is_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([]) == 2
    assert run.main(["60", "nonsense"]) == 2
    assert "usage" in capsys.readouterr().err
    assert re.search(r"^atheris==\S+ \\\n    --hash=sha256:[0-9a-f]{64}$", run.LOCK.read_text(), re.MULTILINE)


def test_the_counts_are_published_for_every_harness() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \|$", page.split("## Fuzzing")[1], re.MULTILINE))
    assert set(rows) == set(HARNESSES)
    assert all(int(count.replace(",", "")) > 1_000 for count in rows.values())
