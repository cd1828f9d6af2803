"""Every command to its one visible end: status, retry, cancel, busy, quota, stale and closed threads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.command import ThreadRef
from bot.model.job import AuditEntry, Job
from tests.work.bench import INFRA, PROVISION, THREAD, Bench


def _comment(job: Job) -> int:
    assert job.order.comment_id is not None
    return job.order.comment_id


OTHER = ThreadRef(owner="myorg", repo="infrastructure", number=8)


def test_c08_a_second_command_while_one_runs_is_busy_with_a_link() -> None:
    bench = Bench()
    first, second = bench.give(PROVISION), bench.give(PROVISION, login="ada")
    during: list[str] = []

    def at_plan(step: str) -> None:
        if step == "plan" and not during:
            during.append(step)
            bench.run(second)

    assert bench.run(first, before_each=at_plan).kind == "pull-request"
    end = bench.end(second)
    assert (end.kind, end.code) == ("refused", "busy")
    [_, refused] = bench.answers()
    assert f"issues/7#issuecomment-{first.order.comment_id}" in refused
    assert len(bench.forge.pulls[INFRA]) == 1


def test_c08_the_thread_is_free_again_after_the_end() -> None:
    bench = Bench()
    assert bench.run(bench.give(PROVISION)).kind == "pull-request"
    assert bench.run(bench.give(PROVISION)).kind == "pull-request"
    assert len(bench.forge.pulls[INFRA]) == 1


def test_a_stranger_cannot_hold_a_thread() -> None:
    bench = Bench()
    stranger, ours = bench.give(PROVISION, login="eve"), bench.give(PROVISION)
    assert bench.run(stranger).code == "forbidden"
    assert bench.run(ours).kind == "pull-request"


def test_cancel_stops_a_running_command_before_anything_is_opened() -> None:
    bench = Bench()
    running, cancel = bench.give(PROVISION), bench.give("/ai-cancel")

    def at_clusters(step: str) -> None:
        if step == "read-clusters":
            assert bench.run(cancel).kind == "answered"

    assert bench.run(running, before_each=at_clusters).kind == "cancelled"
    assert INFRA not in bench.forge.pulls
    assert "cancelled by ada" in bench.answers()[0]
    assert bench.forge.reactions["myorg/infrastructure", 7, running.order.comment_id] == ["eyes", "confused"]


def test_cancel_after_the_pull_request_is_open_changes_nothing() -> None:
    bench = Bench()
    running, cancel = bench.give(PROVISION), bench.give("/ai-cancel")

    def at_the_end(step: str) -> None:
        if step == "say-finished":
            bench.run(cancel)

    assert bench.run(running, before_each=at_the_end).kind == "pull-request"
    assert "opened pull request" in bench.answers()[0]


def test_cancel_with_nothing_running_says_so() -> None:
    bench = Bench()
    assert bench.run(bench.give("/ai-cancel")).code == "syntax"


def test_status_lists_the_thread_s_commands_and_no_other_thread_s() -> None:
    bench = Bench()
    bench.run(bench.give(PROVISION))
    bench.give(PROVISION, thread=OTHER)
    bench.run(bench.give("/ai-status"))
    report = bench.answers()[-1]
    assert report.count("/ai-provision") == 1
    assert "/pull/" in report


def test_retry_runs_the_last_command_again() -> None:
    bench = Bench()
    bench.run(bench.give(PROVISION))
    bench.run(bench.give("/ai-status"))
    again = bench.run(bench.give("/ai-retry"))
    assert again.kind == "pull-request"
    assert again.pull is not None
    assert not again.pull.created


def test_retry_without_an_earlier_command_says_so() -> None:
    bench = Bench()
    assert bench.run(bench.give("/ai-retry")).code == "syntax"


def test_quota_refuses_the_next_command_with_its_code() -> None:
    bench = Bench(config="commands: {per_minute: 2}")
    ends = [bench.run(bench.give("/ai-help")).code for _ in range(4)]
    assert ends == [None, None, "quota", "quota"]
    bench.clock.sleep(61)
    assert bench.run(bench.give("/ai-help")).kind == "answered"


def test_t05_a_command_that_was_changed_after_it_was_written_is_stale() -> None:
    bench = Bench()
    job = bench.give(PROVISION)
    bench.forge.words[THREAD.full_name, THREAD.number, _comment(job)] = PROVISION + "\n"
    assert bench.run(job).code == "stale-comment"
    assert INFRA not in bench.forge.pulls


def test_t05_a_deleted_command_ends_in_silence() -> None:
    bench = Bench()
    job = bench.give(PROVISION)
    del bench.forge.words[THREAD.full_name, THREAD.number, _comment(job)]
    assert bench.run(job).code == "stale-comment"
    assert bench.answers() == []


@pytest.mark.parametrize(("age", "code"), [(3590, None), (3700, "stale-comment")])
def test_t05_an_old_command_is_asked_for_again(age: int, code: str | None) -> None:
    bench = Bench()
    job = bench.give(PROVISION, at=bench.clock.now() - timedelta(seconds=age))
    assert bench.run(job).code == code


def test_t05_commands_in_closed_threads_and_on_forks_are_refused_with_the_reason() -> None:
    bench = Bench()
    job = bench.give(PROVISION)
    bench.forge.threads[THREAD.full_name, THREAD.number].closed = True
    assert bench.run(job).code == "stale-comment"
    fork = OTHER.model_copy(update={"is_pull": True})
    job = bench.give(PROVISION, thread=fork)
    bench.forge.threads[OTHER.full_name, OTHER.number].fork = True
    assert bench.run(job).code == "forbidden"


def test_the_audit_says_who_asked_and_what_was_decided() -> None:
    bench = Bench()
    bench.run(bench.give(PROVISION))
    bench.run(bench.give(PROVISION, login="eve"))
    lines = [(entry.actor, entry.action, entry.decision) for entry in reversed(bench.ledger.entries(limit=50))]
    assert ("ada", "admission", "admitted") in lines
    assert ("ada", "end", "pull-request") in lines
    assert ("eve", "admission", "forbidden") in lines
    assert all(isinstance(entry, AuditEntry) for entry in bench.ledger.entries(limit=50))
