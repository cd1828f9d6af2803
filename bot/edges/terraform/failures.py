"""Why terraform failed, and the exact next step, from what it wrote.

In: exit status and texts. Out: ``Refused`` or ``Unavailable``. Never: an unlocking of ours, a text that was not
redacted, an address of the state backend.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.edges.terraform.limits import ERRORED
from bot.edges.terraform.process import Ran
from bot.edges.terraform.wording import plain
from bot.errors import BotError, Code, Refusal, Refused, Unavailable

_EXCERPT: Final = 600
_RETRY_AFTER: Final = 60.0
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"']+")
_DONE: Final = re.compile(r"^(\S+): (?:Creation|Modifications|Destruction|Import) complete", re.MULTILINE)
_BEGUN: Final = re.compile(r"^(\S+): (?:Creating|Modifying|Destroying|Importing)\.\.\.", re.MULTILINE)
_NAMED: Final = 20


@dataclass(frozen=True)
class Failed:
    """A failed call: ``shown`` is the folder as people know it, ``step`` what was being done."""

    ran: Ran
    step: str
    shown: str
    unsaved: bool
    redact: Callable[[str], str]

    @property
    def text(self) -> str:
        """Terraform's errors without frames."""
        return plain(self.ran.err) or plain(self.ran.out)[-_EXCERPT:]

    @property
    def flat(self) -> str:
        """The same with single spaces: terraform folds its lines by the width of a terminal."""
        return " ".join(self.text.split())

    def excerpt(self) -> str:
        """A bounded piece for people, addresses and secrets left out."""
        flat = _URL.sub("(address)", self.redact(self.flat))
        return flat if len(flat) <= _EXCERPT else f"{flat[:_EXCERPT]}…"

    def terraform(self, command: str) -> str:
        """A command line to copy."""
        return f"`terraform -chdir={self.shown} {command}`"


def trouble(failed: Failed) -> BotError:
    """The exception that says what happened and what to do."""
    if failed.unsaved:
        return unsaved(failed)
    if failed.ran.killed and not failed.ran.stopped:
        return _killed(failed)
    if failed.ran.stopped:
        return _stopped(failed)
    for pattern, answer in _ANSWERS:
        if pattern.search(failed.flat):
            return answer(failed)
    return _halfway(failed) if failed.step == "apply" else _configuration(failed)


def unsaved(failed: Failed) -> Refused:
    """The state lies in ``errored.tfstate``; nothing may be planned until it is saved."""
    return _refused(
        Code.CONFLICT,
        f"The state of {failed.shown} could not be saved after the apply; it was kept as `{ERRORED}`."
        f"{_what_exists(failed)} Another plan before it is saved would make everything twice.",
        f"Mend the state backend, then save it: {failed.terraform('init')}, "
        f"{failed.terraform(f'state push {ERRORED}')} (with the kept file in that folder). Then run the apply again. "
        f"Never delete `{ERRORED}` before.",
    )


def _locked(failed: Failed) -> Refused:
    who, lock = _holder(failed)
    force = failed.terraform(f"force-unlock {lock or 'LOCK-ID'}")
    return _refused(
        Code.CONFLICT,
        failed.redact(f"The state of {failed.shown} is locked{who}. Nothing was changed."),
        "Wait until the other run has ended, then run this again. Only when you have made sure that nobody applies "
        f"(the run was killed, its machine is gone): {failed.terraform('init')}, then {force}. "
        "ai-provision never unlocks by itself.",
    )


def _holder(failed: Failed) -> tuple[str, str | None]:
    """Who holds the lock, and its id.

    The http backend tells the id of the holder in the message and shows our own attempt as "Lock Info": when the two
    ids differ, who and since when are ours and say nothing.
    """
    told = re.search(r"already locked:\s*ID=(\S+)", failed.flat)
    info = re.search(r"^\s*ID:\s*(\S+)", failed.text, re.MULTILINE)
    lock = told[1] if told else info[1] if info else None
    named = f" (lock `{lock}`)" if lock else ""
    if re.search(r"already locked for workspace", failed.flat, re.IGNORECASE):
        return " by another database session, whose end frees it", None
    if told and info and told[1] != info[1]:
        return f"{named}; this backend does not tell who holds it, its own pages may", lock
    who = re.search(r"^\s*Who:\s*(.+?)\s*$", failed.text, re.MULTILINE)
    since = re.search(r"^\s*Created:\s*(\S+(?: [\d:.]+)?)", failed.text, re.MULTILINE)
    return (f" by {who[1]}" if who else "") + (f" since {since[1]}" if since else "") + named, lock


def _stale(failed: Failed) -> Refused:
    return _refused(
        Code.CONFLICT,
        f"The plan of {failed.shown} is stale: the state was changed by another run after it was made. "
        "Nothing was changed.",
        "Plan again and look at what is different, then apply the new plan.",
    )


def _broken_state(failed: Failed) -> Refused:
    return _refused(
        Code.CONFIG,
        f"The state of {failed.shown} cannot be read: it is cut off or not a state. Nothing was changed. "
        f"Terraform says: {failed.excerpt()}",
        "Restore the version before it from the state backend's own history (for http, s3, pg and kubernetes alike), "
        f"check it with {failed.terraform('state pull')}, then run this again. Do not begin with an empty state: "
        "everything that exists would be made a second time.",
    )


def _backend_auth(failed: Failed) -> Refused:
    return _refused(
        Code.CONFIG,
        f"The state backend of {failed.shown} refuses the credentials. Nothing was changed.",
        "Give the apply job the backend's credentials (`TF_HTTP_USERNAME` and `TF_HTTP_PASSWORD`, `AWS_*`, `PG*` or "
        "`KUBE_*`, as the backend is), with the right to read, write and lock this state.",
    )


def _backend_down(failed: Failed) -> Unavailable:
    return Unavailable(
        Code.CONFIG,
        f"The state backend of {failed.shown} does not answer. Nothing was changed. Terraform says: {failed.excerpt()}",
        remedy="Look at the state backend; run this again when it answers.",
        retry_after=_RETRY_AFTER,
    )


def _provider_auth(failed: Failed) -> Refused:
    return _refused(
        Code.PROXMOX_AUTH,
        f"Proxmox VE refuses the apply credentials.{_what_exists(failed)} Terraform says: {failed.excerpt()}",
        "Check `PROXMOX_VE_API_TOKEN`, and its rights against `ai-provision check --print-roles`; then run this again.",
    )


def _tls(failed: Failed) -> Refused:
    return _refused(
        Code.TLS,
        f"A certificate is not trusted, so nothing was sent.{_what_exists(failed)} Terraform says: {failed.excerpt()}",
        "Give the machine that applies the certificate authority (`SSL_CERT_FILE`), or Proxmox VE a certificate that "
        "is known; verification is never switched off.",
    )


def _no_provider(failed: Failed) -> BotError:
    if re.search(r"lock file|checksum", failed.flat, re.IGNORECASE):
        return _refused(
            Code.CONFIG,
            f"A provider of {failed.shown} does not agree with its lock file. Terraform says: {failed.excerpt()}",
            f"Renew `.terraform.lock.hcl` in a pull request: {failed.terraform('providers lock')}.",
        )
    if re.search(r"no available releases match|does not have a provider named", failed.flat):
        return _configuration(failed)
    return Unavailable(
        Code.CONFIG,
        f"A provider of {failed.shown} could not be fetched. Nothing was changed. Terraform says: {failed.excerpt()}",
        remedy="Check that the provider registry (or the mirror in `TF_CLI_CONFIG_FILE`) answers, then run this again.",
        retry_after=_RETRY_AFTER,
    )


def _guest_lock(failed: Failed) -> Unavailable:
    return Unavailable(
        Code.CONFLICT,
        f"Proxmox VE gave up waiting for a lock: several clones of one template stand in each other's way."
        f"{_what_exists(failed)} Terraform says: {failed.excerpt()}",
        remedy="Run this again: it goes on from there. A lower parallelism (1 or 2) makes it rarer.",
        retry_after=_RETRY_AFTER,
    )


def _proxmox_down(failed: Failed) -> Unavailable:
    return Unavailable(
        Code.CAPACITY,
        f"Proxmox VE did not answer.{_what_exists(failed)} Terraform says: {failed.excerpt()}",
        remedy="Run this again when it answers: it goes on from there.",
        retry_after=_RETRY_AFTER,
    )


def _killed(failed: Failed) -> Refused:
    return _refused(
        Code.CONFLICT,
        f"terraform was killed during the {failed.step} of {failed.shown} (SIGKILL: often too little memory). "
        f"The state lock stays, and the last changes may be missing from the state.{_what_exists(failed)}",
        "Make sure that nobody applies. Run the plan again: it names the lock; then "
        f"{failed.terraform('force-unlock LOCK-ID')} with that id, and run this again. A machine that exists "
        f"and is not in the state is taken over by {failed.terraform('import ADDRESS ID')}. "
        "ai-provision never unlocks by itself.",
    )


def _stopped(failed: Failed) -> Refused:
    hard = failed.ran.killed or "Two interrupts received" in failed.flat
    saved = (
        "It had to be ended before it had saved: the lock may stay, and the last changes may be missing."
        if hard
        else "The state is saved and the lock given back."
        if failed.step == "apply"
        else "Nothing was changed."
    )
    unlock = f"If the next plan finds a lock of this run: {failed.terraform('force-unlock LOCK-ID')}. " if hard else ""
    return _refused(
        Code.CONFLICT,
        f"Stopped by {failed.ran.stopped} during the {failed.step} of {failed.shown}. {saved}{_what_exists(failed)}",
        f"{unlock}Run this again: it goes on from there.",
    )


def _halfway(failed: Failed) -> Refused:
    return _refused(
        Code.CONFLICT,
        f"The apply of {failed.shown} failed halfway; the state is saved.{_what_exists(failed)} "
        f"Terraform says: {failed.excerpt()}",
        "Mend what it names, then run this again: it goes on from there. Nothing is taken back by itself.",
    )


def _configuration(failed: Failed) -> Refused:
    return _refused(
        Code.CONFIG,
        f"terraform {failed.step} failed in {failed.shown}. Nothing was changed. Terraform says: {failed.excerpt()}",
        "Mend the configuration it names, then run this again.",
    )


def _what_exists(failed: Failed) -> str:
    """What was done and what was only begun, from terraform's own progress."""
    if failed.step != "apply":
        return ""
    done = list(dict.fromkeys(_DONE.findall(failed.ran.out)))
    open_ = [each for each in dict.fromkeys(_BEGUN.findall(failed.ran.out)) if each not in done]
    text = f" Done: {_listed(done)}." if done else " Nothing was finished."
    return failed.redact(text + (f" Begun and not finished: {_listed(open_)}." if open_ else ""))


def _listed(addresses: list[str]) -> str:
    more = f" and {len(addresses) - _NAMED} more" if len(addresses) > _NAMED else ""
    return ", ".join(f"`{each}`" for each in addresses[:_NAMED]) + more


def _refused(code: Code, message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=code, message=message, remedy=remedy))


def _p(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_LOST: Final = r"connection refused|connection reset|no such host|i/o timeout|deadline exceeded|status code: 5\d\d"

_ANSWERS: Final[tuple[tuple[re.Pattern[str], Callable[[Failed], BotError]], ...]] = (
    (_p(r"(remote state|state lock|refreshing state|loading state).*(requires auth|invalid auth|forbidden"
        r"|access ?denied|expiredtoken|signaturedoesnotmatch|password authentication failed|unauthorized)"),
     _backend_auth),
    (_p(r"no valid credential sources found"), _backend_auth),
    (_p(r"already locked|acquiring the state lock.*lock info"), _locked),
    (_p(r"saved plan is stale|saved plan does not match"), _stale),
    (_p(r"unsupported state file|state file could not be parsed|does not have a .version. attribute"), _broken_state),
    (_p(r"x509|certificate signed by unknown|failed to verify certificate|tls: "), _tls),
    (_p(r"(loading state|refreshing state|get state|the state lock|failed to (load|read|open|retrieve) (the )?state).*"
        rf"(giving up|unexpected http response code 5|{_LOST})"), _backend_down),
    (_p(r"failed to query available provider|failed to install provider|inconsistent dependency lock file"
        r"|provider dependency changes detected|could not retrieve the list of available versions"), _no_provider),
    (_p(r"can't lock file|got timeout.*lock|lock timeout|unable to acquire .*lock|trying to acquire"), _guest_lock),
    (_p(r"received an HTTP 40[13]|authentication fail|permission check failed|401 no ticket"), _provider_auth),
    (_p(rf"(proxmox|api2/json|HTTP 59[56]|:8006).*({_LOST}|HTTP 5\d\d)|HTTP 59[56]"), _proxmox_down),
)  # fmt: skip
