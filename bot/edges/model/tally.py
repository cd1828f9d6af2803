"""What one question has cost so far, and whether it may cost more.

In: an allowance, answers' token counts. Out: ``Spent``, and a stop when the allowance is used up. Never: a call.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from genai_prices import Usage, calc_price

from bot.edges.model.faults import Trouble
from bot.edges.model.party import Party
from bot.model.consultation import Allowance, FaultKind, Spent

BYTES_PER_TOKEN = 4.0
"""A rough measure, for the check before a call: most tokenizers give 3 to 5 bytes of English or JSON per token."""


def price(party: Party, input_tokens: int, output_tokens: int) -> float | None:
    """US dollars by the list of genai-prices, which came with the package; None where it names no price.

    Ollama has none. A server of one's own that speaks OpenAI's protocol is priced when it serves a model of that name.
    """
    if party.provider == "ollama":
        return None
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    try:
        return float(calc_price(usage, party.model, provider_id=party.provider).total_price)
    except (LookupError, ValueError):
        return None


@dataclass
class Tally:
    """Filled in while the question is on its way; read by the thread that waits, also when time is up."""

    party: Party
    allowance: Allowance
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    stopped: FaultKind | None = None
    form_refused: bool = False
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds."""
        return self.begun + self.allowance.seconds - time.monotonic()

    def admit(self, size: int) -> None:
        """Count a call with a body of so many bytes before it is made. Raises Trouble(budget)."""
        expected = int(size / BYTES_PER_TOKEN)
        used = self.input_tokens + self.output_tokens
        if used + expected >= self.allowance.tokens or self._too_dear(expected):
            raise Trouble("budget")
        self.calls += 1

    def _too_dear(self, expected: int) -> bool:
        if self.allowance.money is None:
            return False
        cost = price(self.party, self.input_tokens + expected, self.output_tokens)
        return cost is not None and cost >= self.allowance.money

    def count(self, counted: tuple[int, int]) -> None:
        """Add the tokens of an answer, also of one that is of no use."""
        self.input_tokens += counted[0]
        self.output_tokens += counted[1]

    def spent(self) -> Spent:
        """So far."""
        return Spent(
            calls=self.calls,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            seconds=round(time.monotonic() - self.begun, 3),
            money=price(self.party, self.input_tokens, self.output_tokens) if self.calls else None,
        )
