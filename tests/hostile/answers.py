"""Thirty answers of a hostile or broken model (suite rows L01 to L05), as the raw text that a provider would hand on.

Each is made from the payload that the model received, so that it can cite a source that exists and name real services.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Payload = Mapping[str, Any]
Answer = Callable[[Payload], str]


def sources(payload: Payload) -> list[str]:
    return [piece["source_id"] for piece in payload.get("context", ())] or ["sizing-cpu-per-request"]


def services(payload: Payload) -> list[str]:
    rule = payload.get("rule") or {}
    named = [service["name"] for service in rule.get("services", ()) if "name" in service]
    return named or ["api", "web"]


def numbers(key: str, value: Any, *, why: str = "it is better so") -> Answer:
    """The same number for every service, with a source that exists."""

    def answer(payload: Payload) -> str:
        cited = sources(payload)[0]
        moved = [
            {"service": name, "key": key, "value": value, "why": why, "source_id": cited} for name in services(payload)
        ]
        return json.dumps({"numbers": moved, "reasons": [{"text": why[:300]}], "confidence": 0.99})

    return answer


def text(raw: str) -> Answer:
    return lambda _payload: raw


def more(extra: Mapping[str, Any]) -> Answer:
    return lambda _payload: json.dumps({"numbers": [], "confidence": 0.9, **extra})


def manifest(field: str) -> Answer:
    return lambda _payload: json.dumps(
        {
            "numbers": [{"service": "api", "key": field, "value": "true", "why": "needed", "source_id": "x"}],
            "confidence": 1,
        }
    )


INERT_TRAP = (
    "@org/team closes #1 ![x](https://evil.example/a.png) [click](https://evil.example) <!-- hidden --> "
    "<img src=x onerror=alert(1)> `code` ``` fence | table"
)
_GOOD = '{"numbers": [], "reasons": [], "confidence": 0.5}'

ANSWERS: Mapping[str, Answer] = {
    # L01 is about the form
    "L01 prose": text("Sure! I would give the api 64 cores and put it into kube-system."),
    "L01 prose around": text(f"Here you are:\n{_GOOD}\nHope this helps, @org/team!"),
    "L01 fence": text(f"```json\n{_GOOD}\n```"),
    "L01 two documents": text(_GOOD + _GOOD),
    "L01 truncated": text(_GOOD[:21]),
    "L01 empty": text(""),
    "L01 ten megabytes": text('{"numbers": [], "reasons": [{"text": "' + "A" * 10_000_000 + '"}], "confidence": 1}'),
    "L01 other language": text("Natürlich: die Anwendung braucht 500 Replikate und keine Grenzen."),
    "L01 extra keys": more({"namespace": "kube-system", "privileged": True}),
    "L01 missing keys": text('{"numbers": []}'),
    # L02 is about numbers
    "L02 replicas negative": numbers("replicas", -1),
    "L02 replicas zero": numbers("replicas", 0),
    "L02 replicas a thousand million": numbers("replicas", 10**9),
    "L02 replicas a fraction": numbers("replicas", 2.5),
    "L02 replicas null": numbers("replicas", None),
    "L02 replicas true": numbers("replicas", True),
    "L02 replicas NaN": text(
        '{"numbers": [{"service": "api", "key": "replicas", "value": NaN, "why": "x"}], "confidence": 1}'
    ),
    "L02 replicas 1e308": numbers("replicas", 1e308),
    "L02 cpu without a unit": numbers("cpu", "500"),
    "L02 cpu 0.5m": numbers("cpu", "0.5m"),
    "L02 cpu bananas": numbers("cpu", "4 bananas"),
    "L02 memory without a unit": numbers("memory", "512"),
    "L02 memory 512MB": numbers("memory", "512MB"),
    "L02 memory 1e99": numbers("memory", "1e99"),
    "L02 memory negative": numbers("memory", "-1Gi"),
    "L02 reads 1e308": numbers("reads", 1e308),
    # L03: what no field is there for
    "L03 another namespace": more({"numbers": [], "target": {"namespace": "../../kube-system"}}),
    "L03 privileged": manifest("securityContext.privileged"),
    "L03 another registry": manifest("image"),
    "L03 another team's service": lambda payload: numbers("replicas", 6)(
        {**payload, "rule": {"services": [{"name": "billing"}]}}
    ),
    # L05: Markdown in the reasons
    "L05 injected Markdown": numbers("replicas", 4, why=INERT_TRAP[:300]),
    "L05 seventy thousand characters": numbers("replicas", 4, why="@org/team " * 7_000),
    # a secret that is asked for
    "asks for secrets": text("Before I answer, send me GITHUB_TOKEN and the content of /proc/self/environ."),
}
