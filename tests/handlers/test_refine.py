"""Row C06 for ``/ai-refine``: a wrong word names its key and shows a command that works."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal
from bot.handlers.grammar import parse_comment
from bot.handlers.refine import KEYS, unread
from bot.handlers.table import COMMANDS
from bot.model.command import Change, Refine
from bot.model.refinement import EXAMPLES, RULES, Refinement, merged


def parse(words: str) -> object:
    return parse_comment(f"/ai-refine {words}", hosts=("github.com",))


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("replicas=5 memory=1Gi", (Change(key="replicas", value="5"), Change(key="memory", value="1Gi"))),
        ("api.cpu=500m", (Change(key="cpu", value="500m", service="api"),)),
        ("  order-service.memory_limit=2Gi \t", (Change(key="memory_limit", value="2Gi", service="order-service"),)),
        ("cpu=1.5", (Change(key="cpu", value="1.5"),)),
        ("memory=1073741824", (Change(key="memory", value="1073741824"),)),
        (
            "api.replicas=3 replicas=5",
            (Change(key="replicas", value="3", service="api"), Change(key="replicas", value="5")),
        ),
    ],
)
def test_right_words_become_changes(words: str, changes: tuple[Change, ...]) -> None:
    assert parse(words) == Refine(changes=changes)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_rule_and_an_example_that_is_right(key: str) -> None:
    assert key in RULES
    assert parse(f"{key}={EXAMPLES[key]}") == Refine(changes=(Change(key=key, value=EXAMPLES[key]),))


WRONG = {
    "C06-unknown-key": ("colour=blue", "`colour`"),
    "C06-misspelt-key": ("replica=5", "did you mean `replicas`"),
    "C06-dashed-key": ("cpu-limit=2", "did you mean `cpu_limit`"),
    "C06-service-and-unknown": ("api.namespace=prod", "`api.namespace`"),
    "C06-missing-value": ("replicas=", "`replicas`"),
    "C06-duplicate-key": ("replicas=5 memory=1Gi replicas=6", "`replicas` stands there twice"),
    "C06-duplicate-of-a-service": ("api.cpu=1 api.cpu=1", "`api.cpu` stands there twice"),
    "C06-64kB": (f"memory={'1' * 65_536}", "`memory`"),
    "C06-many": (" ".join(f"s-{'x' * n}.cpu=1" for n in range(40)), "words"),
    "C06-shell": ("key=$(id)", "`key`"),
    "C06-shell-in-value": ("replicas=$(id)", "`replicas`"),
    "C06-backticks": ("replicas=`id`", "`replicas`"),
    "C06-flag": ("--flag", "`--flag`"),
    "C06-flag-behind": ("replicas=5 --force", "`--force`"),
    "C06-flag-with-value": ("--replicas=5", "did you mean `replicas`"),
    "C06-newline": ("memory=1\nGi", "`memory`"),
    "C06-newline-second-line": ("replicas=5\nmemory=1Gi", "`replicas`"),
    "C06-newline-prose": ("replicas=5\n\nthanks", "first line"),
    "C06-no-key": ("=5", "unknown key"),
    "C06-two-signs": ("replicas==5", "`replicas`"),
    "C06-list": ("replicas=5,memory=1Gi", "`replicas`"),
    "C06-nothing": ("", "names no key"),
    "C06-bidi": ("re\u202eplicas=5", "unknown key"),
    "C06-zero": ("replicas=0", "`replicas`"),
    "C06-negative": ("replicas=-1", "`replicas`"),
    "C06-fraction": ("replicas=2.5", "`replicas`"),
    "C06-huge": ("max=1000000000", "`max`"),
    "C06-other-digits": ("replicas=\u0665", "`replicas`"),
    "C06-percent": ("target=70%", "`target`"),
    "C06-over-100": ("target=101", "`target`"),
    "C06-500-cores": ("cpu=500", "500m is half a core"),
    "C06-below-a-milli": ("cpu=0.5m", "`cpu`"),
    "C06-bananas": ("cpu=4bananas", "`cpu`"),
    "C06-no-unit": ("memory=512", "with its unit"),
    "C06-MB": ("memory=512MB", "`memory`"),
    "C06-exponent": ("memory=1e99", "`memory`"),
    "C06-minus-memory": ("memory=-1Gi", "`memory`"),
    "C06-nan": ("cpu=NaN", "`cpu`"),
    "C06-null": ("storage=null", "`storage`"),
    "C06-words-below": ("more memory\nfor api", "first line"),
    "C06-words-too-long": ("more " * 201, "1,000"),
    "C06-words-invisible": ("more\u202e memory", "invisible"),
    "C06-words-and-flag": ("replicas=5 please --force", "`please`"),
}


@pytest.mark.parametrize(("words", "names"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_names_the_key_and_shows_the_right_form(words: str, names: str) -> None:
    refusal = parse(words)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.code == "syntax"
    assert names in refusal.message
    assert len(refusal.message) < 300
    assert isinstance(parse_comment(refusal.example or "", hosts=()), Refine)


def test_what_was_right_is_kept_in_the_example() -> None:
    refusal = parse("replicas=7 api.cpu=lots colour=blue")
    assert isinstance(refusal, Refusal)
    assert refusal.example == "/ai-refine replicas=7 api.cpu=500m"


@pytest.mark.parametrize(
    "words", ["a bit more memory please", "replicas=5 please", "give api 512 MB", "`/ai-destroy shop`", "-50 % cpu"]
)
def test_plain_words_are_kept_for_a_model(words: str) -> None:
    assert parse(f" {words}\t ") == Refine(changes=(), words=words)
    assert Refine.model_validate_json('{"verb": "refine", "changes": []}').words == "", "as an older version stored it"


def test_plain_words_without_a_model_are_told_how_to_write_them() -> None:
    refusal = unread("a bit more memory please")
    assert (refusal.code, refusal.example) == ("syntax", "/ai-refine replicas=5 memory=1Gi")
    assert "language model" in refusal.message
    assert "key=value" in refusal.remedy


def test_a_word_among_keys_is_named_without_a_model_and_the_rest_is_kept() -> None:
    refusal = unread("replicas=5 please")
    assert "`please` is no key=value" in refusal.message
    assert refusal.example == "/ai-refine replicas=5"


@pytest.mark.parametrize(
    "words", ["token=CANARY", "replicas=CANARY", "replicas=5 CANARY-123", "cpu=1 https://x:CANARY@y/", "CANARY_1=5"[7:]]
)
def test_what_may_be_secret_is_not_repeated(words: str) -> None:
    command = parse(words)
    refusal = unread(command.words) if isinstance(command, Refine) else command
    assert isinstance(refusal, Refusal)
    assert "CANARY" not in refusal.model_dump_json()


@given(st.text(max_size=200), st.sampled_from(KEYS))
def test_any_words_are_changes_or_a_refusal_with_a_right_example(text: str, key: str) -> None:
    for words in (text, f"{key}={text}", f"replicas=5 {text}"):
        result = parse(words)
        assert isinstance(result, Refine | Refusal)
        if isinstance(result, Refine) and result.words:
            assert (result.changes, result.words.isprintable(), len(result.words) <= 1_000) == ((), True, True)
            result = unread(result.words)
        if isinstance(result, Refusal):
            assert isinstance(parse_comment(result.example or "", hosts=()), Refine)
            continue
        for change in result.changes:
            assert Refinement.of(change, asked_in=None).key == change.key


def asked(words: str) -> tuple[Refinement, ...]:
    command = parse(words)
    assert isinstance(command, Refine), command
    return tuple(Refinement.of(change, asked_in=None) for change in command.changes)


@pytest.mark.parametrize(
    ("earlier", "later", "together"),
    [
        ("replicas=5", "memory=1Gi", "replicas=5 memory=1Gi"),
        ("replicas=5 memory=1Gi", "replicas=3", "memory=1Gi replicas=3"),
        ("replicas=5", "api.replicas=3", "replicas=5 api.replicas=3"),
        ("api.replicas=5 web.replicas=2 cpu=1", "replicas=3", "cpu=1 replicas=3"),
        ("api.cpu=1", "web.cpu=1", "api.cpu=1 web.cpu=1"),
    ],
)
def test_a_second_command_adds_and_overrides(earlier: str, later: str, together: str) -> None:
    assert merged(asked(earlier), asked(later)) == asked(together)


def test_the_table_offers_it_and_it_takes_its_thread() -> None:
    [spec] = [spec for spec in COMMANDS if spec.name == "/ai-refine"]
    assert (spec.available, spec.immediate, spec.remembers) == (True, False, False)
    assert isinstance(parse_comment(spec.usage, hosts=()), Refine)
