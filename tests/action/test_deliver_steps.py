"""The shell steps beside the program: what installs runs nothing of a checkout, and a state leaves a runner encrypted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.runner_kit import ROOT

DELIVER = ROOT / ".github" / "actions" / "deliver" / "action.yml"
APPLY = ROOT / ".github" / "workflows" / "apply.yml"
PLANTED = "import pathlib\npathlib.Path(__file__).with_name('pwned').touch()\n"
STATE = '{"serial": 7, "password": "in the clear"}\n'


def script(path: Path, identity: str) -> str:
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    steps = found["runs"]["steps"] if "runs" in found else found["jobs"]["apply"]["steps"]
    [text] = [step["run"] for step in steps if step.get("id") == identity]
    return str(text)


def bash(root: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As a runner starts ``shell: bash``, in a workspace."""
    for name in ("workspace", "temp", "home"):
        (root / name).mkdir(exist_ok=True)
    told = {
        "PATH": os.environ["PATH"],
        "HOME": str(root / "home"),
        "RUNNER_TEMP": str(root / "temp"),
        "GITHUB_OUTPUT": str(root / "output"),
        "GITHUB_REPOSITORY": "myorg/infrastructure",
        "GITHUB_RUN_ID": "42",
        "GITHUB_RUN_ATTEMPT": "2",
    }
    (root / "step.sh").write_text(text)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(root / "step.sh")],
        cwd=root / "workspace",
        env=told | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def test_T24_installing_runs_nothing_of_the_checkout(tmp_path: Path) -> None:  # noqa: N802
    """``python -m venv`` takes a ``venv.py`` of the folder that it starts in: a pull request's, in the job that plans it."""
    workspace, action = tmp_path / "workspace", tmp_path / "tool" / ".github" / "actions" / "deliver"
    workspace.mkdir()
    for name in ("venv", "pip", "ensurepip", "sitecustomize", "json", "os"):
        (workspace / f"{name}.py").write_text(PLANTED)
    action.mkdir(parents=True)
    (tmp_path / "tool" / "requirements").mkdir()
    (tmp_path / "tool" / "requirements" / "runtime.lock").write_text("# nothing\n")
    more = {
        "PYTHON": sys.executable,
        "GITHUB_ACTION_PATH": str(action),
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": str(workspace),
    }
    done = bash(tmp_path, script(DELIVER, "install"), **more)
    assert done.returncode == 0, done.stdout
    assert not (workspace / "pwned").exists()
    assert (tmp_path / "temp" / "ai-provision" / "bin" / "python").exists()


def test_T24_without_the_isolation_it_would(tmp_path: Path) -> None:  # noqa: N802
    """The test before can fail."""
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "venv.py").write_text(PLANTED)
    text = script(DELIVER, "install").replace(" -I ", " ")
    bash(tmp_path, text, PYTHON=sys.executable, GITHUB_ACTION_PATH=str(tmp_path))
    assert (tmp_path / "workspace" / "pwned").exists()


def certificate(root: Path, *kind: str) -> tuple[str, Path]:
    """A certificate for a recipient, and its key."""
    key, made = root / "key.pem", root / "made.pem"
    subject = ["-subj", "/CN=state", "-days", "2", "-nodes", "-keyout", str(key), "-out", str(made)]
    subprocess.run(["openssl", "req", "-x509", *kind, *subject], check=True, capture_output=True)
    return made.read_text(), key


def kept(root: Path) -> Path:
    """A state that could not be saved, as an apply leaves it."""
    folder = root / "workspace" / "ai-provision-kept" / "apps-shop"
    folder.mkdir(parents=True)
    (folder / "errored.tfstate").write_text(STATE)
    return folder


def test_A04_a_kept_state_leaves_encrypted_and_its_key_opens_it(tmp_path: Path) -> None:  # noqa: N802
    recipient, key = certificate(tmp_path, "-newkey", "rsa:2048")
    assert bash(tmp_path, script(APPLY, "recipient"), RECIPIENT=recipient).returncode == 0
    kept(tmp_path)
    done = bash(tmp_path, script(APPLY, "keep"))
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "output").read_text() == "kept=true\n"
    sent = tmp_path / "workspace" / "ai-provision-kept.tar.p7m"
    assert b"in the clear" not in sent.read_bytes()
    opening = ["openssl", "smime", "-decrypt", "-binary", "-inform", "DER", "-in", str(sent), "-inkey", str(key)]
    opened = subprocess.run(opening, check=True, capture_output=True)
    there = subprocess.run(
        ["tar", "-xO", "./apps-shop/errored.tfstate"], input=opened.stdout, check=True, capture_output=True
    )
    assert there.stdout.decode() == STATE


def test_A04_without_a_recipient_the_state_stays_where_the_next_checkout_does_not_look(tmp_path: Path) -> None:  # noqa: N802
    kept(tmp_path)
    done = bash(tmp_path, script(APPLY, "keep"))
    place = tmp_path / "home" / "ai-provision-kept" / "myorg" / "infrastructure" / "42-2"
    assert done.returncode == 0, done.stdout
    assert (place / "apps-shop" / "errored.tfstate").read_text() == STATE
    assert (
        f"::error title=ai-provision::A state was not saved and there is no state-recipient: it lies on the runner, in {place}"
        in done.stdout
    )
    assert not (tmp_path / "workspace" / "ai-provision-kept").exists()
    assert not (tmp_path / "output").exists()
    assert (tmp_path / "home" / "ai-provision-kept").stat().st_mode & 0o077 == 0


def test_nothing_is_kept_after_a_good_apply(tmp_path: Path) -> None:
    done = bash(tmp_path, script(APPLY, "keep"))
    assert (done.returncode, done.stdout) == (0, "")
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("given", ["nonsense", "elliptic", "$(touch pwned)"])
def test_a_certificate_that_cannot_encrypt_ends_the_job_before_it_applies(given: str, tmp_path: Path) -> None:
    elliptic = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    recipient = certificate(tmp_path, *elliptic)[0] if given == "elliptic" else given
    assert bash(tmp_path, script(APPLY, "recipient"), RECIPIENT=recipient).returncode != 0
    assert not list(tmp_path.rglob("pwned"))
