"""Who decided: which agent spoke by rule or by model, what was taken, what was rejected and why.

In: the published document, what models cost. Out: a folded Markdown section, and which knowledge was cited. Never: a
model's prose that is not inert and cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bot.model.consultation import Consultation, Dropped, Effort, Reason
from bot.model.decision import Decision
from bot.model.document import Document
from bot.model.evidence import Piece
from bot.model.finding import Verdict
from bot.rendering.markdown import bullets, folded, joined, table
from bot.rendering.shown import code, words

_CUT: Final = 200
_ITEMS: Final = 8
_SOURCES: Final = 20
_HEAD: Final = ("agent", "spoke", "input", "taken", "rejected", "reasons", "confidence")
_COST: Final = ("agent", "model", "calls", "tokens in", "tokens out", "seconds", "US dollars")


def agents_section(document: Document, efforts: tuple[Effort, ...] = ()) -> str:
    """The section; empty for a document that names no agent."""
    if not document.agents:
        return ""
    body = [
        table(_HEAD, map(_agent, document.agents)),
        _rounds(document.rounds),
        _knowledge(document),
        _costs(efforts),
    ]
    return folded("Who decided", joined(body).strip("\n"))


def cited_pieces(
    pieces: Iterable[Piece], decisions: Iterable[Decision], consultations: Iterable[Consultation]
) -> tuple[Piece, ...]:
    """The pieces that a decision or an agent rests on, each once, in the order of the pieces."""
    said = {source for each in consultations for source in each.cited}
    texts = " ; ".join(dict.fromkeys(entry.source for entry in decisions))
    found = {piece.source_id: piece for piece in pieces}
    return tuple(piece for name, piece in found.items() if name in said or _names(texts, name))


def _names(text: str, source: str) -> bool:
    """Whether a source id stands in a text, and not as a part of a longer one."""
    return bool(source) and re.search(rf"(?<![\w:#/@.-]){re.escape(source)}(?![\w:#/@-]|\.\w)", text) is not None


def _agent(each: Consultation) -> tuple[str, ...]:
    return (
        each.agent,
        f"rules and {code(each.model)}" if each.model is not None else "rules",
        code(each.digest),
        _list(map(code, each.decided), len(each.decided)) or ("nothing" if each.model else ""),
        _list(map(_dropped, each.rejected), len(each.rejected)) + _fault(each),
        _list(map(_reason, each.reasons), len(each.reasons)),
        f"{each.confidence:.2f}" if each.confidence is not None else "",
    )


def _list(items: Iterable[str], count: int) -> str:
    """One cell; what is left out is counted."""
    shown = [item for item, _ in zip(items, range(_ITEMS), strict=False)]
    more = [f"and {count - _ITEMS} more"] if count > _ITEMS else []
    return "; ".join([*shown, *more])


def _dropped(dropped: Dropped) -> str:
    return f"{code(dropped.what[:_CUT])} ({_prose(dropped.why)})"


def _reason(reason: Reason) -> str:
    return _prose(reason.text) + (f" [{words(reason.source_id)}]" if reason.source_id else "")


def _prose(text: str) -> str:
    return words(text if len(text) <= _CUT else f"{text[:_CUT]}… cut")


def _fault(each: Consultation) -> str:
    return f" {words(each.fault.message)} ({words(each.fault.kind)})" if each.fault is not None else ""


def _rounds(rounds: tuple[Verdict, ...]) -> str:
    """More than the first round is told in a list."""
    if not rounds:
        return ""
    kept = sum(verdict.kept for verdict in rounds)
    count = f"Review rounds: {len(rounds)}, {kept} kept."
    return joined([count, bullets(map(_round, rounds[1:]))]).strip("\n")


def _round(verdict: Verdict) -> str:
    changed = _list(map(code, verdict.changed), len(verdict.changed)) or "nothing"
    end = "kept" if verdict.kept else "thrown away"
    return f"Round {verdict.round}, by {verdict.by}: {changed}; {end}" + (
        f", {_prose(verdict.why)}" if verdict.why else ""
    )


def _knowledge(document: Document) -> str:
    cited = cited_pieces(document.retrieved, document.decisions, document.agents)
    if not cited:
        return ""
    items = [f"{code(piece.source_id[:_CUT])}: {_prose(piece.title)}" for piece in cited[:_SOURCES]]
    more = [f"and {len(cited) - _SOURCES} more, see plan.json"] if len(cited) > _SOURCES else []
    return f"Knowledge cited:\n\n{bullets([*items, *more])}"


def _costs(efforts: tuple[Effort, ...]) -> str:
    return table(_COST, map(_cost, efforts))


def _cost(effort: Effort) -> tuple[str, ...]:
    spent = effort.spent
    return (
        effort.agent,
        code(effort.model),
        str(spent.calls),
        f"{spent.input_tokens:,}",
        f"{spent.output_tokens:,}",
        f"{spent.seconds:.1f}",
        f"{spent.money:.4f}" if spent.money is not None else "not known",
    )
