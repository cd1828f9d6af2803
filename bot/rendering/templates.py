"""Loads the templates: layout and fixed words only, values come from the serialisers or through an escaper.

In: the name of a template and what it shows. Out: text. Never: an undefined variable, automatic HTML, a template from a
repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

from bot.rendering.shown import code, words

PACKAGED: Final = "_templates"


def template_root() -> Traversable:
    """The folder of the templates: inside the wheel, or beside the package in a checkout."""
    packaged = resources.files("bot").joinpath(PACKAGED)
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "templates"


def fill(name: str, shown: Mapping[str, object]) -> str:
    """One filled template, ending in exactly one line break. Raises jinja2.UndefinedError for a missing value."""
    return _environment().get_template(name).render(shown).strip("\n") + "\n"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_read),
        autoescape=select_autoescape(()),  # Markdown and HCL, not HTML: every value passes an explicit escaper
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["code"] = code
    made.filters["words"] = words
    return made


def _read(name: str) -> str:
    return template_root().joinpath(*name.split("/")).read_text(encoding="utf-8")
