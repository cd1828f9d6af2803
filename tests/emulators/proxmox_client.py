"""A caller of the Proxmox VE emulator: form-encoded writes, tasks waited for, refusals as exceptions.

In: an emulator, a token. Out: the value of ``data``. Never: a retry.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from bot.emulators.proxmox import ProxmoxEmulator
from bot.emulators.proxmox.presets import Grant, give
from tests.edges.proxmox_kit import SECRET as SURVEY_SECRET
from tests.edges.proxmox_kit import TOKEN_ID, served
from tests.realparts.provider_scene import APPLY, SECRET, cluster


class Refused(Exception):
    """An answer other than 200, or a task that did not end well."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status, self.text = status, text


@dataclass
class Client:
    """Calls with one token. ``slow`` leaves tasks running."""

    url: str
    token: str
    slow: bool = False
    seen: list[str] = field(default_factory=list)

    def __call__(self, verb: str, path: str, **given: Any) -> Any:
        """One call; keyword underscores become dashes. Raises Refused."""
        parameters = {name.replace("_", "-"): value for name, value in given.items()}
        key = "params" if verb in {"GET", "DELETE"} else "data"
        answer = requests.request(
            verb, f"{self.url}/api2/json{path}", headers={"Authorization": f"PVEAPIToken={self.token}"}, timeout=5,
            **{key: parameters},
        )  # fmt: skip
        self.seen.append(f"{verb} {path}")
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.text)
        found = answer.json()["data"]
        if isinstance(found, str) and found.startswith("UPID:") and not self.slow:
            self.wait(found)
        return found

    def wait(self, upid: str) -> None:
        """Poll a task to its end. Raises Refused when it failed."""
        while (status := self.task(upid))["status"] == "running":
            time.sleep(0.002)
        if status["exitstatus"] != "OK":
            raise Refused(200, status["exitstatus"])

    def task(self, upid: str) -> Any:
        """The status of a task."""
        return self("GET", f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status")


def emulator(
    grants: Iterable[Grant], *, state: dict[str, Any] | None = None, version: str | None = None
) -> ProxmoxEmulator:
    """The cluster of the provider's tests with the apply token and the survey token."""
    state = cluster() if state is None else state
    give(state, APPLY, grants)
    return ProxmoxEmulator(state, tokens={APPLY: SECRET, TOKEN_ID: SURVEY_SECRET}, version=version)


@contextmanager
def calling(pve: ProxmoxEmulator, *, survey: bool = False) -> Iterator[Client]:
    """A client of the emulator."""
    with served(pve.app) as url:
        yield Client(url, f"{TOKEN_ID}={SURVEY_SECRET}" if survey else f"{APPLY}={SECRET}")
