"""The step ``deliver`` of a workflow: secrets are files that are gone afterwards, and nothing of them is said."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import ci_deliver
from bot.delivering import ApplyOrder
from bot.emulators.github import GitHubEmulator
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.applied import Outcome
from bot.model.delivered import Delivered
from bot.settings import Settings
from tests.action.runner_kit import HOSTILE, INFRA, ROOT, TOKEN, github, outputs_of, written

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAA\n-----END OPENSSH PRIVATE KEY-----"
KUBECONFIG = (
    "users:\n- name: ci\n  user:\n    token: cluster-token-0123456789abcdef\n    client-key-data: 'S0VZS0VZS0VZ'\n"
)
PASSWORD = "state-password-50%25-off"
STATE = f"TF_HTTP_USERNAME=terraform\nTF_HTTP_PASSWORD={PASSWORD}\nAWS_REGION=eu-central-1\n\n  PGUSER=ci  \r\n"
PROXMOX = "ci@pve!apply=2f7b7d3e-proxmox-secret"
WIDE = "ci@pve!wide=77aa-cluster-secret"
SECRETS = (
    PASSWORD,
    "cluster-token-0123456789abcdef",
    "S0VZS0VZS0VZ",
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAA",
    "2f7b7d3e-proxmox-secret",
    "77aa-cluster-secret",
    TOKEN,
)
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Step:
    """A runner's folder, and a delivery that looks about and answers as it is told."""

    root: Path
    answer: Callable[[], Delivered | Refusal]
    seen: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def run(self, verb: str = "apply", **more: str) -> int:
        return ci_deliver.main(self.environment(verb) | more, deliver=self.deliver)

    def environment(self, verb: str = "apply") -> dict[str, str]:
        (self.root / "temp").mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "RUNNER_TEMP": str(self.root / "temp"),
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary"),
            "GITHUB_TOKEN": TOKEN,
            "PROXMOX_VE_API_TOKEN": PROXMOX,
            "TF_VAR_cluster_api_token": WIDE,
            "DELIVER_VERB": verb,
            "DELIVER_KUBECONFIG": KUBECONFIG,
            "DELIVER_SSH_KEY": KEY,
            "DELIVER_STATE_ENVIRONMENT": STATE,
        }

    def deliver(
        self, order: ApplyOrder, settings: Settings, environment: Mapping[str, str], *, progress: Callable[[str], None]
    ) -> Delivered | Refusal:
        self.seen = dict(os.environ)
        assert dict(environment) == self.seen
        for name in ("KUBECONFIG", "ANSIBLE_PRIVATE_KEY_FILE"):
            if path := self.seen.get(name):
                self.files[name] = (stat.S_IMODE(Path(path).stat().st_mode), Path(path).read_text())
        assert settings.kubeconfig == self.seen.get("KUBECONFIG")
        progress(f"{order.mode} with {' '.join(SECRETS)}")
        return self.answer()

    @property
    def left(self) -> list[Path]:
        return list((self.root / "temp").iterdir())

    @property
    def summary(self) -> str:
        path = self.root / "summary"
        return path.read_text() if path.exists() else ""


def applied(kind: Any = "applied", message: str = "All is well.") -> Delivered:
    return Delivered(
        outcomes=(Outcome(root="apps/shop", app="shop", commit="4" * 40, kind=kind, message=message, at=AT),)
    )


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step(tmp_path, lambda: applied(message=f"Said {' '.join(SECRETS)}"))


def test_secrets_are_files_of_their_owner_and_gone_afterwards(step: Step) -> None:
    before = dict(os.environ)
    assert step.run() == 0
    assert step.files == {"KUBECONFIG": (0o600, KUBECONFIG), "ANSIBLE_PRIVATE_KEY_FILE": (0o600, f"{KEY}\n")}
    assert step.left == []
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    "raised",
    [
        RuntimeError("a defect"),
        KeyboardInterrupt(),
        Unavailable(Code.RATE, "GitHub asks to wait.", remedy="Wait."),
        Refused(Refusal(code=Code.POLICY, message="No.", remedy="None.")),
    ],
    ids=["defect", "interrupt", "outage", "refusal"],
)
def test_no_secret_outlives_a_bad_end(raised: BaseException, tmp_path: Path) -> None:
    def fail() -> Delivered:
        raise raised

    step = Step(tmp_path, fail)
    before = dict(os.environ)
    if isinstance(raised, RuntimeError):
        with pytest.raises(RuntimeError, match="a defect"):
            step.run()
    else:
        assert step.run() == {KeyboardInterrupt: 130, Unavailable: 1, Refused: 3}[type(raised)]
        assert step.summary
    assert step.files
    assert step.left == []
    assert dict(os.environ) == before


def test_masks_are_told_to_the_runner_before_anything_else(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    step.run()
    said = capsys.readouterr().out.splitlines()
    masks = [line for line in said if line.startswith("::add-mask::")]
    assert said[: len(masks)] == masks
    hidden = {line.removeprefix("::add-mask::").replace("%25", "%") for line in masks}
    assert {PASSWORD, "cluster-token-0123456789abcdef", "S0VZS0VZS0VZ", WIDE} <= hidden
    assert not {"terraform", "eu-central-1", "ci"} & hidden, "a public value would tear holes into every text"


def test_no_secret_is_said_in_the_log_or_the_summary(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    step.run()
    said = capsys.readouterr()
    log = "\n".join(line for line in said.out.splitlines() if not line.startswith("::add-mask::")) + said.err
    assert "Said [redacted]" in log
    for secret in SECRETS:
        assert secret not in log
        assert secret not in step.summary
    assert "shop" in step.summary


def test_what_the_action_was_not_given_is_not_there(step: Step) -> None:
    """An empty variable would be a value to terraform and to kubectl."""
    mine = (
        "PROXMOX_VE_ENDPOINT",
        "PROXMOX_VE_API_TOKEN",
        "AI_PROVISION_PROXMOX_SURVEY_TOKEN",
        "AI_PROVISION_JOIN_COMMAND",
    )
    empty = dict.fromkeys(
        (*mine, "TF_VAR_cluster_api_token", "PROMETHEUS_URL", "DELIVER_KUBECONFIG", "DELIVER_SSH_KEY"), ""
    )
    assert step.run(**empty, DELIVER_STATE_ENVIRONMENT="") == 0
    assert not {*empty, "KUBECONFIG", "ANSIBLE_PRIVATE_KEY_FILE"} & step.seen.keys()
    assert not [name for name in step.seen if name.startswith("DELIVER_")]


def test_the_lines_of_the_state_are_variables(step: Step) -> None:
    step.run()
    wanted = {
        "TF_HTTP_USERNAME": "terraform",
        "TF_HTTP_PASSWORD": PASSWORD,
        "AWS_REGION": "eu-central-1",
        "PGUSER": "ci",
    }
    assert {name: step.seen.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_T23_a_hostile_value_of_the_state_is_one_value_or_refused(value: str, step: Step) -> None:  # noqa: N802
    code = step.run(DELIVER_STATE_ENVIRONMENT=f"PGPASSWORD={value}")
    if "\n" in value:
        assert code == 2
        assert step.seen == {}
        assert "stolen" not in step.summary
    else:
        assert code == 0
        assert step.seen["PGPASSWORD"] == value


@pytest.mark.parametrize(
    "line",
    ["PATH=/tmp", "LD_PRELOAD=/tmp/x.so", "TF_CLI_ARGS=-destroy", "GITHUB_TOKEN=x", "PROXMOX_VE_INSECURE=true",
     "PYTHONPATH=/tmp", "pgpassword=x", "PG PASSWORD=x", "no variable", "=x", "AWS_CONFIG_FILE=/tmp/x",
     "AWS_SHARED_CREDENTIALS_FILE=x", "PGPASSWORD=a\x00b", "PGPASSWORD=a\x1b[2J", "PGPASSWORD=" + "x" * 4001],
)  # fmt: skip
def test_T23_a_line_that_could_change_what_is_run_ends_the_step(  # noqa: N802
    line: str, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    assert step.run(DELIVER_STATE_ENVIRONMENT=f"{STATE}{line}\n") == 2
    assert step.seen == {}
    assert step.left == []
    said = capsys.readouterr().out
    assert "::error title=ai-provision::config" in said
    assert line.partition("=")[2] not in step.summary or not line.partition("=")[2]


@pytest.mark.parametrize("verb", ["", "destroy", "apply;id", "Apply", "$(touch pwned)", "x\n::set-env name=PATH::/tmp"])
def test_another_verb_is_refused_on_one_line(verb: str, step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    assert step.run(verb) == 2
    assert step.seen == {}
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("::error title=ai-provision::config")
    assert "config" in step.summary


def test_a_wrong_setting_is_named_and_its_value_is_not(step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    assert step.run(AI_PROVISION_WRITE_PAUSE="hunter22-hunter22") == 2
    said = capsys.readouterr().out + step.summary
    assert "AI_PROVISION_WRITE_PAUSE" in said or "write_pause" in said
    assert "hunter22" not in said


@pytest.mark.parametrize(
    ("kind", "code", "returned"),
    [("applied", 0, "false"), ("destroyed", 0, "false"), ("failed", 1, "false"), ("returned", 1, "true"), ("abandoned", 3, "false")],
)  # fmt: skip
def test_the_exit_code_and_the_output_say_how_it_ended(kind: str, code: int, returned: str, tmp_path: Path) -> None:
    step = Step(tmp_path, lambda: applied(kind))
    assert step.run() == code
    assert outputs_of(str(tmp_path / "output")) == {"returned": returned}


def test_a_message_cannot_give_the_runner_a_second_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "".join(HOSTILE.values())
    Step(tmp_path, lambda: applied(message=evil)).run()
    commands = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("::add-mask::")]
    assert len(commands) == 1
    assert commands[0].startswith("::notice title=ai-provision::")
    assert "##[" not in commands[0]
    assert outputs_of(str(tmp_path / "output")) == {"returned": "false"}


def given(number: int, head: int, base: int) -> dict[str, Any]:
    end = {"sha": "4" * 40}
    return {"pull_request": {"number": number, "head": {**end, "repo": {"id": head}}, "base": {**end, "repo": {"id": base}}}}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "payload", "code"),
    [
        (("plan", "pull_request"), given(1, 7, 8), "policy"),
        (("plan", "push"), {"ref": "refs/heads/main"}, "config"),
        (("apply", "push"), {}, "config"),
    ],
    ids=["fork", "no pull request", "another commit"],
)
def test_T24_a_fork_and_a_wrong_event_get_nothing(  # noqa: N802
    order: tuple[str, str], payload: Any, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb, event = order
    with github(tmp_path) as (site, url):
        clone = tmp_path / "clone"
        subprocess.run(["git", "clone", "--quiet", str(site._repo(INFRA).path), str(clone)], check=True)
        monkeypatch.chdir(clone)
        (tmp_path / "event.json").write_text(json.dumps(payload))
        told = {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": INFRA, "GITHUB_SHA": "5" * 40, "GITHUB_EVENT_NAME": event}
        step = Step(tmp_path, applied)
        environment = step.environment(verb) | told | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
        assert ci_deliver.main(environment) == {"policy": 3, "config": 2}[code]
        assert f"**{code}**" in step.summary
        assert written_to(site) == []
        assert step.left == []


def written_to(site: GitHubEmulator) -> list[str]:
    return [call.path for call in site.calls if call.method != "GET"]


_TERRAFORM = """\
#!/bin/bash
trap 'echo INT >> "$LOG"; sleep 1; echo saved >> "$LOG"; exit 0' INT
trap 'echo TERM >> "$LOG"; exit 9' TERM
echo began >> "$LOG"
for _ in $(seq 200); do sleep 0.1; done
"""
_PROGRAM = """\
import os, sys
from pathlib import Path
from bot import ci_deliver
from bot.edges.terraform.limits import TerraformLimits
from bot.edges.terraform.process import Runner
from bot.model.delivered import Delivered

def deliver(order, settings, environment, *, progress):
    if "QUIET" in os.environ:
        Path(os.environ["LOG"]).write_text("began\\n")
        import time; time.sleep(20)
    runner = Runner(program=os.environ["TERRAFORM"], environment=environment, limits=TerraformLimits(), asked=lambda: False)
    ran = runner.run(Path.cwd(), "apply", seconds=60, output=1000)
    return Delivered(said=(f"terraform ended {ran.code}, stopped by {ran.stopped}",))

sys.exit(ci_deliver.main(os.environ, deliver=deliver))
"""


@dataclass
class Script:
    """The action's own last step under bash, with an imitated terraform."""

    root: Path

    def start(self, **more: str) -> subprocess.Popen[str]:
        action = yaml.safe_load((ROOT / ".github" / "actions" / "deliver" / "action.yml").read_text())
        [text] = [step["run"] for step in action["runs"]["steps"] if step.get("id") == "run"]
        (self.root / "run.sh").write_text(text)
        (self.root / "program.py").write_text(_PROGRAM)
        written(self.root / "terraform", _TERRAFORM)
        (self.root / "temp" / "ai-provision" / "bin").mkdir(parents=True)
        program = (
            f'#!/bin/bash\n[ "$*" = "-P -m bot deliver" ] || exit 9\nexec "{sys.executable}" "{self.root}/program.py"\n'
        )
        written(self.root / "temp" / "ai-provision" / "bin" / "python", program)
        environment = Step(self.root, applied).environment() | {
            "GITHUB_ACTION_PATH": str(ROOT / ".github" / "actions" / "deliver"),
            "TERRAFORM": str(self.root / "terraform"),
            "LOG": str(self.root / "log"),
        }
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(self.root / "run.sh")],
            env=environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def began(self, process: subprocess.Popen[str]) -> None:
        until = time.monotonic() + 60
        while "began" not in self.log and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert "began" in self.log, process.stdout.read() if process.stdout else ""

    @property
    def log(self) -> list[str]:
        path = self.root / "log"
        return path.read_text().split() if path.exists() else []


def test_T33_a_cancelled_run_lets_terraform_save_and_leaves_no_secret(tmp_path: Path) -> None:  # noqa: N802
    """The runner signals the step's first process alone: bash, which has become the program by ``exec``."""
    script = Script(tmp_path)
    process = script.start()
    script.began(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[0]
    assert script.log == ["began", "INT", "saved"]
    assert "terraform ended 0, stopped by SIGINT" in said
    assert [path.name for path in (tmp_path / "temp").iterdir()] == ["ai-provision"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_T33_a_run_that_is_cancelled_beside_terraform_leaves_no_secret(number: int, tmp_path: Path) -> None:  # noqa: N802
    script = Script(tmp_path)
    process = script.start(QUIET="1")
    script.began(process)
    process.send_signal(number)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "was cancelled before its end" in said
    assert "Traceback" not in said
    assert [path.name for path in (tmp_path / "temp").iterdir()] == ["ai-provision"]
