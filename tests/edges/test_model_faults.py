"""L06, and the LLM column of the fault matrix: every failure of every provider is a fault, in time, without a leak."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.counsel import Tool
from bot.edges.model import Pace
from bot.edges.model.faults import judge
from bot.emulators.certificate import self_signed
from bot.emulators.models import Call, Failure, ModelServer, Step
from bot.model.consultation import Allowance, FaultKind, PlannerAnswer, Reply
from bot.model.noun import JsonValue, Noun
from tests.edges.counsel_contract import Words
from tests.edges.model_kit import KEY, PROVIDERS, Naps, counsel, no_thread_left, question, settings

GOOD: dict[str, JsonValue] = {"confidence": 0.9}
ROOTS = {"google": "", "openai": "/v1", "ollama": "/ollama"}
OURS = ("10.9.8.7", "127.0.0.1", KEY, "says no", "Sign in", "rm -rf")

CASES: list[tuple[str, Failure, FaultKind, int]] = [
    ("refused", Failure("refuse"), "unreachable", 3),
    ("429 without a time", Failure("rate"), "rate", 3),
    ("429 with a short time", Failure("rate", 7), "rate", 3),
    ("429 with a long time", Failure("rate", 31), "rate", 1),
    ("402", Failure("quota"), "quota", 1),
    ("500", Failure("500"), "server", 3),
    ("503", Failure("503"), "server", 3),
    ("529", Failure("529"), "server", 3),
    ("502 with HTML", Failure("html"), "server", 3),
    ("a redirect", Failure("redirect"), "server", 1),
    ("HTML with 200", Failure("page"), "malformed", 2),
    ("a body that breaks off", Failure("cut"), "malformed", 2),
    ("10 MB", Failure("large"), "malformed", 1),
    ("compressed unasked", Failure("gzip"), "malformed", 1),
    ("a wrong key", Failure("key"), "auth", 1),
    ("a wrong model name", Failure("model"), "unknown-model", 1),
    ("a form that is refused", Failure("form"), "malformed", 2),
    ("blocked", Failure("blocked"), "blocked", 1),
    ("prose", Failure("prose"), "malformed", 2),
    ("two answers", Failure("two"), "malformed", 2),
    ("truncated JSON", Failure("truncated"), "malformed", 2),
    ("nothing", Failure("empty"), "malformed", 2),
    ("another schema", Failure("wrong"), "malformed", 2),
]


def ask(
    provider: str, *said: Step, pace: Pace | None = None, allowance: Allowance | None = None
) -> tuple[Reply[PlannerAnswer], ModelServer]:
    with ModelServer({"planner": said}) as server:
        asked = counsel(settings(provider, server), pace=pace)
        return asked.ask(question(), PlannerAnswer, allowance=allowance or Allowance(seconds=60)), server


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("failure", "kind", "calls"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_l06_a_failure_becomes_a_fault_after_as_many_calls_as_the_matrix_says(
    provider: str, failure: Failure, kind: FaultKind, calls: int
) -> None:
    begun = time.monotonic()
    with no_thread_left(), capture_logs() as logs:
        reply, server = ask(provider, failure)
    assert reply.answer is None
    assert reply.fault is not None
    assert (reply.fault.kind, len(server.asked), reply.spent.calls) == (kind, calls, calls)
    shown = f"{reply!r} {reply.model_dump_json()} {logs}"
    assert not [word for word in OURS if word in shown]
    assert [log["event"] for log in logs] == ["model_fault"]
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("failure", ["refuse", "rate", "500", "503", "529", "html", "page", "cut", "prose", "wrong"])
def test_an_answer_after_a_failure_is_taken(provider: str, failure: str) -> None:
    reply, server = ask(provider, Failure(failure), GOOD)  # type: ignore[arg-type]
    assert (reply.answer, reply.fault) == (PlannerAnswer(confidence=0.9), None)
    assert len(server.asked) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l01_a_code_fence_is_forgiven(provider: str) -> None:
    reply, server = ask(provider, Failure("fence"))
    assert (reply.answer, len(server.asked)) == (PlannerAnswer(confidence=0.5), 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_time_that_the_server_names_is_waited(provider: str) -> None:
    naps = Naps()
    reply, _ = ask(provider, Failure("rate", 7), Failure("rate", 9), GOOD, pace=Pace(sleep=naps))
    assert naps.slept == [7.0, 9.0]
    assert reply.answer is not None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_waits_never_add_up_to_more_than_half_a_minute(provider: str) -> None:
    naps = Naps()
    reply, server = ask(provider, Failure("rate", 16), pace=Pace(sleep=naps))
    assert (naps.slept, len(server.asked)) == ([16.0], 2)
    assert reply.fault is not None
    assert reply.fault.kind == "rate"


def test_a_wait_that_does_not_fit_the_allowance_is_not_begun() -> None:
    naps = Naps()
    _, server = ask("openai", Failure("rate", 12), pace=Pace(sleep=naps), allowance=Allowance(seconds=10))
    assert (naps.slept, len(server.asked)) == ([], 1)


def test_repeats_wait_with_full_jitter() -> None:
    naps = Naps()
    ask("google", Failure("500"), pace=Pace(sleep=naps, chance=lambda: 0.5))
    assert naps.slept == [0.5, 1.0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l06_a_silent_server_is_asked_twice_and_never_waited_for_beyond_the_allowance(provider: str) -> None:
    begun = time.monotonic()
    with no_thread_left():
        eager = Pace(sleep=Naps(), chance=lambda: 0.0)
        reply, server = ask(provider, Failure("hang"), pace=eager, allowance=Allowance(seconds=1.2))
    assert reply.fault is not None
    assert (reply.fault.kind, len(server.asked)) == ("timeout", 2)
    assert time.monotonic() - begun < 2
    assert 1.0 < reply.spent.seconds < 1.5


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l06_a_drip_that_never_pauses_ends_with_the_allowance(provider: str) -> None:
    begun = time.monotonic()
    with no_thread_left():
        reply, server = ask(provider, Failure("drip", 0.05), allowance=Allowance(seconds=1.0))
    assert reply.fault is not None
    assert (reply.fault.kind, len(server.asked)) == ("timeout", 1)
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l06_a_drip_that_pauses_ends_with_the_pause(provider: str) -> None:
    begun = time.monotonic()
    reply, server = ask(provider, Failure("drip", 20), pace=Pace(idle=0.3, sleep=Naps()))
    assert reply.fault is not None
    assert (reply.fault.kind, len(server.asked)) == ("timeout", 1)
    assert time.monotonic() - begun < 5


def test_a_tool_that_hangs_is_not_waited_for_beyond_the_allowance() -> None:
    released = threading.Event()

    def stuck(arguments: Noun) -> JsonValue:
        released.wait(20)
        return None

    hanging = Tool(name="retrieve", description="Hangs.", parameters=Words, run=stuck)
    with no_thread_left(), ModelServer({"planner": [Call("retrieve", {"words": ["x"]}), GOOD]}) as server:
        begun = time.monotonic()
        reply = counsel(settings("openai", server)).ask(
            question(), PlannerAnswer, allowance=Allowance(seconds=1), tools=(hanging,)
        )
        took = time.monotonic() - begun
        released.set()
    assert reply.fault is not None
    assert reply.fault.kind == "timeout"
    assert took < 1.8


@given(
    st.text(max_size=40)
    | st.integers().map(str)
    | st.sampled_from(["nan", "1e9", "-1", "Wed, 21 Oct 2099 07:28:00 GMT"])
)
def test_whatever_stands_in_retry_after_is_seconds_or_nothing(said: str) -> None:
    trouble = judge(429, {"retry-after": said}, b"{}", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert trouble is not None
    assert trouble.kind == "rate"
    assert trouble.wait is None or trouble.wait >= 0


@given(st.integers(100, 999), st.binary(max_size=300))
def test_every_status_but_success_is_a_trouble(status: int, body: bytes) -> None:
    trouble = judge(status, {}, body, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert (trouble is None) == (200 <= status < 300)


def test_a_429_that_waiting_does_not_mend_is_a_quota() -> None:
    for body in (b'{"error": {"code": "insufficient_quota"}}', b'{"quotaId": "GenerateRequestsPerDayPerProject"}'):
        trouble = judge(429, {"retry-after": "1"}, body, now=datetime(2026, 1, 1, tzinfo=UTC))
        assert trouble is not None
        assert (trouble.kind, trouble.retries) == ("quota", 0)


def nobody() -> str:
    """An address on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def reachable_only_as(url: str, provider: str) -> Iterator[Callable[[], Reply[PlannerAnswer]]]:
    address = {"google": "google_base_url", "openai": "openai_base_url", "ollama": "ollama_base_url"}[provider]
    asked = counsel(settings(provider, **{address: url}))
    yield lambda: asked.ask(question(), PlannerAnswer, allowance=Allowance(seconds=20))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l06_nobody_listens(provider: str) -> None:
    with reachable_only_as(nobody(), provider) as go:
        reply = go()
    assert reply.fault is not None
    assert (reply.fault.kind, reply.spent.calls) == ("unreachable", 3)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l06_a_name_that_nobody_knows(provider: str) -> None:
    with reachable_only_as("https://model.invalid", provider) as go:
        reply = go()
    assert reply.fault is not None
    assert (reply.fault.kind, reply.spent.calls) == ("unreachable", 3)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l06_a_server_without_tls_behind_https_is_not_trusted(provider: str) -> None:
    with ModelServer({"planner": [GOOD]}) as server:
        with reachable_only_as(server.url.replace("http:", "https:"), provider) as go:
            reply = go()
        assert server.asked == []
    assert reply.fault is not None
    assert (reply.fault.kind, reply.spent.calls) == ("tls", 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_l06_an_unknown_certificate_ends_it_at_once_and_a_named_authority_is_trusted(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = self_signed(tmp_path).chain
    with ModelServer({"planner": [GOOD]}, certificate=file) as server:
        with reachable_only_as(server.url + ROOTS[provider], provider) as go:
            stranger = go()
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        with reachable_only_as(server.url + ROOTS[provider], provider) as go:
            known = go()
    assert stranger.fault is not None
    assert (stranger.fault.kind, stranger.spent.calls) == ("tls", 1)
    assert "SSL_CERT_FILE" in stranger.fault.remedy
    assert (known.answer, known.fault) == (PlannerAnswer(confidence=0.9), None)
