"""Builds the Go programs that the tests of real parts run, each once.

In: names of parts (none: all), the pinned Go modules beside this file, the user's own Go. Out: ``.cache/gotools/NAME-HASH/``
per part, HASH from its go.mod, go.sum, sources and recipe; a stamp written last marks a complete one. Never: an unpinned
version, a second build of the same hash, a setting of the user's Go other than for this build (GOFLAGS, GOPROXY and GOCACHE
stay theirs).

    python tests/gotools/build.py provider control-plane kwok act actionlint

Without Go, or with one that is too old and may not fetch a newer one, it says which parts it skipped and exits 0: tests
that need them then skip with the same reason.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache" / "gotools"
STAMP = "complete.json"
RC = "terraform.rc"
PROVIDER_VERSION = "0.111.1"
KUBERNETES_VERSION = "1.34.1"
_PROVIDER = "registry.terraform.io/bpg/proxmox"
_KUBERNETES = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Part:
    """One program: its module's folder, the package to build, where it lies in its cache folder, what goes into it."""

    name: str
    folder: str
    package: str
    program: str
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def module(self) -> Path:
        """The folder of its go.mod."""
        return HERE / self.folder

    @property
    def ldflags(self) -> str:
        """Without symbol tables, with the version where the program cannot do without."""
        return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in self.variables)])


# in the order in which they are built: what others wait for first, the eight minutes last
PARTS = (
    Part(
        "provider",
        "provider",
        "github.com/bpg/terraform-provider-proxmox",
        f"mirror/{_PROVIDER}/{PROVIDER_VERSION}/{{platform}}/terraform-provider-proxmox_v{PROVIDER_VERSION}",
        (("main.version", PROVIDER_VERSION),),
    ),
    Part("actionlint", "actionlint", "github.com/rhysd/actionlint/cmd/actionlint", "actionlint"),
    Part("act", "act", "github.com/nektos/act", "act"),
    Part("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", "kwok"),
    Part(
        "control-plane",
        "controlplane",
        ".",
        "controlplane",
        (
            (f"{_KUBERNETES}.gitVersion", f"v{KUBERNETES_VERSION}"),
            (f"{_KUBERNETES}.gitMajor", KUBERNETES_VERSION.split(".", maxsplit=1)[0]),
            (f"{_KUBERNETES}.gitMinor", KUBERNETES_VERSION.split(".")[1]),
        ),
    ),
)
BY_NAME = {part.name: part for part in PARTS}


def say(line: str) -> None:
    """One line for the person who waits."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def digest(part: Part) -> str:
    """12 hex digits over everything of ours that decides what is built, and the machine it is built for."""
    total = hashlib.sha256(f"{part}|{sys.platform}|{platform.machine()}".encode())
    for file in sorted([part.module / "go.mod", part.module / "go.sum", *part.module.glob("*.go")]):
        total.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
    return total.hexdigest()[:12]


def folder(part: Part) -> Path:
    """Where this part lies once it is built."""
    return CACHE / f"{part.name}-{digest(part)}"


def built(part: Part) -> Path | None:
    """The program, or None while it is not built from the present module."""
    stamp = folder(part) / STAMP
    if not stamp.is_file():
        return None
    program = folder(part) / str(json.loads(stamp.read_text())["program"])
    return program if program.is_file() else None


def missing_go(part: Part) -> str | None:
    """None where the Go here can build the part, else one sentence that says what it needs."""
    wanted = next(
        line.split()[1] for line in (part.module / "go.mod").read_text().splitlines() if line.startswith("go ")
    )
    needs = f"needs Go {wanted.removesuffix('.0')} or newer"
    if shutil.which("go") is None:
        return f"{needs}: there is no go on the PATH (https://go.dev/dl/)"
    asked = subprocess.run(
        ["go", "env", "GOVERSION"], cwd=part.module, env=_environment(), capture_output=True, text=True, check=False
    )
    return None if asked.returncode == 0 else f"{needs}: {asked.stderr.strip()}"


def build(part: Part) -> Path:
    """The program, built now unless it is there. Raises subprocess.CalledProcessError where Go cannot build it."""
    with _alone(part):
        program = built(part)
        if program is None:
            program = _build(part)
        else:
            say(f"{part.name}: already built, {program}")
        if part.name == "provider":
            _write_rc(folder(part))
        return program


def _build(part: Part) -> Path:
    say(f"{part.name}: go build {part.package}, as pinned in tests/gotools/{part.folder}/go.mod (once)")
    began = time.monotonic()
    half = CACHE / f"half-{part.name}"
    shutil.rmtree(half, ignore_errors=True)
    program = part.program.format(platform=_platform(part))
    (half / program).parent.mkdir(parents=True)
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", part.ldflags]
    command = ["go", "build", *flags, "-o", str(half / program), part.package]
    subprocess.run(command, cwd=part.module, env=_environment(), check=True)
    seconds = round(time.monotonic() - began, 1)
    (half / STAMP).write_text(json.dumps({"program": program, "seconds": seconds}) + "\n")
    _replace(part, half)
    say(f"{part.name}: built in {seconds} s, {(folder(part) / program).stat().st_size / 1e6:.0f} MB")
    return folder(part) / program


def _replace(part: Part, half: Path) -> None:
    """The finished folder takes its name in one step; what older modules of this part left goes."""
    shutil.rmtree(folder(part), ignore_errors=True)
    half.rename(folder(part))
    for old in CACHE.glob(f"{part.name}-*"):
        if old.is_dir() and old != folder(part):
            shutil.rmtree(old)


def _write_rc(home: Path) -> None:
    """Terraform takes this provider from the mirror alone, all others from where it would anyway."""
    text = (
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path    = {json.dumps(str(home / 'mirror'))}\n"
        f'    include = ["{_PROVIDER}"]\n  }}\n'
        f'  direct {{\n    exclude = ["{_PROVIDER}"]\n  }}\n}}\n'
    )
    target = home / RC
    if not target.is_file() or target.read_text() != text:
        half = target.with_suffix(".half")
        half.write_text(text)
        half.replace(target)


def _platform(part: Part) -> str:
    command = ["go", "env", "GOOS", "GOARCH"]
    done = subprocess.run(command, cwd=part.module, env=_environment(), capture_output=True, text=True, check=True)
    return "_".join(done.stdout.split())


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}


@contextmanager
def _alone(part: Part) -> Iterator[None]:
    """Two builds of one part wait for each other; the second then finds it done."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{part.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(names: Sequence[str]) -> int:
    """0 when every part is there or was skipped for want of Go, 1 when a build failed, 2 for an unknown name."""
    unknown = sorted(set(names) - set(BY_NAME))
    if unknown:
        say(f"no part named {', '.join(unknown)}; there are: {', '.join(BY_NAME)}")
        return 2
    os.nice(10)
    chosen = [part for part in PARTS if part.name in names or not names]
    return max([_one(part) for part in chosen])


def _one(part: Part) -> int:
    reason = None if built(part) else missing_go(part)
    if reason is not None:
        say(f"{part.name}: skipped, {reason}; its tests will be skipped too")
        return 0
    try:
        build(part)
    except subprocess.CalledProcessError as problem:
        say(f"{part.name}: the build failed with exit status {problem.returncode}; what Go said stands above")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
