"""Tells an application from a collection of unrelated samples.

In: a tree and its sources. Out: the folder to read instead, and the question to ask. Never: stacks merged that have
nothing to do with each other.
"""

from __future__ import annotations

from typing import Final

from bot.model.noun import Noun
from bot.model.profile import Doubt, Evidence
from bot.model.tree import Tree
from bot.survey.dockerfile_choice import is_aside_of
from bot.survey.places import folder_of, is_below
from bot.survey.sources import Sources

MIN_STACKS: Final = 3
MIN_DOCKERFILES: Final = 8
MIN_PARENTS: Final = 3


class Collection(Noun):
    """The folders of a collection; the first one is what is read."""

    folders: tuple[str, ...]
    evidence: Evidence

    def doubt(self, tree: Tree) -> Doubt:
        """The one question, with an answer that can be copied."""
        first = self.folders[0]
        listed = ", ".join(self.folders[:8]) + (" and more" if len(self.folders) > 8 else "")
        return Doubt(
            path="request.git_repo",
            question=f"{tree.name} holds {len(self.folders)} applications ({listed}). Which sub-folder is meant?",
            assumed=first,
            answer=f"git_repo: the same address followed by /tree/{tree.ref or 'main'}/{first}",
            evidence=(self.evidence,),
        )


def collection_of(tree: Tree, sources: Sources) -> Collection | None:
    """Three or more compose stacks side by side, or many scattered Dockerfiles that nothing ties together."""
    stacks = [stack for stack in sources.stacks if not is_aside_of(stack.file, tree.part)]
    if len(stacks) >= MIN_STACKS and all(stack.folder != tree.part for stack in stacks):
        folders = tuple(sorted(stack.folder for stack in stacks))
        return Collection(folders=folders, evidence=Evidence(path=min(stack.file for stack in stacks), line=1))
    if sources.stacks or sources.artifacts:
        return None
    inside = [path for path in sources.dockerfiles if is_below(path, tree.part)]
    dockerfiles = [path for path in inside if not is_aside_of(path, tree.part)]
    folders = tuple(sorted({folder_of(path) for path in dockerfiles}))
    parents = {folder_of(folder) for folder in folders}
    if len(folders) < MIN_DOCKERFILES or len(parents) < MIN_PARENTS or tree.part in folders:
        return None
    return Collection(folders=folders, evidence=Evidence(path=min(dockerfiles), line=1))
