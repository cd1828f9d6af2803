"""Storage of a service that keeps state in its own files.

In: demand, snapshot, config. Out: ``Storage`` with its decision. Never: a path that nobody showed.
"""

from __future__ import annotations

from typing import Final

from bot.model.cluster import ClusterSnapshot
from bot.model.config import Config
from bot.model.decision import Decision
from bot.model.demand import Demand
from bot.model.plan import Storage
from bot.model.quantity import Bytes
from bot.planning.record import Notes, note, warn

DEFAULT_SIZE: Final = Bytes.of_gib(1)


def storage_of(name: str, *, demand: Demand, snapshot: ClusterSnapshot, config: Config) -> tuple[Storage, Notes]:
    """The stated data size, or 1 GiB; the config's class, or the cluster's default class."""
    stated_size = demand.data is not None and demand.data > 0
    size = demand.data if demand.data is not None and stated_size else DEFAULT_SIZE
    storage_class = config.defaults.storage_class or _default_class(snapshot)
    decision = Decision(
        path=f"services.{name}.storage.size",
        value=size.to_k8s(),
        origin="user" if stated_size else "rule",
        why="the description states the size of the data"
        if stated_size
        else "nobody stated a size: 1 GiB to start with",
        source="app_description" if stated_size else "sizing, what is not stated",
        tag="user" if stated_size else "P",
    )
    notes = Notes(decisions=(decision,)) + _about_class(name, storage_class, snapshot=snapshot)
    if not stated_size:
        notes += note(
            "storage-size-assumed",
            f"Service {name} keeps files, and nobody stated how much: 1 GiB was taken.",
            remedy="State the size, for example `20 GB data`.",
        )
    return Storage(size=size, storage_class=storage_class), notes


def _default_class(snapshot: ClusterSnapshot) -> str | None:
    classes = sorted(store.name for store in snapshot.stores if store.system == "kubernetes" and store.default)
    return classes[0] if classes else None


def _about_class(name: str, storage_class: str | None, *, snapshot: ClusterSnapshot) -> Notes:
    if storage_class is not None or snapshot.kubernetes is None:
        return Notes()
    return warn(
        "no-storage-class",
        f"Service {name} needs a volume, and the cluster has no default storage class.",
        remedy="Set defaults.storage_class in .ai-provision.yaml, or mark a class as default.",
    )
