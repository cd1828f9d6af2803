"""Which files are read."""

from __future__ import annotations

import random
import time

import pytest

from bot.survey.selection import MAX_FILES, select


@pytest.mark.parametrize(
    "path",
    [
        "Dockerfile", "dockerfile", "deploy/DOCKERFILE", "Containerfile", "Dockerfile.api", "api.Dockerfile",
        "win/Dockerfile-WINDOWS_LTSC2019", "compose.yaml", "docker-compose.prod.yml", "docker-stack.yml", "go.mod",
        "web/package.json", "pyproject.toml", "requirements-dev.txt", "pom.xml", "build.gradle.kts", "Cargo.toml",
        "composer.json", "Gemfile", "src/App.csproj", "k8s/web.yaml", "deployment.yml", "charts/x/Chart.yaml",
        "charts/x/values.yaml", "skaffold.yaml", "Procfile", "api/cart.proto", ".env.example", ".env", "README.md",
        "src/main/resources/application.yml", "application.properties", ".nvmrc", "main.go", "src/app.py", "server.js",
        "src/index.ts", "a/b/c/d/routes.mjs", "keys/server.pem",
    ],
)  # fmt: skip
def test_read(path: str) -> None:
    assert select([path], "") == (path,)


@pytest.mark.parametrize(
    "path",
    [
        "vendor/x/Dockerfile", "node_modules/a/package.json", "third_party/x/go.mod", "main_test.go", "app.test.ts",
        "test_app.py", "tests/app.py", "dist/app.js", "api_pb2.py", "cart.pb.go", "charts/x/templates/web.yaml",
        ".github/workflows/ci.yml", "Dockerfile.md", "logo.png", "package-lock.json", "x.min.js",
        "static/app.js", "a\nb/Dockerfile", "types.d.ts",
    ],
)  # fmt: skip
def test_not_read(path: str) -> None:
    assert path not in select([path, "charts/x/Chart.yaml"], "")


def test_a_part_comes_first_and_brings_what_speaks_about_it() -> None:
    paths = [
        "src/cart/Dockerfile", "src/cart/server.js", "src/shop/Dockerfile", "src/shop/server.js", "go.mod", "README.md",
        "docker-compose.yml", "kubernetes-manifests/cart.yaml", "skaffold.yaml", "samples/other/k8s.yaml", "src/shop/go.mod",
    ]  # fmt: skip
    assert select(paths, "src/cart") == (
        "src/cart/Dockerfile", "docker-compose.yml", "src/shop/Dockerfile", "go.mod", "skaffold.yaml",
        "kubernetes-manifests/cart.yaml", "src/cart/server.js",
    )  # fmt: skip


def test_the_order_of_the_paths_does_not_matter() -> None:
    paths = [f"s{n % 7}/{name}" for n in range(50) for name in ("Dockerfile", "main.go", f"k8s/{n}.yaml", f"x{n}.py")]
    shuffled = random.Random(1).sample(paths, len(paths))  # noqa: S311 - a fixed shuffle, no secret
    assert select(shuffled, "") == select(paths, "")


def test_a_large_repository_is_cut_and_its_dockerfiles_stay() -> None:
    paths = [f"m{n % 300}/pkg{n % 17}/file{n}.{end}" for n in range(20_000) for end in ("go", "yaml", "md")]
    started = time.process_time()
    chosen = select([*paths, "deep/er/and/deeper/Dockerfile"], "")
    assert time.process_time() - started < 2
    assert len(chosen) <= MAX_FILES
    assert chosen[0] == "deep/er/and/deeper/Dockerfile"
    assert any(path.endswith(".go") for path in chosen)
