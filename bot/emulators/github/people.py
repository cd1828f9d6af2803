"""What people do on the emulated GitHub beside opening and commenting: they edit, review, react, lock, leave, fork.

In: names and words. Out: changed records, and the webhooks that GitHub sends for them. Never: a right that is asked for
(people act here, not tokens).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal

from bot.emulators.github import gitstore, hooks, landing
from bot.emulators.github.accounts import GHOST, Account
from bot.emulators.github.answers import ApiError
from bot.emulators.github.apps import Apps
from bot.emulators.github.shapes import REACTIONS
from bot.emulators.github.site import Site
from bot.emulators.github.state import Comment, Issue, MergeMethod, Protection, Pull, Reaction, Repository, Review


class People:
    """The verbs of people; ``GitHubEmulator`` is one."""

    _site: Site
    _lock: threading.RLock
    apps: Apps
    base_url: str

    def add_user(self, login: str, *, kind: Literal["User", "Bot"] = "User") -> Account:
        """An account; the same one when it exists."""
        with self._lock:
            known = self._site.world.accounts.get(login.lower())
            return known or self._site.world.accounts.setdefault(
                login.lower(), Account(login, self._site.next_id(), kind)
            )

    def edit_comment(self, full_name: str, comment_id: int, login: str, body: str) -> None:
        """Somebody edits a comment; registered webhooks hear of it."""
        repo = self._repo(full_name)
        with self._lock:
            issue, item = self._comment(repo, comment_id)
            before, item.body = item.body, body
            item.updated_at = issue.updated_at = self._site.clock.now()
            payload = hooks.comment_event(repo, issue, item, "edited", sender=self.add_user(login), base=self.base_url)
        self._announce(repo, "issue_comment", {**payload, "changes": {"body": {"from": before}}})

    def delete_comment(self, full_name: str, comment_id: int, *, login: str = "alice") -> None:
        """Somebody deletes a comment; registered webhooks hear of it."""
        repo = self._repo(full_name)
        with self._lock:
            issue, item = self._comment(repo, comment_id)
            issue.comments.remove(item)
            payload = hooks.comment_event(repo, issue, item, "deleted", sender=self.add_user(login), base=self.base_url)
        self._announce(repo, "issue_comment", payload)

    def edit_description(self, full_name: str, number: int, body: str) -> None:
        """Somebody edits the description of an issue or pull request."""
        issue = self._repo(full_name).issues[number]
        issue.body, issue.updated_at = body, self._site.clock.now()

    def delete_issue(self, full_name: str, number: int) -> None:
        """Somebody deletes an issue with all its comments."""
        del self._repo(full_name).issues[number]

    def close(self, full_name: str, number: int, *, login: str = "alice") -> None:
        """Somebody closes an issue or declines a pull request; registered webhooks hear of it."""
        self._turn(full_name, number, "closed", login)

    def reopen(self, full_name: str, number: int, *, login: str = "alice") -> None:
        """Somebody reopens it; registered webhooks hear of it."""
        self._turn(full_name, number, "open", login)

    def _turn(self, full_name: str, number: int, state: Literal["open", "closed"], login: str) -> None:
        repo, action = self._repo(full_name), "closed" if state == "closed" else "reopened"
        with self._lock:
            issue = repo.issues[number]
            issue.state, issue.updated_at = state, self._site.clock.now()
            shape = hooks.pull_event if issue.pull else hooks.issue_event
            payload = shape(repo, issue, action, self.add_user(login), self.base_url)
        self._announce(repo, "pull_request" if issue.pull else "issues", payload)

    def lock(self, full_name: str, number: int, *, locked: bool = True) -> None:
        """Somebody locks a conversation, or unlocks it."""
        issue = self._repo(full_name).issues[number]
        issue.locked, issue.updated_at = locked, self._site.clock.now()

    def review(
        self, full_name: str, number: int, login: str, state: Literal["approved", "changes_requested", "commented"],
        body: str = "",
    ) -> int:  # fmt: skip
        """Somebody reviews a pull request; registered webhooks hear of it. Returns the review's id."""
        repo = self._repo(full_name)
        with self._lock:
            issue, pull = self._pull(repo, number)
            now = self._site.clock.now()
            item = Review(self._site.next_id(), self.add_user(login), state, body, now, pull.head_sha)
            pull.reviews.append(item)
            issue.updated_at = item.submitted_at
            payload = hooks.review_submitted(repo, issue, item, self.base_url)
        self._announce(repo, "pull_request_review", payload)
        return item.id

    def review_comment(self, full_name: str, number: int, login: str, body: str) -> int:
        """Somebody comments on a line of a pull request; registered webhooks hear of it. Returns the comment's id."""
        repo = self._repo(full_name)
        with self._lock:
            issue, pull = self._pull(repo, number)
            now = self._site.clock.now()
            item = Comment(self._site.next_id(), self.add_user(login), body, now, now)
            pull.review_comments.append(item)
            issue.updated_at = now
            payload = hooks.review_commented(repo, issue, item, self.base_url)
        self._announce(repo, "pull_request_review_comment", payload)
        return item.id

    def react(self, full_name: str, comment_id: int, login: str, content: str) -> None:
        """Somebody reacts to a comment (``+1``, ``-1``, …); the same twice is once."""
        if content not in REACTIONS:
            raise ValueError(content)
        with self._lock:
            given = self._comment(self._repo(full_name), comment_id)[1].reactions
            if not any(item.account.login == login and item.content == content for item in given):
                given.append(Reaction(self._site.next_id(), self.add_user(login), content))

    def open_pull(self, full_name: str, login: str, *, head: str, title: str = "A change", body: str = "") -> int:
        """Somebody opens a pull request of a branch; registered webhooks hear of it. Returns its number."""
        repo = self._repo(full_name)
        with self._lock:
            issue = self._site.open_pull(
                repo, self.add_user(login), title=title, body=body, head=head, base=repo.default_branch, draft=False
            )
            landing.publish(repo, issue, self._pull(repo, issue.number)[1])
            payload = hooks.pull_event(repo, issue, "opened", issue.account, self.base_url)
        self._announce(repo, "pull_request", payload)
        return issue.number

    def fork_pull(
        self, full_name: str, login: str, *, title: str = "A change", body: str = "", branch: str = "patch-1",
        files: Mapping[str, str | None] | None = None,
    ) -> int:  # fmt: skip
        """Somebody opens a pull request from their own copy; registered webhooks hear of it. Returns its number."""
        repo, texts = self._repo(full_name), files or {"fork.txt": "theirs\n"}
        content = {name: None if text is None else text.encode() for name, text in texts.items()}
        with self._lock:
            account = self.add_user(login)
            issue = self._site.fork_pull(repo, account, content, title=title, body=body, head=branch)
            payload = hooks.pull_event(repo, issue, "opened", account, self.base_url)
        self._announce(repo, "pull_request", payload)
        return issue.number

    def delete_fork(self, full_name: str, number: int) -> None:
        """The owner of a fork deletes it; the pull request stays, its head has no repository any more."""
        self._pull(self._repo(full_name), number)[1].fork_gone = True

    def delete_account(self, login: str) -> None:
        """Somebody deletes their account; their words stay without an author."""
        with self._lock:
            gone = self._site.world.accounts.pop(login.lower(), None)
            for repo in self._site.world.repositories.values():
                repo.roles.pop(login.lower(), None)
                for item in _authored(repo):
                    item.account = GHOST if item.account == gone else item.account

    def associate(self, full_name: str, login: str, association: str) -> None:
        """What GitHub calls an author, whatever their permission is (``CONTRIBUTOR`` for a private member)."""
        self._repo(full_name).associations[login.lower()] = association

    def protect(self, full_name: str, branch: str, rules: Protection | None = None) -> None:
        """Protect a branch against deletion, and by the rules that are given."""
        self._repo(full_name).protected[branch] = rules or Protection()

    def commit(
        self, full_name: str, branch: str, files: Mapping[str, str | None], *, login: str = "alice",
        author: str | None = None, date: str = gitstore.SEED_DATE, message: str = "A person's change",
    ) -> str:  # fmt: skip
        """A person commits to a branch (new ones begin at the default branch; None removes a file); returns its id.

        ``author`` is ``Name <email>``, ``date`` epoch seconds and zone. Registered webhooks hear of the push.
        """
        repo, who = self._repo(full_name), author or f"{login} <{login}@example.invalid>"
        content = {name: None if text is None else text.encode() for name, text in files.items()}
        before = gitstore.ref(repo.path, f"refs/heads/{branch}") or ""
        start = gitstore.ref(repo.path, f"refs/heads/{repo.default_branch}")
        if start and not before:
            gitstore.update_ref(repo.path, f"refs/heads/{branch}", start)
        sha = gitstore.commit(repo.path, branch, content, author=who, message=f"{message}\n", date=date)
        self._moved(repo, branch, before=before, after=sha, login=login)
        return sha

    def branch(self, full_name: str, branch: str, sha: str) -> None:
        """A person makes a branch at a commit."""
        gitstore.update_ref(self._repo(full_name).path, f"refs/heads/{branch}", sha)

    def merge(
        self, full_name: str, number: int, login: str = "alice", *, method: MergeMethod = "merge",
        delete_branch: bool = False, bypass: bool = False,
    ) -> str:  # fmt: skip
        """A person merges a pull request; registered webhooks hear of it. Returns the newest commit of its base.

        ``bypass``: as an admin who overrides the branch's protection. Raises ValueError with GitHub's words.
        """
        repo = self._repo(full_name)
        with self._lock:
            issue, pull = self._pull(repo, number)
            who = self.add_user(login)
            before = gitstore.ref(repo.path, f"refs/heads/{pull.base}") or ""
            try:
                landing.refuse(repo, issue, pull, method, bypass=bypass)
                sha = landing.land(self._site, repo, issue, who=who, method=method, words=landing.Words())
            except ApiError as error:
                raise ValueError(error.message) from error
            payload = hooks.pull_event(repo, issue, "closed", who, self.base_url)
        self._announce(repo, "pull_request", payload)
        self._moved(repo, pull.base, before=before, after=sha, login=login)
        if delete_branch:
            self.delete_branch(full_name, pull.head, login=login)
        return sha

    def delete_branch(self, full_name: str, branch: str, *, login: str = "alice") -> None:
        """A person deletes a branch; its open pull requests are closed, and registered webhooks hear of it."""
        repo = self._repo(full_name)
        before = self._site.delete_branch(repo, branch)
        self._moved(repo, branch, before=before, after="", login=login)

    def _moved(self, repo: Repository, branch: str, *, before: str, after: str, login: str) -> None:
        who = self.add_user(login)
        with self._lock:
            events = landing.moved(self._site, repo, branch, before=before, after=after, who=who, base=self.base_url)
        for event, payload in events:
            self._announce(repo, event, payload)

    def _announce(self, repo: Repository, event: str, payload: Mapping[str, Any]) -> None:
        for hook in repo.hooks:
            if event in hook.events:
                hooks.send(hook.url, event, payload, secret=hook.secret)
        self.apps.announce(repo, event, payload)

    def _comment(self, repo: Repository, comment_id: int) -> tuple[Issue, Comment]:
        found = self._site.world.comment(repo, comment_id)
        if found is None:
            raise KeyError(comment_id)
        return found

    def _pull(self, repo: Repository, number: int) -> tuple[Issue, Pull]:
        pull = self._site.refreshed(repo, repo.issues[number])
        if pull is None:
            raise KeyError(number)
        return repo.issues[number], pull

    def _repo(self, full_name: str) -> Repository:
        found = self._site.world.repository(full_name)
        if found is None:
            raise KeyError(full_name)
        return found


Authored = Issue | Comment | Reaction | Review


def _authored(repo: Repository) -> list[Authored]:
    """Everything of a repository that has an author."""
    found: list[Authored] = []
    for issue in repo.issues.values():
        found += [issue, *issue.reactions, *issue.comments]
        found += [*issue.pull.reviews, *issue.pull.review_comments] if issue.pull else []
        found += [item for comment in issue.comments for item in comment.reactions]
    return found
