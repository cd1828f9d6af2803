"""``python -m bot`` as a process: the same bytes in every locale, time zone and hash seed; one document for a refusal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.house import EXAMPLES, SUPERMARKET

DESCRIPTION = "2000 QPS peak, strong consistency, p95 under 50 ms, Redis, Kafka, sticky sessions, 3 replicas, 7 dwarfs"
PLAN = ["plan", "--git-repo", str(SUPERMARKET), "--app-description", DESCRIPTION]
HERE = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
ELSEWHERE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "TZ": "America/St_Johns", "COLUMNS": "20"}


def run(arguments: list[str], environment: Mapping[str, str]) -> tuple[int, bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env={**HERE, **environment},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_G03_the_same_input_gives_the_same_bytes_in_every_surrounding() -> None:  # noqa: N802 - the row's name
    arguments = [*PLAN, "--cluster", str(EXAMPLES / "cluster-snapshot.json"), "--format", "json"]
    code, first = run(arguments, {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LANG": "C.UTF-8"})
    assert (code, json.loads(first)["demand"]["unknown_numbers"]) == (0, ["7 dwarfs"])
    assert run(arguments, {"PYTHONHASHSEED": "4242", **ELSEWHERE}) == (0, first)


def test_wrong_use_of_the_process_is_one_document() -> None:
    code, said = run(["plan", "--nope", "--format", "json"], ELSEWHERE)
    assert (code, json.loads(said)["error"]["code"]) == (2, "syntax")
