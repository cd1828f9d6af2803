"""``act`` runs the workflows on this computer, against the stage of ``pipeline.py``.

In: the caller as ``init`` writes it, the reusable workflows and the action of this checkout, an event. Out: a log, an exit
code, artefacts. Never: Docker, a network action, an address beyond loopback, a line of a workflow that is changed in silence:
what is replaced stands in ``EXPANDED``, ``UNKNOWN`` and ``STUBS``, and ``copy_of_the_tool`` fails when something else differs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bot.emulators.github import hooks
from bot.initial import APPLY_PATH, first_files
from bot.model.cluster import ClusterSnapshot
from tests.action.runner_kit import written
from tests.realparts import parts
from tests.realparts.pipeline import APPLIER, INFRA, READER, Pipeline

ROOT: Final = Path(__file__).parents[2]
TOOL: Final = "someone/ai-provision"
COMMIT: Final = "4" * 40
EXPANDED: Final = ("uses: $/", f"uses: {TOOL}/", f"@{COMMIT}")
"""``$/x`` means x of the same repository at the same commit; act 0.2.89 does not know it, so it is written out."""
UNKNOWN: Final = ("      queue: max", "      # act: queue: max")
"""act 0.2.89 knows no ``concurrency.queue``; it runs one event at a time."""

CHECKOUT: Final = """\
name: what these workflows need of actions/checkout
inputs: {ref: {default: ""}, fetch-depth: {default: "1"}, persist-credentials: {default: "true"}}
runs:
  using: composite
  steps:
    - shell: bash
      env:
        REF: ${{ inputs.ref || github.sha }}
        DEPTH: ${{ inputs.fetch-depth }}
        KEEP: ${{ inputs.persist-credentials }}
      run: |
        [ "$KEEP" = false ] && [ "$DEPTH" = 0 ]
        find . -mindepth 1 -delete
        git clone --quiet --no-checkout "$ACT_KIT_ORIGIN" .
        git checkout --quiet --detach "$REF"
"""
SETUP_PYTHON: Final = """\
name: the interpreter of the tests
inputs: {python-version: {required: true}, update-environment: {default: "true"}}
outputs: {python-path: {value: "${{ steps.found.outputs.python-path }}"}}
runs:
  using: composite
  steps:
    - id: found
      shell: bash
      run: echo "python-path=$ACT_KIT_PYTHON" >> "$GITHUB_OUTPUT"
"""
UPLOAD: Final = """\
name: a folder of the tests
inputs: {name: {required: true}, path: {required: true}, retention-days: {required: true}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}", FILE: "${{ inputs.path }}"}
      run: |
        mkdir -p "$ACT_KIT_ARTEFACTS/$NAME"
        cp "$FILE" "$ACT_KIT_ARTEFACTS/$NAME/"
"""
STUBS: Final = {
    "actions/checkout": CHECKOUT,
    "actions/setup-python": SETUP_PYTHON,
    "actions/upload-artifact": UPLOAD,
}
"""What would come from the network, by the repository that a workflow names."""
_PARTS: Final = ("bot", "requirements", ".github/workflows", ".github/actions")
_PYTHON: Final = f"""\
#!/bin/bash
# A virtual environment whose pip installs nothing: the packages of the lock are those of the tests.
[ "$1 $2 $3" = "-I -m venv" ] || exit 9
mkdir -p "$4/bin"
printf '%s\\n' '#!/bin/bash' \\
  'if [ "$1 $2 $3" = "-I -m pip" ]; then printf "%s " "$@" >> "$ACT_KIT_PIP"; exit; fi' \\
  'exec "{sys.executable}" "$@"' > "$4/bin/python"
chmod +x "$4/bin/python"
"""
_SECONDS: Final = 300.0
STATE_PASSWORD: Final = "loopback-state-password"


@dataclass(frozen=True)
class Acted:
    """How a run of act ended."""

    code: int
    log: str
    seconds: float

    @property
    def steps(self) -> list[str]:
        """The steps that began, whatever their job."""
        return re.findall(r"^\[[^\]]+\] ⭐ Run Main (.+)$", self.log, flags=re.MULTILINE)

    @property
    def called(self) -> set[str]:
        """The jobs of reusable workflows that ran to a good end."""
        return set(re.findall(r"^\[(?:\w+)/(\w+)/\w+ *\] +🏁 +Job succeeded", self.log, flags=re.MULTILINE))


def pinned() -> dict[str, set[str]]:
    """Repository -> commits, of every action from elsewhere that the reusable workflows and their action name."""
    found: dict[str, set[str]] = {}
    workflows = [path for path in (ROOT / ".github" / "workflows").glob("*.yml") if path.name != "ci.yml"]
    for path in [*workflows, *(ROOT / ".github" / "actions").glob("*/action.yml")]:
        for name, commit in re.findall(r"uses: ([\w.-]+/[\w.-]+)@([0-9a-f]{40})", path.read_text()):
            found.setdefault(name, set()).add(commit)
    return found


def copy_of_the_tool(folder: Path) -> Path:
    """This checkout's product as a repository that act can call. AssertionError when more than this differs."""
    for part in _PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for path in sorted((folder / ".github").rglob("*.yml")):
        path.write_text(for_act(path.read_text()))
        assert as_it_was(path.read_text()) == (ROOT / path.relative_to(folder)).read_text(), path
    return folder


def for_act(text: str) -> str:
    """A workflow or an action with what act does not know written otherwise."""
    mine, full, commit = EXPANDED
    lines = [line.replace(mine, full) + commit if mine in line else line for line in text.split("\n")]
    return "\n".join(UNKNOWN[1] if line == UNKNOWN[0] else line for line in lines)


def as_it_was(text: str) -> str:
    """The inverse of ``for_act``."""
    mine, full, commit = EXPANDED
    return text.replace(full, mine).replace(commit, "").replace(UNKNOWN[1], UNKNOWN[0])


@dataclass
class Runner:
    """A self-hosted runner of the infrastructure repository: act, and what an administrator has set."""

    stage: Pipeline
    folder: Path
    act: Path
    runs: int = 0

    def __post_init__(self) -> None:
        copy_of_the_tool(self.folder / "tool")
        for name, text in STUBS.items():
            place = self.folder / "stubs" / name
            place.mkdir(parents=True)
            (place / "action.yml").write_text(text)
        written(self.folder / "python", _PYTHON)
        (self.folder / "home").mkdir()
        caller = first_files(ClusterSnapshot(), action=f"{TOOL}@{COMMIT}")[APPLY_PATH]
        self.stage.github.commit(INFRA, "main", {APPLY_PATH: caller})

    def opened(self, number: int) -> Acted:
        """``pull_request``, as GitHub sends it for an open pull request."""
        issue = self.stage.github.issue(INFRA, number)
        assert issue.pull is not None
        repo, base = self.stage.github._repo(INFRA), self.stage.github.base_url
        payload = hooks.pull_event(repo, issue, "opened", issue.account, base)
        return self.run("pull_request", payload, sha=self.stage.sha(issue.pull.head), job="plan")

    def pushed(self, sha: str, *, before: str, branch: str = "main") -> Acted:
        """``push``, as GitHub sends it for a merge."""
        payload = {"ref": f"refs/heads/{branch}", "before": before, "after": sha, "deleted": False, **self._common()}
        return self.run("push", payload, sha=sha, job="apply")

    def scheduled(self) -> Acted:
        """``schedule``."""
        payload = {"schedule": "*/15 * * * *", **self._common()}
        return self.run("schedule", payload, sha=self.stage.sha("main"), job="reconcile")

    def run(self, event: str, payload: Mapping[str, Any], *, sha: str, job: str) -> Acted:
        """One event in a clone of the infrastructure repository at its commit, with the token of the job that it is for."""
        self.runs += 1
        clone, given = self.stage.checkout(sha), self.folder / f"event-{self.runs}.json"
        given.write_text(json.dumps(payload))
        arguments = [str(self.act), event, "-C", str(clone), "-W", APPLY_PATH, "-e", str(given), *self._options()]
        begun = time.monotonic()
        done = subprocess.run(
            [*arguments, *self._settings(job)],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Acted(done.returncode, done.stdout, time.monotonic() - begun)

    def _common(self) -> dict[str, Any]:
        repo, base = self.stage.github._repo(INFRA), self.stage.github.base_url
        return hooks.common(repo, self.stage.github.add_user("grace"), base)

    def _options(self) -> list[str]:
        folders = {f"{TOOL}@{COMMIT}": self.folder / "tool"}
        for name, commits in pinned().items():
            folders |= {f"{name}@{commit}": self.folder / "stubs" / name for commit in commits}
        local = [word for ref, place in folders.items() for word in ("--local-repository", f"{ref}={place}")]
        cache = ["--action-cache-path", str(self.folder / "cache"), "--no-cache-server", "--action-offline-mode"]
        return ["-P", "ubuntu-24.04=-self-hosted", "--no-skip-checkout", *local, *cache]

    def _settings(self, job: str) -> list[str]:
        """Variables and secrets, as files: an argument of a process is nobody's secret."""
        variables = {"PROXMOX_VE_ENDPOINT": self.stage.served.environment("")["PROXMOX_VE_ENDPOINT"]}
        token = self.stage.github.ci_token(INFRA, permissions=permissions(job))
        secrets = {"GITHUB_TOKEN": token, **self.secrets()}
        files = {"var": variables, "secret": secrets, "env": self._runner()}
        options = []
        for kind, values in files.items():
            path = self.folder / f"{kind}-{self.runs}.yml"
            path.touch(mode=0o600)
            path.write_text(yaml.safe_dump(values))
            options += [f"--{kind}-file", str(path)]
        return options

    def secrets(self) -> dict[str, str]:
        """The secrets of the infrastructure repository."""
        cluster = self.stage.cluster
        kubeconfig = cluster.apply_kubeconfig.read_text() if cluster is not None else ""
        return {
            "PROXMOX_VE_SURVEY_TOKEN": f"{READER}=survey",
            "PROXMOX_VE_APPLY_TOKEN": f"{APPLIER}=apply",
            "KUBECONFIG_APPLY": kubeconfig,
            "KUBECONFIG_SURVEY": kubeconfig,
            "STATE_ENVIRONMENT": f"TF_HTTP_USERNAME=ci\nTF_HTTP_PASSWORD={STATE_PASSWORD}\n",
        }

    def _runner(self) -> dict[str, str]:
        """What stands in the environment of every job: whom it trusts, where the stubs find things."""
        trust = {name: str(self.stage.served.authority) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
        return trust | {
            "GITHUB_API_URL": self.stage.github_url,
            "GITHUB_REPOSITORY": INFRA,
            "GITHUB_RUN_ID": str(7000 + self.runs),
            "TF_CLI_CONFIG_FILE": str(parts.provider_rc() or ""),
            "AI_PROVISION_WRITE_PAUSE": "0",
            "ACT_KIT_ORIGIN": str(self.stage.github._repo(INFRA).path),
            "ACT_KIT_PYTHON": str(self.folder / "python"),
            "ACT_KIT_PIP": str(self.folder / "pip"),
            "ACT_KIT_ARTEFACTS": str(self.folder / "artefacts"),
        }

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return kept | {"HOME": str(self.folder / "home"), "XDG_CONFIG_HOME": str(self.folder / "home")}


def permissions(job: str) -> dict[str, str]:
    """What the reusable workflow's job asks for, as the token carries it."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / f"{job}.yml").read_text())
    return {name.replace("-", "_"): level for name, level in workflow["jobs"][job]["permissions"].items()}
