"""What models may cost: per command, per day, in tokens, money and seconds; and five failures in a row."""

from __future__ import annotations

import tracemalloc
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from bot.edges.model import Pace
from bot.edges.model.faults import tokens
from bot.edges.model.party import party
from bot.edges.model.tally import price
from bot.emulators.models import Asked, Call, Failure, ModelServer
from bot.errors import Code, Unavailable
from bot.model.consultation import Allowance, PlannerAnswer, Spent
from bot.model.noun import JsonValue
from bot.settings import Settings
from tests.edges.counsel_contract import Words, tool
from tests.edges.model_kit import PROVIDERS, Naps, Purse, counsel, question, settings
from tests.fakes.clock import StoppedClock

GOOD: dict[str, JsonValue] = {"confidence": 0.9}


class LostPurse:
    """Records that cannot be reached."""

    def spent_today(self, now: datetime) -> Spent:
        raise Unavailable(Code.INTERNAL, "The database is away.", remedy="Wait.")

    def spend(self, spent: Spent, now: datetime) -> None:
        raise Unavailable(Code.INTERNAL, "The database is away.", remedy="Wait.")


class ReadOnlyPurse(LostPurse):
    """Records that can be read only."""

    def spent_today(self, now: datetime) -> Spent:
        return Spent()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_spent_is_told_and_kept_also_for_tries_that_failed(provider: str) -> None:
    purse = Purse()
    with ModelServer({"planner": [Failure("prose"), Failure("500"), Failure("prose")]}) as server:
        reply = counsel(settings(provider, server), spending=purse).ask(
            question(), PlannerAnswer, allowance=Allowance()
        )
    sizes = [len(asked.text) // 4 for asked in server.asked]
    assert len(sizes) == 3
    assert (reply.spent.calls, reply.spent.input_tokens) == (3, sizes[0] + sizes[2])
    assert reply.spent.output_tokens > 0
    assert purse.day == reply.spent
    assert (reply.spent.money is None) == (provider == "ollama")
    assert provider == "ollama" or (reply.spent.money or 0) > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_question_that_is_larger_than_the_tokens_left_is_not_sent(provider: str) -> None:
    with ModelServer({"planner": [GOOD]}) as server:
        reply = counsel(settings(provider, server)).ask(question(), PlannerAnswer, allowance=Allowance(tokens=50))
    assert reply.fault is not None
    assert (reply.fault.kind, server.asked, reply.spent) == ("budget", [], Spent(seconds=reply.spent.seconds))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tools_stop_when_the_tokens_are_used_up(provider: str) -> None:
    heard: list[Words] = []
    with ModelServer({"planner": [Call("retrieve", {"words": ["x"]})]}) as server:
        reply = counsel(settings(provider, server)).ask(
            question(), PlannerAnswer, allowance=Allowance(tokens=4_000), tools=(tool(heard),)
        )
    assert reply.fault is not None
    assert reply.fault.kind == "budget"
    assert 1 <= len(server.asked) <= 4
    assert reply.spent.input_tokens + reply.spent.output_tokens <= 4_000


@pytest.mark.parametrize("provider", ["google", "openai"])
def test_money_per_command_is_a_bound(provider: str) -> None:
    with ModelServer({"planner": [GOOD]}) as server:
        asked = counsel(settings(provider, server))
        poor = asked.ask(question(), PlannerAnswer, allowance=Allowance(money=0.000_01))
        rich = asked.ask(question(), PlannerAnswer, allowance=Allowance(money=1.0))
    assert poor.fault is not None
    assert (poor.fault.kind, poor.spent.calls) == ("budget", 0)
    assert rich.fault is None


@pytest.mark.parametrize(
    ("limit", "before", "kind"),
    [
        pytest.param(
            {"model_daily_tokens": 10_000}, Spent(input_tokens=9_000, output_tokens=1_000), "budget", id="tokens"
        ),
        pytest.param({"model_daily_tokens": 0}, Spent(), "budget", id="no-tokens"),
        pytest.param({"model_daily_tokens": 10_000}, Spent(input_tokens=9_950), "budget", id="too-few-tokens"),
        pytest.param({"model_daily_tokens": None}, Spent(input_tokens=10**9), None, id="without-a-bound"),
        pytest.param({"model_daily_money": 2.0}, Spent(money=2.5), "budget", id="money"),
        pytest.param({"model_daily_money": 0.0}, Spent(), "budget", id="no-money"),
        pytest.param({"model_daily_money": 2.0}, Spent(money=0.5), None, id="money-left"),
    ],
)
def test_the_day_has_a_budget(limit: dict[str, object], before: Spent, kind: str | None) -> None:
    with ModelServer({"planner": [GOOD]}) as server:
        reply = counsel(settings("openai", server, **limit), spending=Purse(before)).ask(
            question(), PlannerAnswer, allowance=Allowance()
        )
    assert (reply.fault.kind if reply.fault else None) == kind
    assert len(server.asked) == (0 if kind else 1)


def test_records_that_cannot_be_read_mean_no_question() -> None:
    with ModelServer({"planner": [GOOD]}) as server, capture_logs() as logs:
        reply = counsel(settings("openai", server), spending=LostPurse()).ask(
            question(), PlannerAnswer, allowance=Allowance()
        )
    assert reply.fault is not None
    assert (reply.fault.kind, server.asked) == ("budget", [])
    assert [log["event"] for log in logs] == ["model_spending_unreadable"]


def test_records_that_cannot_be_written_do_not_lose_the_answer() -> None:
    with ModelServer({"planner": [GOOD]}) as server, capture_logs() as logs:
        reply = counsel(settings("openai", server), spending=ReadOnlyPurse()).ask(
            question(), PlannerAnswer, allowance=Allowance()
        )
    assert reply.answer == PlannerAnswer(confidence=0.9)
    assert [log["event"] for log in logs] == ["model_spending_unwritten"]


def test_prices_come_from_the_list_and_unknown_models_have_none() -> None:
    assert price(party("google:gemini-2.5-pro", Settings()), 1_000_000, 0) is not None
    assert price(party("openai:gpt-4o", Settings()), 1_000, 1_000) == pytest.approx(0.0125)
    assert price(party("openai:nobody-knows-this", Settings()), 1_000, 1_000) is None
    assert price(party("ollama:gpt-4o", Settings()), 1_000, 1_000) is None


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        (b'{"usage": {"prompt_tokens": 3, "completion_tokens": 4}}', (3, 4)),
        (b'{"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 5}}', (3, 9)),
        (b'{"usageMetadata": {"promptTokenCount": 3, "toolUsePromptTokenCount": 2}}', (5, 0)),
        (b'{"usage": {"prompt_tokens": -5, "completion_tokens": "many"}}', (0, 0)),
        (b'{"usage": {"prompt_tokens": 1e308, "completion_tokens": NaN}}', (10_000_000, 0)),
        (b'{"usage": {"prompt_tokens": true, "completion_tokens": Infinity}}', (0, 0)),
        (b'{"usage": [1]}', (0, 0)),
        (b"{}", (0, 0)),
        (b"[]", None),
        (b"<html>", None),
        (b"", None),
        (b"[" * 100_000, None),
        (b"\xff\xfe", None),
    ],
)
def test_whatever_a_server_counts_is_whole_positive_and_bounded(body: bytes, counted: tuple[int, int] | None) -> None:
    assert tokens(body) == counted


def test_ten_megabytes_are_not_held() -> None:
    with ModelServer({"planner": [GOOD, Failure("large")]}) as server:
        asked = counsel(settings("openai", server))
        asked.ask(question(), PlannerAnswer, allowance=Allowance())
        tracemalloc.start()
        try:
            reply = asked.ask(question(), PlannerAnswer, allowance=Allowance())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert reply.fault is not None
    assert peak < 6_000_000


# The circuit breaker


@pytest.mark.parametrize("mode", ["refuse", "500"])
def test_after_five_failures_in_a_row_a_model_is_left_alone_for_a_minute(mode: str) -> None:
    clock = StoppedClock()
    with ModelServer({"planner": [Failure(mode)]}) as server:  # type: ignore[arg-type]
        asked = counsel(settings("openai", server), clock=clock)
        faults = [asked.ask(question(), PlannerAnswer, allowance=Allowance()).fault for _ in range(5)]
        assert len(server.asked) == 15
        again = asked.ask(question(), PlannerAnswer, allowance=Allowance())
        assert (again.fault, again.spent, len(server.asked)) == (faults[-1], Spent(), 15)
        clock.sleep(59)
        asked.ask(question(), PlannerAnswer, allowance=Allowance())
        assert len(server.asked) == 15
        clock.sleep(1)
        asked.ask(question(), PlannerAnswer, allowance=Allowance())
        assert len(server.asked) == 18
        asked.ask(question(), PlannerAnswer, allowance=Allowance())
        assert len(server.asked) == 18
        server.script["planner"] = [GOOD]
        clock.sleep(60)
        assert asked.ask(question(), PlannerAnswer, allowance=Allowance()).fault is None
        server.script["planner"] = [Failure("500")]
        for _ in range(2):
            asked.ask(question(), PlannerAnswer, allowance=Allowance())
        assert len(server.asked) == 25


@pytest.mark.parametrize("mode", ["prose", "key", "rate"])
def test_other_faults_do_not_open_it(mode: str) -> None:
    with ModelServer({"planner": [Failure(mode)]}) as server:  # type: ignore[arg-type]
        asked = counsel(settings("openai", server))
        for _ in range(6):
            asked.ask(question(), PlannerAnswer, allowance=Allowance())
        calls = {"prose": 2, "key": 1, "rate": 3}[mode]
        assert len(server.asked) == 6 * calls


def test_each_model_has_its_own_breaker() -> None:
    def by_model(asked: Asked) -> Failure | dict[str, JsonValue]:
        return Failure("500") if asked.model == "gpt-4o" else GOOD

    with ModelServer({"*": [by_model]}) as server:
        asked = counsel(settings("openai", server, model_collector="openai:gpt-4o-mini"), pace=Pace(sleep=Naps()))
        for _ in range(6):
            asked.ask(question("planner"), PlannerAnswer, allowance=Allowance())
        assert asked.ask(question("planner"), PlannerAnswer, allowance=Allowance()).spent.calls == 0
        assert asked.ask(question("collector"), PlannerAnswer, allowance=Allowance()).fault is None
