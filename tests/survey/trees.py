"""Small hand-made trees: what the git edge would hand over, without git."""

from __future__ import annotations

from collections.abc import Mapping

from bot.edges import _yaml_child
from bot.edges.yaml_reader import Documents, admitted
from bot.model.tree import Link, Tree, Unread, YamlDocument


class PlainYamlReader:
    """``ports.YamlReader`` without a child process; held to the same contract as the real one."""

    def read(self, files: Mapping[str, bytes]) -> tuple[Documents, tuple[Unread, ...]]:
        wanted, unread = admitted(files)
        documents: Documents = {}
        for path, data in wanted:
            verdict = _yaml_child.verdict(data)
            if "reason" in verdict:
                unread.append(Unread(path=path, reason=verdict["reason"]))
            else:
                documents[path] = tuple(YamlDocument(value=value, lines=lines) for value, lines in verdict["documents"])
        return documents, tuple(sorted(unread, key=lambda item: item.path))


def tree_of(
    files: Mapping[str, str], *, name: str = "shop", part: str = "", links: tuple[Link, ...] = (),
    unread: tuple[Unread, ...] = (),
) -> Tree:  # fmt: skip
    """A tree in which everything was selected and read."""
    yaml = {path: text.encode() for path, text in files.items() if path.endswith((".yaml", ".yml"))}
    documents, refused = PlainYamlReader().read(yaml)
    return Tree(
        name=name, ref="main", commit="c" * 40, part=part, paths=tuple(sorted(files)), texts=dict(files), yaml=documents,
        links=links, unread=(*unread, *refused),
    )  # fmt: skip
