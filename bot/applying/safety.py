"""A stack's Terraform may hold what the bot writes and nothing that runs code, before terraform is started at all.

In: the stack's files as they lie in a folder. Out: nothing, or Refused(policy). Never: a start of terraform with a
provisioner, an external data source, a foreign provider or a module from elsewhere, whoever wrote it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bot.checks.bundle import read_bundle
from bot.checks.terraform_policy import forbidden, provider
from bot.errors import Code, Refusal, Refused
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.config import Config
from bot.model.document import Document
from bot.model.plan import Plan
from bot.model.stack import Stack
from bot.rendering.backend import backend_tf

_NAMES: Final = re.compile(r"[a-z][a-z_]{0,40}\.tf|app\.auto\.tfvars\.json|\.terraform\.lock\.hcl", re.ASCII)


def check_terraform(stack: Stack, folder: Path, document: Document, *, config: Config) -> None:
    """Raises Refused(policy) for the first thing that the bot would never write, Refused(config) without a state."""
    if not stack.terraform:
        return
    if not (folder / "terraform" / "backend.tf").is_file() or config.state is None:
        raise Refused(_stateless(stack))
    files = _texts(stack, folder / "terraform")
    _own_backend(stack, files, backend_tf(config.state, stack.root))
    plan = Plan.model_validate(document.plan.model_dump(by_alias=True))
    bundle = read_bundle(ChangeSet(root=stack.root, files=files), plan=plan, config=config)
    for broken in bundle.unparsed:
        raise Refused(_never_written(broken.path, f"it cannot be read: {broken.reason}"))
    for finding in (*forbidden(bundle), *provider(bundle)):
        if finding.severity == "block":
            raise Refused(_never_written(finding.path or stack.root, finding.message))


def _own_backend(stack: Stack, files: tuple[RenderedFile, ...], wanted: str) -> None:
    """The backend is the config file's: one of somebody else's would be handed the state and its credentials."""
    written = next((file.content for file in files if file.path.endswith("/backend.tf")), "")
    if written != wanted:
        raise Refused(
            Refusal(
                code=Code.POLICY,
                message=f"{stack.root}/terraform/backend.tf is not what `state` of .ai-provision.yaml says.",
                remedy="Terraform was not started. Give /ai-provision again: it writes the file anew. To move a state, "
                "run `terraform init -migrate-state` by hand first.",
            )
        )


def _texts(stack: Stack, terraform: Path) -> tuple[RenderedFile, ...]:
    """The ``.tf`` files. Terraform reads more (JSON syntax, overrides, a committed ``.terraform``), so that a file of
    another name is refused, wherever it lies below the folder.
    """
    found = []
    for path in sorted(path for path in terraform.rglob("*") if not path.is_dir()):
        name, shown = path.relative_to(terraform).as_posix(), f"{stack.root}/terraform/{path.relative_to(terraform)}"
        if not _NAMES.fullmatch(name) or name.endswith("override.tf"):
            raise Refused(_never_written(shown, "the bot writes no file of this name."))
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise Refused(_never_written(shown, "it is not UTF-8 text.")) from None
        if name.endswith(".tf"):
            found.append(RenderedFile(path=shown, content=text))
    return tuple(found)


def _never_written(path: str, why: str) -> Refusal:
    return Refusal(
        code=Code.POLICY,
        message=f"{path}: {why}",
        remedy="Terraform was not started. Only files as the bot writes them are planned and applied.",
    )


def _stateless(stack: Stack) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"{stack.root} has no place for Terraform's state, so a second run would make every machine again.",
        remedy="Set `state` in .ai-provision.yaml (http, s3, pg, kubernetes; docs/configuration.md), then give "
        "/ai-provision again: it writes backend.tf.",
    )
