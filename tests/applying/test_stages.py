"""Production after staging on the whole belt: what stands in staging's pull request decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.applying.reconcile import Watch, reconcile
from bot.errors import Code
from bot.model.config import Apply
from bot.model.config import Metrics as MetricNames
from tests.applying.belt import INFRA, REPO, Belt, config, files_of, one, shop_plan
from tests.applying.seeing import SeenMetrics, SeenTroubles, well

STAGING = {"app": "shop-staging", "environment": "staging", "namespace": "shop-staging"}
PRODUCTION = {"app": "shop", "environment": "production"}


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    return Belt(tmp_path, settings=config(apply=Apply(after={"production": "staging"})))


def looked(belt: Belt, *, healthy: bool = True) -> None:
    """Ten minutes later somebody looks."""
    belt.later(minutes=11)
    troubles = SeenTroubles() if healthy else SeenTroubles.crashing("shop-staging", "api")
    reconcile(
        Watch(
            review=belt.review, clock=belt.clock, redact=str, names=MetricNames(),
            metrics=SeenMetrics(well("shop-staging", "api")), troubles=troubles,
        ),
        INFRA,
    )  # fmt: skip


def test_production_waits_until_staging_was_seen_well(belt: Belt) -> None:
    _, staging = belt.brought(files_of(shop_plan(**STAGING)), branch="ai-provision/shop-staging-1")
    assert staging.kind == "applied"
    belt.merged(files_of(shop_plan(**PRODUCTION)))
    early = one(belt.apply())
    assert (early.kind, early.code) == ("abandoned", Code.POLICY)
    assert "production waits for staging" in early.message
    looked(belt)
    assert one(belt.apply()).kind == "applied"


def test_an_unwell_staging_keeps_production_back(belt: Belt) -> None:
    belt.brought(files_of(shop_plan(**STAGING)), branch="ai-provision/shop-staging-1")
    belt.merged(files_of(shop_plan(**PRODUCTION)))
    looked(belt, healthy=False)
    assert one(belt.apply()).kind == "abandoned"


def test_the_staging_of_another_application_is_no_staging(belt: Belt) -> None:
    other = files_of(shop_plan(**STAGING), repo=f"{REPO}-other")
    belt.brought(other, branch="ai-provision/shop-staging-1")
    looked(belt)
    belt.merged(files_of(shop_plan(**PRODUCTION)))
    late = one(belt.apply())
    assert (late.kind, "was never applied there" in late.message) == ("abandoned", True)


def test_the_newest_outcome_of_staging_counts(belt: Belt) -> None:
    belt.brought(files_of(shop_plan(**STAGING)), branch="ai-provision/shop-staging-1")
    looked(belt)
    files = files_of(shop_plan(**STAGING))
    worse = {path: text.replace(":0123456789ab", ":crashes") for path, text in files.items()}
    worse["apps/shop-staging/README.md"] += "\nAnother.\n"
    _, second = belt.brought(worse, branch="ai-provision/shop-staging-2")
    assert second.kind == "returned"
    belt.merged(files_of(shop_plan(**PRODUCTION)))
    assert one(belt.apply()).kind == "abandoned"


def test_a_local_run_waits_for_no_stage(belt: Belt) -> None:
    belt.merged(files_of(shop_plan(**PRODUCTION)))
    assert one(belt.apply(local=True)).kind == "applied"
