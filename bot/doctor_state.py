"""Where Terraform keeps its state: out of the runner's disk, and encrypted.

In: the config file. Out: lines of the doctor. Never: a look into a state, a value of a setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from bot.doctor_check import Check
from bot.model.config import Config, State

_WHAT: Final = "Terraform state"
_CHOOSE: Final = "Set state.backend in .ai-provision.yaml to http, s3, pg or kubernetes (docs/configuration.md)"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def state(config: Config | None, *, machines: bool) -> Iterator[Check]:
    """One line; ``config`` None: no config file was read. A local or unencrypted state fails unless it is allowed.

    ``machines``: Proxmox VE is configured, so that Terraform will keep a state at all.
    """
    if config is None:
        remedy = "Set GITHUB_TOKEN and AI_PROVISION_INFRA_REPO, or name the file with --config."
        yield Check(what=_WHAT, state="skipped", found="no config file was read", remedy=remedy)
    elif config.state is None:
        yield _unset(machines=machines)
    elif config.state.backend == "local":
        yield _local(config.state)
    else:
        yield _remote(config.state)


def _unset(*, machines: bool) -> Check:
    remedy = f"{_CHOOSE}; or local with state.allow_local: true."
    if not machines:
        found = "none is configured; without Proxmox VE there is nothing to keep"
        return Check(what=_WHAT, state="skipped", found=found, remedy=remedy)
    found = "no state is configured, so it would lie on the runner's disk and be lost with it"
    return Check(what=_WHAT, state="failed", found=found, remedy=remedy)


def _local(kept: State) -> Check:
    found = "the state lies on the runner's disk"
    if kept.allow_local:
        return Check(what=_WHAT, state="ok", found=f"{found}, which state.allow_local permits")
    remedy = f"{_CHOOSE}; or, for one runner that stays, state.allow_local: true."
    return Check(what=_WHAT, state="failed", found=found, remedy=remedy)


def _remote(kept: State) -> Check:
    reason = plain(kept)
    if reason is None:
        return Check(what=_WHAT, state="ok", found=f"backend {kept.backend}, nothing unencrypted is configured")
    if kept.allow_unencrypted:
        return Check(
            what=_WHAT, state="ok", found=f"backend {kept.backend}: {reason}; state.allow_unencrypted permits it"
        )
    remedy = "Use https and leave encryption on; or, where the way is safe, state.allow_unencrypted: true."
    return Check(what=_WHAT, state="failed", found=f"backend {kept.backend}: {reason}", remedy=remedy)


def plain(kept: State) -> str | None:
    """What travels or lies unencrypted, or None. An address on loopback leaves no machine."""
    for name, value in sorted(kept.settings.items()):
        if isinstance(value, str) and _unencrypted(value):
            return f"state.settings.{name} is a plain http address"
    if kept.settings.get("encrypt") is False:
        return "state.settings.encrypt is false"
    return None


def _unencrypted(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme.lower() == "http" and parts.hostname not in _LOOPBACK
    except ValueError:
        return value.lower().startswith("http:")
