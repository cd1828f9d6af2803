"""The docs say what is true: schemas, reason codes, settings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from pydantic import BaseModel

from bot.errors import Code, Refusal
from bot.model.config import Config
from bot.settings import Settings
from tests.tools.make_schemas import FOLDER, schemas, text_of

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize(("name", "schema"), schemas().items(), ids=list(schemas()))
def test_the_published_schema_is_current_and_valid(name: str, schema: dict[str, object]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (FOLDER / name).read_text() == text_of(schema), "run: python -m tests.tools.make_schemas"


def documented_codes() -> dict[str, str]:
    page = (ROOT / "docs" / "errors.md").read_text()
    return {row[1]: row[2] for row in re.finditer(r"^\| `([a-z-]+)` \|.*\| ([0-9–]) \|$", page, re.MULTILINE)}


@pytest.mark.parametrize("code", list(Code))
def test_every_reason_code_is_documented_with_its_exit_code(code: Code) -> None:
    exit_code = documented_codes()[code]
    if exit_code != "–":
        assert int(exit_code) == Refusal(code=code, message="m", remedy="r").exit_code


def test_no_documented_code_is_invented() -> None:
    assert set(documented_codes()) == {str(code) for code in Code}


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    for field in Settings.model_fields.values():
        for name in field.validation_alias.choices:  # type: ignore[union-attr]
            assert f"`{name}`" in page, name


def config_keys(noun: type[BaseModel] = Config) -> Iterator[str]:
    """Every leaf key of the config file, such as ``defaults.dns.servers``."""
    for name, field in noun.model_fields.items():
        inner = [part for part in (field.annotation, *get_args(field.annotation)) if isinstance(part, type)]
        nouns = [part for part in inner if issubclass(part, BaseModel)]
        yield from (f"{name}.{key}" for key in config_keys(nouns[0])) if nouns else (name,)


@pytest.mark.parametrize("key", list(config_keys()))
def test_every_key_of_the_config_file_is_documented(key: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    below_the_section = f".{key.partition('.')[2]}"
    assert f"`{key}`" in page or ("." in key and f"`{below_the_section}`" in page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), target


WORKFLOWS = [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / "action.yml"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned_and_carry_no_expression_in_a_shell(workflow: Path) -> None:
    text = workflow.read_text()
    for used in re.findall(r"uses:\s*(\S+)", text):
        assert used.startswith(("./", "$/")) or re.search(r"@[0-9a-f]{40}$", used), used
    for script in re.findall(r"run: (?:\|\n((?:\s{8,}.*\n?)+)|(.*))", text):
        assert "${{" not in "".join(script)
