"""A budget that the plan passes is a question, not a refusal; only the amount that was confirmed is confirmed."""

from __future__ import annotations

import pytest

from bot.model.config import Budget, Config, Prices
from bot.model.demand import Demand, Settled
from bot.model.evidence import Evidence, Spend
from bot.model.plan import Exceeded, Plan
from tests.planning.builders import GOLDEN_DEMAND, decision, plan, rules

PRICES = Prices(currency="EUR", vcpu_hour=0.01, gib_hour=0.001, storage_gib_month=0.1)
TOTAL = 193.81
"""What the golden case costs at these prices."""


def within(budget: Budget | None, *spends: Spend, answer: str | None = None, prices: Prices | None = PRICES) -> Plan:
    settled = () if answer is None else (Settled(key="budget", value=answer),)
    return plan(
        config=Config(prices=prices, budget=budget),
        demand=GOLDEN_DEMAND.model_copy(update={"settled": settled}),
        evidence=Evidence(spends=spends),
    )


def application(limit: float, total: float = TOTAL) -> Exceeded:
    return Exceeded(scope="application", name="shop", limit=limit, total=total)


def namespace(limit: float, total: float) -> Exceeded:
    return Exceeded(scope="namespace", name="shop", limit=limit, total=total)


def test_over_budget_is_planned_and_said_with_both_numbers():
    made = within(Budget(monthly=10.0))
    assert made.cost.exceeded == (application(10.0),)
    [found] = [entry for entry in made.findings if entry.rule == "over-budget"]
    assert found.severity == "warn"
    assert "193.81 EUR" in found.message
    assert "10.00" in found.message
    assert "[budget=194]" in found.remedy
    assert "budget.monthly" in found.remedy
    assert decision(made, "cost.monthly").value == TOTAL


@pytest.mark.parametrize(
    ("budget", "exceeded"),
    [
        pytest.param(None, (), id="none"),
        pytest.param(Budget(monthly=TOTAL), (), id="exactly"),
        pytest.param(Budget(monthly=10.0, applications={"shop": 500.0}), (), id="its-own-is-larger"),
        pytest.param(Budget(monthly=500.0, applications={"shop": 10.0}), (application(10.0),), id="its-own-is-smaller"),
        pytest.param(Budget(monthly=500.0, applications={"cart": 10.0}), (), id="anothers"),
        pytest.param(Budget(namespaces={"shop": 100.0}), (namespace(100.0, TOTAL),), id="namespace"),
        pytest.param(Budget(namespaces={"other": 1.0}), (), id="another-namespace"),
        pytest.param(
            Budget(monthly=10.0, namespaces={"shop": 100.0}), (application(10.0), namespace(100.0, TOTAL)), id="both"
        ),
    ],
)
def test_the_budget_of_the_application_and_of_its_namespace(budget, exceeded):
    assert within(budget).cost.exceeded == exceeded


def test_a_namespace_counts_its_other_applications_in_the_same_currency():
    spends = (
        Spend(app="cart", monthly=100.0, currency="EUR"),
        Spend(app="pay", monthly=50.0, currency="EUR", namespace="shop"),
        Spend(app="till", monthly=900.0, currency="USD"),
        Spend(app="shop", monthly=900.0, currency="EUR"),
        Spend(app="far", monthly=900.0, currency="EUR", namespace="elsewhere"),
        Spend(app="odd", monthly=float("nan"), currency="EUR"),
        Spend(app="less", monthly=-900.0, currency="EUR"),
    )
    budget = Budget(namespaces={"shop": 300.0})
    assert within(budget).cost.exceeded == ()
    assert within(budget, *spends).cost.exceeded == (namespace(300.0, TOTAL + 150),)


@pytest.mark.parametrize(
    ("answer", "confirmed"),
    [
        ("193.81", True),
        ("194", True),
        (" 200 ", True),
        ("193.80", False),
        ("0", False),
        ("yes", False),
        ("1e9", False),
        ("-500", False),
        ("inf", False),
        ("", False),
        ("999999999999999999", False),
    ],
)
def test_only_a_number_that_reaches_the_total_confirms(answer, confirmed):
    made = within(Budget(monthly=10.0), answer=answer)
    assert (made.cost.exceeded == ()) is confirmed
    assert ("budget-confirmed" in rules(made)) is confirmed
    assert ("over-budget" in rules(made)) is not confirmed


def test_what_confirms_the_application_need_not_confirm_its_namespace():
    spend = Spend(app="cart", monthly=1_000.0, currency="EUR")
    made = within(Budget(monthly=10.0, namespaces={"shop": 100.0}), spend, answer="200")
    assert made.cost.exceeded == (namespace(100.0, TOTAL + 1_000),)
    assert {"over-budget", "budget-confirmed"} <= rules(made)
    [found] = [entry for entry in made.findings if entry.rule == "over-budget"]
    assert "[budget=1194]" in found.remedy


def test_the_answer_that_is_shown_confirms():
    made = within(Budget(monthly=10.0, namespaces={"shop": 20.0}))
    [first, _] = [entry.remedy for entry in made.findings if entry.rule == "over-budget"]
    answer = first.partition("[budget=")[2].partition("]")[0]
    assert within(Budget(monthly=10.0, namespaces={"shop": 20.0}), answer=answer).cost.exceeded == ()


def test_a_budget_without_prices_binds_nothing_and_says_so():
    made = within(Budget(monthly=10.0), prices=None)
    assert made.cost.exceeded == ()
    assert "budget-unpriced" in rules(made)
    assert "budget-unpriced" not in rules(plan(demand=Demand()))
