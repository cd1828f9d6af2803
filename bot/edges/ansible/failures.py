"""Why a playbook or the fetching of its collections failed, and the exact next step.

In: how a process ended. Out: ``Refused``. Never: a text that was not redacted, an address with a password, more than a
bounded piece of ansible's words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.edges.ansible.process import Ran
from bot.edges.ansible.recap import Failure, clean, error, failures
from bot.errors import Code, Refusal, Refused

_NAMED: Final = 6
GET_IT: Final = (
    "Install it on the machine that applies: `pip install 'ansible-core>=2.18,<2.19' netaddr jmespath`, so that "
    "`ansible-playbook --version` answers. The machines exist; run this again, it goes on from there."
)
BY_HAND: Final = "ansible-galaxy collection install -r requirements.yml -p collections"


@dataclass(frozen=True)
class Failed:
    """A failed call: ``place`` is the folder as people know it, ``most`` the characters of ansible's that are told."""

    ran: Ran
    place: str
    redact: Callable[[str], str]
    most: int

    def told(self, text: str) -> str:
        """A bounded piece for people."""
        flat = self.redact(" ".join(clean(text).split()))
        return flat if len(flat) <= self.most else f"{flat[: self.most]}…"


def missing(what: str) -> Refused:
    """A program that is not there."""
    return _refused(f"{what}, so the playbook cannot run.", GET_IT)


def no_collections(failed: Failed) -> Refused:
    """The collections could not be fetched."""
    said = f"it says: {failed.told(failed.ran.out[-2000:])}"
    why = f"stopped by {failed.ran.stopped}" if failed.ran.stopped else said
    return _refused(
        f"ansible-galaxy could not install the collections of {failed.place}: {why}",
        f"Run `{BY_HAND}` by hand in {failed.place}, or keep them in a folder that ANSIBLE_COLLECTIONS_PATH names. "
        "The machines exist; run this again, it goes on from there.",
    )


def trouble(failed: Failed) -> Refused:
    """The playbook did not end well."""
    if failed.ran.stopped:
        return _refused(
            f"The playbook of {failed.place} was stopped by {failed.ran.stopped}.",
            "Run this again: the playbook does again what it had not finished, and changes nothing else.",
        )
    found = failures(failed.ran.out)
    silent = [each for each in found if each.unreachable]
    if silent:
        return _unreachable(failed, silent)
    return _failed(failed, found) if found else _never_began(failed)


def _unreachable(failed: Failed, silent: list[Failure]) -> Refused:
    names = list(dict.fromkeys(each.host for each in silent))
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return _refused(
        f"The playbook of {failed.place} could not reach {failed.told(shown)} by SSH: {failed.told(silent[0].message)}",
        "Check that the machines run, that the key (SSH_AUTH_SOCK, or ANSIBLE_PRIVATE_KEY_FILE) belongs to one of "
        "defaults.ssh_keys, and that the firewall lets port 22 in; then run this again, it goes on from there.",
    )


def _failed(failed: Failed, found: tuple[Failure, ...]) -> Refused:
    first = found[0]
    others = f" ({len(found) - 1} more failures follow.)" if len(found) > 1 else ""
    return _refused(
        f"The playbook of {failed.place} failed at the task `{failed.told(first.task)}` on "
        f"`{failed.told(first.host)}`: {failed.told(first.message)}{others}",
        "Mend what it names, then run this again: the playbook goes through all its tasks and changes only what is not "
        "yet so.",
    )


def _never_began(failed: Failed) -> Refused:
    why = error(failed.ran.out) or failed.ran.out[-2000:] or f"it ended with status {failed.ran.code}"
    return _refused(
        f"The playbook of {failed.place} could not be run: {failed.told(why)}",
        f"Check the version (`ansible-playbook --version`: 2.18) and the collections (`{BY_HAND}`), then run this "
        "again.",
    )


def _refused(message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=Code.CONFIG, message=message, remedy=remedy))
