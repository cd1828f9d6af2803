"""What compose files say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.noun import JsonValue
from bot.model.profile import AppProfile, Service
from bot.model.tree import Tree, YamlDocument
from bot.survey.survey import survey
from tests.daily import searched
from tests.survey.trees import tree_of

DOCKERFILE = 'FROM scratch\nCMD ["/app"]\n'


def profile_of(compose: str, **files: str) -> AppProfile:
    return survey(tree_of({"docker-compose.yml": compose, "web/Dockerfile": DOCKERFILE, **files}))


def web_of(body: str) -> Service:
    (service,) = profile_of(f"services:\n  web:\n    build: ./web\n{body}").services
    return service


def test_what_is_built_is_a_service_and_what_is_only_run_is_a_dependency() -> None:
    profile = profile_of(
        """
services:
  web:
    build: ./web
    depends_on: [db]
    environment:
      CACHE_URL: "redis://:${PASSWORD:-x}@cache:6379/0"
      MODE: rabbit
      SECRET_KEY: abcdefgh
  db:
    image: postgres:15-alpine
  cache:
    image: bitnami/redis:${TAG:-7}
  rabbit:
    image: rabbitmq
  adminer:
    image: adminer
"""
    )
    (service,) = profile.services
    assert service.name == "web"
    assert [(need.kind, need.image, need.in_use) for need in service.dependencies] == [
        ("postgresql", "postgres:15-alpine", True),
        ("redis", "bitnami/redis:7", True),
    ]
    assert [(place.path, place.line) for place in service.dependencies[0].evidence] == [("docker-compose.yml", 5)]
    assert [(name.name, name.secret) for name in service.env] == [
        ("CACHE_URL", False),
        ("MODE", False),
        ("SECRET_KEY", True),
    ]
    assert "abcdefgh" not in profile.model_dump_json()
    assert any("rabbit" in note and "no service was seen to use it" in note for note in profile.notes)


def test_a_store_that_is_built_is_still_a_store() -> None:
    profile = profile_of(
        "services:\n  web:\n    build: web\n    depends_on:\n      mongo:\n        condition: service_healthy\n  mongo:\n    build: mongo\n",
        **{"mongo/Dockerfile": "FROM mongo:5\nCOPY init.js /docker-entrypoint-initdb.d/"},
    )
    (service,) = profile.services
    assert [need.kind for need in service.dependencies] == ["mongodb"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('    ports: ["8080:80"]', [80], id="short"),
        pytest.param('    ports: ["127.0.0.1:9000:81"]', [81], id="with-address"),
        pytest.param("    ports: [3000]", [3000], id="number"),
        pytest.param('    ports: ["${PORT:-9}:82"]', [82], id="variable-outside"),
        pytest.param('    ports: ["9:${INNER:-83}"]', [83], id="variable-inside-with-default"),
        pytest.param('    ports: ["9:${INNER}"]', [], id="variable-inside-without-default"),
        pytest.param('    ports: ["3000-3002:3000-3002"]', [3000, 3001, 3002], id="range"),
        pytest.param("    ports:\n      - target: 84\n        published: 8080", [84], id="long"),
        pytest.param('    expose: ["85"]', [85], id="expose"),
        pytest.param('    ports: ["8080:80", "9229:9229"]', [80], id="debugger-left-out"),
        pytest.param('    ports: ["9:99999", {a: b}, [], null]', [], id="nonsense"),
        pytest.param("    ports: 80", [], id="not-a-list"),
        pytest.param("", [], id="no-port-is-a-worker"),
    ],
)
def test_ports(body: str, expected: list[int]) -> None:
    service = web_of(body + "\n")
    assert [port.port for port in service.ports] == expected
    assert (service.kind == "worker") == (not expected)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        pytest.param('["CMD", "curl", "-f", "http://localhost:80/health"]', ("http", "/health", 80), id="curl"),
        pytest.param('["CMD-SHELL", "wget -qO- http://127.0.0.1/up || exit 1"]', ("http", "/up", 80), id="wget"),
        pytest.param("curl --fail http://localhost", ("http", "/", 80), id="text"),
        pytest.param('["CMD", "grpc_health_probe", "-addr=:80"]', ("grpc", None, 80), id="grpc"),
        pytest.param('["CMD", "/check.sh"]', ("exec", None, None), id="exec"),
        pytest.param('["NONE"]', None, id="none"),
    ],
)
def test_health(test: str, expected: tuple[str, str | None, int | None] | None) -> None:
    health = web_of(f'    ports: ["8080:80"]\n    healthcheck:\n      test: {test}\n').health
    assert (health and (health.kind, health.path, health.port)) == expected


def test_the_check_of_a_service_without_a_port_needs_no_port() -> None:
    assert web_of('    healthcheck: {test: ["CMD", "curl", "http://localhost/x"]}\n').health is None


def test_a_debugger_as_start_command_is_not_production() -> None:
    assert web_of("    entrypoint: nodemon --inspect=0.0.0.0 server.js\n").start_command == ("/app",)


@pytest.mark.parametrize(
    ("volume", "paths"),
    [
        pytest.param("data:/var/lib/app", ["/var/lib/app"], id="named"),
        pytest.param("./src:/app", [], id="bind-mount"),
        pytest.param("data:/data:ro", [], id="read-only"),
        pytest.param("/app/node_modules", [], id="scratch"),
        pytest.param("/uploads", ["/uploads"], id="anonymous"),
    ],
)
def test_volumes_make_a_service_stateful(volume: str, paths: list[str]) -> None:
    service = web_of(f'    volumes: ["{volume}"]\n')
    assert [item.path for item in service.volumes] == paths
    assert service.stateful == bool(paths)


def test_limits_are_declared_and_anchors_and_merge_keys_hold() -> None:
    profile = profile_of(
        """
x-base: &base
  deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 512M}, reservations: {memory: 64m}}}
services:
  web:
    <<: *base
    build: {context: ., dockerfile: web/Dockerfile, target: dev}
"""
    )
    (service,) = profile.services
    assert service.declared is not None
    assert service.declared.model_dump(mode="json", exclude={"evidence"}) == {
        "replicas": 2, "cpu_request": None, "cpu_limit": "500m", "memory_request": "64Mi", "memory_limit": "512Mi",
    }  # fmt: skip
    assert (service.dockerfile, service.build_context) == ("web/Dockerfile", "")


def test_two_processes_of_one_image() -> None:
    profile = profile_of(
        "services:\n  web: {build: web, image: shop, ports: ['80']}\n  jobs: {image: shop, command: [work, hard]}\n"
    )
    assert [(service.name, service.dockerfile, service.kind) for service in profile.services] == [
        ("web", "web/Dockerfile", "web"),
        ("jobs", "web/Dockerfile", "worker"),
    ]
    assert profile.services[1].start_command == ("work", "hard")


def test_optional_and_one_time_entries_are_left_out_with_a_note() -> None:
    profile = profile_of(
        "services:\n  web: {build: web}\n  seed: {build: web, profiles: [seed]}\n  migrate: {build: web}\n"
    )
    assert [service.name for service in profile.services] == ["web"]
    assert len([note for note in profile.notes if "left out" in note]) == 2


def test_a_missing_dockerfile_is_asked_for() -> None:
    profile = survey(tree_of({"compose.yaml": "services:\n  web: {build: web}\n"}))
    assert [service.dockerfile for service in profile.services] == [None]
    assert "has no Dockerfile" in profile.unsure[0].question


def test_images_alone_are_the_application_where_nothing_is_built() -> None:
    compose = "services:\n  web: {image: acme/shop:1.2, depends_on: [db]}\n  db: {image: postgres}\n"
    (service,) = survey(tree_of({"compose.yaml": compose})).services
    assert (service.name, service.image, service.dockerfile) == ("web", "acme/shop:1.2", None)
    assert [need.kind for need in service.dependencies] == ["postgresql"]


def test_the_env_file_beside_compose_names_images() -> None:
    compose = "services:\n  web: {build: web, image: '${REPO}/web:${TAG}'}\n"
    (service,) = profile_of(compose, **{".env": "REPO=acme\nTAG=2.1\nPASSWORD=hunter2xyz\n"}).services
    assert service.image == "acme/web:2.1"
    assert profile_of(compose).services[0].image is None


def test_calls_between_services() -> None:
    profile = profile_of(
        "services:\n  web: {build: web, environment: ['CART_URL=http://cart:8080/x']}\n  cart: {build: cart}\n",
        **{"cart/Dockerfile": DOCKERFILE},
    )
    assert profile.services[0].calls == ("cart",)


def test_unrelated_stacks_are_not_merged() -> None:
    names = ("django", "flask", "rails")
    files = {f"{name}/compose.yaml": f"services:\n  {name}: {{build: .}}\n" for name in names}
    profile = survey(tree_of({**files, **{f"{name}/Dockerfile": DOCKERFILE for name in names}}))
    assert [service.name for service in profile.services] == ["django"]
    assert "Which sub-folder" in profile.unsure[0].question
    assert profile.unsure[0].answer.endswith("/tree/main/django")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.text(alphabet="a:/$-{}.0 ", max_size=12),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["build", "image", "ports", "environment", "depends_on", "healthcheck", "test", "context", "dockerfile", "deploy",
             "resources", "limits", "memory", "volumes", "command", "entrypoint", "target", "web", "env_file", "profiles"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@searched(150, deadline=2_000)
@given(VALUES)
def test_no_shape_breaks_the_survey(value: JsonValue) -> None:
    tree = Tree(
        name="x", ref=None, commit=None, paths=("compose.yaml",), texts={"compose.yaml": ""},
        yaml={"compose.yaml": (YamlDocument(value={"services": {"web": value, "db": {"image": "redis"}}}),)},
    )  # fmt: skip
    assert all(service.name for service in survey(tree).services)
