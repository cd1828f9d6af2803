"""The README: every number with its reason, what to do first, and nothing of the repository that acts."""

from __future__ import annotations

import pytest

from bot.model.config import Config
from bot.model.plan import Cost, CostLine
from tests.rendering.bundles import text
from tests.rendering.scenes import supermarket


def readme(**fields: object) -> str:
    return text(supermarket().with_plan(**fields).render(), "README.md")


def test_every_decision_is_a_row() -> None:
    plan = supermarket().plan
    lines = readme().splitlines()
    for decision in plan.decisions:
        (row,) = [line for line in lines if line.startswith(f"| `{decision.path}` |")]
        assert str(decision.value) in row
        assert decision.why.split("_", 1)[0] in row
        assert f"[{decision.tag}]" in row
    assert "ceil(n*exp(1.28*sigma))" in readme()
    assert "Not taken: 5: below the interval" in readme()


@pytest.mark.parametrize(
    "words",
    [
        "namespace `supermarket-inventory` of cluster `prod`",
        "supermarket-inventory-api:0123456789ab",
        "starting point",
        "The state lies in the backend `s3`",
        "Low parallelism",
        "Reach the machines as user `provision` over SSH",
        "Installing the database engine is a later step",
        "kubectl --namespace supermarket-inventory create secret generic api-env",
        "`DATABASE_URL`",
        "3 to 10, at 65 % CPU",
        "32768 MiB",
        "`shared_buffers`",
        "8 GiB free, 32 GiB needed",
    ],
)
def test_it_says(words: str) -> None:
    assert words in readme()


def test_it_says_where_the_state_would_lie() -> None:
    without = supermarket().changed(config=Config())
    assert "No state backend is generated" in text(without.render(), "README.md")
    local = Config.model_validate({"state": {"backend": "local", "allow_local": True}})
    assert "on the disk of whoever applies" in text(supermarket().changed(config=local).render(), "README.md")


def test_it_names_every_other_file() -> None:
    changes = supermarket().render()
    shown = text(changes, "README.md")
    for file in changes.files:
        name = file.path.removeprefix(changes.root + "/")
        assert name == "README.md" or f"- `{name}`" in shown


def test_it_says_what_was_not_verified() -> None:
    assert "Capacity unverified" not in readme()
    assert "Capacity unverified" in readme(capacity_verified=False)


def test_no_section_without_content() -> None:
    assert "## Machines" not in readme(machines=())
    assert "## Terraform" not in readme(machines=())
    shown = readme(services=())
    assert "## Workloads" not in shown
    assert "## Kubernetes" not in shown
    assert "create secret" not in shown


def test_money_only_with_prices() -> None:
    assert "per month" not in readme()
    cost = Cost(priced=True, currency="EUR", monthly=12.5, lines=(CostLine(name="api", monthly=12.5, formula="a*b"),))
    assert "12.50 EUR per month" in readme(cost=cost)


@pytest.mark.parametrize(
    ("delivery", "words"),
    [("kubectl", "kubectl apply --server-side"), ("argocd", "Argo CD syncs"), ("flux", "Flux reconciles")],
)
def test_it_names_the_delivery(delivery: str, words: str) -> None:
    nouns = supermarket().changed(
        config=Config.model_validate(
            {"delivery": delivery, "delivery_repository": "https://github.com/myorg/infra.git"}
        )
    )
    assert words in text(nouns.render(), "README.md")


def test_a_secret_in_the_description_is_masked() -> None:
    nouns = supermarket()
    words = "Go API, uses postgres://admin:hunter2hunter2@db/x and ghp_" + "a1B2" * 9
    changes = nouns.changed(request=nouns.request.model_copy(update={"app_description": words})).render()
    for file in changes.files:
        assert "hunter2" not in file.content
        assert "a1B2a1B2" not in file.content
