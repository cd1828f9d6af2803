"""The least rights of every credential, as data and as commands that a person can paste.

In: a major version of Proxmox VE, and YAML of another room for the cluster's apply role. Out: privileges per path, and
text. Never: a secret, a built-in role that may change something, ``Permissions.Modify``.

Sources: the permission expressions of Proxmox VE's API schemas 8.4.5 and 9.2.3; pve-access-control (an ACL on a deeper
path replaces what is inherited, a token with privilege separation needs the ACL beside its user).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAJORS: Final = (9, 8)
"""The versions of Proxmox VE that there are commands for."""

AGENT_OF_9: Final = "VM.GuestAgent.Audit"
AGENT_OF_8: Final = "VM.Monitor"
"""Before 9 nothing less reads a guest's addresses; it also permits monitor commands."""
MIGRATE: Final = "VM.Migrate"

GUESTS: Final = (
    "VM.Allocate", "VM.Audit", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit", "VM.Config.Disk",
    "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options", AGENT_OF_9, MIGRATE,
    "VM.PowerMgmt",
)  # fmt: skip
"""On the pool, or on ``/vms`` where there is none: create, change, start and remove guests."""
POOL: Final = ("Pool.Audit",)
NEW_POOL: Final = ("Pool.Allocate",)
TEMPLATE: Final = ("VM.Audit", "VM.Clone")
DISKS: Final = ("Datastore.AllocateSpace",)
IMAGES: Final = ("Datastore.AllocateTemplate", "Datastore.Audit")
IMAGE_END: Final = ("Datastore.Allocate",)
"""An image that was downloaded is no guest's disk: removing it takes the right to configure its datastore."""
NETWORK: Final = ("SDN.Use",)
DOWNLOAD: Final = ("Sys.AccessNetwork",)
DEVICE: Final = ("Mapping.Use",)
HA: Final = ("Sys.Audit", "Sys.Console")
BACKUP: Final = ("Sys.Audit", "Sys.Modify")
BACKUP_STORE: Final = ("Datastore.Allocate", "Datastore.AllocateSpace")
REPLICATION_OF_9: Final = ("VM.Replicate",)
REPLICATION_OF_8: Final = ("Datastore.Allocate",)

AUDITOR_OF_8: Final = (
    "Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit",
)  # fmt: skip
AUDITOR_OF_9: Final = (*AUDITOR_OF_8, AGENT_OF_9)
"""What the built-in PVEAuditor holds."""


@dataclass(frozen=True)
class Role:
    """Privileges on a path. ``kept``: what the reading needs there, and an ACL on this path would take away.

    ``only_for``: what it is good for, where not every plan needs it.
    """

    name: str
    path: str
    privileges: tuple[str, ...]
    kept: tuple[str, ...] = ()
    only_for: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        """Everything that the role is given."""
        return (*self.privileges, *self.kept)


def guest_privileges(major: int) -> tuple[str, ...]:
    """``GUESTS`` in the words of a version."""
    return tuple(AGENT_OF_8 if name == AGENT_OF_9 and major < 9 else name for name in GUESTS)


def survey_privileges(major: int) -> tuple[str, ...]:
    """What reading needs on ``/``: exactly PVEAuditor since 9; before, with VM.Monitor for the addresses of guests."""
    return AUDITOR_OF_9 if major >= 9 else (*AUDITOR_OF_8, AGENT_OF_8)


def apply_roles(major: int) -> tuple[Role, ...]:
    """What CI needs beside the survey's rights, to make, change and remove machines in a pool."""
    return (
        Role("AiProvisionGuests", "/pool/POOL", guest_privileges(major) + POOL),
        Role("AiProvisionTemplate", "/vms/TEMPLATE", TEMPLATE),
        Role("AiProvisionDisks", "/storage/DISKS", DISKS),
        Role("AiProvisionNetwork", "/sdn/zones/ZONE", NETWORK, kept=("SDN.Audit",)),
        Role("AiProvisionImages", "/storage/IMAGES", IMAGES, only_for="images and container templates to fetch"),
        Role("AiProvisionDownload", "/nodes/NODE", DOWNLOAD, kept=("Sys.Audit",), only_for="the same downloads"),
        Role("AiProvisionDevice", "/mapping/pci/MAPPING", DEVICE, kept=("Mapping.Audit",), only_for="PCI devices"),
    )


def cluster_roles(major: int) -> tuple[Role, ...]:
    """What high availability, backup jobs, replication and removed images need: wide rights, each its own decision."""
    if major >= 9:
        replication = Role("AiProvisionReplication", "/pool/POOL", REPLICATION_OF_9, only_for="storage replication")
    else:
        replication = Role(
            "AiProvisionReplication", "/storage", REPLICATION_OF_8, kept=("Datastore.Audit",),
            only_for="storage replication",
        )  # fmt: skip
    return (
        Role("AiProvisionHA", "/", HA, only_for="high availability"),
        Role("AiProvisionBackup", "/", BACKUP, only_for="backup jobs"),
        Role("AiProvisionBackupStore", "/storage/BACKUPS", BACKUP_STORE, only_for="backup jobs"),
        Role(
            "AiProvisionImageEnd", "/storage/IMAGES", IMAGE_END, only_for="removing downloaded images with their stack"
        ),
        replication,
    )


SURVEY_YAML: Final = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ai-provision-survey
rules:
  - apiGroups: [""]
    resources: [nodes, pods, namespaces, resourcequotas, limitranges, events]
    verbs: [list]
  - apiGroups: [apps]
    resources: [deployments, statefulsets, daemonsets]
    verbs: [list]
  - apiGroups: [storage.k8s.io]
    resources: [storageclasses]
    verbs: [list]
  - apiGroups: [networking.k8s.io]
    resources: [ingressclasses]
    verbs: [list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ai-provision-survey
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: ai-provision-survey
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: ai-provision-survey
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: ai-provision-apply
"""
"""What one visit to a Kubernetes cluster reads; ``/version`` and ``/apis`` are everybody's. CI's user reads too: the
preflight looks once more right before the apply.
"""

BOT_TOKEN: Final = {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"}
"""Of the GitHub App or the bot's token. Not ``workflows``, not ``deployments``, not ``administration``."""
JOB_TOKEN: Final = {"contents": "read", "deployments": "write", "issues": "write", "pull-requests": "write"}
"""``permissions:`` of the apply job. Not ``id-token``, not ``actions``, not ``contents: write``."""
PLAN_TOKEN: Final = {"contents": "read", "pull-requests": "write"}
"""``permissions:`` of the job that plans on a pull request."""


def roles_text(version_major: int | None = None, *, kubernetes_apply: str = "") -> str:
    """Commands and YAML for one version of Proxmox VE, or for each (None). ``kubernetes_apply``: YAML of the role under
    which CI delivers manifests; without it that part is left out.
    """
    majors = MAJORS if version_major is None else (9 if version_major >= 9 else 8,)
    parts = [line for major in majors for line in _proxmox(major)]
    parts += ["# Kubernetes, reading. For the users that the bot's and CI's kubeconfigs name.", _pasted(SURVEY_YAML)]
    if kubernetes_apply.strip():
        parts += ["# Kubernetes, apply. Give it to the user that CI's kubeconfig names.", _pasted(kubernetes_apply)]
    return "\n".join([*parts, *_github()]) + "\n"


def _pasted(yaml: str) -> str:
    return f"kubectl apply -f - <<'YAML'\n{yaml.strip()}\nYAML\n"


def _proxmox(major: int) -> Iterator[str]:
    shown = "9 and newer" if major >= 9 else "8"
    yield f"# Proxmox VE {shown}. Run on one node as root; replace the words in capitals."
    yield "# Reading: what the bot has, and all it has."
    survey = "PVEAuditor" if major >= 9 else "AiProvisionSurvey"
    if major < 9:
        yield _role(survey, survey_privileges(major))
    yield from _account("survey")
    yield from _allowed("survey", "/", survey)
    yield ""
    yield "# Apply: CI alone. It reads too, because the preflight looks once more right before the apply."
    yield from _account("apply")
    yield from _allowed("apply", "/", survey)
    for role in apply_roles(major):
        yield from _given(role)
    yield "# Repeat the lines for each pool, template, datastore, zone (localnetwork: plain bridges) and node in use."
    yield ""
    yield "# Only for what each line names. Sys.Console on / is as good as a root shell, so decide on it apart."
    for role in cluster_roles(major):
        yield from _given(role)
    yield ""


def _role(name: str, privileges: tuple[str, ...]) -> str:
    return f'pveum role add {name} --privs "{" ".join(sorted(set(privileges)))}"'


def _account(name: str) -> Iterator[str]:
    yield f"pveum user add {name}@pve"
    yield f"pveum user token add {name}@pve ai-provision --privsep 1"


def _allowed(name: str, path: str, role: str) -> Iterator[str]:
    """A token with privilege separation holds what both it and its user hold."""
    yield f"pveum acl modify {path} --users {name}@pve --roles {role} --propagate 1"
    yield f"pveum acl modify {path} --tokens '{name}@pve!ai-provision' --roles {role} --propagate 1"


def _given(role: Role) -> Iterator[str]:
    if role.only_for:
        yield f"# {role.only_for}:"
    yield _role(role.name, role.all)
    yield from _allowed("apply", role.path, role.name)


def _github() -> Iterator[str]:
    yield "# GitHub"
    yield f"# The bot's App or token: {_listed(BOT_TOKEN)}. No workflows, no deployments, no administration."
    yield f"# The job that plans on pull requests (permissions:): {_listed(PLAN_TOKEN)}."
    yield f"# The job that applies (permissions:): {_listed(JOB_TOKEN)}."


def _listed(permissions: dict[str, str]) -> str:
    return ", ".join(f"{name}: {level}" for name, level in sorted(permissions.items()))
