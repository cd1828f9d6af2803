"""The two protocols: what stands where in a request, and what an answer looks like.

In: JSON bodies and text. Out: ``Asked`` and JSON bodies. Never: more than the product's client libraries read.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, Literal

from bot.emulators.models.script import Asked, Call

Provider = Literal["google", "openai", "ollama"]
_AGENT: Final = re.compile(r"\bYou are the (collector|planner|reviewer|interpreter)\b")
_GOOGLE: Final = re.compile(r"/v1beta/models/([^/:]+):(generateContent|batchEmbedContents|embedContent)")
DIMENSIONS: Final = 16


def place(path: str) -> tuple[Provider, str] | None:
    """Provider and verb (``chat`` or ``embed``) of a path; None for an unknown one."""
    found = _GOOGLE.fullmatch(path.partition("?")[0])
    if found:
        return "google", "chat" if found.group(2) == "generateContent" else "embed"
    verbs = {"/chat/completions": "chat", "/embeddings": "embed"}
    homes: dict[str, Provider] = {"/v1": "openai", "/ollama/v1": "ollama"}
    for home, provider in homes.items():
        verb = verbs.get(path.removeprefix(home))
        if path.startswith(home + "/") and verb:
            return provider, verb
    return None


def asked(provider: Provider, path: str, headers: dict[str, str], text: str) -> Asked:
    """A request of either protocol."""
    body: dict[str, Any] = json.loads(text)
    found = _of_google(path, body) if provider == "google" else _of_openai(body)
    agent = _AGENT.search(found["instructions"])
    return Asked(
        provider=provider, agent=agent.group(1) if agent else "", body=body, headers=headers, text=text, **found
    )


def _of_google(path: str, body: dict[str, Any]) -> dict[str, Any]:
    model = _GOOGLE.fullmatch(path.partition("?")[0])
    parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
    said = [part["text"] for content in body.get("contents", []) for part in content.get("parts", []) if "text" in part]
    system = body.get("systemInstruction", {}).get("parts", [])
    declared = [one for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
    return {
        "model": model.group(1) if model else "",
        "instructions": "\n".join(part.get("text", "") for part in system),
        "payload": said[0] if said else "",
        "tools": tuple(one["name"] for one in declared),
        "results": tuple(
            json.dumps(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part
        ),
    }


def _of_openai(body: dict[str, Any]) -> dict[str, Any]:
    messages = body.get("messages", [])
    said = {role: [_text(one) for one in messages if one["role"] == role] for role in ("system", "user", "tool")}
    return {
        "model": body.get("model", ""),
        "instructions": "\n".join(said["system"]),
        "payload": said["user"][0] if said["user"] else "",
        "tools": tuple(tool["function"]["name"] for tool in body.get("tools", [])),
        "results": tuple(said["tool"]),
    }


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def answer(request: Asked, step: str | Call) -> dict[str, Any]:
    """The body of an answer: text, or the call of a tool."""
    return _google_answer(request, step) if request.provider == "google" else _openai_answer(request, step)


def _google_answer(request: Asked, step: str | Call) -> dict[str, Any]:
    part = (
        {"functionCall": {"name": step.tool, "args": dict(step.arguments)}}
        if isinstance(step, Call)
        else {"text": step}
    )
    counted = _tokens(request, step)
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": counted[0],
            "candidatesTokenCount": counted[1],
            "totalTokenCount": sum(counted),
        },
        "modelVersion": request.model,
        "responseId": "emulated",
    }


def _openai_answer(request: Asked, step: str | Call) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": step}
    if isinstance(step, Call):
        function = {"name": step.tool, "arguments": json.dumps(step.arguments)}
        call = {"id": f"call_{len(request.results)}", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    counted = _tokens(request, step)
    return {
        "id": "chatcmpl-emulated",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.model,
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if isinstance(step, Call) else "stop"}
        ],
        "usage": {"prompt_tokens": counted[0], "completion_tokens": counted[1], "total_tokens": sum(counted)},
    }


def _tokens(request: Asked, step: str | Call) -> tuple[int, int]:
    return len(request.text) // 4, max(1, len(str(step)) // 4)


def blocked(request: Asked) -> dict[str, Any]:
    """The provider's filter withheld the answer."""
    body = answer(request, "")
    if request.provider == "google":
        body["candidates"] = [{"finishReason": "SAFETY", "index": 0}]
    else:
        body["choices"] = [
            {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}
        ]
    return body


def error(provider: Provider, status: int, code: str, message: str, **more: Any) -> dict[str, Any]:
    """The error body of a provider, with its own words."""
    if provider == "google":
        return {"error": {"code": status, "message": message, "status": code.upper(), **more}}
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def vectors(provider: Provider, body: dict[str, Any]) -> dict[str, Any]:
    """Vectors of words: texts that share words are near to each other."""
    if provider == "google":
        requests = body.get("requests", [body])
        texts = ["".join(part.get("text", "") for part in one["content"]["parts"]) for one in requests]
        return {"embeddings": [{"values": _vector(text)} for text in texts]}
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    return {
        "object": "list",
        "model": body["model"],
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(text)} for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": sum(len(text) for text in texts) // 4, "total_tokens": 0},
    }


def _vector(text: str) -> list[float]:
    counts = [0.0] * DIMENSIONS
    for word in re.findall(r"[a-z]+", text.lower()):
        counts[hashlib.sha256(word.encode()).digest()[0] % DIMENSIONS] += 1.0
    length = sum(value * value for value in counts) ** 0.5
    return [value / length if length else 1.0 / DIMENSIONS for value in counts]
