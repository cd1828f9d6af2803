"""``init``: the first files of an infrastructure repository, filled in from what the clusters hold.

In: an order, the live snapshot as far as it can be read. Out: ``.ai-provision.yaml`` and, where an action is named, the
workflow that serves commands and the one that plans and applies; in a folder, or as one pull request. Never: a file
that is there is overwritten.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from bot import app
from bot.edges.clock import RealClock
from bot.edges.github.operator import OperatorForge
from bot.errors import Code, Refusal
from bot.flow.config_file import CONFIG_PATH
from bot.model.cluster import ClusterSnapshot
from bot.model.noun import Noun
from bot.model.outcome import PullRequest
from bot.ports import Progress, PullText
from bot.rendering.redaction import redactor
from bot.settings import Settings

WORKFLOW_PATH: Final = ".github/workflows/ai-provision.yml"
APPLY_PATH: Final = ".github/workflows/ai-provision-apply.yml"
PLACEHOLDER: Final = "your-org/ai-provision@0123456789abcdef0123456789abcdef01234567"
"""What the example workflow names in the place of the action."""
_ACTION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}@[0-9a-f]{40}")
_PLAIN: Final = re.compile(r"(?!(?i:y|n|yes|no|on|off|true|false|null)$)[A-Za-z][A-Za-z0-9._-]*")
_SHOWN: Final = 12
"""Names listed of one kind."""


class InitOrder(Noun):
    """What was asked for. ``action`` is ``owner/name@commit``; ``out`` a folder."""

    out: str = "."
    action: str | None = None
    pull_request: bool = False


class Initial(Noun):
    """What became of it: paths that were written, paths that were there already."""

    schema_version: int = 1
    written: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    pull_request: PullRequest | None = None
    next_step: str = ""


def init(order: InitOrder, settings: Settings, *, progress: Progress) -> Initial | Refusal:
    """Write the files, or propose them. Raises Refused or Unavailable when GitHub does not take them."""
    if order.action is not None and not _ACTION.fullmatch(order.action):
        return _bad_action(order.action)
    progress("Reading the clusters")
    files = first_files(app.build_inventory(settings).read(), action=order.action)
    if order.pull_request:
        progress("Opening the pull request")
        return _proposed(files, settings)
    return _written(files, Path(order.out))


def first_files(snapshot: ClusterSnapshot, *, action: str | None) -> dict[str, str]:
    """The files by path; the workflow only for a named action, because a server needs none."""
    files = {CONFIG_PATH: config_text(snapshot)}
    if action is not None:
        example = (examples() / "workflows" / "ai-provision.yml").read_text(encoding="utf-8")
        files[WORKFLOW_PATH] = example.replace(PLACEHOLDER, action)
        files[APPLY_PATH] = _caller(action)
    return files


def _caller(action: str) -> str:
    """The workflow that calls the reusable ones of the named repository at the named commit."""
    name, _, commit = action.partition("@")
    mine, _, placeholder = PLACEHOLDER.partition("@")
    text = (examples() / "workflows" / "ai-provision-apply.yml").read_text(encoding="utf-8")
    return text.replace(f"{mine}/", f"{name}/").replace(placeholder, commit)


def examples() -> Path:
    """The folder of examples: in the package when installed, else in the checkout."""
    folder = Path(str(importlib.resources.files("bot") / "_examples"))
    return folder if folder.is_dir() else Path(__file__).parents[1] / "examples"


def _written(files: Mapping[str, str], folder: Path) -> Initial | Refusal:
    """All or nothing: a file that holds something else is left alone, and then nothing is written."""
    kept = []
    for path, text in files.items():
        try:
            if _same(folder / path, text):
                kept.append(path)
        except (OSError, ValueError):
            return _in_the_way(folder / path)
    written = [path for path in files if path not in kept]
    for path in written:
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(files[path], encoding="utf-8", newline="\n")
        except OSError as error:
            return Refusal(
                code=Code.SYNTAX,
                message=f"{folder / path} could not be written: {error.strerror}.",
                remedy="Give --out a place where you may write.",
            )
    return Initial(written=tuple(written), kept=tuple(kept), next_step=_NEXT)


_NEXT: Final = (
    "Read the files, commit them to the default branch of the infrastructure repository, then run `ai-provision check`."
)


def _same(path: Path, text: str) -> bool:
    """Whether the file is there with this text. Raises ValueError for another text, OSError for what is no file."""
    if not path.exists() and not path.is_symlink():
        return False
    if path.read_text(encoding="utf-8") != text:
        raise ValueError("another text")
    return True


def _in_the_way(path: Path) -> Refusal:
    return Refusal(
        code=Code.CONFLICT,
        message=f"{path} is there already and holds something else; nothing was written.",
        remedy="Give --out an empty folder and compare the files, or move that one away.",
    )


def _proposed(files: Mapping[str, str], settings: Settings) -> Initial | Refusal:
    if settings.github_token is None or settings.infra_repo is None:
        return Refusal(
            code=Code.CONFIG,
            message="--pull-request needs GITHUB_TOKEN and AI_PROVISION_INFRA_REPO.",
            remedy="Set both; the token has to be your own and, with --action, may write workflows.",
        )
    with OperatorForge(
        api_url=settings.github_api_url,
        token=settings.github_token,
        clock=RealClock(),
        write_pause=settings.write_pause,
        redact=redactor(settings.secrets()),
    ) as forge:
        pull = forge.introduce(settings.infra_repo, files, text=_text(files), when=RealClock().now())
    if pull is None:
        return Initial(kept=tuple(files), next_step="Nothing to do: the default branch holds these files.")
    return Initial(written=tuple(files), pull_request=pull)


def _text(files: Mapping[str, str]) -> PullText:
    lines = [f"- `{path}`: {_MEANS[path]}" for path in files]
    body = "The first files of ai-provision. Files that are on the default branch already are left as they are.\n\n"
    return PullText(title="Set up ai-provision", body=body + "\n".join(lines))


_MEANS: Final = {
    CONFIG_PATH: "who may command, defaults, limits; every key is optional",
    APPLY_PATH: "plans every pull request, applies every merge, looks after both",
    WORKFLOW_PATH: "runs the commands that people write in comments; without it a server has to",
}


def _bad_action(named: str) -> Refusal:
    return Refusal(
        code=Code.SYNTAX,
        message=f"--action {named[:100]} is not OWNER/NAME@COMMIT with a full commit of 40 hexadecimal digits.",
        remedy=f"A tag may move; name the commit that you reviewed, such as --action {PLACEHOLDER}",
    )


def config_text(snapshot: ClusterSnapshot) -> str:
    """The config file: every default in force, and beside the rest what was found. The same text for the same names."""
    return "\n".join([_HEAD, *_defaults(snapshot), _TAIL])


_HEAD: Final = f"""\
# {CONFIG_PATH}: lies on the default branch of the infrastructure repository. Every key is optional, an unknown
# key is an error. What stands behind a # is not in force; where something was found, its names are listed.
version: 1

commands:
  minimum_permission: write        # or maintain, admin
  # users: [ada]                   # only these logins, if not empty

# git_hosts: [github.com]          # hosts of git_repo, within AI_PROVISION_ALLOWED_GIT_HOSTS

defaults:
  tags: [ai-provision]"""

_TAIL: Final = """\
  # registry: ghcr.io/your-org     # where images of your builds lie
  # vlan: 30
  # addresses: 10.30.0.50-10.30.0.99/24
  # gateway: 10.30.0.1

# vm_ids:                          # the range from which VMIDs are reserved
#   first: 5000
#   last: 5999

limits:
  max_replicas: 50
  max_machines: 20
  # namespaces: ["shop-*"]
  # registries: [ghcr.io]

# prices:                          # your own unit prices; money is computed from nothing else
#   currency: EUR
#   vcpu_hour: 0.0094
#   gib_hour: 0.0005
#   storage_gib_month: 0.04

# state:                           # where terraform keeps its state; its credentials come from CI (STATE_ENVIRONMENT)
#   backend: s3                    # or http, pg, kubernetes, local
#   key: "{stack}/terraform.tfstate"
#   settings: {bucket: your-state, region: eu-central-1, encrypt: true, use_lockfile: true}
#   allow_local: false
#   allow_unencrypted: false

# apply:                           # what has to be true before CI applies a merge, and how long it waits
#   reviews: 1                     # approvals by others with write permission
#   after: {production: staging}   # first applied and healthy there
#   approvals: {production: 2}
#   rollout_seconds: 600
#   ssh_seconds: 300
#   lock_seconds: 120
#   parallelism: 2                 # clones of one template wait for each other
#   return_on_failure: true        # a rollout past its deadline goes back by itself

# backups:                         # jobs for machines; without a datastore none are made
#   datastore: backup
#   schedule: "02:30"
#   keep_last: 7

# kubernetes:                      # whole clusters, and workers that join one
#   version: "1.34"
#   cni: flannel                   # or calico, cilium
#   pod_cidr: 10.244.0.0/16
#   service_cidr: 10.96.0.0/16
#   add_workers: true
#   load_balancer_addresses: 10.30.0.200-10.30.0.220

# high_availability: false         # needs the second token, PROXMOX_VE_CLUSTER_TOKEN
# firewall: false

delivery: kubectl                  # or argocd, flux
# delivery_repository: https://github.com/your-org/infrastructure
when_unreachable: refuse           # or draft: a configured cluster does not answer
"""


def _defaults(snapshot: ClusterSnapshot) -> list[str]:
    facts = snapshot.proxmox
    templates = [(str(guest.vm_id), guest.name) for guest in facts.guests if guest.template] if facts else []
    rows: list[tuple[str, Iterable[tuple[str, str]], str]] = [
        ("cluster", [(facts.name, "")] if facts and facts.name else [], "home"),
        ("template_id", templates, "9000"),
        ("datastore", _stores(snapshot, "images"), "local-lvm"),
        ("image_datastore", _stores(snapshot, "iso"), "local"),
        ("bridge", {(bridge.name, "") for node in snapshot.of("proxmox") for bridge in node.bridges}, "vmbr0"),
        ("pool", [(pool, "") for pool in facts.pools] if facts else [], "ai-provision"),
        ("storage_class", [(store.name, "") for store in snapshot.stores if store.system == "kubernetes"], "standard"),
    ]
    return [_row(key, sorted(set(found)), example) for key, found, example in rows]


def _stores(snapshot: ClusterSnapshot, content: str) -> list[tuple[str, str]]:
    return [(store.name, "") for store in snapshot.stores if store.system == "proxmox" and content in store.content]


def _row(key: str, found: list[tuple[str, str]], example: str) -> str:
    """One commented key. Names are other people's words: one line, printable, cut."""
    first = found[0][0] if found else example
    value = first if _PLAIN.fullmatch(first) or key == "template_id" else json.dumps(_line(first))
    named = [_line(name) + (f" ({_line(what)})" if what else "") for name, what in found[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    words = f"found: {', '.join(named)}{more}" if named else "nothing was read; an example"
    return f"  # {key}: {value}".ljust(34) + f" # {words}"


def _line(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:60]
