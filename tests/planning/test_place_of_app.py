"""Namespace, environment, images, names that clash, cost."""

from __future__ import annotations

import pytest

from bot.errors import Code
from bot.model.config import Config, Defaults, Limits, Prices
from bot.model.demand import Demand
from tests.planning.builders import decision, plan, profile, refused, rules, service


def with_namespace(namespace: str | None) -> Demand:
    return Demand(namespace=namespace)


def test_the_namespace_is_the_application_unless_somebody_says_otherwise():
    assert plan().namespace == "shop"
    assert plan(config=Config(defaults=Defaults(namespace="apps"))).namespace == "apps"
    made = plan(demand=with_namespace("team-a"), config=Config(defaults=Defaults(namespace="apps")))
    assert made.namespace == "team-a"
    assert decision(made, "namespace").origin == "user"


@pytest.mark.parametrize("namespace", ["default", "kube-system", "kube-public", "openshift-config"])
def test_system_namespaces_are_refused(namespace):
    assert refused(demand=with_namespace(namespace)).code is Code.POLICY
    assert refused(config=Config(defaults=Defaults(namespace=namespace))).code is Code.POLICY


@pytest.mark.parametrize("namespace", ["../x", "A", "-a", "a" * 64, "a\n", "", "a_b", "${a}"])
def test_what_is_no_label_is_no_namespace(namespace):
    assert refused(demand=with_namespace(namespace)).code is Code.NAME


def test_namespaces_outside_the_allowed_patterns_are_refused():
    config = Config(limits=Limits(namespaces=("team-*", "shop")))
    assert plan(demand=with_namespace("team-a"), config=config).namespace == "team-a"
    assert plan(config=config).namespace == "shop"
    refusal = refused(demand=with_namespace("other"), config=config)
    assert refusal.code is Code.POLICY
    assert "team-*, shop" in refusal.message


def test_environment_is_production_unless_named():
    assert plan().environment == "production"
    assert decision(plan(), "environment").tag == "P"
    assert plan(demand=Demand(environment="staging")).environment == "staging"


def image(**changes):
    config = changes.pop("config", Config())
    return plan(profile=profile(service(**changes)), config=config).services[0].image


@pytest.mark.parametrize(
    ("named", "reference"),
    [
        pytest.param("ghcr.io/acme/shop:1.2.3", "ghcr.io/acme/shop:1.2.3", id="registry-and-tag"),
        pytest.param("acme/shop:1.2", "docker.io/acme/shop:1.2", id="docker-hub-written-out"),
        pytest.param("localhost:5000/shop:1", "localhost:5000/shop:1", id="registry-with-port"),
        pytest.param("quay.io/a/b@sha256:" + "0" * 64, "quay.io/a/b@sha256:" + "0" * 64, id="digest"),
    ],
)
def test_a_fixed_reference_of_the_repository_is_used(named, reference):
    found = image(image=named)
    assert (found.reference, found.exists, found.build_first) == (reference, True, None)


@pytest.mark.parametrize(
    "named",
    [
        None, "ghcr.io/acme/shop", "ghcr.io/acme/shop:latest", "shop:1.0", "ghcr.io/acme/shop:${TAG}", "A/b:1",
        "acme/shop:1.2\nx", "acme/shop:1 --privileged", "{{ image }}",
    ],
)  # fmt: skip
def test_anything_else_is_built_first_and_says_so(named):
    found = image(image=named)
    assert found.reference == "ghcr.io/myorg/shop-api:0123456789ab"
    assert not found.exists
    assert found.build_first is not None
    assert "api/Dockerfile" in found.build_first


def test_an_official_image_without_a_dockerfile_exists():
    assert image(image="nginx:1.27", dockerfile=None).reference == "docker.io/library/nginx:1.27"


def test_registry_and_tag_of_the_config():
    config = Config(defaults=Defaults(registry="registry.lab/team", image_tag="v1"))
    made = plan(config=config, commit=None)
    assert made.services[0].image.reference == "registry.lab/team/shop-api:v1"
    assert plan(config=config).services[0].image.reference == "registry.lab/team/shop-api:0123456789ab"


def test_without_owner_and_registry_the_image_can_never_resolve():
    made = plan(repo_owner=None, commit=None)
    assert made.services[0].image.reference == "registry.invalid/shop-api:build-required"
    assert "image-build-first" in rules(made)


def test_registries_outside_policy_are_refused():
    refusal = refused(config=Config(limits=Limits(registries=("registry.lab",))))
    assert refusal.code is Code.POLICY
    ok = Config(defaults=Defaults(registry="registry.lab"), limits=Limits(registries=("registry.lab",)))
    assert plan(config=ok).services[0].image.reference.startswith("registry.lab/")
    near = Config(defaults=Defaults(registry="registry.lab.evil"), limits=Limits(registries=("registry.lab",)))
    assert refused(config=near).code is Code.POLICY


def test_hostile_service_names_are_refused():
    assert refused(profile=profile(service(name='a"}'))).code is Code.NAME


def test_two_services_of_one_name_are_refused():
    assert refused(profile=profile(service(name="a_b"), service(name="a-b"))).code is Code.NAME


PRICES = Prices(currency="EUR", vcpu_hour=0.01, gib_hour=0.001, storage_gib_month=0.1)


def test_money_comes_from_the_config_alone():
    assert not plan().cost.priced
    assert plan().cost.monthly is None
    cost = plan(config=Config(prices=PRICES), demand=Demand(qps_peak=2000.0, zero_downtime=True)).cost
    pod = 0.85 * 0.01 + 0.125 * 0.001
    assert cost.monthly == round(3 * pod * 730, 2)
    assert cost.currency == "EUR"


def test_machines_and_disks_are_priced():
    cost = plan(config=Config(prices=PRICES)).cost
    database = next(line for line in cost.lines if line.name == "shop-db-1")
    assert database.monthly == round((8 * 0.01 + 32 * 0.001) * 730 + (20 + 37) * 0.1, 2)
