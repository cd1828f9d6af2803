"""What kubectl may see of our environment: an allow-list, so that no secret of ours reaches it or its plugins.

In: an environment. Out: a smaller one. Never: ``KUBECONFIG`` (the file is named explicitly), ``KUBECTL_*`` (an external
diff program, feature switches), a user's kuberc with its own default flags, the address of a cluster around us.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_NAMES: Final = frozenset(
    {
        "PATH", "HOME", "TMPDIR", "USER", "TZ",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    }
)  # fmt: skip
_STARTS: Final = ("SSL_CERT_", "AWS_", "GOOGLE_APPLICATION_", "CLOUDSDK_", "AZURE_", "AAD_")
"""The settings of the credential plugins of managed clusters (EKS, GKE, AKS)."""
_FIXED: Final = {"KUBERC": "off", "KUBECTL_KUBERC": "false", "LC_ALL": "C.UTF-8"}
_NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: a proxy that no machine runs."""


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The environment of every call to a cluster."""
    seen = {name: value for name, value in ours.items() if name in _NAMES or name.startswith(_STARTS)}
    return {"PATH": os.defpath, **seen, **_FIXED}


def closed(folder: str) -> dict[str, str]:
    """The environment of a rendering: no git, no way out, so that a kustomization can only read its own folder."""
    return {"PATH": folder, "HOME": folder, "TMPDIR": folder, "HTTP_PROXY": _NOWHERE, "HTTPS_PROXY": _NOWHERE, **_FIXED}
