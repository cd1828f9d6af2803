"""What a removal leaves in the repository: a tombstone in place of the folder, or the data disks alone.

In: the plan of what runs, whether its data goes too. Out: ``Removal``. Never: a data disk that was not named.
"""

from __future__ import annotations

from typing import Final

from bot.errors import Code, Refusal
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.document import Document
from bot.model.plan import Machine, Plan
from bot.model.removal import Removal
from bot.model.stack import REMOVED
from bot.rendering.data_text import json_text
from bot.rendering.files import render
from bot.rendering.scene import Scene

FOLDERS: Final = ("apps", "clusters")


def removal_of(document: Document, *, data: bool, config: Config) -> Removal | Refusal:
    """Take everything away, or everything but the machines with data disks."""
    plan = document.plan
    holding = tuple(machine for machine in plan.machines if machine.data_disks)
    kept = () if data else holding
    if kept and not plan.services and len(kept) == len(plan.machines):
        return _only_data(plan.app, kept)
    return Removal(
        document=document,
        changes=_remaining(document, kept, config=config) if kept else _tombstone(plan.root, data=data),
        data=data,
        destroyed=tuple(machine for machine in plan.machines if machine not in kept),
        kept=kept,
        claims=tuple(service.name for service in plan.services if service.storage is not None),
    )


def _tombstone(root: str, *, data: bool) -> ChangeSet:
    """One small file: a vanished folder alone destroys nothing."""
    text = json_text({"schema_version": 1, "removed": root, "data": data})
    return ChangeSet(root=root, files=(RenderedFile(path=f"{root}/{REMOVED}", content=text),))


def _remaining(document: Document, kept: tuple[Machine, ...], *, config: Config) -> ChangeSet:
    """The same stack with its data machines alone, rendered anew."""
    names = {machine.name for machine in kept}
    fewer = document.plan.model_copy(
        update={
            "services": (),
            "machines": kept,
            "placement": tuple(each for each in document.plan.placement if each.name in names),
        }
    )
    plan = Plan.model_validate(
        {
            **{name: getattr(fewer, name) for name in type(document.plan).model_fields},
            "decisions": tuple(each for each in document.decisions if not each.path.startswith("services.")),
        }
    )
    cluster = document.cluster
    snapshot = ClusterSnapshot(
        taken_at=cluster.taken_at, nodes=cluster.nodes, stores=cluster.stores, missing=cluster.missing
    )
    return render(
        Scene(
            request=document.request,
            demand=document.demand,
            profile=document.profile.model_copy(update={"services": ()}),
            snapshot=snapshot,
            plan=plan,
            config=config,
        )
    )


def _only_data(app: str, kept: tuple[Machine, ...]) -> Refusal:
    named = ", ".join(machine.name for machine in kept)
    return Refusal(
        code=Code.POLICY,
        message=f"Everything that is left of {app} holds data: {named}.",
        remedy=f"To destroy the data too, write the second word: /ai-destroy {app} data",
        example=f"/ai-destroy {app} data",
    )
