"""The printed role is enough (every test of ``test_delivery_real.py`` runs under it), and no verb of it is idle.

Certificates, HTTPRoutes and Gateways are read where they exist and passed over where not, so their rules are not proven here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.deploy import Manifests
from bot.edges.kubectl import KubectlManifests, roles_yaml
from bot.edges.kubectl.role import APPLYING, DATA, KEEPING, LOOKING
from bot.errors import Code, Refused
from bot.model.applied import WorkloadRef
from tests.edges.kubectl_contract import BETTER, BROKEN, claim_spec, workload
from tests.realparts.control_plane import ControlPlane
from tests.realparts.delivery_kit import LIMITS, USER, RealWorld, give, kubeconfig

pytestmark = pytest.mark.long
"""Each verb is taken away once, which takes minutes."""

OPTIONAL = {"certificates", "httproutes", "gateways"}
SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "web"}}
BUNDLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "services": ("v1", "Service", {"spec": {"ports": [{"port": 80}]}}),
    "serviceaccounts": ("v1", "ServiceAccount", {}),
    "deployments": ("apps/v1", "Deployment", {"spec": workload(BETTER)["spec"]}),
    "statefulsets": ("apps/v1", "StatefulSet", {"spec": workload(BETTER, kind="StatefulSet", replicas=0)["spec"]}),
    "horizontalpodautoscalers": (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {"spec": {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}},
    ),
    "poddisruptionbudgets": ("policy/v1", "PodDisruptionBudget", {"spec": {"maxUnavailable": 1, "selector": SELECTOR}}),
    "networkpolicies": ("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"podSelector": {}}}),
    "persistentvolumeclaims": ("v1", "PersistentVolumeClaim", {"spec": claim_spec()}),
}


VERBS = ("create", "patch", "get", "delete")


def needed(verb: str) -> set[str]:
    """Resources of bundles on which the role has this verb."""
    rules = (*APPLYING, *DATA)
    return {each for rule in rules if verb in rule.verbs for each in rule.resources if each in BUNDLE}


@pytest.fixture(scope="module")
def whole(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    control_plane.add_volumes(2, "1Gi")
    give(control_plane, USER)
    target = tmp_path_factory.mktemp("whole") / "config"
    return KubectlManifests(kubeconfig(control_plane, target, USER), redact=str, limits=LIMITS)


@pytest.fixture(scope="module")
def lacking(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, list[str]], Manifests]:
    """A delivery under the printed role less one verb on these resources."""

    def made(verb: str, resources: list[str]) -> Manifests:
        def without(rules: list[dict[str, Any]]) -> None:
            for rule in list(rules):
                rules.remove(rule)
                made = [_rule(rule, each, {verb} if each in resources else set()) for each in rule["resources"]]
                rules += [each for each in made if each["verbs"]]

        user = f"lacks-{verb}-{uuid.uuid4().hex[:6]}"
        give(control_plane, user, change=without)
        target = tmp_path_factory.mktemp("lacking") / "config"
        return KubectlManifests(kubeconfig(control_plane, target, user), redact=str, limits=LIMITS)

    return made


def _rule(rule: dict[str, Any], resource: str, taken: set[str]) -> dict[str, Any]:
    verbs = [each for each in rule["verbs"] if each not in taken]
    return {**rule, "resources": [resource], "verbs": verbs}


@pytest.fixture
def world(control_plane: ControlPlane, tmp_path: Path, whole: KubectlManifests) -> Iterator[RealWorld]:
    made = RealWorld(control_plane, f"r-{uuid.uuid4().hex[:8]}", tmp_path / "kubernetes", tmp_path, whole)
    yield made
    made.drop()


def write(world: RealWorld, *resources: str) -> Path:
    """A bundle of one object of each resource, all named ``web``."""
    world.folder.mkdir(exist_ok=True)
    for each in resources:
        version, kind, rest = BUNDLE[each]
        thing = {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **rest}
        (world.folder / f"{each}.yaml").write_text(json.dumps(thing))
    listed = {"namespace": world.namespace, "resources": [f"{each}.yaml" for each in resources]}
    (world.folder / "kustomization.yaml").write_text(json.dumps(listed))
    return world.folder


def use(manifests: Manifests, folder: Path, verb: str) -> object:
    """What needs this verb."""
    if verb in {"create", "patch"}:
        return manifests.apply(folder)
    return manifests.diff(folder) if verb == "get" else manifests.delete(folder, claims=True)


def _ref(world: RealWorld, kind: Any = "Deployment") -> WorkloadRef:
    return WorkloadRef(kind=kind, name="web", namespace=world.namespace)


def _broken(world: RealWorld, manifests: Manifests, kind: Any) -> object:
    """A good revision, then a bad one; then the way back."""
    plural = "deployments" if kind == "Deployment" else "statefulsets"
    world.manifests.ensure_namespace(world.namespace)
    path = write(world, plural, "serviceaccounts") / f"{plural}.yaml"
    thing = json.loads(path.read_text())
    thing["spec"]["replicas"] = 1
    path.write_text(json.dumps(thing))
    refs = world.manifests.apply(world.folder)
    world.manifests.watch(refs, seconds=60.0)
    before = world.manifests.revisions(refs)
    thing["spec"]["template"]["spec"]["containers"][0]["image"] = BROKEN
    path.write_text(json.dumps(thing))
    world.manifests.apply(world.folder)
    world.manifests.watch(refs, seconds=4.0)
    return manifests.undo(refs, before)


_SPECIAL: dict[tuple[str, str], Callable[[RealWorld, Manifests], object]] = {
    ("pods", "list"): lambda world, manifests: manifests.watch((_ref(world),), seconds=0.0),
    ("events", "list"): lambda world, manifests: manifests.watch((_ref(world),), seconds=0.0),
    ("controllerrevisions", "list"): lambda world, manifests: manifests.revisions((_ref(world),)),
    ("deployments", "list"): lambda world, manifests: manifests.revisions((_ref(world),)),
    ("statefulsets", "list"): lambda world, manifests: manifests.revisions((_ref(world),)),
    ("persistentvolumeclaims", "list"): lambda world, manifests: manifests.delete(
        write(world, "statefulsets"), claims=True
    ),
    ("horizontalpodautoscalers", "list"): lambda world, manifests: manifests.watch((_ref(world),), seconds=0.0),
    ("ingresses", "list"): lambda world, manifests: manifests.urls(world.namespace),
    ("namespaces", "get"): lambda world, manifests: manifests.ensure_namespace(world.namespace),
    ("namespaces", "create"): lambda world, manifests: manifests.ensure_namespace(world.namespace),
    ("replicasets", "list"): lambda world, manifests: _broken(world, manifests, "Deployment"),
    ("pods", "delete"): lambda world, manifests: _broken(world, manifests, "StatefulSet"),
    ("secrets", "create"): lambda world, manifests: manifests.store_secret(
        "ai-provision", world.namespace, {"a": b"b"}
    ),
    ("secrets", "patch"): lambda world, manifests: manifests.store_secret("ai-provision", world.namespace, {"a": b"b"}),
}


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_verb_on_an_object_of_a_bundle_the_refusal_names_both(
    world: RealWorld, lacking: Callable[[str, list[str]], Manifests], verb: str
) -> None:
    world.manifests.ensure_namespace(world.namespace)
    resources = sorted(needed(verb))
    if verb != "create":
        world.manifests.apply(write(world, *BUNDLE))
    manifests = lacking(verb, resources)
    for resource in resources:
        with pytest.raises(Refused) as told:
            use(manifests, write(world, resource), verb)
        assert told.value.refusal.code is Code.KUBERNETES_AUTH, told.value.refusal.message
        assert f"`{verb}` `{resource}" in told.value.refusal.message
        assert "--print-roles" in told.value.refusal.remedy


@pytest.mark.parametrize(("resource", "verb"), sorted(_SPECIAL), ids=str)
def test_without_a_verb_beside_the_bundle_the_refusal_names_both(
    world: RealWorld, lacking: Callable[[str, list[str]], Manifests], resource: str, verb: str
) -> None:
    with pytest.raises(Refused) as told:
        _SPECIAL[resource, verb](world, lacking(verb, [resource]))
    assert told.value.refusal.code is Code.KUBERNETES_AUTH, told.value.refusal.message
    assert f"`{verb}` `{resource}" in told.value.refusal.message


def test_every_verb_of_the_role_is_taken_away_by_one_of_these_tests() -> None:
    proven = {(each, verb) for verb in VERBS for each in needed(verb)} | set(_SPECIAL)
    rules = (*LOOKING, *APPLYING, *DATA, *KEEPING)
    given = {(each, verb) for rule in rules for each in rule.resources if each not in OPTIONAL for verb in rule.verbs}
    assert given == proven


def test_with_all_of_them_nothing_is_refused(world: RealWorld) -> None:
    world.manifests.ensure_namespace(world.namespace)
    folder = write(world, *BUNDLE)
    world.manifests.apply(folder)
    assert world.manifests.diff(folder) == ""
    gone = world.manifests.delete(folder, claims=True)
    assert {each.partition("/")[0] for each in gone} >= {kind for _, kind, _ in BUNDLE.values()}


def test_no_rule_lets_read_a_secret_or_change_rights() -> None:
    for rule in (*LOOKING, *APPLYING, *DATA):
        assert not {"secrets", "nodes", "roles", "clusterroles", "rolebindings", "*"} & set(rule.resources)
        assert "*" not in rule.verbs
    assert {verb for rule in KEEPING for verb in rule.verbs} == {"create", "patch"}
    assert "kind: ClusterRole" in roles_yaml()
