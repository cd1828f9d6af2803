"""One git process: explicit arguments, an environment of our own, limits, and a certain end.

In: arguments and standard input. Out: exit code, output, error text. Never: a shell, an inherited environment, a
credential in an argument or a file, a process that outlives its deadline.

GitPython's ``Git.execute`` is not used: it copies the whole environment into the child, keeps all output in memory and
kills one process instead of the group (see the decision record).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from bot.edges.git.environment import environment
from bot.edges.git.limits import MEMORY_BYTES, GitLimits
from bot.edges.git.remote import Remote
from bot.errors import Code, Refusal, Refused, Unavailable
from bot.model.quantity import MIB

if sys.platform != "win32":
    import resource

_CHUNK: Final = 1 << 16
_ERROR_TEXT: Final = 1 << 15
_LOOK: Final = 0.05
_ENDING: Final = 2.0
_SLACK: Final = 64 * MIB


@dataclass(frozen=True)
class Ran:
    """What a finished process left behind; ``err`` is git's own English text and the server's, so untrusted."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, kw_only=True)
class Git:
    """Runs git for one remote in one folder until one deadline (monotonic seconds)."""

    folder: Path
    remote: Remote
    shown: str
    limits: GitLimits
    deadline: float
    binary: str = "git"

    @property
    def repository(self) -> Path:
        """Where the clone lies."""
        return self.folder / "repository"

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        disk: int | None = None,
        output: int = 64 * MIB,
        sink: Callable[[bytes], None] | None = None,
    ) -> Ran:
        """Run one command in the folder, or in the clone once it exists.

        ``disk`` and ``output`` are limits in bytes. A ``sink`` gets the output as it comes, in place of ``Ran.out``.
        Raises Refused(repo-too-big) or Unavailable(repo-timeout).
        """
        allowed = self.limits.tree_pack_bytes if disk is None else disk
        ceiling = _disk_use(self.folder) + allowed
        with tempfile.TemporaryFile(dir=self.folder) as given:
            given.write(stdin)
            given.seek(0)
            with self._started(arguments, given) as process:
                _limit(process.pid, file_bytes=2 * allowed + _SLACK, seconds=self.limits.seconds)
                out = bytearray()
                watch = self._watch(ceiling, allowed)
                code, err = self._finish(process, watch=watch, output=output, sink=sink or out.extend)
                return Ran(code, bytes(out), err)

    @contextlib.contextmanager
    def _started(self, arguments: tuple[str, ...], given: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        try:
            process = subprocess.Popen(
                [self.binary, *arguments],
                cwd=self.repository if self.repository.is_dir() else self.folder,
                env=environment(self.folder, self.remote),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError):
            raise Refused(_NO_GIT) from None
        with process:
            try:
                yield process
            except BaseException:
                _end(process)
                raise

    def _finish(
        self,
        process: subprocess.Popen[bytes],
        *,
        watch: Callable[[], None],
        output: int,
        sink: Callable[[bytes], None],
    ) -> tuple[int, str]:
        err, left = bytearray(), output
        for name, chunk in _chunks(process, watch):
            if name == "out":
                sink(chunk)
                left -= len(chunk)
            elif len(err) < _ERROR_TEXT:
                err += chunk
            if left < 0:
                raise Refused(too_big(self.shown, f"{output // MIB} MiB of output"))
        code = process.wait(timeout=max(_ENDING, self.deadline - time.monotonic()))
        if code in {-signal.SIGXFSZ, 128 + signal.SIGXFSZ} or b"died of signal 25" in err:
            raise Refused(too_big(self.shown, f"{self.limits.tree_pack_bytes // MIB} MiB for one file"))
        return code, err.decode("utf-8", errors="replace")

    def _watch(self, ceiling: int, allowed: int) -> Callable[[], None]:
        last = [time.monotonic()]

        def look() -> None:
            now = time.monotonic()
            if now >= self.deadline:
                raise timed_out(self.shown, self.limits.seconds)
            if now - last[0] < _LOOK:
                return
            last[0] = now
            if _disk_use(self.folder) > ceiling:
                raise Refused(too_big(self.shown, f"{allowed / MIB:.3g} MiB of git data"))

        return look


_NO_GIT: Final = Refusal(
    code=Code.REPO_UNREACHABLE,
    message="git is not installed on this computer, so no repository can be read.",
    remedy="Install git 2.37 or newer, or name a local folder.",
)


def too_big(shown: str, limit: str) -> Refusal:
    """The refusal of a repository beyond a hard limit."""
    return Refusal(
        code=Code.REPO_TOO_BIG,
        message=f"{shown} is too big to read: it goes beyond the limit of {limit}.",
        remedy="Name the folder that holds the service in a smaller repository, or a mirror without the large files.",
    )


def timed_out(shown: str, seconds: float) -> Unavailable:
    """The outage of a repository that is too slow."""
    return Unavailable(
        Code.REPO_TIMEOUT,
        f"Reading {shown} took longer than the limit of {seconds:g} s.",
        remedy="Try again; if it stays slow, point git_repo at a faster mirror or a smaller repository.",
        retry_after=120.0,
    )


def _chunks(process: subprocess.Popen[bytes], watch: Callable[[], None]) -> Iterator[tuple[str, bytes]]:
    with selectors.DefaultSelector() as selector:
        for name, stream in (("out", process.stdout), ("err", process.stderr)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, name)
        while selector.get_map():
            watch()
            for key, _ in selector.select(timeout=_LOOK):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                yield key.data, chunk


def _limit(pid: int, *, file_bytes: int, seconds: float) -> None:
    """A second line behind the watch: the kernel's limits, set from outside because a hook between fork and exec is
    not safe with threads. Linux alone has the call. They lie above the watch's, which can say what happened.
    """
    if sys.platform != "linux":
        return
    wanted = {
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CPU: int(seconds) + 5,
        resource.RLIMIT_CORE: 0,
    }
    with contextlib.suppress(ProcessLookupError, PermissionError):
        for kind, value in wanted.items():
            hard = resource.prlimit(pid, kind)[1]
            ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.prlimit(pid, kind, (ceiling, ceiling))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group and wait until its last member has let go of the pipes, so that the folder is quiet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    until = time.monotonic() + _ENDING

    def patience() -> None:
        if time.monotonic() > until:
            raise TimeoutError

    with contextlib.suppress(TimeoutError):
        for _ in _chunks(process, patience):
            pass


def _disk_use(folder: Path) -> int:
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(root, name)).st_size  # noqa: PTH118 -- runs every 50 ms, Path is 3x slower
    return total
