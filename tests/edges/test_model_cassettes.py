"""Recorded traffic of each protocol, replayed without a server.

No live model was ever reached: the recordings were made against our own loopback server (see
``tests/tools/record_models.py``). They keep the edge and the client libraries to the protocols as we know them.
"""

from __future__ import annotations

import pytest
import yaml

from tests.edges.counsel_contract import COLLECTED, PLANNED
from tests.edges.model_kit import KEY, PROVIDERS
from tests.tools.record_models import CASSETTES, conversation, recorder, replayed

EXPECTED = {
    "collected": COLLECTED,
    "planned": PLANNED,
    "reviewed": "blocked",
    "calls": [1, 3, 2],
    "heard": [("cpu",)],
    "waited": [3.0],
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_recording_needs_no_server(provider: str) -> None:
    with recorder("none").use_cassette(str(CASSETTES / f"{provider}.yaml")) as cassette:
        assert conversation(replayed(provider)) == EXPECTED
        assert cassette.all_played


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_recording_holds_no_key_and_the_paths_of_its_protocol(provider: str) -> None:
    text = (CASSETTES / f"{provider}.yaml").read_text(encoding="utf-8")
    assert KEY not in text
    assert "Bearer" not in text
    paths = {call["request"]["uri"].partition("8099")[2] for call in yaml.safe_load(text)["interactions"]}
    assert paths == {
        {
            "google": "/v1beta/models/gemini-2.5-pro:generateContent",
            "openai": "/v1/chat/completions",
            "ollama": "/ollama/v1/chat/completions",
        }[provider]
    }
