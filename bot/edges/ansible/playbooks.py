"""The programs ansible-galaxy and ansible-playbook in one folder.

In: a folder with ``site.yml`` and ``inventory.yml``, values that are known only now. Out: the recap. Never: a value as
an argument (others on the machine see arguments), a file of values that outlives the run, a host key that is ignored.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.edges.ansible.collections import FILE, FOLDER, absent
from bot.edges.ansible.environment import collection_paths, environment
from bot.edges.ansible.failures import Failed, missing, no_collections, trouble
from bot.edges.ansible.limits import AnsibleLimits
from bot.edges.ansible.process import Ran, Runner
from bot.edges.ansible.recap import hosts, recap
from bot.errors import Broken

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,120}", re.ASCII)


def named(folder: Path) -> str:
    """A playbook's folder as people know it: ``clusters/dev/ansible``."""
    return "/".join(folder.parts[-3:]) if folder.name == "ansible" else folder.name


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class AnsiblePlaybooks:
    """``bot.deploy.Playbooks``.

    ``redact`` takes secret values out of every text that leaves. The programs are searched on ``ours["PATH"]``.
    ``asked`` answers True when a run has to stop (a signal to this process does the same, in the main thread).
    """

    redact: Callable[[str], str]
    limits: AnsibleLimits = field(default_factory=AnsibleLimits)
    ours: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    asked: Callable[[], bool] = _never
    name: Callable[[Path], str] = named

    def run(self, folder: Path, *, extra: Mapping[str, str]) -> str:
        """See ``bot.deploy.Playbooks``. Collections that are missing are fetched into the folder first."""
        folder = folder.absolute()
        playbook = self._program("ansible-playbook", folder)
        self._collect(folder)
        with _kept(extra) as values:
            arguments = ("-i", "inventory.yml", "site.yml", "--extra-vars", f"@{values}")
            ran = self._run(folder, playbook, *arguments, seconds=self.limits.playbook)
        if ran.code != 0 or ran.stopped:
            raise trouble(self._failed(folder, ran, extra))
        return recap(hosts(ran.out))

    def _collect(self, folder: Path) -> None:
        if not absent(folder, collection_paths(self.ours, folder)):
            return
        galaxy = self._program("ansible-galaxy", folder)
        arguments = ("collection", "install", "-r", FILE, "-p", FOLDER)
        ran = self._run(folder, galaxy, *arguments, seconds=self.limits.collections)
        if ran.code != 0 or ran.stopped:
            raise no_collections(self._failed(folder, ran, {}))

    def _run(self, folder: Path, program: str, *arguments: str, seconds: float) -> Ran:
        seen = environment(self.ours, folder)
        runner = Runner(environment=seen, limits=self.limits, asked=self.asked)
        try:
            return runner.run(folder, program, *arguments, seconds=seconds)
        except OSError as error:
            raise missing(f"{Path(program).name} could not be started ({error.strerror})") from None

    def _program(self, name: str, folder: Path) -> str:
        found = shutil.which(name, path=environment(self.ours, folder)["PATH"])
        if found is None:
            raise missing(f"{name} is not installed on this machine")
        return found

    def _failed(self, folder: Path, ran: Ran, extra: Mapping[str, str]) -> Failed:
        def redact(text: str) -> str:
            for name, value in extra.items():
                if not name.startswith("address_") and value:
                    text = text.replace(value, "[redacted]")
            return self.redact(text)

        return Failed(ran, self.name(folder), redact, self.limits.shown)


@contextmanager
def _kept(extra: Mapping[str, str]) -> Iterator[Path]:
    """The values as a file that only we may read, gone afterwards. JSON: no value is YAML by accident."""
    strange = next((name for name in extra if not _NAME.fullmatch(name)), None)
    if strange is not None:
        raise Broken(f"{strange[:60]!a} is no name of a variable")
    with tempfile.TemporaryDirectory(prefix="ai-provision-") as folder:
        file = Path(folder) / "extra.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(dict(extra)), encoding="utf-8")
        yield file
