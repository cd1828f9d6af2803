"""Why kubectl failed, and the exact next step, from what it wrote on standard error.

In: exit status and texts. Out: ``Refused`` or ``Unavailable``. Never: ``--force-conflicts``, a text that was not
redacted, an address of the API server.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.edges.kubectl.process import Ran
from bot.errors import BotError, Code, Refusal, Refused, Unavailable

_EXCERPT: Final = 500
_RETRY_AFTER: Final = 30.0
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"']+|\b\d{1,3}(?:\.\d{1,3}){3}:\d+|\[[0-9a-f:]+\]:\d+")
_UNPRINTED: Final = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
_LOGGED: Final = re.compile(r"^[EWIF]\d{4} [\d:.]+ +\d+ \S+\] ")
_NOISE: Final = '"Unhandled Error" err="couldn\'t get current server API group list'
_ROLES: Final = "`ai-provision check --print-roles`"


@dataclass(frozen=True)
class Failed:
    """A failed call; ``step`` is what was being done, as people say it ("apply of 7 objects")."""

    ran: Ran
    step: str
    redact: Callable[[str], str]

    @property
    def text(self) -> str:
        """Its words without warnings and log prefixes."""
        lines = (_LOGGED.sub("", line) for line in (self.ran.err or self.ran.out).splitlines())
        return "\n".join(line for line in lines if not line.startswith(("Warning:", _NOISE)))

    @property
    def flat(self) -> str:
        """The same in one line."""
        return " ".join(self.text.split())

    def excerpt(self) -> str:
        """A bounded piece for people, addresses and secrets left out."""
        return plain(self.flat, redact=self.redact)


def plain(text: str, *, redact: Callable[[str], str], most: int = _EXCERPT) -> str:
    """A text of the cluster for people: one line, redacted, no address, no unseen character, at most so long."""
    flat = " ".join(_UNPRINTED.sub(" ", _URL.sub("(address)", redact(text))).replace("`", "'").split())
    return flat if len(flat) <= most else f"{flat[:most]}…"


def trouble(failed: Failed) -> BotError:
    """The exception that says what happened and what to do."""
    if failed.ran.stopped:
        return _stopped(failed)
    for pattern, answer in _ANSWERS:
        found = pattern.search(failed.flat)
        if found is not None:
            return answer(failed, found)
    return _refused(
        Code.CONFIG,
        f"kubectl failed at the {failed.step}. It says: {failed.excerpt() or f'exit status {failed.ran.code}'}",
        "Mend what it names, then run this again.",
    )


def _stopped(failed: Failed) -> BotError:
    why = failed.ran.stopped
    if why == "the time limit":
        return Unavailable(
            Code.CAPACITY,
            f"The Kubernetes API server did not answer in time (the {failed.step}).",
            remedy="Run this again when it answers: what was applied is applied, the rest follows.",
            retry_after=_RETRY_AFTER,
        )
    return _refused(
        Code.CONFLICT,
        f"The {failed.step} was stopped by {why}; a part of it may be done.",
        "Run this again: it goes on from there.",
    )


def _conflict(failed: Failed, _found: re.Match[str]) -> Refused:
    managers = list(dict.fromkeys(re.findall(r'conflicts? with "([^"]+)"', failed.flat)))
    fields = list(dict.fromkeys(re.findall(r"(?:^|\s)-?\s?(\.[A-Za-z][^\s,]*)", failed.flat)))
    named = ", ".join(f"`{plain(each, redact=failed.redact, most=120)}`" for each in managers[:5]) or "another manager"
    told = ", ".join(f"`{plain(each, redact=failed.redact, most=160)}`" for each in fields[:8]) or "fields of it"
    return _refused(
        Code.CONFLICT,
        f"{named} owns {told} of objects in this bundle, so the {failed.step} was refused. Nothing was overwritten.",
        "Decide who owns the fields: take them out of the files here, or make the other manager let go of them "
        "(`kubectl get OBJECT -o yaml --show-managed-fields` shows who holds what). ai-provision never forces.",
    )


def _forbidden(_failed: Failed, found: re.Match[str]) -> Refused:
    verb, resource, group, space = found["verb"], found["resource"], found["group"], found["space"]
    full = f"{resource}.{group}" if group else resource
    where = f" in the namespace `{space}`" if space else ""
    return _refused(
        Code.KUBERNETES_AUTH,
        f"The apply role may not `{verb}` `{full}`{where}.",
        f"Give it the rights that {_ROLES} prints, then run this again.",
    )


def _unauthorized(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.KUBERNETES_AUTH,
        f"The cluster does not accept the credentials of the apply job. kubectl says: {failed.excerpt()}",
        f"Renew the kubeconfig of the apply job; its rights are those that {_ROLES} prints.",
    )


def _quota(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.CAPACITY,
        f"The namespace's quota has no room for it. Kubernetes says: {failed.excerpt()}",
        "Raise the ResourceQuota of the namespace, or ask for less (`/ai-refine`).",
    )


def _policy(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.POLICY,
        f"The cluster's admission refused it at the {failed.step}. Kubernetes says: {failed.excerpt()}",
        "Change the files so that they keep the rule, or ask who owns the rule.",
    )


def _immutable(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.CONFLICT,
        f"A field cannot be changed once it exists, so nothing was applied. Kubernetes says: {failed.excerpt()}",
        "Keep the old value in the files; or give the object another name; or delete the object yourself first (its "
        "pods go with it, claims of a StatefulSet stay), then run this again.",
    )


def _unknown_kind(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.CONFIG,
        f"The cluster does not know a kind of the files. kubectl says: {failed.excerpt()}",
        "Install what brings that kind (Argo CD, Flux, the Gateway API), or take it out of the files.",
    )


def _no_namespace(failed: Failed, found: re.Match[str]) -> Refused:
    return _refused(
        Code.CONFIG,
        f"The namespace `{found['name']}` does not exist, so the {failed.step} was refused.",
        "`ai-provision apply` makes a missing namespace; run that, or create it.",
    )


def _ending(failed: Failed, _found: re.Match[str]) -> Unavailable:
    return Unavailable(
        Code.CONFLICT,
        f"The namespace is being deleted. Kubernetes says: {failed.excerpt()}",
        remedy="Wait until it is gone, then run this again.",
        retry_after=_RETRY_AFTER,
    )


def _tls(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.TLS,
        f"The API server's certificate is not trusted, so nothing was sent. kubectl says: {failed.excerpt()}",
        "Put the cluster's certificate authority into the kubeconfig (`certificate-authority-data`).",
    )


def _kubeconfig(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.CONFIG,
        f"The kubeconfig of the apply job cannot be used. kubectl says: {failed.excerpt()}",
        "Give KUBECONFIG a file with one cluster, one user and a `current-context`.",
    )


def _kustomization(failed: Failed, _found: re.Match[str]) -> Refused:
    return _refused(
        Code.CONFIG,
        f"The kustomization cannot be built from its own folder. kubectl says: {failed.excerpt()}",
        "Mend the files it names. Bases from the network are not fetched: put what is needed into the repository.",
    )


def _down(failed: Failed, _found: re.Match[str]) -> Unavailable:
    return Unavailable(
        Code.CAPACITY,
        f"The Kubernetes API server does not answer. kubectl says: {failed.excerpt()}",
        remedy="Run this again when it answers: what was applied is applied, the rest follows.",
        retry_after=_RETRY_AFTER,
    )


def _refused(code: Code, message: str, remedy: str) -> Refused:
    return Refused(Refusal(code=code, message=message, remedy=remedy))


def _p(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ANSWERS: Final[tuple[tuple[re.Pattern[str], Callable[[Failed, re.Match[str]], BotError]], ...]] = (
    (_p(r"accumulating resources|unable to find one of 'kustomization|rawresources|kustomization\.yaml|kustomize"),
     _kustomization),
    (_p(r"x509:|certificate signed by unknown|failed to verify certificate|tls: (?!handshake timeout)"), _tls),
    (_p(r"connection (to the server .* )?was refused|connection refused|unable to connect to the server"
        r"|TLS handshake timeout|deadline exceeded|i/o timeout|no route to host|connection reset|unexpected EOF"
        r"|\((ServiceUnavailable|Timeout|ServerTimeout|TooManyRequests|InternalError)\)|etcdserver"
        r"|the server is currently unable to handle|too many requests|failed calling webhook"), _down),
    (_p(r"provide credentials|\(Unauthorized\)|getting credentials|exec plugin|executable .* (not|failed)"),
     _unauthorized),
    (_p(r"Apply failed with \d+ conflict"), _conflict),
    (_p(r"exceeded quota"), _quota),
    (_p(r"because it is being terminated"), _ending),
    (_p(r"violates? PodSecurity|admission webhook|ValidatingAdmissionPolicy|is forbidden: (maximum|minimum) "
        r"|denied (the )?request"), _policy),
    (_p(r"cannot (?P<verb>[a-z]+) resource \"(?P<resource>[^\"]+)\" in API group \"(?P<group>[^\"]*)\""
        r"(?: in the namespace \"(?P<space>[^\"]*)\")?"), _forbidden),
    (_p(r"field is immutable|immutable after creation|updates to statefulset spec for fields other than"
        r"|may not change once set|may not be (changed|unset|updated)|field can not be less than previous"),
     _immutable),
    (_p(r"no matches for kind|doesn't have a resource type|could not find the requested resource"), _unknown_kind),
    (_p(r"namespaces? \"(?P<name>[^\"]+)\" not found"), _no_namespace),
    (_p(r"is invalid:|\(Invalid\)|\(BadRequest\)|strict decoding|ValidationError|error validating|unknown field"
        r"|cannot be handled as a|\(Forbidden\)"), _policy),
    (_p(r"current-context|no configuration has been provided|error loading config|context .* does not exist"
        r"|no such file or directory|couldn't get version/kind"), _kubeconfig),
)  # fmt: skip
