"""What terraform may see of our environment: an allow-list, so that no secret of ours reaches a provider by accident.

In: an environment. Out: a smaller one. Never: ``TF_LOG`` (it prints requests with their secrets), ``TF_CLI_ARGS`` (it
adds flags to ours), ``TF_WORKSPACE`` and ``TF_DATA_DIR`` (they move the state under our feet), a runner's tracking ids.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_NAMES: Final = frozenset(
    {
        "PATH", "HOME", "TMPDIR", "USER", "TZ", "SSH_AUTH_SOCK", "TF_PLUGIN_CACHE_DIR",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    }
)  # fmt: skip
_STARTS: Final = ("PROXMOX_VE_", "PM_", "TF_HTTP_", "TF_VAR_", "AWS_", "PG", "KUBE", "SSL_CERT_")
_CONFIG: Final = "TF_CLI_CONFIG_FILE"
_CACHE: Final = "TF_PLUGIN_CACHE_DIR"


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The environment of every terraform call.

    A configuration file that does not exist is not named: terraform would print a warning into every output. Without a
    lock file (none is generated) terraform passes over the plugin cache unless it is told that this is meant.
    """
    seen = {name: value for name, value in ours.items() if name in _NAMES or name.startswith(_STARTS)}
    config = ours.get(_CONFIG, "")
    if config and Path(config).is_file():
        seen[_CONFIG] = config
    if _CACHE in seen:
        seen["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "1"
    fixed = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "LC_ALL": "C.UTF-8"}
    return {"PATH": os.defpath, **seen, **fixed}
