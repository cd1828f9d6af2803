"""What a merge left open is said once: not applied after a quarter of an hour, ten minutes after a rollout, a lesson."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.applying.reconcile import Watch, reconcile
from bot.counsel import Lesson
from bot.model.applied import Outcome
from bot.model.config import Metrics as MetricNames
from tests.applying.belt import INFRA, THREAD, Belt, files_of, shop_plan, web_plan
from tests.applying.seeing import SeenMetrics, SeenTroubles, unread, well

SHOP, WEB = files_of(shop_plan()), files_of(web_plan())


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    made = Belt(tmp_path)
    made.terraform.wanted = {"vm.web-1": "1"}
    return made


def watch(belt: Belt, **changes: Any) -> Watch:
    facts = {"review": belt.review, "clock": belt.clock, "redact": str, "names": MetricNames(), **changes}
    return Watch(**facts)


def seen(belt: Belt, **changes: Any) -> Outcome:
    """Applied, eleven minutes gone, looked at."""
    pull, _ = belt.brought(dict(SHOP))
    belt.later(minutes=11)
    reconcile(watch(belt, **changes), INFRA)
    [outcome] = belt.told(pull)
    return outcome


@pytest.mark.parametrize(("minutes", "said"), [(0, 0), (14.9, 0), (15, 1), (600, 1)])
def test_a_merge_that_is_not_applied_is_said_after_a_quarter_of_an_hour(belt: Belt, minutes: float, said: int) -> None:
    pull = belt.merged(dict(WEB))
    belt.later(minutes=minutes)
    assert len(reconcile(watch(belt), INFRA)) == said
    assert (belt.review.told(INFRA, pull.number, marker="late") is not None) == bool(said)
    assert pull.labels == (["ai-provision: not applied"] if said else [])


def test_it_is_said_once(belt: Belt) -> None:
    belt.merged(dict(WEB))
    belt.later(minutes=20)
    reconcile(watch(belt), INFRA)
    writes = len(belt.hub.writes)
    belt.later(hours=5)
    assert reconcile(watch(belt), INFRA) == ()
    assert len(belt.hub.writes) == writes


def test_an_apply_that_comes_later_takes_the_label_back(belt: Belt) -> None:
    pull = belt.merged(dict(WEB))
    belt.later(minutes=20)
    reconcile(watch(belt), INFRA)
    belt.apply()
    assert pull.labels == ["ai-provision: applied"]


def test_merges_of_more_than_three_days_ago_are_left_alone(belt: Belt) -> None:
    belt.merged(dict(WEB))
    belt.later(days=4)
    assert reconcile(watch(belt), INFRA) == ()


@pytest.mark.parametrize("branch", ["ai-provision/dockerfile-shop-1", "ai-provision/init", "ada/feature"])
def test_pull_requests_without_a_stack_are_never_late(belt: Belt, branch: str) -> None:
    belt.merged({"docs/x.md": "x"}, branch=branch)
    belt.later(minutes=30)
    assert reconcile(watch(belt), INFRA) == ()


def test_ten_minutes_after_is_not_looked_at_before(belt: Belt) -> None:
    pull, _ = belt.brought(dict(SHOP))
    belt.later(minutes=9.9)
    metrics = SeenMetrics(well("shop", "api"))
    assert reconcile(watch(belt, metrics=metrics, troubles=SeenTroubles()), INFRA) == ()
    assert (metrics.asked, belt.told(pull)[0].after) == ([], None)


def test_a_quiet_workload_is_healthy_with_its_use_against_its_requests(belt: Belt) -> None:
    after = seen(belt, metrics=SeenMetrics(well("shop", "api")), troubles=SeenTroubles()).after
    assert after is not None
    assert after.healthy is True
    [use] = after.uses
    assert (use.restarts, use.oom_kills, use.throttled) == (0, 0, 0.01)
    assert use.cpu is not None
    assert use.cpu_request == shop_plan().services[0].requests.cpu


@pytest.mark.parametrize(
    ("metrics", "troubles", "healthy"),
    [
        (None, None, None),
        (SeenMetrics(), None, None),
        (SeenMetrics(findings=(unread("prometheus"),)), SeenTroubles(findings=(unread("kubernetes"),)), None),
        (SeenMetrics(), SeenTroubles(), True),
        (SeenMetrics(well("shop", "api", throttled=None, restarts=None)), None, None),
        (SeenMetrics(well("shop", "api", throttled=0.4)), SeenTroubles(), False),
        (SeenMetrics(well("shop", "api", restarts=3)), None, False),
        (SeenMetrics(well("shop", "api")), SeenTroubles.of("shop", "api", "oom-killed", 1), False),
        (SeenMetrics(well("shop", "api")), SeenTroubles.of("shop", "api", "unschedulable", 1), False),
        (SeenMetrics(well("shop", "api")), SeenTroubles.crashing("other", "api"), True),
    ],
)
def test_no_data_is_not_healthy_and_trouble_is_not_healthy(
    belt: Belt, metrics: SeenMetrics | None, troubles: SeenTroubles | None, *, healthy: bool | None
) -> None:
    after = seen(belt, metrics=metrics, troubles=troubles).after
    assert after is not None
    assert after.healthy is healthy


def test_what_did_not_answer_is_told_and_is_not_zero(belt: Belt) -> None:
    after = seen(belt, metrics=SeenMetrics(findings=(unread("prometheus"),))).after
    assert after is not None
    assert after.notes == ("prometheus did not answer.",)
    assert (after.uses[0].restarts, after.uses[0].cpu, after.uses[0].oom_kills) == (None, None, None)


def test_a_second_look_changes_nothing(belt: Belt) -> None:
    seen(belt, troubles=SeenTroubles())
    writes = len(belt.hub.writes)
    belt.later(minutes=30)
    assert reconcile(watch(belt, troubles=SeenTroubles.crashing("shop", "api")), INFRA) == ()
    assert len(belt.hub.writes) == writes


def test_machines_alone_are_not_looked_at(belt: Belt) -> None:
    pull, _ = belt.brought(dict(WEB))
    belt.later(minutes=30)
    assert reconcile(watch(belt, troubles=SeenTroubles()), INFRA) == ()
    assert belt.told(pull)[0].after is None


def test_every_outcome_becomes_a_lesson_that_the_next_look_replaces(belt: Belt) -> None:
    lessons: list[Lesson] = []
    belt.brought(dict(SHOP))
    reconcile(watch(belt, learn=lessons.append), INFRA)
    belt.later(minutes=11)
    reconcile(watch(belt, learn=lessons.append, troubles=SeenTroubles.crashing("shop", "api")), INFRA)
    assert [lesson.id for lesson in lessons] == [f"outcome:{INFRA}/apps/shop"] * 2
    assert "not healthy" in lessons[1].text
    assert "not healthy" not in lessons[0].text


def test_the_first_thread_hears_of_the_outcome_and_of_ten_minutes_after(belt: Belt) -> None:
    outcome = seen(belt, troubles=SeenTroubles())
    assert outcome.thread == THREAD
    [comment] = belt.hub.comments[INFRA, 7]
    assert "ten minutes after: healthy" in comment.body
    assert "applied" in comment.body
