"""A GitHub Actions runner in small: it runs the shell steps of ``action.yml`` as they are written."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from bot.edges.clock import RealClock
from bot.emulators.github import GitHubEmulator, hooks

ROOT: Final = Path(__file__).parents[2]
INFRA: Final = "myorg/infrastructure"
BOT: Final = "github-actions[bot]"
TOKEN: Final = "ghs_" + "jObToKeN0" * 5
ORDERS: Final = {
    "Dockerfile": 'FROM python:3.12-slim\nEXPOSE 8000\nCMD ["uvicorn", "app:app", "--port", "8000"]\n',
    "requirements.txt": "fastapi\nuvicorn\n",
    "app.py": 'from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get("/healthz")\ndef health():\n    return {}\n',
}
COMMENT: Final = '/ai-provision\n\ngit_repo: "https://github.com/myorg/orders"\napp_description: "200 QPS peak"\n'
HOSTILE: Final = {
    "quote": '"; touch pwned; "',
    "substitution": "$(touch pwned)",
    "backticks": "`touch pwned`",
    "output": "x\ncode=stolen\npull-request-url<<E\nhttps://evil.example\nE\n",
    "option": "-auto-approve",
    "help": "--help",
    "command": "x\n::set-env name=PATH::/tmp\n##[add-mask]pwned",
    "glob": "* ? ~ $HOME ${IFS} && touch pwned | touch pwned > pwned",
}
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")


@contextmanager
def github(root: Path) -> Iterator[tuple[GitHubEmulator, str]]:
    """The emulated GitHub with an application, an infrastructure repository and the job's token."""
    site = GitHubEmulator(root / "github", clock=RealClock())
    site.add_repository("myorg/orders", ORDERS)
    site.add_repository(INFRA, {"README.md": "infra\n"})
    site.grant(INFRA, "ada", "write")
    site.add_user(BOT, kind="Bot")
    site.grant(INFRA, BOT, "write")
    site.add_token(BOT, token=TOKEN)
    with site.serve() as url:
        yield site, url


def comment_event(site: GitHubEmulator, text: str, *, login: str = "ada") -> tuple[int, dict[str, Any]]:
    """Somebody comments on a new issue; its number and the payload."""
    number = site.open_issue(INFRA, "ada", title="A place for a service")
    made = site.comment(INFRA, number, login, text)
    repo, issue = site._repo(INFRA), site.issue(INFRA, number)
    [item] = [one for one in issue.comments if one.id == made]
    return number, hooks.comment_created(repo, issue, item, site.base_url)


def issue_event(site: GitHubEmulator, text: str, *, login: str = "ada") -> tuple[int, dict[str, Any]]:
    """Somebody opens an issue."""
    number = site.open_issue(INFRA, login, title="A place for a service", body=text)
    return number, hooks.issue_opened(site._repo(INFRA), site.issue(INFRA, number), site.base_url)


@dataclass
class Finished:
    """What a run left behind."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    workspace: Path

    @property
    def commands(self) -> list[str]:
        """Lines that the runner would take for commands, in the new and in the old form."""
        return [line for line in self.log.splitlines() if line.lstrip().startswith("::") or "##[" in line]

    @property
    def executed(self) -> list[str]:
        """Files that only an executed value could have made."""
        return [str(path) for path in self.workspace.parent.rglob("*pwned*")]


@dataclass
class Job:
    """One job on a runner: its folders, its environment, the values of expressions."""

    root: Path
    event: str
    payload: Any
    inputs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    program: str = f'exec "{sys.executable}" "$@"'

    def run(self) -> Finished:
        """Every step of ``action.yml`` in order."""
        files = self._prepared()
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        values = {
            f"inputs.{name}": self.inputs.get(name, str(given.get("default", "")))
            for name, given in action["inputs"].items()
        }
        values["github.token"] = TOKEN
        values = {name: TOKEN if value == "${{ github.token }}" else value for name, value in values.items()}
        values["steps.python.outputs.python-path"] = str(self.root / "python")
        log, code = "", 0
        for step in action["runs"]["steps"]:
            if "run" in step and code == 0:
                code, said = self._shell(step, values, files)
                log += said
        return Finished(
            code,
            log,
            outputs_of(files["GITHUB_OUTPUT"]),
            Path(files["GITHUB_STEP_SUMMARY"]).read_text(),
            self.root / "workspace",
        )

    def _prepared(self) -> dict[str, str]:
        for name in ("workspace", "temp"):
            (self.root / name).mkdir()
        files = {
            name: str(self.root / name.lower())
            for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
        }
        for path in files.values():
            Path(path).touch()
        (self.root / "event.json").write_text(json.dumps(self.payload))
        wrapper = f'#!/bin/bash\nif [ "$1 $2 $3" = "-I -m pip" ]; then printf "%s " "$@" >> "{self.root}/pip"; exit; fi\n{self.program}\n'
        written(self.root / "wrapper", wrapper)
        written(
            self.root / "python",
            f'#!/bin/bash\n[ "$1 $2 $3" = "-I -m venv" ] || exit 9\nmkdir -p "$4/bin"\ncp "{self.root}/wrapper" "$4/bin/python"\n',
        )
        return files

    def _shell(self, step: Mapping[str, Any], values: Mapping[str, str], files: Mapping[str, str]) -> tuple[int, str]:
        assert step["shell"] == "bash"
        script = self.root / f"{step['id']}.sh"
        script.write_text(step["run"])
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "RUNNER_TEMP": str(self.root / "temp"),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": str(self.root / "event.json"),
            "GITHUB_REPOSITORY": INFRA,
            "GITHUB_RUN_ID": "42",
            "AI_PROVISION_WRITE_PAUSE": "0",
            **files,
            **self.environment,
            **{name: evaluated(str(text), values) for name, text in step.get("env", {}).items()},
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.root / "workspace",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=100,
            check=False,
        )
        return done.returncode, done.stdout.decode()


def written(path: Path, text: str) -> None:
    """A program."""
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def evaluated(text: str, values: Mapping[str, str]) -> str:
    """``${{ a }}``, ``${{ a || b }}`` and ``${{ a == b }}``; KeyError for anything else."""
    return _EXPRESSION.sub(lambda match: _value(match[1], values), text)


def _value(expression: str, values: Mapping[str, str]) -> str:
    if "==" in expression:
        left, right = (values[part.strip()] for part in expression.split("=="))
        return str(left == right).lower()
    return next((values[part.strip()] for part in expression.split("||") if values[part.strip()]), "")


def outputs_of(path: str) -> dict[str, str]:
    """The outputs as the runner reads them. AssertionError when one is given twice."""
    found: dict[str, str] = {}
    lines = iter(Path(path).read_text().split("\n"))
    for line in lines:
        if not line:
            continue
        name, mark, delimiter = line.partition("<<")
        if not mark or "=" in name:
            name, _, value = line.partition("=")
        else:
            value = "\n".join(iter(lambda: next(lines), delimiter))
        assert name not in found, f"{name} twice"
        found[name] = value
    return found
