"""What Kubernetes manifests, Helm values, skaffold and Procfile say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.noun import JsonValue
from bot.model.tree import Tree, YamlDocument
from bot.survey.survey import survey
from tests.daily import searched
from tests.survey.trees import tree_of

DOCKERFILE = 'FROM scratch\nCMD ["/app"]\n'
CART = """
apiVersion: apps/v1
kind: {kind}
metadata: {{name: cart}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: cart}}}}
  template:
    metadata: {{labels: {{app: cart}}}}
    spec:
      containers:
        - name: proxy
          image: envoyproxy/envoy:1.30
          ports: [{{containerPort: 15000}}]
        - name: server
          image: {image}
          ports:
            - {{containerPort: 7070, name: rpc}}
          env:
            - {{name: REDIS_ADDR, value: "redis-cart:6379"}}
            - {{name: SHOP_URL, value: "http://shop.default.svc.cluster.local/x"}}
            - name: API_TOKEN
              valueFrom: {{secretKeyRef: {{name: s, key: k}}}}
          readinessProbe: {{grpc: {{port: 7070}}}}
          resources:
            requests: {{cpu: 200m, memory: 64Mi}}
            limits: {{memory: nonsense}}
---
apiVersion: v1
kind: Service
metadata: {{name: cart}}
spec: {{selector: {{app: cart}}, ports: [{{name: grpc, port: 80, targetPort: rpc}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: cache-0}}
spec:
  template:
    metadata: {{labels: {{app: cache}}}}
    spec: {{containers: [{{name: redis, image: redis:7}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: redis-cart}}
spec: {{selector: {{app: cache}}, ports: [{{port: 6379}}]}}
"""


def cart(kind: str = "Deployment", image: str = "cart") -> str:
    return CART.format(kind=kind, image=image)


def test_a_workload_speaks_for_the_service_of_its_name() -> None:
    files = {"cart/Dockerfile": DOCKERFILE, "shop/Dockerfile": DOCKERFILE, "k8s/cart.yaml": cart()}
    profile = survey(tree_of(files))
    service = next(service for service in profile.services if service.name == "cart")
    assert [(port.port, port.protocol, port.name) for port in service.ports] == [(7070, "grpc", "rpc")]
    assert [(need.kind, need.image) for need in service.dependencies] == [("redis", "redis:7")]
    assert service.calls == ("shop",)
    assert service.health is not None
    assert (service.health.kind, service.health.port) == ("grpc", 7070)
    assert service.image is None  # "cart" is no name that a registry could hold
    assert service.declared is not None
    assert service.declared.model_dump(mode="json", exclude_none=True, exclude={"evidence"}) == {
        "replicas": 3, "cpu_request": "200m", "memory_request": "64Mi",
    }  # fmt: skip
    assert {name.name: (name.required, name.secret) for name in service.env}["API_TOKEN"] == (True, True)
    assert service.dependencies[0].evidence[0].path == "k8s/cart.yaml"


def test_manifests_alone_name_the_services_and_stores_are_none() -> None:
    profile = survey(tree_of({"k8s/cart.yaml": cart(image="ghcr.io/acme/cart:1.0")}))
    assert [(service.name, service.image) for service in profile.services] == [("cart", "ghcr.io/acme/cart:1.0")]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Deployment", "api"), ("StatefulSet", "api"), ("ReplicationController", "api")],
)
def test_kinds(kind: str, expected: str) -> None:
    (service,) = survey(tree_of({"a.yaml": cart(kind, "acme/cart:1")})).services
    assert service.kind == expected


def test_a_cron_job_is_a_job() -> None:
    manifest = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {containers: [{name: x, image: acme/nightly:1, args: [run]}]}}}}
"""
    (service,) = survey(tree_of({"nightly/Dockerfile": DOCKERFILE, "k8s/cron.yaml": manifest})).services
    assert (service.kind, service.image, service.start_command) == ("job", "acme/nightly:1", ("run",))


def test_a_claim_makes_a_service_stateful_and_an_empty_dir_does_not() -> None:
    manifest = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: app}
spec:
  template:
    spec:
      volumes: [{name: tmp, emptyDir: {}}]
      containers:
        - {name: app, image: acme/app:1, volumeMounts: [{name: data, mountPath: /data}, {name: tmp, mountPath: /tmp}]}
  volumeClaimTemplates: [{metadata: {name: data}}]
"""
    (service,) = survey(tree_of({"a.yaml": manifest})).services
    assert ([volume.path for volume in service.volumes], service.stateful) == (["/data"], True)


def test_p06_a_chart_is_not_rendered_and_its_values_are_facts() -> None:
    files = {
        "chart/Chart.yaml": "apiVersion: v2\nname: guestbook\ndependencies:\n  - {name: x, repository: https://evil.example}\n",
        "chart/values.yaml": "image: {repository: gcr.io/x/guestbook, tag: v5}\nreplicaCount: 2\nservice: {port: 80}\n",
        "chart/templates/web.yaml": 'a: {{ getHostByName "evil.example" }}\n',
    }
    profile = survey(tree_of(files))
    (service,) = profile.services
    assert (service.name, service.image, service.dockerfile) == ("guestbook", "gcr.io/x/guestbook:v5", None)
    assert any("not rendered" in note for note in profile.notes)
    assert "evil" not in profile.model_dump_json()


def test_skaffold_names_contexts_and_debug_dockerfiles_are_never_chosen() -> None:
    files = {
        "skaffold.yaml": "build:\n  artifacts:\n    - {image: cart, context: src/cart/src}\n    - {image: shop, context: shop}\n",
        "src/cart/src/Dockerfile": DOCKERFILE,
        "src/cart/src/Dockerfile.debug": DOCKERFILE,
        "shop/Dockerfile": DOCKERFILE,
        "tools/Dockerfile": DOCKERFILE,
    }
    profile = survey(tree_of(files))
    assert [(service.name, service.dockerfile, service.build_context) for service in profile.services] == [
        ("cart", "src/cart/src/Dockerfile", "src/cart/src"),
        ("shop", "shop/Dockerfile", "shop"),
    ]


def test_a_procfile_starts_what_has_no_dockerfile() -> None:
    files = {
        "Procfile": "worker: python w.py\nweb: gunicorn app:app -b 0.0.0.0:5000 --workers 4\nrelease: x\n",
        "requirements.txt": "flask\n",
    }
    (service,) = survey(tree_of(files)).services
    assert service.start_command == ("gunicorn", "app:app", "-b", "0.0.0.0:5000", "--workers", "4")
    assert [(port.port, port.evidence[0].path, port.evidence[0].line) for port in service.ports] == [
        (5000, "Procfile", 2)
    ]


KEYS = ["apiVersion", "kind", "metadata", "name", "spec", "template", "containers", "image", "ports", "containerPort", "env",
        "value", "resources", "requests", "cpu", "readinessProbe", "httpGet", "path", "port", "volumes", "replicas", "labels"]  # fmt: skip
SHAPES = st.recursive(
    st.none()
    | st.integers(-5, 70_000)
    | st.sampled_from(["x", "web", "8080", "redis:7", "{{ x }}", "10m", "/a b", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


@searched(150, deadline=2_000)
@given(SHAPES, SHAPES)
def test_no_shape_breaks_the_survey(spec: JsonValue, container: JsonValue) -> None:
    pod: JsonValue = {"spec": {"containers": [container]}, "metadata": spec}
    root: JsonValue = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": pod, "replicas": spec},
    }  # fmt: skip
    documents = (
        YamlDocument(value=root),
        YamlDocument(value={"apiVersion": "v1", "kind": "Service", "metadata": spec}),
    )
    survey(Tree(name="x", ref=None, commit=None, yaml={"a.yaml": documents, "b/values.yaml": documents}))
