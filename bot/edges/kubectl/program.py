"""The kubectl program with one kubeconfig: every call of it goes through here.

In: arguments and objects. Out: objects as JSON, texts. Never: a context or a file that was not named, a version
older than 1.27, an answer that is read from text for people.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.edges.kubectl.environment import closed, environment
from bot.edges.kubectl.failures import Failed, trouble
from bot.edges.kubectl.limits import KubectlLimits
from bot.edges.kubectl.process import Ran, run
from bot.errors import BotError, Code, Refusal, Refused

Thing = dict[str, Any]
MANAGER: Final = "ai-provision"
_OLDEST: Final = (1, 27)
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")
_GET_IT: Final = (
    "Install kubectl 1.27 or newer (kubernetes.io/docs/tasks/tools; in a workflow the action azure/setup-kubectl), so "
    "that `kubectl version --client` answers."
)


def _folder() -> str:
    return tempfile.mkdtemp(prefix="ai-provision-kubectl-")


@dataclass(kw_only=True)
class Kubectl:
    """``binary`` is a name searched on ``ours["PATH"]``, or a path. ``redact`` takes secrets out of every text
    that leaves.

    A folder of its own holds the discovery cache; it goes away with this object.
    """

    kubeconfig: Path
    redact: Callable[[str], str]
    binary: str = "kubectl"
    limits: KubectlLimits = field(default_factory=KubectlLimits)
    ours: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    _own: str = field(default_factory=_folder, init=False)
    _program: str = field(default="", init=False)

    def __post_init__(self) -> None:
        weakref.finalize(self, shutil.rmtree, self._own, ignore_errors=True)

    def ask(self, *arguments: str, step: str, given: bytes = b"", seconds: float | None = None) -> str:
        """Standard output of a call that succeeds. Raises Refused or Unavailable."""
        ran = self.tried(*arguments, given=given, seconds=seconds)
        if failed(ran):
            raise self.trouble(ran, step)
        return ran.out

    def tried(self, *arguments: str, given: bytes = b"", seconds: float | None = None) -> Ran:
        """One call with the kubeconfig, however it ends. ``given`` goes to standard input.

        Raises Refused(config) without a usable kubectl or kubeconfig.
        """
        self._usable()
        return self._called(*arguments, given=given, seconds=seconds)

    def trouble(self, ran: Ran, step: str) -> BotError:
        """What a failed call means."""
        return trouble(Failed(ran, step, self.redact))

    def get(self, kinds: Sequence[str], namespace: str | None, *more: str, step: str) -> list[Thing]:
        """Objects of these kinds, all of a namespace or those named in ``more``."""
        where = () if namespace is None else (f"--namespace={namespace}",)
        return things(self.ask("get", ",".join(kinds), *where, "--output=json", *more, step=step))

    def found(self, kind: str, name: str, namespace: str | None = None, *more: str) -> Thing | None:
        """One object, or None when there is none."""
        some = self.get((kind,), namespace, name, "--ignore-not-found", *more, step=f"look at {kind} {name}")
        return some[0] if some else None

    def objects(self, folder: Path) -> list[Thing]:
        """The objects of a kustomization in its own order, each with its namespace.

        The folder is built without network and without a cluster; kubectl then reads that as JSON. Raises
        Refused(config|policy).
        """
        flags = ("--dry-run=client", "--validate=false", "--filename=-", "--output=json")
        made = self._built(folder).encode()
        return things(self.ask("create", *flags, given=made, step="reading of the manifests"))

    def _built(self, folder: Path) -> str:
        if not folder.is_dir():
            raise Refused(_NO_FOLDER)
        self._usable()
        ran = self._run(("kustomize", str(folder.resolve())), closed(self._own), given=b"", seconds=None)
        if failed(ran):
            shown = ran.err.replace(str(folder.resolve()), folder.name)
            raise self.trouble(Ran(ran.code, ran.out, f"kustomize:\n{shown}", ran.stopped), f"build of {folder.name}")
        return ran.out

    def _usable(self) -> None:
        """The program is there and new enough, and the kubeconfig names its cluster."""
        if self._program:
            return
        program = shutil.which(self.binary, path=environment(self.ours)["PATH"])
        if program is None:
            raise Refused(_missing("is not installed on this machine"))
        self._program = program
        try:
            self._known_version()
            self._known_cluster()
        except BaseException:
            self._program = ""
            raise

    def _known_cluster(self) -> None:
        """Without a current context kubectl would try whatever answers on this machine."""
        ran = self._called("config", "view", "--minify", "--output=json")
        if failed(ran):
            raise self.trouble(ran, "reading of the kubeconfig")

    def _known_version(self) -> None:
        out = self._run(("version", "--client", "--output=json"), environment(self.ours), given=b"", seconds=None).out
        found = _VERSION.search(str(first(things(out)).get("clientVersion", {}).get("gitVersion", "")))
        if found is None or (int(found[1]), int(found[2])) < _OLDEST:
            told = f"is version {found[1]}.{found[2]}" if found else "does not tell its version"
            raise Refused(_missing(f"{told}; 1.27 or newer is needed"))

    def _called(self, *arguments: str, given: bytes = b"", seconds: float | None = None) -> Ran:
        common = (
            f"--kubeconfig={self.kubeconfig}",
            f"--cache-dir={self._own}/cache",
            f"--request-timeout={self.limits.request}s",
        )
        return self._run((*arguments, *common), environment(self.ours), given=given, seconds=seconds)

    def _run(self, arguments: tuple[str, ...], seen: Mapping[str, str], *, given: bytes, seconds: float | None) -> Ran:
        limits = self.limits
        try:
            return run(
                (self._program, *arguments),
                seen,
                stdin=given,
                seconds=limits.call if seconds is None else seconds,
                ending=limits.ending,
                most=limits.output,
            )
        except OSError as error:
            raise Refused(_missing(f"could not be started ({error.strerror})")) from None


def failed(ran: Ran) -> bool:
    """Whether a call did not do what it was asked."""
    return ran.code != 0 or bool(ran.stopped)


def things(text: str) -> list[Thing]:
    """The objects of one JSON list, or of JSON documents one after the other. Raises ValueError for anything else."""
    found: list[Thing] = []
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        one, at = decoder.raw_decode(text, at)
        found += one["items"] if str(one.get("kind", "")).endswith("List") and "items" in one else [one]
    return found


def first(some: Sequence[Thing]) -> Thing:
    """The first of them, or nothing in it."""
    return some[0] if some else {}


def as_json(*objects: Thing) -> bytes:
    """Objects as kubectl reads them from standard input."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()


def _missing(what: str) -> Refusal:
    return Refusal(code=Code.CONFIG, message=f"kubectl {what}, so nothing can be delivered.", remedy=_GET_IT)


_NO_FOLDER: Final = Refusal(
    code=Code.CONFIG,
    message="The stack has no folder with a kustomization.",
    remedy="Give the command again, so that its files are made anew.",
)
