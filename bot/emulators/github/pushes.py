"""What a push asks for, and the refusals that GitHub gives to one: protected branches, workflows without the right.

In: the body of ``git-receive-pack``. Out: commands, refusals, the answer that git understands. Never: a ref.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.emulators.github import gitstore, history
from bot.emulators.github.site import Site
from bot.emulators.github.state import Protection, Repository, Token, at_least

_NONE = "0" * 40
_WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True)
class Command:
    """One ref of a push; an empty id is a ref that is not there."""

    ref: str
    before: str
    after: str


@dataclass(frozen=True)
class Refused:
    """Why a ref is not updated: the reason beside it, and what GitHub prints above."""

    reason: str
    said: str = ""


def commands(body: bytes) -> tuple[list[Command], str, bytes]:
    """The commands of a push, the capabilities of the client, and the pack behind them."""
    found, abilities, position = [], "", 0
    while (length := int(body[position : position + 4] or b"0", 16)) > 0:
        line = body[position + 4 : position + length].decode("utf-8", "replace").rstrip("\n")
        position += length
        words, _, more = line.partition("\0")
        abilities = abilities or more
        if not words.startswith("shallow "):
            before, after, ref = words.split(" ", 2)
            found.append(Command(ref, before.replace(_NONE, ""), after.replace(_NONE, "")))
    return found, abilities, body[position + 4 :]


def refusals(site: Site, repo: Repository, token: Token, asked: list[Command], pack: bytes) -> dict[str, Refused]:
    """What GitHub refuses of a push, by ref. The objects of the push are stored, refs are not touched."""
    if pack:
        _unpack(repo.path, pack)
    found = {}
    for command in asked:
        refused = _protected(site, repo, token, command) or _workflows(repo, token, command)
        if refused is not None:
            found[command.ref] = refused
    return found


def _unpack(path: Path, pack: bytes) -> None:
    """A damaged pack is refused by ``receive-pack`` afterwards, in its own words."""
    command = ["git", "--git-dir", str(path), "unpack-objects", "-q"]
    subprocess.run(command, input=pack, capture_output=True, check=False, env=gitstore.environment(), timeout=60)


def _protected(site: Site, repo: Repository, token: Token, command: Command) -> Refused | None:
    branch = command.ref.removeprefix("refs/heads/")
    rules = repo.protected.get(branch)
    if rules is None or branch == command.ref:
        return None
    said = _broken(repo, rules, command, admin=at_least(site.role(repo, token), "admin"))
    if not said:
        return None
    head = f"error: GH006: Protected branch update failed for {command.ref}."
    return Refused("protected branch hook declined", f"{head}\nerror: {said}\n")


def _broken(repo: Repository, rules: Protection, command: Command, *, admin: bool) -> str:
    """The rule of a protected branch that a push breaks; empty when none."""
    if not command.after:
        return "Cannot delete this protected branch"
    if command.before and not _forward(repo.path, command):
        return "Cannot force-push to this protected branch"
    if rules.approvals is not None and (rules.enforce_admins or not admin):
        return "Changes must be made through a pull request."
    return ""


def _forward(path: Path, command: Command) -> bool:
    return history.is_ancestor(path, command.before, command.after)


def _workflows(repo: Repository, token: Token, command: Command) -> Refused | None:
    """Workflow files may come along only as they are on some branch already, unless the token may write them."""
    if token.allows("workflows", "write") or not command.after:
        return None
    strange = set(workflow_files(repo.path, command.after))
    for sha in gitstore.branches(repo.path).values() if strange else ():
        strange -= set(workflow_files(repo.path, sha))
    for path, _ in sorted(strange):
        return Refused(workflow_words(token, path))
    return None


def workflow_files(path: Path, sha: str) -> list[tuple[str, str]]:
    """Path and blob of the workflow files of a commit."""
    try:
        listed = gitstore.run(path, "ls-tree", "-r", "-z", sha, "--", _WORKFLOWS).decode("utf-8", "replace")
    except subprocess.CalledProcessError:
        return []
    rows = [line.partition("\t") for line in listed.split("\0") if line]
    return [(name, facts.split(" ")[2]) for facts, _, name in rows]


def workflow_words(token: Token, path: str) -> str:
    """GitHub's refusal of a workflow file."""
    if token.account.kind == "Bot" or token.installation is not None:
        return f"refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission"
    return f"refusing to allow a Personal Access Token to create or update workflow `{path}` without `workflow` scope"


def answer(asked: list[Command], refused: Mapping[str, Refused], abilities: str) -> bytes:
    """The report of a push of which nothing was done."""
    lines = [_line(b"unpack ok\n")]
    for command in asked:
        why = refused.get(command.ref)
        lines.append(_line(f"ng {command.ref} {why.reason if why else 'another ref was refused'}\n".encode()))
    report = b"".join(lines) + b"0000"
    if "side-band-64k" not in abilities.split():
        return report
    said = "".join(why.said for why in refused.values()).encode()
    return b"".join(_bands(said, report)) + b"0000"


def _bands(said: bytes, report: bytes) -> Iterator[bytes]:
    if said:
        yield _line(b"\x02" + said)
    yield _line(b"\x01" + report)


def _line(content: bytes) -> bytes:
    return b"%04x%b" % (len(content) + 4, content)
