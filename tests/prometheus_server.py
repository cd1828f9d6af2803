"""A throw-away Prometheus for tests: the real server of the Debian package on samples that ``promtool`` made.

In: ``prometheus`` and ``promtool`` from the PATH or from ``.cache/prometheus``, samples. Out: a URL on a free port of
127.0.0.1. Never: an address but loopback, a scrape, a server that outlives the test run.
"""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

UNPACKED = Path(__file__).parents[1] / ".cache" / "prometheus" / "usr" / "bin"
START_SECONDS = 30.0
MISSING = (
    "The tests of measured use need a real Prometheus, and neither the PATH nor .cache/prometheus has prometheus and "
    "promtool. Run `make test`, which unpacks the Debian package there, or `apt-get install prometheus`, or put both "
    "programs of any Prometheus release (2.40 or later) on the PATH."
)
_CONFIG = "global:\n  scrape_interval: 1h\nscrape_configs: []\n"


@dataclass(frozen=True)
class Line:
    """One series: a sample every ``every`` seconds from ``start`` to ``end`` (Unix time) with the value at it."""

    name: str
    labels: Mapping[str, str]
    start: int
    end: int
    every: int
    value: Callable[[int], float]

    def text(self) -> Iterator[str]:
        """The samples in OpenMetrics."""
        labels = ",".join(f'{name}="{_quoted(value)}"' for name, value in self.labels.items())
        for at in range(self.start, self.end + 1, self.every):
            yield f"{self.name}{{{labels}}} {self.value(at):.10g} {at}\n"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def program(name: str) -> str:
    """The path of a program of the package. Raises RuntimeError with what to do."""
    found = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    if found is None:
        raise RuntimeError(MISSING)
    return found


@contextmanager
def prometheus_server(lines: list[Line]) -> Iterator[str]:
    """The URL of a server that holds these samples, ended and deleted at the end."""
    programs = program("promtool"), program("prometheus")
    with tempfile.TemporaryDirectory(prefix="prometheus-") as name:
        folder = Path(name)
        _write_blocks(programs[0], folder, lines)
        with _running(programs[1], folder) as url:
            yield url


def _write_blocks(promtool: str, folder: Path, lines: list[Line]) -> None:
    samples = folder / "samples.txt"
    with samples.open("w", encoding="utf-8") as file:
        for line in lines:
            file.writelines(line.text())
        file.write("# EOF\n")
    command = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics"]
    done = subprocess.run([*command, str(samples), str(folder / "data")], capture_output=True, check=False, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"promtool failed:\n{(done.stdout + done.stderr).decode(errors='replace')[-2000:]}")


@contextmanager
def _running(prometheus: str, folder: Path) -> Iterator[str]:
    port = _free_port()
    (folder / "prometheus.yml").write_text(_CONFIG)
    command = [
        prometheus,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _await(process, port, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Prometheus did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _is_ready(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        line.request("GET", "/-/ready")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """By its own pid."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
