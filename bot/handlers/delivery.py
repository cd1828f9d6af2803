"""One webhook event as a typed delivery, or nothing when the event cannot hold a command.

In: event name, delivery id, parsed payload. Out: ``Delivery`` or None. Never: an answer to a bot or to an edit.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.model.command import Actor, Delivery, ThreadRef

EventName = Literal["issue_comment", "issues", "pull_request"]

_NEW: Final[dict[str, tuple[EventName, str]]] = {
    "issue_comment": ("issue_comment", "created"),
    "issues": ("issues", "opened"),
    "pull_request": ("pull_request", "opened"),
}


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _User(_Loose):
    login: str
    id: int
    type: Literal["User", "Bot", "Organization", "Mannequin"] = "User"


class _Owner(_Loose):
    login: str


class _Repository(_Loose):
    name: str
    owner: _Owner


class _Text(_Loose):
    id: int
    body: str | None = None
    user: _User | None = None
    created_at: AwareDatetime
    performed_via_github_app: dict[str, object] | None = None


class _Thread(_Text):
    number: int
    pull_request: dict[str, object] | None = None


class _Payload(_Loose):
    action: str
    sender: _User
    repository: _Repository
    issue: _Thread | None = None
    pull_request: _Thread | None = None
    comment: _Text | None = Field(default=None)


def read_delivery(event: str, delivery_id: str, payload: object) -> Delivery | None:
    """The delivery when a person has just written something new; None for everything else."""
    try:
        seen = _Payload.model_validate(payload)
    except ValidationError:
        return None
    thread = seen.pull_request if event == "pull_request" else seen.issue
    text = seen.comment if event == "issue_comment" else thread
    name, new = _NEW.get(event, (None, None))
    if name is None or new != seen.action or thread is None or text is None or not _by_a_person(seen, text):
        return None
    repository = seen.repository
    return Delivery(
        id=delivery_id,
        event=name,
        action=seen.action,
        thread=ThreadRef(
            owner=repository.owner.login,
            repo=repository.name,
            number=thread.number,
            is_pull=event == "pull_request" or thread.pull_request is not None,
        ),
        actor=Actor(login=seen.sender.login, id=seen.sender.id, kind=seen.sender.type),
        comment_id=text.id if event == "issue_comment" else None,
        body=text.body or "",
        created_at=text.created_at,
    )


def _by_a_person(seen: _Payload, text: _Text) -> bool:
    written_by = text.user
    return (
        seen.sender.type == "User"
        and text.performed_via_github_app is None
        and (written_by is None or written_by.id == seen.sender.id)
    )
