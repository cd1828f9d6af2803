"""One webhook event as a typed delivery, as a notice, or nothing when it is neither.

In: event name, delivery id, parsed payload. Out: ``Delivery``, ``Notice`` or None. Never: an answer to a bot, to an
edit, to somebody whose account is gone; a right that is read from ``author_association``.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.model.command import Actor, Delivery, EventName, Notice, ThreadRef

Part = Literal["issue", "pull_request", "comment", "review"]

_NEW: Final[dict[str, tuple[EventName, str, Part, Part]]] = {
    "issue_comment": ("issue_comment", "created", "issue", "comment"),
    "issues": ("issues", "opened", "issue", "issue"),
    "pull_request": ("pull_request", "opened", "pull_request", "pull_request"),
    "pull_request_review": ("pull_request_review", "submitted", "pull_request", "review"),
    "pull_request_review_comment": ("pull_request_review_comment", "created", "pull_request", "comment"),
}
"""Which action of an event brings new words: its thread's key in the payload, and that of the words."""

_GHOST: Final = 10_137
"""The account that GitHub shows in the place of deleted ones."""

_BRANCHES: Final = "ai-provision/"


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _User(_Loose):
    login: str
    id: int
    type: Literal["User", "Bot", "Organization", "Mannequin"] = "User"


class _Owner(_Loose):
    login: str


class _Repository(_Loose):
    id: int | None = None
    name: str
    owner: _Owner
    default_branch: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


class _Id(_Loose):
    id: int


class _Text(_Loose):
    """Words, and whose they are. A review says ``submitted_at``, everything else ``created_at``."""

    id: int
    body: str | None = None
    user: _User | None = None
    created_at: AwareDatetime = Field(validation_alias=AliasChoices("created_at", "submitted_at"))
    performed_via_github_app: dict[str, object] | None = None
    state: str | None = None


class _Thread(_Text):
    number: int
    locked: bool = False
    pull_request: dict[str, object] | None = None


class _Payload(_Loose):
    action: str
    sender: _User
    repository: _Repository
    installation: _Id | None = None
    issue: _Thread | None = None
    pull_request: _Thread | None = None
    comment: _Text | None = None
    review: _Text | None = None


def read_delivery(event: str, delivery_id: str, payload: object) -> Delivery | None:
    """The delivery when a person has just written something new; None for everything else."""
    if event not in _NEW:
        return None
    try:
        seen = _Payload.model_validate(payload)
    except ValidationError:
        return None
    name, new, of_thread, of_words = _NEW[event]
    thread, text = getattr(seen, of_thread), getattr(seen, of_words)
    if new != seen.action or not isinstance(thread, _Thread) or not isinstance(text, _Text):
        return None
    return _delivery(name, delivery_id, seen, thread, text) if _by_a_person(seen, text) else None


def _delivery(name: EventName, delivery_id: str, seen: _Payload, thread: _Thread, text: _Text) -> Delivery:
    repository = seen.repository
    return Delivery(
        id=delivery_id,
        event=name,
        action=seen.action,
        thread=ThreadRef(
            owner=repository.owner.login,
            repo=repository.name,
            number=thread.number,
            is_pull=thread is seen.pull_request or thread.pull_request is not None,
        ),
        actor=Actor(login=seen.sender.login, id=seen.sender.id, kind=seen.sender.type),
        comment_id=None if text is thread else text.id,
        body=text.body or "",
        created_at=text.created_at,
        installation=seen.installation.id if seen.installation else None,
        review=(text.state or "").lower() or None if text is seen.review else None,
        closed=thread.state == "closed",
        locked=thread.locked,
    )


def _by_a_person(seen: _Payload, text: _Text) -> bool:
    """New words of the one who sends them: no bot's, no app's, nobody else's, and of an account that exists."""
    return (
        seen.sender.type == "User"
        and seen.sender.id != _GHOST
        and text.performed_via_github_app is None
        and text.user is not None
        and text.user.id == seen.sender.id
    )


class _End(_Loose):
    ref: str
    repo: _Id | None = None


class _Pull(_Loose):
    number: int
    merged: bool = False
    head: _End
    base: _End


class _Run(_Loose):
    head_branch: str | None = None


class _News(_Loose):
    """The parts of a payload that notices are made of."""

    action: str = ""
    ref: str = ""
    deleted: bool = False
    repository: _Repository | None = None
    installation: _Id | None = None
    pull_request: _Pull | None = None
    workflow_run: _Run | None = None


_INSTALLED: Final[dict[str, Literal["installation-gone", "installation-back"]]] = {
    "deleted": "installation-gone",
    "suspend": "installation-gone",
    "created": "installation-back",
    "unsuspend": "installation-back",
}


def read_notice(event: str, delivery_id: str, payload: object) -> Notice | None:
    """What the event changes in what the bot knows; None for everything else."""
    try:
        news = _News.model_validate(payload)
    except ValidationError:
        return None
    if event == "installation":
        return _installed(delivery_id, news)
    if news.repository is None:
        return None
    common = Notice(
        id=delivery_id,
        kind="default-pushed",
        repo=news.repository.full_name,
        installation=news.installation.id if news.installation else None,
    )
    facts = _facts(event, news, news.repository)
    return None if facts is None else common.model_copy(update=facts)


def _installed(delivery_id: str, news: _News) -> Notice | None:
    if news.installation is None or news.action not in _INSTALLED:
        return None
    return Notice(id=delivery_id, kind=_INSTALLED[news.action], installation=news.installation.id)


def _facts(event: str, news: _News, repository: _Repository) -> dict[str, object] | None:
    if event == "push" and repository.default_branch is not None:
        pushed = news.ref == f"refs/heads/{repository.default_branch}" and not news.deleted
        return {"kind": "default-pushed", "branch": repository.default_branch} if pushed else None
    if event == "workflow_run" and news.action == "completed" and news.workflow_run is not None:
        return {"kind": "workflow-ended", "branch": news.workflow_run.head_branch}
    pull = news.pull_request
    if event != "pull_request" or news.action != "closed" or pull is None or not _is_ours(pull):
        return None
    return {"kind": "pull-closed", "number": pull.number, "branch": pull.head.ref, "merged": pull.merged}


def _is_ours(pull: _Pull) -> bool:
    """Only the repository's own branches: a fork may use the same name."""
    return pull.head.ref.startswith(_BRANCHES) and pull.head.repo is not None and pull.head.repo == pull.base.repo
