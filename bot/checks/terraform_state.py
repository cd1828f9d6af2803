"""Where the state lies and what is taken into it: nothing is kept on one runner's disk unseen, nothing foreign adopted.

In: the bundle. Out: findings ``state-local``, ``state-unencrypted``, ``terraform-import``. Never: a look at a state, a
value of a setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.checks.bundle import TERRAFORM, Bundle, mapping, sequence
from bot.model.config import State
from bot.model.finding import Finding

_PLAIN: Final = "http://"


def state(bundle: Bundle) -> Iterator[Finding]:
    """The state outlives the runner and travels encrypted, unless the config file says that it need not."""
    if not bundle.terraform:
        return
    kept = bundle.config.state
    if kept is None or (kept.backend == "local" and not kept.allow_local):
        yield _warning(
            "state-local",
            "Terraform's state would lie beside the files, where the next run does not find it.",
            "Set `state` in .ai-provision.yaml (http, s3, pg or kubernetes), or state.allow_local.",
        )
    elif not kept.allow_unencrypted and _unencrypted(kept):
        yield _warning(
            "state-unencrypted",
            "Terraform's state would travel or lie unencrypted, and it holds what machines know.",
            "Use https and leave encrypt on, or set state.allow_unencrypted.",
        )


def _unencrypted(kept: State) -> bool:
    plain = any(isinstance(value, str) and value.startswith(_PLAIN) for value in kept.settings.values())
    return plain or kept.settings.get("encrypt") is False


def _warning(rule: str, message: str, remedy: str) -> Finding:
    return Finding(rule=rule, severity="warn", message=message, remedy=remedy)


def adoption(bundle: Bundle) -> Iterator[Finding]:
    """Exactly the machines that the plan adopts are imported."""
    wanted = {f'"{machine.node}/{machine.vm_id}"' for machine in bundle.plan.machines if machine.adopted}
    found = [str(mapping(block).get("id")) for file in bundle.terraform for block in sequence(file.value.get("import"))]
    if sorted(found) != sorted(wanted):
        yield Finding(
            rule="terraform-import",
            severity="block",
            path=f"{bundle.changes.root}{TERRAFORM}imports.tf",
            message="The imports are not exactly the machines that the plan adopts.",
            remedy="Render the files again.",
        )
