"""A model's server on this computer, for tests: Gemini, an OpenAI-compatible server and Ollama, with a script.

In: what each agent's model answers, or how it fails. Out: addresses, and every request as it came. Never: another
interface than 127.0.0.1, a model.

    with ModelServer({"planner": [{"confidence": 0.9}]}) as server:
        server.google_url, server.openai_url, server.ollama_url
        server.asked[0].payload
"""

from __future__ import annotations

from bot.emulators.models.script import Asked, Call, Failure, Script, Step
from bot.emulators.models.server import ModelServer

__all__ = ["Asked", "Call", "Failure", "ModelServer", "Script", "Step"]
