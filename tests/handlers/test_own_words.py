"""C05: everything that the bot itself says, given back as a comment of a person, is no command."""

from __future__ import annotations

import pytest

from bot.errors import Code, Refusal
from bot.handlers.grammar import parse_comment
from bot.handlers.help import help_of
from bot.handlers.provision import example
from bot.handlers.table import COMMANDS
from bot.model.consultation import Effort, Spent
from bot.model.inquiry import Choice, Inquiry
from bot.rendering import status
from bot.rendering.question import question
from tests.work.bench import INFRA, PROVISION, Bench

JOB = "0123456789ab"
REFUSED = Refusal(code=Code.SYNTAX, message="/ai-provision", remedy="/ai-provision", example=example())
INQUIRY = Inquiry(
    kind="reading",
    question="/ai-provision",
    why="/ai-provision",
    choices=(
        Choice(label="/ai-help", effect="/ai-help", command=example(), answer="[qps=5]"),
        Choice(label="/ai-help", effect="/ai-help", command="", answer="[qps=5]"),
    ),
)
TEMPLATES = {
    "asked": question(INQUIRY, job=JOB),
    "asked-budget": question(INQUIRY.model_copy(update={"kind": "budget"}), job=JOB),
    "working-words": status.working(3, job=JOB, read_as="/ai-help"),
    "models": status.models((Effort(agent="planner", model="/ai-help", spent=Spent(calls=1)),)),
    **{f"working-{done}": status.working(done, job=JOB) for done in range(4)},
    "refused": status.refused(REFUSED, job=JOB),
    "apology": status.apology(job=JOB),
    "cancelled": status.cancelled("/ai-provision", job=JOB),
    "no-report": status.report((), job=JOB),
    "next-step": status.next_step(job=JOB),
    "help": help_of(COMMANDS),
}


@pytest.mark.parametrize("body", TEMPLATES.values(), ids=[f"C05-{name}" for name in TEMPLATES])
def test_a_template_given_back_is_nothing(body: str) -> None:
    assert parse_comment(body, hosts=("github.com",)) is None


def test_c05_every_answer_and_pull_request_given_back_is_nothing() -> None:
    bench = Bench()
    for words in (PROVISION, "/ai-status", "/ai-explain", "/ai-refine replicas=4", "/ai-refine replicas=x", "/ai-help"):
        bench.run(bench.give(words))
    said = [*bench.answers(), *(pull.body for pull in bench.forge.pulls[INFRA])]
    assert len(said) == 7
    for body in said:
        without_marker = body.partition("\n")[2]
        assert parse_comment(body, hosts=("github.com",)) is None
        assert parse_comment(without_marker, hosts=("github.com",)) is None
