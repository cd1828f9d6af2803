"""Every noun is frozen, strict, closed, and survives JSON."""

import importlib
import inspect
import pkgutil

import pytest
from pydantic import ValidationError

import bot.model
from bot.model.changes import ChangeSet, RenderedFile
from bot.model.command import FolderTarget, RepoTarget
from bot.model.config import Config
from bot.model.noun import Noun
from bot.model.plan import Storage
from bot.model.quantity import Bytes


def all_nouns() -> list[type[Noun]]:
    modules = [importlib.import_module(f"bot.model.{info.name}") for info in pkgutil.iter_modules(bot.model.__path__)]
    found = {member for module in modules for _, member in inspect.getmembers(module, inspect.isclass)}
    return sorted((member for member in found if issubclass(member, Noun)), key=lambda noun: noun.__name__)


@pytest.mark.parametrize("noun", all_nouns(), ids=lambda noun: noun.__name__)
def test_every_noun_is_frozen_strict_and_closed(noun: type[Noun]) -> None:
    assert noun.model_config.get("frozen")
    assert noun.model_config.get("strict")
    assert noun.model_config.get("extra") == "forbid"
    assert noun.__doc__


def test_strict_means_no_coercion() -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({"limits": {"max_replicas": "5"}})


def test_closed_means_no_unknown_field() -> None:
    with pytest.raises(ValidationError):
        RepoTarget.model_validate({"host": "github.com", "owner": "a", "name": "b", "token": "x"})


def test_frozen_means_no_assignment() -> None:
    target = FolderTarget(folder="/tmp")
    with pytest.raises(ValidationError):
        target.folder = "/etc"  # type: ignore[misc]


def test_the_default_config_survives_json() -> None:
    assert Config.model_validate_json(Config().model_dump_json()) == Config()


def test_a_keyword_field_keeps_its_public_name() -> None:
    storage = Storage(size=Bytes.of_gib(1), storage_class="fast")
    assert storage.model_dump_json(by_alias=True) == '{"size":"1Gi","class":"fast"}'
    assert Storage.model_validate_json('{"size":"1Gi","class":"fast"}') == storage


@pytest.mark.parametrize(
    "path", ["apps/other/x", "apps/shop/../other/x", "/etc/passwd", ".github/workflows/x.yml", "apps/shop"]
)
def test_a_change_set_holds_nothing_outside_its_root(path: str) -> None:
    with pytest.raises(ValidationError):
        ChangeSet(root="apps/shop", files=(RenderedFile(path=path, content=""),))


def test_a_change_set_is_sorted_and_unique() -> None:
    first, second = RenderedFile(path="apps/shop/b", content=""), RenderedFile(path="apps/shop/a", content="")
    with pytest.raises(ValidationError):
        ChangeSet(root="apps/shop", files=(first, second))
    with pytest.raises(ValidationError):
        ChangeSet(root="apps/shop", files=(first, first))
