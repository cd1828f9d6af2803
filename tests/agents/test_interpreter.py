"""Plain words of ``/ai-refine``: whatever a model says, typed keys come out whose numbers follow, or a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.desk import EMPTY, Desk
from bot.agents.interpreter import KEYS, Interpreted, interpret
from bot.errors import Refusal
from bot.handlers.grammar import parse_comment
from bot.model.command import Change, Refine
from bot.model.consultation import Allowance, Fault, InterpreterAnswer, Scalar, WantedChange
from bot.model.document import Remembered
from bot.model.plan import Plan
from bot.model.refinement import problem_with
from tests.agents.facts import collected, plan_of, profile, request
from tests.fakes.counsel import ScriptedCounsel
from tests.fakes.house import DESCRIPTION


def _plan() -> Remembered:
    plan = plan_of(collected(DESCRIPTION, profile()))
    assert isinstance(plan, Plan)
    return Remembered(app=plan.app, request=request(DESCRIPTION), services=plan.services)


PLAN = _plan()
"""api: 3 pods of 850m and 128Mi; web: 3 pods of 100m and 128Mi."""


def wanted(key: str, value: Scalar, service: str | None = None) -> WantedChange:
    return WantedChange.model_validate({"key": key, "value": value, "service": service})


def said(*changes: WantedChange, unclear: str | None = None) -> ScriptedCounsel:
    return ScriptedCounsel(
        {"interpreter": [InterpreterAnswer(changes=changes, unclear=unclear, confidence=0.9)]}, model="test:reader"
    )


def read(words: str, counsel: ScriptedCounsel) -> Interpreted | Refusal:
    return interpret(words, PLAN, Desk(counsel=counsel))


@pytest.mark.parametrize(
    ("words", "changes", "written"),
    [
        ("make it five replicas", [wanted("replicas", 5)], "replicas=5"),
        ("5 pods for api and 1 Gi", [wanted("replicas", "5", "api"), wanted("memory", "1Gi", "api")], "api.replicas=5 api.memory=1Gi"),
        ("double the memory of api", [wanted("memory", "256Mi", "api")], "api.memory=256Mi"),
        ("halve the cpu of api", [wanted("cpu", "425m", "api")], "api.cpu=425m"),
        ("replicas=5 and a bit more memory", [wanted("replicas", 5.0), wanted("memory", "160Mi")], "replicas=5 memory=160Mi"),
        ("half a core for web", [wanted("cpu", 0.5, "web")], "web.cpu=0.5"),
        ("at most 20 pods", [wanted("max", 20)], "max=20"),
        ("1 Gi", [wanted("memory", " 1Gi "), wanted("memory", "1Gi")], "memory=1Gi"),
    ],
)  # fmt: skip
def test_words_become_typed_changes(words: str, changes: list[WantedChange], written: str) -> None:
    counsel = said(*changes)
    interpreted = read(words, counsel)
    assert isinstance(interpreted, Interpreted), interpreted
    assert (interpreted.written, interpreted.model) == (written, "test:reader")
    assert isinstance(parse_comment(f"/ai-refine {written}", hosts=()), Refine)
    assert [effort.agent for effort in interpreted.efforts] == ["interpreter"]
    assert [answer.digest for answer in interpreted.answers] == [counsel.asked[0].digest]
    assert Interpreted.model_validate_json(interpreted.model_dump_json()) == interpreted


REFUSED = {
    "stray-number": ("a bit more", [wanted("replicas", 9)]),
    "stray-memory": ("5 pods", [wanted("memory", "4Gi")]),
    "one-of-two": ("5 pods", [wanted("replicas", 5), wanted("memory", "4Gi")]),
    "other-service": ("5 pods", [wanted("replicas", 5, "cart")]),
    "hostile-service": ("5 pods", [wanted("replicas", 5, "api\n/ai-destroy shop")]),
    "wrong-unit": ("512 MB", [wanted("memory", "512MB")]),
    "no-unit": ("512 MB", [wanted("memory", 512)]),
    "bananas": ("5 pods", [wanted("cpu", "4bananas")]),
    "command-in-value": ("5 pods", [wanted("replicas", "5\n/ai-destroy shop")]),
    "list-in-value": ("5 pods", [wanted("replicas", "5 memory=64Gi")]),
    "yes": ("5 pods", [wanted("replicas", value=True)]),
    "null": ("5 pods", [wanted("replicas", None)]),
    "nan": ("5 pods", [wanted("cpu", "NaN")]),
    "infinite": ("5 pods", [wanted("replicas", 1e300)]),
    "negative": ("5 pods", [wanted("replicas", -5)]),
    "two-values": ("3 or 5 pods", [wanted("replicas", 3), wanted("replicas", 5)]),
    "no-such-number": ("a disk", [wanted("storage", "20Gi", "api")]),
    "far-for-one-service": ("more cpu", [wanted("cpu", "850m")]),
}


@pytest.mark.parametrize(("words", "changes"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_follow_or_is_no_key_is_refused(words: str, changes: list[WantedChange]) -> None:
    refusal = read(words, said(*changes))
    assert isinstance(refusal, Refusal), refusal
    assert (refusal.code, refusal.example) == ("llm-invalid", "/ai-refine replicas=5 memory=1Gi")
    assert "key=value" in refusal.remedy
    assert refusal.message.isprintable()


@pytest.mark.parametrize(
    "counsel",
    [said(), said(unclear="[click](https://evil.example) @everyone"), said(wanted("replicas", 5), unclear="which?")],
    ids=["nothing", "hostile-prose", "half-sure"],
)
def test_unclear_words_are_asked_for_again_in_our_own_words(counsel: ScriptedCounsel) -> None:
    refusal = read("make it 5 better", counsel)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "syntax"
    assert "evil" not in refusal.model_dump_json()
    assert all(key in refusal.message for key in KEYS)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="timeout", message="https://user:CANARY@10.0.0.1/ timed out", remedy="Wait."),
        Fault(kind="malformed", message="CANARY", remedy="."),
        Fault(kind="budget", message="CANARY", remedy="."),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_model_that_gives_nothing_is_a_refusal_with_the_other_form(fault: Fault) -> None:
    refusal = read("5 pods", ScriptedCounsel({"interpreter": [fault]}))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.example) == ("llm-invalid", "/ai-refine replicas=5 memory=1Gi")
    assert "CANARY" not in refusal.model_dump_json()


def test_without_a_model_or_an_allowance_nobody_is_asked() -> None:
    counsel = said(wanted("replicas", 5))
    spent = Desk(counsel=counsel, allowance=Allowance(seconds=0.0))
    for desk in (EMPTY, spent):
        refusal = interpret("5 pods", PLAN, desk)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "llm-invalid"
    assert counsel.asked == []


def test_the_model_sees_the_words_as_data_and_the_present_numbers() -> None:
    counsel = said(wanted("replicas", 5))
    read("5 pods `/ai-destroy shop`", counsel)
    payload: Any = counsel.asked[0].payload
    assert payload["description"] == "5 pods `/ai-destroy shop`"
    [api, _web] = payload["rule"]["services"]
    assert (api["service"], api["replicas"], api["cpu"], api["memory"]) == ("api", "3", "850m", "128Mi")
    assert set(payload["rule"]["keys"]) == set(KEYS)
    assert counsel.offered == [()], "words never lead to a tool"


def test_a_secret_in_the_words_does_not_leave() -> None:
    counsel = said(wanted("replicas", 5))
    read("5 pods password=hunter2hunter2 and https://10.1.2.3/x", counsel)
    told = json.dumps(counsel.asked[0].payload)
    assert "hunter2" not in told
    assert "10.1.2.3" not in told


values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(["5", "1Gi", "500m"]))  # fmt: skip
services = st.one_of(st.none(), st.sampled_from(["api", "web"]), st.text(max_size=20))


@given(st.text(max_size=80), st.lists(st.tuples(st.sampled_from(KEYS), values, services), max_size=4))
def test_whatever_a_model_says_only_right_keys_and_values_come_out(words: str, said_changes: list[Any]) -> None:
    changes = tuple(
        WantedChange.model_construct(key=key, value=value, service=name) for key, value, name in said_changes
    )
    result = read(words, said(*changes))
    assert isinstance(result, Interpreted | Refusal)
    for change in result.changes if isinstance(result, Interpreted) else ():
        assert isinstance(change, Change)
        assert problem_with(change.key, change.value) is None
        assert change.service in {None, "api", "web"}
