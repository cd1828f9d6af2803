"""Which stacks a commit concerns: the folders below ``apps/`` and ``clusters/`` that it touched.

In: paths of two commits. Out: ``Stack``s, clusters before applications. Never: a look at what a file says, except
whether a tombstone names data disks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from bot.deploy import Checkout
from bot.model.stack import REMOVED, Stack

_ROOT: Final = re.compile(r"(?P<root>(?:apps|clusters)/(?P<name>[a-z](?:[-a-z0-9]{0,50}[a-z0-9])?))/", re.ASCII)


def changed_stacks(checkout: Checkout, *, base: str | None, head: str) -> tuple[Stack, ...]:
    """The stacks that differ between two commits; without a base, every stack of ``head``."""
    touched = dict.fromkeys(match["root"] for path in checkout.changed(base, head) if (match := _ROOT.match(path)))
    found = [stack_at(checkout, root, head=head, base=base) for root in touched]
    return in_order(found)


def in_order(stacks: Iterable[Stack]) -> tuple[Stack, ...]:
    """Clusters before the applications that may run on them."""
    return tuple(sorted(stacks, key=lambda stack: (not stack.root.startswith("clusters/"), stack.root)))


def stack_at(checkout: Checkout, root: str, *, head: str, base: str | None) -> Stack:
    """One folder as it stands at a commit."""
    now = set(checkout.paths(head, root))
    before = set(checkout.paths(base, root)) if base is not None else set()
    tombstone = f"{root}/{REMOVED}" in now
    gone = tombstone or not now
    lives = before if gone else now
    return Stack(
        root=root,
        name=root.split("/")[1],
        commit=head,
        base=base,
        change="removed" if gone else "changed" if f"{root}/plan.json" in before else "added",
        terraform=any(_below(path, root, "terraform") for path in lives),
        manifests=f"{root}/kubernetes/kustomization.yaml" in lives,
        playbook=f"{root}/ansible/site.yml" in lives,
        tombstone=tombstone,
        data=tombstone and _names_data(checkout.text(head, f"{root}/{REMOVED}")),
    )


def lost_manifests(checkout: Checkout, stack: Stack) -> bool:
    """Whether the stack had workloads before and has none now, so that they have to go."""
    kustomization = f"{stack.root}/kubernetes/kustomization.yaml"
    return stack.base is not None and not stack.manifests and kustomization in checkout.paths(stack.base, stack.root)


def _below(path: str, root: str, folder: str) -> bool:
    return path.startswith(f"{root}/{folder}/") and path.endswith(".tf")


def _names_data(text: str | None) -> bool:
    try:
        told = json.loads(text or "")
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("data") is True
