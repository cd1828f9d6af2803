"""One question instead of a pull request, answered by the command that it shows; a model's cost is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.agents.desk import Desk
from bot.flow.ask import ask, asking
from bot.flow.house import House
from bot.handlers.dispatch import handle
from bot.model.command import Actor, Delivery, ThreadRef
from bot.model.consultation import Allowance, Effort, Spent
from bot.model.inquiry import Choice, Inquiry
from bot.model.order import Order
from bot.model.outcome import Published
from bot.ports import Steps
from bot.rendering import status
from tests.fakes.forge import FakeForge
from tests.fakes.house import DESCRIPTION, INFRA, house, office

THREAD = ThreadRef(owner="myorg", repo="infrastructure", number=7)
UNCLEAR = "Inventory, MySQL, 200 QPS peak"
"""The repository uses PostgreSQL."""
EFFORT = Effort(
    agent="planner",
    model="test:`strong`",
    spent=Spent(calls=2, input_tokens=12_345, output_tokens=678, seconds=3.21, money=0.0123),
)


@dataclass
class Told:
    """Steps that remember their names."""

    inner: Steps
    names: list[str] = field(default_factory=list)

    def run(self, name: str, work: Any, form: Any, *, always: bool = False) -> Any:
        self.names.append(name)
        return self.inner.run(name, work, form, always=always)


def give(
    forge: FakeForge, body: str, *, comment_id: int = 99, inside: House | None = None
) -> tuple[Published, list[str]]:
    """The end of a comment, and the steps that it took."""
    rooms = office(forge, inside=inside)
    steps = Told(rooms.steps)
    heard = Delivery(
        id=f"d-{comment_id}",
        event="issue_comment",
        action="created",
        thread=THREAD,
        actor=Actor(login="ada", id=7),
        comment_id=comment_id,
        body=body,
        created_at=datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
    )
    published = handle(forge.hear(heard), replace(rooms, steps=steps), progress=lambda _step: None)
    assert published is not None
    return published, steps.names


def provision(description: str) -> str:
    return f'/ai-provision\n\ngit_repo: "https://github.com/myorg/supermarket-inventory"\napp_description: "{description}"\n'


def words(forge: FakeForge) -> str:
    return forge.comments[INFRA, 7][-1].body


def test_a_doubt_that_matters_ends_in_one_question_and_no_pull_request() -> None:
    forge = FakeForge()
    published, names = give(forge, provision(UNCLEAR))
    assert (published.kind, published.pull, published.code) == ("asked", None, None)
    assert published.comment_url is not None
    assert len(forge.comments[INFRA, 7]) == 1
    assert "Which database is it?" in words(forge)
    assert "Nothing was opened or changed." in words(forge)
    assert INFRA not in forge.pulls
    assert forge.reactions[INFRA, 7, 99] == ["eyes"], "neither an end well nor a refusal"
    assert names == [
        "admission", "react-eyes", "say-accepted", "may-read", "read-repository", "read-clusters", "plan", "say-asked",
    ]  # fmt: skip


def test_the_question_is_answered_by_copying_one_of_its_commands() -> None:
    forge = FakeForge()
    give(forge, provision(UNCLEAR))
    commands = re.findall(r"```text\n(.*?)\n```", words(forge), re.DOTALL)
    assert len(commands) == 3
    published, _ = give(forge, commands[2], comment_id=100)
    assert published.kind == "pull-request"
    [pull] = forge.pulls[INFRA]
    assert "\\[database=postgresql\\]" in pull.body, "a reviewer sees the answer"
    assert "MySQL: the answer" in pull.body.replace("`", "")


def test_the_assumed_reading_can_be_answered_too() -> None:
    forge = FakeForge()
    give(forge, provision(UNCLEAR))
    both, *_ = re.findall(r"```text\n(.*?)\n```", words(forge), re.DOTALL)
    published, _ = give(forge, both, comment_id=100)
    assert published.kind == "pull-request"
    [pull] = forge.pulls[INFRA]
    assert "mysql" in pull.body
    assert "postgresql" in pull.body


def test_the_question_again_is_the_same_comment() -> None:
    forge = FakeForge()
    give(forge, provision(UNCLEAR))
    before, writes = words(forge), len(forge.writes)
    assert give(forge, provision(UNCLEAR))[0].kind == "asked"
    assert words(forge) == before
    assert "pull" not in forge.writes[writes:]


def test_a_clear_command_takes_the_steps_that_it_always_took() -> None:
    published, names = give(FakeForge(), provision(DESCRIPTION))
    assert (published.kind, published.efforts) == ("pull-request", ())
    assert names == [
        "admission", "react-eyes", "say-accepted", "may-read", "read-repository", "read-clusters", "plan", "say-planned",
        "open-pulls", "publish", "say-finished", "react-rocket",
    ]  # fmt: skip


def test_a_refinement_of_an_open_pull_request_asks_nothing_again() -> None:
    forge = FakeForge()
    assert give(forge, provision(DESCRIPTION))[0].kind == "pull-request"
    published, names = give(forge, "/ai-refine api.replicas=5", comment_id=100)
    assert published.kind == "pull-request"
    assert names == [
        "admission", "react-eyes", "say-accepted", "open-plan", "may-read", "read-repository", "read-clusters", "plan",
        "say-planned", "open-pulls", "publish", "say-finished", "react-rocket",
    ]  # fmt: skip


def order() -> Order:
    at = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
    return Order(thread=THREAD, actor=Actor(login="ada", id=7), comment_id=99, at=at, body_digest="0" * 64)


def test_the_house_of_a_thread_can_ask_and_knows_what_was_spent() -> None:
    rooms = replace(house(), desk=Desk(allowance=Allowance(seconds=45.0, tokens=20_000, money=0.1)))
    assert not rooms.desk.asking
    lent = asking(rooms, efforts=(EFFORT, EFFORT))
    assert lent.desk.asking
    assert (round(lent.desk.allowance.seconds, 2), lent.desk.allowance.tokens) == (38.58, 0)
    assert asking(rooms).desk.allowance == rooms.desk.allowance


def test_a_question_carries_what_models_cost() -> None:
    forge = FakeForge()
    inquiry = Inquiry(
        kind="budget", question="Sure?", why="@ada <img>", choices=(Choice(label="*yes*", effect="e", command="c"),)
    )
    published = ask(order(), inquiry, office(forge), efforts=(EFFORT,))
    assert (published.kind, published.efforts) == ("asked", (EFFORT,))
    assert "@ada" not in words(forge)
    assert "<img>" not in words(forge)
    assert "\\*yes\\*" in words(forge)


def test_tokens_and_time_are_told_where_a_model_was_asked() -> None:
    spent = "12,345 tokens in, 678 out, 3.2 s, 0.0123 USD"
    assert status.models((EFFORT,)) == f"<sub>Models asked: planner `` test:`strong` `` {spent}</sub>"
    assert status.models(()) == ""


def test_without_a_model_the_end_says_nothing_of_models() -> None:
    forge = FakeForge()
    give(forge, provision(DESCRIPTION))
    assert "Models asked" not in words(forge)
