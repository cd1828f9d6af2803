"""Rules that real repositories taught: each has the case that must change and the one that must not."""

from __future__ import annotations

import pytest

from bot.model.profile import AppProfile, Service
from bot.survey.survey import survey
from tests.survey.trees import tree_of

SPRING = """<project><dependencies>
<dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency>
<dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-actuator</artifactId></dependency>
<dependency><artifactId>spring-kafka</artifactId></dependency>
<dependency><artifactId>postgresql</artifactId></dependency>
</dependencies></project>
"""
JAVA = 'FROM eclipse-temurin:21\nCOPY app.jar /\nCMD ["java", "-jar", "app.jar"]\n'
RESOURCES = "src/main/resources/application.yaml"


def profile_of(files: dict[str, str], *, part: str = "", name: str = "shop") -> AppProfile:
    return survey(tree_of(files, part=part, name=name))


def only(files: dict[str, str]) -> Service:
    services = profile_of(files).services
    assert len(services) == 1, [service.name for service in services]
    return services[0]


def ports(service: Service) -> list[tuple[int, str]]:
    return [(port.port, port.protocol) for port in service.ports]


def in_use(service: Service) -> set[str]:
    return {need.kind for need in service.dependencies if need.in_use}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param("spring: {application: {name: shop}}\n", [(8080, "http")], id="default"),
        pytest.param("server:\n  port: 8085\n", [(8085, "http")], id="stated"),
        pytest.param("server.port: ${PORT:8086}\n", [(8086, "http")], id="dotted-with-default"),
        pytest.param("server: {port: 0}\n", [], id="random-port-is-none"),
        pytest.param(
            "server: {port: 8085}\n---\nspring: {config: {activate: {on-profile: dev}}}\nserver: {port: 9999}\n",
            [(8085, "http")],
            id="profile-is-not-read",
        ),
    ],
)
def test_spring_port(settings: str, expected: list[tuple[int, str]]) -> None:
    assert ports(only({"Dockerfile": JAVA, "pom.xml": SPRING, RESOURCES: settings})) == expected


def test_spring_default_gives_way_to_expose_and_is_not_invented_without_a_web_starter() -> None:
    exposed = only({"Dockerfile": JAVA + "EXPOSE 8090\n", "pom.xml": SPRING})
    batch = only({"Dockerfile": JAVA, "pom.xml": SPRING.replace("starter-web", "starter-batch")})
    assert (ports(exposed), ports(batch)) == ([(8090, "http")], [])


def test_spring_health_follows_base_path_and_probes() -> None:
    settings = (
        "management:\n  endpoints.web.base-path: /internal\n  endpoint:\n    health.probes.enabled: true\n"
        "server.port: 8080\n"
    )
    health = only({"Dockerfile": JAVA, "pom.xml": SPRING, RESOURCES: settings}).health
    assert health is not None
    assert (health.path, health.ready_path) == ("/internal/health/liveness", "/internal/health/readiness")


def test_spring_health_is_not_claimed_behind_security() -> None:
    closed = SPRING.replace("spring-kafka", "spring-boot-starter-security")
    assert only({"Dockerfile": JAVA, "pom.xml": closed}).health is None


def test_spring_stores_need_a_client_and_a_setting() -> None:
    settings = "spring:\n  datasource:\n    url: jdbc:postgresql://${DB_HOST}/shop\n  data:\n    redis: {host: cache}\n"
    service = only({"Dockerfile": JAVA, "pom.xml": SPRING, RESOURCES: settings})
    assert in_use(service) == {"postgresql"}  # Kafka has no setting, Redis no client


def test_spring_properties_file() -> None:
    settings = "# comment\nserver.port = 8082\nspring.kafka.bootstrap-servers=broker:9092\n"
    service = only({"Dockerfile": JAVA, "pom.xml": SPRING, "src/main/resources/application.properties": settings})
    assert (ports(service), in_use(service)) == ([(8082, "http")], {"kafka"})


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        pytest.param("location = /healthz { return 204; }", "/healthz", id="one-line"),
        pytest.param("location /health {\n  access_log off;\n  return 200 'ok';\n}", "/health", id="block"),
        pytest.param("location /healthz { proxy_pass http://api; }", None, id="proxied-is-another's"),
        pytest.param("location /healthz { return 301 /; }", None, id="redirect"),
        pytest.param("location ~ ^/healthz { return 204; }", None, id="pattern"),
        pytest.param("# location /healthz { return 204; }", None, id="comment"),
    ],
)
def test_nginx_location_that_answers_by_itself_is_a_health_check(location: str, expected: str | None) -> None:
    conf = f"server {{\n  listen 8080;\n  {location}\n}}\n"
    service = only({"Dockerfile": "FROM nginx:1.27\nCOPY default.conf /etc/nginx/conf.d/\n", "default.conf": conf})
    assert (service.health.path if service.health else None) == expected


STORE_CODE = {
    "redis": "import redis\nclient = redis.Redis(host='cache')\n",
    "mysql": "import pymysql\nconnection = pymysql.connect(host='db')\n",
    "postgresql": "import psycopg2\nconnection = psycopg2.connect('dbname=x')\n",
    "kafka": "from kafka import KafkaProducer\nproducer = KafkaProducer()\n",
}


def test_modules_named_after_rival_databases_are_a_choice() -> None:
    files = {f"app/output/{name}.py": text for name, text in STORE_CODE.items()}
    assert (
        in_use(only({"Dockerfile": "FROM python:3.12\nCMD python -m app\n", "requirements.txt": "redis\n", **files}))
        == set()
    )


def test_modules_named_after_stores_for_different_uses_are_all_in_use() -> None:
    files = {f"app/clients/{name}.py": STORE_CODE[name] for name in ("redis", "postgresql", "kafka")}
    package = {"requirements.txt": "redis\npsycopg2\nkafka-python\n"}
    service = only({"Dockerfile": "FROM python:3.12\nCMD python -m app\n", **package, **files})
    assert in_use(service) == {"redis", "postgresql", "kafka"}


def test_ports_of_sources_that_serve_no_http_are_tcp() -> None:
    docker = 'FROM python:3.12\nCOPY . .\nEXPOSE 2222\nCMD ["twistd", "-n", "trap"]\n'
    silent = only({"Dockerfile": docker, "requirements.txt": "twisted\n", "trap.py": "import twisted\n"})
    web = only(
        {"Dockerfile": docker, "requirements.txt": "flask\n", "trap.py": "import flask\napp = flask.Flask('x')\n"}
    )
    assert (ports(silent), ports(web)) == ([(2222, "tcp")], [(2222, "http")])


PROCFILE = (
    "web: bundle exec puma\nworker: bundle exec sidekiq -C config.yml\nredis: redis-server\nrelease: rake migrate\n"
)
RUBY = "FROM ruby:3.4\nEXPOSE 3000\nCMD bundle exec puma\n"


def test_a_worker_of_the_procfile_shares_the_image_and_listens_on_nothing() -> None:
    profile = profile_of({"Dockerfile": RUBY, "Gemfile": 'gem "rails"\ngem "sidekiq"\n', "Procfile": PROCFILE})
    found = {service.name: service for service in profile.services}
    assert set(found) == {"shop", "worker"}
    worker = found["worker"]
    assert (worker.kind, worker.framework, ports(worker)) == ("worker", "sidekiq", [])
    assert worker.start_command == ("bundle", "exec", "sidekiq", "-C", "config.yml")
    assert (worker.dockerfile, ports(found["shop"])) == ("Dockerfile", [(3000, "http")])


def test_a_worker_that_compose_runs_is_not_added_again() -> None:
    compose = "services:\n  web: {build: .}\n  worker: {build: ., command: bundle exec sidekiq}\n"
    files = {"Dockerfile": RUBY, "Gemfile": 'gem "rails"\n', "Procfile": PROCFILE, "compose.yaml": compose}
    assert sorted(service.name for service in profile_of(files).services) == ["web", "worker"]


def test_a_folder_for_orchestration_does_not_name_the_application() -> None:
    manifest = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\n"
        "spec: {template: {spec: {containers: [{name: c, image: example.test/o/NAME}]}}}\n"
    )
    files = {f"deploy/kubernetes/{name}.yaml": manifest.replace("NAME", name) for name in ("cart", "orders")}
    assert profile_of(files, part="deploy/kubernetes", name="sock-shop").name == "sock-shop"


def test_an_image_to_build_on_and_a_test_bed_are_no_services() -> None:
    compose = (
        "services:\n  api: {build: .}\n  browser: {build: {context: ., dockerfile: docker/Dockerfile-js-testbed}}\n"
    )
    files = {
        "Dockerfile": "FROM python:3.12\nEXPOSE 8000\nCMD python app.py\n",
        "docker/app_base.dockerfile": "FROM debian:13\n",
        "docker/Dockerfile-js-testbed": "FROM node:22\n",
        "compose.yaml": compose,
    }
    assert [service.name for service in profile_of(files).services] == ["api"]


def test_a_dollar_that_compose_writes_twice_reaches_the_check_once() -> None:
    compose = "services:\n  api:\n    build: .\n    healthcheck: {test: 'check $$HOST/info || exit 1'}\n"
    health = only({"Dockerfile": "FROM python:3.12\nEXPOSE 8000\n", "compose.yaml": compose}).health
    assert health is not None
    assert "$HOST/info" in health.command[-1]
    assert "$$" not in health.command[-1]


@pytest.mark.parametrize("question", ["Boolean(process.env.REDIS_URL)", "!!process.env.REDIS_URL"])
def test_a_module_that_asks_whether_its_store_is_set_treats_it_as_optional(question: str) -> None:
    code = "import { createClient } from 'redis';\nconst client = createClient({ url: process.env.REDIS_URL });\n"
    package = {"package.json": '{"dependencies": {"redis": "5", "express": "5"}, "main": "redis.js"}'}
    docker = {"Dockerfile": "FROM node:22\nEXPOSE 3000\nCMD node redis.js\n"}
    asked = only({**docker, **package, "redis.js": code + f"export const enabled = {question};\n"})
    assert (in_use(asked), in_use(only({**docker, **package, "redis.js": code}))) == (set(), {"redis"})
