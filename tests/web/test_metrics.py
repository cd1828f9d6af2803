"""One page for Prometheus: valid, complete, and without people's words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from bot.errors import Code, Unavailable
from bot.meters import Facts, Meters, merged
from bot.model.job import Answered, Backlog, WorkerRow
from bot.model.outcome import Published
from tests.daily import searched
from tests.fakes.ledger import MemoryLedger
from tests.web.kit import NOW, PATH, app, job, signed

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]
DOCUMENTED = {
    "ai_provision_webhooks", "ai_provision_ack_seconds", "ai_provision_step_seconds", "ai_provision_parked_seconds",
    "ai_provision_github_calls", "ai_provision_github_budget_remaining", "ai_provision_recovered",
    "ai_provision_events_waiting", "ai_provision_event_age_seconds", "ai_provision_commands_waiting",
    "ai_provision_command_age_seconds", "ai_provision_commands", "ai_provision_feedback", "ai_provision_workers",
    "ai_provision_ledger_up",
}  # fmt: skip


def values(text: str) -> Values:
    return {
        (sample.name.removeprefix("ai_provision_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def worker(name: str, *, age: float = 0, metrics: str | None = None) -> WorkerRow:
    meters = Meters()
    meters.step("publish", 1.5)
    meters.waited("publish", 30)
    meters.github_call("200")
    meters.budget("4711", 4321)
    meters.recovered(2)
    text = meters.text() if metrics is None else metrics
    return WorkerRow(id=name, version="1", seen_at=NOW - timedelta(seconds=age), metrics=text)


def facts(**changes: object) -> Facts:
    backlog = Backlog(events=3, event_age=1.5, commands=4, command_age=2.5)
    return Facts(**{"backlog": backlog, "outcomes": {}, "thumbs": {}, "now": NOW, **changes})  # type: ignore[arg-type]


def test_the_page_of_a_server_with_two_workers() -> None:
    ledger = MemoryLedger(now=lambda: NOW)
    ledger.report(worker("w-1"))
    ledger.report(worker("w-2", age=90))
    ended = job(1, state="ended", published=Published(kind="refused", code="capacity"))
    ledger.jobs.update({ended.id: ended, job(2).id: job(2)})
    for login in ("ada", "bob"):
        ledger.feedback(Answered(job=ended.id, login=login, value="up", at=NOW))
    client = TestClient(app(ledger))
    client.post(PATH, content=b"{}", headers=signed(b"{}"))

    reply = client.get("/metrics")

    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    seen = values(reply.text)
    outcome = (("code", "capacity"), ("command", "/ai-provision"), ("kind", "refused"))
    for name in ("w-1", "w-2"):
        assert seen["step_seconds_sum", (("step", "publish"), ("worker", name))] == 1.5
        assert seen["parked_seconds_total", (("step", "publish"), ("worker", name))] == 30
        assert seen["github_calls_total", (("outcome", "200"), ("worker", name))] == 1
        assert seen["github_budget_remaining", (("installation", "4711"), ("worker", name))] == 4321
        assert seen["recovered_total", (("worker", name),)] == 2
    assert seen["webhooks_total", (("result", "stored"),)] == 1
    assert seen["ack_seconds_count", ()] == 1
    assert seen["commands_total", outcome] == 1
    assert (seen["events_waiting", ()], seen["commands_waiting", ()], seen["workers", ()]) == (1, 1, 1)
    assert (seen["feedback_total", (("value", "up"),)], seen["feedback_total", (("value", "down"),)]) == (2, 0)
    assert seen["ledger_up", ()] == 1


def test_every_documented_family_stands_once_with_help_and_type() -> None:
    lines = merged(Meters(), [worker("w-1"), worker("w-2")], facts()).splitlines()
    for mark in ("# HELP ", "# TYPE "):
        names = [line.removeprefix(mark).split()[0].removesuffix("_total") for line in lines if line.startswith(mark)]
        assert sorted(names) == sorted(DOCUMENTED)


def test_samples_of_one_family_stand_together() -> None:
    families = list(text_string_to_metric_families(merged(Meters(), [worker("a"), worker("b")], facts())))
    assert len({family.name for family in families}) == len(families)
    assert not [sample for family in families for sample in family.samples if sample.name.endswith("_created")]


def test_while_the_ledger_is_down_the_own_counters_stay() -> None:
    ledger = MemoryLedger(stop=Unavailable(Code.INTERNAL, "down", remedy="Look."))
    client = TestClient(app(ledger))
    client.post(PATH, content=b"{}", headers=signed(b"{}"))
    seen = values(client.get("/metrics").text)
    assert (seen["webhooks_total", (("result", "down"),)], seen["ledger_up", ()]) == (1, 0)
    assert ("events_waiting", ()) not in seen


def test_a_report_that_is_no_metrics_text_costs_nobody_else() -> None:
    seen = values(merged(Meters(), [worker("bad", metrics="{{{ ="), worker("good")], facts()))
    assert seen["recovered_total", (("worker", "good"),)] == 2
    assert not [labels for _, labels in seen if ("worker", "bad") in labels]


def test_another_versions_type_gives_way() -> None:
    other = "# TYPE ai_provision_recovered gauge\nai_provision_recovered 9\n"
    seen = values(merged(Meters(), [worker("old", metrics=other), worker("new")], facts()))
    assert seen["recovered_total", (("worker", "new"),)] == 2
    assert ("recovered", (("worker", "old"),)) not in seen


@searched(200, derandomize=True)
@given(
    st.text(max_size=200)
    | st.text(alphabet='ai_provsn{}="\\\n# TYPEHLC0129.+-eE', max_size=200).map(lambda text: "ai_provision_x" + text)
)
def test_no_report_breaks_the_page(report: str) -> None:
    assert values(merged(Meters(), [worker("w", metrics=report)], facts()))["workers", ()] == 1


@pytest.mark.parametrize("words", ['a b"} 1\nx', "please @all", "x" * 81, "é", ""])
def test_words_of_people_are_no_labels(words: str) -> None:
    meters = Meters()
    meters.step(words, 1)
    meters.github_call(words)
    meters.budget(words, 1)
    meters.waited(words, 1)
    counts = {(words, words, words): 1, ("/ai-other", "refused", words): 2}
    text = merged(meters, [worker(words or " ")], facts(outcomes=counts))
    labels = {value for _, pairs in values(text) for name, value in pairs if name not in {"le", "value", "result"}}
    assert labels == {"other", "publish", "200", "4711", "/ai-other", "refused"} | ({""} if not words else set())
