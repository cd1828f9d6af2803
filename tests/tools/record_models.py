"""Records what the model edge and each provider say to each other: one cassette of HTTP for each protocol.

In: the emulator with a fixed script. Out: ``tests/edges/cassettes/model/<provider>.yaml``. Never: a key in a cassette.

**No live model was ever reached.** The other side of these recordings is our own loopback server, so they show that the
client libraries, in the versions that made them, and the edge agree on each protocol as we know it; they do not show
what Google, OpenAI or Ollama answer today.

vcrpy hooks ``httpx2.AsyncHTTPTransport``, on which the edge's line stands, so limits and repeats are replayed too.

    python -m tests.tools.record_models
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import vcr

from bot.counsel import Counsel
from bot.edges.model import Pace
from bot.emulators.models import Call, Failure, ModelServer, Script
from bot.model.consultation import Allowance, CollectorAnswer, PlannerAnswer, ReviewerAnswer
from bot.settings import Settings
from tests.edges.counsel_contract import COLLECTED, PLANNED, Words, tool
from tests.edges.model_kit import KEY, PAYLOAD, PROVIDERS, Naps, counsel, question, settings

CASSETTES = Path(__file__).parents[1] / "edges" / "cassettes" / "model"
PLACE = "127.0.0.1:8099"
SCRIPT: Script = {
    "collector": [json.loads(COLLECTED.model_dump_json())],
    "planner": [Call("retrieve", {"words": ["cpu"]}), Failure("prose"), json.loads(PLANNED.model_dump_json())],
    "reviewer": [Failure("rate", 3), Failure("blocked")],
}


def _same_place(request: Any) -> Any:
    request.uri = urlunsplit(urlsplit(request.uri)._replace(netloc=PLACE))
    return request


def recorder(mode: str) -> vcr.VCR:
    """``none`` replays and refuses any other call, ``all`` records."""
    return vcr.VCR(
        record_mode=mode,
        match_on=["method", "path"],
        filter_headers=["authorization", "x-goog-api-key", "user-agent", "host"],
        before_record_request=_same_place,
    )


def replayed(provider: str) -> Settings:
    """Settings that name the place of the recording, where nobody listens."""
    base = f"http://{PLACE}"
    return settings(
        provider,
        google_base_url=base,
        openai_base_url=f"{base}/v1",
        ollama_base_url=f"{base}/ollama",
        openai_api_key=KEY,
    )


def conversation(chosen: Settings) -> dict[str, Any]:
    """Three questions: one plain, one with a tool and a repair, one that waits and is blocked. What came of each."""
    heard: list[Words] = []
    naps = Naps()
    asked: Counsel = counsel(chosen, pace=Pace(sleep=naps))
    collected = asked.ask(question("collector"), CollectorAnswer, allowance=Allowance())
    planned = asked.ask(question("planner"), PlannerAnswer, allowance=Allowance(), tools=(tool(heard),))
    reviewed = asked.ask(question("reviewer", PAYLOAD), ReviewerAnswer, allowance=Allowance())
    return {
        "collected": collected.answer,
        "planned": planned.answer,
        "reviewed": reviewed.fault.kind if reviewed.fault else None,
        "calls": [reply.spent.calls for reply in (collected, planned, reviewed)],
        "heard": [words.words for words in heard],
        "waited": naps.slept,
    }


if __name__ == "__main__":
    CASSETTES.mkdir(parents=True, exist_ok=True)
    for each in PROVIDERS:
        cassette = CASSETTES / f"{each}.yaml"
        cassette.unlink(missing_ok=True)
        with ModelServer(SCRIPT) as server, recorder("all").use_cassette(str(cassette)):
            conversation(settings(each, server))
