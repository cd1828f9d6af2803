"""No file holds anything that looks like a secret.

In: the bundle. Out: findings ``secret`` with the file, and the line where the file is text. Never: the value itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bot.checks.bundle import Bundle
from bot.model.finding import Finding, Severity

_SHAPES: Final[tuple[tuple[str, Severity, re.Pattern[str]], ...]] = (
    ("a private key", "block", re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----")),
    ("a GitHub token", "block", re.compile(r"\b(?:gh[a-z]_[A-Za-z0-9._-]{20,}|github_pat_[A-Za-z0-9_]{20,})")),
    ("an AWS key", "block", re.compile(r"\bAKIA[A-Z0-9]{16}\b")),
    ("a Google key", "block", re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("a Proxmox VE token", "block", re.compile(r"PVEAPIToken=(?!\[redacted)[^\s'\"]{8,}")),
    ("a Proxmox VE token", "warn", re.compile(r"@[a-z][a-z0-9.-]{0,40}![A-Za-z0-9._-]{1,60}=[0-9a-f-]{36}")),
    ("a signed web token", "block", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
    ("a model key", "block", re.compile(r"\bsk-[A-Za-z0-9_-]{32,}")),
    ("a Slack token", "warn", re.compile(r"\bxox[abpr]-[A-Za-z0-9-]{20,}")),
    ("a password in an address", "block", re.compile(r"://[^\s/@:'\"<>`]{1,200}:[^\s/@'\"<>`]{1,600}@")),
)


def secrets(bundle: Bundle) -> Iterator[Finding]:
    """One finding for each place and kind of secret: values of data files, lines of text files."""
    values: dict[str, Any] = {manifest.path: manifest.value for manifest in bundle.manifests} | bundle.data
    for file in bundle.changes.files:
        if file.path in values:
            for text in _texts(values[file.path]):
                yield from _judge(file.path, None, text)
        else:
            for number, line in enumerate(file.content.splitlines(), 1):
                yield from _judge(file.path, number, line)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _judge(path: str, line: int | None, text: str) -> Iterator[Finding]:
    for what, severity, shape in _SHAPES:
        if shape.search(text):
            yield Finding(
                rule="secret",
                severity=severity,
                path=path,
                line=line,
                message=f"The file seems to hold {what}.",
                remedy="Take it out of the description or the repository and replace the secret: it was seen.",
            )
