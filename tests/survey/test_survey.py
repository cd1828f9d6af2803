"""The survey as a whole: votes, names, links, secrets, what is asked."""

from __future__ import annotations

import pytest

from bot.model.profile import Service
from bot.model.tree import Link
from bot.survey.survey import survey
from tests.survey.trees import tree_of

SERVER = "const express = require('express');\nconst app = express();\napp.get('/health', (q, r) => r.send('ok'));\napp.listen({port});\n"
PACKAGE = '{"name": "x", "dependencies": {"express": "4"}, "scripts": {"start": "node server.js"}}'


def node(dockerfile: str, port: str = "8080", **files: str) -> Service:
    tree = tree_of(
        {"Dockerfile": dockerfile, "package.json": PACKAGE, "server.js": SERVER.format(port=port)} | files, name="shop"
    )
    (service,) = survey(tree).services
    return service


def numbers(service: Service) -> list[int]:
    return [port.port for port in service.ports]


def test_a_small_repository() -> None:
    tree = tree_of(
        {
            "Dockerfile": 'FROM node:22\nEXPOSE 8080\nUSER node\nCMD ["node", "server.js"]',
            "package.json": PACKAGE,
            "server.js": SERVER.format(port="8080"),
        }
    )
    profile = survey(tree)
    (service,) = profile.services
    assert profile.name == service.name == "shop"
    assert (service.language, service.framework, service.base_image) == ("javascript", "express", "node:22")
    assert (service.dockerfile, service.path, service.user) == ("Dockerfile", "", "node")
    assert [(port.port, port.protocol, port.evidence[0].path) for port in service.ports] == [
        (8080, "http", "server.js")
    ]
    assert service.health is not None
    assert (service.health.path, service.health.port) == ("/health", 8080)
    assert [(route.method, route.path) for route in service.endpoints] == [("GET", "/health")]
    assert profile.unsure == ()


def test_code_beats_expose_and_the_loser_is_shown() -> None:
    tree = tree_of(
        {
            "Dockerfile": "FROM node:22\nEXPOSE 3000\nCMD node server.js",
            "package.json": PACKAGE,
            "server.js": SERVER.format(port="8080"),
        }
    )
    profile = survey(tree)
    assert numbers(profile.services[0]) == [8080]
    assert any("port 3000 (EXPOSE) lost against 8080 (code) in Dockerfile line 2" in note for note in profile.notes)


def test_the_variable_that_code_reads_sets_the_port() -> None:
    service = node("FROM node:22\nENV PORT=9000\nCMD node server.js", "process.env.PORT || 8080")
    assert numbers(service) == [9000]


def test_compose_against_code_is_asked() -> None:
    tree = tree_of(
        {
            "Dockerfile": "FROM node:22\nCMD node server.js", "package.json": PACKAGE, "server.js": SERVER.format(port="8080"),
            "compose.yaml": "services:\n  shop: {build: ., ports: ['80:3000']}\n",
        }
    )  # fmt: skip
    profile = survey(tree)
    assert numbers(profile.services[0]) == [8080]
    assert any("port 3000 (compose) lost against 8080 (code)" in doubt.question for doubt in profile.unsure)


def test_several_exposed_ports_are_asked() -> None:
    profile = survey(tree_of({"Dockerfile": "FROM scratch\nEXPOSE 80 9000\nCMD /x"}))
    assert numbers(profile.services[0]) == [80, 9000]
    assert any("EXPOSE names several ports" in doubt.question for doubt in profile.unsure)


def test_no_port_is_a_result() -> None:
    (service,) = survey(tree_of({"Dockerfile": "FROM scratch\nCMD /x"})).services
    assert (service.ports, service.kind, service.health) == ((), "worker", None)


def test_only_a_debug_port_is_no_port() -> None:
    assert numbers(survey(tree_of({"Dockerfile": "FROM scratch\nEXPOSE 5005\nCMD /x"})).services[0]) == []


@pytest.mark.parametrize(
    ("base", "ports", "kind"),
    [
        ("nginx:1.27", [80], "static"),
        ("nginxinc/nginx-unprivileged:1", [8080], "static"),
        ("php:8.3-apache", [80], "api"),
    ],
)
def test_what_the_base_image_exposes(base: str, ports: list[int], kind: str) -> None:
    (service,) = survey(tree_of({"Dockerfile": f"FROM {base}\nCOPY . /srv"})).services
    assert (numbers(service), service.kind) == (ports, kind)


def test_an_nginx_configuration_is_code() -> None:
    files = {
        "Dockerfile": "FROM nginx\nCOPY nginx.conf /etc/nginx/",
        "nginx.conf": "server {\n  listen [::]:8088;\n}\n",
    }
    (service,) = survey(tree_of(files)).services
    assert (numbers(service), service.language) == ([8088], "nginx")


@pytest.mark.parametrize(
    ("files", "names"),
    [
        pytest.param({"src/cart/Dockerfile": "", "src/shop/Dockerfile": ""}, ["cart", "shop"], id="folders"),
        pytest.param({"Dockerfile.api": "", "Dockerfile.worker": ""}, ["api", "worker"], id="variants"),
        pytest.param({"Dockerfile": "", "Dockerfile.dev": "", "Dockerfile.alpine": ""}, ["shop"], id="plain-wins"),
        pytest.param({"docker/Dockerfile": ""}, ["shop"], id="generic-folder"),
        pytest.param({"Dockerfile.alpine": "", "Dockerfile.windows": ""}, ["shop"], id="flavours-are-one"),
        pytest.param(
            {"Dockerfile": "", "vendor/x/Dockerfile": "", "node_modules/y/Dockerfile": ""}, ["shop"], id="vendored"
        ),
        pytest.param({"Dockerfile": "", "test/e2e/Dockerfile": "", "examples/a/Dockerfile": ""}, ["shop"], id="aside"),
        pytest.param({"CONTAINERFILE": ""}, ["shop"], id="any-case"),
    ],
)
def test_which_dockerfiles_count(files: dict[str, str], names: list[str]) -> None:
    profile = survey(tree_of(dict.fromkeys(files, 'FROM scratch\nCMD ["/x"]')))
    assert [service.name for service in profile.services] == names


def test_a_part_of_a_monorepo() -> None:
    files = {
        "src/cart/Dockerfile": "FROM scratch\nENV SHOP_URL=http://shop:80\nCMD /x", "src/shop/Dockerfile": "FROM scratch\nCMD /x",
        "compose.yaml": "services:\n  cart: {build: src/cart, depends_on: [redis]}\n  shop: {build: src/shop}\n  redis: {image: redis}\n",
    }  # fmt: skip
    profile = survey(tree_of(files, part="src/cart"))
    (service,) = profile.services
    assert (profile.name, service.calls, [need.kind for need in service.dependencies]) == ("cart", ("shop",), ["redis"])


def test_a_windows_image_is_marked_and_asked() -> None:
    profile = survey(tree_of({"Dockerfile": "FROM mcr.microsoft.com/dotnet/framework/aspnet:4.8"}))
    assert profile.services[0].windows
    assert "Windows" in profile.unsure[0].question


def test_an_unresolved_base_image_is_asked() -> None:
    profile = survey(tree_of({"win/Dockerfile": "ARG BASE\nFROM mcr.microsoft.com/windows/nanoserver:${BASE}\nCMD x"}))
    assert (profile.services[0].base_image, profile.services[0].windows) == (None, True)
    assert "build argument without a default" in profile.unsure[0].question


def link(path: str, target: str) -> Link:
    return Link(path=path, kind="symlink", target=target)


def test_a_linked_dockerfile_inside_the_tree_is_read() -> None:
    files = {
        "docker/Dockerfile.debian": 'FROM debian\nEXPOSE 80\nCMD ["/x"]',
        "docker/Dockerfile.alpine": "FROM alpine",
    }
    (service,) = survey(tree_of(files, links=(link("Dockerfile", "docker/Dockerfile.debian"),))).services
    assert (service.dockerfile, service.base_image, numbers(service)) == ("Dockerfile", "debian", [80])
    assert service.ports[0].evidence[0].path == "docker/Dockerfile.debian"


@pytest.mark.parametrize(
    "links",
    [
        pytest.param((link("Dockerfile", "../../etc/hostname"),), id="R10-out-of-the-tree"),
        pytest.param((link("Dockerfile", "/etc/hostname"),), id="R10-absolute"),
        pytest.param((link("a", "b"), link("b", "a")), id="R10-loop"),
        pytest.param((link("k8s", "/etc"),), id="R10-folder"),
        pytest.param((link("Dockerfile", "x" * 1_000_000 + "/../../.."),), id="R10-1-mb-target"),
        pytest.param((Link(path="lib", kind="submodule"),), id="submodule"),
    ],
)
def test_links_that_lead_out_are_noted_and_never_followed(links: tuple[Link, ...]) -> None:
    profile = survey(tree_of({"web/Dockerfile": "FROM scratch\nCMD /x"}, links=links))
    assert [service.name for service in profile.services] == ["web"]
    assert [note for note in profile.notes if "not read" in note or "not followed" in note]


SECRETS = {
    "P08-env": (".env", "DEBUG=1\nDB_PASSWORD=hunter2xyz\n", 2),
    "P08-aws-key": ("config.py", "KEY = 'AKIAIOSFODNN7EXAMPLE'\n", 1),
    "P08-aws-secret": (".env", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", 1),
    "P08-private-key": ("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", 1),
    "P08-compose": ("compose.yaml", "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: s3cr3tpw\n", 4),
    "P08-url": (".env", "DATABASE_URL=postgres://me:hunter2xyz@db/x\n", 1),
    "P08-token": ("README.md", "export T=ghp_" + "a" * 36 + "\n", 1),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_noted_by_file_and_line_and_never_copied(name: str) -> None:
    path, text, line = SECRETS[name]
    profile = survey(tree_of({path: text, "Dockerfile": "FROM scratch\nCMD /x"}))
    assert any(f"secret-looking value in file {path} line {line}:" in note for note in profile.notes)
    value = text.split("\n")[line - 1].partition("=")[2] or text.split("\n")[line - 1]
    assert value.strip(" '") not in profile.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        "PASSWORD=\n", "PASSWORD=changeme\n", "PASSWORD=${DB_PASSWORD}\n", "API_KEY=<your key>\n", "SECRET_NAME=web-tls\n",
        "TOKEN_URL=https://example.org/token\n", "PASSWORD=your-password\n", "USE_AUTH_TOKEN=true\n",
    ],
)  # fmt: skip
def test_placeholders_are_no_secrets(text: str) -> None:
    assert not [note for note in survey(tree_of({".env.example": text})).notes if "secret-looking" in note]


def test_a_secret_in_a_start_command_is_not_copied() -> None:
    (service,) = survey(tree_of({"Dockerfile": 'FROM scratch\nCMD ["/x", "--password=hunter2xyz"]'})).services
    assert service.start_command == ("/x", "(not copied)")
    assert "hunter2" not in service.model_dump_json()


def test_an_empty_tree_has_no_services() -> None:
    profile = survey(tree_of({}))
    assert (profile.name, profile.services) == ("shop", ())


def test_other_languages_are_named() -> None:
    (service,) = survey(
        tree_of(
            {
                "Dockerfile": "FROM eclipse-temurin:21\nCMD java -jar x",
                "pom.xml": "<artifactId>spring-boot-starter</artifactId>",
            }
        )
    ).services
    assert (service.language, service.framework) == ("java", "spring-boot")


def test_the_survey_is_deterministic() -> None:
    files = {f"s{n}/Dockerfile": f"FROM scratch\nEXPOSE {8000 + n}\nCMD /x" for n in range(5)}
    assert survey(tree_of(files)) == survey(tree_of(dict(reversed(files.items()))))
