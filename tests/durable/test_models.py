"""A worker with models: its command ends, its day's budget is counted, plain words are read, and both are replayed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bot.edges.clock import RealClock
from bot.edges.ledger import open_ledger
from bot.emulators.models import Asked, Failure, ModelServer
from bot.model.job import Job
from bot.replaying import Replayed, replay
from bot.settings import read_settings
from tests.durable.rig import INFRA, World, job_ends, run_worker, world

KEY = "sk-CANARY-of-the-model-0123456789"


def planner(asked: Asked) -> dict[str, Any]:
    """Moves what it can give a source for."""
    source = json.loads(asked.payload)["context"][0]["source_id"]
    numbers = [
        {"service": "api", "key": "replicas", "value": 4, "why": "a spike every morning", "source_id": source},
        {"service": "api", "key": "memory", "value": "64Ti", "why": "more", "source_id": source},
    ]
    return {"numbers": numbers, "reasons": [{"text": "Mornings are busy.", "source_id": source}], "confidence": 0.8}


SCRIPT = {
    "collector": [{"retrieve": ["gin connection pool"], "confidence": 0.7}],
    "planner": [planner],
    "interpreter": [{"changes": [{"service": "api", "key": "memory", "value": "1Gi"}], "confidence": 0.9}],
    "*": [Failure("500")],
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose worker did one command and one refinement in plain words; the model is gone then."""
    with world(tmp_path_factory.mktemp("models")) as here:
        with ModelServer(SCRIPT, key=KEY) as server:
            model = {"AI_PROVISION_MODEL": "openai:test", "OPENAI_BASE_URL": server.openai_url, "OPENAI_API_KEY": KEY}
            number = here.command()
            run_worker(here, **model)
            here.say(number, "/ai-refine give the api 1 Gi of memory")
            run_worker(here, **model)
            assert [asked.agent for asked in server.asked][:2] == ["collector", "planner"]
        yield here


def jobs(here: World) -> dict[str, Job]:
    with open_ledger(here.url, clock=RealClock()) as ledger:
        return {job.name: job for job in ledger.listing(limit=10)}


def test_both_commands_end_in_the_pull_request_and_say_who_decided(done: World) -> None:
    assert job_ends(done) == [("pull-request", None), ("pull-request", None)]
    [pull] = done.github.pulls(INFRA)
    body = pull.body
    assert "Who decided" in body
    assert "`services.api.replicas`" in body
    assert "`api.memory=64Ti`" in body, "what was not taken stands there too"
    assert re.search(r"\| planner \| `openai:test` \| 1 \| [\d,]+ \|", body), "tokens stand in the pull request"


def test_the_job_record_and_the_day_hold_what_was_spent(done: World) -> None:
    ended = jobs(done)["/ai-provision"].published
    assert ended is not None
    assert [effort.agent for effort in ended.efforts] == ["collector", "planner"]
    assert all(effort.spent.input_tokens > 0 for effort in ended.efforts)
    with open_ledger(done.url, clock=RealClock()) as ledger:
        today = ledger.spent_today(RealClock().now())
    assert today.calls >= 5
    assert today.input_tokens > sum(effort.spent.input_tokens for effort in ended.efforts)


def test_plan_json_holds_neither_tokens_nor_the_key(done: World) -> None:
    [pull] = done.github.pulls(INFRA)
    files = done.github.pull_diff(INFRA, pull.number)
    assert '"model": "openai:test"' in files
    assert "input_tokens" not in files
    assert KEY not in files + pull.body


@pytest.mark.parametrize("name", ["/ai-provision", "/ai-refine"])
def test_a_replay_without_the_model_gives_the_same_bytes(done: World, name: str) -> None:
    settings = read_settings({"AI_PROVISION_DATABASE_URL": done.url})
    replayed = replay(jobs(done)[name].id[:12], settings)
    assert isinstance(replayed, Replayed), replayed
    assert (replayed.same, replayed.different_files, replayed.different_decisions) == (True, (), ())


def test_the_published_plan_was_learnt(done: World) -> None:
    with open_ledger(done.url, clock=RealClock()) as ledger:
        [lesson] = ledger.lessons(kind="plan")
    assert lesson.id == f"plan:{INFRA}/supermarket-inventory"
