"""The whole belt on one bad line: real edges, emulated systems, a fault proxy between them.

In: which line is bad and how. Out: what came of one command. Never: another address than loopback, a wait that is only
a wait (the clock notes it and goes on).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.agents.desk import Desk
from bot.app import LiveInventory
from bot.edges.git import GitLimits, GitRepos, Remote, public_remote
from bot.edges.git.remote import Resolve
from bot.edges.github import GitHubForge
from bot.edges.kubernetes import KubernetesInventory
from bot.edges.library import FtsLibrary
from bot.edges.proxmox import ProxmoxInventory
from bot.edges.yaml_reader import ChildYamlReader
from bot.emulators.github import GitHubEmulator
from bot.emulators.kubernetes import KubernetesEmulator
from bot.emulators.loopback import Loopback
from bot.emulators.proxmox import ProxmoxEmulator
from bot.flow.house import House, Office
from bot.flow.steps import Straight
from bot.handlers.dispatch import handle
from bot.model.command import Actor, Delivery, RepoTarget, ThreadRef
from bot.model.outcome import Published
from bot.rendering.redaction import redactor
from bot.survey.selection import select
from tests.fakes.house import DESCRIPTION, EXAMPLES, INFRA, SUPERMARKET, SilentToolbox
from tests.faults import advisers
from tests.faults.advisers import MODEL_KEY, PROMETHEUS_TOKEN, Adviser, Voice
from tests.faults.proxy import JSON, Dialect, Line, proxied

System = Literal["github", "git", "proxmox", "kubernetes"] | Adviser
SYSTEMS: tuple[System, ...] = ("github", "git", "proxmox", "kubernetes")
"""Those that every command speaks to."""
ADVISERS: tuple[System, ...] = ("prometheus", "model")
"""Those that a command speaks to where they are configured."""

APPLICATION = "myorg/supermarket-inventory"
COMMENT = f'/ai-provision\n\ngit_repo: "https://github.com/{APPLICATION}"\napp_description: "{DESCRIPTION}"\n'
GITHUB_TOKEN = "ghs_4242_CANARY-github-" + "t0ken" * 12
PROXMOX_SECRET = "CANARY-proxmox-4c1b-8a57-2f4f6c1d7e90"
KUBERNETES_TOKEN = "CANARY-kubernetes-1e90-8a57"
CANARIES = (GITHUB_TOKEN, PROXMOX_SECRET, KUBERNETES_TOKEN, PROMETHEUS_TOKEN, MODEL_KEY)
_READER = "ai-provision@pve!survey"
BOT = "ai-provision"

DIALECTS: dict[System, Dialect] = {
    "github": Dialect(
        wrong=(b'[{"surprise": 1}]', JSON),
        unauthorised=(b'{"message": "Bad credentials"}', JSON),
        forbidden=(b'{"message": "Resource not accessible by integration"}', JSON),
        retry_after=60,
    ),
    "git": Dialect(
        wrong=(b"000dsurprise\n0000", {"Content-Type": "application/x-git-upload-pack-advertisement"}),
        unauthorised=(b"", {"WWW-Authenticate": 'Basic realm="git"'}),
        forbidden=(b"", {}),
        cut=lambda body: b"packfile" in body,
    ),
    "proxmox": Dialect(
        wrong=(b'{"data": 42}', JSON),
        unauthorised=(b'{"data": null, "message": "No ticket"}', JSON),
        forbidden=(b'{"data": null, "message": "Permission check failed (/vms, VM.Audit)"}', JSON),
    ),
    "kubernetes": Dialect(
        wrong=(b'{"kind": "Surprise", "items": {"a": 1}}', JSON),
        unauthorised=(b'{"kind": "Status", "reason": "Unauthorized", "code": 401}', JSON),
        forbidden=(b'{"kind": "Status", "reason": "Forbidden", "code": 403}', JSON),
    ),
    "prometheus": advisers.PROMETHEUS,
    "model": advisers.MODEL,
}


class BriskClock:
    """Real time, but a wait passes at once; ``slept`` notes them all."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=sum(self.slept))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class Socket:
    """One server for many applications, one after the other: starting a server costs more than a test."""

    app: ASGIApp | None = None
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class World:
    """The healthy systems. GitHub is new for every command, the others are only read.

    ``ruled`` are the files of a plan by the rules alone, as the first command made them; Prometheus is only asked about
    an application whose plan was merged, and these are what was merged.
    """

    github: Socket
    proxmox: str
    kubernetes: str
    prometheus: str
    library: FtsLibrary = field(default_factory=FtsLibrary)
    ruled: dict[str, str] = field(default_factory=dict)


@contextmanager
def world() -> Iterator[World]:
    """Start the systems once."""
    pve = ProxmoxEmulator.from_file(EXAMPLES / "proxmox-api.json", tokens={_READER: PROXMOX_SECRET})
    cluster = KubernetesEmulator.from_file(EXAMPLES / "kubernetes-api.json", token=KUBERNETES_TOKEN)
    github = Socket()
    with ExitStack() as stack:
        github.url = stack.enter_context(Loopback(github)).url
        others = (pve, cluster, advisers.measured())
        proxmox, kubernetes, prometheus = (stack.enter_context(Loopback(one.app)).url for one in others)
        yield World(github, proxmox, kubernetes, prometheus)


@dataclass(frozen=True, kw_only=True)
class End:
    """What came of a command: what ``handle`` returned or raised, and how long it took, in seconds."""

    published: Published | None
    raised: Exception | None
    seconds: float

    @property
    def kind(self) -> str:
        """``pull-request``, ``refused`` … or the kind of the exception."""
        if self.published is not None:
            return self.published.kind
        return type(self.raised).__name__

    @property
    def code(self) -> str | None:
        """The reason code."""
        if self.published is not None:
            return self.published.code
        refusal = getattr(self.raised, "refusal", None)
        return str(refusal.code) if refusal else "internal"

    @property
    def words(self) -> str:
        """What an operator reads of what was raised."""
        refusal = getattr(self.raised, "refusal", None)
        return f"{self.raised} {refusal}" if refusal else ""


@dataclass
class Scene:
    """One command in one world with a line to each system."""

    github: GitHubEmulator
    office: Office
    lines: Mapping[System, Line]
    clock: BriskClock
    delivery: Delivery
    steps: list[str] = field(default_factory=list)

    def command(self) -> End:
        """Give the command (again)."""
        began, published, raised = time.monotonic(), None, None
        try:
            published = handle(self.delivery, self.office, progress=self.steps.append)
        except Exception as stop:  # noqa: BLE001 - whatever comes out of the belt is what is judged here
            raised = stop
        return End(published=published, raised=raised, seconds=time.monotonic() - began)

    def observed(self, name: str, end: End, system: System) -> str:
        """One line for the summary."""
        calls, waits = len(self.lines[system].calls), len(self.clock.slept)
        return f"{name:26}{end.kind:14}{end.code or '':18}{calls:3} calls {waits:2} waits {end.seconds:5.1f} s"

    def said(self) -> list[str]:
        """The bot's comments in the thread."""
        number = self.delivery.thread.number
        return [item.body for item in self.github.comments(INFRA, number) if item.account.login == BOT]

    def branches(self) -> list[str]:
        """Every branch of the infrastructure repository."""
        return list(self.github.branches(INFRA))

    def proposed(self) -> dict[str, str]:
        """The application's files in the branch of the pull request."""
        [branch] = [name for name in self.branches() if name != "main"]
        files = self.github.files(INFRA, ref=branch)
        return {path: text for path, text in files.items() if path.startswith("apps/")}

    def shown(self) -> str:
        """Everything that people can read afterwards: comments, pull requests, files of every branch."""
        pulls = [f"{pull.title}\n{pull.body}" for pull in self.github.pulls(INFRA)]
        files = [text for branch in self.branches() for text in self.github.files(INFRA, ref=branch).values()]
        return "\n".join([*self.said(), *pulls, *files])


@contextmanager
def scene(
    world: World,
    root: Path,
    *,
    config: str = "",
    resolve: Resolve | None = None,
    voice: Voice | None = None,
    **bad: Mapping[str, Any],
) -> Iterator[Scene]:
    """A command that waits to be given. ``bad`` holds the facts of bad lines by system; with ``resolve`` the clone goes
    where a real one would, by this resolver of names.

    Prometheus is there when ``bad`` names it, and the application was merged before; a model when there is a ``voice``.
    """
    clock = BriskClock()
    root.mkdir(exist_ok=True)
    github = _github(root / "github", clock, config, merged=world.ruled if "prometheus" in bad else {})
    world.github.app, github.base_url = github.app, world.github.url
    with ExitStack() as stack:
        lines = {
            system: stack.enter_context(proxied(url, DIALECTS[system], **bad.get(system, {})))
            for system, url in _places(world, voice, measured="prometheus" in bad).items()
        }
        delivery = _delivery(github, clock)
        forge = stack.enter_context(_forge(lines["github"], clock))
        locate = partial(public_remote, resolve=resolve) if resolve else partial(_remote, lines["git"])
        desk = advisers.desk(
            prometheus=lines.get("prometheus"),
            model=lines.get("model"),
            voice=voice,
            clock=clock,
            kubeconfig=_kubeconfig(lines["kubernetes"], root),
            library=world.library,
        )
        yield Scene(github, _office(forge, lines, clock, root, locate=locate, desk=desk), lines, clock, delivery)


def _places(world: World, voice: Voice | None, *, measured: bool) -> dict[System, str]:
    places: dict[System, str] = {
        "github": world.github.url,
        "git": world.github.url,
        "proxmox": world.proxmox,
        "kubernetes": world.kubernetes,
    }
    if measured:
        places["prometheus"] = world.prometheus
    if voice is not None:
        places["model"] = voice.url
    return places


def _github(root: Path, clock: BriskClock, config: str, *, merged: Mapping[str, str]) -> GitHubEmulator:
    github = GitHubEmulator(root, clock=clock)
    github.add_repository(APPLICATION, SUPERMARKET)
    text = (EXAMPLES / "ai-provision.yaml").read_text() + config
    github.add_repository(INFRA, {"README.md": "# Infrastructure\n", ".ai-provision.yaml": text, **merged})
    github.grant(INFRA, "ada", "write")
    github.add_user(BOT, kind="Bot")
    github.add_token(BOT, token=GITHUB_TOKEN)
    github.grant(INFRA, BOT, "write")
    return github


def _delivery(github: GitHubEmulator, clock: BriskClock) -> Delivery:
    owner, repo = INFRA.split("/")
    number = github.open_issue(INFRA, "ada", title="A place for the inventory service")
    return Delivery(
        id="d-1",
        event="issue_comment",
        action="created",
        thread=ThreadRef(owner=owner, repo=repo, number=number),
        actor=Actor(login="ada", id=7),
        comment_id=github.comment(INFRA, number, "ada", COMMENT),
        body=COMMENT,
        created_at=clock.now(),
    )


def _forge(line: Line, clock: BriskClock) -> GitHubForge:
    return GitHubForge(
        api_url=line.url,
        token=SecretStr(GITHUB_TOKEN),
        clock=clock,
        write_pause=0,
        redact=redactor(CANARIES),
        timeout=1 if line.hasty else 15,
        answer=1.0 if line.hasty else 30.0,
    )


def _office(
    forge: GitHubForge,
    lines: Mapping[System, Line],
    clock: BriskClock,
    root: Path,
    *,
    locate: Callable[[RepoTarget], Remote],
    desk: Desk,
) -> Office:
    yaml = ChildYamlReader()
    work = root / "work"
    work.mkdir()
    repos = GitRepos(
        select=select,
        yaml=yaml,
        locate=locate,
        limits=GitLimits(seconds=1.5 if lines["git"].hasty else 20.0),
        workdir=work,
        pause=clock.sleep,
    )
    inventory = LiveInventory(
        proxmox=ProxmoxInventory(
            endpoint=lines["proxmox"].url,
            token=f"{_READER}={PROXMOX_SECRET}",
            clock=clock,
            **_seconds(lines["proxmox"]),
        ),
        kubernetes=KubernetesInventory(
            str(_kubeconfig(lines["kubernetes"], root)), clock=clock, **_seconds(lines["kubernetes"])
        ),
    )
    house = House(repos=repos, inventory=inventory, toolbox=SilentToolbox(), yaml=yaml, clock=clock, desk=desk)
    return Office(house=house, forge=forge, steps=Straight(clock=clock, patience=0.0), infra_repo=INFRA)


def _seconds(line: Line) -> dict[str, float]:
    return {"timeout": 0.5, "answer": 1.0} if line.hasty else {"timeout": 10.0, "answer": 30.0}


def _remote(line: Line, target: RepoTarget) -> Remote:
    secure = line.url.startswith("https")
    return Remote(url=f"{line.url}/{target.owner}/{target.name}.git", protocol="https" if secure else "http")


def _kubeconfig(line: Line, root: Path) -> Path:
    cluster = KubernetesEmulator({}, token=KUBERNETES_TOKEN)
    place = root / "kubeconfig.json"
    place.write_text(json.dumps(json.loads(cluster.kubeconfig(line.url))))
    return place
