"""The words of a removal: every loss by name, what stays, and what the merge does."""

from __future__ import annotations

import pytest

from bot.flow.removal import removal_of
from bot.model.document import Document
from bot.model.outcome import PullRequest
from bot.model.plan import Plan
from bot.model.removal import Removal
from bot.rendering.removal import removal_finished, removal_text
from tests.applying.belt import both_plan, config, files_of, shop_plan, web_plan
from tests.applying.test_take_down import data_plan
from tests.hostile.inert import problems_of


def removal(plan: Plan, *, data: bool = False) -> Removal:
    [text] = [text for path, text in files_of(plan).items() if path.endswith("/plan.json")]
    found = removal_of(Document.model_validate_json(text), data=data, config=config())
    assert isinstance(found, Removal), found
    return found


def body(plan: Plan, *, data: bool = False) -> str:
    return removal_text(removal(plan, data=data), asked_by="myorg/infrastructure#7").body


@pytest.mark.parametrize(
    ("plan", "does"),
    [
        (both_plan(), "CI deletes the workloads, then destroys the machines, and tells it here"),
        (shop_plan(), "CI deletes the workloads, and tells it here"),
        (web_plan(), "CI destroys the machines, and tells it here"),
        (data_plan(both_plan()), "CI deletes the workloads, and tells it here"),
    ],
)
def test_the_next_steps_say_what_this_merge_does(plan: Plan, does: str) -> None:
    assert does in body(plan)


def test_every_loss_stands_by_name_and_size() -> None:
    text = body(data_plan(both_plan()), data=True)
    assert "**Data is lost**: `20Gi of web-1`" in text
    assert "32Gi + 20Gi data" in text
    assert "Stay" not in text


def test_what_stays_is_said_with_the_way_to_take_it_too() -> None:
    text = body(data_plan(both_plan()))
    assert "Its data stays" in text
    assert "Stay, because they hold data" in text
    assert "`/ai-destroy shop data`" in text
    assert "Data is lost" not in text


def test_without_data_nobody_speaks_of_it() -> None:
    text = body(both_plan())
    assert "data" not in text.lower().replace("database", "")


def test_the_thread_hears_the_counts() -> None:
    found = removal(data_plan(both_plan()))
    pull = PullRequest(number=9, url="https://github.com/o/r/pull/9", branch="b", head_sha="1" * 40, created=True)
    text = removal_finished(found, pull, job="0123456789ab")
    assert "0 machines, 1 workloads go; 1 machines with data stay" in text
    assert "Nothing is destroyed before it is merged" in text


def test_the_body_acts_on_nothing() -> None:
    for data in (False, True):
        shown = body(data_plan(both_plan()), data=data).replace("[!CAUTION]", "").replace("infrastructure#7", "thread")
        assert problems_of(shown) == []
