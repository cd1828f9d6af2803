"""Which Kubernetes schemas judge a bundle."""

from __future__ import annotations

import pytest

from bot.checks.check import check
from bot.checks.kubernetes_schema import schema_version
from bot.model.cluster import Node
from bot.model.quantity import Resources
from tests.rendering.scenes import supermarket


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(None, "1.33.0"), ((1, 30), "1.30.0"), ((1, 9), "1.25.0"), ((1, 25), "1.25.0")],
    ids=str,
)
def test_the_nearest_version_that_is_not_newer(wanted: tuple[int, int] | None, expected: str) -> None:
    assert schema_version(wanted) == expected


def test_a_future_cluster_is_judged_by_the_newest_schemas() -> None:
    newest = schema_version((9, 99))
    assert schema_version((1, int(newest.split(".")[1]))) == newest


def test_the_version_comes_from_the_nodes_of_the_plan() -> None:
    """Kubernetes 1.28 does not know the sleep action that a bundle for 1.33 holds."""
    nouns = supermarket()
    old = Node(name="k1", system="kubernetes", capacity=Resources(), version="v1.28.4")
    changes = nouns.render()
    with_old_node = nouns.changed(snapshot=nouns.snapshot.model_copy(update={"nodes": (old,)})).render()
    mixed = changes.model_copy(
        update={
            "files": tuple(
                file if not file.path.endswith("plan.json") else other
                for file, other in zip(changes.files, with_old_node.files, strict=True)
            )
        }
    )
    assert check(with_old_node, plan=nouns.plan, config=nouns.config) == ()
    found = check(mixed, plan=nouns.plan, config=nouns.config)
    assert {finding.rule for finding in found} == {"kubernetes-schema"}
    assert "sleep" in found[0].message
