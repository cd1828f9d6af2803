"""``/ai-refine``: ``key=value`` words, read strictly, and the belt that runs again with them.

In: the words behind the command. Out: ``Refine``, or a ``Refusal`` that names the key and shows a right command; plain
words are kept for a model, where one is set. Never: a guess at plain words, a wrong value repeated in a refusal (it
could be a credential).
"""

from __future__ import annotations

import difflib
import re
from typing import Final, get_args

from bot.errors import Code, Refusal
from bot.flow import refine as flow
from bot.handlers.command import CommandSpec, Counter, Written
from bot.handlers.provision import parse_request
from bot.model.command import Change, Provision, Refine
from bot.model.outcome import Published
from bot.model.refinement import EXAMPLES, RefinementKey, problem_with

SPEC: Final = CommandSpec(
    name="/ai-refine",
    usage="/ai-refine replicas=5 memory=1Gi",
    summary="changes numbers of the plan in the bot's open pull request and updates it in place; plain words work as "
    "well when a model is set",
    available=True,
    immediate=False,
)
KEYS: Final[tuple[str, ...]] = get_args(RefinementKey)
_LONGEST: Final = 1_000
_MOST: Final = 32
_KEY: Final = re.compile(r"(?:(?P<service>[a-z][-a-z0-9]{0,39})\.)?(?P<key>[a-z_]{1,20})", re.ASCII)
_SHOWN_KEY: Final = re.compile(r"-{0,2}[A-Za-z][A-Za-z0-9_.-]{0,40}", re.ASCII)
_SHOWN_WORD: Final = re.compile(r"-{0,2}[A-Za-z][A-Za-z_-]{0,30}", re.ASCII)
_FLAG: Final = re.compile(r"-{1,2}[A-Za-z]", re.ASCII)
_FORM: Final = "Write key=value words on the first line, such as api.memory=1Gi for one service or memory=1Gi for all."


def read(written: Written) -> Refine | Refusal:
    """Every word is one change; the whole command is refused when one of them is none. With plain words among them it
    is for a model to read.
    """
    words = written.words.split()
    typed = all("=" in word or _FLAG.match(word) for word in words)
    if len(written.words) > _LONGEST or (typed and len(words) > _MOST):
        longest = max(words, key=len)
        return _refused(f"{_named(longest)} makes the command longer than {_LONGEST:,} characters or {_MOST} words")
    if written.rest.strip():
        last = words[-1] if words else written.rest.split()[0]
        return _refused(f"there is more below the first line, which ends at {_named(last)}", _right(words))
    if typed or any(_FLAG.match(word) for word in words):
        return _changes(words) if words else _plain(words)
    plain = " ".join(words)
    if not plain.isprintable():
        return _refused("the words hold invisible characters", _right(words))
    return Refine(changes=(), words=plain)


def unread(words: str) -> Refusal:
    """What is said to words that hold more than ``key=value`` where no model is set."""
    typed = words.split()
    if not any("=" in word for word in typed):
        return _plain(typed)
    changes = _changes(typed)
    return changes if isinstance(changes, Refusal) else _plain(typed)


def _plain(words: list[str]) -> Refusal:
    what = "plain words need a language model, and none is set" if words else f"{SPEC.name} names no key"
    return _refused(f"{what}; the keys are {', '.join(KEYS)}")


def _changes(words: list[str]) -> Refine | Refusal:
    changes: list[Change] = []
    for word in words:
        change = _change(word)
        if isinstance(change, str):
            return _refused(change, _right(words), wrong=word)
        if any((other.service, other.key) == (change.service, change.key) for other in changes):
            return _refused(f"{_named(word)} stands there twice", _right(words))
        changes.append(change)
    return Refine(changes=tuple(changes))


def _change(word: str) -> Change | str:
    """One change, or what is wrong with the word."""
    name, equals, value = word.partition("=")
    if not equals:
        return f"{_named(word)} is no key=value"
    match = _KEY.fullmatch(name)
    if match is None or match["key"] not in KEYS:
        return f"unknown key {_named(word)}{_nearest(name)}"
    problem = problem_with(match["key"], value)
    if problem is not None:
        return f"`{name}` {problem}"
    return Change(key=match["key"], value=value, service=match["service"])


def _nearest(name: str) -> str:
    written = name.rpartition(".")[2].lower().replace("-", "_")
    near = difflib.get_close_matches(written, KEYS, n=1, cutoff=0.6) if len(written) <= 40 else []
    return f", did you mean `{near[0]}`?" if near else f"; the keys are {', '.join(KEYS)}"


def _named(word: str) -> str:
    """The key of a word; of another word only what looks like a word, because it could be a credential."""
    name, equals, _ = word.partition("=")
    form = _SHOWN_KEY if equals else _SHOWN_WORD
    return f"`{name}`" if form.fullmatch(name) else "a word"


def _right(words: list[str]) -> list[Change]:
    """The changes that can be kept, each key once."""
    found = [change for word in words if isinstance(change := _change(word), Change)]
    return list({(change.service, change.key): change for change in found}.values())


def _refused(problem: str, kept: list[Change] | None = None, *, wrong: str = "") -> Refusal:
    """``syntax`` with a right command that keeps what was right."""
    shown = {_name(change): change.value for change in kept or []}
    match = _KEY.fullmatch(wrong.partition("=")[0])
    if match is not None and match["key"] in KEYS:
        shown.setdefault(match[0], EXAMPLES[match["key"]])
    words = [f"{name}={value}" for name, value in shown.items()]
    return Refusal(
        code=Code.SYNTAX,
        message=f"The command was not understood: {problem}{'' if problem.endswith('?') else '.'}",
        remedy=_FORM,
        example=" ".join([SPEC.name, *words]) if words else SPEC.usage,
    )


def _name(change: Change) -> str:
    return f"{change.service}.{change.key}" if change.service else change.key


def run(command: Refine, counter: Counter) -> Published:
    """The belt again, with the changes. Raises Broken (a defect) only."""
    hosts = counter.office.git_hosts

    def reread(git_repo: str, app_description: str) -> Provision | Refusal:
        return parse_request(git_repo, app_description, hosts=hosts)

    return flow.refine(command, counter.order, counter.office, reread=reread, unread=unread, progress=counter.progress)
