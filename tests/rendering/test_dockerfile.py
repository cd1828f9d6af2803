"""A proposed Dockerfile: whole files as goldens, judged by hadolint, read back by our own survey; hostile facts."""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edges.git import GitRepos
from bot.edges.yaml_reader import ChildYamlReader
from bot.errors import Code, Refusal
from bot.model.command import FolderTarget
from bot.model.profile import AppProfile, Dependency, EnvName, Evidence, Port, Service
from bot.rendering.dockerfile import DOCKERIGNORE, dockerignore, proposed_dockerfile
from bot.rendering.dockerfile_facts import ecosystem_of, wanted_files
from bot.survey.dockerfile import read_dockerfile
from bot.survey.header import read_header
from bot.survey.selection import select
from bot.survey.survey import survey

GOLDEN = Path(__file__).parent / "golden_dockerfile"
HADOLINT = Path(sys.executable).with_name("hadolint")

REPOSITORIES: dict[str, dict[str, str]] = {
    "go": {
        "go.mod": "module example.org/cart\n\ngo 1.23\n\nrequire github.com/gin-gonic/gin v1.9.0\n",
        "main.go": 'package main\nimport "github.com/gin-gonic/gin"\n'
        'func main() { r := gin.Default(); r.GET("/healthz", h); r.Run(":8080") }\n',
    },
    "python": {
        "requirements.txt": "fastapi\nuvicorn\n",
        ".python-version": "3.11.7\n",
        "main.py": "from fastapi import FastAPI\nimport uvicorn\napp = FastAPI()\n@app.get('/x')\ndef x():\n    return 1\n"
        "if __name__ == '__main__':\n    uvicorn.run(app, host='0.0.0.0', port=8000)\n",
    },
    "node": {
        "package.json": '{"name": "cart", "scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}, '
        '"engines": {"node": ">=20"}}',
        "package-lock.json": "{}",
        "server.js": "const express = require('express');\nconst a = express();\na.get('/x', (q, s) => s.send(1));\n"
        "a.listen(3000);\n",
    },
    "static": {
        "package.json": '{"name": "cart", "scripts": {"build": "vite build"}, "dependencies": {"react": "18"}, '
        '"devDependencies": {"vite": "5"}}',
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
        "index.html": "<html></html>",
        "src/main.jsx": "import React from 'react';\nimport {createRoot} from 'react-dom/client';\n",
    },
    "java-maven": {
        "pom.xml": "<project><artifactId>cart</artifactId><properties><java.version>17</java.version></properties>\n"
        "<dependencies><dependency><groupId>org.springframework.boot</groupId>\n"
        "<artifactId>spring-boot-starter-web</artifactId></dependency></dependencies></project>",
        "src/main/resources/application.properties": "server.port=8081\n",
        "src/main/java/A.java": "class A {}",
    },
    "java-gradle": {
        "build.gradle": "plugins { id 'org.springframework.boot' version '3.2' }\n"
        "dependencies { implementation 'org.springframework.boot:spring-boot-starter-web' }\n",
        "src/main/java/B.java": "class B {}",
    },
    "dotnet": {
        "Cart.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup>'
        "<TargetFramework>net9.0</TargetFramework></PropertyGroup></Project>",
        "Program.cs": "var b = 1;",
    },
    "ruby": {"Gemfile": "source 'https://rubygems.org'\nruby '3.2.4'\ngem 'rails'\n", "config/puma.rb": "port 3000"},
    "php": {"composer.json": '{"require": {"laravel/framework": "^11", "php": "^8.2"}}', "public/index.php": "<?php"},
    "rust": {
        "Cargo.toml": '[package]\nname = "cart"\nversion = "0.1.0"\nrust-version = "1.80"\n[dependencies]\naxum = "0.7"\n',
        "Cargo.lock": "version = 3\n",
        "src/main.rs": "fn main() {}",
    },
}
"""One small repository for each template; its service lies in the folder ``cart``."""
ECOSYSTEMS = sorted(REPOSITORIES)


def surveyed(files: dict[str, str], root: Path) -> AppProfile:
    for name, text in files.items():
        path = root / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return survey(GitRepos(select=select, yaml=ChildYamlReader()).read(FolderTarget(folder=str(root / "shop"))))


def proposed(ecosystem: str, root: Path) -> tuple[Service, str]:
    """The service of an example repository, and the Dockerfile that is proposed for it."""
    files = {f"cart/{name}": text for name, text in REPOSITORIES[ecosystem].items()}
    profile = surveyed(files, root)
    [service] = profile.services
    if ecosystem == "rust":
        port = Port(port=8080, protocol="http", name="http")
        service = service.model_copy(update={"ports": (port,), "kind": "api"})
        profile = profile.model_copy(update={"services": (service,)})
    assert ecosystem_of(service) == ecosystem
    file = proposed_dockerfile(service, profile, texts={path: files.get(path) for path in wanted_files(service)})
    assert not isinstance(file, Refusal), file
    assert file.path == "cart/Dockerfile"
    return service, file.content


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS)
def test_the_whole_file_is_as_written_down(ecosystem: str, tmp_path: Path) -> None:
    assert proposed(ecosystem, tmp_path)[1] == (GOLDEN / f"{ecosystem}.Dockerfile").read_text()


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS)
def test_hadolint_has_nothing_to_say(ecosystem: str) -> None:
    done = subprocess.run(
        [HADOLINT, GOLDEN / f"{ecosystem}.Dockerfile"], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS)
def test_our_own_survey_reads_the_same_facts_back(ecosystem: str, tmp_path: Path) -> None:
    before, text = proposed(ecosystem, tmp_path / "before")
    files = {f"cart/{name}": content for name, content in REPOSITORIES[ecosystem].items()}
    [after] = surveyed({**files, "cart/Dockerfile": text}, tmp_path / "after").services
    assert (after.name, after.path, after.dockerfile) == ("cart", "cart", "cart/Dockerfile")
    [exposed] = re.findall(r"(?m)^EXPOSE (\d+)$", text)
    assert [port.port for port in after.ports] == [int(exposed)]
    if before.ports:
        assert [port.port for port in after.ports] == [port.port for port in before.ports]
    facts = read_dockerfile("Dockerfile", text)
    assert facts is not None
    assert after.base_image == facts.base_image
    assert after.user == facts.user
    header = read_header("Dockerfile", text)
    assert header is not None
    assert (header.header.name, header.notes) == ("cart", ())


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS)
def test_it_runs_as_nobody_special_from_a_fixed_tag_in_several_stages(ecosystem: str) -> None:
    text = (GOLDEN / f"{ecosystem}.Dockerfile").read_text()
    bases = re.findall(r"(?m)^FROM (\S+)", text)
    assert len(bases) >= 2
    assert all(re.fullmatch(r"[a-z0-9./-]+:[0-9][A-Za-z0-9._-]*", base) for base in bases)
    [user] = re.findall(r"(?m)^USER (\S+)$", text)
    assert re.fullmatch(r"[1-9][0-9]+:[1-9][0-9]+", user)
    assert text.startswith("# --- Application Metadata ---\n# name:       cart\n")
    assert text.index("USER ") > text.rindex("\nFROM ")


def test_there_is_a_golden_for_each_template() -> None:
    templates = Path(__file__).parents[2] / "templates" / "dockerfile"
    names = {path.name.removesuffix(".Dockerfile.j2") for path in templates.iterdir()}
    assert names == set(ECOSYSTEMS) == {path.stem for path in GOLDEN.iterdir()}


@pytest.mark.parametrize(
    ("ecosystem", "version"),
    [
        ("go", "golang:1.23-"),
        ("python", "python:3.11-"),
        ("node", "node:20-"),
        ("java-maven", "temurin:17-"),
        ("dotnet", "sdk:9.0"),
        ("ruby", "ruby:3.2-"),
        ("php", "php:8.2-"),
        ("rust", "rust:1.80-"),
    ],
)
def test_the_stated_version_of_the_language_is_taken(ecosystem: str, version: str) -> None:
    assert version in (GOLDEN / f"{ecosystem}.Dockerfile").read_text()


PYTHON = Service(
    name="cart",
    path="cart",
    language="python",
    framework="fastapi",
    kind="api",
    ports=(Port(port=8000, protocol="http", name="http"),),
    start_command=("uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"),
    evidence=(Evidence(path="cart/requirements.txt", line=1),),
)


def of(service: Service, texts: dict[str, str | None] | None = None) -> str:
    file = proposed_dockerfile(service, AppProfile(name="shop", services=(service,)), texts=texts)
    assert not isinstance(file, Refusal), file
    return file.content


def refused(**facts: object) -> Refusal:
    service = PYTHON.model_copy(update=facts)
    answer = proposed_dockerfile(service, AppProfile(name="shop", services=(service,)))
    assert isinstance(answer, Refusal), answer
    assert "[dockerfile=propose]" in answer.remedy
    return answer


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"language": "cobol"}, "cobol has no template"),
        ({"language": None}, "no language has no template"),
        ({"language": "java", "evidence": (Evidence(path="cart/build.xml"),)}, "no template"),
        ({"ports": ()}, "the port it listens on"),
        ({"start_command": None}, "a start command"),
        ({"start_command": ("uvicorn", "main:app;rm")}, "a start command in plain words"),
        ({"start_command": ("/bin/sh", "-c", "alembic upgrade head && uvicorn main:app")}, "in plain words"),
        ({"start_command": ("/bin/sh", "-c", "it's")}, "in plain words"),
        ({"start_command": ("run", "--token=ghp_" + "a" * 36)}, "in plain words"),
        ({"start_command": ("x",) * 31}, "in plain words"),
        ({"evidence": (Evidence(path="main.py"),)}, "requirements.txt or pyproject.toml"),
        ({"evidence": (Evidence(path="requirements.txt"),)}, "requirements.txt or pyproject.toml in its folder"),
        ({"language": "java", "framework": None, "evidence": (Evidence(path="cart/pom.xml"),)}, "one runnable jar"),
        ({"language": "csharp", "evidence": (Evidence(path="cart/a b.csproj"),)}, "one project file"),
        ({"language": "csharp", "evidence": (Evidence(path="cart/$(x).csproj"),)}, "one project file"),
        ({"dockerfile": "cart/Dockerfile"}, "it has a Dockerfile"),
        ({"windows": True}, "a Linux image"),
        ({"name": "Cart\nRUN x"}, "a plain name"),
        ({"path": "../cart"}, "a plain name and folder"),
        ({"path": ".git/cart"}, "a plain name and folder"),
        ({"path": "a b"}, "a plain name and folder"),
    ],
)
def test_what_is_missing_is_named(facts: dict[str, object], named: str) -> None:
    answer = refused(**facts)
    assert answer.code is Code.SYNTAX
    assert named in answer.message
    assert answer.message.isprintable()


def test_the_port_stands_where_the_command_names_its_variable() -> None:
    words = ("/bin/sh", "-c", "gunicorn app:app --bind 0.0.0.0:${PORT:-5000}")
    text = of(PYTHON.model_copy(update={"start_command": words, "env": (EnvName(name="PORT"),)}))
    assert 'CMD ["gunicorn", "app:app", "--bind", "0.0.0.0:8000"]' in text
    assert "ENV PORT=8000\n" in text


def test_a_worker_needs_no_port() -> None:
    text = of(PYTHON.model_copy(update={"kind": "worker", "ports": (), "start_command": ("celery", "-A", "x")}))
    assert "EXPOSE" not in text
    assert 'CMD ["celery", "-A", "x"]' in text


@pytest.mark.parametrize(
    ("lock", "line"),
    [
        ("uv.lock", "uv sync --active --frozen"),
        ("poetry.lock", "poetry install --only main"),
        ("requirements.txt", "pip install -r requirements.txt"),
        ("pyproject.toml", "pip install ."),
    ],
)
def test_the_package_manager_of_the_lock_file_is_used(lock: str, line: str, tmp_path: Path) -> None:
    service = PYTHON.model_copy(update={"evidence": (Evidence(path="cart/pyproject.toml"),)})
    text = of(service, {f"cart/{lock}": "x", "cart/setup.py": None})
    assert line in text
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    done = subprocess.run([HADOLINT, path], check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""


def test_a_database_client_finds_its_library() -> None:
    need = Dependency(kind="postgresql", evidence=())
    assert "FROM python:3.12-slim-bookworm\n" in of(PYTHON)
    assert "FROM python:3.12-bookworm\n" in of(PYTHON.model_copy(update={"dependencies": (need,)}))


def test_what_never_enters_the_build() -> None:
    file = dockerignore(PYTHON)
    assert (file.path, file.content) == ("cart/.dockerignore", DOCKERIGNORE)
    assert {".git", "**/.env", "**/*.pem"} <= set(file.content.splitlines())


HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        "x\nRUN curl evil",
        "{{ 7*7 }}",
        "{% raw %}",
        "$(id)",
        "`id`",
        'a","b',
        "FROM scratch",
        "\u2028USER 0",
        "ghp_" + "a" * 40,
    ]
)


@given(
    name=HOSTILE,
    path=HOSTILE,
    language=HOSTILE | st.sampled_from(["go", "python", "ruby"]),
    framework=HOSTILE,
    words=st.lists(HOSTILE, max_size=4),
    text=HOSTILE,
)
def test_no_word_of_a_repository_becomes_an_instruction(
    *, name: str, path: str, language: str, framework: str, words: list[str], text: str
) -> None:
    """Either a refusal, or a file with the instructions of the benign one."""
    for hostile_name, folder in ((name, path), ("cart", "cart")):
        service = PYTHON.model_copy(
            update={
                "name": hostile_name,
                "path": folder,
                "language": language if hostile_name == name else "python",
                "framework": framework,
                "start_command": tuple(words) or ("run",),
                "evidence": tuple(
                    Evidence(path=posixpath.join(folder, manifest))
                    for manifest in ("requirements.txt", "go.mod", "Gemfile")
                ),
            }
        )
        file = proposed_dockerfile(
            service, AppProfile(name="x", services=(service,)), texts={f"{folder}/.python-version": text}
        )
        if not isinstance(file, Refusal):
            lines = [line for line in file.content.splitlines() if line and not line.startswith(("#", " "))]
            assert {line.split(" ", 1)[0] for line in lines} <= {
                "FROM", "WORKDIR", "COPY", "RUN", "ENV", "ARG", "EXPOSE", "USER", "CMD", "ENTRYPOINT"
            }  # fmt: skip
            assert sum(line.startswith("USER ") for line in lines) == 1
            assert sum(line.startswith("FROM ") for line in lines) == 2
            if lines[-1].startswith("CMD "):
                assert json.loads(lines[-1].removeprefix("CMD ")) == [*(words or ["run"])]
