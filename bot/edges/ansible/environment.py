"""What ansible may see of our environment: an allow-list, so that no secret of ours reaches a machine by accident.

In: an environment, the folder of a playbook. Out: a smaller one. Never: a variable that turns host keys off, a callback
or plugin path of somebody else, a way to add flags to ours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_COLLECTIONS: Final = "ANSIBLE_COLLECTIONS_PATH"
_NAMES: Final = frozenset(
    {
        "PATH", "HOME", "TMPDIR", "USER", "TZ", "SSH_AUTH_SOCK",
        "ANSIBLE_PRIVATE_KEY_FILE", "ANSIBLE_FORKS", "ANSIBLE_TIMEOUT",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR",
    }
)  # fmt: skip


def collection_paths(ours: Mapping[str, str], folder: Path) -> tuple[Path, ...]:
    """Where ansible looks for collections: in the folder itself, then where the environment says."""
    told = tuple(Path(each).absolute() for each in ours.get(_COLLECTIONS, "").split(os.pathsep) if each)
    return (folder / "collections", *told)


def environment(ours: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of every call. The folder's own ``ansible.cfg`` is the only one that is read."""
    seen = {name: value for name, value in ours.items() if name in _NAMES and value}
    fixed = {
        _COLLECTIONS: os.pathsep.join(map(str, collection_paths(ours, folder))),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "0",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
    }
    return {"PATH": os.defpath, **seen, **fixed}
