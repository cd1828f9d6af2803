"""The briefs of the ablation: the example application, and small repositories in many languages under several loads.

In: a folder to write into. Out: ``Brief``: a repository as a folder, and words. Never: a secret, an address, chance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EXAMPLES: Final = Path(__file__).parents[1] / "examples"
CROWDED: Final = "crowded"
"""A namespace with a quota on pods, which every third brief names: its autoscalers are capped, which is a finding."""


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What somebody asks for."""

    name: str
    folder: Path
    description: str


@dataclass(frozen=True, kw_only=True)
class _Stack:
    """A technology as its repositories look. ``files`` are those that a survey reads."""

    language: str
    framework: str
    image: str
    files: Mapping[str, str]


def _node(framework: str) -> dict[str, str]:
    return {"package.json": json.dumps({"name": "app", "dependencies": {framework: "1.0.0", "pg": "8.0.0"}})}


_STACKS: Final = (
    _Stack(
        language="Go",
        framework="Gin",
        image="golang:1.23",
        files={
            "go.mod": "module a\n\nrequire (\n\tgithub.com/gin-gonic/gin v1.10.0\n\tgithub.com/jackc/pgx/v5 v5.6.0\n)\n"
        },
    ),
    _Stack(
        language="Python",
        framework="FastAPI",
        image="python:3.12",
        files={"requirements.txt": "fastapi==0.115\nuvicorn==0.30\npsycopg==3.2\n"},
    ),
    _Stack(
        language="Python",
        framework="Django",
        image="python:3.12",
        files={"requirements.txt": "django==5.1\ngunicorn==23.0\npsycopg==3.2\n"},
    ),
    _Stack(language="JavaScript", framework="Express", image="node:22", files=_node("express")),
    _Stack(language="TypeScript", framework="NestJS", image="node:22", files=_node("@nestjs/core")),
    _Stack(
        language="Java",
        framework="Spring Boot",
        image="eclipse-temurin:21",
        files={
            "pom.xml": "<project><modelVersion>4.0.0</modelVersion><artifactId>a</artifactId><dependencies><dependency>"
            "<groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency>"
            "<dependency><groupId>org.postgresql</groupId><artifactId>postgresql</artifactId></dependency>"
            "</dependencies></project>\n"
        },
    ),
    _Stack(
        language="Ruby",
        framework="Rails",
        image="ruby:3.3",
        files={"Gemfile": 'source "https://rubygems.org"\ngem "rails", "7.2.0"\ngem "pg"\ngem "puma"\n'},
    ),
    _Stack(
        language="PHP",
        framework="Laravel",
        image="php:8.3-apache",
        files={"composer.json": json.dumps({"require": {"php": "^8.3", "laravel/framework": "^11.0"}})},
    ),
    _Stack(
        language="C#",
        framework="ASP.NET Core",
        image="mcr.microsoft.com/dotnet/aspnet:8.0",
        files={
            "app.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"><ItemGroup><PackageReference Include="Npgsql" '
            'Version="8.0.0" /></ItemGroup></Project>\n'
        },
    ),
    _Stack(
        language="Rust",
        framework="Axum",
        image="rust:1.80",
        files={
            "Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\n\n[dependencies]\naxum = "0.7"\nsqlx = "0.8"\n'
        },
    ),
)
_COMPOSE: Final = """\
services:
  app:
    build: .
    environment:
      DATABASE_URL: postgres://db:5432/orders
    ports: ["8080:8080"]
    depends_on: [db]
  db:
    image: postgres:16.4
    volumes: ["data:/var/lib/postgresql/data"]
volumes:
  data:
"""
_LOADS: Final = ((50, ""), (800, ", zero downtime"))
"""Requests per second at peak, and what else is asked for."""


def briefs(folder: Path) -> tuple[Brief, ...]:
    """The example, and every technology under every load."""
    example = Brief(
        name="supermarket-inventory",
        folder=EXAMPLES / "supermarket-inventory",
        description="Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency, "
        "React frontend + Go/Gin API + PostgreSQL backend",
    )
    asked = [(stack, load) for stack in _STACKS for load in _LOADS]
    return (example, *(_written(folder, number, stack, *load) for number, (stack, load) in enumerate(asked, 1)))


def _written(folder: Path, number: int, stack: _Stack, qps: int, more: str) -> Brief:
    name = f"shop-{number:02}"
    root = folder / name
    root.mkdir()
    more_files = {
        "Dockerfile": _dockerfile(stack),
        "docker-compose.yml": _COMPOSE,
        "README.md": f"# {name}\n\nOrders.\n",
    }
    for path, text in {**stack.files, **more_files}.items():
        (root / path).write_text(text, encoding="utf-8")
    where = f", namespace {CROWDED}" if number % 3 == 0 else ""
    words = (
        f"Orders of a shop, {stack.language} {stack.framework} API + PostgreSQL backend, {qps} QPS peak{more}{where}"
    )
    return Brief(name=name, folder=root, description=words)


def _dockerfile(stack: _Stack) -> str:
    header = f"# --- Application Metadata ---\n# language:   {stack.language}\n# framework:  {stack.framework}\n"
    return f"{header}# ---\nFROM {stack.image}\nWORKDIR /app\nCOPY . .\nEXPOSE 8080\nUSER 10001\n"
