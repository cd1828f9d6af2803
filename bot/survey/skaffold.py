"""What skaffold builds: images with their contexts and Dockerfiles.

In: parsed ``skaffold.yaml`` files. Out: ``Artifact``s. Never: profiles, patches, hooks.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.model.noun import Noun
from bot.model.profile import Evidence
from bot.model.tree import Tree
from bot.survey.places import base_of, folder_of, join
from bot.survey.yaml_view import roots


class Artifact(Noun):
    """One image that skaffold builds."""

    image: str
    context: str
    dockerfile: str
    target: str | None = None
    evidence: Evidence


def read_artifacts(tree: Tree) -> tuple[Artifact, ...]:
    """The artifacts of all skaffold files, each image once."""
    found: dict[str, Artifact] = {}
    for path in sorted(tree.yaml):
        if base_of(path) in {"skaffold.yaml", "skaffold.yml"}:
            for artifact in _artifacts(tree, path):
                found.setdefault(artifact.image, artifact)
    return tuple(found.values())


def _artifacts(tree: Tree, path: str) -> Iterator[Artifact]:
    for root in roots(path, tree.yaml[path]):
        for item in root.at("build", "artifacts").each():
            image, docker = item["image"].text, item["docker"]
            context = join(folder_of(path), item["context"].text or ".")
            file = join(context, docker["dockerfile"].text or "Dockerfile") if context is not None else None
            if image and context is not None and file is not None:
                yield Artifact(
                    image=image, context=context, dockerfile=file, target=docker["target"].text,
                    evidence=item.evidence(f"artifact {image[:80]}"),
                )  # fmt: skip
