"""The whole belt on this computer: GitHub and Proxmox VE emulated, Kubernetes, git, terraform and its provider real.

In: nothing, or a config to add. Out: a ``Pipeline`` that takes commands, plans, merges, applies and reports. Never: an
address beyond loopback, ``insecure``, a right beyond the printed roles.

CI's two jobs run as a runner runs them: a clone of the infrastructure repository, the job's own token, the environment
that ``.github/workflows/{plan,apply}.yml`` gives, and ``ai-provision deliver`` in a process of its own.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.applying.record import read_outcomes
from bot.edges.clock import RealClock
from bot.emulators.github import GitHubEmulator
from bot.emulators.loopback import Loopback
from bot.emulators.proxmox import ProxmoxEmulator
from bot.emulators.proxmox.presets import apply_grants, give
from bot.emulators.proxmox.serving import Served, serve
from bot.logs import configure_logs
from bot.meters import Meters
from bot.model.applied import Outcome
from bot.model.cluster import ClusterSnapshot, Node
from bot.model.job import Job
from bot.model.outcome import Published
from bot.settings import Settings, read_settings
from bot.web import web_app
from bot.workshop import open_shop
from tests.edges.proxmox_kit import example
from tests.realparts import parts
from tests.realparts.banners import banners
from tests.realparts.control_plane import ControlPlane
from tests.realparts.states import States, states

ROOT = Path(__file__).parents[2]
INFRA = "myorg/infrastructure"
APPLICATION = "myorg/supermarket-inventory"
READER = "ai-provision@pve!survey"
APPLIER = "ai-provision-apply@pve!ci"
_SECRET = "loopback-webhook-secret"
_SECONDS = 150.0
_POOL = "ai-provision"


@dataclass(frozen=True)
class Step:
    """One job of CI as it ended."""

    code: int
    out: str
    seconds: float


@dataclass
class Pipeline:
    """Everything that runs."""

    root: Path
    github: GitHubEmulator
    github_url: str
    proxmox: ProxmoxEmulator
    served: Served
    state: States
    settings: Settings
    ended: queue.Queue[tuple[Job, Published]]
    cluster: ControlPlane | None
    application: str = APPLICATION
    extra: dict[str, str] = field(default_factory=dict)
    _runs: int = 0

    def command(self, text: str, *, login: str = "ada", issue: int | None = None) -> tuple[int, Published]:
        """Comment on an issue and wait for the command's visible end."""
        number = issue or self.github.open_issue(INFRA, login, title="A place for it")
        self.github.comment(INFRA, number, login, text)
        return number, self.ended.get(timeout=_SECONDS)[1]

    def plan(self, number: int) -> Step:
        """The job of plan.yml for an open pull request."""
        pull = self.github.issue(INFRA, number).pull
        assert pull is not None
        repo = self.github._repo(INFRA)
        base, head = self.sha("main"), self.sha(pull.head)
        end = {"repo": {"id": repo.id, "full_name": INFRA}}
        event = {"pull_request": {"number": number, "head": {"sha": head, **end}, "base": {"sha": base, **end}}}
        return self.deliver("plan", head, event="pull_request", payload=event)

    def merge(self, number: int, *, approver: str = "grace") -> str:
        """Somebody else approves, and merges."""
        self.github.approve(INFRA, number, approver)
        return self.github.merge(INFRA, number, approver)

    def outcomes(self, number: int) -> tuple[Outcome, ...]:
        """What the newest outcome comment of a pull request says."""
        bodies = [comment.body for comment in self.github.comments(INFRA, number)]
        told = [found for body in bodies if (found := read_outcomes(body))]
        return told[-1] if told else ()

    def checkout(self, sha: str) -> Path:
        """A clone as actions/checkout leaves it: history, a detached commit, no credentials."""
        self._runs += 1
        folder = self.root / f"run-{self._runs}"
        source = self.github._repo(INFRA).path
        subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(source), str(folder)], check=True)
        subprocess.run(["git", "-C", str(folder), "checkout", "--quiet", "--detach", sha], check=True)
        return folder

    def environment(self, verb: str, *, event: str, sha: str, folder: Path) -> dict[str, str]:
        """What the runner, the workflow and the action give to the step."""
        kubeconfig = self.cluster.apply_kubeconfig.read_text() if self.cluster is not None else ""
        token = f"{READER}=survey" if verb == "plan" else f"{APPLIER}=apply"
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ},
            **self.served.environment(token),
            "AI_PROVISION_PROXMOX_SURVEY_TOKEN": f"{READER}=survey",
            "REQUESTS_CA_BUNDLE": str(self.served.authority),
            "TF_CLI_CONFIG_FILE": str(parts.provider_rc() or ""),
            "GITHUB_API_URL": self.github_url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": INFRA,
            "GITHUB_TOKEN": self.github.ci_token(INFRA, permissions=RIGHTS[verb]),
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(folder.with_suffix(".event.json")),
            "GITHUB_SHA": sha,
            "GITHUB_REF": "refs/pull/1/merge" if event == "pull_request" else "refs/heads/main",
            "GITHUB_RUN_ID": str(1000 + self._runs),
            "GITHUB_OUTPUT": str(folder.with_suffix(".output")),
            "GITHUB_STEP_SUMMARY": str(folder.with_suffix(".summary.md")),
            "RUNNER_TEMP": str(self.root),
            "AI_PROVISION_WRITE_PAUSE": "0",
            "DELIVER_VERB": verb,
            "DELIVER_KUBECONFIG": kubeconfig,
            "DELIVER_STATE_ENVIRONMENT": "TF_HTTP_USERNAME=ci\nTF_HTTP_PASSWORD=loopback-state-password\n",
            **self.extra,
        }

    def deliver(
        self, verb: str, sha: str, *, event: str = "push", payload: Any = None, more: Mapping[str, str] | None = None
    ) -> Step:
        """One job of CI at a commit, in a process of its own."""
        folder = self.checkout(sha)
        environment = self.environment(verb, event=event, sha=sha, folder=folder) | dict(more or {})
        Path(environment["GITHUB_EVENT_PATH"]).write_text(json.dumps(payload or {}))
        begun = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "bot", "deliver"],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return Step(ran.returncode, ran.stdout + ran.stderr, time.monotonic() - begun)

    def sha(self, branch: str) -> str:
        """The tip of a branch."""
        asked = ["git", "-C", str(self.github._repo(INFRA).path), "rev-parse", f"refs/heads/{branch}"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


RIGHTS: dict[str, dict[str, str]] = {
    "plan": {"contents": "read", "pull_requests": "write", "issues": "write"},
    "apply": {"contents": "read", "pull_requests": "write", "issues": "write", "deployments": "write"},
    "revert": {"contents": "write", "pull_requests": "write", "issues": "write"},
    "reconcile": {"contents": "read", "pull_requests": "write", "issues": "write"},
}
"""``permissions:`` of the jobs, as the workflows state them."""


def proxmox_state() -> dict[str, Any]:
    """The example cluster, with a pool for what is made and a token for CI under the printed apply role.

    The template has no guest agent: the provider would wait for an address of it that is not a loopback one, and the
    machines of this stage have loopback addresses so that SSH answers.
    """
    state = copy.deepcopy(example())
    state["nodes/pve1/qemu/9000/config"].pop("agent", None)
    if all(row["poolid"] != _POOL for row in state["pools"]):
        state["pools"].append({"poolid": _POOL, "comment": "made by ai-provision"})
        state["cluster/resources"].append({"type": "pool", "id": f"/pool/{_POOL}", "pool": _POOL})
    grants = apply_grants(pool=_POOL, templates=(9000,), stores=("local-lvm", "nas"), images=("nas", "local"))
    give(state, APPLIER, grants)
    return state


def config_text(state_url: str, *, ssh_port: int, more: Mapping[str, Any] | None = None) -> str:
    """The config file of the pipeline's infrastructure repository."""
    config = yaml.safe_load((ROOT / "examples" / "ai-provision.yaml").read_text())
    config["defaults"] |= {"pool": _POOL, "addresses": "127.30.0.50-127.30.0.99/24", "gateway": "127.30.0.1"}
    config["state"] = {
        "backend": "http",
        "settings": {"address": f"{state_url}/{{stack}}", "lock_method": "LOCK", "unlock_method": "UNLOCK"},
        "allow_unencrypted": True,
    }
    config["apply"] = {"reviews": 1, "ssh_port": ssh_port, "ssh_seconds": 20, "rollout_seconds": 60}
    return yaml.safe_dump(config | dict(more or {}), sort_keys=True)


@contextmanager
def pipeline(
    *,
    more: Mapping[str, Any] | None = None,
    cluster: ControlPlane | None = None,
    version: str | None = None,
    app: str = "supermarket-inventory",
) -> Iterator[Pipeline]:
    """Start everything, and stop it again. ``cluster``: a control plane that runs already, None for none; ``app``: the
    name of the example application's repository, so that several runs share one cluster.
    """
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ai-provision-pipeline-")))
        kept, port = stack.enter_context(states()), stack.enter_context(banners())
        emulator = ProxmoxEmulator(proxmox_state(), tokens={READER: "survey", APPLIER: "apply"}, version=version)
        served = stack.enter_context(serve(emulator))
        github = _github(root, config_text(kept.url, ssh_port=port, more=more), f"myorg/{app}")
        url = stack.enter_context(github.serve())
        stack.enter_context(_trusting(served))
        settings = read_settings(_environment(root, url, served, github, cluster))
        configure_logs(settings, level=logging.WARNING)
        ended: queue.Queue[tuple[Job, Published]] = queue.Queue()
        shop = open_shop(settings, ended=lambda job, end: ended.put((job, end)), drain=2.0, chores=False)
        ledger = stack.enter_context(shop)
        door = stack.enter_context(Loopback(web_app(ledger, secrets=[_SECRET], meters=Meters(), api_token=None)))
        github.hook(INFRA, f"{door.url}/webhooks/github", _SECRET)
        yield Pipeline(root, github, url, emulator, served, kept, settings, ended, cluster, f"myorg/{app}")


@contextmanager
def _trusting(served: Served) -> Iterator[None]:
    """This process trusts the emulator's certificate, as an operator's machine would."""
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = str(served.authority)
    try:
        yield
    finally:
        if before is None:
            del os.environ["REQUESTS_CA_BUNDLE"]
        else:
            os.environ["REQUESTS_CA_BUNDLE"] = before


def _github(root: Path, config: str, application: str) -> GitHubEmulator:
    github = GitHubEmulator(root / "github", clock=RealClock())
    github.add_repository(application, ROOT / "examples" / "supermarket-inventory")
    github.add_repository(INFRA, {"README.md": "# Infrastructure\n", ".ai-provision.yaml": config})
    for login in ("ada", "grace"):
        github.grant(INFRA, login, "write")
    github.add_user("ai-provision", kind="Bot")
    github.grant(INFRA, "ai-provision", "write")
    return github


def _environment(
    root: Path, url: str, served: Served, github: GitHubEmulator, cluster: ControlPlane | None
) -> dict[str, str]:
    return {
        "GITHUB_API_URL": url,
        "GITHUB_TOKEN": github.add_token("ai-provision"),
        "AI_PROVISION_INFRA_REPO": INFRA,
        "AI_PROVISION_WEBHOOK_SECRET": _SECRET,
        "AI_PROVISION_WRITE_PAUSE": "0",
        "AI_PROVISION_DATABASE_URL": f"sqlite:///{root}/jobs.sqlite",
        "PROXMOX_VE_ENDPOINT": served.url,
        "PROXMOX_VE_API_TOKEN": f"{READER}=survey",
        **({"KUBECONFIG": str(cluster.kubeconfig)} if cluster is not None else {}),
    }


def kubernetes_nodes() -> tuple[Node, ...]:
    """The Kubernetes nodes of the example snapshot, for KWOK."""
    text = (ROOT / "examples" / "cluster-snapshot.json").read_text()
    return ClusterSnapshot.model_validate_json(text).of("kubernetes")
