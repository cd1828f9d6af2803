"""terraform as a judge of form: ``terraform fmt -check``, which needs no provider and no network.

In: a change set. Out: findings. Never: ``init``, ``plan`` or ``apply``, a provider, the user's own CLI configuration, a
missing tool passed over in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.model.changes import ChangeSet, RenderedFile
from bot.model.finding import Finding

_ENDINGS: Final = (".tf", ".tfvars")
_SECONDS: Final = 30.0
_UNFORMATTED: Final = 3
_EXCERPT: Final = 400


@dataclass(frozen=True, kw_only=True)
class TerraformToolbox:
    """``ports.Toolbox``. ``binary`` is searched on ``path`` (the machine's own search path when None)."""

    binary: str = "terraform"
    path: str | None = None
    seconds: float = _SECONDS

    def judge(self, changes: ChangeSet) -> tuple[Finding, ...]:
        """Findings of ``terraform fmt``: ``terraform-syntax`` blocks, ``terraform-fmt`` warns.

        ``terraform-missing`` and ``terraform-slow`` are notes that name what was skipped.
        """
        files = tuple(file for file in changes.files if file.path.endswith(_ENDINGS))
        if not files:
            return ()
        program = shutil.which(self.binary, path=self.path)
        if program is None:
            return (_skipped("terraform-missing", "terraform is not installed here", files),)
        with tempfile.TemporaryDirectory(prefix="ai-provision-") as folder:
            return self._judged(program, Path(folder), files)

    def _judged(self, program: str, folder: Path, files: tuple[RenderedFile, ...]) -> tuple[Finding, ...]:
        for file in files:
            place = folder / "files" / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(file.content, encoding="utf-8")
        try:
            done = self._run(program, folder)
        except subprocess.TimeoutExpired:
            return (_skipped("terraform-slow", f"terraform fmt took longer than {self.seconds:g} s", files),)
        except OSError:
            return (_skipped("terraform-missing", "terraform could not be started", files),)
        if done.returncode == 0:
            return ()
        if done.returncode == _UNFORMATTED:
            return tuple(_unformatted(path) for path in _named(done.stdout, files))
        return _broken(done.stderr, files)

    def _run(self, program: str, folder: Path) -> subprocess.CompletedProcess[str]:
        config = folder / "terraform.rc"
        config.write_text("disable_checkpoint = true\n")
        return subprocess.run(
            [program, "fmt", "-check", "-recursive", "-list=true", "-no-color", "files"],
            cwd=folder,
            env=_environment(folder, config),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=self.seconds,
            check=False,
        )


def _environment(folder: Path, config: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TF_CLI_CONFIG_FILE": str(config),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }


def _named(out: str, files: tuple[RenderedFile, ...]) -> tuple[str, ...]:
    listed = {line.strip().removeprefix("files/") for line in out.splitlines()}
    return tuple(file.path for file in files if file.path in listed)


def _unformatted(path: str) -> Finding:
    return Finding(
        rule="terraform-fmt",
        severity="warn",
        path=path,
        message="terraform fmt would change this file",
        remedy=f"Run terraform fmt {path}.",
    )


def _broken(err: str, files: tuple[RenderedFile, ...]) -> tuple[Finding, ...]:
    named = [file.path for file in files if f"files/{file.path} line " in err]
    excerpt = " ".join(err.replace("files/", "").split())[:_EXCERPT]
    return tuple(
        Finding(
            rule="terraform-syntax",
            severity="block",
            path=path,
            message=f"terraform cannot parse this file: {excerpt}",
            remedy="This is a defect of the generated file; report it with the description that led to it.",
        )
        for path in named or [files[0].path]
    )


def _skipped(rule: str, why: str, files: tuple[RenderedFile, ...]) -> Finding:
    return Finding(
        rule=rule,
        severity="note",
        message=f"{why}, so terraform fmt did not check {len(files)} Terraform files",
        remedy="Install terraform 1.5 or newer, or run terraform fmt -check on the files of this pull request.",
    )
