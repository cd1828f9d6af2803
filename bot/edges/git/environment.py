"""The environment of a git process: nothing inherited but the search path, every switch stated.

In: the work folder and the remote. Out: a dictionary. Never: a setting of the machine or the user, a proxy, a prompt,
a hook, a helper. The Authorization header travels here, because other users can read arguments and files.

Source of the set: git-config(1); each default was observed to be unsafe with git 2.39.5.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bot.edges.git.remote import Remote

_SWITCHES: Final = (
    ("advice.detachedHead", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.bigFileThreshold", "4m"),
    ("core.fsmonitor", "false"),
    ("core.fsync", "none"),
    ("core.hooksPath", "/dev/null"),
    ("core.symlinks", "false"),
    ("credential.helper", ""),
    ("fetch.fsckObjects", "false"),
    ("fetch.negotiationAlgorithm", "noop"),
    ("fetch.recurseSubmodules", "no"),
    ("gc.auto", "0"),
    ("http.emptyAuth", "false"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "10"),
    ("http.proxy", ""),
    ("init.defaultBranch", "main"),
    ("maintenance.auto", "false"),
    ("pack.threads", "2"),
    ("protocol.version", "2"),
    ("submodule.recurse", "false"),
    ("transfer.bundleURI", "false"),
)


def environment(home: Path, remote: Remote) -> dict[str, str]:
    """Every variable of the child. ``home`` is an empty folder of ours."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_ALLOW_PROTOCOL": remote.protocol,
        "GIT_ASKPASS": "",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        **_configuration((*_SWITCHES, *_pinned(remote), *_authorization(remote))),
    }


def _configuration(switches: tuple[tuple[str, str], ...]) -> dict[str, str]:
    keys = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(switches)}
    values = {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(switches)}
    return {"GIT_CONFIG_COUNT": str(len(switches)), **keys, **values}


def _pinned(remote: Remote) -> tuple[tuple[str, str], ...]:
    if remote.address is None or remote.host is None:
        return ()
    address = f"[{remote.address}]" if ":" in remote.address else remote.address
    return (("http.curloptResolve", f"{remote.host}:{remote.port}:{address}"),)


def _authorization(remote: Remote) -> tuple[tuple[str, str], ...]:
    if remote.authorization is None:
        return ()
    return ((f"http.{remote.url}.extraHeader", f"Authorization: {remote.authorization.get_secret_value()}"),)
