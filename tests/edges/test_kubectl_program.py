"""The kubectl process: what it is given, what it never is, and how it ends. A small script stands in for the program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from bot.edges.kubectl import KubectlLimits, KubectlManifests
from bot.edges.kubectl.environment import closed, environment
from bot.edges.kubectl.process import run
from bot.edges.kubectl.program import things
from bot.errors import Code, Refused, Unavailable

CANARY = "canary-0123456789"
SCRIPT = """
    import json, os, sys, time
    from pathlib import Path
    home = Path({home!r})
    answers = json.loads((home / "answers.json").read_text())
    verb = sys.argv[1]
    seen = {{"arguments": sys.argv[1:], "given": sys.stdin.read(), "environment": dict(os.environ)}}
    with (home / "log").open("a") as log:
        log.write(json.dumps(seen) + "\\n")
    answer = answers.get(verb, {{}})
    time.sleep(answer.get("seconds", 0))
    sys.stdout.write(answer.get("out", ""))
    sys.stderr.write(answer.get("err", ""))
    sys.exit(answer.get("code", 0))
"""
OWNER = """
    import sys
    from bot.edges.kubectl.process import run
    waits = "import pathlib, time; pathlib.Path({started!r}).touch(); time.sleep(60)"
    try:
        run((sys.executable, "-c", waits), {{}}, stdin=b"", seconds=60, ending=0.5, most=99)
    except KeyboardInterrupt:
        sys.exit(42)
"""


class Stand:
    """A folder with a program named kubectl and what it answers."""

    def __init__(self, home: Path, **answers: Any) -> None:
        self.home = home
        version = {"clientVersion": {"gitVersion": "v1.32.4"}}
        (home / "answers.json").write_text(json.dumps({"version": {"out": json.dumps(version)}, **answers}))
        program = home / "kubectl"
        program.write_text(f"#!{sys.executable}\n" + textwrap.dedent(SCRIPT.format(home=str(home))))
        program.chmod(0o755)

    def manifests(self, **limits: Any) -> KubectlManifests:
        ours = {"PATH": str(self.home), "GITHUB_TOKEN": CANARY, "KUBECONFIG": "/elsewhere", "HOME": "/root"}
        bounds = KubectlLimits(look=0.01, **limits)
        return KubectlManifests(self.home / "config", redact=str, limits=bounds, ours=ours)

    def calls(self, verb: str) -> list[dict[str, Any]]:
        calls = [json.loads(line) for line in (self.home / "log").read_text().splitlines()]
        return [each for each in calls if each["arguments"][0] == verb]


def test_every_call_names_its_kubeconfig_and_sees_no_secret_of_ours(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.manifests().ensure_namespace("shop")
    (call,) = stand.calls("create")
    assert f"--kubeconfig={tmp_path / 'config'}" in call["arguments"]
    assert CANARY not in call["environment"].values()
    assert not {"KUBECONFIG", "GITHUB_TOKEN"} & call["environment"].keys()
    assert call["environment"]["KUBERC"] == "off"
    assert not any(each.startswith("--context") or "force" in each for each in call["arguments"])


def test_a_secret_goes_through_standard_input_and_into_no_text(tmp_path: Path) -> None:
    stand = Stand(tmp_path, apply={"code": 1, "err": f"is invalid: data: {CANARY} Y2FuYXJ5LTAxMjM0NTY3ODk="})
    with pytest.raises(Refused) as told:
        stand.manifests().store_secret("ai-provision", "key", {"kubeconfig": CANARY.encode()})
    (call,) = stand.calls("apply")
    assert CANARY not in str(call["arguments"])
    assert "Y2FuYXJ5LTAxMjM0NTY3ODk=" in call["given"]
    assert "Y2FuYXJ5LTAxMjM0NTY3ODk=" not in str(call["arguments"])
    assert CANARY not in told.value.refusal.message
    assert "Y2FuYXJ5" not in told.value.refusal.message


def test_without_kubectl_the_refusal_says_where_to_get_it(tmp_path: Path) -> None:
    manifests = KubectlManifests(tmp_path / "config", redact=str, ours={"PATH": str(tmp_path)})
    with pytest.raises(Refused) as told:
        manifests.ensure_namespace("shop")
    assert told.value.refusal.code is Code.CONFIG
    assert "kubernetes.io/docs/tasks/tools" in told.value.refusal.remedy


def test_an_old_kubectl_is_refused_with_its_version(tmp_path: Path) -> None:
    stand = Stand(tmp_path, version={"out": json.dumps({"clientVersion": {"gitVersion": "v1.26.9"}})})
    with pytest.raises(Refused) as told:
        stand.manifests().ensure_namespace("shop")
    assert "version 1.26; 1.27 or newer is needed" in told.value.refusal.message


def test_a_call_that_takes_too_long_is_ended_and_is_an_outage(tmp_path: Path) -> None:
    stand = Stand(tmp_path, get={"seconds": 60})
    began = time.monotonic()
    with pytest.raises(Unavailable):
        stand.manifests(call=2.0, ending=0.2).ensure_namespace("shop")
    assert time.monotonic() - began < 30


def test_a_call_that_writes_too_much_is_ended(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "while True: print('x' * 9999)")
    ran = run(command, {}, stdin=b"", seconds=60, ending=0.2, most=100_000)
    assert ran.stopped == "the limit on output"
    assert len(ran.out) <= 100_000


def test_an_interrupt_reaches_kubectl_and_then_us(tmp_path: Path) -> None:
    """SIGINT at the runner: kubectl is asked to stop, and the caller's own handler has its turn afterwards."""
    started = tmp_path / "started"
    (tmp_path / "owner.py").write_text(textwrap.dedent(OWNER.format(started=str(started))))
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen([sys.executable, str(tmp_path / "owner.py")], env={**os.environ, "PYTHONPATH": root})
    while not started.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 42


def test_a_rendering_has_no_way_out() -> None:
    seen = closed("/nowhere")
    assert seen["PATH"] == "/nowhere"
    assert seen["HTTPS_PROXY"].startswith("http://127.0.0.1:")
    assert not {"NO_PROXY", "no_proxy", "SSL_CERT_FILE"} & seen.keys()


def test_the_settings_of_credential_plugins_are_passed_on() -> None:
    ours = {"AWS_PROFILE": "a", "CLOUDSDK_CONFIG": "b", "KUBECTL_EXTERNAL_DIFF": "evil", "KUBERNETES_SERVICE_HOST": "x"}
    seen = environment(ours)
    assert (seen["AWS_PROFILE"], seen["CLOUDSDK_CONFIG"]) == ("a", "b")
    assert not {"KUBECTL_EXTERNAL_DIFF", "KUBERNETES_SERVICE_HOST"} & seen.keys()


def test_lists_and_rows_of_documents_are_read_alike() -> None:
    one, other = {"kind": "A"}, {"kind": "B"}
    assert things(json.dumps({"kind": "List", "items": [one, other]})) == [one, other]
    assert things(f"{json.dumps(one)}\n{json.dumps(other)}\n") == [one, other]
    assert things("  \n") == []
