"""A head start for a YAML reader that needs one, while git is still asking the remote.

In: any reader. Out: the reader to use, for the length of a block. Never: a demand; a reader that cannot warm up is used
as it is.
"""

from __future__ import annotations

import contextlib
from typing import Protocol, runtime_checkable

from bot.ports import YamlReader


@runtime_checkable
class WarmYaml(Protocol):
    """A reader with something slow to start."""

    def warm(self) -> contextlib.AbstractContextManager[YamlReader]:
        """The same reader, started ahead; whatever was started ends with the block."""


def warmed(yaml: YamlReader) -> contextlib.AbstractContextManager[YamlReader]:
    """The reader for one reading of a repository."""
    return yaml.warm() if isinstance(yaml, WarmYaml) else contextlib.nullcontext(yaml)
