"""What the fork server of ``rig`` loads before it forks: the worker's modules, and the tables that one plan fills.

In: nothing, by being imported. Out: a process whose children start with grammars, schemas and templates read. Never: a
thread, a database, a connection: a fork would give them to two processes.
"""

from __future__ import annotations

import gc
import threading

from bot import app
from bot.flow.preview import Preview, preview
from bot.flow.steps import Straight
from bot.model.command import FolderTarget, Provision
from bot.model.config import Config
from bot.settings import read_settings
from tests.durable import rig  # noqa: F401 - the worker is in it
from tests.fakes.house import DESCRIPTION, SUPERMARKET, snapshot


def plan_once() -> None:
    """One plan of the example by the rooms that the worker uses, from a cluster that was written down."""
    rooms = app.build_house(read_settings({}), inventory=app.SnapshotInventory(snapshot()))
    planned = preview(
        Provision(target=FolderTarget(folder=str(SUPERMARKET)), app_description=DESCRIPTION),
        rooms,
        steps=Straight(clock=rooms.clock),
        config=Config(),
        when_unreachable="go-on",
        progress=lambda _: None,
    )
    assert isinstance(planned, Preview), planned


plan_once()
assert threading.active_count() == 1, threading.enumerate()
gc.collect()
gc.freeze()  # a collection in a child would copy every page of what is here
