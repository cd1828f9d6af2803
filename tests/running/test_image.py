"""The image, as far as it can be judged without building it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

from tests.running.deployed import DEPLOY, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    (line.split(" ", 1)[0], line.split(" ", 1)[1])
    for line in DOCKERFILE.replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
FINAL = INSTRUCTIONS[max(index for index, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]
PINNED = re.compile(r"^(?P<name>[a-z0-9_.-]+)==(?P<version>\S+)", re.MULTILINE)


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def final(word: str) -> list[str]:
    return [rest for found, rest in FINAL if found == word]


def test_it_runs_as_nobody_special() -> None:
    assert final("USER") == ["10001:10001"]
    assert final("VOLUME") == ["/data"]
    assert json.loads(final("ENTRYPOINT")[0]) == ["ai-provision"]
    assert json.loads(final("CMD")[0]) == ["serve", "--host", "0.0.0.0"]
    [health] = final("HEALTHCHECK")
    assert "/healthz" in health
    script = json.loads(health[health.index("[") :])[2]
    compile(script, "healthcheck", "exec")


def test_the_base_is_one_exact_version() -> None:
    [base] = [rest.split("=", 1)[1] for word, rest in INSTRUCTIONS if word == "ARG"]
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)
    assert {rest.split(" ")[0] for word, rest in INSTRUCTIONS if word == "FROM"} == {"${PYTHON_IMAGE}"}
    assert not base.endswith("bookworm"), "its SQLite is too old for the queue"


def test_nothing_compiles_and_nothing_comes_without_its_hash() -> None:
    installs = [
        part for word, rest in INSTRUCTIONS if word == "RUN" for part in rest.split("&&") if " install " in part
    ]
    fetched = [part for part in installs if "pip" in part and "--no-index" not in part]
    assert len(fetched) == 2
    assert all("--require-hashes" in part and "--only-binary :all:" in part for part in fetched)
    packages = [part for part in installs if "apt-get" in part]
    assert [part.split("--no-install-recommends")[1].split() for part in packages] == [["git"]]


def test_what_is_copied_reaches_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in lines if line.startswith("!")]
    copied = [rest.split()[:-1] for word, rest in INSTRUCTIONS if word == "COPY" and "--from" not in rest]
    for source in (name for names in copied for name in names):
        assert (ROOT / source).exists(), source
        assert source in allowed, source
    assert lines[1] == "*"


def test_no_secret_reaches_the_build() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("**/")]
    for name in ("settings.env", "github-app.pem", "ai-provision.sqlite", "ai-provision.sqlite-wal"):
        assert any(fnmatch(name, line.removeprefix("**/")) for line in lines), name


def test_the_build_lock_is_a_part_of_the_lock() -> None:
    whole = (ROOT / "requirements" / "dev.lock").read_text()
    part = (DEPLOY / "build.lock").read_text()
    pins = [match[0] for match in PINNED.finditer(part)]
    assert "hatchling" in {match["name"] for match in PINNED.finditer(part)}
    assert [pin for pin in pins if pin not in whole] == []
    assert set(re.findall(r"sha256:[0-9a-f]{64}", part)) <= set(re.findall(r"sha256:[0-9a-f]{64}", whole))


def test_the_image_and_the_manifests_agree_on_the_user_and_the_folder() -> None:
    for name in ("base/server", "base/worker", "single/server"):
        text = (DEPLOY / "kubernetes" / f"{name}.yaml").read_text()
        assert "runAsUser: 10001" in text
        assert "mountPath: /data" in text
