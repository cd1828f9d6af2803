"""What has to become of a command when one system fails: the single source of the tests and of ``docs/faults.md``.

In: nothing. Out: cells, and the same as Markdown. Never: a measured number; every one here is a bound that is asserted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.emulators.models import Failure
from tests.faults.advisers import Provider
from tests.faults.leaks import ALLOWED, MIB
from tests.faults.proxy import MODES, Mode
from tests.faults.scene import ADVISERS, SYSTEMS, System

Ending = Literal["refused", "parked", "stopped", "defect", "pull request", "draft"]
NAMES: dict[System, str] = {
    "github": "GitHub API", "git": "git clone", "proxmox": "Proxmox VE", "kubernetes": "Kubernetes",
    "prometheus": "Prometheus", "model": "model",
}  # fmt: skip
PROVIDERS: dict[Provider, str] = {"google": "Gemini", "openai": "OpenAI-compatible", "ollama": "Ollama"}
FAULTS: dict[Mode, str] = {
    "refused": "connection refused",
    "timeout": "no answer",
    "drip": "an answer byte by byte",
    "429": "429, too many requests",
    "500": "500 and 503",
    "502-html": "502 with an HTML page",
    "truncated": "an answer cut in half",
    "wrong-schema": "an answer of another shape",
    "tls": "a certificate that nobody signed",
    "credential": "401, credential not accepted",
    "403": "403, a right is missing",
}
ENDS: dict[Ending, str] = {
    "refused": "one comment with the code, no pull request",
    "parked": "nothing can be said yet: waits, then tried again",
    "stopped": "nothing can be said: the code is in the log",
    "defect": "nothing can be said: logged as a defect",
    "pull request": "pull request that names what was not read",
    "draft": "draft pull request that names what was not read",
}
SECONDS = 12.0
"""No command of the matrix lasts longer, with the shortened time-outs of the tests."""
MINUTE = 60.0
"""No command with a bad adviser lasts longer, every wait included that the tests only note."""
HASTE = 1.5
"""Seconds that a command may spend on models where one does not answer; 40 otherwise, as by default."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One fault of one system: how the command ends, with which code, after how many calls and waits at most.

    ``says`` begins the sentence about it in the pull request, where there is one. ``gap`` says what is not so yet; the
    test then expects to fail, and fails when it does not.
    """

    system: System
    mode: Mode
    end: Ending
    code: str | None
    calls: int
    waits: int
    says: str = ""
    gap: str = ""

    @property
    def id(self) -> str:
        """The name of the test."""
        return f"{self.system}-{self.mode}"


@dataclass(frozen=True, kw_only=True)
class Failing:
    """One way in which each provider's model fails, and how the command ends: always with a plan.

    ``said`` is what its server says, or the line is bad by ``mode``, or the ``budget`` of the day is spent.
    """

    name: str
    kind: str
    says: str
    calls: int
    waits: int
    said: Failure | None = None
    mode: Mode | None = None
    budget: bool = False
    system: System = "model"
    code: str = "llm-invalid"
    end: Ending = "pull request"
    gap: str = ""


_Row = tuple[Ending, str | None, int, int]

_GITHUB: dict[Mode, _Row] = {
    "refused": ("parked", "rate", 0, 5),
    "timeout": ("parked", "rate", 6, 5),
    "drip": ("parked", "rate", 6, 5),
    "429": ("parked", "rate", 6, 5),
    "500": ("parked", "rate", 6, 5),
    "502-html": ("parked", "rate", 6, 5),
    "truncated": ("parked", "rate", 6, 5),
    "wrong-schema": ("defect", "internal", 3, 0),
    "tls": ("stopped", "tls", 0, 0),
    "credential": ("stopped", "github-auth", 2, 0),
    "403": ("stopped", "github-auth", 2, 0),
}
_GIT: dict[Mode, _Row] = {
    "refused": ("refused", "repo-unreachable", 0, 2),
    "timeout": ("refused", "repo-timeout", 1, 0),
    "drip": ("refused", "repo-timeout", 1, 0),
    "429": ("refused", "repo-unreachable", 2, 1),
    "500": ("refused", "repo-unreachable", 3, 2),
    "502-html": ("refused", "repo-unreachable", 3, 2),
    "truncated": ("refused", "repo-unreachable", 6, 1),
    "wrong-schema": ("refused", "repo-unreachable", 1, 0),
    "tls": ("refused", "repo-tls", 0, 0),
    "credential": ("refused", "repo-unreachable", 1, 0),
    "403": ("refused", "repo-unreachable", 1, 0),
}
_PROXMOX: dict[Mode, _Row] = {
    "refused": ("refused", "capacity", 0, 2),
    "timeout": ("refused", "capacity", 3, 2),
    "drip": ("refused", "capacity", 1, 0),
    "429": ("refused", "capacity", 9, 6),
    "500": ("refused", "capacity", 9, 6),
    "502-html": ("refused", "capacity", 9, 6),
    "truncated": ("refused", "capacity", 6, 3),
    "wrong-schema": ("refused", "capacity", 3, 0),
    "tls": ("refused", "tls", 0, 0),
    "credential": ("refused", "proxmox-auth", 1, 0),
    "403": ("refused", "proxmox-auth", 3, 0),
}
_KUBERNETES: dict[Mode, _Row] = {
    "refused": ("refused", "capacity", 0, 2),
    "timeout": ("refused", "capacity", 3, 2),
    "drip": ("refused", "capacity", 3, 2),
    "429": ("refused", "capacity", 3, 2),
    "500": ("refused", "capacity", 8, 6),
    "502-html": ("refused", "capacity", 8, 6),
    "truncated": ("refused", "capacity", 4, 2),
    "wrong-schema": ("refused", "capacity", 2, 0),
    "tls": ("refused", "tls", 0, 0),
    "credential": ("refused", "kubernetes-auth", 1, 0),
    "403": ("refused", "kubernetes-auth", 2, 0),
}
_Advice = tuple[str, int, int]
_UNREAD = "Prometheus gave no measured use: "
_PROMETHEUS: dict[Mode, _Advice] = {
    "refused": ("there is no connection", 0, 1),
    "timeout": ("no answer came in time", 1, 0),
    "drip": ("no answer came in time", 1, 0),
    "429": ("it asks to wait", 2, 1),
    "500": ("it answered 500", 2, 0),
    "502-html": ("it answered 502", 1, 0),
    "truncated": ("an answer was not complete JSON", 2, 1),
    "wrong-schema": ("an answer had another shape", 1, 0),
    "tls": ("its TLS certificate could not be verified", 0, 0),
    "credential": ("it does not accept the credential", 1, 0),
    "403": ("it does not accept the credential", 1, 0),
}
_ALONE = "The rules of the collector decided alone: its model "
_MODEL: dict[Mode, _Advice] = {
    "refused": ("could not be reached", 0, 4),
    "timeout": ("did not answer in time", 2, 1),
    "drip": ("did not answer in time", 2, 1),
    "429": ("asks to wait longer than a command may", 6, 4),
    "500": ("answered with an error of its own", 6, 4),
    "502-html": ("answered with an error of its own", 6, 4),
    "truncated": ("gave no usable answer", 4, 2),
    "wrong-schema": ("gave no usable answer", 2, 0),
    "tls": ("could not be reached over a trusted connection", 0, 0),
    "credential": ("refused the credentials", 2, 0),
    "403": ("refused the credentials", 2, 0),
}
_GAPS: dict[tuple[System, Mode], str] = {}


def _cells(system: System, rows: dict[Mode, _Row]) -> Iterator[Cell]:
    for mode, (end, code, calls, waits) in rows.items():
        gap = _GAPS.get((system, mode), "")
        yield Cell(system=system, mode=mode, end=end, code=code, calls=calls, waits=waits, gap=gap)


def _advised(system: System, code: str, begins: str, rows: dict[Mode, _Advice]) -> Iterator[Cell]:
    for mode, (why, calls, waits) in rows.items():
        yield Cell(system=system, mode=mode, end="pull request", code=code, calls=calls, waits=waits, says=begins + why)


CELLS: tuple[Cell, ...] = (
    *_cells("github", _GITHUB),
    *_cells("git", _GIT),
    *_cells("proxmox", _PROXMOX),
    *_cells("kubernetes", _KUBERNETES),
    *_advised("prometheus", "metrics-unread", _UNREAD, _PROMETHEUS),
    *_advised("model", "llm-invalid", _ALONE, _MODEL),
)
"""Six systems, the ten modes and 403: the system fails from the first call to the last."""


def _failing(name: str, kind: str, why: str, calls: int, waits: int, **how: Any) -> Failing:
    return Failing(name=name, kind=kind, says=_ALONE + why, calls=calls, waits=waits, **how)


FAILINGS: tuple[Failing, ...] = (
    _failing("429", "rate", "asks to wait longer than a command may", 6, 4, said=Failure("rate", 7)),
    _failing("500", "server", "answered with an error of its own", 6, 4, said=Failure("500")),
    _failing("no answer", "timeout", "did not answer in time", 2, 1, mode="timeout"),
    _failing("blocked", "blocked", "refused this input", 2, 0, said=Failure("blocked")),
    _failing("malformed", "malformed", "gave no usable answer", 4, 0, said=Failure("wrong")),
    _failing(
        "over budget",
        "budget",
        "was not asked, because the time, tokens or money for models are used up",
        0,
        0,
        budget=True,
    ),
)
"""The failure classes of each provider."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One source of a cluster fails alone: the plan goes on without it. ``what`` is how people see it named."""

    system: System
    only: str
    what: str
    modes: tuple[Mode, ...]


PARTS: tuple[Part, ...] = (
    Part(
        system="proxmox",
        only="/pools",
        what="pools",
        modes=("refused", "timeout", "drip", "429", "500", "502-html", "truncated", "wrong-schema", "403"),
    ),
    Part(
        system="kubernetes",
        only="/ingressclasses",
        what="ingressclasses.networking.k8s.io",
        modes=("500", "502-html", "truncated", "wrong-schema", "403"),
    ),
)
PART_CALLS = 4
"""Such a source is asked so often at most."""
DRAFTS: tuple[tuple[System, Mode], ...] = tuple(
    (system, mode) for system in ("proxmox", "kubernetes") for mode in ("refused", "500", "credential")
)
"""Cells that become a draft where the config file says ``when_unreachable: draft``."""
HEALED: tuple[Mode, ...] = (
    "refused", "timeout", "429", "500", "502-html", "truncated", "wrong-schema", "credential",
)  # fmt: skip
"""Faults of GitHub that begin after the first reaction, and end before the command is tried again."""


def markdown() -> str:
    """``docs/faults.md``."""
    advisers = f"{_ADVISERS}\n\n{_main_table(ADVISERS)}\n\n{_PROVIDERS}\n\n{_provider_table()}"
    return f"{_HEAD}\n\n{_main_table(SYSTEMS)}\n\n{advisers}\n\n{_GOES_ON}\n\n{_parts_table()}\n\n{_AFTER}\n"


def _main_table(systems: Sequence[System]) -> str:
    rows = [[FAULTS[mode], *(_shown(_cell(system, mode)) for system in systems)] for mode in FAULTS]
    return _table(["fault", *(NAMES[system] for system in systems)], rows)


def _provider_table() -> str:
    rows = [[one.name, f"`{one.kind}`", *([_shown(one)] * len(PROVIDERS))] for one in FAILINGS]
    return _table(["failure", "kind", *PROVIDERS.values()], rows)


def _parts_table() -> str:
    rows = [[NAMES[part.system], f"`{part.what}`", "; ".join(FAULTS[mode] for mode in part.modes)] for part in PARTS]
    return _table(["system", "source that fails alone", "faults"], rows)


def _cell(system: System, mode: Mode) -> Cell:
    return next(cell for cell in CELLS if (cell.system, cell.mode) == (system, mode))


def _shown(cell: Cell | Failing) -> str:
    if cell.gap:
        return f"not bounded yet: {cell.gap}"
    counted = [(cell.calls, "call"), (cell.waits, "wait")]
    numbers = "".join(f", {count} {word}{'s' * (count > 1)}" for count, word in counted if count)
    return f"{cell.end} `{cell.code}`{numbers}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _listed(modes: Iterable[Mode]) -> str:
    return "\n".join(f"- {FAULTS[mode]}" for mode in dict.fromkeys(modes))


_COUNT = f"{len(SYSTEMS) + len(ADVISERS)} systems × {len(MODES)} faults, and 403"
_HEAD = f"""# When a system fails

<!-- Written by `python -m tests.faults` from tests/faults/matrix.py; a test compares both. Do not edit by hand. -->

A command meets one bad line: {_COUNT}. All other systems are well. Each cell is a test
(`pytest tests/faults`): a real edge speaks over loopback to a proxy that fails in this way, from the first call to the
last, and the whole belt runs from the comment to its end.

{chr(10).join(f"- **{end}**: {words}" for end, words in ENDS.items())}

The numbers are upper bounds: a call is a request that reached the proxy (a refused connection and one that is not
trusted bring none), a wait a pause before another try. Every cell also asserts: at most one comment of the bot; no
branch and no pull request where the end has none; no token, stack trace or address of ours in anything that people or
operators read; an end within {SECONDS:.0f} s at shortened time-outs; afterwards not one thread, child process or file
handle more than before, and at most {ALLOWED // MIB} MiB of memory. GitHub's cells run with a runner of steps that does
not wait itself; the durable one parks the command and tries again.

An outage of a cluster carries `capacity`: what is missing then is knowledge of the room that the plan needs
([decision 7](decisions/0007-an-outage-of-a-cluster-is-capacity.md))."""
_ADVISERS = f"""## What a plan can do without

Prometheus and a model are there only where they are configured, and no plan waits for them long: every cell ends in a
pull request that is no draft and says in one sentence what did not answer. Its files are those that the rules make
without either, byte by byte, but for `README.md` and `plan.json`, which name it too. In the column of Prometheus the
application was merged before: then the cluster's own pods and events are read in its place. In the column of the model
an OpenAI-compatible server is asked by the collector and by the planner; the numbers are those of both together. All
questions of a command share `AI_PROVISION_MODEL_SECONDS` (40 by default, at most 50); no cell lasts longer than
{MINUTE:.0f} s, every wait included that the tests only note. With both silent at once there is a pull request too, and
it names both."""
_PROVIDERS = """### Each provider

The same for each provider in its own protocol, against scripted servers; no live model was reached."""
_GOES_ON = f"""## When only a part fails

A source that a plan can do without does not stop it: the pull request and the comment name what was not read. It is
asked at most {PART_CALLS} times. Nodes and pods of Kubernetes, and the inventory and at least one node's state of
Proxmox VE, are no such sources: without them nobody knows what is free."""
_AFTER = f"""Where `.ai-provision.yaml` says `when_unreachable: draft`, a cluster that cannot be read gives a draft that says so.
Tested for both clusters with:

{_listed(mode for _, mode in DRAFTS)}

## When GitHub fails in the middle

GitHub takes the first reaction and then fails, with each of:

{_listed(HEALED)}

The command is parked or stopped, with no second comment and no pull request. When GitHub is well again and the same
command runs once more, there is exactly one pull request, one branch and one comment.

With all four systems silent at once the command still ends within {SECONDS:.0f} s at the same shortened time-outs."""
