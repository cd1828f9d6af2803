"""The demo: the whole loop on this computer, with emulators of GitHub, Proxmox VE and Kubernetes.

In: the examples that lie in the package. Out: the pull request that a signed webhook brought about. Never: the network
beyond 127.0.0.1, an account, a key that is worth something.
"""

from __future__ import annotations

import importlib.resources
import logging
import queue
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from bot.edges.clock import RealClock
from bot.emulators.github import GitHubEmulator
from bot.emulators.kubernetes import KubernetesEmulator
from bot.emulators.loopback import Loopback
from bot.emulators.proxmox import ProxmoxEmulator
from bot.errors import Broken
from bot.logs import configure_logs
from bot.meters import Meters
from bot.model.job import Job
from bot.model.noun import Noun
from bot.model.outcome import Published, PullRequest
from bot.ports import Progress
from bot.settings import Settings, read_settings
from bot.terminal import plain, show_pull
from bot.web import web_app
from bot.workshop import open_shop

INFRA: Final = "myorg/infrastructure"
APPLICATION: Final = "myorg/supermarket-inventory"
COMMENT: Final = """/ai-provision

git_repo: "https://github.com/myorg/supermarket-inventory"
app_description: "Supermarket inventory service, zero downtime, 2000 QPS peak, strong consistency, React frontend + Go/Gin API + PostgreSQL backend"
"""  # noqa: E501 - the entry standard's example, as people paste it
_SECRET: Final = "demo-webhook-secret"  # noqa: S105 - guards an emulator on this computer for a few seconds
_PROXMOX_READER: Final = "ai-provision@pve!survey"
_PATIENCE: Final = 60.0


class DemoResult(Noun):
    """What came back."""

    pull_request: PullRequest
    title: str
    body: str
    diff: str
    seconds: float


def examples() -> Path:
    """The folder of examples: in the package when installed, else in the checkout."""
    packaged = importlib.resources.files("bot") / "_examples"
    folder = Path(str(packaged))
    return folder if folder.is_dir() else Path(__file__).parents[1] / "examples"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A running bot between a GitHub and two clusters, all on loopback."""

    github: GitHubEmulator
    settings: Settings
    ended: queue.Queue[tuple[Job, Published]]

    def command(self, text: str, *, login: str = "ada") -> tuple[int, Published]:
        """Open an issue, comment ``text`` on it, and wait for the end. Raises Broken when none comes."""
        number = self.github.open_issue(INFRA, login, title="A place for the inventory service")
        self.github.comment(INFRA, number, login, text)
        try:
            return number, self.ended.get(timeout=_PATIENCE)[1]
        except queue.Empty:
            raise Broken(f"the command did not end within {_PATIENCE:.0f} s") from None


@contextmanager
def stage(*, application: Path | Mapping[str, str] | None = None, progress: Progress | None = None) -> Iterator[Stage]:
    """Start everything, and stop it again."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ai-provision-demo-")))
        github = _seeded_github(root, application or examples() / "supermarket-inventory")
        url = stack.enter_context(github.serve())
        settings = read_settings(_environment(root, url, github.add_token("ai-provision"), stack))
        configure_logs(settings, level=logging.WARNING)
        ended: queue.Queue[tuple[Job, Published]] = queue.Queue()

        def tell(job: Job, published: Published) -> None:
            ended.put((job, published))

        ledger = stack.enter_context(open_shop(settings, ended=tell, progress=progress, drain=2.0, chores=False))
        door = web_app(ledger, secrets=[_SECRET], meters=Meters(), api_token=None)
        server = stack.enter_context(Loopback(door))
        github.hook(INFRA, f"{server.url}/webhooks/github", _SECRET)
        yield Stage(github=github, settings=settings, ended=ended)


def _seeded_github(root: Path, application: Path | Mapping[str, str]) -> GitHubEmulator:
    github = GitHubEmulator(root / "github", clock=RealClock())
    github.add_repository(APPLICATION, application)
    config = (examples() / "ai-provision.yaml").read_text()
    github.add_repository(INFRA, {"README.md": "# Infrastructure\n", ".ai-provision.yaml": config})
    github.grant(INFRA, "ada", "write")
    github.add_user("ai-provision", kind="Bot")
    github.grant(INFRA, "ai-provision", "write")
    return github


def _environment(root: Path, github_url: str, token: str, stack: ExitStack) -> dict[str, str]:
    proxmox = ProxmoxEmulator.from_file(examples() / "proxmox-api.json", tokens={_PROXMOX_READER: "demo"})
    proxmox_url = stack.enter_context(Loopback(proxmox.app)).url
    kubernetes = KubernetesEmulator.from_file(examples() / "kubernetes-api.json")
    kubernetes_url = stack.enter_context(Loopback(kubernetes.app)).url
    kubeconfig = root / "kubeconfig.json"
    kubeconfig.write_text(kubernetes.kubeconfig(kubernetes_url))
    return {
        "GITHUB_API_URL": github_url,
        "GITHUB_TOKEN": token,
        "AI_PROVISION_INFRA_REPO": INFRA,
        "AI_PROVISION_WEBHOOK_SECRET": _SECRET,
        "AI_PROVISION_WRITE_PAUSE": "0",
        "AI_PROVISION_DATABASE_URL": f"sqlite:///{root}/jobs.sqlite",
        "PROXMOX_VE_ENDPOINT": proxmox_url,
        "PROXMOX_VE_API_TOKEN": f"{_PROXMOX_READER}=demo",
        "KUBECONFIG": str(kubeconfig),
    }


def run(console: Console) -> DemoResult:
    """The demo: progress, then the pull request with its diff. Raises Broken when there is none."""
    began = time.monotonic()
    console.print(
        "[bold]ai-provision demo[/]: emulated GitHub, Proxmox VE and Kubernetes; real git; a signed webhook\n"
    )
    console.print(COMMENT, markup=False)
    with stage(progress=lambda step: console.print(f"[dim]{step} …[/]")) as running:
        number, published = running.command(COMMENT)
        if published.pull is None:
            raise Broken(f"the demo ended without a pull request: {published.code}")
        comment = running.github.comments(INFRA, number)[-1].body
        result = _result(running, published.pull, seconds=time.monotonic() - began)
    console.print(f"\nThe answer in the thread:\n\n{plain(comment)}", markup=False)
    show_pull(
        console, result.pull_request, title=result.title, body=result.body, diff=without_file(result.diff, "plan.json")
    )
    console.print(f"\nFrom the start of the emulators to the open pull request: {result.seconds:.1f} s")
    return result


def without_file(diff: str, name: str) -> str:
    """A diff in which one file is counted instead of shown: the same facts stand in the others as text."""
    parts = diff.split("\ndiff --git ")
    shown = [
        f"{part.splitlines()[0]}\n ({len(part.splitlines())} lines: the plan as data)" if _names(part, name) else part
        for part in parts
    ]
    return "\ndiff --git ".join(shown)


def _names(part: str, name: str) -> bool:
    return part.splitlines()[0].endswith(f"/{name}") if part else False


def _result(running: Stage, pull: PullRequest, *, seconds: float) -> DemoResult:
    shown = running.github.issue(INFRA, pull.number)
    diff = running.github.pull_diff(INFRA, pull.number)
    return DemoResult(pull_request=pull, title=shown.title, body=shown.body, diff=diff, seconds=seconds)
