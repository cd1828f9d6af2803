"""One harness for each reader of text that strangers write: what may come out of it, whatever goes in.

In: any bytes. Out: nothing, or an exception, which is a defect: either of the reader or ``Surprise`` for an answer that
the reader promises never to give. Never: the network, a file, another process.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, cast
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from bot.errors import Code, Refusal
from bot.flow.config_file import CONFIG_PATH, read_config
from bot.handlers.grammar import parse_comment
from bot.handlers.repo_url import parse_repo_url
from bot.model.command import Command, FolderTarget, Provision, RawEvent, RepoTarget
from bot.model.config import Config
from bot.model.demand import Demand
from bot.model.job import AuditEntry, Job
from bot.model.noun import Noun
from bot.records import Ledger
from bot.survey.description.reading import read_description
from bot.survey.dockerfile import read_dockerfile
from bot.work.intake import Intake
from tests.survey.trees import PlainYamlReader

HOSTS: Final = ("github.com", "git.example.org")
EVENTS: Final = (
    "issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment", "installation",
    "installation_repositories", "push", "workflow_run", "ping",
)  # fmt: skip
LONGEST_MESSAGE: Final = 4_000
_COMMENT_CODES: Final = frozenset({Code.SYNTAX, Code.REPO_URL, Code.REPO_HOST})
_COMMANDS: Final[TypeAdapter[Command]] = TypeAdapter(Command)
_YAML: Final = PlainYamlReader()


class Surprise(AssertionError):
    """A reader gave something that it promises never to give."""


def comment(data: bytes) -> None:
    """``/ai-…`` comments: silence, a refusal to show, or a command that survives being stored."""
    read = parse_comment(_text(data), hosts=HOSTS)
    if isinstance(read, Refusal):
        _refused(read, _COMMENT_CODES)
    elif read is not None:
        _demand(_COMMANDS.validate_json(_COMMANDS.dump_json(read)) == read, "a command changed when it was stored")
        if isinstance(read, Provision):
            _demand(not isinstance(read.target, FolderTarget), "a comment named a folder of this computer")
            _allowed(read.target)


def webhook(data: bytes) -> None:
    """A body behind the name of its event, read as a worker does: settled once, perhaps with a person's command."""
    first, _, body = data.partition(b"\n")
    records = _Records(RawEvent(delivery_id="delivery-1", event=EVENTS[sum(first) % len(EVENTS)], body=body))
    Intake(ledger=cast("Ledger", records), clock=_Noon(), hosts=HOSTS, login="ai-provision").drain(1)
    _demand(len(records.settled) == 1, "an event was not settled once")
    for job in records.settled:
        if job is not None:
            _demand(job.order.actor.kind == "User", "a command of somebody who is no person")
            _stored(job, Job)


def config(data: bytes) -> None:
    """``.ai-provision.yaml``: a config, or a refusal that names it."""
    read = read_config(data.decode("utf-8", "replace"), yaml=_YAML)
    if isinstance(read, Refusal):
        _refused(read, frozenset({Code.CONFIG}))
        _demand(CONFIG_PATH in read.message, "the refusal does not say which file is wrong")
    else:
        _stored(read, Config)


def repo_url(data: bytes) -> None:
    """``git_repo``: an allowed address, or a refusal that repeats no credential."""
    text = _text(data)
    read = parse_repo_url(text, hosts=HOSTS)
    if isinstance(read, RepoTarget):
        _allowed(read)
        return
    _refused(read, frozenset({Code.REPO_URL, Code.REPO_HOST}))
    secret = text.rpartition("@")[0][-40:]
    _demand(len(secret) < 20 or secret not in read.message, "a credential was repeated")


def dockerfile(data: bytes) -> None:
    """A Dockerfile: nothing, or facts with real ports."""
    read = read_dockerfile("Dockerfile", data.decode("utf-8", "replace"))
    if read is not None:
        _stored(read, type(read))
        _demand(all(0 < fact.port < 65_536 for fact in (*read.exposed, *read.env_ports)), "no port of a machine")


def description(data: bytes) -> None:
    """A description: typed demand with finite numbers."""
    read = read_description(_text(data))
    _stored(read, Demand)
    numbers = [value for _, value in read if isinstance(value, (int, float))]
    _demand(all(math.isfinite(number) and number >= 0 for number in numbers), "a number that is none")


class _Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Noon of a day."""
        return datetime(2026, 11, 21, 12, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        """Nobody waits."""


class _Records:
    """What the intake needs of the ledger, for one event."""

    def __init__(self, event: RawEvent) -> None:
        self._event = event
        self.settled: list[Job | None] = []

    def unread(self, limit: int) -> tuple[RawEvent, ...]:
        """The event."""
        return (self._event,)[:limit]

    def settle(self, delivery_id: str, *, job: Job | None, note: str) -> bool:
        """Remembered; always new."""
        del delivery_id, note
        self.settled.append(job)
        return True

    def note(self, entry: AuditEntry) -> None:
        """It has to be storable."""
        _stored(entry, AuditEntry)

    def set_installation(self, installation: int, *, gone: bool) -> None:
        """Nothing to remember."""


def _text(data: bytes) -> str:
    """Text with lone surrogates where the bytes are no UTF-8: JSON can carry those too."""
    return data.decode("utf-8", "surrogateescape")


def _demand(holds: bool, promise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise Surprise(promise)


def _stored(noun: Noun, form: type[Noun]) -> None:
    _demand(form.model_validate_json(noun.model_dump_json()) == noun, "a noun changed when it was stored")


def _refused(refusal: Refusal, codes: frozenset[Code]) -> None:
    _demand(refusal.code in codes, f"an unexpected reason: {refusal.code}")
    _demand(0 < len(refusal.message) <= LONGEST_MESSAGE and bool(refusal.remedy), "a refusal without help")
    _stored(refusal, Refusal)


def _allowed(target: RepoTarget | FolderTarget) -> None:
    if not isinstance(target, RepoTarget):
        raise Surprise("no repository")
    split = urlsplit(target.clone_url)
    _demand(split.scheme == "https" and split.hostname in HOSTS and split.port is None, "another host")
    _demand(split.username is None and split.password is None, "credentials in an address")
    _demand(not {"", ".", ".."} & {*split.path[1:].split("/"), *target.tree}, "a path that leaves the repository")


HARNESSES: Final[dict[str, Callable[[bytes], None]]] = {
    "comment": comment,
    "webhook": webhook,
    "config": config,
    "repo_url": repo_url,
    "dockerfile": dockerfile,
    "description": description,
}
