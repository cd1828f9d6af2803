"""What maintainers, and the machines that stand in for CI, do on the emulated GitHub: they approve, revert, label, run.

In: names and words. Out: changed records, real commits, and the webhooks that GitHub sends for them. Never: a workflow
that is executed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from bot.emulators.github import actioncalls, gitstore, history, hooks, labels, landing
from bot.emulators.github.accounts import ACTIONS
from bot.emulators.github.people import People
from bot.emulators.github.state import JOB, MergeMethod, Repository, Token
from bot.emulators.github.workstate import Conclusion, Deployment, Environment, Run, RunStatus

JOB_CALLS = 1_000
"""Requests an hour of all the tokens of a repository's jobs."""


class Maintainers(People):
    """More verbs; ``GitHubEmulator`` is one."""

    def ci_token(
        self, full_name: str, *, permissions: Mapping[str, str] | None = None, token: str | None = None
    ) -> str:
        """The token of a CI job (``GITHUB_TOKEN``): it writes in this repository alone, as ``permissions:`` says.

        Without ``permissions``: those of the product's apply job. ``workflows`` and ``administration`` are no
        permissions of a job; asking for one is a ValueError.
        """
        granted = {"metadata": "read", **(JOB if permissions is None else permissions)}
        if {"workflows", "administration"} & granted.keys():
            raise ValueError("no permission of a job")
        value = token or f"ghs_{secrets.token_urlsafe(40)}"
        repo = self._repo(full_name)
        where = frozenset({repo.full_name})
        with self._lock:
            self._site.world.accounts.setdefault(ACTIONS.login, ACTIONS)
            self._site.world.tokens[value] = Token(ACTIONS, granted, where, job=repo.full_name)
            self._site.limits.hourly[f"jobs of {repo.full_name}"] = JOB_CALLS
        return value

    def revoke(self, token: str) -> None:
        """A token ends (a job's with its job)."""
        del self._site.world.tokens[token]

    def allow_jobs(self, full_name: str, *, allowed: bool = True) -> None:
        """The setting "Allow GitHub Actions to create and approve pull requests", off by default."""
        self._repo(full_name).jobs_open_pulls = allowed

    def allow_merges(self, full_name: str, *methods: MergeMethod) -> None:
        """Which kinds of merge a repository allows."""
        self._repo(full_name).merge_methods = frozenset(methods)

    def approve(self, full_name: str, number: int, login: str, body: str = "") -> int:
        """Somebody approves a pull request of somebody else; returns the review's id."""
        self._not_own(full_name, number, login)
        return self.review(full_name, number, login, "approved", body)

    def request_changes(self, full_name: str, number: int, login: str, body: str = "Please change this.") -> int:
        """Somebody asks for changes of a pull request of somebody else; returns the review's id."""
        self._not_own(full_name, number, login)
        return self.review(full_name, number, login, "changes_requested", body)

    def _not_own(self, full_name: str, number: int, login: str) -> None:
        issue, _ = self._pull(self._repo(full_name), number)
        if issue.account.login.lower() == login.lower():
            raise ValueError("Can not review your own pull request")

    def push_commit(
        self, full_name: str, login: str, files: Mapping[str, str | None], *, message: str = "A person's change"
    ) -> str:
        """Somebody pushes a commit to the default branch, whatever its rules are; returns its id."""
        repo = self._repo(full_name)
        date = landing.stamp(self._site)
        return self.commit(full_name, repo.default_branch, files, login=login, date=date, message=message)

    def revert(self, full_name: str, number: int, login: str) -> int:
        """Somebody presses "Revert" on a merged pull request; returns the number of the new one."""
        repo = self._repo(full_name)
        with self._lock:
            issue, _ = self._pull(repo, number)
            branch = landing.revert(self._site, repo, issue, who=self.add_user(login))
            sha = gitstore.ref(repo.path, f"refs/heads/{branch}") or ""
        self._moved(repo, branch, before="", after=sha, login=login)
        title, body = f'Revert "{issue.title}"', f"Reverts {repo.full_name}#{number}"
        return self.open_pull(full_name, login, head=branch, title=title, body=body)

    def label(self, full_name: str, number: int, login: str, *names: str) -> None:
        """Somebody gives an issue or pull request exactly these labels."""
        repo = self._repo(full_name)
        issue, who = repo.issues[number], self.add_user(login)
        with self._lock:
            wanted = [labels.known(self._site, repo, name) for name in names]
            shown = [
                hooks.labelled(repo, issue, item, action, sender=who, base=self.base_url)
                for action, item in labels.changed(issue, wanted)
            ]
        for payload in shown:
            self._announce(repo, "pull_request" if issue.pull else "issues", payload)

    def environment(self, full_name: str, name: str, *, reviewers: tuple[str, ...] = ()) -> None:
        """Somebody makes an environment."""
        made = Environment(self._site.next_id(), name, self._site.clock.now(), reviewers)
        self._repo(full_name).work.environments[name] = made

    def deployments(self, full_name: str) -> tuple[Deployment, ...]:
        """Every deployment with its statuses, oldest first."""
        return tuple(self._repo(full_name).work.deployments)

    def record_run(
        self, full_name: str, *, workflow: str = ".github/workflows/ai-provision.yml", event: str = "push",
        branch: str | None = None, sha: str | None = None, login: str = "alice", pulls: tuple[int, ...] = (),
        status: RunStatus = "completed", conclusion: Conclusion | None = "success",
    ) -> int:  # fmt: skip
        """A workflow ran, or is running; registered webhooks hear of it. Returns the run's id.

        Without ``sha``: the head of the branch (default: the default branch). Only a completed run has a conclusion.
        """
        repo = self._repo(full_name)
        where = branch or repo.default_branch
        commit = sha or history.resolve(repo.path, where)
        if commit is None:
            raise KeyError(where)
        new = actioncalls.NewRun(workflow, event, where, commit, pulls)
        with self._lock:
            made, events = actioncalls.begin(self._site, repo, new, who=self.add_user(login), base=self.base_url)
        self._tell(repo, events)
        if status != "queued":
            self.turn_run(full_name, made.id, status=status, conclusion=conclusion)
        return made.id

    def turn_run(
        self, full_name: str, run: int, *, status: RunStatus = "completed", conclusion: Conclusion | None = "success"
    ) -> None:
        """A run goes on or ends; registered webhooks hear of it."""
        repo = self._repo(full_name)
        ended = conclusion if status == "completed" else None
        with self._lock:
            item = next(item for item in repo.work.runs if item.id == run)
            events = actioncalls.turn(self._site, repo, item, status=status, conclusion=ended, base=self.base_url)
        self._tell(repo, events)

    def runs(self, full_name: str) -> tuple[Run, ...]:
        """Every run, oldest first."""
        return tuple(self._repo(full_name).work.runs)

    def _tell(self, repo: Repository, events: list[landing.Event]) -> None:
        for event, payload in events:
            self._announce(repo, event, payload)
