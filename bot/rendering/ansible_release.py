"""The pinned release of the collection that builds clusters, and the Kubernetes versions that it installs.

In: a wanted version. Out: the exact one, or ``Refused``. Never: a version whose checksums the collection does not know.

Source: kubernetes-sigs/kubespray at the tag v2.31.0, ``kubelet_checksums`` and ``galaxy.yml``; the other collections
are those of the ansible 11.13.0 package that this release names in its ``requirements.txt``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.errors import Code, Refusal, Refused

KUBESPRAY: Final = "2.31.0"
NEWEST_PATCH: Final[Mapping[str, int]] = {"1.33": 11, "1.34": 7, "1.35": 4}
"""The newest patch of each minor version; every patch from 0 on is known."""

COLLECTIONS: Final[tuple[dict[str, str], ...]] = (
    {
        "name": "https://github.com/kubernetes-sigs/kubespray.git",
        "type": "git",
        "version": f"v{KUBESPRAY}",
    },
    {"name": "ansible.netcommon", "version": "7.2.0"},
    {"name": "ansible.posix", "version": "1.6.2"},
    {"name": "ansible.utils", "version": "5.1.2"},
    {"name": "community.crypto", "version": "2.26.6"},
    {"name": "community.docker", "version": "4.8.5"},
    {"name": "community.general", "version": "10.7.6"},
    {"name": "kubernetes.core", "version": "5.4.1"},
)


def exact_version(wanted: str) -> str:
    """``1.34.3`` as it stands, ``1.34`` as its newest patch. Raises Refused(config) for one that is not known."""
    minor, _, patch = wanted.removeprefix("v").partition(".")[2].partition(".")
    line = f"1.{minor}"
    newest = NEWEST_PATCH.get(line)
    if newest is None or not (patch == "" or patch.isdecimal()) or int(patch or 0) > newest:
        raise Refused(_unknown(wanted))
    return f"{line}.{int(patch) if patch else newest}"


def _unknown(wanted: str) -> Refusal:
    known = ", ".join(f"{line}.0 to {line}.{patch}" for line, patch in NEWEST_PATCH.items())
    return Refusal(
        code=Code.CONFIG,
        message=f"Kubernetes {wanted[:20]!a} is none that the pinned collection (kubespray {KUBESPRAY}) installs.",
        remedy=f"Name one of {known}, in the request or as kubernetes.version of .ai-provision.yaml.",
    )
