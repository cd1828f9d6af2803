"""A stack's Terraform may hold what the bot writes and nothing that runs code, before terraform is started at all.

In: the stack's files as they lie in a folder. Out: nothing, or Refused(policy). Never: a start of terraform with a
provisioner, an external data source, a foreign provider or a module from elsewhere, whoever wrote it.
"""

from __future__ import annotations

from pathlib import Path

from bot.checks.bundle import read_bundle
from bot.checks.terraform_policy import forbidden, provider
from bot.errors import Code, Refusal, Refused
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.config import Config
from bot.model.document import Document
from bot.model.plan import Plan
from bot.model.stack import Stack


def check_terraform(stack: Stack, folder: Path, document: Document, *, config: Config) -> None:
    """Raises Refused(policy) for the first thing that the bot would never write, Refused(config) without a state."""
    if not stack.terraform:
        return
    if not (folder / "terraform" / "backend.tf").is_file() or config.state is None:
        raise Refused(_stateless(stack))
    files = tuple(
        RenderedFile(path=f"{stack.root}/terraform/{path.name}", content=path.read_text(encoding="utf-8"))
        for path in sorted((folder / "terraform").glob("*.tf"))
    )
    plan = Plan.model_validate(document.plan.model_dump(by_alias=True))
    bundle = read_bundle(ChangeSet(root=stack.root, files=files), plan=plan, config=config)
    for finding in (*forbidden(bundle), *provider(bundle)):
        if finding.severity == "block":
            raise Refused(
                Refusal(
                    code=Code.POLICY,
                    message=f"{finding.path}: {finding.message}",
                    remedy="Terraform was not started. Only files as the bot writes them are planned and applied.",
                )
            )


def _stateless(stack: Stack) -> Refusal:
    return Refusal(
        code=Code.CONFIG,
        message=f"{stack.root} has no place for Terraform's state, so a second run would make every machine again.",
        remedy="Set `state` in .ai-provision.yaml (http, s3, pg, kubernetes; docs/configuration.md), then give "
        "/ai-provision again: it writes backend.tf.",
    )
