"""Our own policy on Terraform: nothing that runs, reaches out, reads files or forgets data.

In: the bundle. Out: findings ``terraform-forbidden``, ``terraform-provider``, ``terraform-data-loss``,
``terraform-machine``. Never: a call of Terraform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bot.checks.bundle import TERRAFORM, Bundle, HclFile, Json, mapping, sequence
from bot.model.finding import Finding

PROVIDER: Final = ("bpg/proxmox", "~> 0.111.1")
_ALLOWED: Final = frozenset({"terraform", "provider", "resource", "variable", "output", "locals", "moved"})
_ALLOWED_IN: Final = {"imports.tf": frozenset({"import"})}
_TERRAFORM_KEYS: Final = frozenset({"required_version", "required_providers"})
_TERRAFORM_KEYS_IN: Final = {"backend.tf": frozenset({"backend"})}
_SECOND_TOKEN: Final = {"alias": "cluster", "api_token": "${var.cluster_api_token}"}
_OF_THE_CLUSTER: Final = frozenset(
    {"proxmox_haresource", "proxmox_harule", "proxmox_hagroup", "proxmox_backup_job", "proxmox_replication"}
)
_READS: Final = re.compile(
    r"\b(?:file|filebase64|filemd5|filesha1|filesha256|filesha512|filebase64sha256|filebase64sha512|fileexists|fileset"
    r"|templatefile|pathexpand|timestamp|uuid|plantimestamp)\s*\(",
    re.ASCII,
)
_MACHINES: Final = {
    "proxmox_virtual_environment_vm": "disk",
    "proxmox_virtual_environment_container": "mount_point",
}


def forbidden(bundle: Bundle) -> Iterator[Finding]:
    """No data source, module, provisioner, nor function that reads files or the clock; a backend and imports in their
    own files alone.
    """
    for file in bundle.terraform:
        for what, near in (*_forbidden_blocks(file), *_forbidden_settings(file), *_forbidden_functions(file)):
            yield _forbidden(file, what, near)


def _forbidden_blocks(file: HclFile) -> Iterator[tuple[str, str]]:
    for kind in sorted(set(file.value) - _ALLOWED - _ALLOWED_IN.get(_name(file), frozenset())):
        if not kind.startswith("__"):
            yield f"the block {kind[:40]}", kind
    for kind, name, body in file.resources():
        for key in sorted({"provisioner", "connection"} & set(body)):
            yield f"a {key} in {kind}.{name}", key


def _forbidden_settings(file: HclFile) -> Iterator[tuple[str, str]]:
    for settings in file.blocks("terraform"):
        for key in sorted(set(settings) - _TERRAFORM_KEYS - _TERRAFORM_KEYS_IN.get(_name(file), frozenset())):
            if not key.startswith("__"):
                yield f"the setting {key[:40]}", key


def _name(file: HclFile) -> str:
    return file.path.rsplit("/", 1)[-1]


def _forbidden_functions(file: HclFile) -> Iterator[tuple[str, str]]:
    for text in _strings(file.value):
        match = _READS.search(text)
        if match:
            yield f"the function {match[0].rstrip('( ')}", match[0]


def _forbidden(file: HclFile, what: str, near: str) -> Finding:
    remedy = "Terraform of an application only describes its machines."
    return file.finding("terraform-forbidden", f"The file holds {what}.", remedy, near=near)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def provider(bundle: Bundle) -> Iterator[Finding]:
    """One provider, pinned, with every setting from the environment; a second token only as a variable that is neither
    shown nor stored.
    """
    pinned = []
    for file in bundle.terraform:
        for settings in file.blocks("terraform"):
            for block in map(mapping, sequence(settings.get("required_providers"))):
                pinned += [(file, name, mapping(spec)) for name, spec in block.items() if not name.startswith("__")]
        for labelled in file.blocks("provider"):
            for body in map(mapping, labelled.values()):
                yield from _configured(file, body)
    for file, name, spec in pinned:
        if (name, _bare(spec.get("source")), _bare(spec.get("version"))) != ("proxmox", *PROVIDER):
            message = f"The provider is not {PROVIDER[0]} {PROVIDER[1]}."
            yield file.finding("terraform-provider", message, "Pin it: minor versions break.", near=name)
    if bundle.terraform and not pinned:
        yield _lost(bundle, "terraform-provider", "No provider is pinned.")


def _configured(file: HclFile, body: Json) -> Iterator[Finding]:
    for key in (key for key in body if not key.startswith("__")):
        if _bare(body[key]) != _SECOND_TOKEN.get(key):
            message = f"The provider sets {key[:40]} in the file."
            remedy = "Leave it to the environment (PROXMOX_VE_…)."
            yield file.finding("terraform-provider", message, remedy, near=key)


def second_token(bundle: Bundle) -> Iterator[Finding]:
    """What concerns the whole cluster uses the second provider, and its token stays out of plan, state and output."""
    for file in bundle.terraform:
        for kind, name, body in file.resources():
            if kind in _OF_THE_CLUSTER and body.get("provider") != "${proxmox.cluster}":
                message = f"{kind}.{name} uses the token of the machines."
                yield file.finding("terraform-provider", message, "Use proxmox.cluster.", near=kind)
        for labelled in file.blocks("variable"):
            for name, body in labelled.items():
                hidden = mapping(body).get("sensitive") is True and mapping(body).get("ephemeral") is True
                if "token" in name and not hidden:
                    message = f"The variable {name[:60]} would be shown or stored."
                    yield file.finding("terraform-provider", message, "Mark it sensitive and ephemeral.", near="token")


def _bare(text: object) -> str:
    return str(text).strip('"')


def machines(bundle: Bundle) -> Iterator[Finding]:
    """Every machine of the plan is there, with its own VMID; what holds data cannot be destroyed by a plan."""
    for file in bundle.terraform:
        for kind, name, body in file.resources():
            if kind in _MACHINES:
                yield from _machine(file, kind, name, body)
    if not bundle.plan.machines and not bundle.terraform:
        return
    values = mapping(bundle.data.get(f"{bundle.changes.root}{TERRAFORM}app.auto.tfvars.json"))
    written = mapping(values.get("machines"))
    if set(written) != {machine.name for machine in bundle.plan.machines}:
        yield _lost(bundle, "terraform-machine", "The values do not hold exactly the machines of the plan.")
    ids = [mapping(machine).get("vm_id") for machine in written.values()]
    if len(set(ids)) != len(ids) or not all(isinstance(vm_id, int) and vm_id >= 100 for vm_id in ids):
        yield _lost(bundle, "terraform-machine", "A VMID is missing, below 100 or used twice.")


def _machine(file: HclFile, kind: str, name: str, body: Json) -> Iterator[Finding]:
    where = f"{kind}.{name}"
    if "vm_id" not in body:
        message = f"{where} leaves the VMID to the provider, and two runs would collide."
        yield file.finding("terraform-machine", message, "Name the VMID.", near=kind)
    extra = {key.strip('"') for block in map(mapping, sequence(body.get("dynamic"))) for key in block}
    holds_data = _MACHINES[kind] in extra or (kind.endswith("container") and _MACHINES[kind] in body)
    kept = any(mapping(item).get("prevent_destroy") is True for item in sequence(body.get("lifecycle")))
    if (holds_data or name == "adopted") and not kept:
        what = "has data disks" if holds_data else "was there before"
        message = f"{where} {what} and no prevent_destroy."
        yield file.finding("terraform-data-loss", message, "Add lifecycle { prevent_destroy = true }.", near=kind)
    if kind.endswith("_vm"):
        for agent in map(mapping, sequence(body.get("agent"))):
            if agent.get("enabled") is not False and "timeout" not in agent:
                message = f"{where} may wait 15 minutes for a guest agent."
                yield file.finding("terraform-machine", message, "Set agent.timeout.", near="agent")


def _lost(bundle: Bundle, rule: str, message: str) -> Finding:
    path = f"{bundle.changes.root}{TERRAFORM}main.tf"
    return Finding(rule=rule, severity="block", path=path, message=message, remedy="Render the files again.")
