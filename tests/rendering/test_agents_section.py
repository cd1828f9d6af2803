"""Who decided, in the pull request: complete, folded, and inert whatever a model wrote (L05)."""

from __future__ import annotations

import pytest
from hypothesis import given

from bot.model.config import Config
from bot.model.consultation import Consultation, Dropped, Effort, Fault, Reason, Spent
from bot.model.decision import Decision
from bot.model.document import Document
from bot.model.evidence import Piece
from bot.model.finding import Verdict
from bot.rendering.agents_section import agents_section, cited_pieces
from bot.rendering.pull_request import pull_text
from tests.daily import searched
from tests.rendering.scenes import supermarket
from tests.rendering.test_hostile_text import TEXTS, assert_inert

PIECE = Piece(source_id="sizing-7.5", kind="guidance", title="CPU of one pod", text="c = min(c0, …)")
OTHER = Piece(source_id="sizing-7", kind="guidance", title="The algorithm", text="…")
RULES = tuple(Consultation(agent=agent, digest="0123456789abcdef") for agent in ("collector", "planner", "reviewer"))
MODEL = Consultation(
    agent="planner",
    digest="fedcba9876543210",
    model="google:gemini-2.5-pro",
    decided=("services.api.requests.cpu",),
    rejected=(Dropped(what="api.memory=9Ti", why="held to 256Mi, the limit of the rules"),),
    reasons=(Reason(text="The peak is short.", source_id="sizing-7.5"),),
    confidence=0.8,
    cited=("sizing-7.5",),
)
EFFORT = Effort(
    agent="planner", model="google:gemini-2.5-pro",
    spent=Spent(calls=2, input_tokens=12_345, output_tokens=678, seconds=3.21, money=0.0123),
)  # fmt: skip


def document(*agents: Consultation, **fields: object) -> Document:
    nouns = supermarket()
    made = Document.of(
        nouns.plan, nouns.snapshot, request=nouns.request, demand=nouns.demand, profile=nouns.profile, findings=()
    )
    return made.model_copy(update={"agents": agents, **fields})


def body(shown: Document, efforts: tuple[Effort, ...] = ()) -> str:
    return pull_text(shown, config=Config(), draft=False, rounds=1, efforts=efforts).body


def test_rules_alone_add_one_folded_section_and_nothing_else() -> None:
    plain, told = body(document()), body(document(*RULES, rounds=(Verdict(round=1),)))
    section = agents_section(document(*RULES, rounds=(Verdict(round=1),)))
    assert told == plain.replace("### Next", f"{section}\n\n### Next")
    assert section.startswith("<details>\n<summary>Who decided</summary>")
    assert section.count("| rules |") == 3
    assert "tokens" not in section
    assert "Review rounds: 1, 1 kept." in section


def test_a_model_is_named_with_what_was_taken_rejected_and_why() -> None:
    section = agents_section(document(MODEL, retrieved=(PIECE, OTHER)), (EFFORT,))
    for shown in (
        "`google:gemini-2.5-pro`", "`fedcba9876543210`", "`services.api.requests.cpu`", "`api.memory=9Ti`", "held to 256Mi",
        "The peak is short.", "sizing-7.5", "0.80", "CPU of one pod", "12,345", "678", "3.2", "0.0123",
    ):  # fmt: skip
        assert shown in section, shown
    assert "The algorithm" not in section


def test_a_model_that_gave_nothing_is_named_with_its_fault() -> None:
    fault = Fault(kind="timeout", message="The model did not answer in time.", remedy="r")
    section = agents_section(document(Consultation(agent="planner", digest="0" * 16, model="x:y", fault=fault)))
    assert "did not answer in time. (timeout)" in section
    assert "nothing" in section


def test_rounds_are_told_thrown_away_ones_too() -> None:
    rounds = (
        Verdict(round=1),
        Verdict(round=2, by="model", changed=("api.cpu=1",), kept=False, why="it brought errors of a new rule: pdb"),
        Verdict(round=3, by="rule", changed=("services.api.limits.memory",), why="errors and warnings fell"),
    )
    section = agents_section(document(*RULES, rounds=rounds))
    assert "Review rounds: 3, 2 kept." in section
    assert "Round 2, by model: `api.cpu=1`; thrown away, it brought errors of a new rule: pdb" in section
    assert "Round 3, by rule: `services.api.limits.memory`; kept" in section


@pytest.mark.parametrize(
    ("source", "cited"),
    [
        ("sizing-7.5", True), ("see sizing-7.5; sizing step 5", True), ("sizing-7.5.1", False), ("sizing-7.51", False),
        ("my-sizing-7.5", False), ("sizing-7", False), ("", False), ("(sizing-7.5).", True),
    ],
)  # fmt: skip
def test_a_piece_is_cited_by_the_source_of_a_decision(source: str, cited: bool) -> None:  # a table
    decision = Decision(path="x", value=1, origin="model", why="w", source=source)
    assert cited_pieces((PIECE, PIECE), (decision,), ()) == ((PIECE,) if cited else ())


def test_a_piece_is_cited_by_an_agent() -> None:
    assert cited_pieces((OTHER, PIECE), (), (MODEL,)) == (PIECE,)


PAYLOADS = (
    "@org/team", "closes #1", "![x](https://evil.example/x.png)", "[x](https://evil.example)", "<!-- hidden",
    "<img src=x onerror=alert(1)>", "</details></summary>", "| a | b |", "```\nout", "x" * 70_000, "\n\n# heading",
    "GH-12", "https://evil.example/x", "~~~", "<details open>", "\u202ereversed",
)  # fmt: skip


def hostile(prose: str) -> Document:
    spoke = Consultation(
        agent="planner",
        digest="0" * 16,
        model=prose,
        decided=(prose,),
        rejected=(Dropped(what=prose, why=prose),) * 12,
        reasons=(Reason(text=prose[:300], source_id=prose[:64]),) * 8,
        confidence=0.5,
        cited=(prose,),
        fault=Fault(kind="malformed", message=prose, remedy=prose),
    )
    rounds = (Verdict(round=1), Verdict(round=2, by="model", changed=(prose,) * 9, kept=False, why=prose))
    piece = Piece(source_id=prose, kind="page", title=prose, text=prose)
    return document(spoke, rounds=rounds, retrieved=(piece,))


@pytest.mark.parametrize("prose", PAYLOADS, ids=lambda text: f"L05-{text[:14]!a}")
def test_prose_of_a_model_is_inert_and_cut(prose: str) -> None:
    section = agents_section(hostile(prose), (EFFORT.model_copy(update={"model": prose}),))
    assert_inert(_inside(section))
    assert len(section) < 40_000
    assert len(prose) < 70_000 or "… cut" in section


@searched(100)
@given(TEXTS)
def test_l05_any_prose_is_inert(prose: str) -> None:
    assert_inert(_inside(agents_section(hostile(prose))))


def _inside(section: str) -> str:
    """Without the fold, which is ours and the only HTML."""
    head, tail = "<details>\n<summary>Who decided</summary>\n\n", "\n\n</details>"
    assert section.startswith(head)
    assert section.endswith(tail)
    return section.removeprefix(head).removesuffix(tail)
