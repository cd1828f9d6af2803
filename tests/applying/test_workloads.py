"""Workloads on the belt: delivered, watched, returned to what they were; deleted where they are gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.applying.bench import Run
from bot.applying.reverting import revert_returned
from bot.errors import Code
from tests.applying.belt import INFRA, Belt, both_plan, config, files_of, one, shop_plan, steps

SHOP, BOTH = files_of(shop_plan()), files_of(both_plan())
DEPLOYMENT = "apps/shop/kubernetes/api-deployment.yaml"


def broken(files: dict[str, str], word: str = "crashes") -> dict[str, str]:
    """The same with an image whose pods never come up."""
    return files | {DEPLOYMENT: files[DEPLOYMENT].replace(":0123456789ab", f":{word}")}


@pytest.fixture
def belt(tmp_path: Path) -> Belt:
    made = Belt(tmp_path)
    made.terraform.wanted = {"vm.web-1": "1"}
    return made


def kubectl(belt: Belt) -> list[str]:
    assert belt.manifests is not None
    return [verb for verb, _ in belt.manifests.log]


def reverted(belt: Belt) -> tuple[str, ...]:
    run = Run(repo=INFRA, commit=belt.main, event="push", ref="refs/heads/main")
    found = revert_returned(belt.bench(), run, belt.review)
    assert isinstance(found, tuple)
    return found


def test_without_a_cluster_the_workloads_are_refused_with_the_next_step(belt: Belt) -> None:
    belt.manifests = None
    outcome = belt.brought(dict(SHOP))[1]
    assert (outcome.kind, outcome.code) == ("failed", Code.CONFIG)
    assert "KUBECONFIG" in outcome.remedy


def test_a_rollout_past_its_deadline_returns_to_the_revision_before(belt: Belt) -> None:
    belt.brought(dict(SHOP))
    pull, outcome = belt.brought(broken(SHOP), branch="ai-provision/shop-2")
    assert (outcome.kind, outcome.code) == ("returned", Code.CAPACITY)
    assert kubectl(belt)[-4:] == ["watch", "undo", "revisions", "urls"]
    [rollout] = outcome.rollouts
    assert (rollout.state, "CrashLoopBackOff" in rollout.why) == ("returned", True)
    assert "returned to the revision before" in outcome.message
    assert "revert pull request" in outcome.remedy
    assert pull.labels == ["ai-provision: returned"]
    assert next(step.state for step in outcome.steps if step.name == "rollout") == "failed"


def test_a_first_rollout_that_fails_is_scaled_to_nothing_and_says_so(belt: Belt) -> None:
    outcome = belt.brought(broken(SHOP))[1]
    assert outcome.kind == "returned"
    assert belt.manifests is not None
    assert belt.manifests.objects["shop", "Deployment", "api"]["spec"]["replicas"] == 0
    assert "scaled to nothing" in outcome.message
    assert "revision before" not in outcome.message
    assert "revert pull request" not in outcome.remedy
    assert reverted(belt) == ()


def test_where_the_config_says_so_nothing_returns(belt: Belt) -> None:
    belt.settings = config(apply=config().apply.model_copy(update={"return_on_failure": False}))
    outcome = belt.brought(broken(SHOP))[1]
    assert (outcome.kind, outcome.code) == ("failed", Code.CAPACITY)
    assert "undo" not in kubectl(belt)
    assert "did not come up within 600 s" in outcome.message
    assert "revert pull request" not in outcome.remedy


@pytest.mark.parametrize("fault", ["unreachable", "forbidden", "quota"])
def test_a_cluster_that_refuses_ends_it_before_the_watching(belt: Belt, fault: str) -> None:
    belt.merged(dict(SHOP))
    assert belt.manifests is not None
    belt.manifests.fault = fault  # type: ignore[assignment]
    outcome = one(belt.apply())
    assert outcome.kind == "failed"
    assert "watch" not in kubectl(belt)


def test_machines_that_fail_keep_the_workloads_from_their_turn(belt: Belt) -> None:
    belt.merged(dict(BOTH))
    belt.terraform.fault = "halfway"
    belt.apply()
    assert "apply" not in kubectl(belt)


@pytest.mark.parametrize("delivery", ["argocd", "flux"])
def test_argocd_and_flux_receive_their_own_objects_and_nothing_is_undone(belt: Belt, delivery: str) -> None:
    settings = config(delivery=delivery, delivery_repository="https://github.com/myorg/infrastructure")
    belt.settings = settings
    assert belt.manifests is not None
    belt.manifests.namespaces |= {"argocd": {}, "flux-system": {}}
    files = files_of(shop_plan(), settings=settings)
    assert any(path.startswith("apps/shop/delivery/") for path in files), list(files)
    outcome = belt.brought(files)[1]
    assert ("apply", "delivery") in belt.manifests.log
    assert ("apply", "kubernetes") not in belt.manifests.log
    assert "undo" not in kubectl(belt)
    assert outcome.kind == "failed", "nothing of the fake cluster brings what Argo CD or Flux would"


def test_workloads_that_left_the_stack_are_deleted_and_their_claims_stay(belt: Belt) -> None:
    belt.brought(dict(BOTH))
    assert belt.manifests is not None
    belt.manifests.objects["shop", "PersistentVolumeClaim", "data-api-0"] = {"spec": {}}
    gone = {path: None for path in BOTH if "/kubernetes/" in path}
    plan = both_plan(services=())
    outcome = belt.brought({**gone, **files_of(plan)}, branch="ai-provision/shop-2")[1]
    assert outcome.kind == "applied"
    assert "manifests done" in steps(outcome)
    kinds = {kind for _, kind, _ in belt.manifests.objects}
    assert ("Deployment" in kinds, "PersistentVolumeClaim" in kinds) == (False, True)


def test_the_revert_brings_back_manifests_and_plan_and_keeps_terraform(belt: Belt) -> None:
    belt.brought(dict(BOTH))
    newer = broken(BOTH) | {
        "apps/shop/README.md": "newer\n",
        "apps/shop/terraform/outputs.tf": BOTH["apps/shop/terraform/outputs.tf"] + "\n",
        "apps/shop/kubernetes/extra.yaml": "kind: ConfigMap\n",
    }
    pull, outcome = belt.brought(newer, branch="ai-provision/shop-2")
    assert outcome.kind == "returned", outcome
    [url] = reverted(belt)
    [told] = belt.told(pull)
    assert told.revert_url == url
    assert url in belt.words(pull)
    [(_, branch)] = [key for key in belt.hub.proposals if "revert" in key[1]]
    changes = belt.hub.proposals[INFRA, branch]
    assert changes.content("apps/shop/README.md") == BOTH["apps/shop/README.md"]
    assert changes.content(DEPLOYMENT) == BOTH[DEPLOYMENT]
    assert changes.content("apps/shop/terraform/outputs.tf") == newer["apps/shop/terraform/outputs.tf"]
    assert changes.content("apps/shop/kubernetes/extra.yaml") is None


def test_a_second_revert_changes_nothing(belt: Belt) -> None:
    belt.brought(dict(SHOP))
    belt.brought(broken(SHOP), branch="ai-provision/shop-2")
    assert len(reverted(belt)) == 1
    pulls, writes = len(belt.hub.pulls[INFRA]), len(belt.hub.writes)
    assert reverted(belt) == ()
    assert (len(belt.hub.pulls[INFRA]), len(belt.hub.writes)) == (pulls, writes)


def test_an_apply_that_succeeded_is_not_reverted(belt: Belt) -> None:
    belt.brought(dict(SHOP))
    assert reverted(belt) == ()
    assert len(belt.hub.pulls[INFRA]) == 1


def test_the_merged_revert_applies_without_a_change_of_machines(belt: Belt) -> None:
    belt.brought(dict(BOTH))
    belt.brought(broken(BOTH), branch="ai-provision/shop-2")
    reverted(belt)
    [(_, branch)] = [key for key in belt.hub.proposals if "revert" in key[1]]
    files = {file.path: file.content for file in belt.hub.proposals[INFRA, branch].files}
    applies = belt.verbs.count("apply")
    outcome = belt.brought(files, branch=branch)[1]
    assert outcome.kind == "applied"
    assert belt.terraform.state == {"vm.web-1": "1"}
    assert belt.verbs.count("apply") == applies + 1
