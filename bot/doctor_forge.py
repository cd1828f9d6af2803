"""The settings of the infrastructure repository that the pipeline relies on, as far as a token may read them.

In: a forge's reads and the config file. Out: lines of the doctor. Never: a write, a setting taken for right because it
could not be read.

Why: CI applies what is on the default branch. Whoever may push there without a review may apply; an approval that
survives a new push approves what nobody saw; an environment's reviewers hold back production. Where the config file
names no state, CI applies nothing yet, and what is open is said without failing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, TypeAdapter

from bot.doctor_check import Check
from bot.edges.github.calls import Answered
from bot.edges.github.line import Line
from bot.model.config import Config

_UNSEEN: Final = frozenset({403, 404})
_SETTINGS: Final = "the repository's Settings, Rules or Branches"


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Branch(_Loose):
    protected: bool = False


class _Reviews(_Loose):
    dismiss_stale_reviews: bool = False
    required_approving_review_count: int = 0


class _Protection(_Loose):
    required_pull_request_reviews: _Reviews | None = None


class _Parameters(_Loose):
    dismiss_stale_reviews_on_push: bool = False
    required_approving_review_count: int = 0


class _Rule(_Loose):
    type: str
    parameters: _Parameters | None = None


class _Guard(_Loose):
    type: str
    reviewers: tuple[object, ...] = ()


class _Environment(_Loose):
    name: str
    protection_rules: tuple[_Guard, ...] = ()


class _Environments(_Loose):
    environments: tuple[_Environment, ...] = ()


_BRANCH: Final = TypeAdapter(_Branch)
_PROTECTION: Final = TypeAdapter(_Protection)
_RULES: Final = TypeAdapter(tuple[_Rule, ...])
_ENVIRONMENTS: Final = TypeAdapter(_Environments)


def repository(repo: str, line: Line, *, config: Config | None) -> Iterator[Check]:
    """Branch, reviews, stale approvals, environments. Raises Refused or Unavailable when GitHub does not answer."""
    home, _ = line.home(repo)
    path, branch = f"/repos/{home.full_name}", quote(home.default_branch, safe="")
    reviews = _reviews(line, path, branch)
    guarded = reviews is not None or line.get("contents: read", f"{path}/branches/{branch}").read(_BRANCH).protected
    known = config or Config()
    yield from _weighed(_rules(home.default_branch, reviews, guarded=guarded, config=known), known)
    yield from _environments(line, path, config=known)


def _rules(branch: str, reviews: _Reviews | None, *, guarded: bool, config: Config) -> Iterator[Check]:
    yield _protected(branch, guarded=guarded)
    if guarded:
        yield from _approvals(reviews, wanted=config.apply.reviews)


def _weighed(lines: Iterator[Check], config: Config) -> Iterator[Check]:
    """What is open fails where CI applies."""
    for one in lines:
        open_ = one.state == "failed" and config.state is None
        yield (
            one.model_copy(update={"state": "skipped", "found": f"{one.found} (CI applies nothing yet)"})
            if open_
            else one
        )


def _reviews(line: Line, path: str, branch: str) -> _Reviews | None:
    """What a change must have passed: of rulesets, which every reader sees, and of the older protection, which needs
    ``administration: read``. None: neither was readable, or neither asks for a pull request.
    """
    found = [*_of_rulesets(line, path, branch), *_of_protection(line, path, branch)]
    if not found:
        return None
    return _Reviews(
        dismiss_stale_reviews=any(one.dismiss_stale_reviews for one in found),
        required_approving_review_count=max(one.required_approving_review_count for one in found),
    )


def _of_rulesets(line: Line, path: str, branch: str) -> Iterator[_Reviews]:
    try:
        rules = line.get("metadata: read", f"{path}/rules/branches/{branch}", expect=_UNSEEN).read(_RULES)
    except Answered:
        return
    for rule in rules:
        if rule.type == "pull_request":
            asked = rule.parameters or _Parameters()
            yield _Reviews(
                dismiss_stale_reviews=asked.dismiss_stale_reviews_on_push,
                required_approving_review_count=asked.required_approving_review_count,
            )


def _of_protection(line: Line, path: str, branch: str) -> Iterator[_Reviews]:
    try:
        answer = line.get("administration: read", f"{path}/branches/{branch}/protection", expect=_UNSEEN)
    except Answered:
        return
    asked = answer.read(_PROTECTION).required_pull_request_reviews
    yield asked if asked is not None else _Reviews(required_approving_review_count=-1)


def _protected(branch: str, *, guarded: bool) -> Check:
    what = "default branch"
    if guarded:
        return Check(what=what, state="ok", found=f"{branch} is protected")
    remedy = f"Protect it in {_SETTINGS}: pull requests only, with a review. CI applies what stands there."
    return Check(what=what, state="failed", found=f"whoever may write may push to {branch}", remedy=remedy)


def _approvals(reviews: _Reviews | None, *, wanted: int) -> Iterator[Check]:
    if reviews is None:
        remedy = f"Look yourself in {_SETTINGS}; reading it takes `administration: read`, which the bot does not need."
        for what in ("required review", "stale approvals"):
            yield Check(
                what=what, state="skipped", found="no rule that this token may read asks for a review", remedy=remedy
            )
        return
    count = reviews.required_approving_review_count
    if count < 0:
        remedy = f"Require a pull request before merging, in {_SETTINGS}."
        found = "the protection asks for no pull request"
        yield Check(what="required review", state="failed", found=found, remedy=remedy)
        return
    yield _count(count, wanted=wanted)
    if reviews.dismiss_stale_reviews:
        yield Check(what="stale approvals", state="ok", found="a new push dismisses them")
    else:
        remedy = f"Dismiss stale approvals when new commits are pushed, in {_SETTINGS}."
        found = "an approval survives a later push, so something may be merged that nobody approved"
        yield Check(what="stale approvals", state="failed", found=found, remedy=remedy)


def _count(count: int, *, wanted: int) -> Check:
    what, found = "required review", f"GitHub asks for {count} approvals, apply.reviews for {wanted}"
    if count >= min(1, wanted):
        return Check(what=what, state="ok", found=found)
    remedy = f"Require at least one approval in {_SETTINGS}; or set apply.reviews: 0 where one person is everybody."
    return Check(what=what, state="failed", found=found, remedy=remedy)


def _environments(line: Line, path: str, *, config: Config) -> Iterator[Check]:
    """Reviewers of the environments that the config file names; production where it names none."""
    what = "environment reviewers"
    try:
        answer = line.get("actions: read", f"{path}/environments", expect=_UNSEEN)
    except Answered:
        remedy = "Look yourself in the repository's Settings, Environments; reading them takes `actions: read`."
        yield Check(what=what, state="skipped", found="this token may not read the environments", remedy=remedy)
        return
    made = {one.name: one for one in answer.read(_ENVIRONMENTS).environments}
    for name in sorted({config.defaults.environment or "production", *config.apply.approvals}):
        yield _environment(what, name, made.get(name))


def _environment(what: str, name: str, found: _Environment | None) -> Check:
    remedy = f"Make the environment {name} with required reviewers and its own secrets, in Settings, Environments."
    if found is None:
        return Check(
            what=what, state="skipped", found=f"no environment {name}: every job reads the secrets", remedy=remedy
        )
    if not any(guard.type == "required_reviewers" and guard.reviewers for guard in found.protection_rules):
        return Check(
            what=what, state="skipped", found=f"{name} has no reviewers: the merge alone applies", remedy=remedy
        )
    return Check(what=what, state="ok", found=f"{name} waits for its reviewers")
