"""What a failed question means: the kind of fault, how often it is worth another try, and words for the operator.

In: a status, headers and a body, or a kind. Out: a ``Trouble`` or a ``Fault``. Never: the provider's words, an address,
a key.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from bot.edges.model.party import ADDRESSES, KEYS, LABELS, Party
from bot.model.consultation import Fault, FaultKind

RETRIES: Final[dict[FaultKind, int]] = {"unreachable": 2, "timeout": 1, "server": 2, "rate": 2, "malformed": 1}
"""How often a call is repeated, by kind; what is not here ends at once."""

_BY_STATUS: Final[dict[int, FaultKind]] = {
    401: "auth",
    402: "quota",
    403: "auth",
    404: "unknown-model",
    408: "timeout",
    429: "rate",
}
_BY_WORD: Final[tuple[tuple[bytes, FaultKind], ...]] = (
    (b"api_key_invalid", "auth"),
    (b"api key not valid", "auth"),
    (b"invalid_api_key", "auth"),
    (b"content_filter", "blocked"),
    (b"content_policy_violation", "blocked"),
    (b"model_not_found", "unknown-model"),
)
"""What some providers say with 400: only these words of theirs are looked for, none is shown."""

_SPENT: Final = (b"insufficient_quota", b"billing_hard_limit", b"perday")
"""With 429: waiting some seconds does not help."""

_SAYS: Final[dict[FaultKind, tuple[str, str]]] = {
    "unreachable": ("{who} cannot be reached.", "Check that the server runs and that {address} names it."),
    "timeout": (
        "{who} did not answer in time.",
        "Choose a faster model, or raise AI_PROVISION_MODEL_SECONDS (up to 50).",
    ),
    "rate": ("{who} asks to wait longer than a command may.", "Wait, or ask the provider for a higher rate limit."),
    "server": ("{who} failed inside.", "Wait, and look at the provider's status page or the server's own log."),
    "auth": ("{who} refused the key, or none is set.", "Set {key} to a key that may use this model."),
    "quota": (
        "The account at the provider has nothing left to spend.",
        "Look at the billing page of the account of {key}.",
    ),
    "blocked": (
        "The provider's filter withheld the answer.",
        "Nothing to do, unless it happens often: choose another model.",
    ),
    "malformed": (
        "{who} gave no usable answer in the asked form.",
        "Choose a model that follows a JSON schema better.",
    ),
    "budget": (
        "The budget for models is spent.",
        "Wait for the next command or day, or raise AI_PROVISION_MODEL_TOKENS, ..._MODEL_MONEY or the daily ones.",
    ),
    "tls": (
        "The certificate of the model's server is not trusted.",
        "Name the certificate authority in SSL_CERT_FILE; the check cannot be switched off.",
    ),
    "unknown-model": ("{who} does not know this model.", "Check the name in AI_PROVISION_MODEL, and {address}."),
}


def fault(kind: FaultKind, party: Party) -> Fault:
    """The fault in plain words."""
    message, remedy = _SAYS[kind]
    words = {"who": LABELS[party.provider], "key": KEYS[party.provider], "address": ADDRESSES[party.provider]}
    return Fault(kind=kind, message=message.format(**words), remedy=remedy.format(**words))


class Trouble(httpx2.TransportError):
    """One call gave nothing usable. ``wait`` is in seconds, None where the server named none.

    ``form`` tells that the server refused the shape of the request, so that a plainer one may do.
    """

    def __init__(self, kind: FaultKind, *, again: bool = True, wait: float | None = None, form: bool = False) -> None:
        super().__init__(kind)
        self.kind: FaultKind = kind
        self.retries = RETRIES.get(kind, 0) if again else 0
        self.wait = wait
        self.form = form


def judge(status: int, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Trouble | None:
    """What a status means; None for success."""
    if 200 <= status < 300:
        return None
    if status >= 500:
        return Trouble("server")
    low = body[:20_000].lower()
    if status == 429:
        return Trouble("quota") if any(word in low for word in _SPENT) else _rate(headers, body, now=now)
    if status in {400, 422}:
        kind = next((kind for word, kind in _BY_WORD if word in low), None)
        return Trouble("malformed", again=False, form=True) if kind is None else Trouble(kind)
    if status < 400:
        return Trouble("server", again=False)
    return Trouble(_BY_STATUS.get(status, "malformed"), again=status == 408)


def _rate(headers: Mapping[str, str], body: bytes, *, now: datetime) -> Trouble:
    wait = _retry_after(headers.get("retry-after", ""), now=now)
    return Trouble("rate", wait=_retry_delay(body) if wait is None else wait)


def _retry_after(value: str, *, now: datetime) -> float | None:
    """Seconds, from seconds or a date; None for anything else."""
    text = value.strip()[:64]
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _retry_delay(body: bytes) -> float | None:
    """Gemini says it inside: ``"retryDelay": "17s"`` (google.rpc.RetryInfo)."""
    found = re.search(rb'"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d{1,9})?)s"', body[:20_000])
    return float(found.group(1)) if found else None


def tokens(body: bytes) -> tuple[int, int] | None:
    """Input and output tokens of an answer in either protocol; None when the body is no JSON object.

    Cached input counts in full: the budget is never spent faster than this says.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    google, openai = _dict(answer.get("usageMetadata")), _dict(answer.get("usage"))
    if google:
        return _sum(google, "promptTokenCount", "toolUsePromptTokenCount"), _sum(
            google, "candidatesTokenCount", "thoughtsTokenCount"
        )
    return _sum(openai, "prompt_tokens"), _sum(openai, "completion_tokens")


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _sum(usage: Mapping[str, object], *names: str) -> int:
    """Whole, positive and bounded, whatever the server claims."""
    return sum(_count(usage.get(name)) for name in names)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return int(min(max(value, 0), 10_000_000))
