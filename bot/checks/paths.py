"""Every path lies in the stack's own folder and is one that the layout knows.

In: the bundle. Out: findings ``path``. Never: a look at the file system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bot.checks.bundle import Bundle
from bot.model.finding import Finding

_SLUG: Final = r"[a-z](?:[-a-z0-9]{0,50}[a-z0-9])?"
_ROOT: Final = re.compile(rf"(?:apps|clusters)/{_SLUG}", re.ASCII)
_LAYOUT: Final = re.compile(
    r"README\.md|plan\.json|(?:kubernetes|delivery)/[a-z][-a-z0-9]{0,100}\.yaml"
    r"|terraform/(?:(?:versions|main|variables|outputs|backend|imports|moved|ha|firewall|backup|replication)\.tf"
    r"|app\.auto\.tfvars\.json)"
    r"|ansible/(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}/){0,6}[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}\.(?:yml|yaml|cfg|j2|md)",
    re.ASCII,
)
"""No lock file of Terraform: its hashes are of one platform's packages, and a wrong one stops every other platform."""


def paths(bundle: Bundle) -> Iterator[Finding]:
    """The folder is the stack's own and each file has a known name."""
    root = bundle.changes.root
    if not _ROOT.fullmatch(root) or root != bundle.plan.root:
        yield _finding(root, "The folder is not the one of this application or cluster")
    for file in bundle.changes.files:
        if not _LAYOUT.fullmatch(file.path.removeprefix(root + "/")):
            yield _finding(file.path, "The path is not part of the layout")


def _finding(path: str, message: str) -> Finding:
    return Finding(
        rule="path",
        severity="block",
        path=path,
        message=message + ".",
        remedy="Write only README.md, plan.json and the known folders below the stack's own.",
    )
