"""What other open pull requests of the bot will take: VMIDs and addresses that no reading of a cluster can show.

In: the forge. Out: ``Reserved``. Never: a claim beyond what their ``plan.json`` says, more than a bounded number of
readings.
"""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from bot.flow.open_plan import LARGEST, app_of, plan_paths
from bot.model.document import Document
from bot.model.evidence import Reserved
from bot.model.plan import PlanView
from bot.ports import Forge

MOST: Final = 20
"""Open pull requests whose plans are read, the newest ones."""


def reserved_by_others(app: str, *, forge: Forge, infra_repo: str) -> Reserved:
    """Of every open pull request but this application's own. Raises Refused or Unavailable of the forge."""
    others = [pull for pull in forge.open_pulls(infra_repo) if app_of(pull.branch) not in {None, app}]
    vm_ids: set[int] = set()
    addresses: set[str] = set()
    for pull in others[-MOST:]:
        plan = _plan(app_of(pull.branch) or "", pull.branch, forge=forge, infra_repo=infra_repo)
        if plan is not None:
            vm_ids |= {machine.vm_id for machine in plan.machines}
            addresses |= set(_addresses(plan))
    return Reserved(vm_ids=tuple(sorted(vm_ids)), addresses=tuple(sorted(addresses)))


def _plan(app: str, branch: str, *, forge: Forge, infra_repo: str) -> PlanView | None:
    for path in plan_paths(app):
        text = forge.file(infra_repo, path, ref=branch)
        if text is not None and len(text) <= LARGEST:
            try:
                return Document.model_validate_json(text).plan
            except ValidationError:
                return None
    return None


def _addresses(plan: PlanView) -> list[str]:
    stated = [machine.address for machine in plan.machines]
    stated += [nic.address for machine in plan.machines for nic in machine.nics if nic.address is not None]
    stated += [cluster.endpoint for cluster in plan.clusters if cluster.endpoint is not None]
    return [address for address in stated if address != "dhcp"]
