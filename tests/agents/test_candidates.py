"""One question, and only where the answers make plans that differ much."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.candidates import inquire, other_plan
from bot.agents.collector import Collected
from bot.errors import Code, Refusal
from bot.handlers.grammar import parse_comment
from bot.model.command import Provision
from bot.model.decision import Decision
from bot.model.inquiry import Inquiry
from bot.model.plan import Exceeded, Machine, Placed, Plan, ServicePlan, Source, Storage
from bot.model.profile import AppProfile, Candidate, Doubt
from bot.model.quantity import Bytes, MilliCpu
from bot.model.refinement import Refinement
from bot.rendering.question import question
from bot.survey.description.reading import read_description
from tests.agents.facts import collected, header, plan_of, profile, request
from tests.fakes.house import DESCRIPTION

DOUBT = Doubt(
    path="profile.services",
    question="Which one?",
    assumed="the first",
    answer="say so",
    candidates=(Candidate(label="one", settles="qps=2000"), Candidate(label="other", settles="qps=500")),
)
REFUSED = Refusal(code=Code.CAPACITY, message="No room.", remedy="Make room.")


def asked(description: str, seen: AppProfile | None = None) -> Inquiry | None:
    facts = collected(description, seen or profile())
    return inquire(facts, plan_of(facts), request(description), plan_of=plan_of)


def settled_by(inquiry: Inquiry) -> list[str]:
    return [choice.answer for choice in inquiry.choices]


@pytest.mark.parametrize(
    ("description", "changes", "answers"),
    [
        ("Inventory with MySQL, 200 QPS", {}, ["[database=both]", "[database=mysql]", "[database=postgresql]"]),
        ("200 QPS, stateful", {}, ["[state=stateless]", "[state=stateful]"]),
        (DESCRIPTION, {"header": header(expected_qps=500.0)}, ["[qps=2000]", "[qps=500]"]),
        ("200 QPS, in namespace shop, into the cart namespace", {}, ["[namespace=shop]", "[namespace=cart]"]),
        ("200 QPS, on cluster home, on cluster away", {}, ["[cluster=home]", "[cluster=away]"]),
    ],
    ids=["database", "kind", "request", "namespace", "cluster"],
)
def test_a_reading_that_changes_the_plan_much_is_asked(
    description: str, changes: dict[str, Any], answers: list[str]
) -> None:
    inquiry = asked(description, profile(**changes))
    assert inquiry is not None
    assert (inquiry.kind, settled_by(inquiry)) == ("reading", answers)


@pytest.mark.parametrize(
    ("description", "changes"),
    [
        (DESCRIPTION, {}),
        ("200 QPS", {"header": header(expected_qps=150.0)}),
        ("200 QPS, under 150 ms", {"header": header(sla_latency_ms=140.0)}),
        ("20 QPS, low criticality", {"header": header(criticality="standard")}),
        ("200 QPS [colour=blue]", {}),
    ],
    ids=["agreement", "near", "latency", "tier-changes-pods-alone", "wrong-answer"],
)
def test_what_changes_little_is_not_asked_and_stays_unsure(description: str, changes: dict[str, Any]) -> None:
    seen = profile(**changes)
    assert asked(description, seen) is None
    doubts = collected(description, seen).profile.unsure
    assert bool(doubts) == (description != DESCRIPTION)


def test_one_question_for_one_command_the_most_urgent_first() -> None:
    described = "2000 QPS, MySQL, stateful, in namespace shop, into the cart namespace, strong consistency"
    seen = profile(header=header(expected_qps=500.0))
    answers: list[str] = []
    for _ in range(5):
        inquiry = asked(described, seen)
        if inquiry is None:
            break
        answers.append(settled_by(inquiry)[-1])
        described = f"{described} {answers[-1]}"
    assert answers == ["[database=postgresql]", "[state=stateful]", "[qps=500]", "[namespace=cart]"]


def resized(service: ServicePlan, what: str) -> ServicePlan:
    """The workload with one thing changed."""
    asked_for, cpu, memory = service.requests, service.requests.cpu, service.requests.memory
    changes: dict[str, dict[str, Any]] = {
        "cpu-2x": {"requests": asked_for.model_copy(update={"cpu": MilliCpu(2 * cpu)})},
        "cpu-more": {"requests": asked_for.model_copy(update={"cpu": MilliCpu(2 * cpu + 1)})},
        "memory-less": {"requests": asked_for.model_copy(update={"memory": Bytes(memory // 2 - 1)})},
        "replicas": {"replicas": 10 * service.replicas},
        "kind": {"kind": "StatefulSet", "storage": Storage(size=Bytes.of_gib(1))},
    }
    return service.model_copy(update=changes.get(what, {}))


def changed(plan: Plan, what: str) -> Plan:
    """The plan with one thing changed."""
    moved = Placed(name=plan.placement[0].name, system="proxmox", node=None, why="moved")
    stored = Decision(path="dependencies.redis", value="expected", origin="rule", why="in use", source="survey")
    changes: dict[str, dict[str, Any]] = {
        "node": {"placement": tuple(one.model_copy(update={"node": "other"}) for one in plan.placement)},
        "system": {"placement": (moved, *plan.placement[1:])},
        "expected-store": {"decisions": (*plan.decisions, stored)},
        "machine": {"machines": (*plan.machines, MACHINE)},
        "cost": {"cost": plan.cost.model_copy(update={"monthly": 1e6})},
    }
    services = (resized(plan.services[0], what), *plan.services[1:])
    return plan.model_copy(update=changes.get(what, {"services": services}))


MACHINE = Machine(
    name="db-9",
    kind="vm",
    role="mysql-primary",
    source=Source(template_id=9000),
    node="pve1",
    cores=2,
    memory=Bytes.of_gib(8),
    disk=Bytes.of_gib(32),
    vm_id=900,
    address="dhcp",
    datastore="local",
    serves="mysql",
)


@pytest.mark.parametrize(
    ("what", "matters"),
    [
        ("cpu-2x", False), ("cpu-more", True), ("memory-less", True), ("kind", True), ("system", True), ("machine", True),
        ("expected-store", True), ("node", False), ("replicas", False), ("cost", False), ("nothing", False),
    ],
)  # fmt: skip
def test_only_kind_database_place_and_more_than_twice_a_request_matter(what: str, matters: bool) -> None:
    facts, plan = doubtful(DOUBT)
    inquiry = inquire(facts, plan, request(DESCRIPTION), plan_of=lambda _facts: changed(plan, what))
    assert (inquiry is not None) == matters


def doubtful(*doubts: Doubt, description: str = DESCRIPTION) -> tuple[Collected, Plan]:
    facts = collected(description, profile())
    plan = plan_of(facts)
    assert isinstance(plan, Plan)
    return facts.model_copy(update={"profile": facts.profile.model_copy(update={"unsure": doubts})}), plan


def test_a_question_that_a_model_caused_is_never_asked() -> None:
    facts, plan = doubtful(DOUBT.model_copy(update={"proposed_by_model": True}))
    planned: list[Collected] = []
    assert inquire(facts, plan, request(DESCRIPTION), plan_of=lambda other: planned.append(other) or REFUSED) is None  # type: ignore[func-returns-value]
    assert planned == []


@pytest.mark.parametrize(
    "candidates",
    [
        (),
        (Candidate(label="one", settles="qps=2000"),),
        (Candidate(label="one", settles="qps=lots"), Candidate(label="other", settles="colour=blue")),
        (Candidate(label="one", settles="namespace=a b"), Candidate(label="other", settles="")),
    ],
)
def test_a_doubt_without_two_answers_is_never_asked(candidates: tuple[Candidate, ...]) -> None:
    facts, plan = doubtful(DOUBT.model_copy(update={"candidates": candidates}))
    assert inquire(facts, plan, request(DESCRIPTION), plan_of=lambda _facts: changed(plan, "kind")) is None


def test_a_settled_doubt_is_never_asked_again() -> None:
    described = f"{DESCRIPTION} [qps=500]"
    facts, plan = doubtful(DOUBT, description=described)
    assert inquire(facts, plan, request(described), plan_of=lambda _facts: changed(plan, "kind")) is None


def test_each_candidate_is_planned_as_its_answer_would_be() -> None:
    facts, plan = doubtful(DOUBT)
    planned: list[Collected] = []

    def remembering(other: Collected) -> Plan | Refusal:
        planned.append(other)
        return plan_of(other)

    inquire(facts, plan, request(DESCRIPTION), plan_of=remembering)
    assert [(other.demand.qps_peak, other.demand.answer("qps")) for other in planned] == [(2000, "2000"), (500, "500")]


def test_a_reading_without_a_plan_says_so_and_is_no_reason_to_ask_alone() -> None:
    facts, plan = doubtful(DOUBT)
    assert inquire(facts, plan, request(DESCRIPTION), plan_of=lambda _facts: REFUSED) is None

    def second_refused(other: Collected) -> Plan | Refusal:
        return REFUSED if other.demand.qps_peak == 500 else changed(plan, "kind")

    inquiry = inquire(facts, plan, request(DESCRIPTION), plan_of=second_refused)
    assert inquiry is not None
    assert inquiry.choices[1].effect == "no plan is possible (capacity): No room."


def test_when_the_assumed_reading_has_no_plan_another_one_is_offered() -> None:
    described = "2000 QPS peak, MySQL, strong consistency, zero downtime"
    facts = collected(described, profile())
    assumed = plan_of(facts)
    assert isinstance(assumed, Refusal), "two sets of database machines find no room"
    inquiry = inquire(facts, assumed, request(described), plan_of=plan_of)
    assert inquiry is not None
    assert settled_by(inquiry) == ["[database=both]", "[database=mysql]", "[database=postgresql]"]
    assert inquiry.choices[0].effect.startswith("no plan is possible (capacity)")
    other = other_plan(facts, plan_of=plan_of)
    assert other is not None
    assert {machine.serves for machine in other.machines} == {"mysql"}
    assert other_plan(facts, plan_of=lambda _facts: REFUSED) is None
    assert inquire(collected("2000 QPS", profile()), REFUSED, request("2000 QPS"), plan_of=plan_of) is None


def test_the_effect_is_said_in_words() -> None:
    inquiry = asked(DESCRIPTION, profile(header=header(expected_qps=500.0)))
    assert inquiry is not None
    large, small = inquiry.choices
    assert large.label == "2000 requests/s (the description)"
    assert large.effect == "api 3 pods x 850m, 128Mi; 2 PostgreSQL machines 8 vCPU / 32 GiB; 157.55 EUR a month"
    assert small.label == "500 requests/s (the header of api)"
    assert small.effect.startswith("api 3 pods x 250m, 128Mi; 2 PostgreSQL machines 2 vCPU / 8 GiB;")


HOSTILE = ('say "yes" \\', "`tick` ```fence```", "${jndi:x} $(id)", "# no comment", "a: b, - c", "[x] <b>", "💡 \u00e9")


@pytest.mark.parametrize("words", HOSTILE)
def test_the_copied_command_parses_to_the_settled_demand(words: str) -> None:
    described = f"{words} 2000 QPS, MySQL, stateful"
    inquiry = asked(described)
    assert inquiry is not None
    for choice in inquiry.choices:
        assert copied(choice.command).answer("database") == choice.answer[1:-1].partition("=")[2]


def copied(command: str) -> Any:
    parsed = parse_comment(command, hosts=("github.com",))
    assert isinstance(parsed, Provision), parsed
    return read_description(parsed.app_description)


@given(st.text(max_size=120).filter(lambda text: all(letter.isprintable() for letter in text)))
def test_the_command_is_copied_out_of_the_comment_unharmed(words: str) -> None:
    facts, plan = doubtful(DOUBT)
    described = f"x {words}"
    inquiry = inquire(facts, plan, request(described), plan_of=lambda _facts: changed(plan, "kind"))
    assert inquiry is not None
    comment = question(inquiry, job="0123456789ab")
    assert parse_comment(comment, hosts=("github.com",)) is None
    for choice in inquiry.choices:
        assert choice.command in comment
        assert f"[{choice.answer[1:-1]}]" in choice.command
        mark = "`" * (max(3, max((len(run) for run in ticks(choice.command)), default=0) + 1))
        assert f"{mark}text\n{choice.command}\n{mark}" in comment


def ticks(text: str) -> list[str]:
    return [run for run in "".join(letter if letter == "`" else " " for letter in text).split() if run]


def test_a_description_without_room_for_an_answer_is_told_to_be_shorter() -> None:
    described = f"2000 QPS, MySQL {'x' * 3_970}"
    inquiry = asked(described)
    assert inquiry is not None
    assert [choice.command for choice in inquiry.choices] == ["", "", ""]
    assert "Shorten the description, and add `[database=mysql]`" in question(inquiry, job="0123456789ab")


def over(plan: Plan, *totals: float) -> Plan:
    scopes: tuple[Any, Any] = ("application", "namespace")
    exceeded = tuple(
        Exceeded(scope=scope, name="shop", limit=100.0, total=total)
        for scope, total in zip(scopes, totals, strict=False)
    )
    return plan.model_copy(update={"cost": plan.cost.model_copy(update={"exceeded": exceeded})})


def test_a_budget_that_is_passed_waits_for_a_confirmation_of_the_whole_amount() -> None:
    facts, plan = doubtful()
    inquiry = inquire(facts, over(plan, 157.55, 257.01), request(DESCRIPTION), plan_of=plan_of)
    assert inquiry is not None
    assert (inquiry.kind, settled_by(inquiry)) == ("budget", ["[budget=258]", "[qps=2000]"])
    assert "157.55 EUR a month" in inquiry.why
    assert "namespace shop costs 257.01 EUR" in inquiry.why
    assert copied(inquiry.choices[0].command).answer("budget") == "258"
    assert copied(inquiry.choices[1].command).answer("qps") == "2000"


def test_the_budget_is_asked_of_the_plan_that_would_be_opened() -> None:
    facts, plan = doubtful()
    assert inquire(facts, plan, request(DESCRIPTION), plan_of=plan_of) is None
    inquiry = inquire(facts, plan, request(DESCRIPTION), plan_of=plan_of, final=over(plan, 300.0))
    assert inquiry is not None
    assert inquiry.kind == "budget"


def test_without_a_stated_load_no_number_is_offered() -> None:
    described = "Inventory with PostgreSQL"
    facts, plan = doubtful(description=described)
    inquiry = inquire(facts, over(plan, 300.0), request(described), plan_of=plan_of)
    assert inquiry is not None
    assert settled_by(inquiry) == ["[budget=300]"]


def test_a_reading_comes_before_the_budget() -> None:
    facts, plan = doubtful(DOUBT)
    inquiry = inquire(
        facts, over(plan, 300.0), request(DESCRIPTION), plan_of=lambda _facts: over(changed(plan, "kind"), 300.0)
    )
    assert inquiry is not None
    assert inquiry.kind == "reading"


def test_a_refined_plan_is_asked_about_its_budget_alone() -> None:
    facts, plan = doubtful(DOUBT)
    refined = request(DESCRIPTION).model_copy(update={"refinements": (Refinement(key="replicas", value="9"),)})
    assert inquire(facts, plan, refined, plan_of=lambda _facts: changed(plan, "kind")) is None
    inquiry = inquire(facts, over(plan, 300.0), refined, plan_of=plan_of)
    assert inquiry is not None
    [confirm] = inquiry.choices
    assert "/ai-refine replicas=9" in confirm.effect
